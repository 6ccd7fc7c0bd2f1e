"""RealMLP evaluated in NumPy (Holzmüller et al. 2024).

Numbers and one-hot categories are centred, scaled robustly and squashed. Numbers are embedded by
mixed cosines, categories of many levels by learnt vectors. Each hidden unit has a share of its
activation of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.arrays import Integers, Matrix
from automl.errors import UnsafeModel
from automl.models._blocks import fill_missing, is_outside, read_vector
from automl.models.deep.categories import Categories
from automl.models.deep.layers import (
    are_layers,
    copied,
    layers_from_state,
    layers_to_state,
    one_hot,
    read_singles,
)
from automl.models.network.activations import selu
from automl.models.network.layer import Layer
from automl.models.network.number_inputs import Waves, squash
from automl.models.network.state import DAMAGED, read_name
from automl.state import State

_TWO_LEVELS = 3  # positions of a column of two levels: a single number stands for them


def mish(values: Matrix) -> Matrix:
    """Return x tanh(log(1 + exp(x))) of values."""
    softplus = np.logaddexp(0.0, values)
    activated: Matrix = values * np.tanh(softplus)
    return activated


ACTIVATIONS: Mapping[str, Callable[[Matrix], Matrix]] = {
    "selu": selu,
    "mish": mish,
}


@dataclass(frozen=True)
class RealMLPInputs:
    """What rows become before they are embedded.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,), int64
        Columns that hold numbers.
    hot : Categories
        Columns of few levels: one number for two levels, else one for each.
    embedded : Categories
        Columns of many levels.
    medians, factors : ndarray of shape (n_numbers + hot_width,), float32
        What is taken from numbers and one-hot categories, and what they are multiplied by then.
    """

    numbers: Integers
    hot: Categories
    embedded: Categories
    medians: Matrix
    factors: Matrix

    @property
    def hot_width(self) -> int:
        """How many numbers stand for the categories of few levels."""
        width = 0
        for size in self.hot.sizes:
            is_single = size <= _TWO_LEVELS
            width += 1 if is_single else size - 1
        return width

    def prepare(self, X: Matrix) -> Matrix:
        """Return numbers without missing ones, then positions of hot and embedded categories."""
        known = fill_missing(X)
        parts = [
            known[:, self.numbers],
            self.hot.find(X),
            self.embedded.find(X),
        ]
        return np.concatenate(parts, axis=1)

    def split(self, X: Any) -> tuple[Any, Any]:
        """Return numbers and positions of prepared rows, whatever their dimensions before that."""
        count = len(self.numbers)
        return X[..., :count], X[..., count:]

    def squashed(self, X: Matrix) -> Matrix:
        """Return numbers and one-hot categories of prepared rows, scaled and squashed."""
        numbers, positions = self.split(X)
        parts = [numbers]
        for index, size in enumerate(self.hot.sizes):
            parts.append(hot_values(positions[:, index], size))
        values = np.concatenate(parts, axis=1)
        scaled = (values - self.medians) * self.factors
        return squash(scaled)

    def rows_of_vectors(self, X: Matrix) -> Integers:
        """Return the rows of a table of vectors, for prepared rows."""
        _, positions = self.split(X)
        n_hot = len(self.hot.columns)
        embedded = positions[:, n_hot:].astype(np.int64)
        rows: Integers = embedded + self.embedded.starts
        return rows


def hot_values(positions: Any, size: int) -> Matrix:
    """Return what stands for a column's positions; missing ones are zeros."""
    if size < _TWO_LEVELS:
        both: Matrix = 2 * positions - 1
        return both[:, None]
    hot = one_hot(positions, size)
    if size == _TWO_LEVELS:
        difference = hot[:, 1] - hot[:, 2]
        return difference[:, None]
    return hot[:, 1:]


@dataclass(frozen=True)
class RealMLPNetwork:
    """RealMLPs of equal shapes.

    Parameters
    ----------
    inputs : RealMLPInputs
    turns : ndarray of shape (n_members, 2, n_numbers, n_cosines), float32
        Frequencies and phases.
    mixing : ndarray of shape (n_members, n_numbers, n_cosines, n_mixtures), float32
    offsets : ndarray of shape (n_members, n_numbers, n_mixtures), float32
    table : ndarray of shape (n_members, n_vectors, size), float32
        Vectors of the embedded categories.
    scales : ndarray of shape (n_members, n_inputs), float32
        What the embedded inputs are multiplied by.
    layers : tuple of Layer
        The hidden layers and the last one; each member has its own weights.
    shares : tuple of ndarray of shape (n_members, n_units), float32
        How much of each hidden unit's value the activation replaces.
    activation : str
    """

    inputs: RealMLPInputs
    turns: Matrix
    mixing: Matrix
    offsets: Matrix
    table: Matrix
    scales: Matrix
    layers: tuple[Layer, ...]
    shares: tuple[Matrix, ...]
    activation: str

    @property
    def prepare(self) -> Callable[[Matrix], Matrix]:
        """The function that turns rows into what the network takes."""
        return self.inputs.prepare

    @property
    def n_products(self) -> int:
        """Number of products of two numbers that a row takes in the layers, of all members."""
        return sum(layer.n_products for layer in self.layers)

    def scores(self, X: Matrix) -> Matrix:
        """Return the members' scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        squashed = self.inputs.squashed(X)
        rows = self.inputs.rows_of_vectors(X)
        members = range(len(self.scales))
        embedded = [self._embedded(member, squashed, rows) for member in members]
        values = np.stack(embedded) * self.scales[:, None]
        activate = ACTIVATIONS[self.activation]
        *hidden, last = self.layers
        for layer, share in zip(hidden, self.shares, strict=True):
            values = layer.outputs(values)
            change = activate(values) - values
            values += change * share[:, None]
        return last.outputs(values)

    def _embedded(self, member: int, squashed: Matrix, rows: Integers) -> Matrix:
        """Return a member's inputs: embeddings, the values themselves, and vectors."""
        waves = self.waves(member)
        vectors = self.table[member][rows]
        n_rows = len(squashed)
        width = rows.shape[1] * self.table.shape[2]
        parts = [
            waves.values(waves.angles(squashed)),
            squashed,
            vectors.reshape(n_rows, width),
        ]
        return np.concatenate(parts, axis=1)

    def waves(self, member: int) -> Waves:
        """Return the periodic embedding of a member's numbers."""
        columns = np.arange(len(self.inputs.numbers))
        return Waves(
            columns,
            self.turns[member],
            self.mixing[member],
            self.offsets[member],
        )

    def copy(self, dtype: Any) -> RealMLPNetwork:
        """Return an independent network with equal numbers of a type."""
        inputs = replace(
            self.inputs,
            medians=self.inputs.medians.astype(dtype),
            factors=self.inputs.factors.astype(dtype),
        )
        layers = [layer.copy(dtype) for layer in self.layers]
        return replace(
            self,
            inputs=inputs,
            turns=self.turns.astype(dtype),
            mixing=self.mixing.astype(dtype),
            offsets=self.offsets.astype(dtype),
            table=self.table.astype(dtype),
            scales=self.scales.astype(dtype),
            layers=tuple(layers),
            shares=copied(self.shares, dtype),
        )

    def to_state(self) -> State:
        """Return all arrays."""
        state: State = {
            "numbers": self.inputs.numbers,
            **self.inputs.hot.to_state("hot"),
            **self.inputs.embedded.to_state("embedded"),
            "medians": self.inputs.medians,
            "factors": self.inputs.factors,
            "waves": self.turns,
            "mixing": self.mixing,
            "offsets": self.offsets,
            "table": self.table,
            "scales": self.scales,
            "activation": self.activation,
            **layers_to_state(self.layers),
        }
        for index, share in enumerate(self.shares):
            state[f"shares{index}"] = share
        return state


def realmlp_from_state(state: State, features: int, outputs: int) -> RealMLPNetwork:
    """Return the network of a state, for rows of some features and scores of some outputs.

    Raises
    ------
    UnsafeModel
        A part is missing, or parts don't fit together.
    """
    inputs = RealMLPInputs(
        read_vector(state, "numbers", np.int64),
        Categories.from_state(state, "hot"),
        Categories.from_state(state, "embedded"),
        read_vector(state, "medians", np.float32),
        read_vector(state, "factors", np.float32),
    )
    layers = layers_from_state(state)
    n_hidden = len(layers) - 1
    shares = []
    for index in range(n_hidden):
        name = f"shares{index}"
        shares.append(read_singles(state, name, 2))
    network = RealMLPNetwork(
        inputs,
        read_singles(state, "waves", 4),
        read_singles(state, "mixing", 4),
        read_singles(state, "offsets", 3),
        read_singles(state, "table", 3),
        read_singles(state, "scales", 2),
        layers,
        tuple(shares),
        read_name(state, "activation", ACTIVATIONS),
    )
    fits = _are_inputs(inputs, features) and _fits_together(network, outputs)
    if not fits:
        raise UnsafeModel(DAMAGED)
    return network


def _are_inputs(inputs: RealMLPInputs, features: int) -> bool:
    for columns in (
        inputs.numbers,
        inputs.hot.columns,
        inputs.embedded.columns,
    ):
        if is_outside(columns, features):
            return False
    width = len(inputs.numbers) + inputs.hot_width
    return len(inputs.medians) == len(inputs.factors) == width


def _fits_together(network: RealMLPNetwork, outputs: int) -> bool:
    """Return whether each part takes what the one before it gives."""
    inputs = network.inputs
    n_members, width = network.scales.shape
    _, _, n_numbers, n_cosines = network.turns.shape
    size = network.table.shape[2]
    n_mixtures = network.offsets.shape[2]
    if network.turns.shape != (n_members, 2, len(inputs.numbers), n_cosines):
        return False
    if network.mixing.shape != (n_members, n_numbers, n_cosines, n_mixtures):
        return False
    if network.offsets.shape != (n_members, n_numbers, n_mixtures):
        return False
    n_vectors = sum(inputs.embedded.sizes)
    if network.table.shape[:2] != (n_members, n_vectors):
        return False
    expected_width = n_numbers * n_mixtures
    expected_width += size * len(inputs.embedded.columns)
    expected_width += len(inputs.medians)
    if width != expected_width:
        return False
    if not are_layers(network.layers, n_members, width, outputs):
        return False
    hidden = network.layers[:-1]
    expected = [layer.intercepts.shape for layer in hidden]
    return [share.shape for share in network.shares] == expected
