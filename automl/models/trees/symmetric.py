"""Trees all of whose nodes of a level have one condition, as CatBoost grows them.

A row's leaf is a number whose bits are the conditions of the levels, so whole columns are compared
at once: the compiled evaluator is several times as quick as for other trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from automl.arrays import Array, Integers
from automl.models.trees.conditions import offsets_of
from automl.models.trees.trees import Trees

_MAX_DEPTH = 10  # levels of a tree, which then has a thousand leaves
_MAX_TABLE_GROWTH = 8  # leaves of the tables for each row of values


@dataclass(frozen=True)
class SymmetricTrees:
    """The levels of trees, and a table of leaves for each of them.

    Parameters
    ----------
    level_offsets : ndarray of shape (n_trees + 1,), int64
        Where each tree's levels begin.
    condition : ndarray of shape (n_levels,), int64
    first_leaf : ndarray of shape (n_trees,), int64
        Where each tree's table begins; it has 2 ** levels leaves.
    leaf : ndarray of shape (n_table,), int64
        The leaf, among those of all trees, for each combination of the conditions that fail: bit l
        of its number in the table stands for level l.
    """

    level_offsets: Integers
    condition: Integers
    first_leaf: Integers
    leaf: Integers

    @classmethod
    def of(cls, trees: Trees) -> SymmetricTrees | None:
        """Return symmetric trees; None if one of them is not, or is too deep."""
        depth = _depths(trees)
        deepest = 1 + int(depth.max(initial=-1))
        if deepest > _MAX_DEPTH:
            return None
        trees_of_nodes = np.arange(trees.count)
        owner = np.repeat(trees_of_nodes, trees.sizes)
        n_levels = np.zeros(trees.count, np.int64)
        np.maximum.at(n_levels, owner, depth + 1)
        level_offsets = offsets_of(n_levels)
        level = level_offsets[owner] + depth
        n_all_levels = level_offsets[-1]
        condition = np.zeros(n_all_levels, np.int64)
        condition[level] = trees.condition
        is_shared = condition[level] == trees.condition
        sizes = 2**n_levels
        # Of the stored rows, fewer where leaves share them: this bounds the memory.
        largest = _MAX_TABLE_GROWTH * len(trees.value)
        if not is_shared.all() or sizes.sum() > largest:
            return None
        leaf_offsets = offsets_of(sizes)
        first_leaf = leaf_offsets[:-1]
        leaf = _leaves(trees, n_levels, first_leaf)
        return cls(level_offsets, condition, first_leaf, leaf)


def _levels_of_nodes(trees: Trees) -> Iterator[Integers]:
    """Yield the inner nodes of each level of all trees."""
    level = trees.roots[trees.sizes > 0]
    while len(level):
        yield level
        below = trees.links[level].ravel()
        level = below[below >= 0]


def _depths(trees: Trees) -> Integers:
    """Return how many nodes are above each inner node."""
    depths = np.zeros(len(trees.condition), np.int64)
    for depth, level in enumerate(_levels_of_nodes(trees)):
        depths[level] = depth
    return depths


def _leaves(
    trees: Trees,
    n_levels: Integers,
    first_leaf: Integers,
) -> Integers:
    """Return the tables of leaves of all trees, one after another."""
    total = 2**n_levels
    leaf = np.zeros(total.sum(), np.int64)
    for depth in np.unique(n_levels).tolist():
        chosen = np.flatnonzero(n_levels == depth)
        table = _leaf_table(trees, chosen, depth)
        first = first_leaf[chosen][:, None]
        number = np.arange(2**depth)
        leaf[first + number] = table
    return leaf


def _leaf_table(trees: Trees, chosen: Integers, n_levels: int) -> Array:
    """Return the leaves of trees of as many levels, of shape (n_trees, 2 ** n_levels)."""
    nodes = trees.roots[chosen]
    nodes = nodes[:, None]
    for _ in range(n_levels):
        is_inner = nodes >= 0
        inner = np.where(is_inner, nodes, 0)
        children = []
        for side in (0, 1):
            child = trees.links[inner, side]
            # A leaf that is reached early stays where it is, whatever the other conditions are.
            stays = np.where(is_inner, child, nodes)
            children.append(stays)
        nodes = np.concatenate(children, axis=1)
    return ~nodes
