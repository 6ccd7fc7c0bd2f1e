"""Small random CatBoost fits of all kinds that the family makes, and rows to try them on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Array, Floats, Matrix
from automl.metrics import metric_for
from automl.models import Feature, FitContext, Sample
from automl.models.catboost import CatBoost, _booster_params, _frame, _serialise
from automl.task import Kind, Task

METRICS = ("rmse", "mae", "pinball_0.8")


@dataclass(frozen=True)
class RandomFit:
    """A booster that was fitted to a random table.

    Parameters
    ----------
    booster : catboost.CatBoost
    levels : tuple of int
        Number of levels of each column; 0 for a numeric column.
    rounds : int
        Number of its trees to keep.
    """

    booster: Any
    levels: tuple[int, ...]
    rounds: int

    @property
    def blob(self) -> bytes:
        """The booster in CatBoost's format."""
        return _serialise(self.booster)

    def margins(self, X: Matrix) -> Floats:
        """CatBoost's own margins, of shape (n_rows, n_outputs)."""
        raw: Array = self.booster.predict(
            _frame(X, self.levels),
            prediction_type="RawFormulaVal",
            ntree_end=self.rounds,
            thread_count=1,
        )
        return raw.reshape(len(X), -1)

    def rows(self, seed: int, count: int = 100) -> Matrix:
        """Rows with extreme values and categories that were not seen."""
        rng = np.random.default_rng(seed)
        X = np.round(3 * rng.normal(size=(count, len(self.levels))), 1).astype(np.float32)
        extremes = np.array([np.inf, -np.inf, 3.4e38, -3.4e38, 0.0, -0.0, 1e-45, np.nan])
        is_extreme = rng.random(X.shape) < 0.1
        X[is_extreme] = rng.choice(extremes, is_extreme.sum()).astype(np.float32)
        for index, n_levels in enumerate(self.levels):
            if n_levels:
                codes = rng.integers(-1, n_levels + 3, count)
                X[:, index] = np.where(codes < 0, np.nan, codes)
        return X


def random_fit(seed: int) -> RandomFit:
    """Fit a booster whose table and parameters follow from the seed."""
    import catboost

    rng = np.random.default_rng(seed)
    context = _random_context(rng, seed)
    outputs = max(1, len(context.task.labels))
    train = _random_sample(rng, outputs)
    held = None
    if rng.random() < 0.3:
        held = train
    hyperparameters = _random_hyperparameters(rng)
    prepared = CatBoost().prepare(train, held, hyperparameters, context)
    params = _booster_params(prepared, hyperparameters, context)
    params["iterations"] = int(rng.integers(5, 31))
    booster = catboost.CatBoost(params)
    booster.fit(prepared.train, eval_set=prepared.held)
    rounds = int(rng.integers(1, booster.tree_count_ + 1))
    if hyperparameters["grow"] == "symmetric" and rng.random() < 0.5:
        booster.shrink(ntree_end=rounds)
    levels = tuple(feature.levels for feature in train.features)
    return RandomFit(booster, levels, rounds)


def _random_sample(rng: np.random.Generator, outputs: int) -> Sample:
    n_rows = int(rng.integers(60, 301))
    n_numbers = int(rng.integers(0, 5))
    n_categories = int(rng.integers(n_numbers == 0, 5))
    columns = []
    features = []
    for number in range(n_numbers + n_categories):
        n_levels = 0
        if number < n_numbers:
            column = _random_numbers(rng, n_rows, may_be_constant=number > 0)
        else:
            n_levels = int(rng.choice([2, 3, 5, 9, 14, 40, 200, 1200]))
            column = rng.integers(0, n_levels, n_rows).astype(float)
        if rng.random() < 0.4:
            column[rng.random(n_rows) < 0.15] = np.nan
        columns.append(column)
        features.append(Feature(f"x{number}", f"x{number}", n_levels))
    order = rng.permutation(len(columns))
    X = np.stack([columns[place] for place in order], axis=1).astype(np.float32)
    y = _random_target(rng, X, outputs)
    return Sample(X, tuple(features[place] for place in order), y)


def _random_numbers(rng: np.random.Generator, n_rows: int, *, may_be_constant: bool) -> Floats:
    kind = rng.integers(0 if may_be_constant else 1, 4)
    if kind == 0:
        return np.full(n_rows, 2.5)  # CatBoost ignores constant columns
    numbers = 3 * rng.normal(size=n_rows)
    if kind == 1:
        return np.round(numbers)
    if kind == 2:
        return np.round(numbers, 1) * 1e30
    return numbers


def _random_context(rng: np.random.Generator, seed: int) -> FitContext:
    outputs = int(rng.choice([1, 1, 2, 2, 3, 4, 6]))
    kind: Kind = "regression"
    metric = str(rng.choice(METRICS))
    labels: tuple[str, ...] = ()
    if outputs > 1:
        kind = "binary" if outputs == 2 else "multiclass"
        metric = "log_loss"
        labels = tuple("abcdef"[:outputs])
    return FitContext(Task(kind, "y", metric, labels), metric_for(metric, kind), seed)


def _random_target(rng: np.random.Generator, X: Matrix, outputs: int) -> Floats:
    signal = rng.normal(size=len(X))
    for column in np.nan_to_num(X.T, posinf=0, neginf=0):
        scaled = column / max(1.0, float(np.abs(column).max()))
        signal += rng.normal() * 3 * np.sin(7 * scaled)
    if outputs == 1:
        return signal
    ranks = np.argsort(np.argsort(signal))
    return (ranks * outputs // len(X)).astype(float)


def _random_hyperparameters(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "learning_rate": float(rng.uniform(0.03, 0.5)),
        "depth": int(rng.integers(1, 8)),
        "l2_leaf_reg": float(rng.uniform(0, 5)),
        "subsample": float(rng.uniform(0.7, 1)),
        "grow": str(rng.choice(["symmetric", "depthwise"])),
        "colsample_bylevel": float(rng.uniform(0.85, 1)),
        "leaf_estimation_iterations": int(rng.integers(1, 6)),
        "one_hot_max_size": int(rng.choice([1, 2, 8, 20, 100])),
        "max_ctr_complexity": int(rng.integers(1, 6)),
    }
