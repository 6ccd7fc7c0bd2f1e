"""Duplicate rows get equal numbers, so that folds can keep them together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.arrays import Floats, Rows
from automl.columns import Categories, Column, Columns, Numbers
from automl.folds import sample_rows

Hashes = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)

CHANCE_QUANTILE = 3.09  # standard deviations: the 99.9th percentile of a normal distribution
# A table of few distinct rows repeats them nearly as often when it is shuffled.
CHANCE_FACTOR = 2.0
MIN_COPIES_SHARE = 0.01  # of the rows: fewer copies cannot raise a score visibly
N_SHUFFLES = 8
MIN_SHUFFLED_ROWS = 200
MAX_SHUFFLED_ROWS = 5_000
MAX_SHUFFLED_COLUMNS = 2_000
MAX_SHUFFLED_CELLS = 2_000_000  # rows x columns x shuffles, about a tenth of a second
N_TARGET_BINS = 10  # of a regression target, within which columns are shuffled


def number_duplicates(columns: Columns) -> Rows:
    """Return a number a row that rows with identical values share.

    Parameters
    ----------
    columns : Columns
        Missing values count as equal.

    Returns
    -------
    ndarray of shape (n_rows,), int64

    Examples
    --------
    >>> number_duplicates(Columns({"a": Numbers(np.array([1.0, np.nan, 1.0, np.nan]))}, 4)).tolist()
    [0, 1, 0, 1]
    """
    combined: Hashes = np.zeros(columns.n_rows, np.uint64)
    for name in columns.names():
        hashes = _hash_column(columns[name])
        combined = _add(hashes, combined)
    return _number(combined)


def count_repeated(duplicates: Rows) -> int:
    """Return how many rows equal an earlier one, by the numbers of `number_duplicates`.

    >>> count_repeated(np.array([0, 1, 0, 3]))
    1
    """
    distinct = np.unique(duplicates)
    return len(duplicates) - len(distinct)


def _number(hashes: Hashes) -> Rows:
    """Return the rank of each hash in order of first appearance."""
    numbers, _ = pd.factorize(hashes)
    return np.asarray(numbers, np.int64)


def _hash_column(column: Column) -> Hashes:
    if isinstance(column, Numbers):
        return _hash_numbers(column.values)
    if isinstance(column, Categories):
        codes = column.codes.astype(np.int64)
        unsigned = codes.view(np.uint64)
        return _mix(unsigned)
    texts = list(column)
    values = np.array(texts, dtype=object)
    return pd.util.hash_array(values, categorize=True)


def _hash_numbers(values: Floats) -> Hashes:
    normal = values + 0.0  # one zero
    is_nan = np.isnan(values)
    normal[is_nan] = np.nan  # one NaN
    return _mix(normal.view(np.uint64))


def _mix(values: Hashes) -> Hashes:
    mixed: Hashes = values ^ (values >> _SHIFT)
    with np.errstate(over="ignore"):
        mixed *= _PRIME
    return mixed ^ (mixed >> _SHIFT)


def _combine(hashes: list[Hashes]) -> Hashes:
    """Return one hash a row of several columns."""
    combined: Hashes = np.zeros_like(hashes[0])
    for column in hashes:
        combined = _add(column, combined)
    return combined


def _add(hashes: Hashes, combined: Hashes) -> Hashes:
    product = combined * _PRIME
    return _mix(product + hashes)


@dataclass(frozen=True)
class Copies:
    """Rows that are copies of others, in all features and the target.

    Parameters
    ----------
    units : ndarray of shape (n_rows,), int64
        Copies share a number.
    count : int
        How many rows equal an earlier one.
    n_found, by_chance, limit : float
        How many copies there are among the sampled rows, how many chance brings there, and the
        99.9th percentile of chance.
    """

    units: Rows
    count: int
    n_found: float
    by_chance: float
    limit: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether there are more copies than chance can explain."""
        min_copies = MIN_COPIES_SHARE * len(self.units)
        if self.count < min_copies:
            return False
        explained = CHANCE_FACTOR * self.by_chance
        return self.n_found > max(self.limit, explained)


def find_copied_rows(
    columns: Columns, y: Floats, is_regression: bool, seed: int = 0, duplicates: Rows | None = None
) -> Copies:
    """Find rows that are equal in all features and the target, and their number by chance.

    Chance is the same table with half of its columns shuffled within the classes, or within
    tenths of a regression target.

    Parameters
    ----------
    columns : Columns
    y : ndarray of shape (n_rows,), float64
        Class codes, or the target's values.
    is_regression : bool
    seed : int
    duplicates : ndarray of shape (n_rows,), int64, optional
        The result of `number_duplicates`, if it is known.

    Examples
    --------
    >>> a, b = np.random.default_rng(0).normal(size=(2, 50))
    >>> table = Columns({"a": Numbers(np.tile(a, 2)), "b": Numbers(np.tile(b, 2))}, 100)
    >>> find_copied_rows(table, np.zeros(100), is_regression=False).is_beyond_chance
    True
    >>> coin = Columns({"a": Numbers(np.arange(100.0) % 2)}, 100)
    >>> find_copied_rows(coin, np.zeros(100), is_regression=False).is_beyond_chance
    False
    """
    if duplicates is None:
        duplicates = number_duplicates(columns)
    row_hashes = duplicates.view(np.uint64)
    target_hashes = _hash_numbers(y)
    hashes = _combine([row_hashes, target_hashes])
    units = _number(hashes)
    count = count_repeated(units)
    if count < MIN_COPIES_SHARE * len(units):
        return Copies(units, count, 0.0, 0.0, math.inf)
    names = columns.names()[:MAX_SHUFFLED_COLUMNS]
    max_cells_per_shuffle = MAX_SHUFFLED_CELLS // N_SHUFFLES
    affordable = max_cells_per_shuffle // len(names)
    max_rows = min(MAX_SHUFFLED_ROWS, affordable)
    max_rows = max(MIN_SHUFFLED_ROWS, max_rows)
    rows = sample_rows(len(y), max_rows, seed)
    sampled_hashes = []
    for name in names:
        column = columns[name].take(rows)
        sampled_hashes.append(_hash_column(column))
    target = y[rows]
    if is_regression:
        classes = _target_bins(target)
        sampled_hashes.append(_hash_numbers(target))
    else:  # need not be hashed, because columns are shuffled within the classes
        classes = target.astype(np.int64)
    counts = _shuffled_counts(sampled_hashes, classes, seed)
    mean = float(counts.mean())
    deviation = float(counts.std(ddof=1))
    deviation = max(math.sqrt(mean), deviation)
    limit = mean + CHANCE_QUANTILE * deviation + 1.0
    found = count_repeated(units[rows])
    return Copies(units, count, found, mean, limit)


def _target_bins(y: Floats) -> Rows:
    """Return a tenth of the rows each, by a regression target."""
    n_levels = N_TARGET_BINS + 1
    levels = np.linspace(0, 1, n_levels)
    inner = levels[1:-1]
    thresholds = np.quantile(y, inner)
    distinct = np.unique(thresholds)
    return np.searchsorted(distinct, y, side="right")


def _shuffled_counts(hashes: list[Hashes], classes: Rows, seed: int) -> Floats:
    """Return how many rows equal an earlier one in each of several shuffled tables.

    Half of the columns are shuffled together within the classes. The other half stays as it is,
    because columns of real tables depend on each other, and repeat more often for that reason.
    """
    n_rows = len(classes)
    n_columns = len(hashes)
    seeds = (seed, n_rows)
    rng = np.random.default_rng(seeds)
    order = np.argsort(classes, kind="stable")
    sorted_hashes = [column[order] for column in hashes]
    sorted_classes = classes[order]
    class_hashes = sorted_classes.astype(np.uint64)
    changes = np.diff(sorted_classes)
    ends = np.flatnonzero(changes) + 1
    positions = np.arange(n_rows)
    blocks = np.split(positions, ends)
    counts = np.zeros(N_SHUFFLES)
    for shuffle in range(N_SHUFFLES):
        shuffled_blocks = [rng.permutation(block) for block in blocks]
        shuffled = np.concatenate(shuffled_blocks)
        ranks = rng.permutation(n_columns)
        n_moved = n_columns // 2
        is_moved = ranks < n_moved
        table = sorted_hashes.copy()
        for index in np.flatnonzero(is_moved):
            table[index] = table[index][shuffled]
        rows = _combine([*table, class_hashes])
        distinct = np.unique(rows)
        counts[shuffle] = n_rows - len(distinct)
    return counts
