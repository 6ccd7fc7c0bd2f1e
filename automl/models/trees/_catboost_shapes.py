"""The shapes of CatBoost's trees, symmetric or not, as `Trees` has them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.arrays import Array, Bools, Integers
from automl.models._blocks import is_outside
from automl.models.trees._catboost_file import CatBoostFile

_MAX_DEPTH = 16  # CatBoost's own limit of symmetric trees


@dataclass(frozen=True)
class Shape:
    """Nodes and leaves before their splits and values are looked up.

    Parameters
    ----------
    sizes : ndarray of shape (n_trees,), int64
        Number of each tree's inner nodes.
    split : ndarray of shape (n_inner,), int64
        Each inner node's split, numbered as CatBoost does.
    children : ndarray of shape (n_inner, 2), int64
        Where rows go if the split does not hold, and if it does, numbered as `Trees` has them.
    leaf : ndarray of shape (n_leaves,), int64
        Which of CatBoost's leaves each leaf is.
    """

    sizes: Integers
    split: Integers
    children: Integers
    leaf: Integers


def read_shape(file: CatBoostFile, kept: int) -> Shape:
    """Return the shape of a file's first trees.

    Parameters
    ----------
    kept : int
        Number of trees; 1 or more, and not more than there are.

    Raises
    ------
    ValueError
        The trees have another size than their splits or leaves, or a child is outside its tree.
    """
    if len(file.steps) or len(file.leaf_places):
        return _read_steps(file, kept)
    return _expand_symmetric(file, kept)


def _expand_symmetric(file: CatBoostFile, kept: int) -> Shape:
    """Return trees all of whose nodes of one depth have the same split as complete trees.

    Their last split becomes the root's, so that leaves keep their order.
    """
    depths = file.sizes.astype(np.int64)
    if is_outside(depths, _MAX_DEPTH + 1):
        raise ValueError("a tree that is too deep")
    if depths.sum() != len(file.splits):
        raise ValueError("trees of another size than of splits")
    n_leaves = 2**depths
    n_values = n_leaves.sum() * file.outputs
    if n_values != len(file.leaf_values):
        raise ValueError("trees of another size than of leaves")
    last_split = np.cumsum(depths) - 1
    sizes = n_leaves[:kept] - 1
    ends = np.cumsum(sizes)
    first_inner = ends - sizes
    n_inner = int(ends[-1])
    shape = (n_inner, 2)
    split = np.empty(n_inner, np.int64)
    children = np.empty(shape, np.int64)
    kept_depths = depths[:kept]
    for depth in range(_MAX_DEPTH + 1):
        is_deep = kept_depths == depth
        trees = np.flatnonzero(is_deep)
        level, links = _complete_tree(depth)
        numbers = np.arange(len(level))
        nodes = first_inner[trees, None] + numbers
        places = last_split[trees, None] - level
        split[nodes] = file.splits[places]
        children[nodes] = links
    leaf = np.arange(n_inner + kept)
    return Shape(sizes, split, children, leaf)


def _complete_tree(depth: int) -> tuple[Integers, Integers]:
    """Return each node's depth in a complete tree, and its children.

    >>> level, children = _complete_tree(2)
    >>> level.tolist(), children.tolist()
    ([0, 1, 1], [[1, 2], [-1, -2], [-3, -4]])
    """
    n_inner = 2**depth - 1
    depths = np.arange(depth)
    widths = 2**depths
    level = np.repeat(depths, widths)
    below = np.arange(2 * n_inner)
    below += 1
    is_inner = below < n_inner
    leaf = below - n_inner
    children = np.where(is_inner, below, ~leaf)
    return level, children.reshape(-1, 2)


def _read_steps(file: CatBoostFile, kept: int) -> Shape:
    """Return trees whose nodes say how many nodes further on their children are.

    Where a node says 0, rows end, and the node has a leaf.
    """
    sizes = file.sizes.astype(np.int64)
    n_nodes = len(file.steps)
    has_splits = len(file.splits) == n_nodes
    has_leaves = len(file.leaf_places) == n_nodes
    if not has_splits or not has_leaves:
        raise ValueError("nodes without splits or leaves")
    has_nodes = sizes > 0
    if not has_nodes.all() or sizes.sum() != n_nodes:
        raise ValueError("trees of another size than of nodes")
    sizes = sizes[:kept]
    n_kept = sizes.sum()
    steps = _Steps(file.steps[:n_kept], sizes)
    steps.check()
    splits = file.splits[steps.inner]
    places = file.leaf_places[steps.leaves]
    leaf, rest = np.divmod(places, file.outputs)
    if rest.any():
        raise ValueError("a leaf in the middle of another")
    return Shape(
        sizes=steps.inner_sizes,
        split=splits.astype(np.int64),
        children=steps.children,
        leaf=leaf.astype(np.int64),
    )


@dataclass(frozen=True)
class _Steps:
    """The nodes of all trees, tree after tree, and how far each leads.

    Parameters
    ----------
    steps : ndarray of shape (n_nodes,)
        Pairs of whole numbers.
    sizes : ndarray of shape (n_trees,), int64
        Number of nodes of each tree; 1 or more.
    """

    steps: Array
    sizes: Integers

    @cached_property
    def _first(self) -> Integers:
        """The first node of each tree."""
        ends = np.cumsum(self.sizes)
        return ends - self.sizes

    @cached_property
    def _distance(self) -> Integers:
        """How many nodes further on each child is, of shape (n_nodes, 2); 0 if there is none."""
        left = self.steps["left"]
        right = self.steps["right"]
        pairs = np.stack([left, right], axis=1)
        return pairs.astype(np.int64)

    @cached_property
    def _end(self) -> Integers:
        """The node where rows are after each step, of shape (n_nodes, 2)."""
        nodes = np.arange(len(self.steps))
        return nodes[:, None] + self._distance

    @cached_property
    def _is_inner(self) -> Bools:
        farthest = self._distance.max(axis=1)
        is_inner: Bools = farthest > 0
        return is_inner

    @cached_property
    def _is_leaf(self) -> Bools:
        """Whether each step ends in a leaf, of shape (n_nodes, 2).

        A tree without inner nodes has one step, which does.
        """
        is_inner = self._is_inner
        is_step = self._distance > 0
        goes_on = is_step & is_inner[self._end]
        is_leaf = np.stack([is_inner, is_inner], axis=1)
        is_leaf[goes_on] = False
        is_alone = self.sizes == 1
        roots = self._first[is_alone]
        is_leaf[roots, 0] = True
        return is_leaf

    @property
    def inner(self) -> Integers:
        """The inner nodes."""
        return np.flatnonzero(self._is_inner)

    @property
    def inner_sizes(self) -> Integers:
        """Number of inner nodes of each tree."""
        ones = self._is_inner.astype(np.int64)
        sizes: Integers = np.add.reduceat(ones, self._first)
        return sizes

    @property
    def leaves(self) -> Integers:
        """The nodes that have the leaves, of shape (n_leaves,)."""
        return self._end[self._is_leaf]

    @property
    def children(self) -> Integers:
        """The children of inner nodes, of shape (n_inner, 2), numbered as `Trees` has them."""
        first = np.repeat(self._first, self.sizes)
        inner_before = _count_before(self._is_inner)
        is_leaf = self._is_leaf.ravel()
        leaves_before = _count_before(is_leaf)
        leaves_before = leaves_before.reshape(-1, 2)
        inner_number = inner_before - inner_before[first]
        leaf_number = leaves_before - leaves_before[first, :1]
        inner_end = inner_number[self._end]
        number = np.where(self._is_leaf, ~leaf_number, inner_end)
        return number[self.inner]

    def check(self) -> None:
        """Refuse steps out of a tree, and nodes that not exactly one step leads to."""
        tree_ends = np.cumsum(self.sizes)
        tree_end = np.repeat(tree_ends, self.sizes)
        is_outside_tree = self._end >= tree_end[:, None]
        if is_outside_tree.any():
            raise ValueError("a child outside its tree")
        is_step = self._distance > 0
        reached = self._end[is_step]
        n_nodes = len(self.steps)
        parents = np.bincount(reached, minlength=n_nodes)
        parents[self._first] += 1
        has_one = parents == 1
        if not has_one.all():
            raise ValueError("a node below two others, or below none")


def _count_before(is_counted: Bools) -> Integers:
    """Return how many of those before each are counted."""
    counts: Integers = np.cumsum(is_counted)
    return counts - is_counted
