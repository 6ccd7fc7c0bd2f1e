"""Which way to combine models is best over all tables, on rows that no choice was made by?

    python benchmarks/laboratory/ensembling.py /opt/lab [--json benchmarks/results/ensembling.json]

Nested: weights are chosen on two of the laboratory's folds and evaluated on the third, in turn; and
chosen on all and evaluated on its own test rows. For classes every way is evaluated by each metric
of classes; a greedy selection minimises that metric, a pool or a stacker log loss.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from record import Table, log_ratios, tables, told
from scipy.optimize import minimize, nnls

from automl.ensemble import (
    Truth,
    apply_temperature,
    apply_thresholds,
    choose_thresholds,
    combine,
    equal_thresholds,
    fit_log_pool,
    fit_temperature,
    select_greedily,
    weighted_sum,
)
from automl.folds import sample_rows
from automl.metrics import METRICS, Metric

# Returns predictions for the known rows and for the test rows.
Way = Callable[[Table, list[str], Metric], tuple[np.ndarray, np.ndarray]]

CLASSES = ("roc_auc", "log_loss", "accuracy", "balanced_accuracy", "f1_macro", "mcc", "brier")


def _parts(table: Table, names: list[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    return [table.models[name].known for name in names], [table.models[name].test for name in names]


def best(table: Table, names: list[str], metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """The best single model."""
    known, test = _parts(table, names[:1])
    return known[0], test[0]


def selection(steps: int, most: int = 1000) -> Way:
    """Greedy selection among the best `most`; probabilities are averaged by their logarithms."""

    def way(table: Table, names: list[str], metric: Metric) -> tuple[np.ndarray, np.ndarray]:
        known, test = _parts(table, names[:most])
        weights = select_greedily(known, table.truth, metric, steps)
        return combine(known, weights), combine(test, weights)

    return way


def bagged(
    rounds: int, table: Table, names: list[str], metric: Metric
) -> tuple[np.ndarray, np.ndarray]:
    """Average the greedy selections on bootstrap samples of the rows.

    Models with a weight below a hundredth are left out.
    """
    known, test = _parts(table, names)
    rng, n_rows, weights = np.random.default_rng(0), len(table.truth.y), np.zeros(len(known))
    for _ in range(rounds):
        rows = rng.integers(0, n_rows, n_rows)
        weights += (
            select_greedily([part[rows] for part in known], table.truth.take(rows), metric) / rounds
        )
    weights[weights < 0.01] = 0.0
    return combine(known, weights / weights.sum()), combine(test, weights / weights.sum())


def by_rows(table: Table, names: list[str], metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """A logarithmic pool with more regularisation the fewer rows there are."""
    return pooled(0.01 * max(1.0, 1000 / len(table.truth.y)), table, names, metric)


def usual(table: Table, names: list[str], metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Greedy selection of 25 steps, probabilities averaged as they are: Caruana's own."""
    known, test = _parts(table, names)
    counts, total = np.zeros(len(known)), np.zeros_like(known[0])
    found: list[tuple[float, np.ndarray]] = []
    for step in range(1, 26):
        losses = [
            metric.loss_of_output(table.truth.y, (total + part) / step, None) for part in known
        ]
        counts[int(np.argmin(losses))] += 1
        total = total + known[int(np.argmin(losses))]
        found.append((min(losses), counts / step))
    weights = min(found, key=lambda pair: pair[0])[1]
    return weighted_sum(known, weights), weighted_sum(test, weights)


def pooled(
    ridge: float, table: Table, names: list[str], metric: Metric
) -> tuple[np.ndarray, np.ndarray]:
    """A logarithmic pool."""
    known, test = _parts(table, names)
    weights = fit_log_pool(known, table.truth, ridge)
    return combine(known, weights), combine(test, weights)


def stacker(table: Table, names: list[str], metric: Metric) -> tuple[np.ndarray, np.ndarray]:
    """Fit non-negative linear weights.

    They minimise squared errors of numbers, or the log loss of the mixed probabilities of classes.
    """
    known, test = _parts(table, names)
    stack, y = np.stack(known), table.truth.y
    if table.task.is_regression:
        weights = nnls(stack.T, y)[0]
        return weighted_sum(known, weights), weighted_sum(test, weights)
    picked = stack[:, np.arange(len(y)), y.astype(int)]

    def loss(raw: np.ndarray) -> tuple[float, np.ndarray]:
        weights = np.exp(raw - raw.max())
        weights /= weights.sum()
        mixed = np.maximum(weights @ picked, 1e-7)
        gradient = -(picked / mixed).mean(axis=1)
        return float(-np.log(mixed).mean()), weights * (gradient - weights @ gradient)

    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x
    weights = np.exp(found - found.max())
    return weighted_sum(known, weights / weights.sum()), weighted_sum(test, weights / weights.sum())


NUMBERS: dict[str, Way] = {
    "greedy 25": selection(25),
    "best": best,
    "greedy 10": selection(10),
    "greedy 50": selection(50),
}
NUMBERS |= {
    "greedy 25 of 15": selection(25, 15),
    "stacker": stacker,
    "bagged greedy": partial(bagged, 20),
}
WAYS: dict[str, Way] = {
    "usual mean": usual,
    "best": best,
    "greedy of logs": selection(25),
    "stacker": stacker,
}
WAYS |= {f"pool {ridge:g}": partial(pooled, ridge) for ridge in (0.0, 0.002, 0.005, 0.01, 0.03)}
WAYS |= {"pool by rows": by_rows}


def judged(table: Table, answers: tuple[np.ndarray, np.ndarray], metric: Metric) -> float:
    """The loss on the test rows, after the temperature and the cuts that the known rows ask for."""
    known, test = answers
    if table.task.is_regression:
        return metric.loss_of_output(table.test.y, test)
    warmth = fit_temperature(known, table.truth, METRICS["log_loss"])
    known, test = apply_temperature(known, warmth), apply_temperature(test, warmth)
    if metric.needs != "labels":
        return metric.loss_of_output(table.test.y, test)
    cut = (
        equal_thresholds(known.shape[1])
        if metric.name == "accuracy"
        else choose_thresholds(known, table.truth, metric)
    )
    return metric.loss(table.test.y, apply_thresholds(test, cut), None)


def nested(table: Table) -> Iterator[Table]:
    """The table with each fold as its test, then as it is."""
    for fold in np.unique(table.folds):
        inside, outside = table.folds != fold, table.folds == fold
        models = {
            name: replace(
                model,
                known=model.known[inside],
                test=model.known[outside],
                losses=tuple(np.delete(model.losses, fold)),
            )
            for name, model in table.models.items()
        }
        y = table.truth.y
        yield replace(
            table,
            truth=Truth(y[inside]),
            test=Truth(y[outside]),
            models=models,
            folds=table.folds[inside],
        )
    yield table


def fewer(table: Table, rows: int) -> Table:
    """The table with some of the rows that weights are chosen on."""
    kept = sample_rows(len(table.truth.y), rows, 0)
    models = {name: replace(model, known=model.known[kept]) for name, model in table.models.items()}
    return replace(table, truth=table.truth.take(kept), folds=table.folds[kept], models=models)


def compared(table: Table) -> dict[str, dict[str, list[float]]]:
    """Losses by metric and way, one for each part that was judged."""
    numbers = table.task.is_regression
    metrics = [table.metric] if numbers else [METRICS[name] for name in CLASSES]
    found: dict[str, dict[str, list[float]]] = {metric.name: {} for metric in metrics}
    for part in nested(table):
        names = part.ranked
        fixed: dict[str, tuple[np.ndarray, np.ndarray]] = {}  # what doesn't depend on the metric
        for metric in metrics:
            for way, make in (NUMBERS if numbers else WAYS).items():
                by_metric = way == "usual mean" or way.startswith("greedy")
                if by_metric or way not in fixed:
                    fixed[way] = make(part, names, metric)
                found[metric.name].setdefault(way, []).append(judged(part, fixed[way], metric))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--rows", type=int, default=0, help="maximum rows for choosing weights")
    args = parser.parse_args()
    there = [fewer(table, args.rows) if args.rows else table for table in tables(args.out)]
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as workers:
        results = dict(
            zip(
                (table.name for table in there),
                workers.map(compared, there, chunksize=1),
                strict=True,
            )
        )
    kinds = {table.name: table.task.kind for table in there}
    for kind in ("regression", "binary", "multiclass"):
        rows = [row for name, row in results.items() if kinds[name] == kind]
        for metric in rows[0]:
            base = next(iter(rows[0][metric]))
            for way in rows[0][metric]:
                logs = np.array(
                    [
                        log_ratios(zip(row[metric][way], row[metric][base], strict=True)).mean()
                        for row in rows
                    ]
                )
                counts = f"better on {(logs < 0).sum()}, worse on {(logs > 0).sum()}"
                print(f"{kind:<10} {metric:<17} {way:<15} {told(logs)}   {counts}")
    if args.json:
        rounded = {
            name: {
                metric: {way: np.round(losses, 6).tolist() for way, losses in by_way.items()}
                for metric, by_way in row.items()
            }
            for name, row in results.items()
        }
        args.json.write_text(json.dumps(rounded) + "\n")


if __name__ == "__main__":
    main()
