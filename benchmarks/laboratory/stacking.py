"""Does a second layer help? Its models read the first layer's predictions beside the columns.

    python benchmarks/laboratory/stacking.py /opt/lab --data ../shared/data --rows 2500 \\
        --json benchmarks/results/stacking.json

The first layer is the best model of each family and the best others, as the laboratory kept them.
The second layer, boosters and a network that read held-out predictions, is trained in the same
folds and evaluated on the laboratory's own test rows: the ensemble of both layers over that of the
first alone.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import multiprocessing
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from portfolio import FAMILY
from prepare import FOLDS, PreparedTable
from record import Table, log_ratios, tables, told

from automl.budget import Budget
from automl.ensemble import combine, to_scores
from automl.features.feature import Feature
from automl.features.recipe import RECIPES
from automl.models import FitContext, Sample, find_family

LAYER = 12  # models of the first layer
SECOND: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lgb_xt": (
        "lightgbm",
        "native",
        {"learning_rate": 0.05, "num_leaves": 31, "feature_fraction": 0.6, "extra_trees": True},
    ),
    "lgb_4": (
        "lightgbm",
        "native",
        {"learning_rate": 0.05, "num_leaves": 4, "feature_fraction": 0.5, "min_data_in_leaf": 10},
    ),
    "et": ("extra_trees", "codes", {"max_features": 0.5, "min_samples_split": 8}),
    "mlp": ("mlp", "onehot", {"waves": 0, "layers": 2, "dropout": 0.3}),
}


def first_layer(table: Table) -> list[str]:
    """The best of each family, then the best others."""
    leaders = {FAMILY[name]: name for name in reversed(table.ranked)}
    return sorted(table.ranked, key=lambda name: name not in leaders.values())[:LAYER]


def added(table: Table, names: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the second layer's inputs from the first, for the known and the test rows."""

    def columns(predictions: list[np.ndarray]) -> np.ndarray:
        scores = [to_scores(each) for each in predictions]
        flat = [each[:, None] if each.ndim == 1 else each[:, 1:] - each[:, :1] for each in scores]
        return np.concatenate(flat, axis=1).astype(np.float32)

    return columns([table.models[name].known for name in names]), columns(
        [table.models[name].test for name in names]
    )


def second_layer(
    prepared: PreparedTable,
    table: Table,
    names: list[str],
    kind: str,
    recipe: str,
    params: dict[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Held-out and test predictions of a model that reads the columns and the first layer."""
    encoding, X = prepared.encoded(RECIPES[recipe])
    known, test = added(table, names)
    if kind == "mlp":
        mean, spread = known.mean(axis=0), known.std(axis=0) + 1e-6
        known, test = (known - mean) / spread, (test - mean) / spread
    extra = np.zeros((len(prepared.y), known.shape[1]), np.float32)
    rows_test = np.flatnonzero(prepared.blocks == FOLDS)
    extra[prepared.known], extra[rows_test] = known, test
    X = np.concatenate([X, extra], axis=1)
    features = (
        *encoding.features,
        *(Feature(f"layer {place}", f"layer {place}") for place in range(extra.shape[1])),
    )
    made, shape = (
        find_family(kind),
        (len(prepared.y), prepared.task.n_outputs) if prepared.task.labels else (len(prepared.y),),
    )
    out = np.zeros(shape)
    for fold in range(FOLDS):
        rows, held = (
            prepared.known[prepared.blocks[prepared.known] != fold],
            np.flatnonzero(prepared.blocks == fold),
        )
        context = FitContext(
            prepared.task, table.metric, fold, budget=Budget(time.monotonic() + 20.0)
        )
        asked = made.defaults(prepared.task) | params
        ready = made.prepare(
            Sample(X[rows], features, prepared.y[rows]),
            Sample(X[held], features, prepared.y[held]),
            asked,
            context,
        )
        model = made.fit(ready, asked, context).model
        out[held] = model.predict(X[held])
        out[rows_test] += model.predict(X[rows_test]) / FOLDS
    return out[prepared.known], out[rows_test]


def judged(table: Table, data: Path, most: int) -> tuple[str, dict[str, float]]:
    """Test losses of the ensembles of the first layer, the second, and both."""
    prepared = PreparedTable.of(data / table.name, most)
    assert np.array_equal(prepared.y[prepared.known], table.truth.y), (
        "the laboratory was built with other rows or folds"
    )
    pool = list(dict.fromkeys([*table.ranked[:30], *first_layer(table)]))
    known, test = (
        [table.models[name].known for name in pool],
        [table.models[name].test for name in pool],
    )

    def loss(known: list[np.ndarray], test: list[np.ndarray]) -> float:
        return table.metric.loss_of_output(
            table.test.y, combine(test, table.weigher(25)(known, table.truth))
        )

    found = {"first": loss(known, test)}
    layers = {
        name: second_layer(prepared, table, first_layer(table), *what)
        for name, what in SECOND.items()
    }
    for name, (seen, answer) in layers.items():
        found[name] = table.metric.loss_of_output(table.test.y, answer)
        found[f"first + {name}"] = loss([*known, seen], [*test, answer])
    found["second"] = loss(
        [seen for seen, _ in layers.values()], [answer for _, answer in layers.values()]
    )
    found["both"] = loss(
        [*known, *(seen for seen, _ in layers.values())],
        [*test, *(answer for _, answer in layers.values())],
    )
    print(
        table.name,
        {name: round(value / found["first"], 4) for name, value in found.items()},
        flush=True,
    )
    return table.name, found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=2500)
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with multiprocessing.get_context("fork").Pool(os.cpu_count()) as workers:
        found = dict(
            workers.map(
                partial(judged, data=args.data, most=args.rows), tables(args.out), chunksize=1
            )
        )
    for name in next(iter(found.values())):
        print(
            f"{name:16} {told(log_ratios((rows[name], rows['first']) for rows in found.values()))}"
        )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
