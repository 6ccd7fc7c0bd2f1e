"""In which order should configurations be tried, so that the ensemble of those tried so far is good soonest?

    python benchmarks/laboratory/portfolio.py /opt/lab [--json benchmarks/results/portfolio.json]

Next comes the configuration that lowers the ensemble's mean log loss ratio most for each second, over all tables; seconds are those of the
table's first configuration, so that every table counts the same. Judged by cross-validation over tables: the order learnt on
some is followed on the others.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from functools import cache
from pathlib import Path

import numpy as np
from record import Table, tables

from automl.ensemble import Truth, combine, greedy

ROWS = 1_500
STEPS = 8
LENGTH = 14
UNIT = "lgb"  # the configuration whose seconds are one
TABLES: list[Table] = []


def loss(table: Table, names: frozenset[str]) -> float:
    """The test loss of the greedy ensemble of some configurations."""
    some = sorted(name for name in names if name in table.models)
    rows = np.arange(len(table.truth.y))[:: max(1, len(table.truth.y) // ROWS)]
    known = [table.models[name].known[rows] for name in some]
    weights = greedy(known, Truth(table.truth.y[rows]), table.metric, STEPS) if len(some) > 1 else np.ones(1)
    return max(1e-6, table.metric.of(table.test.y, combine([table.models[name].test for name in some], weights)))


@cache
def log_loss(place: int, names: frozenset[str]) -> float:
    return float(np.log(loss(TABLES[place], names)))


def cost(table: Table, name: str) -> float:
    """Seconds over those of the unit."""
    return min(20.0, table.models[name].seconds / table.models[UNIT].seconds) if name in table.models else 1.0


def order(places: list[int], first: tuple[str, ...]) -> list[str]:
    """The order that some tables teach."""
    names = sorted({name for place in places for name in TABLES[place].models})
    chosen = list(first)
    while len(chosen) < LENGTH:
        now = frozenset(chosen)
        rates = {}
        for name in set(names) - now:
            gains = [np.clip(log_loss(place, now) - log_loss(place, now | {name}), -0.2, 0.2) for place in places] if now else [0.0]
            price = 0.3 + float(np.median([cost(TABLES[place], name) for place in places]))
            rates[name] = float(np.mean(gains)) / price
        chosen.append(max(sorted(rates), key=rates.__getitem__))
    return chosen


def curve(place: int, names: list[str]) -> list[tuple[float, float]]:
    """Units of time gone by and the log loss by then, after each configuration."""
    gone, points = 0.0, []
    for count in range(1, len(names) + 1):
        gone += cost(TABLES[place], names[count - 1])
        points.append((gone, log_loss(place, frozenset(names[:count]))))
    return points


def at(points: list[tuple[float, float]], time: float) -> float:
    """The log loss at a time: before the first end, the first."""
    return next((value for gone, value in reversed(points) if gone <= time), points[0][1])


TODAY = [
    "lin",
    "lgb",
    "cat",
    "et",
    "xgb",
    "lgb_xt128",
    "lgb_8",
    "cat_8",
    "rf",
    "lgb_t",
    "knn",
    "lin_t",
    "xgb_loss",
    "cat_d5",
    "lgb_xt64",
    "et_75",
    "lin_q",
]
TIMES = (2, 4, 8, 16, 32)


def _load(out: Path) -> None:
    TABLES.extend(tables(out))


def _judged(task: tuple[list[int], list[int]]) -> dict[str, object]:
    learnt, others = task
    found = order(learnt, ("lin", "lgb"))
    rows = []
    for place in others:
        new, old = curve(place, found), curve(place, TODAY)
        rows.append([at(new, time) - at(old, time) for time in TIMES])
    return {"order": found, "differences": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    _load(args.out)
    count = len(TABLES)
    shuffled = np.random.default_rng(0).permutation(count).tolist()
    parts = [sorted(shuffled[start::3]) for start in range(3)]
    tasks = [([place for place in range(count) if place not in part], part) for part in parts] + [(list(range(count)), list(range(count)))]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as pool:
        *judged, everything = pool.map(_judged, tasks, chunksize=1)
    differences = np.array([row for one in judged for row in one["differences"]])  # type: ignore[attr-defined]
    print("log loss of the learnt order less that of today's, on tables that it was not learnt on:")
    for time, column in zip(TIMES, differences.T, strict=True):
        better = f"better on {int((column < 0).sum())} of {len(column)}"
        print(f"  after {time:>3} units: {column.mean():+.4f} +- {column.std() / len(column) ** 0.5:.4f}, {better}")
    for one in (*judged, everything):
        print(" ".join(one["order"]))  # type: ignore[arg-type]
    if args.json:
        args.json.write_text(json.dumps({"folds": judged, "all": everything["order"]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
