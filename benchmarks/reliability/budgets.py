"""Does a fit with a budget of 5 to 30 s end in time, and does its predictor predict?

    python benchmarks/reliability/budgets.py --data ../shared/data --fits 200 \\
        --out benchmarks/results/budgets.json

During half of the fits other processes keep all cores busy. Tables and budgets are drawn by a seed.
The file is written after every fit; fits that it holds already are skipped.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from random import Random

from _common import AUTOML, Data, gone, hogs, tables, with_mark, write


def one(data: Data, budget: float, busy: bool) -> dict[str, object]:
    """Run one fit, and a predict when the cores are free again."""
    work = Path(tempfile.mkdtemp(prefix="budget-"))
    mark = work.name
    try:
        with hogs(os.cpu_count() or 1) if busy else nullcontext():
            command = [
                AUTOML,
                "fit",
                *data.words,
                "--budget",
                f"{budget:g}s",
                "--output",
                str(work / "run"),
                "-q",
            ]
            started = time.monotonic()
            fit = subprocess.run(
                command, capture_output=True, text=True, check=False, env=with_mark(mark)
            )
            seconds = time.monotonic() - started
        said = subprocess.run(
            [AUTOML, "predict", str(work / "run"), data.path, "--output", str(work / "p.csv")],
            capture_output=True,
            text=True,
            check=False,
        )
        row: dict[str, object] = {
            "table": data.name,
            "budget": budget,
            "busy": busy,
            "seconds": round(seconds, 2),
        }
        row |= {
            "exit": fit.returncode,
            "predict_exit": said.returncode,
            "processes_left": not gone(mark),
        }
        if fit.returncode or said.returncode:
            row["error"] = (fit.stderr + said.stderr).strip()[-300:]
        board = work / "run" / "leaderboard.csv"
        return row | {
            "candidates": len(board.read_text().splitlines()) - 1 if board.exists() else 0
        }
    finally:
        shutil.rmtree(work, ignore_errors=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--fits", type=int, default=200)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = Random(20261124)
    known = tables(args.data)
    order = [known[place % len(known)] for place in range(args.fits)]
    rng.shuffle(order)
    plan = [
        (data, float(rng.choice([5, 6, 8, 10, 12, 15, 20, 30])), place % 2 == 1)
        for place, data in enumerate(order)
    ]
    found = json.loads(args.out.read_text()) if args.out.exists() else []
    for data, budget, busy in plan[len(found) :]:
        found.append(one(data, budget, busy))
        write(args.out, found)
        row = found[-1]
        print("LATE" if row["seconds"] > budget else "", json.dumps(row), flush=True)
    late = [row for row in found if row["seconds"] > row["budget"]]
    failed = [row for row in found if row["exit"] or row["predict_exit"] or row["processes_left"]]
    worst = max(row["seconds"] / row["budget"] for row in found)
    n_busy = sum(row["busy"] for row in found)
    print(
        f"{len(found)} fits, {n_busy} on a busy machine: "
        f"{len(late)} late, worst {worst:.3f}, {len(failed)} failed"
    )


if __name__ == "__main__":
    main()
