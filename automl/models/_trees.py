"""Decision trees as plain arrays: taken from scikit-learn's, checked when they come from a file, and walked.

Walking needs no scikit-learn, but is ten times faster where its compiled tree can be rebuilt from the checked arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import UnsafeModel
from automl.models._base import Floats, Matrix
from automl.models._blocks import array_of, whole_of
from automl.state import State

_FEW = (
    64  # rows up to which all trees are walked at once: rebuilding compiled trees would take longer
)
_SLICE = 1024  # rows walked at once, so that a large table needs little memory
_LEAF = -1  # scikit-learn's mark of a leaf
_FIELDS = {"left_child", "right_child", "feature", "threshold", "missing_go_to_left"}
_UNREAD = {"impurity", "n_node_samples", "weighted_n_node_samples"}


@dataclass(frozen=True)
class Trees:
    """Trees one after another, each in the order in which a depth-first walk meets its nodes: a left child follows its parent.

    Parameters
    ----------
    features : int
        Columns of the input.
    offsets : ndarray of shape (n_trees + 1,), int64
        Where each tree's nodes begin; the last is the number of nodes.
    right : ndarray of shape (n_nodes,), int32
        The right child's place in its tree; 0 marks a leaf.
    feature : ndarray of shape (n_nodes,), int32
    threshold : ndarray of shape (n_nodes,), float32
        A value of at most this goes left. scikit-learn's float64 rounded down, which decides alike for float32 values; infinite
        where only missing values go right.
    missing_left : ndarray of shape (n_nodes,), uint8
        1 where a missing value goes left.
    value : ndarray of shape (n_leaves, n_columns), float32
        The leaves' answers, in the order of the nodes.
    """

    features: int
    offsets: npt.NDArray[np.int64]
    right: npt.NDArray[np.int32]
    feature: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    missing_left: npt.NDArray[np.uint8]
    value: npt.NDArray[np.float32]

    @classmethod
    def of(cls, fitted: Sequence[Any]) -> Trees:
        """The arrays of fitted scikit-learn trees (`estimator.tree_`)."""
        parts = [_arrays(tree) for tree in fitted]
        offsets = np.cumsum([0, *(len(part[0]) for part in parts)], dtype=np.int64)
        right, feature, threshold, missing, value = (
            np.concatenate(column) for column in zip(*parts, strict=True)
        )
        return cls(int(fitted[0].n_features), offsets, right, feature, threshold, missing, value)

    def first(self, count: int) -> Trees:
        """The first so many of the trees; all, if there are no more."""
        offsets = self.offsets[: count + 1]
        end = int(offsets[-1])
        right, feature, threshold = self.right[:end], self.feature[:end], self.threshold[:end]
        return Trees(
            self.features,
            offsets,
            right,
            feature,
            threshold,
            self.missing_left[:end],
            self.value[: int((right == 0).sum())],
        )

    @cached_property
    def leaf(self) -> npt.NDArray[np.int64]:
        """Each node's number among the leaves, of use for leaves only."""
        return np.cumsum(self.right == 0) - 1

    def predict(self, X: Matrix) -> Floats:
        """The mean of the trees' answers, of shape (n_rows, n_columns): added up in the order of the trees, in float64."""
        total = np.zeros((len(X), self.value.shape[1]))
        for leaves in self._leaves(X):
            total += self.value[leaves]
        return total / (len(self.offsets) - 1)

    def _leaves(self, X: Matrix) -> Iterator[npt.NDArray[np.int64]]:
        """The leaf that each row ends in, tree by tree."""
        dtype = None if len(X) <= _FEW else _node_dtype()
        if dtype is None:
            yield from self._walk(X).T
            return
        for start, end in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            tree = self._compiled(int(start), int(end), dtype)
            yield self.leaf[tree.apply(X) + start]

    def _walk(self, X: Matrix) -> npt.NDArray[np.int64]:
        """The leaves of shape (n_rows, n_trees), all trees at once."""
        slices = [self._walk_some(X[start : start + _SLICE]) for start in range(0, len(X), _SLICE)]
        return np.concatenate(slices) if slices else np.zeros((0, len(self.offsets) - 1), np.int64)

    def _walk_some(self, X: Matrix) -> npt.NDArray[np.int64]:
        roots = self.offsets[:-1]
        node = np.tile(roots, len(X))
        row, root = np.repeat(np.arange(len(X)), len(roots)), np.tile(roots, len(X))
        going = np.flatnonzero(self.right[node])
        while len(going):
            here = node[going]
            value = X[row[going], self.feature[here]]
            left = np.where(
                np.isnan(value), self.missing_left[here] == 1, value <= self.threshold[here]
            )
            node[going] = np.where(left, here + 1, root[going] + self.right[here])
            going = going[self.right[node[going]] != 0]
        return self.leaf[node].reshape(len(X), len(roots))

    def _compiled(self, start: int, end: int, dtype: np.dtype[Any]) -> Any:
        """scikit-learn's tree of the nodes from `start` to `end`."""
        from sklearn.tree._tree import Tree

        right = self.right[start:end]
        inner = right != 0
        nodes = np.zeros(end - start, dtype)
        nodes["left_child"] = np.where(inner, np.arange(1, end - start + 1), _LEAF)
        nodes["right_child"] = np.where(inner, right, _LEAF)
        nodes["feature"] = self.feature[start:end]
        nodes["threshold"] = self.threshold[start:end]
        nodes["missing_go_to_left"] = self.missing_left[start:end]
        tree = Tree(self.features, np.ones(1, np.intp), 1)
        tree.__setstate__(
            {
                "max_depth": 0,
                "node_count": end - start,
                "nodes": nodes,
                "values": np.zeros((end - start, 1, 1)),
            }
        )
        return tree

    def to_state(self) -> State:
        """The arrays."""
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
    def from_state(cls, state: Mapping[str, Any]) -> Trees:
        """The trees that `to_state` described, every walk through them checked to end in a leaf.

        Raises
        ------
        UnsafeModel
            An index lies outside its tree or does not lead downwards, or a number is not finite.
        """
        trees = cls(
            whole_of(state, "features", 1),
            array_of(state, "offsets", np.int64, 1),
            array_of(state, "right", np.int32, 1),
            array_of(state, "feature", np.int32, 1),
            array_of(state, "threshold", np.float32, 1, infinite=True),
            array_of(state, "missing_left", np.uint8, 1),
            array_of(state, "value", np.float32, 2),
        )
        trees._check()
        return trees

    def _check(self) -> None:
        count = len(self.right)
        sizes = np.diff(self.offsets)
        if (
            len(self.offsets) < 2
            or self.offsets[0] != 0
            or self.offsets[-1] != count
            or (sizes < 1).any()
        ):
            raise UnsafeModel("the model file's trees do not follow one another")
        if not len(self.feature) == len(self.threshold) == len(self.missing_left) == count:
            raise UnsafeModel("the model file's trees have arrays of different lengths")
        inner = np.flatnonzero(self.right)
        if len(self.value) != count - len(inner):
            raise UnsafeModel(
                "the model file's trees have another number of leaves than of answers"
            )
        tree = np.searchsorted(self.offsets, inner, side="right") - 1
        place, right = inner - self.offsets[tree], self.right[inner]
        if not (
            (right > place + 1) & (right < sizes[tree])
        ).all():  # so the left child, at place + 1, lies inside as well
            raise UnsafeModel("the model file's trees have a child that is not below its parent")
        if not ((self.feature[inner] >= 0) & (self.feature[inner] < self.features)).all():
            raise UnsafeModel("the model file's trees read a column that the model does not have")


def _arrays(tree: Any) -> tuple[npt.NDArray[Any], ...]:
    """Right child, feature, threshold, side of missing values, and leaves' answers of one scikit-learn tree."""
    left, right = np.asarray(tree.children_left), np.asarray(tree.children_right)
    inner = left != _LEAF
    if not (left[inner] == np.flatnonzero(inner) + 1).all():
        raise AssertionError("scikit-learn no longer builds trees depth first")
    threshold = np.where(inner, tree.threshold, 0.0)
    down = threshold.astype(np.float32)
    down = np.where(down > threshold, np.nextafter(down, np.float32(-np.inf)), down)
    value = np.asarray(tree.value)[~inner, 0, :]
    if value.shape[1] > 1:
        value = value / value.sum(axis=1, keepdims=True)
    value = value[:, 1:] if value.shape[1] == 2 else value
    return (
        np.where(inner, right, 0).astype(np.int32),
        np.where(inner, tree.feature, 0).astype(np.int32),
        down.astype(np.float32),
        np.where(inner, tree.missing_go_to_left, 0).astype(np.uint8),
        value.astype(np.float32),
    )


def _node_dtype() -> np.dtype[Any] | None:
    """The running scikit-learn's layout of a node, or None if there is none or it holds what is not known here."""
    try:
        from sklearn.tree._tree import Tree
    except ImportError:
        return None
    dtype: np.dtype[Any] = Tree(1, np.ones(1, np.intp), 1).__getstate__()["nodes"].dtype
    names = set(dtype.names or ())
    return dtype if _FIELDS <= names <= _FIELDS | _UNREAD else None
