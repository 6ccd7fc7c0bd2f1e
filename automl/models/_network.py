"""A multilayer perceptron in NumPy: its scores and its gradients.

The activation is SiLU: on smooth targets ReLU was 10% worse (measured on kin8nm).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from automl.arrays import Integers, Matrix
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
        Columns that are embedded; they remain inputs themselves, too.
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
        for layer in range(self._last):
            values = self._apply_layer(layer, values)
            values *= sigmoid(values)
        return self._apply_layer(self._last, values)

    @property
    def _last(self) -> int:
        return len(self.weights) - 1

    def _apply_layer(self, layer: int, values: Matrix) -> Matrix:
        weights = self.weights[layer]
        intercepts = self.intercepts[layer]
        outputs: Matrix = values @ weights + intercepts
        return outputs

    def _inputs(self, X: Matrix) -> tuple[Matrix, Matrix]:
        """Return the first layer's input, and the cosines' angles."""
        if not len(self.periodic_columns):
            no_angles = X[:, :0]
            return X, no_angles
        frequencies, phases = self.periodic
        columns = X[:, self.periodic_columns]
        angles = columns[:, :, None] * frequencies
        angles = angles + phases
        cosines = np.cos(angles)
        n_rows = len(X)
        flat = cosines.reshape(n_rows, -1)
        inputs = np.concatenate([X, flat], axis=1)
        return inputs, angles

    @property
    def parameters(self) -> list[Matrix]:
        """All that is learnt: the periodic embedding, all weights, then all intercepts."""
        return [self.periodic, *self.weights, *self.intercepts]

    def copy(self, dtype: type = np.float32) -> Network:
        """Return an independent network with equal numbers of a type."""
        weights: list[Matrix] = []
        intercepts: list[Matrix] = []
        for array in self.weights:
            weights.append(array.astype(dtype))
        for array in self.intercepts:
            intercepts.append(array.astype(dtype))
        return Network(
            self.periodic_columns,
            self.periodic.astype(dtype),
            tuple(weights),
            tuple(intercepts),
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
        for layer in range(self._last):
            outputs = self._apply_layer(layer, inputs[layer])
            values, slope = _silu(outputs)
            if keep_probability < 1.0:
                mask = _dropout_mask(values, keep_probability, rng)
                values = values * mask
                slope = slope * mask
            inputs.append(values)
            slopes.append(slope)
        last_input = inputs[-1]
        scores = self._apply_layer(self._last, last_input)
        _, by_scores = loss(scores, y, weight)
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
        by_weights: list[Matrix] = []
        by_intercepts: list[Matrix] = []
        for layer in range(self._last, -1, -1):
            values = inputs[layer]
            weights = self.weights[layer]
            by_weights.insert(0, values.T @ by_outputs)
            total = by_outputs.sum(axis=0)
            by_intercepts.insert(0, total)
            if layer > 0:
                by_inputs = by_outputs @ weights.T
                slope = slopes[layer - 1]
                by_outputs = by_inputs * slope
        by_periodic = self._periodic_gradient(X, by_outputs, angles)
        return [by_periodic, *by_weights, *by_intercepts]

    def _periodic_gradient(self, X: Matrix, by_outputs: Matrix, angles: Matrix) -> Matrix:
        """Return the gradient by frequencies and phases, from that by the first layer's outputs."""
        if not len(self.periodic_columns):
            return np.zeros_like(self.periodic)
        n_features = X.shape[1]
        cosine_weights = self.weights[0][n_features:]
        flat = by_outputs @ cosine_weights.T
        by_cosines = flat.reshape(angles.shape)
        slopes = -np.sin(angles)
        by_angles = by_cosines * slopes
        columns = X[:, self.periodic_columns]
        products = by_angles * columns[:, :, None]
        by_frequencies = products.sum(axis=0)
        by_phases = by_angles.sum(axis=0)
        return np.stack([by_frequencies, by_phases])


def _silu(values: Matrix) -> tuple[Matrix, Matrix]:
    """Return the SiLU of values, and its slope there."""
    gate = sigmoid(values)
    closed = 1 - gate
    rise = 1 + values * closed
    slope = gate * rise
    return values * gate, slope


def _dropout_mask(values: Matrix, keep: float, rng: np.random.Generator) -> Matrix:
    """Return zeros, and ones scaled up so that the mean stays."""
    draws = rng.random(values.shape, dtype=np.float32)
    is_kept = draws < keep
    scale = np.float32(1 / keep)
    mask: Matrix = is_kept * scale
    return mask


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
    columns = []
    if cosines:
        columns = _continuous_columns(X)
    n_columns = len(columns)
    shape = (n_columns, cosines)
    draws = rng.normal(size=shape)
    frequencies = draws * frequency
    phases = rng.random(shape)
    turns = np.stack([frequencies, phases])
    periodic = turns * 2 * np.pi
    n_features = X.shape[1]
    n_embedded = n_columns * cosines
    n_inputs = n_features + n_embedded
    widths = (n_inputs, *sizes)
    intercepts = [np.zeros(size, np.float32) for size in sizes]
    return Network(
        periodic_columns=np.array(columns, np.int64),
        periodic=periodic.astype(np.float32),
        weights=_initial_weights(widths, rng),
        intercepts=tuple(intercepts),
    )


def _initial_weights(widths: tuple[int, ...], rng: np.random.Generator) -> tuple[Matrix, ...]:
    """Return random weights of each layer; those of the last are small."""
    weights = []
    shapes = list(pairwise(widths))
    last = len(shapes) - 1
    for index, shape in enumerate(shapes):
        n_inputs = max(1, shape[0])
        scale = np.sqrt(2 / n_inputs)
        if index == last:
            scale = 0.1 / np.sqrt(n_inputs)
        draws = rng.normal(size=shape)
        layer = draws * scale
        weights.append(layer.astype(np.float32))
    return tuple(weights)


def _continuous_columns(X: Matrix) -> list[int]:
    columns = []
    inspected = X[:_INSPECTED_ROWS]
    for index, column in enumerate(inspected.T):
        values = np.unique(column)
        if len(values) > _MAX_DISCRETE_VALUES:
            columns.append(index)
    return columns
