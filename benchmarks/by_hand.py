"""A person as a rival: LightGBM tuned manually from its defaults, one value at a time, 30 trials.

    python benchmarks/by_hand.py --bench ../shared/bench --data ../shared/data \\
        --tasks adult,cmc --json benchmarks/results/by-hand.json

On the train rows of the benchmark's split 0, every trial is evaluated by three folds with early
stopping, and a value that is better stays, as a careful analyst would do it. At the end the best
setting is trained on all train rows and evaluated on the test rows, with the benchmark's own loss.
Seconds are the machine's: the person's are not counted.
"""

from __future__ import annotations

import os

os.environ["OMP_WAIT_POLICY"] = "passive"  # before any library with OpenMP is loaded

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
from sklearn.model_selection import KFold, StratifiedKFold
from variants import load_bench

TRIALS = 30
# In the order in which one learns to tune; LightGBM's own value stands first.
STEPS: list[tuple[str, list[Any]]] = [
    ("num_leaves", [31, 15, 63, 7, 127]),
    ("min_child_samples", [20, 5, 50, 100]),
    ("learning_rate", [0.1, 0.05, 0.03, 0.015]),
    ("colsample_bytree", [1.0, 0.8, 0.6, 0.4]),
    ("subsample", [1.0, 0.9, 0.75, 0.6]),
    ("reg_lambda", [0.0, 1.0, 5.0, 20.0]),
    ("reg_alpha", [0.0, 0.1, 1.0]),
    ("max_bin", [255, 511, 63]),
    ("cat_smooth", [10.0, 1.0, 50.0]),
    ("extra_trees", [False, True]),
    ("num_leaves", [24, 48]),
    ("min_child_samples", [10, 30]),
]


def prepared(
    table: pd.DataFrame, levels: dict[str, pd.Index] | None = None
) -> tuple[pd.DataFrame, dict[str, pd.Index]]:
    """Text as categories, which LightGBM takes as they are; dates as numbers."""
    made, seen = table.copy(), {} if levels is None else levels
    for name in made:
        if made[name].dtype.kind in "biuf":
            continue
        if levels is None:
            dates = pd.to_datetime(made[name], errors="coerce", format="ISO8601")
            seen[name] = (
                pd.Index([])
                if dates.notna().mean() > 0.95
                else pd.Index(made[name].dropna().unique())
            )
        if len(seen[name]):
            made[name] = pd.Categorical(made[name], categories=seen[name])
        else:
            made[name] = (
                pd.to_datetime(made[name], errors="coerce", format="ISO8601").astype("int64") / 1e9
            )
    made.columns = [f"x{place}" for place in range(made.shape[1])]
    return made, seen


class Person:
    """One table, tuned manually."""

    def __init__(self, task: str, X: pd.DataFrame, y: np.ndarray) -> None:
        self.task, self.X, self.y = task, X, y
        splitter = (
            KFold(3, shuffle=True, random_state=0)
            if task == "regression"
            else StratifiedKFold(3, shuffle=True, random_state=0)
        )
        self.folds = list(splitter.split(X, y))

    def model(self, params: dict[str, Any], rounds: int) -> Any:
        kind = lightgbm.LGBMRegressor if self.task == "regression" else lightgbm.LGBMClassifier
        return kind(
            n_estimators=rounds, subsample_freq=1, n_jobs=2, verbose=-1, random_state=0, **params
        )

    def judge(self, params: dict[str, Any]) -> tuple[float, int]:
        """The mean loss over the folds, and the mean best round."""
        metric = {"regression": "rmse", "binary": "auc", "multiclass": "multi_logloss"}[self.task]
        losses, rounds = [], []
        for train, held in self.folds:
            model = self.model(params, 2000)
            stop = lightgbm.early_stopping(50, verbose=False)
            judged = {"eval_X": self.X.iloc[held], "eval_y": self.y[held], "eval_metric": metric}
            model.fit(self.X.iloc[train], self.y[train], callbacks=[stop], **judged)
            value = next(iter(model.best_score_.values()))[metric]
            losses.append(1 - value if metric == "auc" else value)
            rounds.append(model.best_iteration_)
        return float(np.mean(losses)), int(np.mean(rounds))

    def tune(self) -> Iterator[tuple[dict[str, Any], float, int]]:
        """Every trial: its parameters, loss and rounds."""
        best: dict[str, Any] = {}
        loss, rounds = self.judge(best)
        yield best, loss, rounds
        done = 1
        for name, values in STEPS:
            for value in values:
                if best.get(name, dict(STEPS[:10])[name][0]) == value or done >= TRIALS:
                    continue
                tried = best | {name: value}
                new, rounds = self.judge(tried)
                done += 1
                yield tried, new, rounds
                if new < loss:
                    best, loss = tried, new


def one(bench: ModuleType, folder: Path) -> dict[str, Any]:
    """Tune one table, and judge the best setting on the test rows."""
    card, table = bench.load(folder)
    train, test = bench.split(card, table, 0, None)
    X, levels = prepared(train.drop(columns=card["target"]))
    X_test, _ = prepared(test.drop(columns=card["target"]), levels)
    classes = None if card["task"] == "regression" else np.unique(train[card["target"]])
    y = (
        train[card["target"]].to_numpy()
        if classes is None
        else np.searchsorted(classes, train[card["target"]])
    )
    began = time.monotonic()
    person = Person(card["task"], X, y)
    trials = list(person.tune())
    params, loss, rounds = min(trials, key=lambda trial: trial[1])
    model = person.model(params, max(1, int(1.1 * rounds))).fit(X, y)
    seconds = time.monotonic() - began
    raw = model.predict(X_test) if classes is None else model.predict_proba(X_test)
    answers = (
        pd.DataFrame({"prediction": raw}) if classes is None else pd.DataFrame(raw, columns=classes)
    )
    test_loss = bench.loss_of(card, test[card["target"]], answers)
    return {
        "loss": test_loss,
        "held_out": loss,
        "trials": len(trials),
        "params": params,
        "seconds": round(seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bench", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--json", type=Path, required=True)
    args = parser.parse_args()
    bench = load_bench(args.bench)
    found = json.loads(args.json.read_text()) if args.json.exists() else {}
    for name in args.tasks.split(","):
        if name not in found:
            found[name] = one(bench, args.data / name)
            args.json.write_text(json.dumps(found, indent=1) + "\n")
        print(name, found[name], flush=True)


if __name__ == "__main__":
    main()
