"""Should a booster keep the round with the best held-out AUC, or the one with the least log loss?

    python benchmarks/laboratory/stopping.py --data ../shared/data \\
        --tasks credit_g,kc1,pc4,titanic --rows 600 --out stopping.jsonl
    python benchmarks/laboratory/stopping.py --read stopping.jsonl

The tables are small and their metric is AUC. Eight folds of `--rows` rows, drawn three times; the
other training rows of the benchmark's split 0 are the test. One line a bag of 8 models.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lines
import numpy as np
from prepare import PreparedTable
from sklearn.metrics import log_loss, roc_auc_score

from automl.budget import Budget
from automl.features.encoding import fit_shared
from automl.features.recipe import RECIPES
from automl.folds import kfold
from automl.metrics import METRICS
from automl.models import FitContext, Sample, _boosting, find_family

FAMILIES, FOLDS, SEEDS = ("lightgbm", "catboost", "xgboost"), 8, 3
TELLING = {"auc": 0, "log": 10**9}  # held-out rows from which on the AUC chooses


def bags(prepared: PreparedTable, rows: int, seed: int) -> Iterator[lines.Line]:
    """Yield the losses of a bag of each family's defaults on held-out and test rows, both ways."""
    order = np.random.default_rng(seed).permutation(len(prepared.y))
    known, test, y = order[:rows], order[rows:], prepared.y
    folds = kfold(y[known], np.arange(rows), FOLDS, 1, seed).blocks[0]
    for name in FAMILIES:
        kind = find_family(name)
        encoding = fit_shared(RECIPES[kind.recipes[0]], prepared.columns.take(known), 0)
        X, params = encoding.transform(prepared.columns), kind.defaults(prepared.task)
        for stop, telling in TELLING.items():
            _boosting.MIN_HELD_OUT_ROWS_FOR_METRIC = telling
            out, answer, rounds, began = np.zeros(rows), np.zeros(len(test)), [], time.time()
            for fold in range(FOLDS):
                context = FitContext(
                    prepared.task, METRICS["roc_auc"], fold, budget=Budget(time.monotonic() + 30)
                )
                train, held = (
                    Sample(X[part], encoding.features, y[part])
                    for part in (known[folds != fold], known[folds == fold])
                )
                fitted = kind.fit(kind.prepare(train, held, params, context), params, context)
                out[folds == fold] = fitted.model.predict(held.X)[:, 1]
                answer += fitted.model.predict(X[test])[:, 1] / FOLDS
                rounds.append(fitted.rounds)
            losses = {
                "oof": 1 - roc_auc_score(y[known], out),
                "test": 1 - roc_auc_score(y[test], answer),
                "tll": log_loss(y[test], answer),
            }
            yield {
                "family": name,
                "stop": stop,
                **losses,
                "rounds": float(np.mean(rounds)),
                "sec": time.time() - began,
            }


def summary(path: Path) -> None:
    """Geometric means of log over AUC, by family."""
    pairs: dict[tuple[Any, ...], dict[str, Any]] = defaultdict(dict)
    for found in lines.read(path):
        pairs[found["size"], found["family"], found["task"], found["seed"]][found["stop"]] = found
    ratios: dict[tuple[Any, ...], list[tuple[float, ...]]] = defaultdict(list)
    for (size, name, *_), pair in pairs.items():
        if len(pair) == 2:
            log, auc = pair["log"], pair["auc"]
            ratios[size, name].append(
                tuple(math.log(log[what] / auc[what]) for what in ("test", "tll", "rounds"))
            )
    print("rows  family        n  1 - AUC  log loss  rounds")
    for (size, name), logs in sorted(ratios.items()):
        means = "    ".join(f"{value:.3f}" for value in np.exp(np.mean(logs, axis=0)))
        print(f"{size:5} {name:10} {len(logs):4}    {means}")


def find(folder: Path, rows: int) -> Iterator[lines.Line]:
    """Yield the results of bags on draws of this many rows."""
    prepared = PreparedTable.of(folder, 6_000)
    for seed in range(SEEDS):
        for found in bags(prepared, rows, seed):
            yield {"size": rows, "seed": seed} | found


if __name__ == "__main__":
    lines.run(__doc__, 600, find, summary)
