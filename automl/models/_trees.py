"""Decision trees as plain arrays: taken from scikit-learn's, checked when read from a file, walked.

Walking needs no scikit-learn, but is ten times faster where its compiled tree can be rebuilt from
the checked arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_array, read_integer, read_vector
from automl.state import State

# Up to this number of rows all trees are walked together: rebuilding compiled trees would take
# longer.
_MAX_WALKED_ROWS = 64
_TREE_SLICE_ROWS = 1024  # rows walked together, so that a large table needs little memory
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
        sizes = [len(right) for right, *_ in trees]
        offsets = np.zeros(len(sizes) + 1, np.int64)
        offsets[1:] = np.cumsum(sizes)
        fields = zip(*trees, strict=True)
        columns = [np.concatenate(arrays) for arrays in fields]
        features = int(fitted[0].n_features)
        return cls(features, offsets, *columns)

    def first(self, count: int) -> Trees:
        """Return the first `count` trees; all, if there are no more."""
        offsets = self.offsets[: count + 1]
        end = int(offsets[-1])
        right = self.right[:end]
        is_leaf = right == 0
        n_leaves = int(is_leaf.sum())
        return Trees(
            self.features,
            offsets,
            right,
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
        is_leaf = self.right == 0
        return np.cumsum(is_leaf) - 1

    def predict(self, X: Matrix) -> Floats:
        """Return the mean of the trees' outputs, of shape (n_rows, n_columns).

        It is added up in the order of the trees, in float64.
        """
        n_columns = self.value.shape[1]
        shape = (len(X), n_columns)
        total = np.zeros(shape)
        for leaves in self._leaves(X):
            total += self.value[leaves]
        return total / self.count

    def _leaves(self, X: Matrix) -> Iterator[Integers]:
        """Yield the leaf that each row ends in, tree by tree."""
        dtype = None
        if len(X) > _MAX_WALKED_ROWS:
            dtype = _node_dtype()
        if dtype is None:
            yield from self._walk(X).T
            return
        offsets = self.offsets.tolist()
        for start, end in pairwise(offsets):
            tree = self._compile(start, end, dtype)
            nodes = tree.apply(X) + start
            yield self.leaf_index[nodes]

    def _walk(self, X: Matrix) -> Integers:
        """Return the leaves of shape (n_rows, n_trees)."""
        if not len(X):
            shape = (0, self.count)
            return np.zeros(shape, np.int64)
        slices = []
        for start in range(0, len(X), _TREE_SLICE_ROWS):
            end = start + _TREE_SLICE_ROWS
            leaves = self._walk_slice(X[start:end])
            slices.append(leaves)
        return np.concatenate(slices)

    def _walk_slice(self, X: Matrix) -> Integers:
        """Walk all trees together, one level at a time."""
        n_rows = len(X)
        rows = np.arange(n_rows)
        row = np.repeat(rows, self.count)
        roots = self.offsets[:-1]
        root = np.tile(roots, n_rows)
        node = root.copy()
        active = np.flatnonzero(self.right[node])
        while len(active):
            current = node[active]
            active_row = row[active]
            feature = self.feature[current]
            value = X[active_row, feature]
            is_missing = np.isnan(value)
            missing_left = self.missing_left[current] == 1
            threshold = self.threshold[current]
            is_low = value <= threshold
            goes_left = np.where(is_missing, missing_left, is_low)
            left = current + 1
            right_index = self.right[current]
            right = root[active] + right_index
            reached = np.where(goes_left, left, right)
            node[active] = reached
            is_inner = self.right[reached] != 0
            active = active[is_inner]
        leaves = self.leaf_index[node]
        return leaves.reshape(n_rows, self.count)

    def _compile(self, start: int, end: int, dtype: np.dtype[Any]) -> Any:
        """Return scikit-learn's tree of the nodes from `start` to `end`."""
        from sklearn.tree._tree import Tree

        size = end - start
        span = slice(start, end)
        right = self.right[span]
        left = np.arange(1, size + 1)
        is_leaf = right == 0
        left[is_leaf] = _LEAF
        nodes = np.zeros(size, dtype)
        nodes["left_child"] = left
        right_child = np.where(is_leaf, _LEAF, right)
        nodes["right_child"] = right_child
        nodes["feature"] = self.feature[span]
        nodes["threshold"] = self.threshold[span]
        nodes["missing_go_to_left"] = self.missing_left[span]
        values = np.zeros((size, 1, 1))
        state = {
            "max_depth": 0,
            "node_count": size,
            "nodes": nodes,
            "values": values,
        }
        n_classes = np.ones(1, np.intp)
        tree = Tree(self.features, n_classes, 1)
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
        """Return the trees that `to_state` described.

        They are checked so that every walk ends in a leaf.

        Raises
        ------
        UnsafeModel
            An index lies outside its tree or does not lead downwards, or a number is not finite.
        """
        trees = cls(
            features=read_integer(state, "features", 1),
            offsets=read_vector(state, "offsets", np.int64),
            right=read_vector(state, "right", np.int32),
            feature=read_vector(state, "feature", np.int32),
            threshold=read_vector(state, "threshold", np.float32, infinite=True),
            missing_left=read_vector(state, "missing_left", np.uint8),
            value=read_array(state, "value", np.float32, 2),
        )
        trees._check_sizes()
        trees._check_nodes()
        return trees

    def _check_sizes(self) -> None:
        n_nodes = len(self.right)
        offsets = self.offsets
        sizes = np.diff(offsets)
        error = UnsafeModel("the model file's trees do not follow one another")
        if not len(sizes) or (sizes < 1).any():
            raise error
        if offsets[0] != 0 or offsets[-1] != n_nodes:
            raise error
        lengths = {
            len(self.feature),
            len(self.threshold),
            len(self.missing_left),
        }
        if lengths != {n_nodes}:
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        n_inner = np.count_nonzero(self.right)
        n_leaves = n_nodes - n_inner
        if len(self.value) != n_leaves:
            raise UnsafeModel(
                "the model file's trees have another number of leaves than of their outputs"
            )

    def _check_nodes(self) -> None:
        inner = np.flatnonzero(self.right)
        position = np.searchsorted(self.offsets, inner, side="right")
        tree = position - 1
        index = inner - self.offsets[tree]
        right = self.right[inner]
        sizes = np.diff(self.offsets)
        # So the left child, at index + 1, lies inside as well.
        is_below = right > index + 1
        is_below &= right < sizes[tree]
        if not is_below.all():
            raise UnsafeModel("the model file's trees have a child that is not below its parent")
        feature = self.feature[inner]
        if is_outside(feature, self.features):
            raise UnsafeModel("the model file's trees read a column that the model does not have")


def _tree_arrays(tree: Any) -> tuple[npt.NDArray[Any], ...]:
    """Return one scikit-learn tree's arrays, in the order of the fields of `Trees`."""
    left = np.asarray(tree.children_left)
    is_leaf = left == _LEAF
    inner = np.flatnonzero(left != _LEAF)
    next_nodes = inner + 1
    if (left[inner] != next_nodes).any():
        raise AssertionError("scikit-learn no longer builds trees depth first")
    fields = {}
    for name in ("children_right", "feature", "threshold", "missing_go_to_left"):
        values = np.array(getattr(tree, name))
        values[is_leaf] = 0
        fields[name] = values
    value = np.asarray(tree.value)
    leaf_value = value[is_leaf, 0, :]
    return (
        fields["children_right"].astype(np.int32),
        fields["feature"].astype(np.int32),
        _round_down(fields["threshold"]),
        fields["missing_go_to_left"].astype(np.uint8),
        _leaf_values(leaf_value),
    )


def _round_down(values: Any) -> Matrix:
    """Return the largest float32 numbers that are not above float64 numbers."""
    nearest: Matrix = values.astype(np.float32)
    lowest = np.float32(-np.inf)
    next_below = np.nextafter(nearest, lowest)
    is_above = nearest > values
    return np.where(is_above, next_below, nearest)


def _leaf_values(values: Any) -> Matrix:
    """Return numbers, or probabilities of classes; of two classes, those of the second."""
    n_columns = values.shape[1]
    if n_columns > 1:
        total = values.sum(axis=1, keepdims=True)
        values = values / total
    if n_columns == 2:
        values = values[:, 1:]
    return np.asarray(values, np.float32)


def _node_dtype() -> np.dtype[Any] | None:
    """Return the installed scikit-learn's layout of a node.

    None if scikit-learn is missing, or if its nodes have fields that are not known here.
    """
    try:
        from sklearn.tree._tree import Tree
    except ImportError:
        return None
    n_classes = np.ones(1, np.intp)
    state = Tree(1, n_classes, 1).__getstate__()
    nodes = state["nodes"]
    dtype: np.dtype[Any] = nodes.dtype
    names = set(dtype.names or ())
    known_names = _USED_FIELDS | _UNUSED_FIELDS
    if _USED_FIELDS <= names <= known_names:
        return dtype
    return None
