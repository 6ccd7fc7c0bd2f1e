"""Nodes as libraries number them: the inner nodes and leaves of a tree together."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.arrays import Bools, Integers
from automl.models.trees.conditions import Indices


@dataclass(frozen=True)
class Nodes:
    """The nodes of all trees, tree after tree.

    Parameters
    ----------
    sizes : ndarray of shape (n_trees,), int64
        Number of nodes of each tree, which is at least 1.
    is_inner : ndarray of shape (n_nodes,), bool
        Whether each node has children.
    """

    sizes: Integers
    is_inner: Bools

    @cached_property
    def starts(self) -> Integers:
        """Each tree's first node among those of all trees."""
        return np.cumsum(self.sizes) - self.sizes

    @cached_property
    def first(self) -> Integers:
        """The first node of each node's tree."""
        return np.repeat(self.starts, self.sizes)

    @property
    def size(self) -> Integers:
        """Number of nodes of each node's tree."""
        return np.repeat(self.sizes, self.sizes)

    @cached_property
    def inner_sizes(self) -> Integers:
        """Number of inner nodes of each tree."""
        counts = self.is_inner.astype(np.int64)
        return np.add.reduceat(counts, self.starts)

    @property
    def have_parents(self) -> bool:
        """Whether the numbers of inner nodes and leaves are those of trees.

        A tree of n inner nodes has n + 1 leaves.
        """
        expected = 2 * self.inner_sizes + 1
        return np.array_equal(expected, self.sizes)

    @cached_property
    def _numbers(self) -> Integers:
        """Each node's number as `Trees` has it."""
        inner_number = np.cumsum(self.is_inner, dtype=np.int64)
        inner_number -= self.is_inner
        inner_before_tree = inner_number[self.starts]
        inner_number -= np.repeat(inner_before_tree, self.sizes)
        n_nodes = len(self.is_inner)
        leaf_number = np.arange(n_nodes)
        leaf_number -= self.first
        leaf_number -= inner_number
        return np.where(self.is_inner, inner_number, ~leaf_number)

    def children(
        self,
        left: Integers | Indices,
        right: Integers | Indices,
    ) -> Indices:
        """Return the children of inner nodes as `Trees` has them, of shape (n_inner, 2).

        Parameters
        ----------
        left, right : ndarray of shape (n_inner,)
            Numbers of nodes in their tree: where a row goes if the condition holds, and if not.

        Examples
        --------
        A root whose left child is node 1, and whose right child is node 4, a leaf:

        >>> is_inner = np.array([True, True, False, False, False])
        >>> nodes = Nodes(np.array([5]), is_inner)
        >>> nodes.children(np.array([1, 2]), np.array([4, 3])).tolist()
        [[1, -3], [-1, -2]]
        """
        first = self.first[self.is_inner]
        left_number = self._numbers[left + first]
        right_number = self._numbers[right + first]
        pairs = np.column_stack([left_number, right_number])
        children: Indices = pairs.astype(np.int32)
        return children
