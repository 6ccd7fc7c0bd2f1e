"""Categories as positions: of a one-hot vector, or in a table of learnt vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_vector
from automl.models.network.vectors import rows_of_levels
from automl.state import State

_NO_POSITIONS: Integers = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Categories:
    """The positions of some columns' levels.

    Position 0 is for missing and unknown levels.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,), int64
    positions : tuple of ndarray of int64
        For each column the position of each level.
    """

    columns: Integers
    positions: tuple[Integers, ...]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of positions of each column."""
        highest = [int(positions.max()) for positions in self.positions]
        return tuple(position + 1 for position in highest)

    @property
    def starts(self) -> Integers:
        """Where each column's positions begin if all are counted one after the other."""
        ends = np.cumsum((0, *self.sizes))
        return ends[:-1].astype(np.int64)

    def find(self, X: Matrix) -> Matrix:
        """Return the positions for the codes of rows, one column for each of ours."""
        shape = (len(X), len(self.columns))
        found: Matrix = np.zeros(shape, np.float32)
        for index, column in enumerate(self.columns):
            positions = self.positions[index]
            codes = X[:, column]
            is_known = codes >= 0  # False for NaN
            is_known &= codes < len(positions)
            levels = codes[is_known].astype(np.int64)
            found[is_known, index] = positions[levels]
        return found

    def to_state(self, prefix: str) -> State:
        """Return the positions one after the other, and how many levels each column has."""
        counts = [len(positions) for positions in self.positions]
        return {
            f"{prefix}_columns": self.columns,
            f"{prefix}_positions": np.concatenate([_NO_POSITIONS, *self.positions]),
            f"{prefix}_counts": np.array(counts, np.int64),
        }

    @classmethod
    def from_state(cls, state: State, prefix: str) -> Categories:
        """Return the categories that `to_state` described.

        Raises
        ------
        UnsafeModel
            An array is missing, or they don't fit together.
        """
        columns = read_vector(state, f"{prefix}_columns", np.int64)
        positions = read_vector(state, f"{prefix}_positions", np.int64)
        counts = read_vector(state, f"{prefix}_counts", np.int64)
        damaged = UnsafeModel(f"the model file's {prefix} categories do not fit together")
        n_positions = len(positions)
        if len(counts) != len(columns):
            raise damaged
        if is_outside(counts - 1, n_positions):
            raise damaged
        if counts.sum() != n_positions:
            raise damaged
        if is_outside(positions - 1, n_positions):
            raise damaged
        ends = np.cumsum(counts)
        each = np.split(positions, ends)[:-1]
        return cls(columns, tuple(each))


def fit_categories(
    X: Matrix,
    levels: Sequence[int],
    columns: Sequence[int],
    own: int,
    shared: int,
) -> Categories:
    """Return the positions of some columns' levels.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        Training rows, with codes in the columns.
    levels : sequence of int
        Number of levels of each column of X.
    columns : sequence of int
    own : int
        Of more levels than this, only the most frequent have a position of their own.
    shared : int
        Number of positions that the others share, by a hash.
    """
    positions = []
    for column in columns:
        rows = rows_of_levels(
            X[:, column],
            levels[column],
            own,
            shared,
        )
        positions.append(rows + 1)
    return Categories(np.array(columns, np.int64), tuple(positions))
