"""Trees without splits that decide nothing: nodes both of whose children are equal leaves."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl.arrays import Array, Bools, Integers
from automl.models.trees.conditions import Conditions
from automl.models.trees.trees import Trees

_REMOVED = -1


def without_idle_splits(trees: Trees) -> Trees:
    """Return trees in which every last split leads to two different leaves.

    A symmetric tree has many others: where no training row came by, CatBoost's leaves are 0.
    Predictions are the same, bit for bit.
    """
    links = trees.links
    inner = len(links)
    value = trees.value
    # From here on, nodes and leaves share one numbering: a leaf's number comes after all nodes.
    children = np.where(links >= 0, links, inner + ~links)
    leaf_of = np.concatenate([np.full(inner, _REMOVED), np.arange(len(value))])
    owner = np.repeat(np.arange(trees.count), trees.sizes)
    alive = np.arange(inner)
    while len(alive):
        leaves = leaf_of[children[alive]]
        are_leaves = (leaves >= 0).all(axis=1)
        left = value[leaves[:, 0]]
        right = value[leaves[:, 1]]
        is_idle = are_leaves & (left == right).all(axis=1)
        if not is_idle.any():
            break
        leaf_of[alive[is_idle]] = leaves[is_idle, 0]
        alive = alive[~is_idle]
    if len(alive) == inner:
        return trees
    is_kept = np.zeros(inner, bool)
    is_kept[alive] = True
    is_kept &= _are_reached(trees, children, is_kept)
    return _renumbered(trees, children, leaf_of, owner, is_kept)


def _are_reached(trees: Trees, children: Integers, is_kept: Bools) -> Bools:
    """Return which nodes can be reached from a root; a child's number is above its parent's."""
    inner = len(children)
    reached = np.zeros(inner + len(trees.value), bool)
    level = trees.roots[trees.sizes > 0]
    level = level[is_kept[level]]
    while len(level):
        reached[level] = True
        below = children[level].ravel()
        below = below[below < inner]
        level = below[is_kept[below]]
    return reached[:inner]


def _renumbered(
    trees: Trees, children: Integers, leaf_of: Integers, owner: Integers, is_kept: Bools
) -> Trees:
    """Return the trees of the nodes that are kept."""
    inner = len(children)
    sizes = np.bincount(owner[is_kept], minlength=trees.count).astype(np.int32)
    first = np.cumsum(sizes) - sizes
    kept = np.flatnonzero(is_kept)
    number = np.full(inner, _REMOVED)
    number[kept] = np.arange(len(kept)) - first[owner[kept]]
    below = children[kept]
    is_inner = (below < inner) & is_kept[np.minimum(below, inner - 1)]
    # Leaves are numbered in the order in which their parents name them.
    is_leaf = ~is_inner
    leaf_count = np.cumsum(is_leaf.ravel()).reshape(below.shape) - 1
    has_nodes = sizes > 0
    leaves_before = np.cumsum(np.where(has_nodes, sizes + 1, 0)) - np.where(has_nodes, sizes + 1, 0)
    leaf_number = leaf_count - leaves_before[owner[kept]][:, None]
    new_children = np.where(is_inner, number[np.minimum(below, inner - 1)], ~leaf_number)
    value = np.empty((len(kept) + trees.count, trees.value.shape[1]), trees.value.dtype)
    tree_leaves = first + np.arange(trees.count)
    place = tree_leaves[owner[kept]][:, None] + leaf_number
    value[place[is_leaf]] = trees.value[leaf_of[below][is_leaf]]
    roots = trees.roots[~has_nodes]
    root = np.where(roots >= 0, roots, inner + ~roots)
    value[tree_leaves[~has_nodes]] = trees.value[leaf_of[root]]
    conditions, condition = _used_conditions(trees.conditions, trees.condition[kept])
    return replace(
        trees,
        conditions=conditions,
        sizes=sizes,
        condition=condition,
        children=new_children.astype(np.int32),
        value=value,
    )


def _used_conditions(conditions: Conditions, condition: Array) -> tuple[Conditions, Array]:
    """Return the conditions that nodes use, and the nodes' among them."""
    used, place = np.unique(condition, return_inverse=True)
    numeric = used[used < conditions.n_numeric]
    sets = used[len(numeric) :] - conditions.n_numeric
    starts = conditions.set_offsets[:-1][sets]
    ends = conditions.set_offsets[1:][sets]
    offsets = np.zeros(len(sets) + 1, np.int64)
    offsets[1:] = np.cumsum(ends - starts)
    pieces = [conditions.set_bits[start:end] for start, end in zip(starts, ends, strict=True)]
    no_bits = np.zeros(0, np.uint8)
    kept = Conditions(
        column=conditions.column[used],
        threshold=conditions.threshold[numeric],
        missing_left=conditions.missing_left[numeric],
        set_offsets=offsets,
        set_bits=np.concatenate([no_bits, *pieces]),
    )
    return kept, place.astype(np.int32)
