"""Which round a booster keeps on a small table whose metric is AUC: that with the best AUC of its held-out rows, or the least log loss.

    python benchmarks/laboratory/stopping.py --data ../shared/data --tasks credit_g,kc1,pc4,titanic --rows 600 --out stopping.jsonl
    python benchmarks/laboratory/stopping.py --read stopping.jsonl

Eight folds of so many rows, three draws; the other training rows of the benchmark's split 0 are the test. One line a bag of 8 models.
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
from build import Executor
from sklearn.metrics import log_loss, roc_auc_score

from automl.budget import Budget
from automl.features.encoding import fit_shared
from automl.features.recipe import RECIPES
from automl.folds import kfold
from automl.metrics import METRICS
from automl.models import How, Sample, _boosting, family

FAMILIES, FOLDS, SEEDS = ("lightgbm", "catboost", "xgboost"), 8, 3
TELLING = {"auc": 0, "log": 10**9}  # held-out rows from which on the AUC chooses


def bags(executor: Executor, rows: int, seed: int) -> Iterator[lines.Line]:
    """What a bag of each family's defaults has on held-out and on test rows, either way."""
    order = np.random.default_rng(seed).permutation(len(executor.y))
    known, test, y = order[:rows], order[rows:], executor.y
    folds = kfold(y[known], np.arange(rows), FOLDS, 1, seed).blocks[0]
    for name in FAMILIES:
        kind = family(name)
        encoding = fit_shared(RECIPES[kind.recipes[0]], executor.columns.take(known), 0)
        X, params = encoding.transform(executor.columns), kind.defaults(executor.task)
        for stop, telling in TELLING.items():
            _boosting.TELLING = telling
            out, answer, rounds, began = np.zeros(rows), np.zeros(len(test)), [], time.time()
            for fold in range(FOLDS):
                how = How(executor.task, METRICS["roc_auc"], fold, 1, Budget(time.monotonic() + 30))
                train, held = (
                    Sample(X[part], encoding.features, y[part])
                    for part in (known[folds != fold], known[folds == fold])
                )
                fitted = kind.fit(kind.prepare(train, held, params, how), params, how)
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
    for (size, name), found in sorted(ratios.items()):
        print(
            f"{size:5} {name:10} {len(found):4}    {'    '.join(f'{value:.3f}' for value in np.exp(np.mean(found, axis=0)))}"
        )


def find(folder: Path, rows: int) -> Iterator[lines.Line]:
    """What bags come to on draws of so many rows."""
    executor = Executor.of(folder, 6_000)
    for seed in range(SEEDS):
        for found in bags(executor, rows, seed):
            yield {"size": rows, "seed": seed} | found


if __name__ == "__main__":
    lines.run(__doc__, 600, find, summary)
