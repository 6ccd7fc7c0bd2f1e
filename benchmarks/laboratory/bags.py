"""How many folds are worth their time? Bags of K fold models on the laboratory's own test rows.

    python benchmarks/laboratory/bags.py --data ../shared/data --rows 4000 \\
        --json benchmarks/results/bags.json
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded

import argparse
import json
import multiprocessing
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from prepare import FOLDS, PreparedTable
from record import log_ratios, told

from automl.budget import Budget
from automl.features.encoding import Encoding
from automl.features.recipe import RECIPES
from automl.folds import kfold
from automl.metrics import metric_of
from automl.models import Family, FitContext, Fitted, Sample, find_family

COUNTS = (3, 5, 8)
SEEDS = 4  # refits that are averaged
CONFIGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lightgbm": ("lightgbm", "native", {}),
    "catboost": ("catboost", "native", {"learning_rate": 0.09, "depth": 4}),
    "extra_trees": ("extra_trees", "codes", {}),
    "mlp": ("mlp", "scaled_target", {}),
}


def _sample(prepared: PreparedTable, encoding: Encoding, X: np.ndarray, rows: np.ndarray) -> Sample:
    return Sample(X[rows], encoding.features, prepared.y[rows])


def _fit(
    prepared: PreparedTable,
    kind: Family,
    params: dict[str, Any],
    sample_of: Callable[[np.ndarray], Sample],
    rows: np.ndarray,
    held: np.ndarray | None,
    seed: int,
    rounds: int | None = None,
) -> Fitted:
    """Fit a configuration on some rows, with others held out or none."""
    metric = metric_of(prepared.task)
    context = FitContext(
        prepared.task, metric, seed, budget=Budget(time.monotonic() + 90), rounds=rounds
    )
    stop = None if held is None else sample_of(held)
    return kind.fit(kind.prepare(sample_of(rows), stop, params, context), params, context)


def measured(task: tuple[Path, int]) -> dict[str, dict[str, float]]:
    """Return test losses by configuration and way.

    The ways are bags of K folds, and fits on all rows with the mean of the folds' rounds.
    """
    prepared = PreparedTable.of(*task)
    metric = metric_of(prepared.task)
    test = np.flatnonzero(prepared.blocks == FOLDS)
    found: dict[str, dict[str, float]] = {}
    for name, (kind_name, recipe, params) in CONFIGS.items():
        kind = find_family(kind_name)
        if RECIPES[recipe].reads_target and prepared.columns.names("category"):
            continue
        encoding, X = prepared.encoded(RECIPES[recipe])
        asked = kind.defaults(prepared.task) | params
        sample_of = partial(_sample, prepared, encoding, X)
        fit = partial(_fit, prepared, kind, asked, sample_of)
        row = {}
        for count in COUNTS:
            blocks = kfold(
                prepared.y[prepared.known], np.arange(len(prepared.known)), count, 1, 1
            ).blocks[0]
            fits = [
                fit(prepared.known[blocks != fold], prepared.known[blocks == fold], fold)
                for fold in range(count)
            ]
            bag = sum(one.model.predict(X[test]) for one in fits) / count
            row[str(count)] = metric.loss_of_output(prepared.y[test], bag)
        rounds = [one.rounds for one in fits if one.rounds]
        more = int(1.1 * sum(rounds) / len(rounds)) if rounds else None
        whole = [
            fit(prepared.known, None, seed, more).model.predict(X[test]) for seed in range(SEEDS)
        ]
        row["refit"] = metric.loss_of_output(prepared.y[test], whole[0])
        row[f"refit x{SEEDS}"] = metric.loss_of_output(prepared.y[test], sum(whole) / SEEDS)
        row["bag + refit"] = metric.loss_of_output(prepared.y[test], (bag + whole[0]) / 2)
        row[f"bag + refit x{SEEDS}"] = metric.loss_of_output(
            prepared.y[test], (bag + sum(whole) / SEEDS) / 2
        )
        found[name] = row
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    names = (
        args.tasks.split(",")
        if args.tasks
        else sorted(path.parent.name for path in args.data.glob("*/card.json"))
    )
    with multiprocessing.get_context("spawn").Pool(os.cpu_count(), maxtasksperchild=1) as pool:
        found = {}
        for name, result in zip(
            names,
            pool.imap(measured, [(args.data / name, args.rows) for name in names]),
            strict=True,
        ):
            found[name] = result
            print(name, result, flush=True)
    for config in CONFIGS:
        rows = [row[config] for row in found.values() if config in row]
        for way in rows[0]:
            print(
                f"{config:<12} {way:>14}: {told(log_ratios((row[way], row['8']) for row in rows))}"
            )
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
