"""Networks as nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from automl.models.network.activations import SELU_ALPHA, SELU_SCALE
from automl.models.network.block import Block
from automl.models.network.input_layer import InputLayer
from automl.models.network.network import Network
from automl.models.network.normalisation import TINY_VARIANCE
from automl.models.network.number_inputs import INPUT_BOUND, Pieces, Waves
from automl.models.network.vectors import Vectors
from automl.track.graph.builder import Value


def member_scores(
    network: Network,
    known: Value,
    X: Value,
) -> list[Value]:
    """Return the scores of each of a network's members, of shape (n_rows, n_scores).

    Parameters
    ----------
    network : Network
    known : Value
        Bounded features, without missing ones.
    X : Value
        Features as they are, for the codes of categories.
    """
    precise = network.copy(np.float64)
    inputs = _inputs(precise.inputs, known, X)
    members = range(len(precise.scales))
    return [_scores(precise, inputs, member) for member in members]


def _scores(
    network: Network,
    inputs: Value,
    member: int,
) -> Value:
    scales = network.scales[member]
    values = inputs * scales[None]
    for block in network.hidden:
        values = _block_values(values, block, member)
    return layer(
        values,
        network.last.weights[member],
        network.last.intercepts[member],
    )


def _block_values(
    inputs: Value,
    block: Block,
    member: int,
) -> Value:
    """Return what a hidden block makes of a member's values."""
    outputs = _block_outputs(inputs, block, member)
    activate = _ACTIVATIONS[block.activation]
    if block.kind == "gated":
        width = block.n_values
        passing = outputs.take_columns(np.arange(width))
        gates = outputs.take_columns(width + np.arange(width))
        return passing * activate(gates)
    values = activate(outputs)
    if block.kind == "residual":
        n_inputs = len(block.layer.weights)
        values = values + inputs @ np.eye(n_inputs, block.n_values)
    return values


def _block_outputs(
    inputs: Value,
    block: Block,
    member: int,
) -> Value:
    weights = block.layer.weights
    intercepts = block.layer.intercepts[member]
    if not block.is_normalised:
        return layer(inputs, weights, intercepts)
    products = inputs @ weights
    graph = inputs.graph
    return graph.op(
        "LayerNormalization",
        products,
        graph.constant(block.gains[member]),
        graph.constant(intercepts),
        axis=-1,
        epsilon=TINY_VARIANCE,
    )


def _silu(values: Value) -> Value:
    gate = values.apply("Sigmoid")
    return values * gate


def _relu(values: Value) -> Value:
    """Return the positive parts of values."""
    return values.apply("Relu")


def selu(values: Value) -> Value:
    """Return the scaled exponential linear unit of values."""
    above = values.apply("Relu")
    below = values - above
    powers = below.apply("Exp") - 1.0
    both = above + powers * SELU_ALPHA
    return both * SELU_SCALE


_ACTIVATIONS: Mapping[str, Callable[[Value], Value]] = {
    "silu": _silu,
    "relu": _relu,
    "selu": selu,
}


def layer(
    values: Value,
    weights: Any,
    intercepts: Any,
) -> Value:
    """Return products with weights, and intercepts added."""
    products = values @ weights
    outputs: Value = products + intercepts[None, :]
    return outputs


def _inputs(
    inputs: InputLayer,
    known: Value,
    X: Value,
) -> Value:
    precise = squash(known).cast("DOUBLE")
    return X.graph.concat(list(_parts(inputs, precise, X)))


def squash(known: Value) -> Value:
    """Return numbers squashed into three standard deviations."""
    ratio = known / INPUT_BOUND
    squared = ratio * ratio
    divisor = (squared + 1.0).apply("Sqrt")
    return known / divisor


def _parts(
    inputs: InputLayer,
    precise: Value,
    X: Value,
) -> Iterator[Value]:
    if len(inputs.numbers):
        yield precise.take_columns(inputs.numbers)
    if inputs.waves.width:
        yield periodic(inputs.waves, precise)
    if inputs.pieces.width:
        yield _shares(inputs.pieces, precise)
    yield from _vectors(inputs.vectors, X)


def unsqueezed(values: Value, columns: Any) -> Value:
    """Return some columns, of shape (n_rows, n_columns, 1)."""
    graph = values.graph
    axis = graph.constant([2], "INT64")
    chosen = values.take_columns(columns)
    return graph.op("Unsqueeze", chosen, axis)


def turned(values: Value) -> Value:
    """Return values with rows and columns exchanged."""
    return values.apply("Transpose", perm=[1, 0, 2])


def periodic(waves: Waves, values: Value) -> Value:
    """Return the periodic embeddings of a matrix's columns."""
    frequencies, phases = waves.turns
    numbers = unsqueezed(values, waves.columns)
    angles = numbers * frequencies[None]
    angles = angles + phases[None]
    cosines = angles.apply("Cos")
    mixed = turned(cosines) @ waves.mixing
    offsets = waves.offsets[:, None]
    shifted = mixed + offsets
    by_row = turned(shifted)
    return by_row.reshape(-1, waves.width)


def _shares(pieces: Pieces, values: Value) -> Value:
    numbers = unsqueezed(values, pieces.columns)
    distances = numbers - pieces.starts[None]
    steep = distances * pieces.steepness[None]
    shares = steep.clip(0.0, 1.0)
    return shares.reshape(-1, pieces.width)


def _vectors(vectors: Vectors, X: Value) -> Iterator[Value]:
    """Yield the vectors of each categorical column."""
    for index, column in enumerate(vectors.columns):
        rows = vectors.rows_of_column(index)
        yield rows_of_codes(X, column, vectors.table[rows])


def rows_of_codes(
    X: Value,
    column: Any,
    table: Any,
) -> Value:
    """Return the row of a table that stands for each code of a column.

    The last row is for codes that are missing or unknown.
    """
    n_levels = float(len(table) - 1)
    codes = X.take_columns(int(column))
    is_known = codes >= 0.0
    is_known = is_known & (codes < n_levels)
    known = codes.choose(n_levels, is_known)
    positions = known.cast("INT64")
    return positions.look_up(table)
