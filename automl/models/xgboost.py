"""The XGBoost family."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

from automl.arrays import Floats, Matrix
from automl.models import _boosting as boosting
from automl.models._base import Family, FitContext, Fitted, Hyperparameters, Model, Sample
from automl.models._blocks import clip_infinite
from automl.models._boosted import restore_boosted
from automl.models._stopping import FinalSteps, Monitor
from automl.models.trees.trees import Trees
from automl.space import Choice, Float, Int, Space
from automl.state import State
from automl.task import Task

if TYPE_CHECKING:
    from xgboost import Booster, QuantileDMatrix

_METRIC_NAMES: dict[boosting.WatchedMetric, str] = {
    "log_loss": "logloss",
    "roc_auc": "auc",
    "rmse": "rmse",
    "mae": "mae",
    "pinball": "quantile",
}
_DEFAULT_MAX_BIN = 256


class XGBoost:
    """Gradient boosting by XGBoost."""

    name = "xgboost"
    about = "gradient boosting, trees grown level by level (XGBoost)"
    seeded = True
    bagged = True
    stops = True
    is_boosted = True
    recipes = ("mixed", "native", "target", "codes", "coded_pairs")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return the ranges that portfolios settle on."""
        max_rate = boosting.SHORT_BUDGET_LEARNING_RATE
        return {
            "learning_rate": Float(5e-3, 0.1, log=True, short_budget=max_rate),
            "max_depth": Int(4, 10, log=True),
            "min_child_weight": Float(1e-3, 5.0, log=True),
            "subsample": Float(0.6, 1.0),
            "colsample_bylevel": Float(0.6, 1.0),
            "colsample_bynode": Float(0.6, 1.0),
            "reg_alpha": Float(1e-4, 5.0, log=True),
            "reg_lambda": Float(1e-4, 5.0, log=True),
            "grow_policy": Choice(("depthwise", "lossguide")),
            "max_leaves": Int(8, 1024, log=True),
        }

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return XGBoost's own, with a lower learning rate and a share of rows and columns."""
        return {
            "learning_rate": 0.05,
            "max_depth": 6,
            "min_child_weight": 1.0,
            "subsample": 0.9,
            "colsample_bynode": 0.8,
        }

    def library_defaults(self, task: Task) -> dict[str, Any]:
        """Return XGBoost's own values; it does not bound the leaves."""
        return {
            "colsample_bylevel": 1.0,
            "reg_alpha": 0.0,
            "reg_lambda": 1.0,
            "grow_policy": "depthwise",
            "max_leaves": 1024,
        }

    def preparation_key(self, params: Hyperparameters) -> Hashable:
        """Return the number of bins."""
        return int(params.get("max_bin", _DEFAULT_MAX_BIN))

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> boosting.PreparedBoosting:
        """Return quantile matrices."""
        import xgboost

        max_bin = int(params.get("max_bin", _DEFAULT_MAX_BIN))

        def convert(sample: Sample, reference: QuantileDMatrix | None) -> QuantileDMatrix:
            types = ["c" if feature.levels else "q" for feature in sample.features]
            return xgboost.QuantileDMatrix(
                clip_infinite(sample.X),
                sample.y,
                weight=sample.weight,
                feature_types=types,
                enable_categorical=True,
                max_bin=max_bin,
                ref=reference,
                nthread=context.threads,
            )

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
            X = clip_infinite(prepared.held_sample.X)
            raw = booster.inplace_predict(X, iteration_range=(0, rounds))
            return prepared.target.to_prediction(raw)

        rounds = boosting.choose_round(monitor, prepared, context, predict)
        kept = booster[:rounds]
        saved = bytes(kept.save_raw("ubj"))
        trees = _read_booster(saved)

        def margins(rows: Matrix) -> Any:
            return kept.inplace_predict(clip_infinite(rows), predict_type="margin")

        boosting.check_probe(prepared, trees, margins)
        return boosting.finish_fit(monitor, prepared, trees, rounds, resolved)

    def restore(self, state: State) -> Model:
        """Return the model of trees, after checking them."""
        return restore_boosted(state, _read_booster)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return seconds, measured with early stopping.

        1 s for 1 000 x 20, 1 to 6 s for 10 000 x 20, 7 s for 40 000 x 20.
        """
        return 0.5 + boosting.estimate_seconds(rows, features, outputs)


def _read_booster(blob: bytes) -> Trees:
    """Return the trees of a booster in XGBoost's own format."""
    from automl.models.trees.from_xgboost import read_xgboost

    return read_xgboost(blob)


def _booster_params(
    prepared: boosting.PreparedBoosting, resolved: Hyperparameters, context: FitContext
) -> list[tuple[str, Any]]:
    """Return parameters as pairs, since `eval_metric` may occur twice."""
    outputs = prepared.target.outputs
    watched = boosting.watched_metrics(context, prepared.n_held_out)
    params = {
        **resolved,
        "objective": _objective(outputs, watched[0]),
        "tree_method": "hist",
        "nthread": context.threads,
        "seed": context.seed % 2**31,
        "verbosity": 0,
    }
    if watched == ("pinball",):
        params["quantile_alpha"] = context.metric.quantile_level
    metrics = [_METRIC_NAMES[name] for name in watched]
    if outputs > 2:
        params["num_class"] = outputs
        metrics = ["mlogloss"]
    pairs = list(params.items())
    for name in metrics:
        pairs.append(("eval_metric", name))
    return pairs


def _objective(outputs: int, watched: boosting.WatchedMetric) -> str:
    if outputs > 1:
        return "binary:logistic" if outputs == 2 else "multi:softprob"
    objectives = {"mae": "reg:absoluteerror", "pinball": "reg:quantileerror"}
    return objectives.get(watched, "reg:squarederror")


def _boost(
    prepared: boosting.PreparedBoosting, resolved: Hyperparameters, context: FitContext
) -> tuple[Booster, Monitor]:
    """Boost round by round, so that the deadline is checked after each of them."""
    import xgboost

    final_steps = FinalSteps(
        lambda: _read_booster(bytes(booster[:].save_raw("ubj"))),
        lambda rows: booster.inplace_predict(clip_infinite(rows)),
    )
    monitor = boosting.start_monitor(prepared, resolved, context, final_steps)
    matrices = [prepared.train]
    if monitor.stops_early:
        matrices.append(prepared.held)
    params = _booster_params(prepared, resolved, context)
    booster = xgboost.Booster(params, matrices)
    while True:
        round_index = monitor.rounds
        booster.update(prepared.train, round_index)
        losses: tuple[float, ...] = ()
        if monitor.stops_early:
            losses = _held_losses(booster, prepared.held, round_index)
        if not monitor.should_continue(losses):
            return booster, monitor


def _held_losses(booster: Booster, held: QuantileDMatrix, round_index: int) -> tuple[float, ...]:
    """Return the losses in the order of `eval_metric`.

    XGBoost returns them in that order, separated by tabs, as in `held-auc:0.97`.
    """
    losses = []
    evaluation = booster.eval_set([(held, "held")], round_index)
    _, *results = evaluation.split("\t")
    for result in results:
        name, value = result.rsplit(":", 1)
        loss = float(value)
        if name.endswith("auc"):
            loss = 1.0 - loss
        if math.isnan(loss):  # there is no AUC where only one class is held out
            loss = 0.5
        losses.append(loss)
    return tuple(losses)


FAMILIES: tuple[Family, ...] = (XGBoost(),)
