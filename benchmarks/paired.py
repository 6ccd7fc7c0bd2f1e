"""Race two commands or states of the project, side by side: one core each, at the same time.

    python benchmarks/paired.py --data ../shared/data --results FILE.jsonl --out FOLDER \
        --side before=PATH/OF/A/CHECKOUT --side after=. [--side small=.::"--max-mb 1"] \
        [--budget 60] [--fold 0] [--tables adult,churn]

All sides fit the same training rows of `../shared/bench`'s split, each pinned to a core; which
core is whose changes from table to table. A side is NAME=CHECKOUT, or NAME=CHECKOUT::OPTIONS. A row
tells the loss on the test rows, the number of fitted models, the size of the file and, where the
side's code can, the milliseconds of a row. Nothing else should run at the same time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

METRICS = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}
CLIP = 1.25  # of a ratio, so that one near-zero loss decides nothing
COUNT_MODELS = """
import sys, automl
predictor = automl.load(sys.argv[1]).predictor_
print(sum(len(member.parts) for member in predictor.members))
"""
TIME_ROWS = """
import sys
from automl.predictor import load
from automl.predictor.cost import measure_cost
from automl.table import read_table
cost = measure_cost(load(sys.argv[1]), read_table(sys.argv[2]))
print(cost.milliseconds)
"""


@dataclass(frozen=True)
class Side:
    """A checkout of the project, and further options of its fits."""

    name: str
    checkout: Path
    options: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> Side:
        name, _, rest = text.partition("=")
        checkout, _, options = rest.partition("::")
        return cls(name, Path(checkout).resolve(), tuple(shlex.split(options)))

    def popen(self, words: Sequence[str], core: int, **others: Any) -> subprocess.Popen[str]:
        environment = os.environ | {"PYTHONPATH": str(self.checkout), "OMP_NUM_THREADS": "1"}
        command = ["taskset", "-c", str(core), sys.executable, *words]
        return subprocess.Popen(command, cwd=self.checkout, env=environment, text=True, **others)

    def output(self, core: int, code: str, *words: str) -> float | None:
        process = self.popen(
            ["-c", code, *words], core, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        said, _ = process.communicate()
        return float(said) if process.returncode == 0 else None


@dataclass(frozen=True)
class Race:
    """One table, split once for all sides."""

    name: str
    card: dict[str, Any]
    folder: Path
    test: pd.DataFrame

    def start(self, side: Side, core: int, budget: float, seed: int) -> subprocess.Popen[str]:
        run = self.folder / side.name
        words = ["-m", "automl", "fit", str(self.folder / "train.csv")]
        words += ["--target", self.card["target"], "--task", self.card["task"]]
        words += ["--metric", METRICS[self.card["task"]], "--budget", f"{budget:g}s"]
        words += ["--seed", str(seed), "--jobs", "1", "--output", str(run), "--quiet"]
        return side.popen([*words, *side.options], core, stdout=subprocess.DEVNULL)

    def row(self, side: Side, core: int, seconds: float, loss_of: Any) -> dict[str, Any]:
        model = self.folder / side.name / "predictor.automl"
        answers = self.folder / f"{side.name}.csv"
        features = self.folder / "test.csv"
        words = ["-m", "automl", "predict", str(model), str(features), "--output", str(answers)]
        if self.card["task"] != "regression":
            words.append("--proba")
        assert side.popen(words, core).wait() == 0
        predictions = pd.read_csv(answers, keep_default_na=False)
        return {
            "table": self.name,
            "side": side.name,
            "seconds": round(seconds, 2),
            "loss": float(loss_of(self.card, self.test[self.card["target"]], predictions)),
            "models": side.output(core, COUNT_MODELS, str(model)),
            "megabytes": model.stat().st_size / 1e6,
            "row_ms": side.output(core, TIME_ROWS, str(model), str(features)),
        }


def prepare(bench: Any, data: Path, name: str, fold: int, out: Path) -> Race:
    card, table = bench.load(data / name)
    train, test = bench.split(card, table, fold, None)
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=card["target"]).to_csv(folder / "test.csv", index=False)
    return Race(name, card, folder, test)


def race(race: Race, sides: Sequence[Side], turn: int, args: Any, bench: Any) -> list[dict]:
    cores = sorted(os.sched_getaffinity(0))
    started = time.monotonic()
    running = []
    for index, side in enumerate(sides):
        core = cores[(index + turn) % len(cores)]
        running.append((side, core, race.start(side, core, args.budget, args.fold)))
    waiting = list(running)
    ended = {}
    while waiting:
        for one in list(waiting):
            if one[2].poll() is not None:
                ended[one[0].name] = time.monotonic() - started
                waiting.remove(one)
        time.sleep(0.02)
    return [race.row(side, core, ended[side.name], bench.loss_of) for side, core, _ in running]


def summary(rows: Sequence[dict[str, Any]], sides: Sequence[Side]) -> str:
    """The geometric means of each side over the first one."""
    first = sides[0].name
    by_key = {(row["table"], row["side"]): row for row in rows}
    tables = [row["table"] for row in rows if row["side"] == first]
    lines = []
    for side in sides:
        parts = [side.name]
        for key in ("loss", "models", "megabytes", "row_ms"):
            ratios = []
            for table in tables:
                one, other = by_key[table, side.name][key], by_key[table, first][key]
                if one and other:
                    ratio = one / other
                    clipped = min(CLIP, max(1 / CLIP, ratio)) if key == "loss" else ratio
                    ratios.append(math.log(clipped))
            if ratios:
                parts.append(f"{key} {math.exp(statistics.mean(ratios)):.4f}")
        lines.append(", ".join(parts))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", action="append", type=Side.of, required=True)
    parser.add_argument("--tables", required=True)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--fold", type=int, default=0)
    args = parser.parse_args()
    sys.path.insert(0, str(args.data.resolve().parent / "bench"))
    import bench

    rows = []
    for turn, name in enumerate(args.tables.split(",")):
        prepared = prepare(bench, args.data, name, args.fold, args.out)
        for row in race(prepared, args.side, turn, args, bench):
            rows.append(row | {"budget": args.budget, "fold": args.fold})
            print(rows[-1], flush=True)
            with args.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[-1]) + "\n")
        print(summary(rows, args.side), flush=True)


if __name__ == "__main__":
    main()
