"""Training of a multilayer perceptron: epochs, early stopping, and the deadline."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.models._base import FitContext, Hyperparameters, Sample
from automl.models._early_stopping import EarlyStopping
from automl.models._losses import select_loss
from automl.models._target import TargetCoding
from automl.models.network.descent import Descent
from automl.models.network.held_out import HeldOut
from automl.models.network.input_layer import InputSizes, initial_input_layer
from automl.models.network.network import Network, initial_network

# Share of the epochs without a lower held-out loss after which a fit ends, but at least the number.
_PATIENCE_SHARE = 0.35
_MIN_PATIENCE_EPOCHS = 12
_RESERVED_SHARE = 0.05  # of the seconds, for the work after the training


@dataclass(frozen=True)
class TrainingRows:
    """Encoded rows without missing values.

    Parameters
    ----------
    train, held : Sample
        Rows to train on, and rows to stop by or None; all have weights.
    target : TargetCoding
    """

    train: Sample
    held: Sample | None
    target: TargetCoding

    def prepare(self, network: Network) -> TrainingRows:
        """Return the rows as a network takes them."""
        held = self.held
        if held is not None:
            held = _prepare(held, network)
        train = _prepare(self.train, network)
        return TrainingRows(train, held, self.target)


def _prepare(sample: Sample, network: Network) -> Sample:
    """Return rows as the network takes them, in single precision, each with a weight."""
    y: Any = sample.y.astype(np.float32)
    weight: Any = sample.weight_or_ones.astype(np.float32)
    X = network.inputs.prepare(sample.X)
    return replace(sample, X=X, y=y, weight=weight)


class Training:
    """Trains epoch after epoch.

    It keeps the network whose held-out loss was lowest, or the last one where nothing is held out.
    """

    def __init__(
        self,
        rows: TrainingRows,
        params: Hyperparameters,
        context: FitContext,
    ) -> None:
        rng = np.random.default_rng(context.seed)
        network = _initial_network(rows, params, rng)
        rows = rows.prepare(network)
        smoothing = float(params["smoothing"])
        loss = select_loss(rows.target, context, smoothing)
        self._train = rows.train
        self._descent = Descent(
            network,
            loss,
            rng,
            len(rows.train.y),
            float(params["learning_rate"]),
            float(params["weight_decay"]),
            float(params["dropout"]),
            int(params["restarts"]),
        )
        self._max_epochs = self._descent.epochs
        if context.rounds:
            self._max_epochs = min(self._max_epochs, context.rounds)
        self._held: HeldOut | None = None
        if context.rounds is None and rows.held is not None:
            self._held = HeldOut(rows.held, rows.target, loss, context)
        self.best_network = network
        self.best_epoch = 0
        self.stopped = False
        self.early_stopping = EarlyStopping(self._patience)
        self._budget = context.reserve_share(_RESERVED_SHARE).budget
        if self._held is not None and self._budget.is_timed:
            share = _RESERVED_SHARE * context.budget.remaining()
            reserve = max(share, self._prediction_seconds(self._held))
            self._budget = context.budget.reserve(reserve)

    def run(self) -> None:
        """Train until the held-out loss no longer falls, the epochs are over, or the deadline."""
        if self._held is None:
            self._run_all_epochs()
        else:
            self._run_with_early_stopping(self._held)

    def _run_all_epochs(self) -> None:
        for epoch in self._epochs():
            self._run_epoch()
            if self.stopped and self.best_epoch:
                return
            self.best_epoch = epoch
            if self.stopped:
                return
            if self._budget.is_timed:  # it may end within the next epoch
                self.best_network = self._descent.network.copy()

    def _run_with_early_stopping(self, held: HeldOut) -> None:
        for epoch in self._epochs():
            self._run_epoch()
            if self.stopped and self.best_epoch:
                return
            losses = held.losses(self._descent.network)
            self.early_stopping.record(losses)
            if self.early_stopping.best == epoch:
                self.best_epoch = epoch
                self.best_network = self._descent.network.copy()
            if self.stopped or self.early_stopping.is_over:
                return

    def _patience(self, improved_epoch: int) -> float:
        share = _PATIENCE_SHARE * self._descent.epochs
        epochs = max(_MIN_PATIENCE_EPOCHS, share)
        return math.floor(epochs) + 1

    def _epochs(self) -> range:
        last = max(1, self._max_epochs)
        return range(1, last + 1)

    def _run_epoch(self) -> None:
        for _ in self._descent.run_epoch(self._train):
            if self._budget.is_timed and self._budget.remaining() <= 0:
                self.stopped = True
                return

    def _prediction_seconds(self, held: HeldOut) -> float:
        """Return the seconds to keep for the last held-out loss and for predicting these rows.

        Predicting takes twice as long as the loss, which is timed on one slice.
        """
        before = self._budget.remaining()
        held.slice_outputs(self._descent.network)
        slice_seconds = before - self._budget.remaining()
        return 3 * slice_seconds * held.n_slices


def _initial_network(
    rows: TrainingRows,
    params: Hyperparameters,
    rng: np.random.Generator,
) -> Network:
    sizes = InputSizes(
        cosines=int(params["waves"]),
        frequency=float(params["frequency"]),
        pieces=int(params["pieces"]),
        vector=int(params["vector"]),
    )
    train = rows.train
    levels = [feature.levels for feature in train.features]
    inputs = initial_input_layer(train.X, tuple(levels), sizes, rng)
    width = int(params["width"])
    depth = int(params["layers"])
    outputs = [width] * depth
    outputs.append(rows.target.columns)
    n_members = int(params["members"])
    network = initial_network(inputs, outputs, n_members, rng)
    network.last.intercepts[:] = _initial_scores(rows)
    return network


def _initial_scores(rows: TrainingRows) -> Any:
    """Return the scores to begin with: the logarithms of the classes' frequencies, or the mean."""
    train = rows.train
    target = rows.target
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
