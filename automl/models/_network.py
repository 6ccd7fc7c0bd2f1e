"""A multilayer perceptron in NumPy: its scores and its gradients.

The activation is SiLU: on smooth targets ReLU was 10% worse (measured on kin8nm).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from automl.models._base import Integers, Matrix
from automl.models._losses import Loss, sigmoid

_MAX_DISCRETE_VALUES = 8  # columns of more different values get a periodic embedding
_INSPECTED_ROWS = 1000  # that these values are counted in


@dataclass(frozen=True)
class Network:
    """Layers, with a periodic embedding of some input columns before the first one.

    The embedding is cosines of learnt frequency and phase (as in PLR).

    Parameters
    ----------
    periodic_columns : ndarray of shape (n_periodic,), int64
        Columns that are embedded, in addition to what they are.
    periodic : ndarray of shape (2, n_periodic, n_cosines), float32
        Frequencies and phases.
    weights : tuple of ndarray, float32
        Each of shape (n_inputs, n_outputs).
    intercepts : tuple of ndarray of shape (n_outputs,), float32
    """

    periodic_columns: Integers
    periodic: Matrix
    weights: tuple[Matrix, ...]
    intercepts: tuple[Matrix, ...]

    def scores(self, X: Matrix) -> Matrix:
        """Return the outputs of the last layer, of shape (n_rows, n_outputs)."""
        values, _ = self._inputs(X)
        for weights, intercepts in zip(self.weights[:-1], self.intercepts[:-1], strict=True):
            values = values @ weights + intercepts
            values *= sigmoid(values)
        return self._last_layer(values)

    def _last_layer(self, values: Matrix) -> Matrix:
        scores: Matrix = values @ self.weights[-1] + self.intercepts[-1]
        return scores

    def _inputs(self, X: Matrix) -> tuple[Matrix, Matrix]:
        """Return the first layer's input, and the cosines' angles."""
        if not len(self.periodic_columns):
            return X, X[:, :0]
        frequencies, phases = self.periodic
        angles = X[:, self.periodic_columns, None] * frequencies + phases
        cosines = np.cos(angles).reshape(len(X), -1)
        return np.concatenate([X, cosines], axis=1), angles

    @property
    def parameters(self) -> list[Matrix]:
        """All that is learnt: the periodic embedding, all weights, then all intercepts."""
        return [self.periodic, *self.weights, *self.intercepts]

    def copy(self, dtype: type = np.float32) -> Network:
        """Return an independent network with equal numbers of a type."""
        return Network(
            self.periodic_columns,
            self.periodic.astype(dtype),
            tuple(array.astype(dtype) for array in self.weights),
            tuple(array.astype(dtype) for array in self.intercepts),
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
        """Return the gradients of the loss by `parameters`, in their order.

        Parameters
        ----------
        X, y, weight : ndarray
            Rows, encoded targets and weights.
        loss : callable
        keep_probability : float
            Of each hidden value; the others are dropped out.
        rng : Generator
            Draws the dropped values.
        """
        first_input, angles = self._inputs(X)
        inputs = [first_input]
        slopes = []
        for weights, intercepts in zip(self.weights[:-1], self.intercepts[:-1], strict=True):
            values, slope = _silu(inputs[-1] @ weights + intercepts)
            if keep_probability < 1.0:
                is_kept = rng.random(values.shape, dtype=np.float32) < keep_probability
                mask = is_kept * np.float32(1 / keep_probability)
                values = values * mask
                slope = slope * mask
            inputs.append(values)
            slopes.append(slope)
        _, by_scores = loss(self._last_layer(inputs[-1]), y, weight)
        return self._backpropagate(X, by_scores, angles, inputs, slopes)

    def _backpropagate(
        self,
        X: Matrix,
        by_scores: Matrix,
        angles: Matrix,
        inputs: list[Matrix],
        slopes: list[Matrix],
    ) -> list[Matrix]:
        by_outputs = by_scores
        by_weights = []
        by_intercepts = []
        for layer in reversed(range(len(self.weights))):
            by_weights.append(inputs[layer].T @ by_outputs)
            by_intercepts.append(by_outputs.sum(axis=0))
            if layer:
                by_outputs = (by_outputs @ self.weights[layer].T) * slopes[layer - 1]
        by_periodic = self._periodic_gradient(X, by_outputs, angles)
        return [by_periodic, *reversed(by_weights), *reversed(by_intercepts)]

    def _periodic_gradient(self, X: Matrix, by_outputs: Matrix, angles: Matrix) -> Matrix:
        """Return the gradient by frequencies and phases, from that by the first layer's outputs."""
        if not len(self.periodic_columns):
            return np.zeros_like(self.periodic)
        cosine_weights = self.weights[0][X.shape[1] :]
        by_cosines = (by_outputs @ cosine_weights.T).reshape(angles.shape)
        by_angles = by_cosines * -np.sin(angles)
        by_frequencies = (by_angles * X[:, self.periodic_columns, None]).sum(axis=0)
        return np.stack([by_frequencies, by_angles.sum(axis=0)])


def _silu(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return the SiLU of values, and its slope there."""
    gate = sigmoid(values)
    return values * gate, gate * (1 + values * (1 - gate))


def initial_network(
    X: Matrix, sizes: tuple[int, ...], cosines: int, frequency: float, rng: np.random.Generator
) -> Network:
    """Return a network of random weights.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        Columns of more than eight different values get a periodic embedding.
    sizes : tuple of int
        Numbers of outputs of the hidden layers and of the last one.
    cosines : int
        Number of cosines of each embedded column; 0 embeds none.
    frequency : float
        Standard deviation of the frequencies, in turns per standard deviation of a column.
    """
    columns = _continuous_columns(X) if cosines else []
    shape = (len(columns), cosines)
    frequencies = rng.normal(size=shape) * frequency
    phases = rng.random(shape)
    periodic = np.stack([frequencies, phases]) * 2 * np.pi
    widths = (X.shape[1] + len(columns) * cosines, *sizes)
    scales = [np.sqrt(2 / max(1, width)) for width in widths[:-2]]
    scales.append(0.1 / np.sqrt(widths[-2]))
    weights = [
        rng.normal(size=pair) * scale for pair, scale in zip(pairwise(widths), scales, strict=True)
    ]
    return Network(
        np.array(columns, np.int64),
        periodic.astype(np.float32),
        tuple(array.astype(np.float32) for array in weights),
        tuple(np.zeros(width, np.float32) for width in widths[1:]),
    )


def _continuous_columns(X: Matrix) -> list[int]:
    columns = []
    for index, column in enumerate(X[:_INSPECTED_ROWS].T):
        if len(np.unique(column)) > _MAX_DISCRETE_VALUES:
            columns.append(index)
    return columns
