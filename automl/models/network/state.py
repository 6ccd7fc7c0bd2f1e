"""A network as a state: what a predictor's file holds of it, checked when it is read."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from automl.arrays import Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_array, read_integer, read_vector
from automl.models.network.input_layer import InputLayer
from automl.models.network.network import Layer, Network
from automl.models.network.number_inputs import Pieces, Waves
from automl.models.network.vectors import Vectors
from automl.state import State

DAMAGED = "the model file's network has arrays that do not fit together"
_MAX_LAYERS = 20
_NO_COLUMNS: Integers = np.zeros(0, np.int64)
_NOTHING = np.zeros((0, 0), np.float32)


def network_to_state(network: Network) -> State:
    """Return all arrays of a network."""
    inputs = network.inputs
    state: State = {
        "hidden": len(network.hidden),
        "scales": network.scales,
        "last_weights": network.last.weights,
        "last_intercepts": network.last.intercepts,
        "numbers": inputs.numbers,
        "places": inputs.waves.columns,
        "waves": inputs.waves.turns,
        "mixing": inputs.waves.mixing,
        "offsets": inputs.waves.offsets,
        "pieced": inputs.pieces.columns,
        "starts": inputs.pieces.starts,
        "steepness": inputs.pieces.steepness,
        "coded": inputs.vectors.columns,
        "levels": inputs.vectors.rows_of_levels,
        "counts": inputs.vectors.counts,
        "table": inputs.vectors.table,
    }
    for index, layer in enumerate(network.hidden):
        state[f"weights{index}"] = layer.weights
        state[f"intercepts{index}"] = layer.intercepts
    return state


def network_from_state(state: State, features: int, outputs: int) -> Network:
    """Return the network of a state, for rows of some features and scores of some outputs.

    Raises
    ------
    UnsafeModel
        A part is missing, or parts don't fit together.
    """
    if "scales" in state:
        network = _read_network(state)
    else:
        network = _read_former_network(state, features)
    if not _fits_together(network, features, outputs):
        raise UnsafeModel(DAMAGED)
    return network


def _read_network(state: State) -> Network:
    hidden = []
    for index in range(_read_depth(state, "hidden")):
        weights = _matrix(state, f"weights{index}")
        intercepts = _matrix(state, f"intercepts{index}")
        hidden.append(Layer(weights, intercepts))
    last = Layer(
        _matrices(state, "last_weights"),
        _matrix(state, "last_intercepts"),
    )
    scales = _matrix(state, "scales")
    inputs = _read_inputs(state)
    return Network(inputs, scales, tuple(hidden), last)


def _read_inputs(state: State) -> InputLayer:
    waves = Waves(
        _positions(state, "places"),
        _matrices(state, "waves"),
        _matrices(state, "mixing"),
        _matrix(state, "offsets"),
    )
    pieces = Pieces(
        _positions(state, "pieced"),
        _matrix(state, "starts"),
        _matrix(state, "steepness"),
    )
    numbers = _positions(state, "numbers")
    vectors = _read_vectors(state)
    return InputLayer(numbers, waves, pieces, vectors)


def _read_vectors(state: State) -> Vectors:
    return Vectors(
        _positions(state, "coded"),
        _positions(state, "levels"),
        _positions(state, "counts"),
        _matrix(state, "table"),
    )


def _read_former_network(state: State, features: int) -> Network:
    """Return a network of a file of before there were members, pieces and vectors."""
    *hidden, last = _former_layers(state)
    turns = _matrices(state, "waves")
    _, n_columns, n_cosines = turns.shape
    each_by_itself = np.eye(n_cosines, dtype=np.float32)
    waves = Waves(
        _positions(state, "places"),
        turns,
        np.tile(each_by_itself, (n_columns, 1, 1)),
        np.zeros((n_columns, n_cosines), np.float32),
    )
    inputs = InputLayer(
        np.arange(features),
        waves,
        Pieces(_NO_COLUMNS, _NOTHING, _NOTHING),
        Vectors(_NO_COLUMNS, _NO_COLUMNS, _NO_COLUMNS, _NOTHING),
    )
    scales: Matrix = np.ones((1, inputs.width), np.float32)
    own_last = Layer(last.weights[None], last.intercepts)
    return Network(inputs, scales, tuple(hidden), own_last)


def _former_layers(state: State) -> Iterator[Layer]:
    n_layers = _read_depth(state, "layers", minimum=1)
    for index in range(n_layers):
        weights = _matrix(state, f"weights{index}")
        intercepts = read_vector(
            state,
            f"intercepts{index}",
            np.float32,
        )
        yield Layer(weights, intercepts[None])


def _positions(state: State, name: str) -> Integers:
    return read_vector(state, name, np.int64)


def _matrix(state: State, name: str) -> Matrix:
    return read_array(state, name, np.float32, 2)


def _matrices(state: State, name: str) -> Matrix:
    return read_array(state, name, np.float32, 3)


def _read_depth(state: State, name: str, minimum: int = 0) -> int:
    depth = read_integer(state, name, minimum)
    if depth > _MAX_LAYERS:
        raise UnsafeModel(f"the model file's network has {depth} layers")
    return depth


def _fits_together(network: Network, features: int, outputs: int) -> bool:
    """Return whether each part takes what the one before it gives."""
    inputs = network.inputs
    for columns in (
        inputs.numbers,
        inputs.waves.columns,
        inputs.pieces.columns,
        inputs.vectors.columns,
    ):
        if is_outside(columns, features):
            return False
    return (
        _are_waves(inputs.waves)
        and _are_pieces(inputs.pieces)
        and _are_vectors(inputs.vectors)
        and _are_layers(network, outputs)
    )


def _are_waves(waves: Waves) -> bool:
    pair, n_columns, n_cosines = waves.turns.shape
    _, n_mixtures = waves.offsets.shape
    return (
        pair == 2
        and n_columns == len(waves.columns)
        and waves.mixing.shape == (n_columns, n_cosines, n_mixtures)
        and len(waves.offsets) == n_columns
    )


def _are_pieces(pieces: Pieces) -> bool:
    n_columns = len(pieces.columns)
    if len(pieces.starts) != n_columns:
        return False
    return bool(pieces.starts.shape == pieces.steepness.shape)


def _are_vectors(vectors: Vectors) -> bool:
    rows = vectors.rows_of_levels
    counts = vectors.counts
    if len(counts) != len(vectors.columns):
        return False
    if is_outside(counts - 1, len(rows)):
        return False
    if counts.sum() != len(rows):
        return False
    return not is_outside(rows, len(vectors.table))


def _are_layers(network: Network, outputs: int) -> bool:
    n_members, width = network.scales.shape
    if width != network.inputs.width:
        return False
    expected = []
    for layer in network.layers:
        n_outputs = layer.intercepts.shape[-1]
        expected.append((width, n_outputs))
        width = n_outputs
        if len(layer.intercepts) != n_members:
            return False
    *hidden, last = expected
    if [layer.weights.shape for layer in network.hidden] != hidden:
        return False
    if network.last.weights.shape != (n_members, *last):
        return False
    is_complete = n_members > 0 and width == outputs
    return bool(is_complete)
