"""Networks that torch trained, as nodes of a graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Integers
from automl.models.deep.categories import Categories
from automl.models.deep.realmlp_network import (
    RealMLPInputs,
    RealMLPNetwork,
    hot_values,
)
from automl.models.deep.tabm_network import Lines, TabMNetwork
from automl.models.network.layer import Layer
from automl.track.graph.builder import Value
from automl.track.graph.networks import (
    layer,
    periodic,
    rows_of_codes,
    selu,
    squash,
    turned,
    unsqueezed,
)

_UNBOUNDED = 1e30  # operators refuse infinite bounds


@dataclass(frozen=True)
class Features:
    """The features of rows.

    Parameters
    ----------
    known : Value
        Bounded, without missing ones.
    raw : Value
        As they are, for the codes of categories.
    """

    known: Value
    raw: Value

    def numbers(self, columns: Integers) -> Iterator[Value]:
        """Yield some columns in double precision; nothing if there are none."""
        if len(columns):
            chosen = self.known.take_columns(columns)
            yield chosen.cast("DOUBLE")

    def looked_up(
        self,
        categories: Categories,
        tables: Iterable[Any],
    ) -> Iterator[Value]:
        """Yield for each categorical column the row of its table that stands for the code."""
        for index, table in enumerate(tables):
            column = categories.columns[index]
            positions = categories.positions[index]
            with_missing = np.append(positions, 0)
            yield rows_of_codes(
                self.raw,
                column,
                table[with_missing],
            )


def realmlp_scores(
    network: RealMLPNetwork,
    features: Features,
) -> list[Value]:
    """Return the scores of each of a RealMLP's members, of shape (n_rows, n_scores)."""
    precise = network.copy(np.float64)
    squashed = _robust(precise.inputs, features)
    members = range(len(precise.scales))
    scores = []
    for member in members:
        inputs = _member_inputs(precise, squashed, features, member)
        scores.append(_realmlp_member(precise, inputs, member))
    return scores


def _robust(
    inputs: RealMLPInputs,
    features: Features,
) -> list[Value]:
    """Return numbers and one-hot categories, scaled and squashed; nothing if there are none."""
    tables = []
    for size in inputs.hot.sizes:
        positions = np.arange(size, dtype=np.float64)
        tables.append(hot_values(positions, size))
    parts = [
        *features.numbers(inputs.numbers),
        *features.looked_up(inputs.hot, tables),
    ]
    if not parts:
        return []
    values = features.raw.graph.concat(parts)
    centred = values - inputs.medians[None]
    scaled = centred * inputs.factors[None]
    return [squash(scaled)]


def _member_inputs(
    network: RealMLPNetwork,
    squashed: list[Value],
    features: Features,
    member: int,
) -> Value:
    """Return what a member's first layer takes."""
    parts = list(squashed)
    waves = network.waves(member)
    if waves.width:
        embedded = periodic(waves, squashed[0])
        parts.insert(0, embedded)
    categories = network.inputs.embedded
    ends = np.cumsum(categories.sizes, dtype=np.int64)
    table = network.table[member]
    tables = np.split(table, ends)[:-1]
    parts.extend(features.looked_up(categories, tables))
    values = features.raw.graph.concat(parts)
    scales = network.scales[member]
    scaled: Value = values * scales[None]
    return scaled


def _realmlp_member(
    network: RealMLPNetwork,
    values: Value,
    member: int,
) -> Value:
    activate = _ACTIVATIONS[network.activation]
    *hidden, last = network.layers
    for index, each in enumerate(hidden):
        values = _member_layer(values, each, member)
        share = network.shares[index][member]
        change = activate(values) - values
        values = values + change * share[None]
    return _member_layer(values, last, member)


def _member_layer(
    values: Value,
    each: Layer,
    member: int,
) -> Value:
    weights = each.weights[member]
    intercepts = each.intercepts[member]
    return layer(values, weights, intercepts)


def _mish(values: Value) -> Value:
    above = values.apply("Relu")
    minus_size = values - above * 2.0
    powers = minus_size.apply("Exp") + 1.0
    softplus = powers.apply("Log") + above
    return values * softplus.apply("Tanh")


_ACTIVATIONS = {"selu": selu, "mish": _mish}


def tabm_scores(
    network: TabMNetwork,
    features: Features,
) -> list[Value]:
    """Return the scores of each of a TabM's members, of shape (n_rows, n_scores)."""
    precise = network.copy(np.float64)
    inputs = precise.inputs
    parts = []
    if len(inputs.numbers):
        squashed = squash(features.known)
        numbers = squashed.take_columns(inputs.numbers)
        parts.append(_embedded(precise.lines, numbers.cast("DOUBLE")))
    tables = [np.eye(size) for size in inputs.hot.sizes]
    parts.extend(features.looked_up(inputs.hot, tables))
    values = features.raw.graph.concat(parts)
    last = precise.layers[-1]
    members = range(len(last.weights))
    return [_tabm_member(precise, values, member) for member in members]


def _tabm_member(
    network: TabMNetwork,
    values: Value,
    member: int,
) -> Value:
    *hidden, last = network.layers
    for index, each in enumerate(hidden):
        before = network.before[index][member]
        after = network.after[index][member]
        intercepts = each.intercepts[member]
        scaled = values * before[None]
        products = scaled @ each.weights
        outputs = products * after[None] + intercepts[None]
        values = outputs.apply("Relu")
    return _member_layer(values, last, member)


def _embedded(
    lines: Lines,
    numbers: Value,
) -> Value:
    """Return the embeddings of numbers, one after the other."""
    graph = numbers.graph
    n_numbers = len(lines.offsets)
    columns = unsqueezed(numbers, np.arange(n_numbers))
    low, high = lines.limits
    lowest = np.maximum(low, -_UNBOUNDED)
    highest = np.minimum(high, _UNBOUNDED)
    shares = columns * lines.slopes[None]
    shares = shares + lines.starts[None]
    shares = graph.op("Max", shares, shares.like(lowest[None]))
    shares = graph.op("Min", shares, shares.like(highest[None]))
    mixed = turned(shares) @ lines.mixing
    straight = columns * lines.linear[None]
    straight = straight + lines.offsets[None]
    together = turned(mixed) + straight
    return together.reshape(-1, lines.width)
