"""Tests of a row that decide where it goes in a tree: a number's threshold, or a category's set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Bools, Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_vector
from automl.state import State

Thresholds = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[Any]  # int32, or uint8 or uint16 where all are small

_MISSING_CATEGORY = -1
_NARROW_TYPES = (np.uint8, np.uint16)


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
        number_columns = self.column[:n_numeric]
        numbers = X[:, number_columns]
        holds = numbers <= self.threshold
        is_missing = np.isnan(numbers)
        if is_missing.any():
            goes_left = self.missing_left == 1
            holds |= is_missing & goes_left
        if not self.n_sets:
            return holds
        category_columns = self.column[n_numeric:]
        categories = X[:, category_columns]
        in_sets = is_in_sets(
            categories,
            self.set_offsets,
            self.set_bits,
        )
        return np.concatenate([holds, in_sets], axis=1)

    def used_by(self, condition: Indices) -> tuple[Conditions, Indices]:
        """Return the conditions that nodes use, and each node's among them.

        Parameters
        ----------
        condition : ndarray of shape (n_nodes,), int32
        """
        numbers = condition.astype(np.int64)
        used, place = np.unique(numbers, return_inverse=True)
        is_numeric = used < self.n_numeric
        numeric = used[is_numeric]
        sets = used[~is_numeric] - self.n_numeric
        pieces = [self._bits_of_set(number) for number in sets.tolist()]
        lengths = [len(piece) for piece in pieces]
        no_bits = np.zeros(0, np.uint8)
        bits = np.concatenate([no_bits, *pieces])
        kept = Conditions(
            column=self.column[used],
            threshold=self.threshold[numeric],
            missing_left=self.missing_left[numeric],
            set_offsets=offsets_of(lengths),
            set_bits=bits,
        )
        return kept, place.astype(np.int32)

    def _bits_of_set(self, number: int) -> Bytes:
        start = self.set_offsets[number]
        end = self.set_offsets[number + 1]
        return self.set_bits[start:end]

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
        if not self._have_equal_lengths():
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        if (self.missing_left > 1).any():
            raise UnsafeModel("the model file's trees send missing numbers nowhere")
        if not self._offsets_cut_bits():
            raise UnsafeModel("the model file's sets of categories do not follow one another")

    def _have_equal_lengths(self) -> bool:
        if not len(self.set_offsets):
            return False
        if len(self.missing_left) != self.n_numeric:
            return False
        n_conditions = self.n_numeric + self.n_sets
        return len(self.column) == n_conditions

    def _offsets_cut_bits(self) -> bool:
        """Return whether the offsets cut all bits into sets of at least one byte."""
        start = self.set_offsets[0]
        end = self.set_offsets[-1]
        if start != 0 or end != len(self.set_bits):
            return False
        # Not by their differences, which might be too large for their type.
        is_set = self.set_offsets[1:] > self.set_offsets[:-1]
        return bool(is_set.all())


def is_in_sets(
    categories: Matrix,
    offsets: Integers,
    bits: Bytes,
) -> Bools:
    """Return whether each category is in the set of its column.

    Parameters
    ----------
    categories : ndarray of shape (n_rows, n_sets)
        Whole numbers from 0 on; NaN where missing.
    offsets, bits : ndarray
        As in `Conditions`.
    """
    n_bits = 8 * np.diff(offsets)
    has_bit = categories < n_bits - 1
    has_bit &= categories >= 0
    known = np.where(has_bit, categories, _MISSING_CATEGORY)
    bit = known.astype(np.int64) + 1
    byte_number = offsets[:-1] + (bit >> 3)
    place = (bit & 7).astype(np.uint8)
    shifted = bits[byte_number] >> place
    has_bit |= np.isnan(categories)
    has_bit &= (shifted & 1) == 1
    return has_bit


def offsets_of(lengths: Sequence[int] | Integers) -> Integers:
    """Return where pieces of given lengths begin, and at last where the last one ends.

    >>> offsets_of([2, 3]).tolist()
    [0, 2, 5]
    """
    n_pieces = len(lengths)
    offsets = np.zeros(n_pieces + 1, np.int64)
    offsets[1:] = np.cumsum(lengths)
    return offsets


def narrowed(indices: Indices) -> npt.NDArray[np.integer]:
    """Return indices as uint8 or uint16 if all fit, which makes them smaller in a file.

    >>> [narrowed(np.array([0, last])).dtype.name for last in (255, 256, 65_535, 65_536)]
    ['uint8', 'uint16', 'uint16', 'int64']
    """
    smallest = indices.min(initial=0)
    largest = indices.max(initial=0)
    for dtype in _NARROW_TYPES:
        if smallest >= 0 and largest <= np.iinfo(dtype).max:
            return indices.astype(dtype)
    return indices


def read_indices(state: State, name: str) -> Indices:
    """Return indices of a state, which are uint8, uint16 or int32.

    Raises
    ------
    UnsafeModel
        They are missing or of another type.
    """
    stored = state.get(name)
    if isinstance(stored, np.ndarray) and stored.dtype in _NARROW_TYPES:
        return read_vector(state, name, stored.dtype)
    return read_vector(state, name, np.int32)
