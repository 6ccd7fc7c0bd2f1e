"""Does a run end well when its disk fills up, at ten different moments?

    sudo python benchmarks/reliability/full_disk.py --out benchmarks/results/full_disk.json

It must end with exit code 1 and one clear line, and files that were complete before must stay so.
Mounts a tmpfs of a size that grows from case to case, so that writing fails earlier or later. Needs
the right to mount.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from _common import AUTOML, gone, with_mark, write

SIZES = ("8k", "64k", "200k", "400k", "800k", "1500k", "2500k", "4m", "6m", "9m")
TABLE = Path(__file__).resolve().parents[2] / "datasets" / "doctor_visits" / "data.csv"
TARGET = "visits"


def one(size: str) -> dict[str, Any]:
    """Make a run on a disk of this size."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", name], check=True)
        try:
            run = Path(name) / "run"
            command = [
                AUTOML,
                "fit",
                str(TABLE),
                "--target",
                TARGET,
                "--budget",
                "20s",
                "--output",
                str(run),
                "-q",
            ]
            said = subprocess.run(
                command, capture_output=True, text=True, check=False, env=with_mark(name)
            )
            row = {
                "size": size,
                "exit": said.returncode,
                "said": said.stderr.strip()[-300:],
                "lines": said.stderr.count("\n"),
            }
            row["processes_left"] = not gone(name)
            model = run / "predictor.automl"
            row["predictor"] = model.exists()
            if model.exists():
                tried = subprocess.run(
                    [AUTOML, "predict", str(model), str(TABLE)],
                    capture_output=True,
                    text=True,
                    check=False,
                )
                row["predict_exit"] = tried.returncode
            row["half_files"] = [path.name for path in run.glob(".*")] if run.exists() else []
            return row
        finally:
            subprocess.run(["umount", name], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    found = []
    for size in SIZES:
        found.append(one(size))
        print(json.dumps(found[-1]), flush=True)
    write(args.out, found)


if __name__ == "__main__":
    main()
