"""The trees of forests in predictor files of format 4 as arrays of ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.arrays import Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_array, read_integer, read_vector
from automl.models.trees.conditions import Bytes, Indices, Thresholds
from automl.models.trees.nodes import Nodes
from automl.models.trees.splits import Splits, infinite_where_largest
from automl.models.trees.trees import Trees
from automl.state import State

_MAX_FEATURES = 2**24


def read_format_4(state: State) -> Trees:
    """Return the trees of a forest's state of format 4.

    Raises
    ------
    UnsafeModel
        The arrays don't fit together.
    """
    stored = _StoredNodes.read(state)
    stored.check()
    features = stored.features
    conditions, condition = stored.splits().conditions()
    conditions.check(features)
    n_outputs = stored.value.shape[1]
    trees = Trees(
        features=features,
        conditions=conditions,
        sizes=stored.nodes.inner_sizes.astype(np.int32),
        condition=condition,
        children=stored.nodes.children(stored.left, stored.right_of_inner),
        value=stored.value,
        base=np.zeros(n_outputs),
    )
    trees.check()
    return trees


@dataclass(frozen=True)
class _StoredNodes:
    """The nodes of all trees in depth-first order, so that a left child follows its parent.

    Parameters
    ----------
    features : int
        Number of columns of the input.
    offsets : ndarray of shape (n_trees + 1,), int64
        Where each tree begins, and where the last one ends.
    right : ndarray of shape (n_nodes,), int32
        The right child's number in its tree; 0 for a leaf.
    feature : ndarray of shape (n_nodes,), int32
    threshold : ndarray of shape (n_nodes,), float32
    missing_left : ndarray of shape (n_nodes,), uint8
    value : ndarray of shape (n_leaves, n_outputs), float32
    """

    features: int
    offsets: Integers
    right: Indices
    feature: Indices
    threshold: Thresholds
    missing_left: Bytes
    value: Matrix

    @classmethod
    def read(cls, state: State) -> _StoredNodes:
        """Return the arrays of a state, each of which is checked alone."""
        return cls(
            features=read_integer(state, "features", 1),
            offsets=read_vector(state, "offsets", np.int64),
            right=read_vector(state, "right", np.int32),
            feature=read_vector(state, "feature", np.int32),
            threshold=read_vector(state, "threshold", np.float32, infinite=True),
            missing_left=read_vector(state, "missing_left", np.uint8),
            value=read_array(state, "value", np.float32, 2),
        )

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes, of which all with a right child are inner ones."""
        sizes = np.diff(self.offsets)
        return Nodes(sizes, self.right != 0)

    @cached_property
    def left(self) -> Integers:
        """The left child's number in its tree, of each inner node."""
        number = np.arange(len(self.right)) - self.nodes.first
        left = number + 1
        return left[self.nodes.is_inner]

    @property
    def right_of_inner(self) -> Indices:
        """The right child's number in its tree, of each inner node."""
        return self.right[self.nodes.is_inner]

    def check(self) -> None:
        """Refuse arrays that don't fit together."""
        self._check_lengths()
        if not self.nodes.have_parents or self._has_child_outside():
            raise UnsafeModel("the model file's trees have a child that is not below its parent")

    def _check_lengths(self) -> None:
        n_nodes = len(self.right)
        if self.features > _MAX_FEATURES or not self._offsets_cut(n_nodes):
            raise UnsafeModel("the model file's trees do not follow one another")
        arrays = (self.feature, self.threshold, self.missing_left)
        if any(len(array) != n_nodes for array in arrays):
            raise UnsafeModel("the model file's trees have arrays of different lengths")

    def _offsets_cut(self, n_nodes: int) -> bool:
        """Return whether the offsets cut all nodes into trees of at least one node."""
        offsets = self.offsets
        if len(offsets) < 2:
            return False
        has_ends = offsets[0] == 0 and offsets[-1] == n_nodes
        sizes = np.diff(offsets)
        return has_ends and bool((sizes >= 1).all())

    def _has_child_outside(self) -> bool:
        nodes = self.nodes
        size_of_inner = nodes.size[nodes.is_inner]
        if is_outside(self.left, size_of_inner):
            return True
        return is_outside(self.right_of_inner, size_of_inner)

    def splits(self) -> Splits:
        """Return the splits of the inner nodes."""
        is_inner = self.nodes.is_inner
        column = self.feature[is_inner]
        threshold = self.threshold[is_inner]
        return Splits.by_number(
            column=column.astype(np.int64),
            threshold=infinite_where_largest(threshold),
            missing_left=self.missing_left[is_inner] == 1,
        )
