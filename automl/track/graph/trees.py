"""Trees as a TreeEnsembleRegressor, with sets of categories and statistics as columns of 0 and 1.

Every operator compares doubles, which hold the float32 thresholds exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from automl.arrays import Integers
from automl.models.trees.conditions import Conditions, is_in_sets
from automl.models.trees.statistics import Statistics
from automl.models.trees.trees import Trees
from automl.track.graph.builder import ML_DOMAIN, Graph, Value

_WORD_BITS = 64


def margins(graph: Graph, trees: Trees, X: Value) -> Value:
    """Return the sums of the trees' values, of shape (n_rows, n_outputs), double.

    Parameters
    ----------
    graph : Graph
    trees : Trees
    X : str
        The features, float32.
    """
    columns = [graph.cast(X, "DOUBLE")]
    if trees.statistics is not None:
        columns.append(_statistics(graph, trees.statistics, X))
    together = graph.concat(columns)
    if trees.conditions.n_sets:
        together = graph.concat([together, _outside_sets(graph, trees.conditions, together)])
    summed = _regressor(graph, trees, together)
    base = graph.constant(np.asarray(trees.base, np.float64)[None, :])
    return graph.op("Add", graph.cast(summed, "DOUBLE"), base)


def _outside_sets(graph: Graph, conditions: Conditions, columns: Value) -> Value:
    """Return a column for each set: 0 for a category in it, and 1 for all others."""
    sources = conditions.column[conditions.n_numeric :]
    sizes = 8 * np.diff(conditions.set_offsets) - 1  # categories that have a bit
    parts = []
    order = []
    for source in np.unique(sources).tolist():
        chosen = np.flatnonzero(sources == source)
        n_levels = int(sizes[chosen].max())
        # Last come a missing category, and any beyond the levels.
        values = np.array([*range(n_levels), np.nan, n_levels], np.float32)
        places = np.concatenate(
            [conditions.set_offsets[:1] * 0, np.cumsum(_lengths(conditions, chosen))]
        )
        bits = np.concatenate([_bits(conditions, number) for number in chosen.tolist()])
        rows = np.repeat(values[:, None], len(chosen), axis=1)
        table = 1.0 - is_in_sets(rows, places, bits).astype(np.float64)
        parts.append(
            graph.op("Gather", graph.constant(table), _codes(graph, columns, source, n_levels))
        )
        order.append(chosen)
    made = np.concatenate(order)
    place = np.empty(len(made), np.int64)
    place[made] = np.arange(len(made))
    together = graph.concat(parts)
    if (place == np.arange(len(place))).all():
        return together
    return graph.op("Gather", together, graph.constant(place, np.int64), axis=1)


def _lengths(conditions: Conditions, chosen: Integers) -> Integers:
    lengths: Integers = np.diff(conditions.set_offsets)[chosen]
    return lengths


def _bits(conditions: Conditions, number: int) -> Any:
    start, end = conditions.set_offsets[number : number + 2]
    return conditions.set_bits[start:end]


def _codes(graph: Graph, columns: Value, source: int, n_levels: int) -> Value:
    """Return categories of a column as whole numbers: `n_levels` if missing, +1 if beyond."""
    column = graph.op("Gather", columns, graph.constant(source, np.int64), axis=1)
    is_missing = graph.op("IsNaN", column)
    known = graph.op("Where", is_missing, graph.constant(0.0), column)
    bounded = graph.clip(known, -1.0, float(n_levels))
    codes = graph.cast(bounded, "INT64")
    beyond = graph.constant(n_levels + 1, np.int64)
    is_level = graph.op(
        "And",
        graph.op("GreaterOrEqual", codes, graph.constant(0, np.int64)),
        graph.op("Less", codes, graph.constant(n_levels, np.int64)),
    )
    codes = graph.op("Where", is_level, codes, beyond)
    return graph.op("Where", is_missing, graph.constant(n_levels, np.int64), codes)


def _regressor(graph: Graph, trees: Trees, columns: Value) -> Value:
    """Return the sums of the leaves' values, float32."""
    conditions = trees.conditions
    n_columns = trees.features
    if trees.statistics is not None:
        n_columns += trees.statistics.count
    n_sets = conditions.n_sets
    feature = np.concatenate(
        [conditions.column[: conditions.n_numeric], n_columns + np.arange(n_sets)]
    )
    threshold = np.concatenate([conditions.threshold.astype(np.float64), np.full(n_sets, 0.5)])
    missing = np.concatenate([conditions.missing_left, np.zeros(n_sets, np.uint8)])
    layout = _Layout(trees)
    condition = trees.condition
    inner = layout.inner
    count = layout.count
    modes = np.full(count, "LEAF", object)
    modes[inner] = "BRANCH_LEQ"
    columns_of_nodes = np.zeros(count, np.int64)
    columns_of_nodes[inner] = feature[condition]
    values = np.zeros(count)
    values[inner] = threshold[condition]
    missing_left = np.zeros(count, np.int64)
    missing_left[inner] = missing[condition]
    left = np.zeros(count, np.int64)
    left[inner] = layout.children[:, 0]
    right = np.zeros(count, np.int64)
    right[inner] = layout.children[:, 1]
    leaf_tree, leaf_id, target, weight = layout.weights()
    return graph.op(
        "TreeEnsembleRegressor",
        columns,
        domain=ML_DOMAIN,
        n_targets=trees.outputs,
        aggregate_function="SUM",
        post_transform="NONE",
        nodes_treeids=layout.tree.tolist(),
        nodes_nodeids=layout.node.tolist(),
        nodes_featureids=columns_of_nodes.tolist(),
        nodes_modes=modes.tolist(),
        nodes_values_as_tensor=graph.tensor(values),
        nodes_truenodeids=left.tolist(),
        nodes_falsenodeids=right.tolist(),
        nodes_missing_value_tracks_true=missing_left.tolist(),
        target_treeids=leaf_tree.tolist(),
        target_nodeids=leaf_id.tolist(),
        target_ids=target.tolist(),
        target_weights_as_tensor=graph.tensor(weight),
    )


class _Layout:
    """Nodes of trees, one tree after the other: its inner nodes, then its leaves.

    Parameters
    ----------
    trees : Trees
    """

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        sizes = trees.sizes.astype(np.int64)
        n_nodes = 2 * sizes + 1
        starts = np.cumsum(n_nodes) - n_nodes
        self.count = int(n_nodes.sum())
        self.tree = np.repeat(np.arange(trees.count), n_nodes)
        self.node = np.arange(self.count) - np.repeat(starts, n_nodes)
        number = np.arange(len(trees.condition)) - np.repeat(trees.first_inner, sizes)
        self.inner = np.repeat(starts, sizes) + number
        children = trees.children.astype(np.int64)
        first_leaf = np.repeat(sizes, sizes)[:, None]
        # Numbers of nodes within their tree.
        self.children = np.where(children >= 0, children, first_leaf + ~children)
        self._leaf_tree = np.repeat(np.arange(trees.count), sizes + 1)
        leaf = np.arange(len(trees.value)) - np.repeat(trees.first_leaf, sizes + 1)
        self._leaf_node = np.repeat(sizes, sizes + 1) + leaf

    def weights(self) -> tuple[Integers, Integers, Integers, Any]:
        """Return tree, node, output and value of each value of a leaf."""
        value = self._trees.value.astype(np.float64)
        n_outputs = self._trees.outputs
        n_values = value.shape[1]
        if n_values == 1:
            target = self._leaf_tree % n_outputs
            return self._leaf_tree, self._leaf_node, target, value[:, 0]
        tree = np.repeat(self._leaf_tree, n_values)
        node = np.repeat(self._leaf_node, n_values)
        target = np.tile(np.arange(n_values), len(value))
        return tree, node, target, value.ravel()


def _statistics(graph: Graph, statistics: Statistics, X: Value) -> Value:
    """Return the further columns of CatBoost's statistics, double.

    Hashes are products and sums of 64 bits, which overflow here as they do there.
    """
    sources = _hash_parts(graph, statistics, X)
    offsets = statistics.part_offsets
    multipliers = statistics._factors[:, 0].view(np.int64)
    n_combinations = len(offsets) - 1
    bits = max(1, (n_combinations - 1).bit_length())
    found: dict[int, Value] = {}
    columns = []
    for column, combination in enumerate(statistics.combination.tolist()):
        if combination not in found:
            start, end = offsets[combination : combination + 2]
            parts = []
            for part in range(start, end):
                source = sources[int(statistics.part_source[part])]
                factor = graph.constant(multipliers[part], np.int64)
                parts.append(graph.op("Mul", source, factor))
            found[combination] = _places(graph, statistics, graph.sum(parts), combination, bits)
        columns.append(_values(graph, statistics, column, found[combination]))
    return graph.concat(columns)


def _hash_parts(graph: Graph, statistics: Statistics, X: Value) -> list[Value]:
    """Return what parts of combinations are, each of shape (n_rows, 1), int64."""
    double = graph.cast(X, "DOUBLE")
    parts = []
    for number, column in enumerate(statistics.hash_column.tolist()):
        start, end = statistics.hash_offsets[number : number + 2]
        hashes = statistics.hashes[start:end].astype(np.int64)
        index = graph.constant([column], np.int64)
        values = graph.fill_missing(graph.op("Gather", double, index, axis=1), -1.0)
        bounded = graph.clip(values, -1.0, float(len(hashes) - 2))
        places = graph.op("Add", graph.cast(bounded, "INT64"), graph.constant(1, np.int64))
        parts.append(graph.op("Gather", graph.constant(hashes, np.int64), places))
    conditions = statistics.conditions
    for number, column in enumerate(conditions.column.tolist()):
        index = graph.constant([column], np.int64)
        values = graph.op("Gather", double, index, axis=1)
        parts.append(_flag(graph, conditions, number, values, column, double))
    return parts


def _flag(
    graph: Graph, conditions: Conditions, number: int, values: Value, column: int, double: Value
) -> Value:
    """Return 1 where a number is above a border, or where a category is in a set."""
    if number < conditions.n_numeric:
        threshold = graph.constant(float(conditions.threshold[number]))
        is_missing = graph.op("IsNaN", values)
        known = graph.op("Where", is_missing, graph.constant(0.0), values)
        is_above = graph.op("Greater", known, threshold)
        of_missing = graph.constant(not conditions.missing_left[number], np.bool_)
        flag = graph.op("Where", is_missing, of_missing, is_above)
        return graph.cast(flag, "INT64")
    bits = _bits(conditions, number - conditions.n_numeric)
    n_levels = 8 * len(bits) - 1
    rows = np.array([*range(n_levels), np.nan, n_levels], np.float32)[:, None]
    is_in = is_in_sets(rows, np.array([0, len(bits)]), bits)[:, 0]
    codes = _codes(graph, double, column, n_levels)
    flat = graph.op("Gather", graph.constant(is_in, np.int64), codes)
    return graph.op("Reshape", flat, graph.constant([-1, 1], np.int64))


def _places(
    graph: Graph, statistics: Statistics, hashes: Value, combination: int, bits: int
) -> Value:
    """Return where hashes are among a combination's keys; their count for unknown ones."""
    unsigned = graph.cast(hashes, "UINT64")
    amount = graph.constant(bits, np.uint64)
    shifted = graph.cast(graph.op("BitShift", unsigned, amount, direction="RIGHT"), "INT64")
    first, end = statistics._first_key[combination : combination + 2]
    mask = np.uint64(2 ** (_WORD_BITS - bits) - 1)
    keys = (statistics.keys[first:end] & mask).astype(np.int64)
    if not len(keys):
        zero = graph.constant(0, np.int64)
        return graph.op("Mul", shifted, zero)
    return graph.op(
        "LabelEncoder",
        shifted,
        domain=ML_DOMAIN,
        keys_int64s=keys.tolist(),
        values_int64s=list(range(len(keys))),
        default_int64=len(keys),
    )


def _values(graph: Graph, statistics: Statistics, column: int, places: Value) -> Value:
    combination = int(statistics.combination[column])
    count = int(np.diff(statistics._first_key)[combination]) + 1
    first = int(statistics._first_value[column, 0])
    values = statistics.values[first : first + count].astype(np.float64)
    return graph.op("Gather", graph.constant(values), places)
