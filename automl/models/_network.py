"""A multilayer perceptron in NumPy: what it answers, and how its numbers are found by gradient descent.

The activation is SiLU: on smooth targets ReLU was 10% worse (measured on kin8nm). The descent is AdamW, its rate falling along a
cosine over a number of epochs that rows alone decide, so that a fit which is made again goes the same way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.models._base import Matrix
from automl.models._losses import Loss, sigmoid

Whole = npt.NDArray[np.int64]

STEPS = 3_000  # of the descent, in about so many epochs as that takes
_EPOCHS = (8, 200)
BATCH = (32, 256, 1024)  # rows: at least, usually at most, and at most
_LARGE = 50_000  # rows from which on batches grow beyond the middle size
_WARM = 0.05  # of the steps, over which the rate rises
_MOMENTS = (0.9, 0.99)
_WAVES_RATE = 0.1  # of the rate, for the waves' frequencies


@dataclass(frozen=True)
class Network:
    """Layers, and the waves that some input columns are turned into first: cosines of learnt frequency and phase (as in PLR).

    Parameters
    ----------
    places : ndarray of shape (n_waved,), int64
        Columns that are turned into waves, beside what they are.
    waves : ndarray of shape (2, n_waved, n_waves), float32
        Frequencies and phases.
    weights : tuple of ndarray, float32
        Of shape (n_inputs, n_outputs) each.
    intercepts : tuple of ndarray of shape (n_outputs,), float32
    """

    places: Whole
    waves: Matrix
    weights: tuple[Matrix, ...]
    intercepts: tuple[Matrix, ...]

    def scores(self, X: Matrix) -> Matrix:
        """What the last layer gives, of shape (n_rows, n_outputs)."""
        values = self._inputs(X)[0]
        for weights, intercepts in zip(self.weights[:-1], self.intercepts[:-1], strict=True):
            values = values @ weights + intercepts
            values *= sigmoid(values)
        last: Matrix = values @ self.weights[-1] + self.intercepts[-1]
        return last

    def _inputs(self, X: Matrix) -> tuple[Matrix, Matrix]:
        """The first layer's input, and the waves' angles."""
        if not len(self.places):
            return X, X[:, :0]
        angles = X[:, self.places, None] * self.waves[0] + self.waves[1]
        return np.concatenate([X, np.cos(angles).reshape(len(X), -1)], axis=1), angles

    @property
    def arrays(self) -> list[Matrix]:
        """All that is learnt: the waves, then weights and intercepts of each layer."""
        return [self.waves, *self.weights, *self.intercepts]

    def copy(self, dtype: type = np.float32) -> Network:
        """A network of its own, with equal numbers."""
        return Network(
            self.places,
            self.waves.astype(dtype),
            tuple(array.astype(dtype) for array in self.weights),
            tuple(array.astype(dtype) for array in self.intercepts),
        )

    def gradients(
        self,
        X: Matrix,
        y: Matrix,
        weight: Matrix,
        loss: Loss,
        keep: float,
        rng: np.random.Generator,
    ) -> list[Matrix]:
        """Gradients of the loss of some rows by `arrays`, in their order; each hidden value is kept with this probability."""
        values, angles = self._inputs(X)
        inputs, slopes = [values], []
        for weights, intercepts in zip(self.weights[:-1], self.intercepts[:-1], strict=True):
            values, slope = _activated(inputs[-1] @ weights + intercepts)
            if keep < 1.0:
                mask = (rng.random(values.shape, dtype=np.float32) < keep) * np.float32(1 / keep)
                values, slope = values * mask, slope * mask
            inputs.append(values)
            slopes.append(slope)
        back: Matrix = loss(inputs[-1] @ self.weights[-1] + self.intercepts[-1], y, weight)[1]
        by_weights, by_intercepts = [], []
        for place in reversed(range(len(self.weights))):
            by_weights.append(inputs[place].T @ back)
            by_intercepts.append(back.sum(axis=0))
            if place:
                back = (back @ self.weights[place].T) * slopes[place - 1]
        return [self._by_waves(X, back, angles), *reversed(by_weights), *reversed(by_intercepts)]

    def _by_waves(self, X: Matrix, back: Matrix, angles: Matrix) -> Matrix:
        if not len(self.places):
            return np.zeros_like(self.waves)
        first = X.shape[1]
        slopes = (back @ self.weights[0][first:].T).reshape(angles.shape) * -np.sin(angles)
        return np.stack([(slopes * X[:, self.places, None]).sum(axis=0), slopes.sum(axis=0)])


def _activated(values: Matrix) -> tuple[Matrix, Matrix]:
    """SiLU and its slope."""
    gate = sigmoid(values)
    return values * gate, gate * (1 + values * (1 - gate))


def started(
    X: Matrix, sizes: tuple[int, ...], waves: int, frequency: float, rng: np.random.Generator
) -> Network:
    """A network of random numbers.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        Columns of more than eight values are turned into waves.
    sizes : tuple of int
        Of the hidden layers, and the number of outputs.
    waves : int
        How many each of these columns is turned into.
    frequency : float
        Their deviation from zero, in turns for each standard deviation of a column.
    """
    numbers = (
        [place for place, column in enumerate(X[:1000].T) if len(np.unique(column)) > 8]
        if waves
        else []
    )
    shape = (len(numbers), waves)
    turns = np.stack([rng.normal(size=shape) * frequency, rng.random(shape)]) * 2 * np.pi
    widths = (X.shape[1] + len(numbers) * waves, *sizes)
    scales = [np.sqrt(2 / max(1, width)) for width in widths[:-2]] + [0.1 / np.sqrt(widths[-2])]
    layers = [
        rng.normal(size=pair) * scale for pair, scale in zip(pairwise(widths), scales, strict=True)
    ]
    return Network(
        np.array(numbers, np.int64),
        turns.astype(np.float32),
        tuple(layer.astype(np.float32) for layer in layers),
        tuple(np.zeros(width, np.float32) for width in widths[1:]),
    )


@dataclass
class Descent:
    """AdamW over a network's arrays, which it changes in place.

    Parameters
    ----------
    rate, decay, dropout : float
        The highest learning rate, the weights' decay relative to it, and the share of hidden values that is left out.
    """

    network: Network
    loss: Loss
    rng: np.random.Generator
    rows: int
    rate: float
    decay: float
    dropout: float
    step: int = 0
    _moments: list[tuple[Matrix, Matrix]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._moments = [
            (np.zeros_like(array), np.zeros_like(array)) for array in self.network.arrays
        ]
        least, middle, most = BATCH
        self.batch = int(
            np.clip(
                self.rows // 16,
                least,
                middle if self.rows < _LARGE else min(most, max(middle, self.rows // 200)),
            )
        )
        self.steps_an_epoch = -(-self.rows // self.batch)
        self.epochs = int(np.clip(round(STEPS / self.steps_an_epoch), *_EPOCHS))

    def epoch(self, X: Matrix, y: Matrix, weight: Matrix) -> Iterator[int]:
        """Go once through all rows; yields after each step, so that a deadline can be looked at."""
        order = self.rng.permutation(self.rows)
        for start in range(0, self.rows, self.batch):
            rows = order[start : start + self.batch]
            share = weight[rows] / np.float32(len(rows))
            self._move(
                self.network.gradients(
                    X[rows], y[rows], share, self.loss, 1.0 - self.dropout, self.rng
                )
            )
            yield self.step

    def _move(self, gradients: list[Any]) -> None:
        self.step += 1
        rate = self._rate()
        fast, slow = _MOMENTS
        layers = len(self.network.weights)
        for place, (array, gradient) in enumerate(zip(self.network.arrays, gradients, strict=True)):
            mean, square = self._moments[place]
            np.add(mean, (1 - fast) * (gradient - mean), out=mean)
            np.add(square, (1 - slow) * (gradient * gradient - square), out=square)
            root = np.sqrt(square / np.float32(1 - slow**self.step)) + np.float32(1e-8)
            stride = np.float32((_WAVES_RATE if place == 0 else 1.0) * rate / (1 - fast**self.step))
            kept = np.float32(1 - rate * self.decay if 0 < place <= layers else 1.0)
            np.multiply(array - stride * (mean / root), kept, out=array)

    def _rate(self) -> float:
        """Rising at first, then along half a cosine; what is trained beyond the last epoch goes on at a hundredth."""
        gone = self.step / (self.epochs * self.steps_an_epoch)
        if gone < _WARM:
            return self.rate * gone / _WARM
        return self.rate * max(
            0.01, 0.5 * (1 + float(np.cos(np.pi * min(1.0, (gone - _WARM) / (1 - _WARM)))))
        )
