"""Networks that torch trained, as nodes of a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models.deep.categories import Categories
from automl.models.deep.layers import one_hot
from automl.models.deep.realmlp_network import (
    SELU_ALPHA,
    SELU_SCALE,
    RealMLPNetwork,
    hot_values,
)
from automl.models.deep.tabm_network import Lines, TabMNetwork
from automl.models.network.network import Layer
from automl.track.graph.builder import Value
from automl.track.graph.networks import layer, periodic, squash, unsqueezed

_UNBOUNDED = 1e30  # operators refuse infinite bounds


def realmlp_scores(network: RealMLPNetwork, known: Value, X: Value) -> list[Value]:
    """Return the scores of each of a RealMLP's members, of shape (n_rows, n_scores).

    Parameters
    ----------
    network : RealMLPNetwork
    known : Value
        Bounded features, without missing ones.
    X : Value
        Features as they are, for the codes of categories.
    """
    precise = network.copy(np.float64)
    squashed = _robust(precise, known, X)
    members = range(len(precise.scales))
    return [_realmlp_member(precise, squashed, X, member) for member in members]


def _robust(network: RealMLPNetwork, known: Value, X: Value) -> Value:
    """Return numbers and one-hot categories, scaled and squashed."""
    inputs = network.inputs
    parts = []
    if len(inputs.numbers):
        parts.append(known.take_columns(inputs.numbers).cast("DOUBLE"))
    tables = [hot_values(np.arange(size, dtype=float), size) for size in inputs.hot.sizes]
    parts.extend(_looked_up(inputs.hot, tables, X))
    if not parts:
        return known.take_columns(np.zeros(0, np.int64)).cast("DOUBLE")
    values = known.graph.concat(parts)
    scaled = (values - inputs.medians[None]) * inputs.factors[None]
    return squash(scaled)


def _realmlp_member(
    network: RealMLPNetwork,
    squashed: Value,
    X: Value,
    member: int,
) -> Value:
    waves = network.waves(member)
    parts = [squashed]
    if waves.width:
        parts.insert(0, periodic(waves, squashed))
    sizes = network.inputs.embedded.sizes
    tables = np.split(network.table[member], np.cumsum(sizes)[:-1]) if sizes else []
    parts.extend(_looked_up(network.inputs.embedded, tables, X))
    values = X.graph.concat(parts) * network.scales[member][None]
    *hidden, last = network.layers
    for index, each in enumerate(hidden):
        values = _member_layer(values, each, member)
        activated = _ACTIVATIONS[network.activation](values)
        share = network.shares[index][member]
        values = values + (activated - values) * share[None]
    return _member_layer(values, last, member)


def _member_layer(values: Value, each: Layer, member: int) -> Value:
    return layer(values, each.weights[member], each.intercepts[member])


def _selu(values: Value) -> Value:
    above = values.apply("Relu")
    below = values - above
    powers = below.apply("Exp") - 1.0
    return (above + powers * SELU_ALPHA) * SELU_SCALE


def _mish(values: Value) -> Value:
    above = values.apply("Relu")
    minus_size = values - above * 2.0
    powers = minus_size.apply("Exp") + 1.0
    softplus = powers.apply("Log") + above
    return values * softplus.apply("Tanh")


_ACTIVATIONS = {"selu": _selu, "mish": _mish}


def tabm_scores(network: TabMNetwork, known: Value, X: Value) -> list[Value]:
    """Return the scores of each of a TabM's members, of shape (n_rows, n_scores).

    Parameters
    ----------
    network : TabMNetwork
    known : Value
        Bounded features, without missing ones.
    X : Value
        Features as they are, for the codes of categories.
    """
    precise = network.copy(np.float64)
    inputs = precise.inputs
    parts = []
    if len(inputs.numbers):
        squashed = squash(known).cast("DOUBLE")
        numbers = squashed.take_columns(inputs.numbers)
        parts.append(_embedded(precise.lines, numbers))
    tables = [one_hot(np.arange(size, dtype=float), size) for size in inputs.hot.sizes]
    parts.extend(_looked_up(inputs.hot, tables, X))
    values = X.graph.concat(parts)
    last = precise.layers[-1]
    members = range(len(last.weights))
    return [_tabm_member(precise, values, member) for member in members]


def _tabm_member(network: TabMNetwork, values: Value, member: int) -> Value:
    *hidden, last = network.layers
    for index, each in enumerate(hidden):
        scaled = values * network.before[index][member][None]
        products = scaled @ each.weights
        products = products * network.after[index][member][None]
        outputs = products + each.intercepts[member][None]
        values = outputs.apply("Relu")
    return _member_layer(values, last, member)


def _embedded(lines: Lines, numbers: Value) -> Value:
    graph = numbers.graph
    n_numbers, size = lines.offsets.shape
    columns = unsqueezed(numbers, np.arange(n_numbers))
    shares = columns * lines.slopes[None] + lines.starts[None]
    low, high = lines.limits
    shares = graph.op("Max", shares, shares.like(np.maximum(low, -_UNBOUNDED)[None]))
    shares = graph.op("Min", shares, shares.like(np.minimum(high, _UNBOUNDED)[None]))
    by_column = shares.apply("Transpose", perm=[1, 0, 2])
    mixed = (by_column @ lines.mixing).apply("Transpose", perm=[1, 0, 2])
    straight = columns * lines.linear[None] + lines.offsets[None]
    together = mixed + straight
    return together.reshape(-1, n_numbers * size)


def _looked_up(categories: Categories, tables: list[Matrix], X: Value) -> Iterator[Value]:
    """Yield the row of a table for each categorical column's position."""
    for index, column in enumerate(categories.columns):
        positions = np.append(categories.positions[index], 0)
        n_levels = float(len(positions) - 1)
        codes = X.take_columns(int(column))
        is_known = (codes >= 0.0) & (codes < n_levels)
        known = codes.choose(n_levels, is_known)
        rows: Any = tables[index][positions]
        yield known.cast("INT64").look_up(rows)
