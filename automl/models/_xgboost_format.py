"""Checks of XGBoost's UBJSON format, made before XGBoost reads a booster.

XGBoost trusts the indices in a file and ends the process on some (measured). So every tree's
children must lie inside it, each below one parent, and no split may read a column that isn't there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl.errors import UnsafeModel
from automl.models import _ubjson
from automl.models._base import Integers, Params
from automl.models._blocks import is_outside

_MAX_CATEGORY = 2**24
_LINK_ARRAYS = ("left_children", "right_children", "parents")
_NODE_ARRAYS = (
    *_LINK_ARRAYS,
    "split_indices",
    "split_conditions",
    "split_type",
    "default_left",
    "base_weights",
)


def check_booster(blob: bytes) -> None:
    """Refuse a booster whose trees point outside themselves or don't fit together."""
    try:
        learner = _ubjson.loads(blob)["learner"]
        booster = learner["gradient_booster"]
        model = booster["model"]
        sizes = learner["learner_model_param"]
        if booster["name"] != "gbtree":
            raise _damaged(f"a booster of the kind {str(booster['name'])[:20]!r}")
        if model["trees"]:
            _check_trees(_TreeArrays(model["trees"]), int(sizes["num_feature"]))
        _check_rounds(model, int(sizes["num_class"]))
    except UnsafeModel:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise _damaged(f"{type(error).__name__}: {str(error)[:100]}") from None


def _check_rounds(model: Params, classes: int) -> None:
    count = len(model["trees"])
    tree_classes = np.asarray(model["tree_info"], np.int64)
    edges = np.asarray(model["iteration_indptr"], np.int64)
    stated_count = int(model["gbtree_model_param"]["num_trees"])
    if stated_count != count or len(tree_classes) != count:
        raise _damaged("another number of trees than it says")
    if is_outside(tree_classes, max(1, classes)):
        raise _damaged("a tree of a class which is not there")
    has_ends = len(edges) > 0 and edges[0] == 0 and edges[-1] == count
    if not has_ends or (np.diff(edges) < 0).any():
        raise _damaged("rounds that do not follow one another")


class _TreeArrays:
    """The arrays of all trees, concatenated by name.

    So a thousand trees are checked as quickly as one.
    """

    def __init__(self, trees: Sequence[Params]) -> None:
        self._trees = trees

    def sizes(self, name: str) -> Integers:
        """Return the length of each tree's array of this name."""
        return np.array([len(tree[name]) for tree in self._trees], np.int64)

    def params(self, name: str) -> Integers:
        """Return a parameter that each tree states."""
        return np.array([int(tree["tree_param"][name]) for tree in self._trees], np.int64)

    def integers(self, name: str) -> Integers:
        """Return the values of all trees as integers."""
        arrays = [tree[name] for tree in self._trees]
        values = np.concatenate(arrays, dtype=np.int64, casting="unsafe")
        if values.ndim != 1:
            raise ValueError(f"{name} has {values.ndim} dimensions, not one")
        return values


def _check_trees(trees: _TreeArrays, features: int) -> None:
    sizes = trees.params("num_nodes")
    if (sizes < 1).any() or any((trees.sizes(name) != sizes).any() for name in _NODE_ARRAYS):
        raise _damaged("a tree with arrays of different lengths")
    has_other_columns = (trees.params("num_feature") != features).any()
    if has_other_columns or (trees.params("size_leaf_vector") > 1).any():
        raise _damaged("a tree for other columns")
    inner = _check_links(trees, sizes)
    if is_outside(trees.integers("split_indices")[inner], features):
        raise _damaged("a split that reads a column which is not there")
    _check_category_sets(trees, sizes)


def _check_links(trees: _TreeArrays, sizes: Integers) -> Integers:
    """Return the indices of the inner nodes after checking their children and parents."""
    left, right, parents = (trees.integers(name) for name in _LINK_ARRAYS)
    inner = np.flatnonzero(left != -1)
    children = np.concatenate([left[inner], right[inner]])
    child_limits = np.tile(np.repeat(sizes, sizes)[inner], 2)
    has_half_leaf = (right[left == -1] != -1).any()
    if has_half_leaf or ((children <= 0) | (children >= child_limits)).any():
        raise _damaged("a child outside its tree")
    starts = np.repeat(_first_nodes(sizes), sizes)[inner]
    child_nodes = children + np.tile(starts, 2)
    if (np.bincount(child_nodes, minlength=1) > 1).any():
        raise _damaged("a child below two nodes")
    if (parents[child_nodes] != np.tile(inner - starts, 2)).any():
        raise _damaged("a child that names another parent")
    return inner


def _first_nodes(sizes: Integers) -> Integers:
    """Return the index of each tree's first node among all nodes."""
    first: Integers = np.cumsum(sizes) - sizes
    return first


def _check_category_sets(trees: _TreeArrays, sizes: Integers) -> None:
    """Refuse categorical splits without a segment of their tree's list of categories."""
    counts = trees.sizes("categories_nodes")
    for name in ("categories_segments", "categories_sizes"):
        if (trees.sizes(name) != counts).any():
            raise _damaged("sets of categories that do not fit together")
    nodes = trees.integers("categories_nodes")
    if is_outside(nodes, np.repeat(sizes, counts)):
        raise _damaged("sets of categories of nodes which are not there")
    kinds = trees.integers("split_type")
    nodes_with_sets = np.sort(nodes + np.repeat(_first_nodes(sizes), counts))
    are_matched = np.array_equal(nodes_with_sets, np.flatnonzero(kinds == 1))
    if is_outside(kinds, 2) or not are_matched:
        raise _damaged("splits by category without their sets")
    starts = trees.integers("categories_segments")
    widths = trees.integers("categories_sizes")
    lengths = np.repeat(trees.sizes("categories"), counts)
    is_bad_segment = (starts < 0) | (widths < 0) | (widths > lengths - starts)
    categories = trees.integers("categories")
    if is_bad_segment.any() or is_outside(categories, _MAX_CATEGORY):
        raise _damaged("sets of categories that are not there")


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's XGBoost booster is damaged: {defect}")
