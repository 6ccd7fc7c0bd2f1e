"""Training of a multilayer perceptron: epochs, early stopping, and the deadline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.models._base import FitContext, Hyperparameters, Sample
from automl.models._descent import Descent
from automl.models._early_stopping import EarlyStopping
from automl.models._losses import select_loss
from automl.models._network import initial_network
from automl.models._target import TargetCoding

# Share of the epochs without a lower held-out loss after which a fit ends, but at least the number.
_PATIENCE_SHARE = 0.35
_MIN_PATIENCE_EPOCHS = 12
# Held-out rows scored together: the hidden values of many rows fill the memory.
_LOSS_SLICE_ROWS = 4096
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
        width = int(params["width"])
        hidden = [width] * int(params["layers"])
        network = initial_network(
            rows.train.X,
            (*hidden, rows.target.columns),
            int(params["waves"]),
            float(params["frequency"]),
            rng,
        )
        network.intercepts[-1][:] = _initial_scores(rows)
        self._rows = rows
        self._loss = select_loss(rows.target, context)
        self._descent = Descent(
            network,
            self._loss,
            rng,
            len(rows.train.y),
            float(params["learning_rate"]),
            float(params["weight_decay"]),
            float(params["dropout"]),
        )
        self._max_epochs = self._descent.epochs
        if context.rounds:
            self._max_epochs = min(self._max_epochs, context.rounds)
        self._stops_early = context.rounds is None and rows.held is not None
        self.best_network = network
        self.best_epoch = 0
        self.stopped = False
        self.early_stopping = EarlyStopping(self._patience)
        self._budget = context.reserve_share(_RESERVED_SHARE).budget
        if self._stops_early and self._budget.is_timed:
            share = _RESERVED_SHARE * context.budget.remaining()
            reserve = max(share, self._prediction_seconds())
            self._budget = context.budget.reserve(reserve)

    def run(self) -> None:
        """Train until the held-out loss no longer falls, the epochs are over, or the deadline."""
        if self._stops_early:
            self._run_with_early_stopping()
        else:
            self._run_all_epochs()

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

    def _run_with_early_stopping(self) -> None:
        for epoch in self._epochs():
            self._run_epoch()
            if self.stopped and self.best_epoch:
                return
            self.early_stopping.record((self._held_out_loss(),))
            if self.early_stopping.best == epoch:
                self.best_epoch = epoch
                self.best_network = self._descent.network.copy()
            if self.stopped or self.early_stopping.is_over:
                return

    def _patience(self, improved_epoch: int) -> float:
        epochs = max(_MIN_PATIENCE_EPOCHS, _PATIENCE_SHARE * self._descent.epochs)
        return math.floor(epochs) + 1

    def _epochs(self) -> range:
        last = max(1, self._max_epochs)
        return range(1, last + 1)

    def _run_epoch(self) -> None:
        train = self._rows.train
        assert train.weight is not None
        for _ in self._descent.run_epoch(train.X, train.y, train.weight):  # type: ignore[arg-type]
            if self._budget.is_timed and self._budget.remaining() <= 0:
                self.stopped = True
                return

    def _held_out_loss(self) -> float:
        held = self._rows.held
        assert held is not None
        assert held.weight is not None
        starts = range(0, len(held.y), _LOSS_SLICE_ROWS)
        total = sum(map(self._slice_loss, starts))
        return total / float(held.weight.sum())

    def _slice_loss(self, start: int) -> float:
        """Return the sum of the losses of a slice of held-out rows."""
        held = self._rows.held
        assert held is not None
        assert held.weight is not None
        rows = slice(start, start + _LOSS_SLICE_ROWS)
        scores = self._descent.network.scores(held.X[rows])
        y = held.y[rows]
        weight = held.weight[rows]
        total, _ = self._loss(scores, y, weight)
        return float(total)

    def _prediction_seconds(self) -> float:
        """Return the seconds to keep for the last held-out loss and for predicting these rows.

        Predicting takes twice as long as the loss, which is timed on one slice.
        """
        assert self._rows.held is not None
        before = self._budget.remaining()
        self._slice_loss(0)
        slice_seconds = before - self._budget.remaining()
        slices = math.ceil(len(self._rows.held.y) / _LOSS_SLICE_ROWS)
        return 3 * slice_seconds * slices


def _initial_scores(rows: TrainingRows) -> Any:
    """Return the scores to begin with: the logarithms of the classes' frequencies, or the mean."""
    train = rows.train
    if not rows.target.n_classes:
        return np.average(train.y, weights=train.weight)
    classes = train.y.astype(np.int64)
    counts = np.bincount(classes, weights=train.weight, minlength=rows.target.outputs)
    frequencies = counts / counts.sum()
    logs = np.log(np.maximum(frequencies, 1e-6))
    if rows.target.columns > 1:
        return logs
    return logs[1] - logs[0]
