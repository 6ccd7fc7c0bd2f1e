"""Gradient descent over a network: AdamW, its learning rate falling along a cosine.

The number of epochs is decided by the number of rows alone, so that a repeated fit takes the same
path.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models._losses import Loss
from automl.models._network import Network

TARGET_STEPS = 3_000  # the number of epochs is chosen to come near this
_MIN_EPOCHS = 8
_MAX_EPOCHS = 200
MIN_BATCH_ROWS = 32
USUAL_MAX_BATCH_ROWS = 256
MAX_BATCH_ROWS = 1024
_LARGE_ROWS = 50_000  # from here on batches grow beyond the usual size
_WARM_UP = 0.05  # share of the steps over which the learning rate rises
_MEAN_DECAY = 0.9
_SQUARE_DECAY = 0.99
_PERIODIC_RATE = 0.1  # of the learning rate, for the periodic embedding


@dataclass
class Descent:
    """AdamW over a network's arrays, which it changes in place.

    Parameters
    ----------
    network : Network
    loss : callable
    rng : Generator
    rows : int
        Number of training rows.
    learning_rate : float
        The highest one.
    weight_decay : float
        Decay of the weights relative to the learning rate.
    dropout : float
        Share of hidden values that is left out.
    step : int
        Number of steps so far.
    """

    network: Network
    loss: Loss
    rng: np.random.Generator
    rows: int
    learning_rate: float
    weight_decay: float
    dropout: float
    step: int = 0

    def __post_init__(self) -> None:
        arrays = self.network.parameters
        self._means = [np.zeros_like(array) for array in arrays]
        self._squares = [np.zeros_like(array) for array in arrays]
        self.batch_rows = _batch_rows(self.rows)
        self.steps_per_epoch = math.ceil(self.rows / self.batch_rows)
        epochs = round(TARGET_STEPS / self.steps_per_epoch)
        self.epochs = min(_MAX_EPOCHS, max(_MIN_EPOCHS, epochs))

    def run_epoch(self, X: Matrix, y: Matrix, weight: Matrix) -> Iterator[int]:
        """Go once through all rows, yielding after each step so that a caller can check a clock."""
        keep_probability = 1.0 - self.dropout
        order = self.rng.permutation(self.rows)
        for start in range(0, self.rows, self.batch_rows):
            rows = order[start : start + self.batch_rows]
            size = np.float32(len(rows))
            gradients = self.network.gradients(
                X[rows],
                y[rows],
                weight[rows] / size,
                self.loss,
                keep_probability,
                self.rng,
            )
            self._update(gradients)
            yield self.step

    def _update(self, gradients: list[Any]) -> None:
        """Move all arrays by one step."""
        self.step += 1
        rate = self._current_rate()
        n_layers = len(self.network.weights)
        mean_bias = 1 - _MEAN_DECAY**self.step
        square_bias = np.float32(1 - _SQUARE_DECAY**self.step)
        for index, array in enumerate(self.network.parameters):
            mean, square = self._update_moments(index, gradients[index])
            root = np.sqrt(square / square_bias)
            root = root + np.float32(1e-8)
            own_rate = _PERIODIC_RATE * rate if index == 0 else rate
            stride = np.float32(own_rate / mean_bias)
            moved = array - stride * (mean / root)
            shrinkage = np.float32(1.0)
            if 0 < index <= n_layers:  # intercepts and the embedding do not decay
                shrinkage = np.float32(1 - rate * self.weight_decay)
            np.multiply(moved, shrinkage, out=array)

    def _update_moments(self, index: int, gradient: Any) -> tuple[Matrix, Matrix]:
        """Return the running means of an array's gradients and of their squares."""
        mean = self._means[index]
        square = self._squares[index]
        mean += (1 - _MEAN_DECAY) * (gradient - mean)
        square += (1 - _SQUARE_DECAY) * (gradient * gradient - square)
        return mean, square

    def _current_rate(self) -> float:
        """Return the learning rate, which rises at first and then falls along half a cosine.

        Beyond the last epoch it stays at a hundredth of the highest.
        """
        all_steps = self.epochs * self.steps_per_epoch
        progress = self.step / all_steps
        if progress < _WARM_UP:
            return self.learning_rate * progress / _WARM_UP
        phase = (progress - _WARM_UP) / (1 - _WARM_UP)
        phase = min(1.0, phase)
        cosine = float(np.cos(np.pi * phase))
        share = 0.5 * (1 + cosine)
        return self.learning_rate * max(0.01, share)


def _batch_rows(rows: int) -> int:
    """Return the number of rows of a step, about a sixteenth of all."""
    limit = USUAL_MAX_BATCH_ROWS
    if rows >= _LARGE_ROWS:
        limit = max(limit, rows // 200)
        limit = min(limit, MAX_BATCH_ROWS)
    return min(limit, max(MIN_BATCH_ROWS, rows // 16))
