"""scikit-learn's trees as arrays of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from automl.arrays import Array, Bools, Matrix
from automl.models.trees.nodes import Nodes
from automl.models.trees.splits import (
    Splits,
    infinite_where_largest,
    round_down,
)
from automl.models.trees.trees import Trees

_NO_CHILD = -1  # of a leaf


def read_sklearn(fitted: Sequence[Any]) -> Trees:
    """Return the arrays of fitted scikit-learn trees.

    Margins are sums of numbers, or of probabilities of classes; of two classes, those of the
    second.

    Parameters
    ----------
    fitted : sequence of sklearn.tree._tree.Tree
        Each is an estimator's `tree_`.
    """
    counts = [tree.node_count for tree in fitted]
    sizes = np.array(counts, np.int64)
    left = _joined(fitted, "children_left")
    right = _joined(fitted, "children_right")
    is_inner = left != _NO_CHILD
    nodes = Nodes(sizes, is_inner)
    splits = _read_splits(fitted, is_inner)
    conditions, condition = splits.conditions()
    value = _read_values(fitted, ~is_inner)
    n_outputs = value.shape[1]
    return Trees(
        features=int(fitted[0].n_features),
        conditions=conditions,
        sizes=nodes.inner_sizes.astype(np.int32),
        condition=condition,
        children=nodes.children(left[is_inner], right[is_inner]),
        value=value,
        base=np.zeros(n_outputs),
    )


def _read_splits(
    fitted: Sequence[Any],
    is_inner: Bools,
) -> Splits:
    column = _joined(fitted, "feature")[is_inner]
    exact = _joined(fitted, "threshold")[is_inner]
    goes_left = _joined(fitted, "missing_go_to_left")[is_inner]
    threshold = round_down(exact)
    return Splits.by_number(
        column.astype(np.int64),
        infinite_where_largest(threshold),
        goes_left == 1,
    )


def _read_values(
    fitted: Sequence[Any],
    is_leaf: Bools,
) -> Matrix:
    """Return the leaves' values, of shape (n_leaves, n_outputs)."""
    values = _joined(fitted, "value")[is_leaf, 0]
    n_columns = values.shape[1]
    if n_columns > 1:  # counts or shares of classes
        totals = values.sum(axis=1)
        values = values / totals[:, None]
    if n_columns == 2:
        values = values[:, 1:]
    return np.ascontiguousarray(values, np.float32)


def _joined(
    fitted: Sequence[Any],
    name: str,
) -> Array:
    """Return an attribute of all trees, tree after tree."""
    arrays = [getattr(tree, name) for tree in fitted]
    return np.concatenate(arrays)
