"""A multilayer perceptron in training: how it begins, and its epochs of descent."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from automl.arrays import Matrix
from automl.models._base import Hyperparameters, Sample
from automl.models._losses import Loss
from automl.models._target import TargetCoding
from automl.models.network.descent import Descent, copies, copy_into
from automl.models.network.input_layer import InputSizes, initial_input_layer
from automl.models.network.network import Architecture, Network, initial_network
from automl.state import State

# Share of the epochs without a lower held-out loss after which a fit ends, but at least the number.
_PATIENCE_SHARE = 0.35
_MIN_PATIENCE_EPOCHS = 12
_MIN_WIDTH = 8


class PerceptronLearner:
    """A perceptron and its descent.

    Parameters
    ----------
    network : Network
        Changed in place.
    train : Sample
        Prepared rows.
    loss : callable
    params : mapping
    rng : Generator
    """

    prediction_factor = 2.0  # in double precision, and in small blocks

    def __init__(
        self,
        network: Network,
        train: Sample,
        loss: Loss,
        params: Hyperparameters,
        rng: np.random.Generator,
    ) -> None:
        self._network = network
        self._train = train
        self._descent = Descent(
            network,
            loss,
            rng,
            len(train.y),
            float(params["learning_rate"]),
            float(params["weight_decay"]),
            float(params["dropout"]),
            int(params["restarts"]),
        )
        self.epochs = self._descent.epochs

    def run_epoch(self) -> Iterator[int]:
        """Go once through all rows, yielding after each step."""
        return self._descent.run_epoch(self._train)

    def scores(self, X: Matrix) -> Matrix:
        """Return the members' scores of prepared rows."""
        return self._network.scores(X)

    def snapshot(self) -> Network:
        """Return a copy of the network."""
        return self._network.copy()

    def progress(self, best: Network) -> State:
        """Return all that further epochs depend on, and the best network so far."""
        arrays = [learnt.array for learnt in best.learnt]
        return {**self._descent.progress(), "best": copies(arrays)}

    def go_on(self, progress: State) -> Network:
        """Set everything to what `progress` returned, and return the best network so far."""
        self._descent.go_on(progress)
        best = self.snapshot()
        arrays = [learnt.array for learnt in best.learnt]
        copy_into(arrays, progress["best"])
        return best

    def patience(self, improved_epoch: int) -> float:
        """Return the epochs without improvement after which a fit ends."""
        share = _PATIENCE_SHARE * self.epochs
        epochs = max(_MIN_PATIENCE_EPOCHS, share)
        return math.floor(epochs) + 1


def initial_perceptron(
    train: Sample,
    target: TargetCoding,
    params: Hyperparameters,
    rng: np.random.Generator,
) -> Network:
    """Return a network of random weights that predicts the frequencies or the mean.

    Parameters
    ----------
    train : Sample
        Encoded rows.
    target : TargetCoding
    params : mapping
    rng : Generator
    """
    sizes = InputSizes(
        cosines=int(params["waves"]),
        frequency=float(params["frequency"]),
        pieces=int(params["pieces"]),
        vector=int(params["vector"]),
    )
    levels = [feature.levels for feature in train.features]
    inputs = initial_input_layer(train.X, tuple(levels), sizes, rng)
    network = initial_network(
        inputs,
        architecture_of(params),
        target.columns,
        int(params["members"]),
        rng,
    )
    network.last.intercepts[:] = initial_scores(train, target)
    return network


def architecture_of(params: Hyperparameters) -> Architecture:
    """Return the hidden blocks that hyperparameters ask for.

    Each block has a part of the width of the one before it, but at least 8 values.
    """
    first = int(params["width"])
    taper = float(params["taper"])
    widths = []
    for index in range(int(params["layers"])):
        width = round(first * taper**index)
        widths.append(max(_MIN_WIDTH, width))
    return Architecture(
        tuple(widths),
        str(params["block"]),
        str(params["activation"]),
        bool(params["normalised"]),
    )


def initial_scores(train: Sample, target: TargetCoding) -> Any:
    """Return the scores to begin with: the logarithms of the classes' frequencies, or the mean."""
    if not target.n_classes:
        return np.average(train.y, weights=train.weight)
    classes = train.y.astype(np.int64)
    counts = np.bincount(classes, train.weight, target.outputs)
    frequencies = counts / counts.sum()
    bounded = np.maximum(frequencies, 1e-6)
    logs = np.log(bounded)
    if target.columns > 1:
        return logs
    return logs[1] - logs[0]
