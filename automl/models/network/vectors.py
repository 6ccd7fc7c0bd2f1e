"""How a network takes categories in: a learnt vector for each level.

These are entity embeddings (Guo and Berkhahn 2016).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Integers, Matrix

MAX_OWN_LEVELS = 2048  # levels of one column that have a vector of their own
_SHARED_VECTORS = 256  # vectors that the other levels share
_HASH_FACTOR = 2_654_435_761  # Knuth's multiplicative hashing
_HASHES = 2**32
_NO_ROWS: Integers = np.zeros(0, np.int64)
_SPREAD = 0.1  # standard deviation of the vectors at first


@dataclass(frozen=True)
class Vectors:
    """The vectors of some columns' levels.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,), int64
    rows_of_levels : ndarray of shape (n_all_levels,), int64
        For each column in turn the row of `table` of each level, and last that of missing ones.
    counts : ndarray of shape (n_columns,), int64
        How many of `rows_of_levels` each column has.
    table : ndarray of shape (n_vectors, size), float32
    """

    columns: Integers
    rows_of_levels: Integers
    counts: Integers
    table: Matrix

    @property
    def width(self) -> int:
        """Number of values that a row's vectors consist of."""
        size = int(self.table.shape[1])
        return len(self.columns) * size

    def find_rows(self, X: Matrix) -> Matrix:
        """Return the rows of the table for the codes of a matrix, one column for each of ours."""
        codes = X[:, self.columns]
        missing = self.counts - 1
        is_known = codes >= 0  # False for NaN
        is_known &= codes < missing
        levels = np.where(is_known, codes, missing)
        positions = self._starts + levels.astype(np.int64)
        rows = self.rows_of_levels[positions]
        found: Matrix = rows.astype(np.float32)
        return found

    def rows_of_column(self, index: int) -> Integers:
        """Return the rows of a column's levels, and last that of missing ones."""
        start = self._starts[index]
        end = start + self.counts[index]
        return self.rows_of_levels[start:end]

    @cached_property
    def _starts(self) -> Integers:
        """Where each column's rows begin."""
        starts: Integers = np.cumsum(self.counts) - self.counts
        return starts

    def values(self, X: Matrix) -> Matrix:
        """Return the vectors of prepared rows, of shape (n_rows, n_columns * size)."""
        rows = self._table_rows(X)
        vectors = self.table[rows]
        n_rows = len(X)
        return vectors.reshape(n_rows, self.width)

    def gradient(self, X: Matrix, by_values: Matrix) -> Matrix:
        """Return the gradient by the table, from that by the vectors."""
        n_vectors, size = self.table.shape
        rows = self._table_rows(X)
        flat_rows = rows.ravel()
        by_vector = by_values.reshape(-1, size)
        gradient = np.empty_like(self.table)
        for index, weights in enumerate(by_vector.T):
            gradient[:, index] = np.bincount(flat_rows, weights, n_vectors)
        return gradient

    def _table_rows(self, X: Matrix) -> Integers:
        numbers = X[:, self.columns]
        rows: Integers = numbers.astype(np.int64)
        return rows

    def copy(self, dtype: Any) -> Vectors:
        """Return independent vectors with equal numbers of a type."""
        return replace(self, table=self.table.astype(dtype))


def initial_vectors(
    X: Matrix,
    levels: tuple[int, ...],
    size: int,
    rng: np.random.Generator,
) -> Vectors:
    """Return random vectors of the levels, and zeros for missing ones.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        Training rows, with codes in the categorical columns.
    levels : tuple of int
        Of each column, 0 where it holds numbers.
    size : int
        Of each vector.
    rng : Generator
    """
    columns = np.flatnonzero(levels)
    all_rows = [_NO_ROWS]
    rows_of_missing = []
    n_vectors = 0
    for column in columns:
        codes = X[:, column]
        rows = rows_of_levels(codes, levels[column])
        n_own = rows.max() + 1
        with_missing = np.append(rows, n_own)
        all_rows.append(with_missing + n_vectors)
        rows_of_missing.append(n_vectors + n_own)
        n_vectors += n_own + 1
    table = rng.normal(size=(n_vectors, size))
    table *= _SPREAD
    table[rows_of_missing] = 0.0
    counts = np.array(levels)[columns] + 1
    return Vectors(
        columns,
        np.concatenate(all_rows),
        counts,
        table.astype(np.float32),
    )


def rows_of_levels(
    codes: Matrix,
    n_levels: int,
    own: int = MAX_OWN_LEVELS,
    shared: int = _SHARED_VECTORS,
) -> Integers:
    """Return the row of each level, counted from 0.

    The most frequent levels have one of their own; the others share some by a hash.
    """
    numbers = np.arange(n_levels)
    if n_levels <= own:
        return numbers
    known = codes[~np.isnan(codes)]
    counts = np.bincount(known.astype(np.int64), minlength=n_levels)
    by_frequency = np.argsort(-counts, kind="stable")
    most_frequent = by_frequency[:own]
    hashes = numbers * _HASH_FACTOR % _HASHES
    rows = own + hashes % shared
    rows[most_frequent] = numbers[:own]
    return rows
