"""Evaluate trees: a few rows by NumPy, all trees together; many rows by compiled code.

Both give the same bits: every decision compares float32 numbers, and values are added in the order
of the trees, in the precision of the library that grew them.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace

import numpy as np

from automl.arrays import Array, Floats, Matrix
from automl.models.trees.conditions import Conditions
from automl.models.trees.grove import Grove
from automl.models.trees.trees import Trees

_KERNEL = "automl.models.trees.kernel"
# Rows x trees from which on it pays to load the compiled evaluator (half a second).
_MIN_WALKS_TO_LOAD = 400_000
# Rows x trees from which on the compiled evaluator is quicker, once it is loaded.
_MIN_COMPILED_WALKS = 1_000


def margins(trees: Trees, X: Matrix) -> Floats:
    """Return the margins of rows, of shape (n_rows, n_outputs)."""
    if is_compiled_better(len(X) * trees.count):
        return compiled_margins(trees, X)
    (alone,) = Grove.of([trees], [0]).margins([X])
    return alone


def is_compiled_better(walks: int) -> bool:
    """Return whether compiled code takes less time for so many rows x trees."""
    if _KERNEL in sys.modules:
        return walks >= _MIN_COMPILED_WALKS
    return walks >= _MIN_WALKS_TO_LOAD and has_compiler()


def has_compiler() -> bool:
    """Return whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def load_kernel() -> None:
    """Read the compiled evaluator's code for both precisions, or compile it."""
    indices = np.zeros(0, np.int32)
    conditions = Conditions(
        column=indices,
        threshold=np.zeros(0, np.float32),
        missing_left=np.zeros(0, np.uint8),
        set_offsets=np.zeros(1, np.int64),
        set_bits=np.zeros(0, np.uint8),
    )
    leaf = Trees(
        features=1,
        conditions=conditions,
        sizes=np.zeros(1, np.int32),
        condition=indices,
        children=np.zeros((0, 2), np.int32),
        value=np.zeros((1, 1)),
        base=np.zeros(1),
    )
    row = np.zeros((1, 1), np.float32)
    compiled_margins(leaf, row)
    compiled_margins(replace(leaf, single=True), row)


def compiled_margins(trees: Trees, X: Matrix) -> Floats:
    """Return the margins of rows by the compiled evaluator."""
    from automl.models.trees.kernel import add_margins

    rows = trees.kernel_rows(X)
    shape = (len(rows), trees.outputs)
    total: Array = np.empty(shape, trees.dtype)
    total[:] = trees.base
    arguments = (rows, *trees.kernel_arrays, total)
    add_margins(*arguments)
    return total.astype(np.float64)
