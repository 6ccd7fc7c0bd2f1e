"""The LightGBM family."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.arrays import Floats
from automl.models import _boosting as boosting
from automl.models._base import Family, FitContext, Fitted, Hyperparameters, Model, Sample
from automl.models._boosted import restore_boosted
from automl.models._stopping import FinalSteps, Monitor
from automl.models.trees.trees import Trees
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

_METRIC_NAMES: dict[boosting.WatchedMetric, str] = {
    "log_loss": "binary_logloss",
    "roc_auc": "auc",
    "rmse": "rmse",
    "mae": "l1",
    "pinball": "quantile",
}
_DATASET_PARAMS = ("max_bin", "min_data_in_bin")  # hyperparameters that a Dataset depends on
# Rounds without a split after which a run ends; extra_trees may miss one by chance.
_MAX_IDLE_ROUNDS = 5


class LightGBM:
    """Gradient boosting by LightGBM."""

    name = "lightgbm"
    about = "gradient boosting, trees grown leaf by leaf (LightGBM)"
    seeded = True
    bagged = True
    stops = True
    is_boosted = True
    recipes = ("mixed", "native", "target", "codes", "mixed_pairs", "pairs")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges that portfolios settle on."""
        max_rate = boosting.SHORT_BUDGET_LEARNING_RATE
        ranges: Space = {
            "learning_rate": Float(5e-3, 0.1, log=True, short_budget=max_rate),
            "num_leaves": Int(2, 200, log=True),
            "feature_fraction": Float(0.4, 1.0),
            "bagging_fraction": Float(0.7, 1.0),
            "min_data_in_leaf": Int(1, 64, log=True),
            "extra_trees": Choice((False, True)),
            "lambda_l1": Float(1e-4, 1.0, log=True),
            "lambda_l2": Float(1e-4, 2.0, log=True),
        }
        if not codes:
            return ranges
        return {
            **ranges,
            "cat_l2": Float(5e-3, 2.0, log=True),
            "cat_smooth": Float(1e-3, 100.0, log=True),
            "max_cat_to_onehot": Int(8, 100, log=True),
            "min_data_per_group": Int(2, 100, log=True),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return LightGBM's own, with a sampled share of rows and columns.

        Categories are split one by one in columns of up to 32. Measured on 20 tables with
        categories: the median loss is 0.985 of what LightGBM's own 4 and 100
        (`max_cat_to_onehot`, `min_data_per_group`) give.
        """
        return {
            "learning_rate": 0.05,
            "num_leaves": 31,
            "feature_fraction": 0.8,
            "bagging_fraction": 0.9,
            "min_data_in_leaf": 10,
            "max_cat_to_onehot": 32,
            "min_data_per_group": 20,
        }

    def library_defaults(self, task: Task) -> dict[str, Any]:
        """Return LightGBM's own values."""
        return {
            "extra_trees": False,
            "lambda_l1": 0.0,
            "lambda_l2": 0.0,
            "cat_l2": 10.0,
            "cat_smooth": 10.0,
        }

    def preparation_key(self, params: Hyperparameters) -> Hashable:
        """Return the hyperparameters of the bins."""
        return tuple((name, params[name]) for name in _DATASET_PARAMS if name in params)

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> boosting.PreparedBoosting:
        """Return binned Datasets."""
        import lightgbm

        dataset_params = _dataset_params(params, context)

        def convert(sample: Sample, reference: Dataset | None) -> Dataset:
            dataset = lightgbm.Dataset(
                np.ascontiguousarray(sample.X),
                sample.y,
                reference,
                sample.weight,
                categorical_feature=sample.categorical,
                params=dict(dataset_params),
            )
            return dataset.construct()

        return boosting.prepare_boosting(train, held, context, convert)

    def fit(
        self, prepared: boosting.PreparedBoosting, params: Hyperparameters, context: FitContext
    ) -> Fitted:
        """Boost until the held-out loss no longer falls."""
        constant = boosting.constant_fit(prepared, params)
        if constant is not None:
            return constant
        resolved = self.defaults(context.task) | dict(params)
        booster, monitor = _boost(prepared, resolved, context)

        def predict(rounds: int) -> Floats:
            assert prepared.held_sample is not None
            X = prepared.held_sample.X
            raw = booster.predict(X, num_iteration=rounds, num_threads=context.threads)
            return prepared.target.to_prediction(raw)

        rounds = boosting.choose_round(monitor, prepared, context, predict)
        text = booster.model_to_string(num_iteration=rounds)
        trees = _read_booster(text.encode())
        margins = partial(
            booster.predict,
            num_iteration=rounds,
            num_threads=1,
            raw_score=True,
        )
        boosting.check_probe(prepared, trees, margins)
        return boosting.finish_fit(monitor, prepared, trees, rounds, resolved)

    def restore(self, state: State) -> Model:
        """Return the model of trees, after checking them."""
        return restore_boosted(state, _read_booster)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return seconds, measured with early stopping.

        0.2 s for 1 000 x 20, 1 to 5 s for 10 000 x 20, 10 s for 40 000 x 20.
        """
        return 0.15 + boosting.estimate_seconds(rows, features, outputs)


def _read_booster(text: bytes) -> Trees:
    """Return the trees of a booster in LightGBM's own format."""
    from automl.models.trees.from_lightgbm import read_lightgbm

    return read_lightgbm(text)


def _dataset_params(params: Hyperparameters, context: FitContext) -> dict[str, Any]:
    """Return the parameters of a Dataset.

    Each fit repeats them with the same values, as LightGBM refuses to change them.
    """
    dataset_params = {
        "num_threads": context.threads,
        "verbosity": -1,
        "feature_pre_filter": False,  # else min_data_in_leaf could not vary over one Dataset
        "data_random_seed": 1,  # else it would follow `seed`
    }
    for name in _DATASET_PARAMS:
        if name in params:
            dataset_params[name] = params[name]
    return dataset_params


def _booster_params(
    prepared: boosting.PreparedBoosting, resolved: Hyperparameters, context: FitContext
) -> dict[str, Any]:
    outputs = prepared.target.outputs
    watched = boosting.watched_metrics(context, prepared.n_held_out)
    params = {
        "bagging_freq": 1,
        **resolved,
        **_dataset_params(resolved, context),
        "objective": _objective(outputs, watched[0]),
        "alpha": context.metric.quantile_level,
        "metric": [_METRIC_NAMES[name] for name in watched],
        "deterministic": True,
        "force_col_wise": True,
        "seed": context.seed % 2**31,
    }
    if outputs > 2:
        params["metric"] = ["multi_logloss"]
        params["num_class"] = outputs
    return params


def _objective(outputs: int, watched: boosting.WatchedMetric) -> str:
    if outputs > 1:
        return "binary" if outputs == 2 else "multiclass"
    return {"mae": "regression_l1", "pinball": "quantile"}.get(watched, "regression")


def _boost(
    prepared: boosting.PreparedBoosting, resolved: Hyperparameters, context: FitContext
) -> tuple[Booster, Monitor]:
    """Boost round by round, so that the deadline is checked after each of them."""
    import lightgbm

    params = _booster_params(prepared, resolved, context)
    booster = lightgbm.Booster(params, prepared.train)
    final_steps = FinalSteps(
        lambda: _read_booster(booster.model_to_string().encode()),
        lambda rows: booster.predict(rows, num_threads=1),
    )
    monitor = boosting.start_monitor(prepared, resolved, context, final_steps)
    if monitor.stops_early:
        booster.add_valid(prepared.held, "held")
    idle_rounds = 0
    while idle_rounds < _MAX_IDLE_ROUNDS:
        if booster.update():  # no split was found, and no round added
            idle_rounds += 1
            continue
        idle_rounds = 0
        losses = _held_losses(booster, params["metric"]) if monitor.stops_early else ()
        if not monitor.should_continue(losses):
            break
    return booster, monitor


def _held_losses(booster: Booster, metrics: list[str]) -> tuple[float, ...]:
    losses = {}
    for _, name, value, is_greater_better, *_ in booster.eval_valid():
        losses[name] = 1.0 - value if is_greater_better else value
    return tuple(losses[name] for name in metrics)


FAMILIES: tuple[Family, ...] = (LightGBM(),)
