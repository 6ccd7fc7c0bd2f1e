"""A multilayer perceptron: its scores and its gradients.

Several members share the weights of the hidden layers. Each has its own scales of the inputs, its
own intercepts and its own last layer (as in TabM-mini, Gorishniy et al. 2024), so their mean is an
ensemble at a part of its price.

The activation is SiLU: on smooth targets ReLU was 10% worse (measured on kin8nm).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.models._losses import Loss, sigmoid
from automl.models.network.input_layer import InputLayer

_WAVE_RATE = 0.1  # of the learning rate, for the periodic embedding
_SCALE_SPREAD = 0.5  # standard deviation of the members' scales at first
_LAST_SCALE = 0.1  # of the last layer's weights at first


@dataclass(frozen=True)
class Learnt:
    """An array that is learnt.

    Parameters
    ----------
    array : ndarray, float32
        Changed in place.
    rate : float
        Its share of the learning rate.
    decays : bool
        Whether weight decay is for it.
    """

    array: Matrix
    rate: float = 1.0
    decays: bool = False


@dataclass(frozen=True)
class Layer:
    """A fully connected layer of all members.

    Parameters
    ----------
    weights : ndarray of shape (n_inputs, n_outputs) or (n_members, n_inputs, n_outputs), float32
        Of all members together, or of each.
    intercepts : ndarray of shape (n_members, n_outputs), float32
    """

    weights: Matrix
    intercepts: Matrix

    @property
    def is_shared(self) -> bool:
        """Whether the members share the weights."""
        return self.weights.ndim == 2

    def outputs(self, values: Matrix) -> Matrix:
        """Return outputs of shape (n_members, n_rows, n_outputs) for inputs of such a shape."""
        products = self._products(values, self.weights)
        products += self.intercepts[:, None]
        return products

    def gradients(self, values: Matrix, by_outputs: Matrix) -> tuple[Matrix, Matrix]:
        """Return the gradients by weights and by intercepts, from that by the outputs."""
        by_intercepts = by_outputs.sum(axis=1)
        if self.is_shared:
            by_weights = _flat(values).T @ _flat(by_outputs)
        else:
            by_weights = values.mT @ by_outputs
        return by_weights, by_intercepts

    def by_inputs(self, by_outputs: Matrix) -> Matrix:
        """Return the gradient by the inputs, from that by the outputs."""
        return self._products(by_outputs, self.weights.mT)

    def _products(self, values: Matrix, weights: Matrix) -> Matrix:
        """Return products; with shared weights those of all members are one."""
        if not self.is_shared:
            each: Matrix = values @ weights
            return each
        together = _flat(values) @ weights
        n_members, n_rows, _ = values.shape
        return together.reshape(n_members, n_rows, -1)

    def copy(self, dtype: Any) -> Layer:
        """Return an independent layer with equal numbers of a type."""
        weights = self.weights.astype(dtype)
        intercepts = self.intercepts.astype(dtype)
        return Layer(weights, intercepts)


def _flat(values: Matrix) -> Matrix:
    """Return all members' rows one after the other."""
    _, _, width = values.shape
    return values.reshape(-1, width)


@dataclass(frozen=True)
class Network:
    """An input layer and fully connected layers.

    Parameters
    ----------
    inputs : InputLayer
    scales : ndarray of shape (n_members, n_inputs), float32
        What each member multiplies the inputs by.
    hidden : tuple of Layer
        Their weights are shared by the members.
    last : Layer
        Each member has its own weights.
    """

    inputs: InputLayer
    scales: Matrix
    hidden: tuple[Layer, ...]
    last: Layer

    def prepare(self, X: Matrix) -> Matrix:
        """Return rows as the network takes them."""
        return self.inputs.prepare(X)

    def scores(self, X: Matrix) -> Matrix:
        """Return the members' scores of prepared rows, of shape (n_members, n_rows, n_scores)."""
        inputs, _ = self.inputs.values(X)
        values = self._scaled(inputs)
        for layer in self.hidden:
            values = layer.outputs(values)
            values *= sigmoid(values)
        return self.last.outputs(values)

    def _scaled(self, inputs: Matrix) -> Matrix:
        """Return each member's inputs, of shape (n_members, n_rows, n_inputs)."""
        scaled: Matrix = inputs * self.scales[:, None]
        return scaled

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The hidden layers and the last one."""
        return (*self.hidden, self.last)

    @property
    def learnt(self) -> list[Learnt]:
        """All arrays that are learnt."""
        *waves, table = self.inputs.learnt
        learnt = [Learnt(array, rate=_WAVE_RATE) for array in waves]
        learnt.append(Learnt(table))
        learnt.append(Learnt(self.scales))
        for layer in self.layers:
            learnt.append(Learnt(layer.weights, decays=True))
            learnt.append(Learnt(layer.intercepts))
        return learnt

    def copy(self, dtype: Any = np.float32) -> Network:
        """Return an independent network with equal numbers of a type."""
        hidden = [layer.copy(dtype) for layer in self.hidden]
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
        values = [self._scaled(inputs)]
        slopes = []
        for layer in self.hidden:
            outputs = layer.outputs(values[-1])
            activated, slope = _silu(outputs)
            if keep_probability < 1.0:
                mask = _dropout_mask(activated, keep_probability, rng)
                activated *= mask
                slope *= mask
            values.append(activated)
            slopes.append(slope)
        scores = self.last.outputs(values[-1])
        by_scores = _score_gradient(scores, y, weight, loss)
        by_layers, by_scaled = self._backpropagate(by_scores, values, slopes)
        by_scales = np.einsum("mri,ri->mi", by_scaled, inputs)
        by_inputs = np.einsum("mri,mi->ri", by_scaled, self.scales)
        by_embeddings = self.inputs.gradients(X, by_inputs, angles)
        return [*by_embeddings, by_scales, *by_layers]

    def _backpropagate(
        self,
        by_scores: Matrix,
        values: Sequence[Matrix],
        slopes: Sequence[Matrix],
    ) -> tuple[list[Matrix], Matrix]:
        """Return the gradients by the layers' arrays, and that by the scaled inputs."""
        by_outputs = by_scores
        by_layers: list[Matrix] = []
        for index in range(len(self.hidden), -1, -1):
            layer = self.layers[index]
            gradients = layer.gradients(values[index], by_outputs)
            by_layers[:0] = gradients
            by_values = layer.by_inputs(by_outputs)
            if index:
                by_outputs = by_values * slopes[index - 1]
        return by_layers, by_values


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
    _, gradient = loss(_flat(scores), targets, weights)
    by_scores: Matrix = gradient.reshape(scores.shape)
    return by_scores


def _silu(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return the SiLU of values, and its slope there."""
    gate = sigmoid(values)
    activated = values * gate
    closed = 1 - gate
    slope = gate + activated * closed
    return activated, slope


def _dropout_mask(values: Matrix, keep: float, rng: np.random.Generator) -> Matrix:
    """Return zeros, and ones scaled up so that the mean stays."""
    draws = rng.random(values.shape, dtype=np.float32)
    is_kept = draws < keep
    scale = np.float32(1 / keep)
    mask: Matrix = is_kept * scale
    return mask


def initial_network(
    inputs: InputLayer,
    sizes: Sequence[int],
    n_members: int,
    rng: np.random.Generator,
) -> Network:
    """Return a network of random weights; those of the last layer are small.

    Parameters
    ----------
    inputs : InputLayer
    sizes : sequence of int
        Numbers of outputs of the hidden layers and of the last one.
    n_members : int
    rng : Generator
    """
    *hidden_sizes, n_scores = sizes
    widths = [inputs.width, *hidden_sizes]
    hidden = list(_initial_layers(widths, n_members, rng))
    last_width = widths[-1]
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


def _initial_layers(
    widths: Sequence[int],
    n_members: int,
    rng: np.random.Generator,
) -> Iterator[Layer]:
    for n_inputs, n_outputs in pairwise(widths):
        weights = rng.normal(size=(n_inputs, n_outputs))
        weights *= np.sqrt(2 / max(1, n_inputs))
        yield _layer(weights, n_members)


def _layer(weights: Floats, n_members: int) -> Layer:
    """Return a layer without intercepts."""
    n_outputs = weights.shape[-1]
    intercepts: Matrix = np.zeros((n_members, n_outputs), np.float32)
    return Layer(weights.astype(np.float32), intercepts)
