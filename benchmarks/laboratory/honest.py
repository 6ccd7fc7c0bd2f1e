"""How honest is the expected score? Expected losses against those on rows that no choice saw.

    python benchmarks/laboratory/honest.py /opt/lab [--json benchmarks/results/honest.json]

Three expectations are compared for the ensemble of the best models: its loss on the rows by which
it was chosen; that loss corrected by the optimism of the same choice on bootstrap samples (Efron);
and the loss of such choices on the rows outside their sample (BBC-CV, Tsamardinos et al. 2018). It
also shows how often a 95% interval around each contains the loss on the test rows, whose own chance
deviation is part of the interval.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from record import Table, tables

from automl.ensemble import combine
from automl.uncertainty import estimate_optimism

ROUNDS = 40
ROWS = 2_000


def told(table: Table, best: int, seed: int) -> dict[str, float]:
    """Return the test's loss and each expectation of it."""
    names = table.ranked[:best]
    metric = table.metric
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.permutation(len(table.truth.y))[:ROWS])
    truth = table.truth.take(rows)
    known = [table.models[name].known[rows] for name in names]
    choose = table.weigher(12)
    weights = choose(known, truth)
    apparent = metric.loss_of_output(truth.y, combine(known, weights))
    outside, inside = [], []
    for _ in range(ROUNDS):
        drawn = rng.integers(0, len(rows), len(rows))
        left = np.setdiff1d(np.arange(len(rows)), drawn)
        chosen = choose([array[drawn] for array in known], truth.take(drawn))
        mixed = combine(known, chosen)
        outside.append(metric.loss_of_output(truth.y[left], mixed[left]))
        inside.append(metric.loss_of_output(truth.y[drawn], mixed[drawn]))
    test = metric.loss_of_output(
        table.test.y, combine([table.models[name].test for name in names], weights)
    )
    folds = [
        metric.loss_of_output(
            table.truth.y[rows][table.folds[rows] == fold],
            combine(known, weights)[table.folds[rows] == fold],
        )
        for fold in range(3)
    ]
    return {
        "test": test,
        "apparent": apparent,
        "mean of folds": float(np.mean(folds)),
        "optimism": apparent + estimate_optimism(known, truth, metric, choose, ROUNDS, ROWS, seed),
        "bbc": float(np.mean(outside)),
        "deviation": float(np.std(inside)),
        "rows": len(rows),
        "rows_test": len(table.test.y),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found = {table.name: told(table, 30, 0) for table in tables(args.out)}
    for way in ("apparent", "mean of folds", "optimism", "bbc"):
        logs = np.array(
            [np.log(row[way] / row["test"]) for row in found.values() if row["test"] > 1e-4]
        )
        reach = [
            1.96 * row["deviation"] * (1 + row["rows"] / row["rows_test"]) ** 0.5
            for row in found.values()
        ]
        held = np.mean(
            [
                abs(row[way] - row["test"]) <= far
                for row, far in zip(found.values(), reach, strict=True)
            ]
        )
        ratio = f"{np.exp(logs.mean()):.4f} +- {logs.std() / len(logs) ** 0.5:.4f}"
        median = f"median {np.exp(np.median(logs)):.4f}"
        print(f"{way:<14} told / true {ratio}   {median}   95% holds {held:.0%}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
