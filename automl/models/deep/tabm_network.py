"""TabM evaluated in NumPy (Gorishniy et al. 2025).

Numbers are embedded by straight lines between quantiles, categories are one-hot. Many members share
each hidden layer's weights; each has its own factors before and after it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.arrays import Floats, Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import is_outside, read_vector
from automl.models.deep.categories import Categories
from automl.models.deep.layers import (
    are_layers,
    copied,
    layers_from_state,
    layers_to_state,
    one_hot,
    read_singles,
)
from automl.models.network.layer import Layer
from automl.models.network.number_inputs import soft_clip
from automl.models.network.state import DAMAGED
from automl.state import State


@dataclass(frozen=True)
class Lines:
    """An embedding of numbers whose values go along straight lines between quantiles.

    Parameters
    ----------
    slopes, starts : ndarray of shape (n_numbers, n_pieces), float32
        A number's share of a piece is number * slope + start, and at least 0 but in the first
        piece, at most 1 but in the last one. Pieces that a column lacks are zeros, but not its
        last one.
    linear, offsets : ndarray of shape (n_numbers, size), float32
        The embedding without the shares: number * linear + offset.
    mixing : ndarray of shape (n_numbers, n_pieces, size), float32
        What the embedding takes of the shares.
    """

    slopes: Matrix
    starts: Matrix
    linear: Matrix
    offsets: Matrix
    mixing: Matrix

    @property
    def width(self) -> int:
        """Number of values that a row's embeddings consist of."""
        return int(self.offsets.size)

    def values(self, numbers: Matrix) -> Matrix:
        """Return the embeddings of numbers, of shape (n_rows, width)."""
        n_rows = len(numbers)
        columns = numbers.T[:, :, None]
        shares = columns * self.slopes[:, None] + self.starts[:, None]
        low, high = self.limits
        shares = np.clip(
            shares,
            low[:, None],
            high[:, None],
        )
        embedded = shares @ self.mixing
        embedded += columns * self.linear[:, None]
        embedded += self.offsets[:, None]
        by_row = embedded.transpose(1, 0, 2)
        values: Matrix = by_row.reshape(n_rows, self.width)
        return values

    @property
    def limits(self) -> tuple[Floats, Floats]:
        """The lowest and the highest share of each piece."""
        low = np.zeros(self.slopes.shape)
        high = np.ones(self.slopes.shape)
        low[:, :1] = -np.inf
        high[:, -1:] = np.inf
        others = self.slopes[:, :-1]
        is_only_piece = ~others.any(axis=1)
        low[is_only_piece, -1:] = -np.inf
        return low, high

    def copy(self, dtype: Any) -> Lines:
        """Return an independent embedding with equal numbers of a type."""
        arrays = (
            self.slopes,
            self.starts,
            self.linear,
            self.offsets,
            self.mixing,
        )
        return Lines(*copied(arrays, dtype))


@dataclass(frozen=True)
class TabMInputs:
    """What rows become before they are embedded.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,), int64
        Columns that hold numbers and vary.
    hot : Categories
        Columns that hold categories.
    """

    numbers: Integers
    hot: Categories

    def prepare(self, X: Matrix) -> Matrix:
        """Return squashed numbers without missing ones, then positions of categories."""
        squashed = soft_clip(X)
        parts = [
            squashed[:, self.numbers],
            self.hot.find(X),
        ]
        return np.concatenate(parts, axis=1)

    def split(self, X: Any) -> tuple[Any, Any]:
        """Return numbers and positions of prepared rows."""
        count = len(self.numbers)
        return X[..., :count], X[..., count:]


@dataclass(frozen=True)
class TabMNetwork:
    """An ensemble that shares weights.

    Parameters
    ----------
    inputs : TabMInputs
    lines : Lines
    layers : tuple of Layer
        The hidden layers, whose weights the members share, and the last one.
    before, after : tuple of ndarray of shape (n_members, width), float32
        What each member multiplies the inputs of a hidden layer by, and its products.
    """

    inputs: TabMInputs
    lines: Lines
    layers: tuple[Layer, ...]
    before: tuple[Matrix, ...]
    after: tuple[Matrix, ...]

    def prepare(self, X: Matrix) -> Matrix:
        """Return rows as the network takes them."""
        return self.inputs.prepare(X)

    @property
    def n_products(self) -> int:
        """Number of products of two numbers that a row takes in the layers, of all members."""
        return sum(layer.n_products for layer in self.layers)

    def scores(self, X: Matrix) -> Matrix:
        """Return the members' scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        values = self._embedded(X)[None]
        *hidden, last = self.layers
        for index, layer in enumerate(hidden):
            scaled = values * self.before[index][:, None]
            products = layer.products(scaled)
            products *= self.after[index][:, None]
            products += layer.intercepts[:, None]
            values = np.maximum(products, 0.0)
        return last.outputs(values)

    def _embedded(self, X: Matrix) -> Matrix:
        numbers, positions = self.inputs.split(X)
        parts = [self.lines.values(numbers)]
        for index, size in enumerate(self.inputs.hot.sizes):
            parts.append(one_hot(positions[:, index], size))
        return np.concatenate(parts, axis=1)

    def copy(self, dtype: Any) -> TabMNetwork:
        """Return an independent network with equal numbers of a type."""
        layers = [layer.copy(dtype) for layer in self.layers]
        return replace(
            self,
            lines=self.lines.copy(dtype),
            layers=tuple(layers),
            before=copied(self.before, dtype),
            after=copied(self.after, dtype),
        )

    def to_state(self) -> State:
        """Return all arrays."""
        state: State = {
            "numbers": self.inputs.numbers,
            **self.inputs.hot.to_state("hot"),
            "slopes": self.lines.slopes,
            "starts": self.lines.starts,
            "linear": self.lines.linear,
            "offsets": self.lines.offsets,
            "mixing": self.lines.mixing,
            **layers_to_state(self.layers),
        }
        for index, factors in enumerate(self.before):
            state[f"before{index}"] = factors
            state[f"after{index}"] = self.after[index]
        return state


def tabm_from_state(
    state: State,
    features: int,
    outputs: int,
) -> TabMNetwork:
    """Return the network of a state, for rows of some features and scores of some outputs.

    Raises
    ------
    UnsafeModel
        A part is missing, or parts don't fit together.
    """
    inputs = TabMInputs(
        read_vector(state, "numbers", np.int64),
        Categories.from_state(state, "hot"),
    )
    lines = Lines(
        read_singles(state, "slopes", 2),
        read_singles(state, "starts", 2),
        read_singles(state, "linear", 2),
        read_singles(state, "offsets", 2),
        read_singles(state, "mixing", 3),
    )
    layers = layers_from_state(state, shared=True)
    before = []
    after = []
    for index in range(len(layers) - 1):
        before.append(read_singles(state, f"before{index}", 2))
        after.append(read_singles(state, f"after{index}", 2))
    network = TabMNetwork(
        inputs,
        lines,
        layers,
        tuple(before),
        tuple(after),
    )
    for columns in (inputs.numbers, inputs.hot.columns):
        if is_outside(columns, features):
            raise UnsafeModel(DAMAGED)
    if not _are_lines(lines, len(inputs.numbers)):
        raise UnsafeModel(DAMAGED)
    if not _fits_together(network, outputs):
        raise UnsafeModel(DAMAGED)
    return network


def _are_lines(lines: Lines, n_numbers: int) -> bool:
    _, n_pieces, size = lines.mixing.shape
    for array in (lines.slopes, lines.starts):
        if array.shape != (n_numbers, n_pieces):
            return False
    for array in (lines.linear, lines.offsets):
        if array.shape != (n_numbers, size):
            return False
    return len(lines.mixing) == n_numbers


def _fits_together(network: TabMNetwork, outputs: int) -> bool:
    """Return whether each part takes what the one before it gives."""
    *hidden, last = network.layers
    n_members = len(last.weights)
    width = network.lines.width + sum(network.inputs.hot.sizes)
    if not are_layers(network.layers, n_members, width, outputs):
        return False
    for index, layer in enumerate(hidden):
        n_inputs, n_outputs = layer.weights.shape
        if network.before[index].shape != (n_members, n_inputs):
            return False
        if network.after[index].shape != (n_members, n_outputs):
            return False
    return True
