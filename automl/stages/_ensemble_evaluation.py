"""Say how good an ensemble is: calibrated, with thresholds, and corrected for its choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.budget import Budget
from automl.ensemble import (
    Truth,
    apply_temperature,
    apply_thresholds,
    choose_thresholds,
    combine,
    equal_thresholds,
    fit_temperature,
)
from automl.folds import HasTime, sample_rows, unlimited
from automl.metrics import METRICS, Metric, metric_of
from automl.stages._ensemble_options import EnsembleOptions
from automl.stages._evaluation import evaluate, tied_with_best
from automl.stages._idle_members import Weights
from automl.stages._pace import Pace
from automl.stages._pool import Pool
from automl.stages._weighing import max_rows_of
from automl.study import Evaluation, Study
from automl.uncertainty import estimate_optimism

MAX_THRESHOLD_ROWS = 20_000
MIN_THRESHOLD_ROWS = {"accuracy": 10_000}  # out-of-fold rows
MIN_THRESHOLD_ROWS_OF_OTHERS = 50  # for other metrics
MIN_OPTIMISM_SECONDS = 0.8  # with less, optimism and ties are not looked for


def evaluate_in_time(
    options: EnsembleOptions,
    study: Study,
    pool: Pool,
    weights: Weights,
    budget: Budget,
    keep_share: float = 0.0,
) -> Evaluation:
    """Evaluate the ensemble, with the optimism of the choice and ties as far as there is time.

    Parameters
    ----------
    keep_share : float
        Share of the time that is left which is not used.
    """
    metric = metric_of(study.known_task)
    keep = 0.0
    if budget.is_timed:
        keep = max(MIN_OPTIMISM_SECONDS / 2, keep_share * budget.remaining())
    n_rows = len(pool.truth.y)
    has_thresholds = _has_thresholds(metric, n_rows)
    predictions = pool.predictions
    if len(weights) == 1:
        predictions = tuple(pool.predictions_of(weights))
    is_choice = len(weights) > 1 or has_thresholds
    expected_optimism = 0.0
    if is_choice and budget.remaining() > MIN_OPTIMISM_SECONDS:
        pace = Pace(budget, keep)
        expected_optimism = estimate_optimism(
            predictions,
            pool.truth,
            metric,
            options.weigher(study, pace),
            seed=study.seed,
            has_time=pace,
            chooses_thresholds=has_thresholds,
        )
    pace = Pace(budget, keep)
    evaluation = evaluate_ensemble(options, study, pool, weights, expected_optimism, pace)
    if budget.remaining() > max(MIN_OPTIMISM_SECONDS, keep):
        pace = Pace(budget, keep)
        tied = tied_with_best(pool, metric, study.seed, pace)
        evaluation = replace(evaluation, tied=tuple(tied))
    return evaluation


def evaluate_ensemble(
    options: EnsembleOptions,
    study: Study,
    pool: Pool,
    weights: Weights,
    optimism: float = 0.0,
    has_time: HasTime = unlimited,
) -> Evaluation:
    """Evaluate the weighted mean of the members.

    Parameters
    ----------
    weights : mapping of str to float
        By trial id.
    optimism : float
        The amount by which the choice of weights flatters the loss.
    has_time : callable
        Whether there is time for another bootstrap sample.

    Returns
    -------
    Evaluation
        The loss and its 95% interval; the residuals' quantiles of a regression, otherwise
        the temperature and the thresholds between classes.
    """
    task = study.known_task
    metric = metric_of(task)
    combined = combine(pool.predictions_of(weights), list(weights.values()))
    if task.is_regression:
        evaluation = evaluate(combined, pool, metric, study, optimism, has_time)
        residuals = _quantiles(pool.truth.y - combined)
        return replace(evaluation, residuals=residuals)
    degree = _temperature(options, study, combined, pool.truth)
    proba = apply_temperature(combined, degree)
    thresholds = equal_thresholds(task.n_outputs)
    n_rows = len(pool.truth.y)
    if _has_thresholds(metric, n_rows):
        rows = sample_rows(n_rows, MAX_THRESHOLD_ROWS, study.seed)
        truth = pool.truth.take(rows)
        thresholds = choose_thresholds(proba[rows], truth, metric)
    prediction: npt.NDArray[Any] = proba
    if metric.needs == "labels":
        prediction = apply_thresholds(proba, thresholds)
    evaluation = evaluate(prediction, pool, metric, study, optimism, has_time)
    return replace(
        evaluation,
        temperature=degree,
        thresholds=tuple(thresholds.tolist()),
    )


def _temperature(
    options: EnsembleOptions,
    study: Study,
    proba: Floats,
    truth: Truth,
) -> float:
    """Return the temperature of the probabilities; 1 leaves them as they are."""
    n_rows = len(truth.y)
    if not options.calibrates(study, n_rows):
        return 1.0
    rows = sample_rows(n_rows, max_rows_of(study), study.seed)
    log_loss = METRICS["log_loss"]
    return fit_temperature(proba[rows], truth.take(rows), log_loss)


def _has_thresholds(metric: Metric, rows: int) -> bool:
    """Whether there are enough out-of-fold rows to choose thresholds between classes by."""
    if metric.needs != "labels":
        return False
    min_rows = MIN_THRESHOLD_ROWS.get(metric.name, MIN_THRESHOLD_ROWS_OF_OTHERS)
    return rows >= min_rows


def _quantiles(residuals: Floats) -> tuple[float, ...]:
    """Return the percentiles from 0 to 100, rounded to seven digits."""
    shares = np.linspace(0, 1, 101)
    quantiles = np.quantile(residuals, shares)
    return tuple(float(f"{value:.7g}") for value in quantiles)
