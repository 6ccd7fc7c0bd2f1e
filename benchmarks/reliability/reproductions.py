"""Are runs that a clock ended reproduced bit for bit, with every family among the members?

    python benchmarks/reliability/reproductions.py --data ../shared/data --runs 30 \\
        --out benchmarks/results/reproductions.json
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from _common import AUTOML, Data, tables, write

from automl import models
from automl.event_log import replay

FAMILIES = tuple(kind.name for kind in models.FAMILIES if kind.name != "constant")
NAMES = (
    "adult",
    "airfoil",
    "boston",
    "churn",
    "cmc",
    "credit_g",
    "eucalyptus",
    "house_prices",
    "kc1",
    "midwest_survey",
    "nyc_taxis",
)
NAMES += (
    "pc4",
    "quake",
    "segment",
    "sick",
    "socmob",
    "space_ga",
    "tecator",
    "titanic",
    "vehicle",
    "wine_quality_white",
    "videogame_sales",
)


def one(data: Data, families: tuple[str, ...]) -> dict[str, Any]:
    """Make a run of 12 s, and reproduce it."""
    work = Path(tempfile.mkdtemp(prefix="again-"))
    try:
        chosen = ["--set", f"select.families={','.join(families)}"] if families else []
        fit = [
            AUTOML,
            "fit",
            *data.words,
            "--budget",
            "12s",
            "--output",
            str(work / "run"),
            "-q",
            *chosen,
        ]
        made = subprocess.run(fit, capture_output=True, text=True, check=False)
        started = time.monotonic()
        again = subprocess.run(
            [AUTOML, "reproduce", str(work / "run")], capture_output=True, text=True, check=False
        )
        study = replay(work / "run")
        return {
            "table": data.name,
            "fit_exit": made.returncode,
            "reproduce_exit": again.returncode,
            "members": dict(Counter(study.trials[name].candidate.family for name in study.weights)),
            "refits": study.finish != "bag",
            "stopped": sum(
                o.stopped for name in study.weights for o in study.trials[name].outcomes.values()
            ),
            "said": again.stdout.strip().splitlines()[-1:],
            "error": again.stderr.strip()[-300:],
            "seconds": round(time.monotonic() - started, 1),
        }
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    known = [data for data in tables(args.data) if data.name in NAMES]
    found = json.loads(args.out.read_text()) if args.out.exists() else []
    for place in range(len(found), args.runs):
        families = (FAMILIES[place % len(FAMILIES)],) if place % 2 else ()
        found.append(one(known[place % len(known)], families))
        write(args.out, found)
        print(
            "" if found[-1]["reproduce_exit"] == 0 else "DIFFERS", json.dumps(found[-1]), flush=True
        )
    members = dict(Counter(name for row in found for name in row["members"]))
    reproduced = sum(row["reproduce_exit"] == 0 for row in found)
    print(f"{len(found)} runs, {reproduced} reproduced; members by family: {members}")


if __name__ == "__main__":
    main()
