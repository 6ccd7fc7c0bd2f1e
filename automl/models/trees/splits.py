"""Splits of inner nodes, gathered from a library's trees, and the conditions they share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automl.arrays import Bools, Floats, Integers
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside
from automl.models.trees.conditions import (
    Bytes,
    Conditions,
    Indices,
    Thresholds,
    offsets_of,
)

NO_SET = -1  # of a split by a number
# Of all distinct sets together. Fits with 20 000 categories and 300 rounds have 16 MB (XGBoost) and
# 19 MB (LightGBM), so 100 000 categories fit, too.
MAX_SET_BYTES = 2**27
_LARGEST = np.finfo(np.float32).max
_Keys = npt.NDArray[np.uint64]
# A key's bits: the column, whether a missing number goes left, and the threshold.
_N_COLUMNS = 2**31
_COLUMN_SHIFT = np.uint64(33)
_MISSING_SHIFT = np.uint64(32)
_MISSING_MASK = np.uint64(1)
_THRESHOLD_MASK = np.uint64(2**32 - 1)


class _SetKey(NamedTuple):
    """A set by its number among `Splits.sets`, and whether a missing category is in it."""

    number: int
    missing: bool


class _ColumnSet(NamedTuple):
    """A set of a column's categories."""

    column: int
    key: _SetKey


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
        """Return the distinct conditions, and each node's among them.

        Raises
        ------
        UnsafeModel
            A column can't be there, or the sets take too many bytes.
        """
        if is_outside(self.column, _N_COLUMNS):
            raise UnsafeModel("the model file's trees read a column that the model does not have")
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
        set_columns = [each.column for each in distinct_sets]
        columns = [
            _columns(distinct_keys),
            np.array(set_columns, np.int32),
        ]
        set_keys = [each.key for each in distinct_sets]
        set_offsets, set_bits = self._pack_sets(set_keys)
        conditions = Conditions(
            column=np.concatenate(columns),
            threshold=_thresholds(distinct_keys),
            missing_left=_missing_left(distinct_keys),
            set_offsets=set_offsets,
            set_bits=set_bits,
        )
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
        first_equal = self._first_equal_sets(nodes)
        numbers: dict[_ColumnSet, int] = {}
        set_of_node = []
        for node in nodes.tolist():
            chosen = int(self.chosen_set[node])
            goes_left = bool(self.missing_left[node])
            key = _SetKey(first_equal[chosen], goes_left)
            column = int(self.column[node])
            column_set = _ColumnSet(column, key)
            number = numbers.setdefault(column_set, len(numbers))
            set_of_node.append(number)
        return list(numbers), np.array(set_of_node, np.int64)

    def _first_equal_sets(self, nodes: Integers) -> dict[int, int]:
        """Return the first set with the same categories, for each set that nodes choose."""
        used = np.unique(self.chosen_set[nodes])
        first_by_digest: dict[bytes, int] = {}
        first_equal = {}
        for number in used.tolist():
            digest = _digest(self.sets[number])
            first = first_by_digest.setdefault(digest, number)
            first_equal[number] = first
        return first_equal

    def _pack_sets(self, keys: Sequence[_SetKey]) -> tuple[Integers, Bytes]:
        """Return where the bits of each set begin, and the bits of all."""
        size_of = {number: _size(self.sets[number]) for number, _ in set(keys)}
        sizes = [size_of[key.number] for key in keys]
        offsets = offsets_of(sizes)
        total = int(offsets[-1])
        if total > MAX_SET_BYTES:
            raise UnsafeModel(
                f"the model file's sets of categories would take {total / 1e6:.0f} MB, "
                "which those of no predictor do"
            )
        places: dict[_SetKey, list[int]] = {}
        for key, start in zip(keys, offsets.tolist(), strict=False):
            starts = places.setdefault(key, [])
            starts.append(start)
        bits = np.empty(total, np.uint8)
        for key, starts in places.items():
            packed = bits_of(self.sets[key.number], missing=key.missing)
            content = np.frombuffer(packed, np.uint8)
            for start in starts:
                bits[start : start + len(packed)] = content
        return offsets, bits


def _digest(categories: Integers) -> bytes:
    """Return bytes that are equal for equal sets, whatever the order of their categories."""
    is_ascending = np.diff(categories) > 0
    ordered = categories
    if not is_ascending.all():
        ordered = np.unique(categories)
    content = ordered.tobytes()
    return hashlib.sha256(content).digest()


def _size(categories: Integers) -> int:
    """Return the number of bytes that `bits_of` returns."""
    last = int(categories.max(initial=-1))
    return (last + 1) // 8 + 1


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
