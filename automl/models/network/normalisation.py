"""Values of a row brought to mean 0 and variance 1 (layer normalisation, Ba et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Matrix

TINY_VARIANCE = 1e-5  # added to the variance


@dataclass(frozen=True)
class Normalised:
    """Normalised values, and how their gradient goes back.

    Parameters
    ----------
    values : ndarray of shape (n_members, n_rows, n_values)
    inverse : ndarray of shape (n_members, n_rows, 1)
        One over each row's standard deviation before.
    """

    values: Matrix
    inverse: Matrix

    def by_raw(self, by_values: Matrix) -> Matrix:
        """Return the gradient by the values before, from that by the normalised ones."""
        mean = _row_mean(by_values)
        slope = _row_mean(by_values * self.values)
        gradient = by_values - mean
        gradient -= self.values * slope
        gradient *= self.inverse
        return gradient


def normalise(raw: Matrix) -> Normalised:
    """Return values of shape (n_members, n_rows, n_values) normalised by row."""
    centred = raw - _row_mean(raw)
    squares = np.square(centred)
    variance = _row_mean(squares)
    variance += variance.dtype.type(TINY_VARIANCE)
    inverse: Any = 1 / np.sqrt(variance)
    return Normalised(centred * inverse, inverse)


def _row_mean(values: Matrix) -> Matrix:
    mean: Matrix = values.mean(
        axis=-1,
        keepdims=True,
    )
    return mean
