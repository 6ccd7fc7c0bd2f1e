"""Do equal seeds and `--trials` give equal runs for any `--jobs`?

    python benchmarks/reliability/any_jobs.py --data ../shared/data --tasks cmc,boston,credit_g \\
        --out benchmarks/results/any-jobs.json

Predictors are compared byte for byte, and so are every trial's losses.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from pathlib import Path

from _common import AUTOML, Data, tables, write

from automl.event_log import replay
from automl.files import sha256

JOBS = (1, 2, 3)


def one(data: Data, trials: int) -> dict[str, object]:
    """Fit a table with every number of cores, and compare the runs."""
    home = Path(tempfile.mkdtemp(prefix="jobs-"))
    try:
        found = []
        for jobs in JOBS:
            run = home / str(jobs)
            folds = ["--set", "clean.folds=3", "--set", "clean.repeats=1"]
            words = [
                "--trials",
                str(trials),
                "--seed",
                "3",
                "--jobs",
                str(jobs),
                *folds,
                "--output",
                str(run),
                "-q",
            ]
            said = subprocess.run(
                [AUTOML, "fit", *data.words, *words], capture_output=True, text=True, check=False
            )
            if said.returncode:
                return {"table": data.name, "error": said.stderr.strip()[-300:]}
            study = replay(run)
            losses = {name: sorted(trial.losses.items()) for name, trial in study.trials.items()}
            found.append((sha256(run / "predictor.automl"), losses, dict(study.weights)))
        families = sorted({trial.candidate.family for trial in study.trials.values()})
        return {
            "table": data.name,
            "equal": all(one == found[0] for one in found),
            "trials": len(losses),
            "families": families,
        }
    finally:
        shutil.rmtree(home, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    chosen = [data for data in tables(args.data) if data.name in args.tasks.split(",")]
    found = []
    for data in chosen:
        found.append(one(data, args.trials))
        print(found[-1], flush=True)
        write(args.out, found)


if __name__ == "__main__":
    main()
