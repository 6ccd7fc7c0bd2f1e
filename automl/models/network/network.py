"""A multilayer perceptron: its scores and its gradients.

Several members share the weights of the hidden blocks. Each has its own scales of the inputs, its
own intercepts and its own last layer (as in TabM-mini, Gorishniy et al. 2024), so their mean is an
ensemble at a part of its price.

The usual activation is SiLU: on smooth targets ReLU was 10% worse (measured on kin8nm).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.models._losses import Loss
from automl.models.network.block import Block, BlockTrace
from automl.models.network.input_layer import InputLayer
from automl.models.network.layer import Layer, Learnt, flat

_WAVE_RATE = 0.1  # of the learning rate, for the periodic embedding
_SCALE_SPREAD = 0.5  # standard deviation of the members' scales at first
_LAST_SCALE = 0.1  # of the last layer's weights at first


@dataclass(frozen=True)
class Network:
    """An input layer, hidden blocks, and a last layer.

    Parameters
    ----------
    inputs : InputLayer
    scales : ndarray of shape (n_members, n_inputs), float32
        What each member multiplies the inputs by.
    hidden : tuple of Block
    last : Layer
        Each member has its own weights.
    """

    inputs: InputLayer
    scales: Matrix
    hidden: tuple[Block, ...]
    last: Layer

    def prepare(self, X: Matrix) -> Matrix:
        """Return rows as the network takes them."""
        return self.inputs.prepare(X)

    def scores(self, X: Matrix) -> Matrix:
        """Return the members' scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        inputs, _ = self.inputs.values(X)
        values = self._scaled(inputs)
        for block in self.hidden:
            values = block.values(values)
        return self.last.outputs(values)

    @property
    def n_products(self) -> int:
        """Number of products of two numbers that a row takes in the blocks and the last layer."""
        hidden = sum(block.layer.n_products for block in self.hidden)
        return hidden + self.last.n_products

    def _scaled(self, inputs: Matrix) -> Matrix:
        """Return each member's inputs, of shape (n_members, n_rows, n_inputs)."""
        scaled: Matrix = inputs * self.scales[:, None]
        return scaled

    @property
    def learnt(self) -> list[Learnt]:
        """All arrays that are learnt."""
        *waves, table = self.inputs.learnt
        learnt = [Learnt(array, rate=_WAVE_RATE) for array in waves]
        learnt.append(Learnt(table))
        learnt.append(Learnt(self.scales))
        for block in self.hidden:
            learnt.extend(block.learnt)
        learnt.append(Learnt(self.last.weights, decays=True))
        learnt.append(Learnt(self.last.intercepts))
        return learnt

    def copy(self, dtype: Any = np.float32) -> Network:
        """Return an independent network with equal numbers of a type."""
        hidden = [block.copy(dtype) for block in self.hidden]
        return Network(
            self.inputs.copy(dtype),
            self.scales.astype(dtype),
            tuple(hidden),
            self.last.copy(dtype),
        )

    def gradients(
        self,
        X: Matrix,
        y: Matrix,
        weight: Matrix,
        loss: Loss,
        keep_probability: float,
        rng: np.random.Generator,
    ) -> list[Matrix]:
        """Return the gradients of the members' mean loss by `learnt`, in their order.

        Parameters
        ----------
        X, y, weight : ndarray
            Prepared rows, encoded targets and weights.
        loss : callable
        keep_probability : float
            Of each hidden value; the others are dropped out.
        rng : Generator
            Draws the dropped values.
        """
        inputs, angles = self.inputs.values(X)
        values = self._scaled(inputs)
        traces = []
        for block in self.hidden:
            trace = block.traced(values, keep_probability, rng)
            traces.append(trace)
            values = trace.values
        scores = self.last.outputs(values)
        by_scores = _score_gradient(scores, y, weight, loss)
        by_last = [self.last.by_weights(values, by_scores), by_scores.sum(axis=1)]
        by_values = self.last.by_inputs(by_scores)
        by_hidden, by_scaled = _backpropagate(traces, by_values)
        by_scales = np.einsum("mri,ri->mi", by_scaled, inputs)
        by_inputs = np.einsum("mri,mi->ri", by_scaled, self.scales)
        by_embeddings = self.inputs.gradients(X, by_inputs, angles)
        return [*by_embeddings, by_scales, *by_hidden, *by_last]


def _backpropagate(
    traces: Sequence[BlockTrace],
    by_values: Matrix,
) -> tuple[list[Matrix], Matrix]:
    """Return the gradients by the blocks' arrays, and that by the scaled inputs."""
    by_hidden: list[Matrix] = []
    for trace in reversed(traces):
        gradients, by_values = trace.gradients(by_values)
        by_hidden[:0] = gradients
    return by_hidden, by_values


def _score_gradient(
    scores: Matrix,
    y: Matrix,
    weight: Matrix,
    loss: Loss,
) -> Matrix:
    """Return the gradient of the members' mean loss by their scores."""
    n_members = len(scores)
    targets = np.tile(y, n_members)
    weights = np.tile(weight, n_members)
    weights /= np.float32(n_members)
    _, gradient = loss(flat(scores), targets, weights)
    by_scores: Matrix = gradient.reshape(scores.shape)
    return by_scores


@dataclass(frozen=True)
class Architecture:
    """What a network's hidden blocks are.

    Parameters
    ----------
    widths : tuple of int
        Number of values of each block.
    kind : {"plain", "residual", "gated"}
    activation : {"silu", "relu", "selu"}
    normalised : bool
        Whether the outputs of layers are normalised.
    """

    widths: tuple[int, ...]
    kind: str = "plain"
    activation: str = "silu"
    normalised: bool = False


def initial_network(
    inputs: InputLayer,
    architecture: Architecture,
    n_scores: int,
    n_members: int,
    rng: np.random.Generator,
) -> Network:
    """Return a network of random weights; those of the last layer are small.

    Parameters
    ----------
    inputs : InputLayer
    architecture : Architecture
    n_scores : int
    n_members : int
    rng : Generator
    """
    hidden = list(_initial_blocks(inputs.width, architecture, n_members, rng))
    last_width = inputs.width
    if hidden:
        last_width = hidden[-1].n_values
    last_weights = rng.normal(size=(n_members, last_width, n_scores))
    last_weights *= _LAST_SCALE / np.sqrt(last_width)
    last = _layer(last_weights, n_members)
    scales = np.ones((n_members, inputs.width))
    if n_members > 1:  # members differ by what they attend to
        scales += _SCALE_SPREAD * rng.normal(size=scales.shape)
    return Network(
        inputs,
        scales.astype(np.float32),
        tuple(hidden),
        last,
    )


def _initial_blocks(
    n_inputs: int,
    architecture: Architecture,
    n_members: int,
    rng: np.random.Generator,
) -> Iterator[Block]:
    widths = (n_inputs, *architecture.widths)
    for index, (width, n_values) in enumerate(pairwise(widths)):
        kind = kind_at(index, architecture.kind)
        n_outputs = 2 * n_values if kind == "gated" else n_values
        weights = rng.normal(size=(width, n_outputs))
        weights *= np.sqrt(2 / max(1, width))
        n_gains = n_outputs if architecture.normalised else 0
        gains: Matrix = np.ones((n_members, n_gains), np.float32)
        layer = _layer(weights, n_members)
        yield Block(layer, gains, kind, architecture.activation)


def kind_at(index: int, kind: str) -> str:
    """Return the kind of a network's block: the first one of a residual network is plain.

    Its inputs are another thing than its values.
    """
    is_first = index == 0
    return "plain" if is_first and kind == "residual" else kind


def _layer(weights: Floats, n_members: int) -> Layer:
    """Return a layer without intercepts."""
    n_outputs = weights.shape[-1]
    intercepts: Matrix = np.zeros((n_members, n_outputs), np.float32)
    return Layer(weights.astype(np.float32), intercepts)
