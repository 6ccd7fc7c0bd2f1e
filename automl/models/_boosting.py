"""Data preparation, watched metrics and the choice of the round, for all boosting families."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from automl.arrays import Floats, Matrix
from automl.features.feature import Feature
from automl.models._base import FitContext, Fitted, Hyperparameters, Sample
from automl.models._boosted import BoostedModel, check_faithful
from automl.models._early_stopping import MIN_HELD_OUT_ROWS_FOR_METRIC
from automl.models._rows import encode_rows
from automl.models._stopping import MAX_ROUNDS, FinalSteps, Monitor, trees_per_round
from automl.models._target import TargetCoding
from automl.models.constant import ConstantModel
from automl.models.trees.trees import Trees

WatchedMetric = Literal["log_loss", "roc_auc", "rmse", "mae", "pinball"]

# The learning rate's upper bound where deadlines cut fits short.
SHORT_BUDGET_LEARNING_RATE = 0.4
_MAX_ROUND_CHOICES = 20
_PROBE_ROWS = 32
# Metrics whose best round a watched metric finds as well.
_PROXIED_METRICS = ("r2", "pinball", "rmsle", "mape")


@dataclass(frozen=True)
class PreparedBoosting:
    """Rows in a library's own form.

    Parameters
    ----------
    target : TargetCoding
    rows : int
        Number of training rows.
    features : tuple of Feature
    train, held : object
        The library's data for training and for early stopping; `held` is None without held-out
        rows.
    held_sample : Sample or None
        The held-out rows with encoded targets.
    fallback : ConstantModel or None
        The model, where nothing can be learnt; then the data are None.
    probe : ndarray of shape (n_probe_rows, n_features) or None
        Some of the training rows, by which the fitted trees are compared with the library's.
    """

    target: TargetCoding
    rows: int
    features: tuple[Feature, ...]
    train: Any = None
    held: Any = None
    held_sample: Sample | None = None
    fallback: ConstantModel | None = None
    probe: Matrix | None = None

    @property
    def n_held_out(self) -> int:
        """Number of held-out rows."""
        if self.held_sample is None:
            return 0
        return len(self.held_sample.y)


def prepare_boosting(
    train: Sample, held: Sample | None, context: FitContext, convert: Callable[[Sample, Any], Any]
) -> PreparedBoosting:
    """Encode the targets of both samples and convert them to a library's form.

    Parameters
    ----------
    convert : callable
        Called as `convert(sample, reference)`; the reference is the converted training rows, or
        None for these themselves.
    """
    encoded = encode_rows(train, context)
    rows = encoded.sample
    prepared = PreparedBoosting(
        target=encoded.target,
        rows=len(rows.y),
        features=train.features,
        fallback=encoded.fallback,
    )
    if encoded.fallback is not None:
        return prepared
    data = convert(rows, None)
    prepared = replace(prepared, train=data, probe=_probe(rows.X))
    if held is None:
        return prepared
    held = encoded.target.encode(held)
    if not len(held.y):
        return prepared
    return replace(prepared, held=convert(held, data), held_sample=held)


def _probe(X: Matrix) -> Matrix:
    step = max(1, len(X) // _PROBE_ROWS)
    return X[::step][:_PROBE_ROWS]


def watched_metrics(context: FitContext, n_held_out: int) -> tuple[WatchedMetric, ...]:
    """Return the metrics that are evaluated after each round.

    The first chooses the round, ties broken by the last, which says when to stop. The area under
    the curve stays at 1 on easy tables, where a few rounds rank rows rightly but with poor
    probabilities; and it creeps upwards long after the log loss has turned (measured: 10 000 rows,
    3 900 rounds instead of a few hundred). On few held-out rows chance decides which round ranks
    them best, so the log loss alone chooses.
    """
    if context.task.is_regression:
        if context.metric.proxy == "mae":
            return ("mae",)
        if context.metric.proxy == "pinball":
            return ("pinball",)
        return ("rmse",)
    is_auc = context.metric.name == "roc_auc"
    is_binary = context.task.kind == "binary"
    if is_auc and is_binary and n_held_out >= MIN_HELD_OUT_ROWS_FOR_METRIC:
        return ("roc_auc", "log_loss")
    return ("log_loss",)


def must_choose_by_metric(context: FitContext, n_held_out: int) -> bool:
    """Return whether the run's metric itself must choose the round.

    That is so where the libraries don't watch it, it needs no thresholds, and there are enough
    held-out rows to rule out chance.
    """
    metric = context.metric
    if not context.task.is_regression and n_held_out < MIN_HELD_OUT_ROWS_FOR_METRIC:
        return False
    if metric.needs == "labels" or metric.proxy == "pinball":
        return False
    if metric.name in _PROXIED_METRICS:
        return False
    return metric.name not in watched_metrics(context, n_held_out)


def estimate_seconds(rows: int, features: int, outputs: int) -> float:
    """Return the seconds of a boosting run, measured with LightGBM.

    Many columns and classes end a run in fewer rounds.
    """
    trees = trees_per_round(outputs)
    seconds = 2.5e-5 * rows * features**0.75 * trees**0.5
    return float(seconds)


def start_monitor(
    data: PreparedBoosting,
    params: Hyperparameters,
    context: FitContext,
    final_steps: FinalSteps | None = None,
    max_rounds: int = MAX_ROUNDS,
) -> Monitor:
    """Return the monitor of a fit of prepared data with a bounded number of rounds."""
    monitor = Monitor(
        context,
        rows=data.rows,
        learning_rate=float(params["learning_rate"]),
        has_held_out=data.held is not None,
        final_steps=final_steps,
        max_rounds=max_rounds,
    )
    if data.held_sample is not None:
        monitor.held_rows = data.held_sample.X
    return monitor


def choose_round(
    monitor: Monitor, data: PreparedBoosting, context: FitContext, predict: Callable[[int], Floats]
) -> int:
    """Return the number of rounds to keep.

    It is chosen by the watched metrics, or by the metric itself among at most 20 numbers.

    Parameters
    ----------
    predict : callable
        Returns the prediction for the held-out rows with a number of rounds.
    """
    held = data.held_sample
    if not monitor.stops_early or monitor.stopped or held is None:
        return monitor.chosen_round
    if not must_choose_by_metric(context, data.n_held_out):
        return monitor.chosen_round
    truth = data.target.decode(held.y)
    best_round = monitor.best_round
    lowest = math.inf
    for number in _round_choices(monitor):
        before = context.budget.remaining()
        loss = context.metric.loss_of_output(truth, predict(number), held.weight)
        if loss < lowest:
            best_round = number
            lowest = loss
        if context.budget.is_timed and _is_time_short(before, context):
            break
    return best_round


def _round_choices(monitor: Monitor) -> list[int]:
    """Return numbers of rounds to compare, from the proxy's choice outwards.

    So the nearest of equals wins, and a deadline costs the farthest.
    """
    best = monitor.best_round
    end = monitor.rounds + 1
    step = max(1, math.ceil(monitor.rounds / (_MAX_ROUND_CHOICES - 1)))
    numbers = {*range(step, end, step), best}
    return sorted(numbers, key=lambda number: abs(number - best))


def _is_time_short(before: float, context: FitContext) -> bool:
    """Return whether less is left than twice the seconds since `before` seconds were left."""
    budget = context.budget
    left = budget.remaining()
    return left < 2 * (before - budget.remaining())


def constant_fit(data: PreparedBoosting, params: Hyperparameters) -> Fitted | None:
    """Return the fit of a table on which nothing can be learnt, or None."""
    if data.fallback is None:
        return None
    return Fitted(data.fallback, 1, dict(params))


def check_probe(
    data: PreparedBoosting,
    trees: Trees,
    library_margins: Callable[[Matrix], Any],
    tolerance: float = 0.0,
) -> None:
    """Refuse trees that give the probe's rows other margins than the library does.

    Parameters
    ----------
    data : PreparedBoosting
    trees : Trees
    library_margins : callable
        Returns the library's margins of rows.
    tolerance : float
        As in `check_faithful`.

    Raises
    ------
    UnfaithfulTrees
    """
    probe = data.probe
    assert probe is not None
    margins = library_margins(probe)
    check_faithful(trees, probe, margins, tolerance)


def finish_fit(
    monitor: Monitor,
    data: PreparedBoosting,
    trees: Trees,
    rounds: int,
    resolved: Hyperparameters,
) -> Fitted:
    """Return the result of a boosting run."""
    model = BoostedModel(trees, data.target)
    unit = 1.0
    if not data.target.n_classes:
        unit = data.target.scale
    curve = monitor.curve(unit)
    return Fitted(model, rounds, dict(resolved), curve, monitor.stopped)
