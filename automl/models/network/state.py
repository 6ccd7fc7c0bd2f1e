"""A network as a state: what a predictor's file holds of it, checked when it is read."""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from automl.arrays import Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_array, read_integer, read_vector
from automl.models.network.activations import ACTIVATIONS
from automl.models.network.block import KINDS, Block, plain_block
from automl.models.network.input_layer import InputLayer
from automl.models.network.layer import Layer
from automl.models.network.network import Network
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
    for index, block in enumerate(network.hidden):
        state[f"kind{index}"] = block.kind
        state[f"activation{index}"] = block.activation
        state[f"weights{index}"] = block.layer.weights
        state[f"intercepts{index}"] = block.layer.intercepts
        state[f"gains{index}"] = block.gains
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
    for index in range(read_depth(state, "hidden")):
        hidden.append(_read_block(state, index))
    last = Layer(
        _matrices(state, "last_weights"),
        _matrix(state, "last_intercepts"),
    )
    scales = _matrix(state, "scales")
    inputs = _read_inputs(state)
    return Network(inputs, scales, tuple(hidden), last)


def _read_block(state: State, index: int) -> Block:
    """Return a hidden block; before format 7 all were plain ones."""
    layer = Layer(
        _matrix(state, f"weights{index}"),
        _matrix(state, f"intercepts{index}"),
    )
    names = (f"kind{index}", f"activation{index}", f"gains{index}")
    if not any(name in state for name in names):
        return plain_block(layer)
    return Block(
        layer,
        _matrix(state, f"gains{index}"),
        read_name(state, f"kind{index}", KINDS),
        read_name(state, f"activation{index}", ACTIVATIONS),
    )


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
    blocks = [plain_block(layer) for layer in hidden]
    return Network(inputs, scales, tuple(blocks), own_last)


def _former_layers(state: State) -> Iterator[Layer]:
    n_layers = read_depth(state, "layers", minimum=1)
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


def read_name(state: State, name: str, known: Container[str]) -> str:
    """Return one of some names in a state, or raise `UnsafeModel`."""
    value = state.get(name)
    if isinstance(value, str) and value in known:
        return value
    raise UnsafeModel(f"the model file's {name!r} is not known: {value!r}")


def read_depth(state: State, name: str, minimum: int = 0) -> int:
    """Return a number of layers in a state, or raise `UnsafeModel`."""
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
    for block in network.hidden:
        if not _is_block(block, n_members, width):
            return False
        width = block.n_values
    last = network.last
    if last.weights.shape != (n_members, width, outputs):
        return False
    if last.intercepts.shape != (n_members, outputs):
        return False
    return bool(n_members)


def _is_block(
    block: Block,
    n_members: int,
    n_inputs: int,
) -> bool:
    """Return whether a block takes some inputs, and its arrays fit together."""
    n_outputs = block.layer.intercepts.shape[1]
    if block.kind == "gated" and n_outputs % 2:
        return False
    if block.layer.weights.shape != (n_inputs, n_outputs):
        return False
    n_gains = n_outputs if block.is_normalised else 0
    if block.gains.shape != (n_members, n_gains):
        return False
    return len(block.layer.intercepts) == n_members
