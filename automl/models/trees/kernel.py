"""The compiled evaluator of trees for many rows; imported only where it pays, as it needs numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

_BLOCK_ROWS = 256  # that go through a tree together, so that the processor's cache holds them
_MAX_CATEGORY = 2**24


def _compiled(function: F) -> F:
    """Compile a function when it is first called.

    The code is kept beside this file or in the user's cache, where one of them can be written.
    """
    try:
        compiled: Any = njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # neither can
        compiled = njit(function, nogil=True, error_model="numpy")
    return compiled  # type: ignore[no-any-return]


@_compiled
def is_in_set(category: Any, offsets: Any, chosen: Any, bits: Any) -> Any:
    """Return whether a category is in a set: see `Conditions`."""
    bit = 0
    if category == category:
        if not 0 <= category < _MAX_CATEGORY:
            return False
        bit = int(category) + 1
    byte = offsets[chosen] + (bit >> 3)
    if byte >= offsets[chosen + 1]:
        return False
    return (bits[byte] >> (bit & 7)) & 1 == 1


@_compiled
def add_margins(
    X: Any,
    column: Any,
    threshold: Any,
    links: Any,
    roots: Any,
    set_column: Any,
    set_offsets: Any,
    set_bits: Any,
    value: Any,
    total: Any,
) -> None:
    """Add the values of the leaves that each row reaches, in the order of the trees.

    All rows of a block go down a tree together, one level at a time: while one waits for memory,
    others go on (measured: up to twice as fast as one row after another).

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns), float32
        No comparison with NaN holds: a missing number goes right.
    column : ndarray of shape (n_inner,), int32
        The column that a numeric node reads; the complement of the set that a categorical node
        looks in.
    threshold : ndarray of shape (n_inner,), float32
    links : ndarray of shape (n_inner, 2), int32
    roots : ndarray of shape (n_trees,), int32
    set_column, set_offsets, set_bits : ndarray
        The column that each set is about, and its bits as in `Conditions`.
    value : ndarray of shape (n_leaves, n_values)
    total : ndarray of shape (n_rows, n_outputs)
        What the values are added to.
    """
    n_rows = X.shape[0]
    n_outputs = total.shape[1]
    n_values = value.shape[1]
    reached = np.empty(_BLOCK_ROWS, np.int32)
    for first in range(0, n_rows, _BLOCK_ROWS):
        size = min(n_rows - first, _BLOCK_ROWS)
        for tree in range(roots.shape[0]):
            reached[:size] = roots[tree]
            is_walking = roots[tree] >= 0
            while is_walking:
                is_walking = False
                for index in range(size):
                    node = reached[index]
                    if node < 0:
                        continue
                    row = first + index
                    read = column[node]
                    if read >= 0:
                        fails = not X[row, read] <= threshold[node]
                    else:
                        category = X[row, set_column[~read]]
                        fails = not is_in_set(category, set_offsets, ~read, set_bits)
                    child = links[node, int(fails)]
                    reached[index] = child
                    is_walking |= child >= 0
            output = 0
            if n_values == 1:
                output = tree % n_outputs
            for index in range(size):
                leaf = ~reached[index]
                for number in range(n_values):
                    total[first + index, output + number] += value[leaf, number]


@_compiled
def add_symmetric_margins(
    X: Any,
    level_offsets: Any,
    column: Any,
    threshold: Any,
    set_column: Any,
    set_offsets: Any,
    set_bits: Any,
    first_leaf: Any,
    value: Any,
    total: Any,
) -> None:
    """Add the values of the leaves that each row reaches in symmetric trees, in their order.

    Parameters
    ----------
    X : ndarray of shape (n_columns, n_rows), float32
        Column by column, so that several rows are compared at once.
    level_offsets : ndarray of shape (n_trees + 1,), int64
    column : ndarray of shape (n_levels,), int32
        As in `add_margins`.
    threshold : ndarray of shape (n_levels,), float32
    set_column, set_offsets, set_bits : ndarray
        As in `add_margins`.
    first_leaf : ndarray of shape (n_trees,), int64
    value : ndarray of shape (n_table, n_outputs)
        The values of the tables' leaves: see `SymmetricTrees`.
    total : ndarray of shape (n_rows, n_outputs)
        What the values are added to.
    """
    n_rows = X.shape[1]
    n_outputs = total.shape[1]
    reached = np.empty(_BLOCK_ROWS, np.int32)
    for first in range(0, n_rows, _BLOCK_ROWS):
        size = min(n_rows - first, _BLOCK_ROWS)
        for tree in range(first_leaf.shape[0]):
            reached[:size] = 0
            bit = np.int32(1)
            for level in range(level_offsets[tree], level_offsets[tree + 1]):
                read = column[level]
                if read >= 0:
                    numbers = X[read, first : first + size]
                    bound = threshold[level]
                    for index in range(size):
                        reached[index] |= np.int32(0) if numbers[index] <= bound else bit
                else:
                    categories = X[set_column[~read], first : first + size]
                    for index in range(size):
                        if not is_in_set(categories[index], set_offsets, ~read, set_bits):
                            reached[index] |= bit
                bit *= np.int32(2)
            start = first_leaf[tree]
            for index in range(size):
                leaf = start + reached[index]
                for number in range(n_outputs):
                    total[first + index, number] += value[leaf, number]
