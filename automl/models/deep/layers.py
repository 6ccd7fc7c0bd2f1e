"""Parts that the networks of this package share, and how they are kept and checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models._blocks import read_array
from automl.models.network.layer import Layer
from automl.models.network.state import read_depth
from automl.state import State


def one_hot(positions: Matrix, size: int) -> Matrix:
    """Return a one for each row's position.

    >>> one_hot(np.array([1.0, 0.0]), 3).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    """
    places = np.arange(size)
    is_there = positions[:, None] == places
    hot: Matrix = is_there.astype(positions.dtype)
    return hot


def layers_to_state(layers: Sequence[Layer]) -> State:
    """Return the arrays of layers, and how many of them are hidden."""
    state: State = {"hidden": len(layers) - 1}
    for index, layer in enumerate(layers):
        weights = layer.weights
        state[f"weights{index}"] = weights
        state[f"intercepts{index}"] = layer.intercepts
    return state


def layers_from_state(state: State, shared: bool = False) -> tuple[Layer, ...]:
    """Return the layers that `layers_to_state` described.

    Parameters
    ----------
    state : State
    shared : bool
        Whether the members share the weights of the hidden layers.
    """
    n_hidden = read_depth(state, "hidden", minimum=1)
    layers = []
    for index in range(n_hidden + 1):
        is_shared = shared and index < n_hidden
        ndim = 2 if is_shared else 3
        weights = read_singles(
            state,
            f"weights{index}",
            ndim,
        )
        intercepts = read_singles(
            state,
            f"intercepts{index}",
            2,
        )
        layers.append(Layer(weights, intercepts))
    return tuple(layers)


def read_singles(state: State, name: str, ndim: int) -> Matrix:
    """Return an array of single precision in a state, or raise `UnsafeModel`."""
    return read_array(state, name, np.float32, ndim)


def copied(arrays: Iterable[Matrix], dtype: Any) -> tuple[Matrix, ...]:
    """Return arrays with equal numbers of a type."""
    copies = [array.astype(dtype) for array in arrays]
    return tuple(copies)


def are_layers(
    layers: Sequence[Layer],
    n_members: int,
    width: int,
    outputs: int,
) -> bool:
    """Return whether each layer takes what the one before it gives."""
    for layer in layers:
        n_outputs = layer.intercepts.shape[1]
        if layer.intercepts.shape[0] != n_members:
            return False
        shape = layer.weights.shape
        if shape[-2:] != (width, n_outputs):
            return False
        has_own = not layer.is_shared
        if has_own and len(layer.weights) != n_members:
            return False
        width = n_outputs
    return n_members > 0 and width == outputs
