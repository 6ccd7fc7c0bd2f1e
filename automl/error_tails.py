"""Errors that no held-out row has shown: larger ones of numbers, mistakes between classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.ensemble import Truth
from automl.metrics import METRICS, Metric

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Worsen = Callable[[Places, np.random.Generator], npt.NDArray[Any]]

OF_ERRORS = (
    "rmse",
    "mae",
    "median_ae",
    "r2",
)  # metrics by the distance between truth and prediction
HEAVIEST = 0.95  # shape of a tail: at 1 its mean doesn't exist any more


def worsening(prediction: npt.NDArray[Any], truth: Truth, metric: Metric) -> Worsen | None:
    """What makes predictions of some rows as bad as those of new rows may be; None for metrics that may not bear such predictions.

    Parameters
    ----------
    prediction : ndarray of shape (n_rows, n_classes) or (n_rows,)
        Held-out predictions, as the metric needs them.

    Returns
    -------
    callable or None
        Gives, of places of rows and a random generator, predictions for these rows.

    Examples
    --------
    >>> y = np.arange(100.0)
    >>> worsen = worsening(y + np.resize([1.0, -1.0, 3.0], 100), Truth(y), METRICS["rmse"])
    >>> worsen(np.arange(4), np.random.default_rng(0)).round(1).tolist()
    [1.0, 0.0, 5.0, 4.0]
    """
    if metric.name in OF_ERRORS or metric.name.startswith("pinball"):
        return partial(Tail.of(truth.y - prediction).stretched, truth.y, prediction)
    return (
        partial(_mistaken, prediction)
        if metric.needs != "numbers" and metric.name in METRICS
        else None
    )


def _mistaken(
    prediction: npt.NDArray[Any], rows: Places, rng: np.random.Generator
) -> npt.NDArray[Any]:
    """What these rows were predicted, but about one of them what another row was: an error that none has shown yet."""
    given = prediction[rows]
    positions = rng.integers(0, len(rows), rng.poisson(1.0))
    given[positions] = prediction[rng.integers(0, len(prediction), len(positions))]
    return given


@dataclass(frozen=True)
class Tail:
    """What the largest errors lie beyond, and the generalised Pareto distribution of how far.

    Parameters
    ----------
    beyond, scale : float
        In the target's unit.
    shape : float
        0 where large errors grow rare as exponentially as normal ones do, or faster; 1 where they have no mean any more.
    """

    beyond: float
    scale: float
    shape: float

    @classmethod
    def of(cls, errors: Floats) -> Tail:
        """Of as many of the largest errors as the root of all, a quarter at most, by probability-weighted moments.

        References
        ----------
        Hosking and Wallis (1987), Parameter and quantile estimation for the generalized Pareto distribution.

        Examples
        --------
        >>> rng = np.random.default_rng(0)
        >>> normal, heavy = Tail.of(rng.normal(size=10_000)), Tail.of(rng.standard_t(2, 10_000))
        >>> bool(normal.shape < 0.2 < heavy.shape)
        True
        """
        sizes = np.sort(np.abs(errors))
        count = min(max(5, round(math.sqrt(len(sizes)))), len(sizes) // 4)
        beyond = float(sizes[-count - 1])
        excess = sizes[len(sizes) - count :] - beyond
        if not excess.any():
            return cls(math.inf, 0.0, 0.0)
        rarer = 1 - (np.arange(count) + 0.65) / count
        mean, weighted = float(excess.mean()), float((excess * rarer).mean())
        shape = min(HEAVIEST, max(0.0, 2 - mean / max(mean - 2 * weighted, 1e-9 * mean)))
        return cls(beyond, mean * (1 - shape), shape)

    def stretched(
        self, y: Floats, prediction: Floats, rows: Places, rng: np.random.Generator
    ) -> Floats:
        """The predictions of some rows, with errors of the tail drawn anew."""
        worse = prediction[rows]
        error = y[rows] - worse
        large = np.flatnonzero(np.abs(error) > self.beyond)
        drawn = rng.exponential(size=len(large))
        far = self.scale * (np.expm1(self.shape * drawn) / self.shape if self.shape else drawn)
        worse[large] = y[rows[large]] - np.sign(error[large]) * (self.beyond + far)
        return worse
