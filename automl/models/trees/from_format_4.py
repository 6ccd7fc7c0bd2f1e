"""The trees of forests in predictor files of format 4 as arrays of ours."""

from __future__ import annotations

import numpy as np

from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_array, read_integer, read_vector
from automl.models.trees.splits import Splits, infinite_where_largest
from automl.models.trees.trees import Trees
from automl.state import State

_MAX_FEATURES = 2**24


def from_format_4(state: State) -> Trees:
    """Return the trees of a state of format 4.

    It holds the nodes of all trees in depth-first order, so that a left child follows its parent:
    `offsets` says where each tree begins, `right` is the right child's number in its tree, and 0
    for a leaf.

    Raises
    ------
    UnsafeModel
        The arrays don't fit together.
    """
    features = read_integer(state, "features", 1)
    offsets = read_vector(state, "offsets", np.int64)
    right = read_vector(state, "right", np.int32)
    feature = read_vector(state, "feature", np.int32)
    threshold = read_vector(state, "threshold", np.float32, infinite=True)
    missing_left = read_vector(state, "missing_left", np.uint8)
    value = read_array(state, "value", np.float32, 2)
    n_nodes = len(right)
    sizes = np.diff(offsets)
    follow = len(offsets) > 1 and offsets[0] == 0 and offsets[-1] == n_nodes
    if not follow or (sizes < 1).any() or features > _MAX_FEATURES:
        raise UnsafeModel("the model file's trees do not follow one another")
    if {len(feature), len(threshold), len(missing_left)} != {n_nodes}:
        raise UnsafeModel("the model file's trees have arrays of different lengths")
    inner = right != 0
    starts = offsets[:-1]
    inner_sizes = np.add.reduceat(inner.astype(np.int64), starts)
    if (2 * inner_sizes + 1 != sizes).any():
        raise UnsafeModel("the model file's trees have a child that is not below its parent")
    number = np.arange(n_nodes) - np.repeat(starts, sizes)
    pairs = np.column_stack([number + 1, right])[inner]
    if is_outside(pairs, np.repeat(sizes, sizes)[inner][:, None]):
        raise UnsafeModel("the model file's trees have a child that is not below its parent")
    inner_number = np.cumsum(inner) - inner
    inner_number -= np.repeat(inner_number[starts], sizes)
    leaf_number = number - inner_number
    numbers = np.where(inner, inner_number, ~leaf_number)
    first = np.repeat(starts, sizes)[inner][:, None]
    splits = Splits(
        column=feature[inner].astype(np.int64),
        threshold=infinite_where_largest(threshold[inner]),
        missing_left=missing_left[inner] == 1,
        chosen_set=np.full(np.count_nonzero(inner), -1),
    )
    conditions, condition = splits.conditions()
    conditions.check(features)
    trees = Trees(
        features=features,
        conditions=conditions,
        sizes=inner_sizes.astype(np.int32),
        condition=condition,
        children=numbers[pairs + first].astype(np.int32),
        value=value,
        base=np.zeros(value.shape[1]),
    )
    trees.check()
    return trees
