"""In which order of configurations does the ensemble of those tried become good soonest?

    python benchmarks/laboratory/portfolio.py /opt/lab --size small \\
        --json benchmarks/results/portfolio.json --write
    python benchmarks/laboratory/portfolio.py /opt/lab-large --size large \\
        --json benchmarks/results/portfolio-large.json --write

The next configuration is the one that lowers the ensemble's mean log loss ratio most for each
second, over all tables. Seconds are in units of the table's first configuration, so that every
table counts the same. An order is learnt for each kind of task: tables of this kind count three
times. Every family appears among the first ten, since there are tables that only one of them suits.
The families of an extra come in last: each goes before the first configuration that it beats.
Evaluated by cross-validation over tables: the order learnt on some is followed on the others, and
compared with the present one. Tables named by `--without` teach nothing and are not evaluated.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import textwrap
from functools import cache
from pathlib import Path

import numpy as np
from record import Table, tables

from automl.ensemble import Truth, combine
from automl.files import read_toml
from automl.models import needs_extra
from automl.search import portfolio

ROWS = 1_000
STEPS = 8
LENGTH = 24
# Number of places that are learnt; the others keep the present order of small tables.
LEARNT = {"small": 24, "large": 12}
FIRST = ("lin", "lgb")  # for a good answer early; its second one's seconds are the unit
LEAST = 0.5  # units that every configuration costs at least: handing over, predicting, writing
EARLY = 10  # places by which every family has had its turn
ALIKE = 3.0  # times a table of the same kind counts
TIMES = (2, 4, 8, 16, 32)
KINDS = ("binary", "multiclass", "regression")
CONFIGS = read_toml(Path(__file__).with_name("configs.toml"))["config"]
FAMILY = {config["name"]: config["family"] for config in CONFIGS}
PORTFOLIO = Path(portfolio.__file__).with_name("portfolio.toml")
NOW = read_toml(PORTFOLIO)
TABLES: list[Table] = []
SIZE: list[str] = []


def loss(table: Table, names: frozenset[str]) -> float:
    """The test loss of the ensemble of some configurations."""
    sample_rows = sorted(name for name in names if name in table.models)
    rows = np.arange(len(table.truth.y))[:: max(1, len(table.truth.y) // ROWS)]
    known = [table.models[name].known[rows] for name in sample_rows]
    weights = (
        table.weigher(STEPS)(known, Truth(table.truth.y[rows]))
        if len(sample_rows) > 1
        else np.ones(1)
    )
    return max(
        1e-6,
        table.metric.loss_of_output(
            table.test.y, combine([table.models[name].test for name in sample_rows], weights)
        ),
    )


@cache
def log_loss(place: int, names: frozenset[str]) -> float:
    return float(np.log(loss(TABLES[place], names)))


def cost(table: Table, name: str) -> float:
    """Seconds over those of the unit."""
    return min(20.0, table.models[name].seconds / table.models[FIRST[1]].seconds)


def order(places: list[int], kind: str, length: int) -> list[str]:
    """The order that some tables teach for a kind of task."""
    everything = sorted({name for place in places for name in TABLES[place].models})
    names = [name for name in everything if not needs_extra(FAMILY[name])]
    chosen = list(FIRST)
    while len(chosen) < length:
        now = frozenset(chosen)
        new = {
            name for name in set(names) - now if FAMILY[name] not in {FAMILY[name] for name in now}
        }
        hurried = new and len({FAMILY[name] for name in new}) >= EARLY - len(chosen)
        waiting = sorted(new if hurried else set(names) - now)
        rates = {name: rate(places, kind, now, name) for name in waiting}
        chosen.append(max(waiting, key=rates.__getitem__))
    others = [
        name
        for name in NOW["order"]["small"][kind]
        if name not in chosen and not needs_extra(FAMILY[name])
    ]
    chosen = [*chosen, *others][:LENGTH]
    for name in everything:
        if needs_extra(FAMILY[name]):
            chosen = inserted(places, kind, chosen, name)
    return chosen


def rate(places: list[int], kind: str, now: frozenset[str], name: str) -> float:
    """The gain by one more configuration for each unit of time."""
    counts = np.array([ALIKE if TABLES[place].task.kind == kind else 1.0 for place in places])
    gains = [
        np.clip(log_loss(place, now) - log_loss(place, now | {name}), -0.2, 0.2) for place in places
    ]
    costs = [cost(TABLES[place], name) for place in places if name in TABLES[place].models]
    return float(np.average(gains, weights=counts)) / (LEAST + float(np.median(costs)))


def inserted(places: list[int], kind: str, order: list[str], name: str) -> list[str]:
    """An order with one more configuration, before the first that gains less in its time."""
    for index in range(EARLY, len(order)):
        now = frozenset(order[:index])
        if rate(places, kind, now, name) > rate(places, kind, now, order[index]):
            return [*order[:index], name, *order[index:]]
    return [*order, name]


def curve(place: int, names: list[str]) -> list[tuple[float, float]]:
    """Return the units of time and the log loss after each configuration that the table has."""
    gone, points = 0.0, []
    there = [name for name in names if name in TABLES[place].models]
    for count in range(1, len(there) + 1):
        gone += LEAST + cost(TABLES[place], there[count - 1])
        points.append((gone, log_loss(place, frozenset(there[:count]))))
    return points


def at(points: list[tuple[float, float]], time: float) -> float:
    """The log loss at a time: before the first end, the first."""
    return next((value for gone, value in reversed(points) if gone <= time), points[0][1])


def plain(names: list[str]) -> list[str]:
    """An order without the families of an extra."""
    return [name for name in names if not needs_extra(FAMILY[name])]


def present(kind: str) -> list[str]:
    """The order that such tables have now."""
    return NOW["order"][SIZE[0]].get(kind, NOW["order"]["small"][kind])


def _judged(task: tuple[str, list[int], list[int], int]) -> tuple[list[str], list[list[float]]]:
    kind, learnt, others, length = task
    found = order(learnt, kind, length)
    rows = []
    for place in others:
        new, old = curve(place, plain(found)), curve(place, plain(present(kind)))
        rows.append([at(new, time) - at(old, time) for time in TIMES])
    return found, rows


def written(orders: dict[str, dict[str, list[str]]]) -> str:
    """The portfolio's file."""
    used = {name for of_size in orders.values() for names in of_size.values() for name in names}
    lines = [
        "# Strong configurations, and for each size and kind of task the order in which they are "
        "raced.",
        "# Written by benchmarks/laboratory/portfolio.py.",
        "# `params` are laid over the family's own defaults; of `recipes`, and then of the "
        "family's, the first counts that is in play.",
    ]
    for size, of_size in sorted(orders.items()):
        lines += ["", f"[order.{size}]"]
        for kind, names in of_size.items():
            listed = textwrap.fill(
                ", ".join(map(json.dumps, names)), 130, initial_indent="  ", subsequent_indent="  "
            )
            lines.append(f"{kind} = [\n{listed},\n]")
    for config in CONFIGS:
        if config["name"] in used:
            name = config.get("recipe", "")
            # Where no column has many categories, both are the same.
            names = list(dict.fromkeys((name, name.removeprefix("mixed_"))))
            recipe = [f"recipes = {json.dumps(names)}"] if name else []
            values = ", ".join(
                f"{key} = {json.dumps(value)}" for key, value in config.get("params", {}).items()
            )
            params = f"params = {{ {values} }}" if values else "params = {}"
            lines += [
                "",
                f"[entry.{config['name']}]",
                f"family = {json.dumps(config['family'])}",
                *recipe,
                params,
            ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--size", choices=("small", "large"), required=True, help="of the laboratory's tables"
    )
    parser.add_argument("--without", default="", help="names of tables, separated by commas")
    parser.add_argument("--write", action="store_true", help="change the portfolio's file")
    args = parser.parse_args()
    left_out = args.without.split(",")
    TABLES.extend(table for table in tables(args.out) if table.name not in left_out)
    SIZE.append(args.size)
    everything = list(range(len(TABLES)))
    tasks: list[tuple[str, list[int], list[int], int]] = []
    for kind in [kind for kind in KINDS if any(table.task.kind == kind for table in TABLES)]:
        own = (
            np.random.default_rng(0)
            .permutation([place for place in everything if TABLES[place].task.kind == kind])
            .tolist()
        )
        parts = (own[0::3], own[1::3], own[2::3], [])
        tasks += [
            (kind, [place for place in everything if place not in held], held, LEARNT[args.size])
            for held in parts
        ]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as workers:
        results = workers.map(_judged, tasks, chunksize=1)
    differences = np.array([row for _, rows in results for row in rows])
    print(
        "log loss of the learnt order less that of the present one, "
        "on tables that it was not learnt on:"
    )
    for time, column in zip(TIMES, differences.T, strict=True):
        better = f"better on {int((column < 0).sum())} of {len(column)}"
        error = column.std() / len(column) ** 0.5
        print(f"  after {time:>3} units: {column.mean():+.4f} +- {error:.4f}, {better}")
    learnt = {
        kind: found
        for (kind, _, others, _), (found, _) in zip(tasks, results, strict=True)
        if not others
    }
    for kind, names in learnt.items():
        print(kind, " ".join(names))
    if args.json:
        folds = [
            {
                "kind": kind,
                "order": found,
                "tables": [TABLES[place].name for place in others],
                "differences": rows,
            }
            for (kind, _, others, _), (found, rows) in zip(tasks, results, strict=True)
            if others
        ]
        args.json.write_text(json.dumps({"learnt": learnt, "times": TIMES, "folds": folds}) + "\n")
    if args.write:
        PORTFOLIO.write_text(written(NOW["order"] | {args.size: NOW["order"][args.size] | learnt}))


if __name__ == "__main__":
    main()
