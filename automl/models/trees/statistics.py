"""Columns that are looked up by a row's combinations of categories: CatBoost's target statistics.

CatBoost replaces categories by what the target was, on average, for training rows that had the same
ones. A combination may also hold whether a number is above a border, or whether a category is a
certain one. A row's value of a combination is a hash of its parts, and each further column has a
value for each hash that occurred in training, and one for all others.

The hash of parts begins as 0, and each part p makes M (h + M p) of a hash h, modulo 2**64. So the
hash of n parts is a sum, in which part i is multiplied by M ** (n - i + 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from automl.arrays import Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_state, read_vector
from automl.models.trees._cityhash import Hashes
from automl.models.trees.conditions import (
    Conditions,
    Indices,
    narrowed,
    read_indices,
)
from automl.state import State

Words = npt.NDArray[np.uint64]
Singles = npt.NDArray[np.float32]

_MULTIPLIER = np.uint64(0x4906BA494954CB65)
_WORD_BITS = 64
_MIN_LEVEL_HASHES = 2  # of a missing category, and of one beyond the levels
_MAX_CELLS_TOGETHER = 2**17  # rows x parts or columns, which bounds the memory


@dataclass(frozen=True)
class Statistics:
    """Further columns, each of which has a value for every known hash of a combination.

    Parameters
    ----------
    conditions : Conditions
        Parts of combinations that are 0 or 1. For a number, the part is 1 if the condition does
        not hold: if it is above the threshold. For a category, it is 1 if the condition holds.
    hash_column : ndarray of shape (n_hashed,), int32
        The columns of categories whose hashes are parts.
    hash_offsets : ndarray of shape (n_hashed + 1,), int64
        Where the hashes of each of them begin.
    hashes : ndarray of shape (n_hashes,), int32
        The hash of category k at k + 1, of a missing one at 0, and of any beyond them at the end.
    part_offsets : ndarray of shape (n_combinations + 1,), int64
        Where the parts of each combination begin.
    part_source : ndarray of shape (n_parts,), int32
        The number of a hashed column, or n_hashed plus that of a condition.
    keys : ndarray of shape (n_keys,), uint64
        The known hashes of all combinations, in ascending order: the combination's number in the
        upper bits, and as many of a hash's upper bits as there is room for in the others.
    combination : ndarray of shape (count,), int32
        The combination by which each further column is looked up.
    values : ndarray of shape (n_values,), float32
        Each column's value for each of its combination's keys, and at last that for other hashes.
    """

    conditions: Conditions
    hash_column: Indices
    hash_offsets: Integers
    hashes: Hashes
    part_offsets: Integers
    part_source: Indices
    keys: Words
    combination: Indices
    values: Singles

    @property
    def count(self) -> int:
        """Number of further columns."""
        return len(self.combination)

    @cached_property
    def factors(self) -> Words:
        """What each part is multiplied by, of shape (n_parts, 1)."""
        sizes = np.diff(self.part_offsets)
        ends = self.part_offsets[1:]
        end = np.repeat(ends, sizes)
        part = np.arange(len(end))
        parts_left = end - part
        multipliers = np.full(sizes.max() + 1, _MULTIPLIER)
        powers = np.multiply.accumulate(multipliers)
        factors: Words = powers[parts_left]
        return factors[:, None]

    @cached_property
    def _combinations(self) -> Words:
        """The numbers of the combinations, of shape (n_combinations, 1)."""
        n_combinations = len(self.part_offsets) - 1
        numbers = np.arange(n_combinations, dtype=np.uint64)
        return numbers[:, None]

    @cached_property
    def first_key(self) -> Integers:
        """Each combination's first key, and the number of all keys."""
        numbers = self._combinations[:, 0]
        no_hash = np.zeros_like(numbers)
        smallest = make_keys(no_hash, numbers, len(numbers))
        first = np.searchsorted(self.keys, smallest)
        count = len(self.keys)
        return np.append(first, count)

    @cached_property
    def first_value(self) -> Integers:
        """Each column's first value, of shape (count, 1)."""
        counts = self._value_counts()
        first = np.cumsum(counts) - counts
        return first[:, None]

    @cached_property
    def _levels(self) -> Integers:
        """Number of levels of each hashed column, of shape (n_hashed, 1)."""
        n_hashes = np.diff(self.hash_offsets)
        return n_hashes[:, None] - _MIN_LEVEL_HASHES

    @property
    def number_bits(self) -> int:
        """How many bits of a key the combination's number has."""
        n_combinations = len(self.part_offsets) - 1
        return _number_bits(n_combinations)

    def _value_counts(self) -> Integers:
        n_keys = np.diff(self.first_key)
        counts = n_keys[self.combination]
        return counts + 1

    def columns(self, X: Matrix) -> Matrix:
        """Return the further columns, of shape (n_rows, count), float32."""
        n_rows = len(X)
        n_parts = len(self.part_source)
        widest = max(n_parts, self.count)
        block_rows = 1 + _MAX_CELLS_TOGETHER // widest
        if n_rows <= block_rows:
            return self._columns_of_few(X)
        shape = (n_rows, self.count)
        columns = np.empty(shape, np.float32)
        for start in range(0, n_rows, block_rows):
            end = start + block_rows
            few = X[start:end]
            columns[start:end] = self._columns_of_few(few)
        return columns

    def _columns_of_few(self, X: Matrix) -> Matrix:
        keys = self._row_keys(X)
        last = len(self.keys) - 1
        place = np.searchsorted(self.keys, keys)
        place = np.minimum(place, last)
        is_known = self.keys[place] == keys
        first_key = self.first_key[:-1, None]
        next_key = self.first_key[1:, None]
        known = np.where(is_known, place, next_key)
        number = known - first_key
        place = number[self.combination]
        place += self.first_value
        columns: Matrix = self.values[place]
        return columns.T

    def _row_keys(self, X: Matrix) -> Words:
        """Return the rows' keys, of shape (n_combinations, n_rows)."""
        parts = self._sources(X)[self.part_source]
        parts *= self.factors
        starts = self.part_offsets[:-1]
        hashes: Words = np.add.reduceat(parts, starts, axis=0)
        return make_keys(
            hashes,
            self._combinations,
            len(hashes),
        )

    def _sources(self, X: Matrix) -> Words:
        """Return what parts are, of shape (n_hashed + n_conditions, n_rows)."""
        chosen = X.T[self.hash_column]
        categories = chosen.astype(np.float64)
        # fmax ignores NaN, so a missing category becomes -1.
        codes = np.fmax(categories, -1)
        codes = np.minimum(codes, self._levels)
        place = codes.astype(np.int64) + 1
        place += self.hash_offsets[:-1, None]
        hashes = self.hashes[place]
        extended = hashes.astype(np.int64)  # with its sign
        words: Words = extended.view(np.uint64)
        if not len(self.conditions.column):
            return words
        flags = self.conditions.evaluate(X)
        is_above = flags[:, : self.conditions.n_numeric]
        np.logical_not(is_above, out=is_above)
        others = flags.T.astype(np.uint64)
        return np.concatenate([words, others])

    def to_state(self) -> State:
        """Return the arrays."""
        return {
            "conditions": self.conditions.to_state(),
            "hash_column": narrowed(self.hash_column),
            "hash_offsets": self.hash_offsets,
            "hashes": self.hashes,
            "part_offsets": self.part_offsets,
            "part_source": narrowed(self.part_source),
            "keys": self.keys,
            "combination": narrowed(self.combination),
            "values": self.values,
        }

    @classmethod
    def from_state(cls, state: State, features: int) -> Statistics:
        """Return the statistics that `to_state` described.

        Parameters
        ----------
        features : int
            Number of columns that there are to read.

        Raises
        ------
        UnsafeModel
            An index lies outside what it counts, arrays don't fit together, or a value is not
            finite.
        """
        described = read_state(state, "conditions")
        conditions = Conditions.from_state(described, features)
        statistics = cls(
            conditions=conditions,
            hash_column=read_indices(state, "hash_column"),
            hash_offsets=read_vector(state, "hash_offsets", np.int64),
            hashes=read_vector(state, "hashes", np.int32),
            part_offsets=read_vector(state, "part_offsets", np.int64),
            part_source=read_indices(state, "part_source"),
            keys=read_vector(state, "keys", np.uint64),
            combination=read_indices(state, "combination"),
            values=read_vector(state, "values", np.float32),
        )
        statistics.check(features)
        return statistics

    def check(self, features: int) -> None:
        """Refuse statistics that read or look up what is not there."""
        if is_outside(self.hash_column, features):
            raise _damaged("read a column that the model does not have")
        n_hashed = len(self.hash_column)
        if len(self.hash_offsets) != n_hashed + 1:
            raise _damaged("have arrays of different lengths")
        _check_pieces(self.hash_offsets, len(self.hashes), _MIN_LEVEL_HASHES)
        _check_pieces(self.part_offsets, len(self.part_source), 1)
        n_conditions = len(self.conditions.column)
        if is_outside(self.part_source, n_hashed + n_conditions):
            raise _damaged("have a part that is not there")
        n_combinations = len(self.part_offsets) - 1
        _check_keys(self.keys, n_combinations)
        if is_outside(self.combination, n_combinations):
            raise _damaged("have a combination that is not there")
        n_values = self._value_counts().sum()
        if n_values != len(self.values):
            raise _damaged("have too few or too many values")


def _check_keys(keys: Words, n_combinations: int) -> None:
    """Refuse keys that don't ascend, or are of combinations that are not there."""
    n_keys = len(keys)
    if not n_combinations or not n_keys:
        raise _damaged("have no combinations")
    is_ascending = keys[:-1] < keys[1:]
    last_key = int(keys[-1])
    shift = _WORD_BITS - _number_bits(n_combinations)
    last_combination = last_key >> shift
    if not is_ascending.all() or last_combination >= n_combinations:
        raise _damaged("have keys that do not ascend")


def _number_bits(n_combinations: int) -> int:
    """Return how many bits of a key the combination's number has."""
    last = n_combinations - 1
    return max(1, last.bit_length())


def make_keys(
    hashes: Words,
    combinations: Words,
    n_combinations: int,
) -> Words:
    """Return the keys of hashes of combinations.

    Two hashes of one combination have the same key if they agree in all upper bits that there is
    room for: 57 with a hundred combinations. Such a model is refused when it is converted, but by
    chance it takes 100 combinations of 2 million hashes each until one in a thousand has such two.

    >>> keys = make_keys(np.array([2**63, 4], np.uint64), np.array([0, 2], np.uint64), 3)
    >>> [hex(key) for key in keys.tolist()]
    ['0x2000000000000000', '0x8000000000000001']
    """
    bits = _number_bits(n_combinations)
    shift = np.uint64(_WORD_BITS - bits)
    prefixes = combinations << shift
    keys: Words = hashes >> np.uint64(bits)
    keys |= prefixes
    return keys


def _check_pieces(offsets: Integers, total: int, smallest: int) -> None:
    """Refuse offsets that don't cut `total` items into pieces of at least a size."""
    if not len(offsets):
        raise _damaged("have arrays of different lengths")
    starts = offsets[:-1]
    ends = offsets[1:]
    has_ends = offsets[0] == 0 and offsets[-1] == total
    # Compared without a difference, which might be too large.
    smallest_ends = np.minimum(starts, total) + smallest
    is_large = ends >= smallest_ends
    if not has_ends or not is_large.all():
        raise _damaged("have pieces that do not follow one another")


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's statistics of categories {defect}")
