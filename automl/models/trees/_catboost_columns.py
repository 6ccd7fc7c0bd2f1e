"""CatBoost's numbers of features as columns of ours, and its splits as conditions.

A split by category compares a hash. Which category has it follows from the number of levels, since
categories are handed to CatBoost as whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np

from automl.arrays import Integers
from automl.errors import UnsafeModel
from automl.models.trees._catboost_file import CatBoostFile, NumberFeature
from automl.models.trees._cityhash import Hashes, category_hashes
from automl.models.trees.conditions import Conditions, offsets_of
from automl.models.trees.splits import MAX_SET_BYTES

# A table of statistics has 24 bytes or more for each category that occurs.
_MIN_HASHES_ALLOWED = 2**21


class NumberTest(NamedTuple):
    """Whether a number is at most a threshold."""

    column: int
    threshold: float
    missing_left: bool


class CategoryTest(NamedTuple):
    """Whether a category's code plus one is among some numbers."""

    column: int
    bits: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of bytes of its set."""
        last = max(self.bits, default=0)
        return last // 8 + 1

    def pack(self) -> bytes:
        """Return its set as `Conditions` has it."""
        packed = bytearray(self.size)
        for bit in self.bits:
            byte, shift = divmod(bit, 8)
            packed[byte] |= 1 << shift
        return bytes(packed)


@dataclass(frozen=True)
class HashedLevels:
    """The hashes of a column's categories, as `category_hashes` has them."""

    hashes: Hashes

    @cached_property
    def _order(self) -> Integers:
        return np.argsort(self.hashes, kind="stable")

    @cached_property
    def _ascending(self) -> Hashes:
        return self.hashes[self._order]

    def find(self, value: int) -> tuple[int, ...]:
        """Return where a hash is; nowhere, once, or hardly ever more often."""
        wanted = np.int32(value)
        hashes = self._ascending
        start = np.searchsorted(hashes, wanted)
        end = np.searchsorted(hashes, wanted, side="right")
        places = self._order[start:end]
        return tuple(map(int, places))


@dataclass(frozen=True)
class Columns:
    """The columns that a file's features are.

    Parameters
    ----------
    numbers : mapping of int to NumberFeature
        By CatBoost's numbers of numeric features.
    categories : mapping of int to int
        Columns by CatBoost's numbers of categories.
    levels : tuple of int
        Number of levels of each column; 0 for a numeric column.
    max_hashes : int
        Number of hashes that may be computed.
    """

    numbers: Mapping[int, NumberFeature]
    categories: Mapping[int, int]
    levels: tuple[int, ...]
    max_hashes: int
    _hashed: dict[int, HashedLevels] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of columns."""
        return len(self.levels)

    @classmethod
    def of(
        cls,
        file: CatBoostFile,
        levels: tuple[int, ...],
        size: int,
    ) -> Columns:
        """Return the columns of a file of `size` bytes, after comparing them with the levels."""
        numbers = {}
        found = []
        for feature in file.numbers:
            numbers[feature.number] = feature
            kind = (feature.column, False)
            found.append(kind)
        for column in file.categories.values():
            kind = (column, True)
            found.append(kind)
        expected = []
        for column, count in enumerate(levels):
            kind = (column, count > 0)
            expected.append(kind)
        if sorted(found) != expected:
            raise UnsafeModel("the model file's CatBoost booster was trained on other columns")
        return cls(
            numbers,
            file.categories,
            levels,
            max_hashes=max(size, _MIN_HASHES_ALLOWED),
        )

    def hashed(self, column: int) -> HashedLevels:
        """Return the hashes of a column's categories."""
        if column not in self._hashed:
            levels = self.levels[column]
            total = levels
            for known in self._hashed:
                total += self.levels[known]
            if total > self.max_hashes:
                raise ValueError("more levels than a file of its size can know")
            hashes = category_hashes(levels)
            self._hashed[column] = HashedLevels(hashes)
        return self._hashed[column]

    def number_test(self, number: int, threshold: float) -> NumberTest:
        """Return the test of a numeric feature by its number."""
        feature = self.numbers[number]
        return NumberTest(
            feature.column,
            threshold,
            feature.missing_left,
        )

    def category_test(self, category: int, value: int) -> CategoryTest:
        """Return the test whether a category has a hash."""
        column = self.categories[category]
        bits = self.hashed(column).find(value)
        return CategoryTest(column, bits)


def conditions_of(
    numbers: Sequence[NumberTest],
    categories: Sequence[CategoryTest],
) -> Conditions:
    """Return tests as conditions: those of numbers first."""
    sizes = [test.size for test in categories]
    offsets = offsets_of(sizes)
    if offsets[-1] > MAX_SET_BYTES:
        raise ValueError("sets of categories that are too large")
    columns = [test.column for test in numbers]
    columns += [test.column for test in categories]
    thresholds = [test.threshold for test in numbers]
    missing_left = [test.missing_left for test in numbers]
    packed = [test.pack() for test in categories]
    bits = b"".join(packed)
    conditions = Conditions(
        column=np.array(columns, np.int32),
        threshold=np.array(thresholds, np.float32),
        missing_left=np.array(missing_left, np.uint8),
        set_offsets=offsets,
        set_bits=np.frombuffer(bits, np.uint8),
    )
    if np.isnan(conditions.threshold).any():
        raise ValueError("a border that is not a number")
    return conditions
