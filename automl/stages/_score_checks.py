"""Checks of a score: quick models under two ways of holding rows out, compared."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from automl.arrays import Bools, Floats, Rows
from automl.dataset import Dataset
from automl.metrics import metric_of
from automl.task import Task

MIN_EVALUATED_ROWS = 10
MIN_ERROR_BLOCKS = 3
MIN_SKILL = 0.02  # of the target's variance: with less there is nothing to lose
_TINY = 1e-300  # keeps divisors from being 0


@dataclass(frozen=True)
class ScoreCheck:
    """The result of a probe.

    Parameters
    ----------
    default_score, corrected_score : float
        By the task's metric, as rows are held out by default, and as they should be.
    skill_loss : float
        The part of the skill that is lost: 1 if nothing is left of it.
    error_ratio : float
        Corrected squared error over the default one.
    standard_errors : float
        By how many standard errors the squared errors differ.
    skill : float
        The part of the target's variance that is explained where rows are held out by default.
    """

    default_score: float
    corrected_score: float
    skill_loss: float
    error_ratio: float
    standard_errors: float
    skill: float


@dataclass(frozen=True)
class HeldOutPair:
    """Held-out predictions under both ways of holding rows out.

    Parameters
    ----------
    default, corrected : ndarray of shape (n_probed,) or (n_probed, n_classes)
        NaN where a row was never held out.
    rows : ndarray of shape (n_probed,), int64
        Rows of the data set.
    groups : ndarray of shape (n_probed,), int64
        Rows whose errors go together.
    is_paired : bool
        Whether both ways hold out the same rows.
    """

    default: Floats
    corrected: Floats
    rows: Rows
    groups: Rows
    is_paired: bool


def evaluate(pair: HeldOutPair, data: Dataset, *, is_drift: bool) -> ScoreCheck | None:
    """Compare both ways of holding rows out; None if too few rows were held out."""
    is_default = _is_predicted(pair.default)
    is_corrected = _is_predicted(pair.corrected)
    if is_drift:  # later rows may be harder for another reason: compare rows of the same time
        first_block = pair.groups[is_corrected].min()
        is_default &= pair.groups >= first_block
    n_fewer = min(is_default.sum(), is_corrected.sum())
    if n_fewer < MIN_EVALUATED_ROWS:
        return None
    scale = _ErrorScale.of(data.y[pair.rows], data.task)
    default = _Errors.of(pair, pair.default, is_default, data, scale)
    corrected = _Errors.of(pair, pair.corrected, is_corrected, data, scale)
    difference = corrected.mean - default.mean
    standard_error = _paired_error if pair.is_paired else _block_error
    error = standard_error(default, corrected)
    constant_error = scale.constant_error()
    default_skill = 1 - default.mean / constant_error
    corrected_skill = 1 - corrected.mean / constant_error
    return ScoreCheck(
        default_score=default.score,
        corrected_score=corrected.score,
        skill_loss=_skill_loss(default_skill, corrected_skill),
        error_ratio=corrected.mean / max(default.mean, _TINY),
        standard_errors=difference / max(error, _TINY),
        skill=default_skill,
    )


def _skill_loss(default_skill: float, corrected_skill: float) -> float:
    if default_skill <= MIN_SKILL:
        return 0.0
    return 1 - max(0.0, corrected_skill) / default_skill


def _is_predicted(predictions: Floats) -> Bools:
    is_predicted: Bools = ~np.isnan(predictions)
    if is_predicted.ndim == 1:
        return is_predicted
    return is_predicted[:, 0]


@dataclass(frozen=True)
class _Errors:
    """The errors of the rows that were held out in one way.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
    groups : ndarray of shape (n_rows,), int64
    score : float
        By the task's metric.
    """

    values: Floats
    groups: Rows
    score: float

    @classmethod
    def of(
        cls,
        pair: HeldOutPair,
        predictions: Floats,
        is_used: Bools,
        data: Dataset,
        scale: _ErrorScale,
    ) -> _Errors:
        """Compute the errors of some of the rows of a probe."""
        rows = pair.rows[is_used]
        used = predictions[is_used]
        errors = scale.errors(used, data.y[rows])
        score = _score(used, rows, data)
        return cls(errors, pair.groups[is_used], score)

    @property
    def mean(self) -> float:
        """The mean squared error."""
        return float(self.values.mean())


def _score(predictions: Floats, rows: Rows, data: Dataset) -> float:
    """Return the score by the task's metric; NaN where it cannot be computed."""
    metric = metric_of(data.task)
    weight = None
    if data.weight is not None:
        weight = data.weight[rows]
    try:
        loss = metric.loss_of_output(data.y[rows], predictions, weight)
        return metric.score(loss)
    except (ArithmeticError, LookupError, ValueError):
        return math.nan


def _paired_error(default: _Errors, corrected: _Errors) -> float:
    """Return the standard error of the mean difference of errors that go together in groups."""
    differences = corrected.values - default.values
    counts = np.bincount(default.groups)
    sums = np.bincount(default.groups, differences)
    sums = sums[counts > 0]
    n_groups = len(sums)
    if n_groups < 2:
        return math.inf
    variance = n_groups * sums.var(ddof=1)
    return float(np.sqrt(variance) / len(differences))


def _block_error(default: _Errors, corrected: _Errors) -> float:
    """Return the standard error of the difference of means, of which one goes by blocks of time."""
    counts = np.bincount(corrected.groups)
    sums = np.bincount(corrected.groups, corrected.values)
    means = sums / np.maximum(1, counts)
    means = means[counts > 0]
    n_blocks = len(means)
    if n_blocks < MIN_ERROR_BLOCKS:
        return math.inf
    corrected_variance = float(means.var(ddof=1)) / n_blocks
    default_variance = float(default.values.var()) / len(default.values)
    return math.sqrt(corrected_variance + default_variance)


def squared_errors(predictions: Floats, y: Floats, task: Task) -> Floats:
    """Return the squared error of each row; of classes, over all probabilities (Brier)."""
    if task.is_regression:
        return (predictions - y) ** 2
    classes = np.arange(predictions.shape[1])
    truth = y.astype(np.int64)[:, None] == classes
    squares = (predictions - truth) ** 2
    errors: Floats = squares.sum(axis=1)
    return errors


@dataclass(frozen=True)
class _ErrorScale:
    """How errors are measured: by ranks of a number, which a few large values do not dominate.

    Parameters
    ----------
    task : Task
    y : ndarray of shape (n_rows,), float64
        The target.
    values, ranks : ndarray of shape (n_values,), float64
        Of a regression target, sorted; ranks from 0 to 1.
    """

    task: Task
    y: Floats
    values: Floats
    ranks: Floats

    @classmethod
    def of(cls, y: Floats, task: Task) -> _ErrorScale:
        """Rank the values of a target."""
        values, counts = np.unique(y, return_counts=True)
        middles = np.cumsum(counts) - counts / 2
        return cls(task, y, values, middles / len(y))

    def errors(self, predictions: Floats, y: Floats) -> Floats:
        """Return the squared error of each row."""
        if self.task.is_regression:
            predictions = self._rank(predictions)
            y = self._rank(y)
        return squared_errors(predictions, y, self.task)

    def _rank(self, numbers: Floats) -> Floats:
        return np.interp(numbers, self.values, self.ranks)

    def constant_error(self) -> float:
        """Return the mean error of the best constant prediction."""
        errors = self.errors(_constant_predictions(self.y, self.task), self.y)
        return max(float(errors.mean()), _TINY)


def _constant_predictions(y: Floats, task: Task) -> Floats:
    """Return the same prediction for each row: the mean, or the classes' shares."""
    n_rows = len(y)
    if task.is_regression:
        return np.full(n_rows, y.mean())
    classes = y.astype(np.int64)
    counts = np.bincount(classes, minlength=task.n_outputs)
    return np.tile(counts / n_rows, (n_rows, 1))
