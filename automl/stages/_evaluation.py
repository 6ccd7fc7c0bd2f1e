"""How good an ensemble can be expected to be: its loss, an interval for new rows, and ties."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.ensemble import Truth
from automl.extrapolation import (
    Block,
    default_n_new_rows,
    later_loss_interval,
    widen_interval,
    widening_factor,
)
from automl.folds import HasTime, sample_rows
from automl.metrics import Metric
from automl.stages._pool import Pool
from automl.study import Evaluation, Study
from automl.uncertainty import Sampler, bootstrap_interval, find_ties, lower_end_on_fewer_rows

Prediction = npt.NDArray[Any]  # numbers, probabilities or labels, whichever the metric needs

# The part of its loss by which the predictor, which knows all rows, may be better than the models
# that were judged: this times the share of the rows that a fold holds out.
GROWTH = 0.25
MAX_BOOTSTRAP_ROWS = 5000
MAX_TIE_ROWS = 2000
SLICES = 3  # of a fold's held-out rows, by time
MIN_SLICE_ROWS = 8


def evaluate(
    prediction: Prediction,
    pool: Pool,
    metric: Metric,
    study: Study,
    optimism: float,
    has_time: HasTime,
) -> Evaluation:
    """Return the loss of out-of-fold predictions and its 95% interval for new rows.

    Parameters
    ----------
    optimism : float
        The amount by which choosing on these rows flatters the loss; it is added.
    has_time : callable
        Whether there is time for another bootstrap sample.

    Returns
    -------
    Evaluation
        The loss is the mean over the folds, as for every trial, plus the optimism.
    """
    truth = pool.truth
    folds = [(truth.take(part), prediction[part]) for part in pool.fold_positions]
    losses = [metric.loss(fold.y, predicted, fold.weight) for fold, predicted in folds]
    mean_loss = float(np.mean(losses))
    loss = min(metric.max_loss, mean_loss + optimism)
    n_rows = study.size.rows
    n_new = default_n_new_rows(n_rows)
    sizes = [len(part) for part in pool.fold_positions]
    n_held = float(np.mean(sizes))
    factor = widening_factor(len(truth.y), n_new, n_rows - n_held)
    low, high = _ends(loss, prediction, truth, metric, factor, study.seed, has_time)
    if math.isfinite(metric.min_loss):
        low -= GROWTH * n_held / n_rows * (low - metric.min_loss)
    if study.plan.kind == "time":
        low, high = _widened_for_later_rows(low, high, folds, metric, n_new)
    return Evaluation(
        loss,
        low,
        high,
        rows=len(truth.y),
        new=n_new,
        optimism=optimism,
        folds=tuple(losses),
    )


def _ends(
    loss: float,
    prediction: Prediction,
    truth: Truth,
    metric: Metric,
    factor: float,
    seed: int,
    has_time: HasTime,
) -> tuple[float, float]:
    """Return the ends of a loss's interval: the bootstrap's over rows, widened by a factor.

    Of large tables a sample is enough: widths shrink with the root of the number of rows.
    """
    sampler = Sampler(truth)
    rows = sampler.sample_rows(MAX_BOOTSTRAP_ROWS, seed)
    sample = truth.take(rows)
    predicted = prediction[rows]
    shrinkage = math.sqrt(len(rows) / len(truth.y))
    factor = shrinkage * factor * sampler.few_units_factor
    low, high = bootstrap_interval(predicted, sample, metric, seed=seed, has_time=has_time)
    shift = loss - metric.loss(sample.y, predicted, sample.weight)
    low, high = widen_interval(loss, low + shift, high + shift, factor, metric)
    if factor <= 1:
        return low, high
    # There are few new rows, which may all be right.
    few_rows_low = lower_end_on_fewer_rows(
        predicted, sample, metric, factor, seed=seed, has_time=has_time
    )
    if few_rows_low > metric.min_loss:
        few_rows_low = max(metric.min_loss, few_rows_low + shift)
    return min(low, few_rows_low), high


def _widened_for_later_rows(
    low: float,
    high: float,
    folds: Sequence[tuple[Truth, Prediction]],
    metric: Metric,
    n_new: int,
) -> tuple[float, float]:
    """Widen an interval by the effect that a lasting drift has on later rows."""
    blocks = []
    start = 0.0
    for truth, predicted in folds:
        blocks.extend(_blocks(start, truth, predicted, metric))
        start += len(predicted)
    # Shares, which have a greatest value, scatter too much over few rows for logarithms.
    least = metric.min_loss if math.isinf(metric.max_loss) else -math.inf
    later = Block(start, n_new / 2)
    later_low, later_high = later_loss_interval(blocks, later, least)
    if not math.isfinite(later_high):
        return low, high
    low = max(metric.min_loss, min(low, later_low))
    high = min(metric.max_loss, max(high, later_high))
    return low, high


def _blocks(
    start: float,
    truth: Truth,
    predicted: Prediction,
    metric: Metric,
) -> list[Block]:
    """Cut a fold's held-out rows into slices by time, each with its loss."""
    blocks = []
    ends = np.linspace(0, len(predicted), SLICES + 1)
    whole_ends = ends.astype(np.int64).tolist()
    for first, end in pairwise(whole_ends):
        rows = np.arange(first, end)
        loss = _loss_or_nan(metric, truth.take(rows), predicted[rows])
        age = (first + end) / 2
        blocks.append(Block(start, age, loss))
    return blocks


def _loss_or_nan(
    metric: Metric,
    truth: Truth,
    predicted: Prediction,
) -> float:
    """Return a loss, or NaN if it can't be computed on so few rows."""
    if len(predicted) < MIN_SLICE_ROWS:
        return math.nan
    try:
        return metric.loss(truth.y, predicted, truth.weight)
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def tied_with_best(
    pool: Pool,
    metric: Metric,
    seed: int,
    has_time: HasTime,
) -> list[str]:
    """Return the ids of the models that can't be told apart from the best one.

    The best one is among them; the list is empty if there is no other.
    """
    n_rows = len(pool.truth.y)
    rows = sample_rows(n_rows, MAX_TIE_ROWS, seed)
    predictions = [prediction[rows] for prediction in pool.predictions]
    truth = pool.truth.take(rows)
    is_tied = find_ties(predictions, truth, metric, seed=seed, has_time=has_time)
    names = []
    for index, trial in enumerate(pool.trials):
        if is_tied[index]:
            names.append(trial.id)
    if len(names) == 1:
        return []
    return names
