"""Decision trees as plain arrays: taken from scikit-learn's, checked when read from a file, walked.

Walking needs no scikit-learn, but is ten times faster where its compiled tree can be rebuilt from
the checked arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import UnsafeModel
from automl.models._base import Floats, Integers, Matrix
from automl.models._blocks import read_array, read_integer
from automl.state import State

# Up to this number of rows all trees are walked together: rebuilding compiled trees would take
# longer.
_MAX_WALKED_ROWS = 64
_SLICE_ROWS = 1024  # rows walked together, so that a large table needs little memory
_LEAF = -1  # scikit-learn's mark of a leaf
_USED_FIELDS = {"left_child", "right_child", "feature", "threshold", "missing_go_to_left"}
_UNUSED_FIELDS = {"impurity", "n_node_samples", "weighted_n_node_samples"}


@dataclass(frozen=True)
class Trees:
    """The nodes of all trees, tree after tree, each in depth-first order.

    So a left child follows its parent.

    Parameters
    ----------
    features : int
        Number of columns of the input.
    offsets : ndarray of shape (n_trees + 1,), int64
        Where each tree's nodes begin; the last is the number of nodes.
    right : ndarray of shape (n_nodes,), int32
        The right child's index in its tree; 0 marks a leaf.
    feature : ndarray of shape (n_nodes,), int32
    threshold : ndarray of shape (n_nodes,), float32
        A value of at most this goes left. scikit-learn's float64 rounded down, which decides alike
        for float32 values; infinite where only missing values go right.
    missing_left : ndarray of shape (n_nodes,), uint8
        1 where a missing value goes left.
    value : ndarray of shape (n_leaves, n_columns), float32
        The leaves' outputs, in the order of the nodes.
    """

    features: int
    offsets: Integers
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    missing_left: npt.NDArray[np.uint8]
    value: npt.NDArray[np.float32]

    @classmethod
    def from_sklearn(cls, fitted: Sequence[Any]) -> Trees:
        """Return the arrays of fitted scikit-learn trees (`estimator.tree_`)."""
        trees = [_tree_arrays(tree) for tree in fitted]
        sizes = [len(arrays[0]) for arrays in trees]
        offsets = np.cumsum([0, *sizes], dtype=np.int64)
        columns = [np.concatenate(arrays) for arrays in zip(*trees, strict=True)]
        return cls(int(fitted[0].n_features), offsets, *columns)

    def first(self, count: int) -> Trees:
        """Return the first `count` trees; all, if there are no more."""
        offsets = self.offsets[: count + 1]
        end = int(offsets[-1])
        n_leaves = int((self.right[:end] == 0).sum())
        return Trees(
            self.features,
            offsets,
            self.right[:end],
            self.feature[:end],
            self.threshold[:end],
            self.missing_left[:end],
            self.value[:n_leaves],
        )

    @property
    def count(self) -> int:
        """Number of trees."""
        return len(self.offsets) - 1

    @cached_property
    def leaf_index(self) -> Integers:
        """Each node's index among the leaves; meaningless for inner nodes."""
        return np.cumsum(self.right == 0) - 1

    def predict(self, X: Matrix) -> Floats:
        """Return the mean of the trees' outputs, of shape (n_rows, n_columns).

        It is added up in the order of the trees, in float64.
        """
        total = np.zeros((len(X), self.value.shape[1]))
        for leaves in self._leaves(X):
            total += self.value[leaves]
        return total / self.count

    def _leaves(self, X: Matrix) -> Iterator[Integers]:
        """Yield the leaf that each row ends in, tree by tree."""
        dtype = None if len(X) <= _MAX_WALKED_ROWS else _node_dtype()
        if dtype is None:
            yield from self._walk(X).T
            return
        for start, end in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            tree = self._compile(int(start), int(end), dtype)
            yield self.leaf_index[tree.apply(X) + start]

    def _walk(self, X: Matrix) -> Integers:
        """Return the leaves of shape (n_rows, n_trees)."""
        if not len(X):
            return np.zeros((0, self.count), np.int64)
        starts = range(0, len(X), _SLICE_ROWS)
        slices = [self._walk_slice(X[start : start + _SLICE_ROWS]) for start in starts]
        return np.concatenate(slices)

    def _walk_slice(self, X: Matrix) -> Integers:
        """Walk all trees together, one level at a time."""
        row = np.repeat(np.arange(len(X)), self.count)
        root = np.tile(self.offsets[:-1], len(X))
        node = root.copy()
        active = np.flatnonzero(self.right[node])
        while len(active):
            current = node[active]
            value = X[row[active], self.feature[current]]
            missing_left = self.missing_left[current] == 1
            goes_left = np.where(np.isnan(value), missing_left, value <= self.threshold[current])
            right = root[active] + self.right[current]
            node[active] = np.where(goes_left, current + 1, right)
            active = active[self.right[node[active]] != 0]
        return self.leaf_index[node].reshape(len(X), self.count)

    def _compile(self, start: int, end: int, dtype: np.dtype[Any]) -> Any:
        """Return scikit-learn's tree of the nodes from `start` to `end`."""
        from sklearn.tree._tree import Tree

        size = end - start
        right = self.right[start:end]
        is_inner = right != 0
        nodes = np.zeros(size, dtype)
        nodes["left_child"] = np.where(is_inner, np.arange(1, size + 1), _LEAF)
        nodes["right_child"] = np.where(is_inner, right, _LEAF)
        nodes["feature"] = self.feature[start:end]
        nodes["threshold"] = self.threshold[start:end]
        nodes["missing_go_to_left"] = self.missing_left[start:end]
        tree = Tree(self.features, np.ones(1, np.intp), 1)
        values = np.zeros((size, 1, 1))
        state = {"max_depth": 0, "node_count": size, "nodes": nodes, "values": values}
        tree.__setstate__(state)
        return tree

    def to_state(self) -> State:
        """Return the arrays."""
        return {
            "features": self.features,
            "offsets": self.offsets,
            "right": self.right,
            "feature": self.feature,
            "threshold": self.threshold,
            "missing_left": self.missing_left,
            "value": self.value,
        }

    @classmethod
    def from_state(cls, state: State) -> Trees:
        """Return the trees that `to_state` described, after checking that every walk ends in a leaf.

        Raises
        ------
        UnsafeModel
            An index lies outside its tree or does not lead downwards, or a number is not finite.
        """
        trees = cls(
            read_integer(state, "features", 1),
            read_array(state, "offsets", np.int64, 1),
            read_array(state, "right", np.int32, 1),
            read_array(state, "feature", np.int32, 1),
            read_array(state, "threshold", np.float32, 1, infinite=True),
            read_array(state, "missing_left", np.uint8, 1),
            read_array(state, "value", np.float32, 2),
        )
        trees._check_sizes()
        trees._check_nodes()
        return trees

    def _check_sizes(self) -> None:
        n_nodes = len(self.right)
        has_ends = self.count > 0 and self.offsets[0] == 0 and self.offsets[-1] == n_nodes
        if not has_ends or (np.diff(self.offsets) < 1).any():
            raise UnsafeModel("the model file's trees do not follow one another")
        if not len(self.feature) == len(self.threshold) == len(self.missing_left) == n_nodes:
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        if len(self.value) != (self.right == 0).sum():
            raise UnsafeModel(
                "the model file's trees have another number of leaves than of their outputs"
            )

    def _check_nodes(self) -> None:
        inner = np.flatnonzero(self.right)
        tree = np.searchsorted(self.offsets, inner, side="right") - 1
        index = inner - self.offsets[tree]
        right = self.right[inner]
        sizes = np.diff(self.offsets)[tree]
        # So the left child, at index + 1, lies inside as well.
        if not ((right > index + 1) & (right < sizes)).all():
            raise UnsafeModel("the model file's trees have a child that is not below its parent")
        feature = self.feature[inner]
        if not ((feature >= 0) & (feature < self.features)).all():
            raise UnsafeModel("the model file's trees read a column that the model does not have")


def _tree_arrays(tree: Any) -> tuple[npt.NDArray[Any], ...]:
    """Return one scikit-learn tree's arrays, in the order of the fields of `Trees`."""
    left = np.asarray(tree.children_left)
    right = np.asarray(tree.children_right)
    is_inner = left != _LEAF
    if not (left[is_inner] == np.flatnonzero(is_inner) + 1).all():
        raise AssertionError("scikit-learn no longer builds trees depth first")
    return (
        np.where(is_inner, right, 0).astype(np.int32),
        np.where(is_inner, tree.feature, 0).astype(np.int32),
        _round_down(np.where(is_inner, tree.threshold, 0.0)),
        np.where(is_inner, tree.missing_go_to_left, 0).astype(np.uint8),
        _leaf_values(np.asarray(tree.value)[~is_inner, 0, :]).astype(np.float32),
    )


def _round_down(values: Any) -> Matrix:
    """Return the largest float32 numbers that are not above float64 numbers."""
    nearest = values.astype(np.float32)
    next_below = np.nextafter(nearest, np.float32(-np.inf))
    rounded = np.where(nearest > values, next_below, nearest)
    return rounded.astype(np.float32)


def _leaf_values(values: Any) -> Any:
    """Return numbers, or probabilities of classes; of two classes, those of the second."""
    if values.shape[1] == 1:
        return values
    proba = values / values.sum(axis=1, keepdims=True)
    return proba[:, 1:] if proba.shape[1] == 2 else proba


def _node_dtype() -> np.dtype[Any] | None:
    """Return the installed scikit-learn's layout of a node.

    None if scikit-learn is missing, or if its nodes have fields that are not known here.
    """
    try:
        from sklearn.tree._tree import Tree
    except ImportError:
        return None
    dtype: np.dtype[Any] = Tree(1, np.ones(1, np.intp), 1).__getstate__()["nodes"].dtype
    names = set(dtype.names or ())
    return dtype if _USED_FIELDS <= names <= _USED_FIELDS | _UNUSED_FIELDS else None
