"""Ways to combine models, compared on the laboratory's own test rows: which one is best over all tables?

python benchmarks/laboratory/ensembling.py /opt/lab [--json benchmarks/results/ensembling.json]
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from record import Table, log_ratios, tables, told
from scipy.optimize import minimize, nnls

from automl.ensemble import combine, greedy

Way = Callable[[Table, list[str]], np.ndarray]  # the prediction for the test rows


def ranked(table: Table) -> list[str]:
    """Names of the models, best first by their held-out loss."""
    return sorted(table.models, key=lambda name: float(np.mean(table.models[name].losses)))


def _weighted(table: Table, names: list[str], weights: np.ndarray) -> np.ndarray:
    return combine([table.models[name].test for name in names], weights)


def best(table: Table, names: list[str]) -> np.ndarray:
    """The best single model."""
    return table.models[names[0]].test


def selection(steps: int, most: int = 1000, bags: int = 0) -> Way:
    """Greedy selection among the best `most`; with bags, the mean weights of selections among random halves of the models."""

    def way(table: Table, names: list[str]) -> np.ndarray:
        taken = names[:most]
        known = [table.models[name].known for name in taken]
        if not bags:
            return _weighted(table, taken, greedy(known, table.truth, table.metric, steps))
        rng, total = np.random.default_rng(0), np.zeros(len(taken))
        for _ in range(bags):
            some = np.sort(rng.permutation(len(taken))[: max(1, len(taken) // 2)])
            total[some] += greedy([known[place] for place in some], table.truth, table.metric, steps)
        return _weighted(table, taken, total / total.sum())

    return way


def row_bags(steps: int, bags: int) -> Way:
    """The mean weights of greedy selections on bootstrap samples of the rows."""

    def way(table: Table, names: list[str]) -> np.ndarray:
        rng, total = np.random.default_rng(0), np.zeros(len(names))
        n_rows = len(table.truth.y)
        for _ in range(bags):
            rows = rng.integers(0, n_rows, n_rows)
            total += greedy([table.models[name].known[rows] for name in names], table.truth.take(rows), table.metric, steps)
        return _weighted(table, names, total / total.sum())

    return way


def softened(steps: int, share: float, near: float) -> Way:
    """Greedy weights mixed with equal weights over all models that lie near the best one."""

    def way(table: Table, names: list[str]) -> np.ndarray:
        weights = greedy([table.models[name].known for name in names], table.truth, table.metric, steps)
        losses = np.array([np.mean(table.models[name].losses) for name in names])
        close = losses <= losses[0] * (1 + near)
        return _weighted(table, names, (1 - share) * weights + share * close / close.sum())

    return way


def stacker(table: Table, names: list[str]) -> np.ndarray:
    """Non-negative linear weights: least squares for numbers, log loss of the mixed probabilities for classes."""
    known = np.stack([table.models[name].known for name in names])
    y = table.truth.y
    if table.task.is_regression:
        weights = nnls(known.T, y)[0]
        return np.tensordot(weights, np.stack([table.models[name].test for name in names]), 1)
    picked = known[:, np.arange(len(y)), y.astype(int)]

    def loss(raw: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.exp(raw - raw.max())
        weights /= weights.sum()
        mixed = np.maximum(weights @ picked, 1e-7)
        gradient = -(picked / mixed).mean(axis=1)
        return float(-np.log(mixed).mean()), weights * (gradient - weights @ gradient)

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x
    weights = np.exp(found - found.max())
    return _weighted(table, names, weights / weights.sum())


WAYS: dict[str, Way] = {
    "greedy 25": selection(25),
    "best": best,
    "greedy 10": selection(10),
    "greedy 50": selection(50),
    "greedy 25 of 10": selection(25, 10),
    "greedy 25 of 15": selection(25, 15),
    "greedy 25 of 20": selection(25, 20),
    "model bags 10": selection(15, bags=10),
    "row bags 10": row_bags(15, 10),
    "softened 0.2": softened(25, 0.2, 0.05),
    "stacker": stacker,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    found: dict[str, dict[str, float]] = {}
    for table in tables(args.out):
        names = ranked(table)
        found[table.name] = {way: table.metric.of(table.test.y, make(table, names)) for way, make in WAYS.items()}
    base = next(iter(WAYS))
    for way in WAYS:
        logs = log_ratios((row[way], row[base]) for row in found.values())
        print(f"{way:<18} {told(logs)}   better on {int((logs < 0).sum())}, worse on {int((logs > 0).sum())}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
