"""Which members, pieces, width and rate suit a perceptron? One holdout of a table's training rows.

    python benchmarks/laboratory/networks.py --data ../shared/data --tasks letter,kin8nm \\
        --out networks.jsonl
    python benchmarks/laboratory/networks.py --read networks.jsonl

A quarter of the training rows of the benchmark's split 0 is held out for stopping, another is the
test. One line a fit.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded

import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import lines
import numpy as np
from prepare import PreparedTable

from automl.budget import Budget
from automl.features.encoding import fit_shared
from automl.features.recipe import RECIPES
from automl.folds import kfold
from automl.metrics import metric_of
from automl.models import FitContext, Sample, find_family

CONFIGS: dict[str, dict[str, Any]] = {  # `decay` is a factor of the default's weight decay
    "default": {},
    "one member": {"members": 1},
    "four members": {"members": 4},
    "pieces": {"pieces": 16},
    "restarts": {"restarts": 3, "learning_rate": 0.02},
    "wide": {"width": 256, "dropout": 0.3},
    "fast": {"width": 256, "dropout": 0.3, "learning_rate": 0.02, "decay": 0.25},
}
INPUTS, SEEDS = ("embedded",), 3


def fits(prepared: PreparedTable, recipe: str) -> Iterator[lines.Line]:
    """Yield each combination's loss on test rows."""
    kind, metric = find_family("mlp"), metric_of(prepared.task)
    blocks = kfold(prepared.y, np.arange(len(prepared.y)), 4, 1, 0).blocks[0]
    known, held, test = (
        np.flatnonzero(blocks > 1),
        np.flatnonzero(blocks == 1),
        np.flatnonzero(blocks == 0),
    )
    encoding = fit_shared(RECIPES[recipe], prepared.columns.take(known), 0)
    X = encoding.transform(prepared.columns)
    for seed, (name, asked) in product(range(SEEDS), CONFIGS.items()):
        params = kind.defaults(prepared.task) | {
            key: value for key, value in asked.items() if key != "decay"
        }
        params["weight_decay"] *= asked.get("decay", 1.0)
        context = FitContext(prepared.task, metric, seed, budget=Budget(time.monotonic() + 300))
        train, stop = (
            Sample(X[part], encoding.features, prepared.y[part]) for part in (known, held)
        )
        began = time.time()
        fitted = kind.fit(kind.prepare(train, stop, params, context), params, context)
        loss = metric.loss_of_output(prepared.y[test], fitted.model.predict(X[test]))
        yield {
            "config": name,
            "seed": seed,
            "loss": loss,
            "rounds": fitted.rounds,
            "seconds": time.time() - began,
        }


def summary(path: Path) -> None:
    """Geometric means over tables of the loss over that of the defaults."""
    tables: dict[tuple[str, str], dict[str, list[tuple[float, float]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for found in lines.read(path):
        tables[found["task"], found["recipe"]][found["config"]].append(
            (found["loss"], found["seconds"])
        )
    print("loss  seconds  config; loss by table:", ", ".join(" ".join(key) for key in tables))
    for name in CONFIGS:
        known = [rows for rows in tables.values() if "default" in rows and name in rows]
        pairs = [np.mean(rows[name], axis=0) / np.mean(rows["default"], axis=0) for rows in known]
        loss, seconds = np.exp(np.mean(np.log(pairs), axis=0))
        by_table = " ".join(f"{pair[0]:.3f}" for pair in pairs)
        print(f"{loss:.3f}    {seconds:.2f}  {name:20}  {by_table}")


def find(folder: Path, rows: int) -> Iterator[lines.Line]:
    """Yield the results of every configuration on a table, with each recipe."""
    prepared = PreparedTable.of(folder, rows)
    for recipe in INPUTS:
        for found in fits(prepared, recipe):
            yield {"recipe": recipe, "rows": len(prepared.y)} | found


if __name__ == "__main__":
    lines.run(__doc__, 15_000, find, summary)
