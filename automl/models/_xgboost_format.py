"""Checks of XGBoost's UBJSON format, made before XGBoost reads a booster.

XGBoost trusts the indices in a file and ends the process on some (measured). So every tree's
children must lie inside it, each below one parent, and no split may read a column that isn't there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from automl.arrays import Integers
from automl.errors import UnsafeModel
from automl.models import _ubjson
from automl.models._blocks import is_outside

_MAX_CATEGORY = 2**24
_NODE_ARRAYS = (
    "left_children",
    "right_children",
    "parents",
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
        kind = booster["name"]
        if kind != "gbtree":
            raise _damaged(f"a booster of the kind {str(kind)[:20]!r}")
        if model["trees"]:
            trees = _TreeArrays(model["trees"])
            _check_trees(trees, int(sizes["num_feature"]))
        _check_rounds(model, int(sizes["num_class"]))
    except UnsafeModel:
        raise
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise _damaged(f"{type(error).__name__}: {str(error)[:100]}") from None


def _check_rounds(model: Mapping[str, Any], classes: int) -> None:
    count = len(model["trees"])
    tree_classes = np.asarray(model["tree_info"], np.int64)
    edges = np.asarray(model["iteration_indptr"], np.int64)
    params = model["gbtree_model_param"]
    stated_count = int(params["num_trees"])
    if stated_count != count or len(tree_classes) != count:
        raise _damaged("another number of trees than it says")
    if is_outside(tree_classes, max(1, classes)):
        raise _damaged("a tree of a class which is not there")
    has_ends = edges[0] == 0 and edges[-1] == count
    steps = np.diff(edges)
    if not has_ends or (steps < 0).any():
        raise _damaged("rounds that do not follow one another")


class _TreeArrays:
    """The arrays of all trees, concatenated by name.

    So a thousand trees are checked as quickly as one.
    """

    def __init__(self, trees: Sequence[Mapping[str, Any]]) -> None:
        self._trees = trees

    def sizes(self, name: str) -> Integers:
        """Return the length of each tree's array of this name."""
        arrays = [tree[name] for tree in self._trees]
        sizes = list(map(len, arrays))
        return np.array(sizes, np.int64)

    def params(self, name: str) -> Integers:
        """Return a parameter that each tree states."""
        values = []
        for tree in self._trees:
            params = tree["tree_param"]
            value = int(params[name])
            values.append(value)
        return np.array(values, np.int64)

    def integers(self, name: str) -> Integers:
        """Return the values of all trees as integers."""
        arrays = [tree[name] for tree in self._trees]
        values = np.concatenate(arrays, dtype=np.int64, casting="unsafe")
        if values.ndim != 1:
            raise ValueError(f"{name} has {values.ndim} dimensions, not one")
        return values


def _check_trees(trees: _TreeArrays, features: int) -> None:
    sizes = trees.params("num_nodes")
    if sizes.min() < 1:
        raise _damaged("a tree without nodes")
    for name in _NODE_ARRAYS:
        if not np.array_equal(trees.sizes(name), sizes):
            raise _damaged("a tree with arrays of different lengths")
    widths = trees.params("num_feature")
    leaf_sizes = trees.params("size_leaf_vector")
    if (widths != features).any() or leaf_sizes.max() > 1:
        raise _damaged("a tree for other columns")
    inner = _check_links(trees, sizes)
    columns = trees.integers("split_indices")
    if is_outside(columns[inner], features):
        raise _damaged("a split that reads a column which is not there")
    _check_category_sets(trees, sizes)


def _check_links(trees: _TreeArrays, sizes: Integers) -> Integers:
    """Return the indices of the inner nodes after checking their children and parents."""
    left = trees.integers("left_children")
    right = trees.integers("right_children")
    parents = trees.integers("parents")
    is_inner = left != -1
    leaf_children = right[~is_inner]
    if (leaf_children != -1).any():
        raise _damaged("a node with one child")
    inner = np.flatnonzero(is_inner)
    first_nodes = _first_nodes(sizes)
    tree_sizes = np.repeat(sizes, sizes)
    tree_starts = np.repeat(first_nodes, sizes)
    limit = tree_sizes[inner]
    start = tree_starts[inner]
    n_parents = np.zeros(len(left), np.int64)
    parent = inner - start
    for child in (left[inner], right[inner]):
        is_inside = child > 0
        is_inside &= child < limit
        if not is_inside.all():
            raise _damaged("a child outside its tree")
        nodes = start + child
        np.add.at(n_parents, nodes, 1)
        if not np.array_equal(parents[nodes], parent):
            raise _damaged("a child that names another parent")
    if n_parents.max() > 1:
        raise _damaged("a child below two nodes")
    return inner


def _first_nodes(sizes: Integers) -> Integers:
    """Return the index of each tree's first node among all nodes."""
    first: Integers = np.cumsum(sizes) - sizes
    return first


def _check_category_sets(trees: _TreeArrays, sizes: Integers) -> None:
    """Refuse categorical splits without a segment of their tree's list of categories."""
    counts = trees.sizes("categories_nodes")
    for name in ("categories_segments", "categories_sizes"):
        if not np.array_equal(trees.sizes(name), counts):
            raise _damaged("sets of categories that do not fit together")
    nodes = trees.integers("categories_nodes")
    limits = np.repeat(sizes, counts)
    if is_outside(nodes, limits):
        raise _damaged("sets of categories of nodes which are not there")
    kinds = trees.integers("split_type")
    if is_outside(kinds, 2):
        raise _damaged("splits of an unknown kind")
    first_nodes = _first_nodes(sizes)
    starts = np.repeat(first_nodes, counts)
    nodes = starts + nodes
    nodes_with_sets = np.sort(nodes)
    categorical = np.flatnonzero(kinds == 1)
    if not np.array_equal(nodes_with_sets, categorical):
        raise _damaged("splits by category without their sets")
    _check_segments(trees, counts)


def _check_segments(trees: _TreeArrays, counts: Integers) -> None:
    """Refuse segments outside their tree's list of categories; `counts` are the sets of each."""
    starts = trees.integers("categories_segments")
    widths = trees.integers("categories_sizes")
    lengths = np.repeat(trees.sizes("categories"), counts)
    is_inside = starts >= 0
    is_inside &= widths >= 0
    is_inside &= widths <= lengths - starts
    categories = trees.integers("categories")
    is_outside_range = is_outside(categories, _MAX_CATEGORY)
    if is_outside_range or not is_inside.all():
        raise _damaged("sets of categories that are not there")


def _damaged(defect: str) -> UnsafeModel:
    return UnsafeModel(f"the model file's XGBoost booster is damaged: {defect}")
