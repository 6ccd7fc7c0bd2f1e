"""Rows that are equal in all features get one number, so that folds can keep them together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.columns import Categories, Column, Columns, Floats, Numbers, Rows
from automl.folds import some

Hashes = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)

CHANCE_QUANTILE = 3.09  # standard deviations: the 99.9th percentile of a normal distribution
CHANCE_FACTOR = 2.0  # a table of few distinct rows repeats them nearly as often when it is shuffled
MIN_COPIES_SHARE = 0.01  # of the rows: fewer copies can't flatter a score by what can be seen
SHUFFLES = 8
MAX_SHUFFLED_ROWS = 5_000
MAX_SHUFFLED_COLUMNS = 2_000
MAX_SHUFFLED_CELLS = 2_000_000  # rows x columns x shuffles, about a tenth of a second
TARGET_BINS = 10  # of a regression target, within which columns are shuffled


def duplicate_rows(columns: Columns) -> Rows:
    """A number a row; rows with identical values share it.

    Parameters
    ----------
    columns : Columns
        Missing values count as equal.

    Returns
    -------
    ndarray of shape (n_rows,), int64

    Examples
    --------
    >>> duplicate_rows(Columns({"a": Numbers(np.array([1.0, np.nan, 1.0, np.nan]))}, 4)).tolist()
    [0, 1, 0, 1]
    """
    total: Hashes = np.zeros(columns.n_rows, np.uint64)
    for name in columns.names():
        total = _mixed(total * _PRIME + _hashes(columns[name]))
    return np.asarray(pd.factorize(total)[0], np.int64)


def repeated(duplicates: Rows) -> int:
    """How many rows equal an earlier one, by the numbers of `duplicate_rows`.

    >>> repeated(np.array([0, 1, 0, 3]))
    1
    """
    return len(duplicates) - len(np.unique(duplicates))


def _hashes(column: Column) -> Hashes:
    if isinstance(column, Numbers):
        values = np.where(np.isnan(column.values), np.nan, column.values + 0.0)  # one NaN, one zero
        return _mixed(values.view(np.uint64))
    if isinstance(column, Categories):
        return _mixed(column.codes.astype(np.int64).view(np.uint64))
    return pd.util.hash_array(np.array(list(column), dtype=object), categorize=True)


def _mixed(values: Hashes) -> Hashes:
    with np.errstate(over="ignore"):
        mixed: Hashes = (values ^ (values >> _SHIFT)) * _PRIME
    return mixed ^ (mixed >> _SHIFT)


@dataclass(frozen=True)
class Copies:
    """Rows that are copies of others, in all features and the target.

    Parameters
    ----------
    units : ndarray of shape (n_rows,), int64
        Copies share a number.
    count : int
        How many rows equal an earlier one.
    found, by_chance, limit : float
        How many were found among the rows looked at, how many chance brings there, and its 99.9th percentile.
    """

    units: Rows
    count: int
    found: float
    by_chance: float
    limit: float

    @property
    def is_beyond_chance(self) -> bool:
        """Whether chance can't explain them."""
        many = self.count >= MIN_COPIES_SHARE * len(self.units)
        return many and self.found > max(self.limit, CHANCE_FACTOR * self.by_chance)


def copied_rows(
    columns: Columns, y: Floats, is_regression: bool, seed: int = 0, duplicates: Rows | None = None
) -> Copies:
    """Find the rows that are equal in all features and the target, and how many there would be by chance.

    Chance is the same table with half of its columns shuffled within the classes, or within tenths of a regression target.

    Parameters
    ----------
    columns : Columns
    y : ndarray of shape (n_rows,), float64
        Class codes, or the target's values.
    is_regression : bool
    seed : int
    duplicates : ndarray of shape (n_rows,), int64, optional
        What `duplicate_rows` gave, if it is known.

    Examples
    --------
    >>> a, b = np.random.default_rng(0).normal(size=(2, 50))
    >>> table = Columns({"a": Numbers(np.tile(a, 2)), "b": Numbers(np.tile(b, 2))}, 100)
    >>> copied_rows(table, np.zeros(100), is_regression=False).is_beyond_chance
    True
    >>> coin = Columns({"a": Numbers(np.arange(100.0) % 2)}, 100)
    >>> copied_rows(coin, np.zeros(100), is_regression=False).is_beyond_chance
    False
    """
    numbers = duplicate_rows(columns) if duplicates is None else duplicates
    units = np.asarray(
        pd.factorize(_together([numbers.view(np.uint64), _hashes(Numbers(y))]))[0], np.int64
    )
    count = repeated(units)
    if count < MIN_COPIES_SHARE * len(units):
        return Copies(units, count, 0.0, 0.0, math.inf)
    names = columns.names()[:MAX_SHUFFLED_COLUMNS]
    rows = some(
        len(y),
        max(200, min(MAX_SHUFFLED_ROWS, MAX_SHUFFLED_CELLS // (SHUFFLES * len(names)))),
        seed,
    )
    hashed = [_hashes(columns[name].take(rows)) for name in names]
    hashed += (
        [_hashes(Numbers(y[rows]))] if is_regression else []
    )  # shuffled within classes, a class stays what it is
    counts = _shuffled_counts(hashed, _classes(y[rows], is_regression), seed)
    mean = float(counts.mean())
    limit = mean + CHANCE_QUANTILE * max(math.sqrt(mean), float(counts.std(ddof=1))) + 1.0
    return Copies(units, count, repeated(units[rows]), mean, limit)


def _classes(y: Floats, is_regression: bool) -> Rows:
    """The class of each row; a tenth of the rows by a regression target."""
    if not is_regression:
        return np.asarray(y, np.int64)
    ends = np.unique(np.quantile(y, np.linspace(0, 1, TARGET_BINS + 1)[1:-1]))
    return np.searchsorted(ends, y, side="right")


def _shuffled_counts(hashed: list[Hashes], classes: Rows, seed: int) -> Floats:
    """How many rows equal an earlier one where half of the columns are shuffled within the classes, once a shuffle.

    The other half keeps what it has: columns depend on each other in real tables, and repeat more often for it.
    """
    rng = np.random.default_rng((seed, len(classes)))
    order = np.argsort(classes, kind="stable")
    in_order = [column[order] for column in hashed]
    ends = np.flatnonzero(np.diff(classes[order])) + 1
    blocks = np.split(np.arange(len(classes)), ends)
    counts = np.zeros(SHUFFLES)
    for shuffle in range(SHUFFLES):
        moved = np.concatenate([rng.permutation(block) for block in blocks])
        moves = rng.permutation(len(in_order)) < len(in_order) // 2
        mixed = [
            column[moved] if one else column for column, one in zip(in_order, moves, strict=True)
        ]
        counts[shuffle] = len(classes) - len(
            np.unique(_together([*mixed, classes[order].astype(np.uint64)]))
        )
    return counts


def _together(hashed: list[Hashes]) -> Hashes:
    """One hash a row of several columns."""
    total: Hashes = np.zeros(len(hashed[0]), np.uint64)
    for column in hashed:
        total = _mixed(total * _PRIME + column)
    return total
