"""Exact search for the nearest of some stored rows, the same wherever a row is in its block."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Integers, Matrix

_FLOAT32_ERROR = 1.2e-7  # relative rounding error of one operation


class Neighbours(NamedTuple):
    """Pairs of a block's row and a near stored row, sorted by both.

    Parameters
    ----------
    row, stored : ndarray of shape (n_pairs,)
        Integers of the rows in the block, and among the stored rows.
    distance : ndarray of shape (n_pairs,), float64
    is_last : ndarray of shape (n_pairs,), bool
        Whether the distance is the k-th smallest of its row; ties all are.
    """

    row: Integers
    stored: Integers
    distance: Floats
    is_last: npt.NDArray[np.bool_]


class NeighbourIndex:
    """Stored rows, searched by brute force.

    Parameters
    ----------
    rows : ndarray of shape (n_stored, n_features)
    p : int
        1 for the sum of absolute differences, 2 for the Euclidean distance.
    """

    def __init__(self, rows: Matrix, p: int) -> None:
        self._p = p
        self._columns = np.ascontiguousarray(rows.T)
        self._sizes = self._size(rows)

    def search(self, block: Matrix, k: int) -> Neighbours:
        """Return the k nearest stored rows of each row, and those as near as the last of them."""
        row, stored = self._candidates(block, k)
        distance = self._exact_distances(block, row, stored)
        limits = _kth_smallest(row, distance, k)
        limit = limits[row]
        is_near = distance <= limit
        is_last = distance == limit
        return Neighbours(
            row=row[is_near],
            stored=stored[is_near],
            distance=distance[is_near],
            is_last=is_last[is_near],
        )

    def _size(self, rows: Matrix) -> Matrix:
        """Return the numbers that rounding errors of rough distances are relative to."""
        magnitudes = np.abs(rows)
        powers = magnitudes**self._p
        sizes = powers.sum(axis=1)
        return np.asarray(sizes, np.float32)

    def _candidates(self, block: Matrix, k: int) -> tuple[Integers, Integers]:
        """Return pairs that contain all neighbours, by rough distances.

        BLAS rounds differently from place to place in a block (measured: three results for 64
        places), so a rough distance is taken as a lower bound, and as an upper bound after twice
        the largest error is added.
        """
        operations = len(self._columns) + 10
        error = np.float32(_FLOAT32_ERROR * operations)
        sizes = self._size(block)
        sizes = sizes[:, None]
        lower = self._rough_distances(block)
        lower -= error * sizes
        lower -= error * self._sizes
        last = k - 1
        order = np.argpartition(lower, last, axis=1)
        nearest = order[:, :k]
        stored_sizes = self._sizes[nearest]
        pair_sizes = sizes + stored_sizes
        margin = 2 * error * pair_sizes
        upper = np.take_along_axis(lower, nearest, axis=1)
        upper += margin
        limit = upper.max(axis=1, keepdims=True)
        is_candidate = lower <= limit
        row, stored = np.nonzero(is_candidate)
        return row, stored

    def _rough_distances(self, block: Matrix) -> Matrix:
        """Return squared distances for p=2, distances for p=1, of shape (n_block, n_stored)."""
        if self._p == 2:
            squares: Matrix = block @ self._columns
            squares *= -2
            squares += self._sizes
            sizes = self._size(block)
            squares += sizes[:, None]
            return squares
        n_rows = len(block)
        n_stored = len(self._sizes)
        shape = (n_rows, n_stored)
        total = np.zeros(shape, np.float32)
        difference = np.empty_like(total)
        for index, column in enumerate(self._columns):
            values = block[:, index]
            as_column = values[:, None]
            np.subtract(as_column, column, out=difference)
            np.abs(difference, out=difference)
            total += difference
        return total

    def _exact_distances(self, block: Matrix, row: Integers, stored: Integers) -> Floats:
        """Return distances of pairs, which depend on nothing but the pair.

        They are added up column by column in float64.
        """
        total = np.zeros(len(row))
        block_columns = np.ascontiguousarray(block.T)
        for index, column in enumerate(self._columns):
            values = block_columns[index].astype(np.float64)
            block_values = values[row]
            stored_values = column[stored]
            difference = block_values - stored_values
            if self._p == 2:
                difference *= difference
            total += np.abs(difference)
        if self._p == 2:
            return np.sqrt(total)
        return total


def _kth_smallest(row: Integers, distance: Floats, k: int) -> Floats:
    """Return the k-th smallest distance of each row; `row` ascends."""
    order = np.lexsort((distance, row))
    ascending = distance[order]
    n_rows = row[-1] + 1
    rows = np.arange(n_rows)
    starts = np.searchsorted(row, rows)
    kth = starts + k - 1
    smallest: Floats = ascending[kth]
    return smallest
