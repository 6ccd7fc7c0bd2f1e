"""scikit-learn's trees as arrays of ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from automl.arrays import Array, Floats, Integers, Matrix
from automl.models.trees.splits import Splits, infinite_where_largest, round_down
from automl.models.trees.trees import Trees

_LEAF = -1  # scikit-learn's mark of a leaf


def from_sklearn(fitted: Sequence[Any]) -> Trees:
    """Return the arrays of fitted scikit-learn trees (`estimator.tree_`).

    Margins are sums of numbers, or of probabilities of classes; of two classes, those of the
    second.
    """
    is_inner = [np.asarray(tree.children_left) != _LEAF for tree in fitted]
    sizes = [np.count_nonzero(each) for each in is_inner]
    inner = np.concatenate(is_inner)
    threshold = round_down(_joined(fitted, "threshold")[inner])
    column = _joined(fitted, "feature")[inner]
    splits = Splits(
        column=column.astype(np.int64),
        threshold=infinite_where_largest(threshold),
        missing_left=_joined(fitted, "missing_go_to_left")[inner] == 1,
        chosen_set=np.full(len(column), -1),
    )
    conditions, condition = splits.conditions()
    children = [_children(tree) for tree in fitted]
    values = [_leaf_values(np.asarray(tree.value)) for tree in fitted]
    value = np.concatenate(values)[~inner]
    n_outputs = value.shape[1]
    return Trees(
        features=int(fitted[0].n_features),
        conditions=conditions,
        sizes=np.array(sizes, np.int32),
        condition=condition,
        children=np.concatenate(children),
        value=np.ascontiguousarray(value),
        base=np.zeros(n_outputs),
    )


def _joined(fitted: Sequence[Any], name: str) -> Array:
    return np.concatenate([np.asarray(getattr(tree, name)) for tree in fitted])


def _children(tree: Any) -> Integers:
    """Return the children of inner nodes, of shape (n_inner, 2), numbered as `Trees` has them."""
    left = np.asarray(tree.children_left)
    is_leaf = left == _LEAF
    inner_number = np.cumsum(~is_leaf) - 1
    leaf_number = np.cumsum(is_leaf) - 1
    number = np.where(is_leaf, ~leaf_number, inner_number)
    right = np.asarray(tree.children_right)
    pairs = np.column_stack([left, right])[~is_leaf]
    return np.asarray(number[pairs], np.int32)


def _leaf_values(values: Floats) -> Matrix:
    """Return numbers, or probabilities of classes; of two classes, those of the second."""
    values = values[:, 0, :]
    n_columns = values.shape[1]
    if n_columns > 1:
        values = values / values.sum(axis=1, keepdims=True)
    if n_columns == 2:
        values = values[:, 1:]
    return np.asarray(values, np.float32)
