"""Gradient descent over a network: AdamW, its learning rate falling along a cosine.

The number of epochs is decided by the number of rows alone, so that a repeated fit takes the same
path.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from automl.models._base import Matrix
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
    _moments: list[tuple[Matrix, Matrix]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for array in self.network.parameters:
            self._moments.append((np.zeros_like(array), np.zeros_like(array)))
        limit = USUAL_MAX_BATCH_ROWS
        if self.rows >= _LARGE_ROWS:
            limit = min(MAX_BATCH_ROWS, max(limit, self.rows // 200))
        self.batch_rows = int(np.clip(self.rows // 16, MIN_BATCH_ROWS, limit))
        self.steps_per_epoch = -(-self.rows // self.batch_rows)
        epochs = round(TARGET_STEPS / self.steps_per_epoch)
        self.epochs = int(np.clip(epochs, _MIN_EPOCHS, _MAX_EPOCHS))

    def run_epoch(self, X: Matrix, y: Matrix, weight: Matrix) -> Iterator[int]:
        """Go once through all rows; yields after each step, so that a caller can check the clock."""
        order = self.rng.permutation(self.rows)
        for start in range(0, self.rows, self.batch_rows):
            rows = order[start : start + self.batch_rows]
            share = weight[rows] / np.float32(len(rows))
            gradients = self.network.gradients(
                X[rows], y[rows], share, self.loss, 1.0 - self.dropout, self.rng
            )
            self._update(gradients)
            yield self.step

    def _update(self, gradients: list[Any]) -> None:
        self.step += 1
        rate = self._current_rate()
        n_layers = len(self.network.weights)
        arrays = zip(self.network.parameters, gradients, self._moments, strict=True)
        for index, (array, gradient, (mean, square)) in enumerate(arrays):
            np.add(mean, (1 - _MEAN_DECAY) * (gradient - mean), out=mean)
            np.add(square, (1 - _SQUARE_DECAY) * (gradient * gradient - square), out=square)
            unbiased_square = square / np.float32(1 - _SQUARE_DECAY**self.step)
            root = np.sqrt(unbiased_square) + np.float32(1e-8)
            own_rate = (_PERIODIC_RATE if index == 0 else 1.0) * rate
            stride = np.float32(own_rate / (1 - _MEAN_DECAY**self.step))
            is_weight = 0 < index <= n_layers
            shrinkage = np.float32(1 - rate * self.weight_decay if is_weight else 1.0)
            np.multiply(array - stride * (mean / root), shrinkage, out=array)

    def _current_rate(self) -> float:
        """Return the learning rate, which rises at first and then falls along half a cosine.

        Beyond the last epoch it stays at a hundredth of the highest.
        """
        progress = self.step / (self.epochs * self.steps_per_epoch)
        if progress < _WARM_UP:
            return self.learning_rate * progress / _WARM_UP
        phase = min(1.0, (progress - _WARM_UP) / (1 - _WARM_UP))
        cosine = float(np.cos(np.pi * phase))
        return self.learning_rate * max(0.01, 0.5 * (1 + cosine))
