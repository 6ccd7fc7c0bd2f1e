"""Predict errors that no held-out row has shown: larger ones of numbers, mistakes of classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from automl.arrays import Array, Floats, Rows
from automl.ensemble import Truth
from automl.metrics import METRICS, Metric

Worsen = Callable[[Rows, np.random.Generator], Array]

# Metrics of the distance between truth and prediction.
DISTANCE_METRICS = ("rmse", "mae", "median_ae", "r2")
MAX_SHAPE = 0.95  # of a tail: at 1 its mean no longer exists
MIN_TAIL_ERRORS = 5  # unless that is more than a quarter of all errors
# (rank + 0.65) / n, with ranks from 0, estimates the probability of a smaller error.
PLOTTING_POSITION = 0.65
MIN_RELATIVE_MOMENT = 1e-9  # so that no division is by zero


def worsening(
    prediction: Array,
    truth: Truth,
    metric: Metric,
) -> Worsen | None:
    """Return a function that makes predictions as bad as those of new rows may be.

    Return None for metrics that may not be defined for such predictions.

    Parameters
    ----------
    prediction : ndarray of shape (n_rows, n_classes) or (n_rows,)
        Held-out predictions, of the kind that the metric needs.
    truth : Truth
    metric : Metric

    Returns
    -------
    callable or None
        It takes indices of rows and a random generator, and returns predictions for these rows.

    Examples
    --------
    >>> y = np.arange(100.0)
    >>> worsen = worsening(y + np.resize([1.0, -1.0, 3.0], 100), Truth(y), METRICS["rmse"])
    >>> worsen(np.arange(4), np.random.default_rng(0)).round(1).tolist()
    [1.0, 0.0, 5.0, 4.0]
    """
    name = metric.name
    if name in DISTANCE_METRICS or name.startswith("pinball"):
        tail = Tail.of(truth.y - prediction)
        return partial(tail.redraw_large, truth.y, prediction)
    if metric.needs != "numbers" and name in METRICS:
        return partial(_swap_about_one, prediction)
    return None


def _swap_about_one(
    prediction: Array,
    rows: Rows,
    rng: np.random.Generator,
) -> Array:
    """Return the predictions of some rows, about one of which gets another row's prediction.

    That is an error of a kind that no row has shown yet.
    """
    worse = prediction[rows]
    n_swapped = rng.poisson(1.0)
    n_chosen = len(rows)
    n_rows = len(prediction)
    positions = rng.integers(0, n_chosen, n_swapped)
    other_rows = rng.integers(0, n_rows, n_swapped)
    worse[positions] = prediction[other_rows]
    return worse


@dataclass(frozen=True)
class Tail:
    """The generalised Pareto distribution of how far the largest errors exceed a threshold.

    Parameters
    ----------
    threshold, scale : float
        In the target's unit.
    shape : float
        0 where large errors grow rare as exponentially as normal ones do, or faster; 1 where
        their mean no longer exists.
    """

    threshold: float
    scale: float
    shape: float

    @classmethod
    def of(cls, errors: Floats) -> Tail:
        """Fit the tail to the largest errors by probability-weighted moments.

        Their number is the square root of that of all errors, and at most a quarter of it.

        References
        ----------
        Hosking and Wallis (1987), Parameter and quantile estimation for the generalized Pareto
        distribution.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> normal, heavy = Tail.of(rng.normal(size=10_000)), Tail.of(rng.standard_t(2, 10_000))
        >>> bool(normal.shape < 0.2 < heavy.shape)
        True
        """
        magnitudes = np.sort(np.abs(errors))
        n_errors = len(magnitudes)
        root = round(math.sqrt(n_errors))
        n_wanted = max(MIN_TAIL_ERRORS, root)
        n_tail = min(n_wanted, n_errors // 4)
        start = n_errors - n_tail
        threshold = float(magnitudes[start - 1])
        excess = magnitudes[start:] - threshold
        if not excess.any():
            return cls(math.inf, 0.0, 0.0)
        positions = np.arange(n_tail) + PLOTTING_POSITION
        exceedance = 1 - positions / n_tail
        mean = float(excess.mean())
        products = excess * exceedance
        moment = float(products.mean())
        divisor = mean - 2 * moment
        divisor = max(divisor, MIN_RELATIVE_MOMENT * mean)
        shape = max(0.0, 2 - mean / divisor)
        shape = min(MAX_SHAPE, shape)
        scale = mean * (1 - shape)
        return cls(threshold, scale, shape)

    def redraw_large(
        self,
        y: Floats,
        prediction: Floats,
        rows: Rows,
        rng: np.random.Generator,
    ) -> Floats:
        """Return the predictions of some rows, with errors of the tail drawn anew."""
        worse = prediction[rows]
        errors = y[rows] - worse
        magnitudes = np.abs(errors)
        large = np.flatnonzero(magnitudes > self.threshold)
        drawn = rng.exponential(size=len(large))
        if self.shape:
            powers = np.expm1(self.shape * drawn)
            drawn = powers / self.shape
        excess = self.scale * drawn
        signs = np.sign(errors[large])
        new_errors = signs * (self.threshold + excess)
        large_rows = rows[large]
        worse[large] = y[large_rows] - new_errors
        return worse
