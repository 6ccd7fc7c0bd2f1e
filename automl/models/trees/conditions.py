"""Tests of a row that decide where it goes in a tree: a number's threshold, or a category's set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.arrays import Bools, Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_vector
from automl.state import State

Thresholds = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int32]

_MISSING_CATEGORY = -1


@dataclass(frozen=True)
class Conditions:
    """Tests of a row: where one holds, the row goes left.

    Those of numbers come first, those of categories after them.

    Parameters
    ----------
    column : ndarray of shape (n_conditions,), int32
        The column that each of them reads.
    threshold : ndarray of shape (n_numeric,), float32
        A number holds if it is at most this; NaN, which no number is at most, is not allowed.
    missing_left : ndarray of shape (n_numeric,), uint8
        1 where a missing number holds, too.
    set_offsets : ndarray of shape (n_sets + 1,), int64
        Where the bits of each set of categories begin, in bytes.
    set_bits : ndarray of shape (n_bytes,), uint8
        Bit k + 1 of a set says whether category k is in it, and bit 0 whether a missing one is.
        Categories beyond its bits are not. Bit 0 is the lowest of a set's first byte.
    """

    column: Indices
    threshold: Thresholds
    missing_left: Bytes
    set_offsets: Integers
    set_bits: Bytes

    @property
    def n_numeric(self) -> int:
        """Number of conditions of numbers."""
        return len(self.threshold)

    @property
    def n_sets(self) -> int:
        """Number of conditions of categories."""
        return len(self.set_offsets) - 1

    def evaluate(self, X: Matrix) -> Bools:
        """Return whether each condition holds, of shape (n_rows, n_conditions)."""
        n_numeric = self.n_numeric
        numbers = X[:, self.column[:n_numeric]]
        holds = numbers <= self.threshold
        is_missing = np.isnan(numbers)
        if is_missing.any():
            holds |= is_missing & (self.missing_left == 1)
        if not self.n_sets:
            return holds
        categories = X[:, self.column[n_numeric:]]
        in_sets = is_in_sets(categories, self.set_offsets, self.set_bits)
        return np.concatenate([holds, in_sets], axis=1)

    def to_state(self) -> State:
        """Return the arrays."""
        return {
            "column": narrowed(self.column),
            "threshold": self.threshold,
            "missing_left": self.missing_left,
            "set_offsets": self.set_offsets,
            "set_bits": self.set_bits,
        }

    @classmethod
    def from_state(cls, state: State, columns: int) -> Conditions:
        """Return the conditions that `to_state` described.

        Parameters
        ----------
        columns : int
            Number of columns that there are to read.

        Raises
        ------
        UnsafeModel
            A condition reads a column or a set which is not there, or a threshold is NaN.
        """
        conditions = cls(
            column=read_indices(state, "column"),
            threshold=read_vector(state, "threshold", np.float32, infinite=True),
            missing_left=read_vector(state, "missing_left", np.uint8),
            set_offsets=read_vector(state, "set_offsets", np.int64),
            set_bits=read_vector(state, "set_bits", np.uint8),
        )
        conditions.check(columns)
        return conditions

    def check(self, columns: int) -> None:
        """Refuse conditions that read a column or a set which is not there."""
        if is_outside(self.column, columns):
            raise UnsafeModel("the model file's trees read a column that the model does not have")
        offsets = self.set_offsets
        if len(self.missing_left) != self.n_numeric or len(offsets) < 1:
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        if len(self.column) != self.n_numeric + self.n_sets:
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        if (self.missing_left > 1).any():
            raise UnsafeModel("the model file's trees send missing numbers nowhere")
        steps = np.diff(offsets)
        has_ends = offsets[0] == 0 and offsets[-1] == len(self.set_bits)
        if not has_ends or (steps < 1).any():
            raise UnsafeModel("the model file's sets of categories do not follow one another")


def is_in_sets(categories: Matrix, offsets: Integers, bits: Bytes) -> Bools:
    """Return whether each category is in the set of its column.

    Parameters
    ----------
    categories : ndarray of shape (n_rows, n_sets)
        Whole numbers from 0 on; NaN where missing.
    offsets, bits : ndarray
        As in `Conditions`.
    """
    n_bits = 8 * np.diff(offsets)
    is_missing = np.isnan(categories)
    is_bit = is_missing | ((categories >= 0) & (categories < n_bits - 1))
    bit = np.where(is_bit & ~is_missing, categories, _MISSING_CATEGORY).astype(np.int64) + 1
    byte = bits[offsets[:-1] + (bit >> 3)]
    is_set = (byte >> (bit & 7).astype(np.uint8)) & 1
    is_in: Bools = is_bit & (is_set == 1)
    return is_in


def narrowed(indices: Indices) -> npt.NDArray[np.integer]:
    """Return indices as uint16 if all fit, which halves them in a file."""
    if len(indices) and (indices.min() < 0 or indices.max() >= 2**16):
        return indices
    return indices.astype(np.uint16)


def read_indices(state: State, name: str) -> Indices:
    """Return indices of a state that are stored as uint16 or int32.

    Raises
    ------
    UnsafeModel
        They are missing or of another type.
    """
    stored = state.get(name)
    dtype = np.int32
    if isinstance(stored, np.ndarray) and stored.dtype == np.uint16:
        return read_vector(state, name, np.uint16).astype(dtype)
    return read_vector(state, name, dtype)
