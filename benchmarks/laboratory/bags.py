"""How many folds are worth their time? The bag of K fold models on the laboratory's own test rows, for several K.

python benchmarks/laboratory/bags.py --data ../shared/data --rows 4000 --json benchmarks/results/bags.json
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded

import argparse
import json
import multiprocessing
import time
from pathlib import Path
from typing import Any

import numpy as np
from build import FOLDS, Executor
from record import log_ratios, told

from automl.budget import Budget
from automl.features.recipe import RECIPES
from automl.folds import kfold
from automl.metrics import metric_of
from automl.models import How, Sample, family

COUNTS = (3, 5, 8)
SEEDS = 4  # refits that are averaged
CONFIGS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "lightgbm": ("lightgbm", "native", {}),
    "catboost": ("catboost", "native", {"learning_rate": 0.09, "depth": 4}),
    "extra_trees": ("extra_trees", "codes", {}),
    "mlp": ("mlp", "scaled_target", {}),
}


def measured(task: tuple[Path, int]) -> dict[str, dict[str, float]]:
    """Test losses by configuration and way: bags of K folds, and fits on all rows with the mean of the folds' rounds."""
    executor = Executor.of(*task)
    metric = metric_of(executor.task)
    test = np.flatnonzero(executor.blocks == FOLDS)
    found: dict[str, dict[str, float]] = {}
    for name, (kind_name, recipe, params) in CONFIGS.items():
        kind = family(kind_name)
        if RECIPES[recipe].reads_target and executor.columns.names("category"):
            continue
        encoding, X = executor.encoded(RECIPES[recipe])
        asked = kind.defaults(executor.task) | params

        def fit(
            rows: np.ndarray, held: np.ndarray | None, seed: int, rounds: int | None = None
        ) -> Any:
            how = How(executor.task, metric, seed, 1, Budget(time.monotonic() + 90), rounds)
            samples = [
                None if part is None else Sample(X[part], encoding.features, executor.y[part])
                for part in (rows, held)
            ]
            return kind.fit(kind.prepare(samples[0], samples[1], asked, how), asked, how)  # type: ignore[arg-type]  # noqa: B023

        row = {}
        for count in COUNTS:
            blocks = kfold(
                executor.y[executor.known], np.arange(len(executor.known)), count, 1, 1
            ).blocks[0]
            fits = [
                fit(executor.known[blocks != fold], executor.known[blocks == fold], fold)
                for fold in range(count)
            ]
            bag = sum(one.model.predict(X[test]) for one in fits) / count
            row[str(count)] = metric.of(executor.y[test], bag)
        rounds = [one.rounds for one in fits if one.rounds]
        more = int(1.1 * sum(rounds) / len(rounds)) if rounds else None
        whole = [
            fit(executor.known, None, seed, more).model.predict(X[test]) for seed in range(SEEDS)
        ]
        row["refit"] = metric.of(executor.y[test], whole[0])
        row[f"refit x{SEEDS}"] = metric.of(executor.y[test], sum(whole) / SEEDS)
        row["bag + refit"] = metric.of(executor.y[test], (bag + whole[0]) / 2)
        row[f"bag + refit x{SEEDS}"] = metric.of(executor.y[test], (bag + sum(whole) / SEEDS) / 2)
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
    with multiprocessing.get_context("spawn").ProcessExecutor(
        os.cpu_count(), maxtasksperchild=1
    ) as pool:
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
