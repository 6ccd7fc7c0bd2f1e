"""Evaluate trees: a few rows by NumPy, all trees together; many rows by compiled code.

Both give the same bits: every decision compares float32 numbers, and values are added in the order
of the trees, in the precision of the library that grew them.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache

import numpy as np

from automl.arrays import Array, Floats, Matrix
from automl.models.trees.conditions import Conditions, offsets_of
from automl.models.trees.grove import Grove
from automl.models.trees.trees import Trees

KERNEL = "automl.models.trees.kernel"
# Walks from which on it pays to load the compiled evaluator: NumPy needs as long for them (a
# third of a second).
MIN_WALKS_TO_LOAD = 400_000
# Walks from which on the compiled evaluator is quicker, once it is loaded: always, since
# joining a grove for one call takes longer than compiled walks.
_MIN_COMPILED_WALKS = 1


def margins(trees: Trees, X: Matrix) -> Floats:
    """Return the margins of rows, of shape (n_rows, n_outputs)."""
    walks = len(X) * trees.walks_per_row
    if is_compiled_better(walks):
        return compiled_margins(trees, X)
    grove = Grove.of([trees], [0])
    (alone,) = grove.margins([X])
    return alone


def is_compiled_better(walks: int) -> bool:
    """Return whether compiled code takes less time.

    Parameters
    ----------
    walks : int
        Number of rows times `Trees.walks_per_row`.
    """
    if is_loaded():
        return walks >= _MIN_COMPILED_WALKS
    return walks >= MIN_WALKS_TO_LOAD and has_compiler()


def is_loaded() -> bool:
    """Return whether this process has loaded the compiled evaluator."""
    return KERNEL in sys.modules


@cache
def has_compiler() -> bool:
    """Return whether numba is there and can be imported: it refuses a NumPy that is too new."""
    try:
        import numba  # noqa: F401
    except ImportError:
        return False
    return True


def load_kernel() -> None:
    """Read the compiled evaluator's code for all kinds of trees, or compile it."""
    double = _single_leaf()
    single = replace(double, single=True)
    row = np.zeros((1, 1), np.float32)
    for leaf in (double, single):
        _add_margins(leaf, row, np.zeros((1, 1), leaf.dtype))
    compiled_margins(double, row)  # which is symmetric


def _single_leaf() -> Trees:
    """Return one tree without inner nodes."""
    no_indices = np.zeros(0, np.int32)
    no_bytes = np.zeros(0, np.uint8)
    no_conditions = Conditions(
        column=no_indices,
        threshold=np.zeros(0, np.float32),
        missing_left=no_bytes,
        set_offsets=offsets_of([]),
        set_bits=no_bytes,
    )
    return Trees(
        features=1,
        conditions=no_conditions,
        sizes=np.zeros(1, np.int32),
        condition=no_indices,
        children=no_indices.reshape(0, 2),
        value=np.zeros((1, 1)),
        base=np.zeros(1),
    )


def compiled_margins(trees: Trees, X: Matrix) -> Floats:
    """Return the margins of rows by the compiled evaluator."""
    from automl.models.trees.kernel import add_symmetric_margins

    rows = trees.kernel_rows(X)
    n_rows = len(rows)
    shape = (n_rows, trees.outputs)
    total: Array = np.empty(shape, trees.dtype)
    total[:] = trees.base
    symmetric = trees.symmetric_kernel_arrays
    if symmetric is None:
        _add_margins(trees, rows, total)
    else:
        by_column = np.ascontiguousarray(rows.T)
        arguments = (by_column, *symmetric, total)
        add_symmetric_margins(*arguments)
    return total.astype(np.float64)


def _add_margins(trees: Trees, rows: Matrix, total: Array) -> None:
    """Add the values of trees of any shape."""
    from automl.models.trees.kernel import add_margins

    arguments = (rows, *trees.kernel_arrays, total)
    add_margins(*arguments)
