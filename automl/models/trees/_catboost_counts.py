"""What CatBoost counted for each hash of a combination, and the statistics that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Integers
from automl.models._blocks import is_outside
from automl.models.trees._catboost_file import (
    BORDERS,
    BUCKETS,
    COUNTER,
    FREQUENCY,
    HISTORY,
    MEAN,
    StatisticFeature,
    StatisticTable,
)
from automl.models.trees.statistics import Singles, Words

_NO_HASH = np.uint64(2**64 - 1)  # of an empty bucket
_MAX_CLASSES = 100_000


@dataclass(frozen=True)
class Counts:
    """A table's hashes, each once in ascending order, and what was counted for each of them.

    Parameters
    ----------
    table : StatisticTable
    hashes : ndarray of shape (n_hashes,), uint64
    rows : ndarray of shape (n_hashes,), int64
        Their rows in the table.
    """

    table: StatisticTable
    hashes: Words
    rows: Integers

    @classmethod
    def of(cls, table: StatisticTable) -> Counts:
        """Return the counts of a table's full buckets."""
        is_full = table.buckets["hash"] != _NO_HASH
        full = table.buckets[is_full]
        hashes, first = np.unique(full["hash"], return_index=True)
        n_hashes = len(hashes)
        if n_hashes == 0 or n_hashes < len(full):
            raise ValueError("a table without hashes, or with one twice")
        indices = full["index"]
        rows = indices[first].astype(np.int64)
        return cls(table, hashes, rows)

    def _read(self, dtype: npt.DTypeLike, width: int) -> Array:
        """Return the rows of the hashes, of shape (n_hashes, width)."""
        kind = np.dtype(dtype)
        if not 1 <= width <= _MAX_CLASSES:
            raise ValueError("a table of no known width")
        raw = self.table.counts
        row_size = kind.itemsize * width
        n_rows, rest = divmod(len(raw), row_size)
        if rest:
            raise ValueError("a table of counts that was cut")
        if is_outside(self.rows, n_rows):
            raise ValueError("a hash whose counts are not there")
        if len(self.rows) > n_rows:
            raise ValueError("counts of two hashes")
        values = raw.view(kind)
        by_row = values.reshape(n_rows, width)
        return by_row[self.rows]

    @cached_property
    def histories(self) -> Array:
        """Sums and counts of the target, of shape (n_hashes,)."""
        rows = self._read(HISTORY, width=1)
        return rows[:, 0]

    @cached_property
    def occurrences(self) -> Array:
        """How often each hash occurred, of shape (n_hashes,)."""
        rows = self._read("<i4", width=1)
        return rows[:, 0]

    @cached_property
    def up_to_class(self) -> Integers:
        """How often the target was of a class or one before, of shape (n_hashes, n_classes)."""
        by_class = self._read("<i4", self.table.classes)
        return np.cumsum(by_class, axis=1, dtype=np.int64)


def values_of(
    feature: StatisticFeature,
    counts: Counts,
    hashes: Words,
) -> Singles:
    """Return a column's value for each of its combination's hashes, and at last for any other.

    Parameters
    ----------
    feature : StatisticFeature
    counts : Counts
        Those of some or all of the hashes.
    hashes : ndarray of shape (n_hashes,), uint64
        In ascending order.
    """
    good, total = _averaged(feature, counts)
    no_count = np.zeros(1)
    no_total = no_count
    if feature.source.kind in (COUNTER, FREQUENCY):
        no_total = total[:1]
    other = _statistic(feature, no_count, no_total)
    values = np.repeat(other, len(hashes) + 1)
    places = np.searchsorted(hashes, counts.hashes)
    values[places] = _statistic(feature, good, total)
    is_finite = np.isfinite(values)
    if not is_finite.all():
        raise ValueError("statistics that are not finite")
    return values


def _averaged(feature: StatisticFeature, counts: Counts) -> tuple[Array, Array]:
    """Return what was counted for each hash, and of how many."""
    kind = feature.source.kind
    if kind == MEAN:
        histories = counts.histories
        return histories["sum"], histories["count"]
    if kind in (COUNTER, FREQUENCY):
        good = counts.occurrences
        total = np.full_like(good, counts.table.denominator)
        return good, total
    if kind not in (BORDERS, BUCKETS):
        raise ValueError("statistics of an unknown kind")
    border = feature.target_border
    if not 0 <= border < counts.table.classes:
        raise ValueError("a class of the target that is not there")
    up_to_class = counts.up_to_class
    total = up_to_class[:, -1]
    up_to_border = up_to_class[:, border]
    if kind == BORDERS:
        return total - up_to_border, total
    if border == 0:
        return up_to_border, total
    before = up_to_class[:, border - 1]
    return up_to_border - before, total


def _statistic(
    feature: StatisticFeature,
    good: Array,
    total: Array,
) -> Singles:
    """Return statistics, computed in single precision as CatBoost does."""
    with np.errstate(all="ignore"):
        numerator = good.astype(np.float32) + feature.prior
        denominator = total.astype(np.float32) + feature.prior_total
        ratio = numerator / denominator
        shifted = ratio + feature.shift
        values: Singles = shifted * feature.scale
    return values
