"""The slowest way to evaluate trees, which is the easiest to believe."""

from __future__ import annotations

import numpy as np

from automl.arrays import Bools, Floats, Matrix
from automl.models.trees.trees import Trees


def walked_margins(trees: Trees, X: Matrix) -> Floats:
    """Return the margins of rows, of shape (n_rows, n_outputs): row by row and tree by tree."""
    holds = trees.conditions.evaluate(trees.columns(X))
    sums = np.tile(trees.base.astype(np.float64), (len(X), 1))
    for row, holds_of_row in enumerate(holds):
        for tree in range(trees.count):
            sums[row] += trees.values_of(_leaf(trees, tree, holds_of_row))
    return sums


def _leaf(trees: Trees, tree: int, holds: Bools) -> int:
    node = int(trees.roots[tree])
    while node >= 0:
        side = 0 if holds[trees.condition[node]] else 1
        node = int(trees.links[node, side])
    return ~node
