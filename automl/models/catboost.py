"""The CatBoost family."""

from __future__ import annotations

import tempfile
from collections.abc import Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.errors import UnsafeModel
from automl.models import _boosting as boosting
from automl.models._base import Family, FitContext, Fitted, Hyperparameters, Model, Sample
from automl.models._blocks import read_integer
from automl.models._boosted import restore_boosted
from automl.models._stopping import MAX_ROUNDS, Monitor
from automl.models.trees.trees import Trees
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

_METRIC_NAMES: dict[boosting.WatchedMetric, str] = {
    "log_loss": "Logloss",
    "roc_auc": "AUC",
    "rmse": "RMSE",
    "mae": "MAE",
    "pinball": "Quantile",
}
_MAX_TOTAL_LEVELS = 2**25  # of all columns together
# Rows x columns x classes x rounds x fold models that a candidate may cost where no clock ends it.
_UNTIMED_MAX_CELLS = 16_000_000_000
_UNTIMED_MIN_CATBOOST_ROUNDS = 200  # whatever they cost
_MARGIN_TOLERANCE = 1e-6  # CatBoost adds values in an order of its own
_GROW_POLICIES = {"symmetric": "SymmetricTree", "depthwise": "Depthwise"}


def _frame(X: Matrix, levels: tuple[int, ...]) -> Any:
    """Return a DataFrame with categorical integers as pandas categories.

    A missing category is -1, and one beyond the levels is the number of levels. CatBoost hashes
    each pandas category once (measured for 50 000 rows: 11 ms, against 78 ms for integers).
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for index, count in enumerate(levels):
        column: Any = X[:, index]
        if count:
            known = np.nan_to_num(column, nan=-1.0)
            clipped = np.clip(known, -1, count)
            codes = clipped.astype(np.int64) + 1
            categories = pd.Index(np.arange(-1, count + 1))
            column = pd.Categorical.from_codes(codes, categories=categories)
        columns[str(index)] = column
    return pd.DataFrame(columns)


def _serialise(booster: Any) -> bytes:
    """Return the booster in CatBoost's format, which it only writes to files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.cbm")
        booster.save_model(str(path))
        return path.read_bytes()


class CatBoost:
    """Gradient boosting by CatBoost."""

    name = "catboost"
    about = "gradient boosting, symmetric trees and ordered category statistics (CatBoost)"
    seeded = True
    bagged = True
    stops = True
    is_boosted = True
    recipes = ("native", "target", "codes", "pairs")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges that portfolios settle on."""
        max_rate = boosting.SHORT_BUDGET_LEARNING_RATE
        ranges: Space = {
            "learning_rate": Float(5e-3, 0.1, log=True, short_budget=max_rate),
            "depth": Int(4, 8),
            "l2_leaf_reg": Float(1e-4, 5.0, log=True),
            "subsample": Float(0.7, 1.0),
            "grow": Choice(("symmetric", "depthwise")),
            "colsample_bylevel": Float(0.85, 1.0),
            "leaf_estimation_iterations": Int(1, 20, log=True),
        }
        if not codes:
            return ranges
        return {
            **ranges,
            "one_hot_max_size": Int(8, 100, log=True),
            "max_ctr_complexity": Int(2, 5),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return CatBoost's own, with a fixed learning rate.

        CatBoost's automatic rate depends on the number of rounds. Columns of few categories are
        one-hot encoded: measured on 16 tables with categories, as good (0.995) in 0.4 of the time.
        """
        return {
            "learning_rate": 0.06,
            "depth": 6,
            "l2_leaf_reg": 3.0,
            "subsample": 0.8,
            "grow": "symmetric",
            "one_hot_max_size": 8,
            "max_ctr_complexity": 2,
        }

    def library_defaults(self, task: Task) -> dict[str, Any]:
        """Return CatBoost's own values."""
        return {
            "colsample_bylevel": 1.0,
            "leaf_estimation_iterations": 10 if task.kind == "binary" else 1,
        }

    def preparation_key(self, params: Hyperparameters) -> Hashable:
        """Return one key for all fits: CatBoost makes its bins in the fit."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> boosting.PreparedBoosting:
        """Return Pools."""
        import catboost

        levels = tuple(feature.levels for feature in train.features)

        def convert(sample: Sample, reference: Any) -> Any:
            return catboost.Pool(
                _frame(sample.X, levels),
                sample.y,
                cat_features=sample.categorical,
                weight=sample.weight,
                thread_count=context.threads,
            )

        return boosting.prepare_boosting(train, held, context, convert)

    def fit(
        self, prepared: boosting.PreparedBoosting, params: Hyperparameters, context: FitContext
    ) -> Fitted:
        """Boost until the held-out loss no longer falls."""
        import catboost

        constant = boosting.constant_fit(prepared, params)
        if constant is not None:
            return constant
        resolved = self.defaults(context.task) | dict(params)
        limit = _round_limit(prepared, context)
        monitor = boosting.start_monitor(prepared, resolved, context, max_rounds=limit)
        booster_params = _booster_params(prepared, resolved, context)
        booster_params["iterations"] = max(monitor.limit, MAX_ROUNDS)
        booster = catboost.CatBoost(booster_params)
        callback = _MonitorCallback(monitor, _metric_names(prepared, context))
        held = prepared.held if monitor.stops_early else None
        booster.fit(prepared.train, eval_set=held, callbacks=[callback])
        return _finish(booster, monitor, prepared, resolved, context)

    def restore(self, state: State) -> Model:
        """Return the model of trees, after checking them."""
        return restore_boosted(state, partial(_read_booster, state))

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return seconds, measured with early stopping and two columns of categories.

        2.6 s for 1 000 x 20, 7 s for 10 000 x 20, 32 s for 40 000 x 20.
        """
        return 1.0 + 3 * boosting.estimate_seconds(rows, features, outputs)


def _read_booster(state: State, blob: bytes) -> Trees:
    """Return the trees of a booster in a file of format 4, which holds the other fields, too."""
    rounds = read_integer(state, "rounds", 1)
    levels = _read_levels(state)
    return _read_trees(blob, levels, rounds)


def _read_trees(
    blob: bytes,
    levels: tuple[int, ...],
    rounds: int,
) -> Trees:
    """Return the first trees of a booster, without splits that decide nothing."""
    from automl.models.trees.from_catboost import read_catboost
    from automl.models.trees.pruning import without_idle_splits

    trees = read_catboost(blob, levels, rounds)
    return without_idle_splits(trees)


def _read_levels(state: State) -> tuple[int, ...]:
    error = UnsafeModel("the model file's levels are not whole numbers, or too large")
    levels = state.get("levels")
    if not isinstance(levels, list):
        raise error
    if not all(type(count) is int and count >= 0 for count in levels):
        raise error
    if sum(levels) > _MAX_TOTAL_LEVELS:
        raise error
    return tuple(levels)


def _round_limit(prepared: boosting.PreparedBoosting, context: FitContext) -> int:
    """Return the rounds that are worth their time where no clock ends a fit.

    Measured: 41 ms a round for 600 rows, 400 columns and 19 classes, 2.5 ms for 1 500 rows, 54
    columns and 4 classes.
    """
    if context.budget.is_timed:
        return MAX_ROUNDS
    cells = prepared.rows * len(prepared.features) * prepared.target.columns
    all_cells = max(1, cells * context.models)
    rounds = _UNTIMED_MAX_CELLS // all_cells
    return max(rounds, _UNTIMED_MIN_CATBOOST_ROUNDS)


@dataclass(frozen=True)
class _MonitorCallback:
    """Passes each round's held-out losses to the monitor, which alone ends a fit.

    `iterations` is the same for all fits: CatBoost grows other trees from the first on where it is
    smaller (measured: 116 against 200), so that a refit with the rounds of an earlier fit would be
    another model.
    """

    monitor: Monitor
    metrics: list[str]

    def after_iteration(self, info: Any) -> bool:
        """Return False to end the fit."""
        if not self.monitor.stops_early:
            return self.monitor.should_continue()
        latest = {}
        for key, values in info.metrics["validation"].items():
            name = key.split(":")[0]
            loss = float(values[-1])
            if name == "AUC":
                loss = 1.0 - loss
            latest[name] = loss
        losses = tuple(latest[name] for name in self.metrics)
        return self.monitor.should_continue(losses)


def _metric_names(prepared: boosting.PreparedBoosting, context: FitContext) -> list[str]:
    """Return CatBoost's names of the watched metrics."""
    if prepared.target.outputs > 2:
        return ["MultiClass"]
    watched = boosting.watched_metrics(context, prepared.n_held_out)
    return [_METRIC_NAMES[name] for name in watched]


def _booster_params(
    prepared: boosting.PreparedBoosting, resolved: Hyperparameters, context: FitContext
) -> dict[str, Any]:
    watched = boosting.watched_metrics(context, prepared.n_held_out)
    quantile = f"alpha={context.metric.quantile_level};" if watched == ("pinball",) else ""
    options = f"{quantile}hints=skip_train~true"
    metrics = [f"{name}:{options}" for name in _metric_names(prepared, context)]
    objective = _objective(prepared.target.outputs, watched[0], context.metric.quantile_level)
    passed = {name: value for name, value in resolved.items() if name != "grow"}
    if objective.startswith(("MAE", "Quantile")):
        passed.pop("leaf_estimation_iterations", None)  # leaves are exact medians or quantiles
    return {
        **passed,
        "grow_policy": _GROW_POLICIES[resolved["grow"]],
        "bootstrap_type": "Bernoulli",
        "boosting_type": "Plain",
        "loss_function": objective,
        "eval_metric": metrics[0],
        "custom_metric": metrics[1:],
        "use_best_model": False,
        "thread_count": context.threads,
        "random_seed": context.seed % 2**31,
        "allow_writing_files": False,
        "logging_level": "Silent",
    }


def _objective(outputs: int, watched: boosting.WatchedMetric, level: float) -> str:
    if outputs > 1:
        return "Logloss" if outputs == 2 else "MultiClass"
    return {"mae": "MAE", "pinball": f"Quantile:alpha={level}"}.get(watched, "RMSE")


def _finish(
    booster: Any,
    monitor: Monitor,
    prepared: boosting.PreparedBoosting,
    resolved: Hyperparameters,
    context: FitContext,
) -> Fitted:
    """Choose the rounds to keep and return the fit."""
    target = prepared.target
    levels = tuple(feature.levels for feature in prepared.features)

    def predict(rounds: int) -> Floats:
        assert prepared.held_sample is not None
        raw = booster.predict(
            _frame(prepared.held_sample.X, levels),
            prediction_type="Probability" if target.n_classes else "RawFormulaVal",
            ntree_end=rounds,
            thread_count=context.threads,
        )
        return target.to_prediction(raw)

    rounds = boosting.choose_round(monitor, prepared, context, predict)
    blob = _serialise(booster)
    trees = _read_trees(blob, levels, rounds)

    def margins(rows: Matrix) -> Any:
        return booster.predict(
            _frame(rows, levels),
            prediction_type="RawFormulaVal",
            ntree_end=rounds,
            thread_count=1,
        )

    boosting.check_probe(prepared, trees, margins, _MARGIN_TOLERANCE)
    return boosting.finish_fit(monitor, prepared, trees, rounds, resolved)


FAMILIES: tuple[Family, ...] = (CatBoost(),)
