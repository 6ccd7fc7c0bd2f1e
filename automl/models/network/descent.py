"""Gradient descent over a network: AdamW, its learning rate on a schedule.

The number of epochs is decided by the number of rows alone, so that a repeated fit takes the same
path.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models._base import Sample
from automl.models._losses import Loss
from automl.models.network.network import Network
from automl.models.network.schedule import rate_share
from automl.state import State

TARGET_STEPS = 1_500  # the number of epochs is chosen to come near this
_MIN_EPOCHS = 8
_MAX_EPOCHS = 200
MIN_BATCH_ROWS = 32
USUAL_MAX_BATCH_ROWS = 256
MAX_BATCH_ROWS = 1024
_LARGE_ROWS = 50_000  # from here on batches grow beyond the usual size
_MEAN_DECAY = 0.9
_SQUARE_DECAY = 0.99
_TINY = np.float32(1e-8)


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
    restarts : int
        How often the learning rate rises anew.
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
    restarts: int = 0
    step: int = 0

    def __post_init__(self) -> None:
        self._learnt = self.network.learnt
        arrays = self._arrays
        self._means = [np.zeros_like(array) for array in arrays]
        self._squares = [np.zeros_like(array) for array in arrays]
        self.batch_rows = _batch_rows(self.rows)
        self.steps_per_epoch = math.ceil(self.rows / self.batch_rows)
        self.epochs = n_epochs(self.rows)

    def run_epoch(self, train: Sample) -> Iterator[int]:
        """Go once through all rows, yielding after each step so that a caller can check a clock.

        Parameters
        ----------
        train : Sample
            Prepared rows with encoded targets and weights.
        """
        keep_probability = 1.0 - self.dropout
        y: Any = train.y
        weight: Any = train.weight
        order = self.rng.permutation(self.rows)
        for start in range(0, self.rows, self.batch_rows):
            end = start + self.batch_rows
            rows = order[start:end]
            n_rows = np.float32(len(rows))
            gradients = self.network.gradients(
                train.X[rows],
                y[rows],
                weight[rows] / n_rows,
                self.loss,
                keep_probability,
                self.rng,
            )
            self._update(gradients)
            yield self.step

    def progress(self) -> State:
        """Return all that further steps depend on; the arrays are those of now."""
        generator = self.rng.bit_generator
        return {
            "step": self.step,
            "arrays": copies(self._arrays),
            "means": copies(self._means),
            "squares": copies(self._squares),
            "generator": generator.state,
        }

    def go_on(self, progress: State) -> None:
        """Set everything to what `progress` returned, for the same rows and hyperparameters."""
        self.step = progress["step"]
        for arrays, name in (
            (self._arrays, "arrays"),
            (self._means, "means"),
            (self._squares, "squares"),
        ):
            copy_into(arrays, progress[name])
        generator = self.rng.bit_generator
        generator.state = progress["generator"]

    @property
    def _arrays(self) -> list[Matrix]:
        return [learnt.array for learnt in self._learnt]

    def _update(self, gradients: Sequence[Any]) -> None:
        """Move all arrays by one step."""
        self.step += 1
        rate = self.current_rate()
        mean_bias = 1 - _MEAN_DECAY**self.step
        square_bias = np.float32(1 - _SQUARE_DECAY**self.step)
        shrinkage = np.float32(1 - rate * self.weight_decay)
        for index, learnt in enumerate(self._learnt):
            mean, square = self._update_moments(index, gradients[index])
            root = np.sqrt(square / square_bias)
            root += _TINY
            stride = learnt.rate * rate / mean_bias
            moved = mean / root
            moved *= np.float32(stride)
            np.subtract(learnt.array, moved, out=learnt.array)
            if learnt.decays:
                np.multiply(learnt.array, shrinkage, out=learnt.array)

    def _update_moments(self, index: int, gradient: Any) -> tuple[Matrix, Matrix]:
        """Return the running means of an array's gradients and of their squares."""
        mean = self._means[index]
        square = self._squares[index]
        mean += (1 - _MEAN_DECAY) * (gradient - mean)
        change = gradient * gradient - square
        square += (1 - _SQUARE_DECAY) * change
        return mean, square

    def current_rate(self) -> float:
        """Return the learning rate of this step."""
        all_steps = self.epochs * self.steps_per_epoch
        return self.learning_rate * rate_share(self.step / all_steps, self.restarts)


def n_epochs(rows: int) -> int:
    """Return the number of epochs of a whole training on some rows.

    >>> n_epochs(100), n_epochs(4_000), n_epochs(1_000_000)
    (200, 94, 8)
    """
    steps_per_epoch = math.ceil(rows / _batch_rows(rows))
    epochs = round(TARGET_STEPS / steps_per_epoch)
    epochs = max(_MIN_EPOCHS, epochs)
    return min(_MAX_EPOCHS, epochs)


def copies(arrays: Iterable[Matrix]) -> list[Matrix]:
    """Return independent copies of arrays."""
    return [array.copy() for array in arrays]


def copy_into(
    arrays: Sequence[Matrix],
    values: Sequence[Matrix],
) -> None:
    """Change arrays to other values, in place."""
    pairs = zip(arrays, values, strict=True)
    for array, value in pairs:
        array[...] = value


def _batch_rows(rows: int) -> int:
    """Return the number of rows of a step, about a sixteenth of all."""
    limit = USUAL_MAX_BATCH_ROWS
    if rows >= _LARGE_ROWS:
        limit = max(limit, rows // 200)
        limit = min(limit, MAX_BATCH_ROWS)
    share = max(MIN_BATCH_ROWS, rows // 16)
    return min(limit, share)
