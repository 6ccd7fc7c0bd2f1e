"""Splits of inner nodes, gathered from a library's trees, and the conditions they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automl.arrays import Bools, Floats, Integers
from automl.models.trees.conditions import (
    Bytes,
    Conditions,
    Indices,
    Thresholds,
    offsets_of,
)

NO_SET = -1  # of a split by a number
_LARGEST = np.finfo(np.float32).max
_Keys = npt.NDArray[np.uint64]
# A key's bits: the column, whether a missing number goes left, and the threshold.
_COLUMN_SHIFT = np.uint64(33)
_MISSING_SHIFT = np.uint64(32)
_MISSING_MASK = np.uint64(1)
_THRESHOLD_MASK = np.uint64(2**32 - 1)


class _ColumnSet(NamedTuple):
    """The bits of a set of a column's categories."""

    column: int
    bits: bytes


@dataclass(frozen=True)
class Splits:
    """The splits of all inner nodes, in their order.

    Parameters
    ----------
    column : ndarray of shape (n_inner,), int64
    threshold : ndarray of shape (n_inner,), float32
        A number of at most this goes left.
    missing_left : ndarray of shape (n_inner,), bool
        Whether a missing value goes left.
    chosen_set : ndarray of shape (n_inner,), int64
        The number of the set whose categories go left; `NO_SET` where the split is of a number.
    sets : sequence of ndarray of int64
        The categories of each set.
    """

    column: Integers
    threshold: Thresholds
    missing_left: Bools
    chosen_set: Integers
    sets: Sequence[Integers] = ()

    @classmethod
    def by_number(
        cls,
        column: Integers,
        threshold: Thresholds,
        missing_left: Bools,
    ) -> Splits:
        """Return splits none of which is by a category."""
        chosen_set = np.full(len(column), NO_SET)
        return cls(column, threshold, missing_left, chosen_set)

    def conditions(self) -> tuple[Conditions, Indices]:
        """Return the distinct conditions, and each node's among them."""
        is_numeric = self.chosen_set < 0
        keys = self._keys()[is_numeric]
        distinct_keys, key_of_node = np.unique(keys, return_inverse=True)
        categorical = np.flatnonzero(~is_numeric)
        distinct_sets, set_of_node = self._distinct_sets(categorical)
        n_inner = len(is_numeric)
        n_numeric = len(distinct_keys)
        condition = np.empty(n_inner, np.int32)
        condition[is_numeric] = key_of_node
        condition[categorical] = set_of_node + n_numeric
        conditions = _conditions_of(distinct_keys, distinct_sets)
        return conditions, condition

    def _keys(self) -> _Keys:
        """Return column, missing direction and threshold in one number each."""
        # Adding zero makes 0.0 of -0.0, which is the same threshold.
        threshold = self.threshold + np.float32(0)
        threshold_bits = threshold.view(np.uint32)
        keys = self.column.astype(np.uint64)
        keys <<= _COLUMN_SHIFT
        missing_bit = self.missing_left.astype(np.uint64)
        keys |= missing_bit << _MISSING_SHIFT
        keys |= threshold_bits
        return keys

    def _distinct_sets(self, nodes: Integers) -> tuple[list[_ColumnSet], Integers]:
        """Return the distinct sets of nodes, and each node's among them."""
        numbers: dict[_ColumnSet, int] = {}
        set_of_node = []
        for node in nodes.tolist():
            chosen = self.chosen_set[node]
            categories = self.sets[chosen]
            goes_left = bool(self.missing_left[node])
            bits = bits_of(categories, missing=goes_left)
            column = int(self.column[node])
            key = _ColumnSet(column, bits)
            number = numbers.setdefault(key, len(numbers))
            set_of_node.append(number)
        return list(numbers), np.array(set_of_node, np.int64)


def _conditions_of(keys: _Keys, sets: Sequence[_ColumnSet]) -> Conditions:
    """Return the conditions of numbers by their keys, and those of sets."""
    set_columns = [each.column for each in sets]
    pieces = [each.bits for each in sets]
    lengths = [len(piece) for piece in pieces]
    joined = b"".join(pieces)
    columns = [
        _columns(keys),
        np.array(set_columns, np.int32),
    ]
    return Conditions(
        column=np.concatenate(columns),
        threshold=_thresholds(keys),
        missing_left=_missing_left(keys),
        set_offsets=offsets_of(lengths),
        set_bits=np.frombuffer(joined, np.uint8),
    )


def _columns(keys: _Keys) -> Indices:
    columns = keys >> _COLUMN_SHIFT
    return columns.astype(np.int32)


def _missing_left(keys: _Keys) -> Bytes:
    bits = (keys >> _MISSING_SHIFT) & _MISSING_MASK
    return bits.astype(np.uint8)


def _thresholds(keys: _Keys) -> Thresholds:
    masked = keys & _THRESHOLD_MASK
    bits = masked.astype(np.uint32)
    return bits.view(np.float32)


def bits_of(categories: Integers, *, missing: bool) -> bytes:
    r"""Return a set of categories as the bits that `Conditions` describes.

    Parameters
    ----------
    categories : ndarray of int64
    missing : bool
        Whether a missing category is in the set.

    Examples
    --------
    >>> bits_of(np.array([0, 2]), missing=False), bits_of(np.array([7]), missing=True)
    (b'\n', b'\x01\x01')
    """
    last = int(categories.max(initial=-1))
    n_bits = last + 2
    is_in = np.zeros(n_bits, np.uint8)
    is_in[categories + 1] = 1
    is_in[0] = missing
    packed = np.packbits(is_in, bitorder="little")
    return packed.tobytes()


def round_down(values: Floats) -> Thresholds:
    """Return the largest float32 numbers that are not above float64 numbers.

    As thresholds they decide like the float64 numbers, since rows hold float32 numbers.

    >>> round_down(np.array([0.1, 0.5])) <= np.array([0.1, 0.5])
    array([ True,  True])
    """
    with np.errstate(over="ignore"):
        nearest: Thresholds = values.astype(np.float32)
    below = just_below(nearest)
    return np.where(nearest > values, below, nearest)


def just_below(values: Thresholds) -> Thresholds:
    """Return the largest float32 numbers that are below others."""
    lowest = np.float32(-np.inf)
    return np.nextafter(values, lowest)


def infinite_where_largest(threshold: Thresholds) -> Thresholds:
    """Return thresholds by which an infinite number goes where the largest one goes.

    Some libraries take no infinite numbers, and are given the largest ones instead.
    """
    infinity = np.float32(np.inf)
    return np.where(threshold == _LARGEST, infinity, threshold)
