"""Trees without idle splits: nodes from which all ways lead to equal leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from automl.arrays import Bools, Integers
from automl.models.trees.conditions import Indices, offsets_of
from automl.models.trees.leaves import Values
from automl.models.trees.trees import Trees

_UNDECIDED = -1


def without_idle_splits(trees: Trees) -> Trees:
    """Return trees in which every last split leads to two different leaves.

    A symmetric tree has many others: CatBoost's leaves are 0 where no training row came by.
    Predictions are the same, bit for bit.
    """
    trees = trees.with_value_of_each_leaf()
    graph = _Graph.of(trees)
    leaf = _decided_leaves(graph.children, trees.value)
    is_decided = leaf[: graph.n_inner] != _UNDECIDED
    if not is_decided.any():
        return trees
    is_kept = graph.reached_among(~is_decided)
    return _Rest(graph, leaf, is_kept).trees()


@dataclass(frozen=True)
class _Graph:
    """Trees with one numbering of nodes: inner nodes first, and leaves after all of them.

    Parameters
    ----------
    trees : Trees
    roots : ndarray of shape (n_trees,), int64
    children : ndarray of shape (n_inner, 2), int64
    """

    trees: Trees
    roots: Integers
    children: Integers

    @classmethod
    def of(cls, trees: Trees) -> _Graph:
        """Return the graph of trees."""
        n_inner = len(trees.links)
        roots = _after_inner(trees.roots, n_inner)
        children = _after_inner(trees.links, n_inner)
        return cls(trees, roots, children)

    @property
    def n_inner(self) -> int:
        """Number of inner nodes."""
        return len(self.children)

    def with_leaves(self, flags: Bools) -> Bools:
        """Return flags of all nodes: those of inner nodes, and False for leaves."""
        n_leaves = len(self.trees.value)
        no_flags = np.zeros(n_leaves, bool)
        return np.concatenate([flags, no_flags])

    def reached_among(self, is_allowed: Bools) -> Bools:
        """Return which inner nodes are reached from a root by way of allowed ones alone."""
        is_allowed = self.with_leaves(is_allowed)
        is_reached = np.zeros(self.n_inner, bool)
        level = self.roots
        while len(level):
            level = level[is_allowed[level]]
            is_reached[level] = True
            level = self.children[level].ravel()
        return is_reached


def _after_inner(links: Integers, n_inner: int) -> Integers:
    """Return nodes with leaves, which are complements, numbered after all inner nodes."""
    leaves = n_inner + ~links
    return np.where(links >= 0, links, leaves)


def _decided_leaves(children: Integers, value: Values) -> Integers:
    """Return the leaf whose value every way from a node leads to, or `_UNDECIDED`.

    Each leaf is its own. A node is decided after its children, and so are whole trees from below.
    """
    n_inner = len(children)
    n_leaves = len(value)
    unknown = np.full(n_inner, _UNDECIDED)
    leaves = np.arange(n_leaves)
    leaf = np.concatenate([unknown, leaves])
    undecided = np.arange(n_inner)
    while len(undecided):
        below = leaf[children[undecided]]
        is_idle = _are_equal_leaves(below, value)
        if not is_idle.any():
            break
        idle = undecided[is_idle]
        leaf[idle] = below[is_idle, 0]
        undecided = undecided[~is_idle]
    return leaf


def _are_equal_leaves(pairs: Integers, value: Values) -> Bools:
    """Return which pairs are two leaves of one value."""
    is_leaf = pairs != _UNDECIDED
    left = value[pairs[:, 0]]
    right = value[pairs[:, 1]]
    is_equal = left == right
    are_equal: Bools = is_leaf.all(axis=1)
    are_equal &= is_equal.all(axis=1)
    return are_equal


@dataclass(frozen=True)
class _Rest:
    """The nodes that are kept, and what their trees are without the others.

    Parameters
    ----------
    graph : _Graph
    leaf : ndarray of shape (n_nodes,), int64
        The leaf that takes the place of a node which is not kept.
    is_kept : ndarray of shape (n_inner,), bool
    """

    graph: _Graph
    leaf: Integers
    is_kept: Bools

    def trees(self) -> Trees:
        """Return the trees of the nodes that are kept."""
        trees = self.graph.trees
        kept_condition = trees.condition[self._kept]
        conditions, condition = trees.conditions.used_by(kept_condition)
        return replace(
            trees,
            conditions=conditions,
            sizes=self._sizes.astype(np.int32),
            condition=condition,
            children=self._children(),
            value=self._value(),
        )

    @cached_property
    def _kept(self) -> Integers:
        return np.flatnonzero(self.is_kept)

    @cached_property
    def _tree(self) -> Integers:
        """The tree of each kept node."""
        trees = self.graph.trees
        numbers = np.arange(trees.count)
        tree = np.repeat(numbers, trees.sizes)
        return tree[self._kept]

    @cached_property
    def _sizes(self) -> Integers:
        """Number of kept nodes of each tree."""
        count = self.graph.trees.count
        return np.bincount(self._tree, minlength=count)

    @property
    def _is_single(self) -> Bools:
        """Whether each tree is one leaf from now on."""
        is_single: Bools = self._sizes == 0
        return is_single

    @cached_property
    def _first_inner(self) -> Integers:
        """Each tree's first inner node among those of all trees."""
        return offsets_of(self._sizes)[:-1]

    @cached_property
    def _first_leaf(self) -> Integers:
        """Each tree's first leaf among those of all trees."""
        count = self.graph.trees.count
        return self._first_inner + np.arange(count)

    @cached_property
    def _below(self) -> Integers:
        """The children of the kept nodes, of shape (n_kept, 2), in the graph's numbering."""
        return self.graph.children[self._kept]

    @cached_property
    def _is_leaf(self) -> Bools:
        """Which of those children are leaves from now on."""
        is_inner = self.graph.with_leaves(self.is_kept)
        return ~is_inner[self._below]

    @cached_property
    def _leaf_place(self) -> Integers:
        """Each child's place among the leaves of all trees, where it is a leaf.

        Leaves are numbered in the order in which their parents name them. A tree that is one leaf
        alone has its place between those of the trees before and after.
        """
        is_leaf = self._is_leaf.ravel()
        among_children = np.cumsum(is_leaf) - 1
        single_before = np.cumsum(self._is_single)
        place = among_children.reshape(-1, 2)
        place += single_before[self._tree, None]
        return place

    def _children(self) -> Indices:
        """Return the children of the kept nodes as `Trees` has them."""
        first_inner = self._first_inner[self._tree]
        first_leaf = self._first_leaf[self._tree]
        inner_number = self._inner_place() - first_inner[:, None]
        leaf_number = self._leaf_place - first_leaf[:, None]
        children = np.where(
            self._is_leaf,
            ~leaf_number,
            inner_number,
        )
        return children.astype(np.int32)

    def _inner_place(self) -> Integers:
        """Return each child's place among the kept nodes of all trees, where it is one of them."""
        kept_up_to = np.cumsum(self.is_kept)
        no_leaf = np.where(self._is_leaf, 0, self._below)
        place: Integers = kept_up_to[no_leaf] - 1
        return place

    def _value(self) -> Values:
        """Return the values of the leaves."""
        trees = self.graph.trees
        n_leaves = len(self._kept) + trees.count
        source = np.empty(n_leaves, np.int64)
        leaf_places = self._leaf_place[self._is_leaf]
        below = self._below[self._is_leaf]
        source[leaf_places] = self.leaf[below]
        single_places = self._first_leaf[self._is_single]
        roots = self.graph.roots[self._is_single]
        source[single_places] = self.leaf[roots]
        return trees.value[source]
