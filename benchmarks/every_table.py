"""`automl fit` with one budget on every data set of a folder: is it in time, does it predict?

    python benchmarks/every_table.py --data ../shared/data --budget 20 \\
        --out benchmarks/results/fit20.json [--only a,b]

A data set is a folder with data.csv(.gz) and card.json (target, task, drop). Nothing else should
run at the same time. The file is written after every table; tables in it already are skipped.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.candidate import Outcome

AUTOML = str(Path(sys.executable).parent / "automl")


def run(*words: str) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run one of our commands, and return its wall-clock seconds and its result."""
    started = time.monotonic()
    done = subprocess.run([AUTOML, *words], capture_output=True, text=True, check=False)
    return round(time.monotonic() - started, 2), done


def measure(folder: Path, budget: float) -> dict[str, Any]:
    """Run one fit and one predict, and return their wall-clock seconds and facts."""
    card = json.loads((folder / "card.json").read_text())
    data = str(next(p for p in (folder / "data.csv", folder / "data.csv.gz") if p.exists()))
    work = Path(tempfile.mkdtemp(prefix="every-"))
    try:
        ignore = [word for name in card.get("drop", []) for word in ("--ignore", name)]
        what = (
            "--target",
            card["target"],
            "--task",
            card["task"],
            "--budget",
            f"{budget:g}s",
            *ignore,
        )
        seconds, fit = run("fit", data, *what, "--output", str(work / "run"), "-q")
        row: dict[str, Any] = {
            "rows": card["rows"],
            "columns": card["columns"],
            "seconds": seconds,
            "exit": fit.returncode,
        }
        if fit.returncode:
            return row | {"error": fit.stderr.strip()[-300:]}
        seconds, predict = run("predict", str(work / "run"), data, "--output", str(work / "p.csv"))
        row |= {"predict_seconds": seconds, "predict_exit": predict.returncode}
        if predict.returncode:
            row["error"] = predict.stderr.strip()[-300:]
        return row | facts(work / "run")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def facts(run: Path) -> dict[str, Any]:
    """Return facts about a run from its log."""
    from automl.event_log import replay
    from automl.metrics import METRICS

    study = replay(run)
    metric = METRICS[study.known_task.metric]
    fits = [outcome for trial in study.trials.values() for outcome in trial.outcomes.values()]
    return {
        "metric": metric.name,
        "score": None if study.evaluation is None else metric.score(study.evaluation.loss),
        "folds": study.plan.folds * study.plan.repeats,
        "trials": len(study.trials),
        "fits": len(fits),
        "bad_fits": _bad_fits(fits),
        "members": len(study.weights),
        "model_mb": round((run / "predictor.automl").stat().st_size / 1e6, 2),
        "family_seconds": {
            trial.family: _mean_seconds(trial.outcomes.values()) for trial in study.trials.values()
        },
    }


def _bad_fits(fits: Iterable[Outcome]) -> list[str]:
    """Return the statuses and reasons of fits that failed, each once."""
    failed = [outcome for outcome in fits if outcome.status not in ("done", "cancelled")]
    return sorted({f"{outcome.status}: {outcome.reason}"[:90] for outcome in failed})


def _mean_seconds(outcomes: Collection[Outcome]) -> float:
    return round(sum(outcome.seconds for outcome in outcomes) / max(1, len(outcomes)), 3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--budget", type=float, default=20)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="")
    args = parser.parse_args()
    found = json.loads(args.out.read_text()) if args.out.exists() else {}
    names = (
        args.only.split(",")
        if args.only
        else sorted(p.parent.name for p in args.data.glob("*/card.json"))
    )
    for name in names:
        if name in found:
            continue
        row = found[name] = measure(args.data / name, args.budget)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps(found, indent=1) + "\n")
        print(
            name, "LATE" if row["seconds"] > args.budget else "", json.dumps(row)[:300], flush=True
        )
    seconds = [row["seconds"] for row in found.values()]
    failures = [name for name, row in found.items() if row["exit"] or row.get("predict_exit")]
    late = sum(s > args.budget for s in seconds)
    print(
        f"{len(found)} tables; late: {late}; longest {max(seconds):.2f} s; "
        f"failures: {failures or 'none'}"
    )


if __name__ == "__main__":
    main()
