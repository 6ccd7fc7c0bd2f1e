"""Splits of inner nodes, gathered from a library's trees, and the conditions they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Array, Bools, Floats, Integers
from automl.models.trees.conditions import Bytes, Conditions, Indices, Thresholds

_LARGEST = np.finfo(np.float32).max
_MAX_CATEGORY = 2**24  # float32 holds whole numbers up to here


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
        The number of the set whose categories go left; -1 where the split is of a number.
    sets : sequence of ndarray of int64
        The categories of each set.
    """

    column: Integers
    threshold: Thresholds
    missing_left: Bools
    chosen_set: Integers
    sets: Sequence[Integers] = ()

    def conditions(self) -> tuple[Conditions, Indices]:
        """Return the distinct conditions, and each node's among them."""
        is_numeric = self.chosen_set < 0
        condition = np.zeros(len(self.column), np.int32)
        keys, numeric = np.unique(self._numeric_keys()[is_numeric], return_inverse=True)
        condition[is_numeric] = numeric
        set_keys, chosen = self._set_keys(np.flatnonzero(~is_numeric))
        condition[~is_numeric] = np.array(chosen, np.int32) + len(keys)
        columns = [column for column, _ in set_keys]
        bits = [bits for _, bits in set_keys]
        offsets = np.zeros(len(bits) + 1, np.int64)
        offsets[1:] = np.cumsum([len(each) for each in bits])
        conditions = Conditions(
            column=np.concatenate([_columns(keys), np.array(columns, np.int32)]),
            threshold=_thresholds(keys),
            missing_left=_missing_left(keys),
            set_offsets=offsets,
            set_bits=np.frombuffer(b"".join(bits), np.uint8),
        )
        return conditions, condition

    def _numeric_keys(self) -> Array:
        """Return column, missing direction and threshold in one number each."""
        # Adding zero makes 0.0 of -0.0, which is the same threshold.
        bits = (self.threshold + np.float32(0)).view(np.uint32)
        column = self.column.astype(np.uint64) << np.uint64(33)
        missing = self.missing_left.astype(np.uint64) << np.uint64(32)
        return column | missing | bits

    def _set_keys(self, nodes: Integers) -> tuple[list[tuple[int, bytes]], list[int]]:
        """Return the distinct pairs of a column and a set's bits, and each node's among them."""
        numbers: dict[tuple[int, bytes], int] = {}
        chosen = []
        for node in nodes.tolist():
            categories = self.sets[self.chosen_set[node]]
            bits = bits_of(categories, missing=bool(self.missing_left[node]))
            key = (int(self.column[node]), bits)
            chosen.append(numbers.setdefault(key, len(numbers)))
        return list(numbers), chosen


def _columns(keys: Array) -> Indices:
    return (keys >> np.uint64(33)).astype(np.int32)


def _missing_left(keys: Array) -> Bytes:
    return ((keys >> np.uint64(32)) & np.uint64(1)).astype(np.uint8)


def _thresholds(keys: Array) -> Thresholds:
    bits = (keys & np.uint64(2**32 - 1)).astype(np.uint32)
    return bits.view(np.float32)


def bits_of(categories: Integers, *, missing: bool) -> bytes:
    r"""Return a set of categories as the bits that `Conditions` describes.

    >>> bits_of(np.array([0, 2]), missing=False), bits_of(np.array([7]), missing=True)
    (b'\n', b'\x01\x01')
    """
    width = 2 + int(categories.max(initial=-1))
    is_in = np.zeros(width, np.uint8)
    is_in[categories + 1] = 1
    is_in[0] = missing
    return np.packbits(is_in, bitorder="little").tobytes()


def round_down(values: Floats) -> Thresholds:
    """Return the largest float32 numbers that are not above float64 numbers.

    They decide alike for float32 numbers.
    """
    with np.errstate(over="ignore"):
        nearest: Thresholds = values.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return np.where(nearest > values, below, nearest)


def infinite_where_largest(threshold: Thresholds) -> Thresholds:
    """Return thresholds by which an infinite number goes where the largest one goes.

    Some libraries take no infinite numbers, and are given the largest ones instead.
    """
    infinity = np.float32(np.inf)
    return np.where(threshold == _LARGEST, infinity, threshold)
