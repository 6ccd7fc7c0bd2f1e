"""Trees as a TreeEnsembleRegressor, whose sets of categories are columns of 0 and 1.

Doubles are compared, which hold the float32 thresholds exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.arrays import Array, Floats, Integers
from automl.models.trees.conditions import Conditions
from automl.models.trees.trees import Trees
from automl.track.graph.builder import ML_DOMAIN, Value
from automl.track.graph.sets import category_codes, memberships
from automl.track.graph.statistics import further_columns


def margins(
    trees: Trees,
    X: Value,
) -> Value:
    """Return the sums of the trees' values, of shape (n_rows, n_outputs), double.

    Parameters
    ----------
    trees : Trees
    X : Value
        The features, float32.
    """
    graph = X.graph
    double = X.cast("DOUBLE")
    columns = [double]
    if trees.statistics is not None:
        columns += further_columns(trees.statistics, double)
    together = graph.concat(columns)
    if trees.conditions.n_sets:
        outside = _outside_sets(trees.conditions, together)
        together = graph.concat([together, outside])
    attributes = _nodes(trees) | _leaves(trees)
    summed = graph.op(
        "TreeEnsembleRegressor",
        together,
        domain=ML_DOMAIN,
        dtype="FLOAT",
        n_targets=trees.outputs,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_values_as_tensor=graph.attribute(attributes.pop("thresholds")),
        target_weights_as_tensor=graph.attribute(attributes.pop("weights")),
        **{name: array.tolist() for name, array in attributes.items()},
    )
    return summed.cast("DOUBLE") + trees.base[None, :]


def _outside_sets(
    conditions: Conditions,
    columns: Value,
) -> Value:
    """Return a column for each set: 0 for a category in it, and 1 for all others."""
    sources = conditions.column[conditions.n_numeric :]
    parts = []
    order: list[int] = []
    for source in np.unique(sources).tolist():
        chosen = np.flatnonzero(sources == source).tolist()
        table = 1.0 - memberships(conditions, chosen)
        n_levels = len(table) - 2
        column = columns.take_columns(source)
        codes = category_codes(column, n_levels)
        parts.append(codes.look_up(table))
        order += chosen
    together = columns.graph.concat(parts)
    places = np.argsort(order)
    return together.take_columns(places)


def _nodes(trees: Trees) -> dict[str, Array]:
    """Return the attributes of nodes, tree after tree: its inner nodes, then its leaves."""
    sizes = trees.sizes.astype(np.int64)
    n_nodes = 2 * sizes + 1
    starts = np.cumsum(n_nodes) - n_nodes
    count = int(n_nodes.sum())
    inner = _within_trees(trees) + np.repeat(
        starts,
        sizes,
    )

    def spread(
        values: Any,
        elsewhere: Any,
    ) -> Array:
        """Return values of inner nodes as those of all nodes."""
        array: Array = np.full(count, elsewhere)
        array[inner] = values
        return array

    column, threshold, missing_left = _conditions(trees)
    children = _children(trees, sizes)
    first_node = np.repeat(starts, n_nodes)
    numbers = np.arange(trees.count)
    return {
        "nodes_treeids": np.repeat(numbers, n_nodes),
        "nodes_nodeids": np.arange(count) - first_node,
        "nodes_featureids": spread(column[trees.condition], 0),
        "nodes_modes": np.where(
            spread(True, False),
            "BRANCH_LEQ",
            "LEAF",
        ),
        "thresholds": spread(threshold[trees.condition], 0.0),
        "nodes_truenodeids": spread(children[:, 0], 0),
        "nodes_falsenodeids": spread(children[:, 1], 0),
        "nodes_missing_value_tracks_true": spread(
            missing_left[trees.condition],
            0,
        ),
    }


def _within_trees(trees: Trees) -> Integers:
    """Return the numbers of inner nodes within their trees."""
    first = np.repeat(
        trees.first_inner,
        trees.sizes,
    )
    return np.arange(len(first)) - first


def _children(
    trees: Trees,
    sizes: Integers,
) -> Integers:
    """Return the children's numbers, where those of leaves follow those of inner nodes."""
    children = trees.children.astype(np.int64)
    first_leaf = np.repeat(sizes, sizes)
    leaves = first_leaf[:, None] + ~children
    return np.where(children >= 0, children, leaves)


def _conditions(trees: Trees) -> tuple[Integers, Floats, Integers]:
    """Return the column, the threshold and the missing direction of each condition."""
    conditions = trees.conditions
    n_columns = trees.features
    if trees.statistics is not None:
        n_columns += trees.statistics.count
    n_sets = conditions.n_sets
    of_numbers = conditions.column[: conditions.n_numeric]
    of_sets = n_columns + np.arange(n_sets)
    column = np.concatenate([of_numbers, of_sets])
    half = np.full(n_sets, 0.5)
    threshold = np.concatenate([conditions.threshold, half])
    right = np.zeros(n_sets, np.int64)
    missing_left = np.concatenate([conditions.missing_left, right])
    return column, threshold.astype(np.float64), missing_left


def _leaves(trees: Trees) -> dict[str, Array]:
    """Return the attributes of the leaves' values."""
    sizes = trees.sizes.astype(np.int64)
    n_leaves = sizes + 1
    numbers = np.arange(trees.count)
    tree = np.repeat(numbers, n_leaves)
    first = np.repeat(trees.first_leaf, n_leaves)
    within = np.arange(len(tree)) - first
    node = np.repeat(sizes, n_leaves) + within
    n_values = trees.value.shape[1]
    target = tree % trees.outputs
    if n_values > 1:
        outputs = np.arange(n_values)
        target = np.tile(outputs, len(tree))
    weights = trees.with_value_of_each_leaf().value.astype(np.float64)
    return {
        "target_treeids": np.repeat(tree, n_values),
        "target_nodeids": np.repeat(node, n_values),
        "target_ids": target,
        "weights": weights.ravel(),
    }
