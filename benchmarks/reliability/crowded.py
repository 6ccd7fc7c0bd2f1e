"""Does a fit of 5 to 30 s end in time with a model while six other processes keep cores busy?

    python benchmarks/reliability/crowded.py --data ../shared/data --out /tmp/crowded.jsonl
    python benchmarks/reliability/crowded.py --out /tmp/crowded.jsonl --summary

One line of JSON a fit; fits that the file holds already are skipped. Python's byte code is kept in
a folder of its own, since an installed package has it: compiling it anew would be half of a short
run's processor time.

The required result: no fit is late; no fit of 10 s or more ends with the constant, nor does one of
5 s on up to 10 000 rows; a fit that ends with the constant has exit code 3 and a reason.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
from _common import AUTOML, Data, gone, hogs, tables, with_mark

BUSY = 6  # processes
BUDGETS = (5, 6, 8, 10, 12, 15, 20, 30)  # seconds
NAMES = (
    "boston",
    "cmc",
    "vehicle",
    "credit_g",
    "wine_quality_white",
    "churn",
    "spambase",
    "elevators",
    "letter",
    "adult",
    "diamonds",
)
GENERATED_ROWS = 300_000
NO_MODEL = 3
MANY_ROWS = 10_000  # up to which a model must answer after 5 s


def large_table(folder: Path) -> Data:
    """A table of 300 000 rows with numbers, categories and missing values, made once."""
    path = folder / f"generated-{GENERATED_ROWS}.csv"
    if not path.exists():
        rng = np.random.default_rng(7)
        frame = pd.DataFrame(
            {f"x{place}": rng.normal(size=GENERATED_ROWS).round(3) for place in range(10)}
        )
        for place, levels in enumerate((4, 12, 60)):
            frame[f"c{place}"] = rng.integers(0, levels, GENERATED_ROWS).astype(str)
            frame[f"c{place}"] = "level " + frame[f"c{place}"]
        score = (
            frame["x0"]
            - frame["x1"] * (frame["c0"] == "level 1")
            + np.sin(frame["x2"])
            + rng.normal(size=GENERATED_ROWS)
        )
        frame["y"] = np.where(score > 0.5, "yes", "no")
        frame.loc[rng.random(GENERATED_ROWS) < 0.1, "x3"] = np.nan
        frame.to_csv(path, index=False)
    return Data("generated", str(path), "y", "binary", ())


def rows_of(path: str) -> int:
    """Return how many lines a file has below its header."""
    with gzip.open(path, "rb") if path.endswith(".gz") else open(path, "rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1


def answers(run: Path) -> list[str]:
    """Return the families that answer."""
    board = run / "leaderboard.csv"
    if not board.exists():
        return []
    with open(board, encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["id"] != "ensemble"]
    return [f"{row['family']} ({row['stage']})" for row in rows if float(row["weight"] or 0) > 0]


def one(data: Data, budget: float, home: Path) -> dict[str, object]:
    """Run one fit on busy cores, and a predict when they are free again."""
    work = Path(tempfile.mkdtemp(prefix="crowded-", dir=home))
    mark = work.name
    environment = with_mark(mark) | {"PYTHONPYCACHEPREFIX": str(home / "bytecode")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        with hogs(BUSY):
            time.sleep(0.5)
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
                command, capture_output=True, text=True, check=False, env=environment
            )
            seconds = time.monotonic() - started
            load = os.getloadavg()[0]
        words = [AUTOML, "predict", str(work / "run"), data.path, "--output", str(work / "p.csv")]
        said = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
        return {
            "table": data.name,
            "rows": rows_of(data.path),
            "budget": budget,
            "seconds": round(seconds, 2),
            "load": round(load, 1),
            "exit": fit.returncode,
            "predict_exit": said.returncode,
            "processes_left": not gone(mark),
            "answers": answers(work / "run"),
            "said": (fit.stderr if fit.returncode else "").strip()[-300:],
        }
    finally:
        shutil.rmtree(work, ignore_errors=True)


def plan(known: list[Data], fits: int) -> Iterator[tuple[Data, float]]:
    """Yield each table with budgets of every length, drawn by a seed."""
    rng = Random(20261129)
    pairs = [
        (known[place % len(known)], float(BUDGETS[place % len(BUDGETS)])) for place in range(fits)
    ]
    rng.shuffle(pairs)
    yield from pairs


def is_constant(row: dict[str, object]) -> bool:
    """Return whether no model answers."""
    return row["exit"] == NO_MODEL or not row["answers"]


def summary(found: list[dict[str, object]]) -> str:
    """Summarise the results in a few lines."""
    late = [row for row in found if float(str(row["seconds"])) > float(str(row["budget"]))]
    constants = [row for row in found if is_constant(row)]
    due = [
        row
        for row in constants
        if float(str(row["budget"])) >= 10 or int(str(row["rows"])) <= MANY_ROWS
    ]
    wrong = [
        row
        for row in found
        if row["exit"] not in (0, NO_MODEL) or row["predict_exit"] or row["processes_left"]
    ]
    counts = f"{len(late)} late, {len(constants)} constants ({len(due)} that should not be)"
    lines = [
        f"{len(found)} fits: {counts}, {len(wrong)} wrong",
        *(f"LATE     {json.dumps(row)}" for row in late),
        *(f"CONSTANT {json.dumps(row)}" for row in constants),
        *(f"WRONG    {json.dumps(row)}" for row in wrong),
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="A folder of tables with cards.")
    parser.add_argument("--names", default=",".join(NAMES), help="Tables of it, with commas.")
    parser.add_argument("--fits", type=int, default=60)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--home",
        type=Path,
        default=Path(tempfile.gettempdir()) / "crowded",
        help="Where runs and byte code lie.",
    )
    parser.add_argument("--summary", action="store_true", help="Only summarise the results.")
    args = parser.parse_args()
    found = (
        [json.loads(line) for line in args.out.read_text().splitlines()]
        if args.out.exists()
        else []
    )
    if not args.summary:
        args.home.mkdir(parents=True, exist_ok=True)
        chosen = args.names.split(",")
        known = [data for data in tables(args.data) if data.name in chosen] + [
            large_table(args.home)
        ]
        with open(args.out, "a", encoding="utf-8") as lines:
            for data, budget in list(plan(known, args.fits))[len(found) :]:
                row = one(data, budget, args.home)
                found.append(row)
                lines.write(json.dumps(row) + "\n")
                lines.flush()
                print(json.dumps(row), flush=True)
    print(summary(found))


if __name__ == "__main__":
    main()
