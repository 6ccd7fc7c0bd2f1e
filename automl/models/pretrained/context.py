"""The training rows that a pretrained model reads, as they are stored."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats, Integers, Matrix, Rows
from automl.errors import UnsafeModel
from automl.models._base import Sample
from automl.models._blocks import MAX_MAGNITUDE, is_outside, read_array, read_vector
from automl.models._target import TargetCoding
from automl.state import State


@dataclass(frozen=True)
class Context:
    """Training rows with encoded targets.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features), float32
        NaN where missing.
    y : ndarray of shape (n_rows,), float64
    categories : ndarray of int64
        Columns that hold categories.
    """

    rows: Matrix
    y: Floats
    categories: Integers

    @classmethod
    def of(cls, sample: Sample, target: TargetCoding) -> Context:
        """Return the context of rows with encoded targets.

        These models know no weights, so a row is there about as often as it weighs. Each class
        has a row, however light its rows are.
        """
        drawn = np.arange(len(sample.y))
        if sample.weight is not None:
            drawn = repeat_by_weight(sample.weight)
            if target.n_classes:
                drawn = with_all_classes(drawn, sample.y, sample.weight)
        rows = clip_magnitudes(sample.X[drawn])
        categories = np.array(sample.categorical, np.int64)
        return cls(rows, sample.y[drawn], categories)

    def to_state(self) -> State:
        """Return the arrays."""
        return {
            "rows": self.rows,
            "y": self.y,
            "categories": self.categories,
        }

    @classmethod
    def from_state(cls, state: State, target: TargetCoding) -> Context:
        """Return the context that `to_state` described, or raise `UnsafeModel`."""
        rows = read_array(state, "rows", np.float32, 2, missing=True)
        y = read_vector(state, "y", np.float64)
        categories = read_vector(state, "categories", np.int64)
        context = cls(rows, y, categories)
        if not context._fits_together(target):
            raise UnsafeModel("the model file's context has arrays that do not fit together")
        return context

    def _fits_together(self, target: TargetCoding) -> bool:
        n_rows, n_columns = self.rows.shape
        if not n_rows:
            return False
        if n_rows != len(self.y):
            return False
        if is_outside(self.categories, n_columns):
            return False
        if not target.n_classes:
            return True
        present = np.unique(self.y)
        classes = np.arange(target.outputs)
        return np.array_equal(present, classes)


def clip_magnitudes(X: Matrix) -> Matrix:
    """Return rows in C order with magnitudes whose squares stay finite; NaN stays."""
    clipped = np.clip(X, -MAX_MAGNITUDE, MAX_MAGNITUDE)
    return np.ascontiguousarray(clipped, np.float32)


def with_all_classes(
    drawn: Rows,
    y: Floats,
    weight: Floats,
) -> Rows:
    """Return positions of rows with the heaviest row of each class that has none among them.

    >>> with_all_classes(np.array([0, 0, 2]), np.array([0, 1, 0, 1]), np.array([9, 1, 9, 2]))
    array([0, 0, 2, 3])
    """
    positions = [drawn]
    for label in np.setdiff1d(y, y[drawn]):
        rows = np.flatnonzero(y == label)
        heaviest = rows[np.argmax(weight[rows])]
        positions.append(np.array([heaviest]))
    return np.concatenate(positions)


def repeat_by_weight(weight: Floats) -> Rows:
    """Return positions of as many rows, each about as often as it weighs, at evenly spaced steps.

    Each row is there as often as it weighs, rounded up or down.

    Parameters
    ----------
    weight : ndarray of shape (n_rows,)
        Positive, with mean 1.

    Examples
    --------
    >>> repeat_by_weight(np.array([1.0, 1.0, 1.0])).tolist()
    [0, 1, 2]
    >>> repeat_by_weight(np.array([2.0, 0.5, 0.5])).tolist()
    [0, 0, 1]
    """
    n_rows = len(weight)
    ends = np.cumsum(weight)
    step = ends[-1] / n_rows
    places = step * (np.arange(n_rows) + 0.5)
    positions: Rows = np.searchsorted(ends, places)
    return positions.clip(max=n_rows - 1)
