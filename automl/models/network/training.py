"""Training of a network: epochs, early stopping, and the deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

import numpy as np

from automl.arrays import Matrix
from automl.models._base import FitContext, Fitted, Hyperparameters, Sample
from automl.models._early_stopping import EarlyStopping
from automl.models._losses import Loss
from automl.models._rows import EncodedRows, encode_rows
from automl.models._target import TargetCoding
from automl.models.constant import ConstantModel, fit_constant
from automl.models.network.held_out import HeldOut
from automl.models.network.learner import Learner, NetworkT

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

    @classmethod
    def of(cls, encoded: EncodedRows, held: Sample | None) -> TrainingRows:
        """Return encoded training rows with those to stop by, as far as these can be encoded."""
        rows = cls(encoded.sample, None, encoded.target)
        if held is None:
            return rows
        held = encoded.target.encode(held)
        if not len(held.y):
            return rows
        return replace(rows, held=held)

    def prepare(self, function: Callable[[Matrix], Matrix]) -> TrainingRows:
        """Return the rows as a network takes them: single precision, each with a weight."""
        held = self.held
        if held is not None:
            held = _prepare(held, function)
        train = _prepare(self.train, function)
        return TrainingRows(train, held, self.target)


@dataclass(frozen=True)
class PreparedRows:
    """Rows to train on and to stop by.

    Parameters
    ----------
    rows : TrainingRows
    constant : ConstantModel
        The model where nothing can be learnt, or there is no time for it.
    is_learnable : bool
    """

    rows: TrainingRows
    constant: ConstantModel
    is_learnable: bool

    @classmethod
    def of(
        cls,
        train: Sample,
        held: Sample | None,
        context: FitContext,
    ) -> PreparedRows:
        """Return rows with encoded targets."""
        encoded = encode_rows(train, context)
        rows = TrainingRows.of(encoded, held)
        constant = encoded.fallback
        if constant is None:
            constant = fit_constant(train, context)
        return cls(rows, constant, encoded.fallback is None)

    def is_constant(self, context: FitContext) -> bool:
        """Return whether the constant is the model, as where a fit without epochs is repeated."""
        return not self.is_learnable or context.rounds == 0

    def without_time(self, resolved: Hyperparameters) -> Fitted:
        """Return the constant, of a fit that had no time for a whole epoch."""
        return Fitted(self.constant, 0, resolved, hit_deadline=True)


def _prepare(
    sample: Sample,
    function: Callable[[Matrix], Matrix],
) -> Sample:
    y: Any = sample.y.astype(np.float32)
    weight: Any = sample.weight_or_ones.astype(np.float32)
    X = function(sample.X)
    return replace(sample, X=X, y=y, weight=weight)


class Training(Generic[NetworkT]):
    """Trains epoch after epoch.

    It keeps the network whose held-out loss was lowest, or the last one where nothing is held out.
    Only whole epochs count, so that a repeated fit gives the same network.

    Parameters
    ----------
    learner : Learner
    rows : TrainingRows
        Prepared.
    loss : callable
        The loss that the network learns by.
    context : FitContext
    """

    def __init__(
        self,
        learner: Learner[NetworkT],
        rows: TrainingRows,
        loss: Loss,
        context: FitContext,
    ) -> None:
        self._learner = learner
        self._max_epochs = learner.epochs
        if context.rounds:
            self._max_epochs = min(self._max_epochs, context.rounds)
        self._held: HeldOut | None = None
        is_judged = context.rounds is None or context.resumable
        if is_judged and rows.held is not None:
            self._held = HeldOut(rows.held, rows.target, loss, context)
        self.loss_unit = _loss_unit(rows.target, context)
        self.best_network = learner.snapshot()
        self.best_epoch = 0
        self.stopped = False
        self.early_stopping = EarlyStopping(learner.patience)
        self._budget = context.reserve_share(_RESERVED_SHARE).budget
        if self._held is not None and self._budget.is_timed:
            share = _RESERVED_SHARE * context.budget.remaining()
            reserve = max(share, self._prediction_seconds(self._held))
            self._budget = context.budget.reserve(reserve)

    def go_on(
        self,
        losses: Iterable[Sequence[float]],
        best_network: NetworkT,
    ) -> None:
        """Take epochs for done, given their held-out losses and the network of the best one."""
        for each in losses:
            self.early_stopping.record(tuple(each))
        self.best_epoch = self.early_stopping.best
        self.best_network = best_network

    @property
    def is_judged(self) -> bool:
        """Whether held-out rows choose the epoch."""
        return self._held is not None

    def run(self) -> None:
        """Train until the held-out loss no longer falls, the epochs are over, or the deadline."""
        if self._held is None:
            self._run_all_epochs()
        else:
            self._run_with_early_stopping(self._held)

    def _run_all_epochs(self) -> None:
        last = max(self._epochs())
        for epoch in self._epochs():
            self._run_epoch()
            if self.stopped:
                return
            self.best_epoch = epoch
            may_be_last = self._budget.is_timed  # it may end within the next epoch
            if may_be_last or epoch == last:
                self.best_network = self._learner.snapshot()

    def _run_with_early_stopping(self, held: HeldOut) -> None:
        for epoch in self._epochs():
            if self.early_stopping.is_over:
                return
            self._run_epoch()
            if self.stopped:
                return
            losses = held.losses(self._learner)
            self.early_stopping.record(losses)
            if self.early_stopping.best == epoch:
                self.best_epoch = epoch
                self.best_network = self._learner.snapshot()

    def _epochs(self) -> range:
        """The epochs that are not done yet."""
        last = max(1, self._max_epochs)
        return range(self.early_stopping.steps + 1, last + 1)

    def _run_epoch(self) -> None:
        for _ in self._learner.run_epoch():
            if self._budget.is_timed and self._budget.remaining() <= 0:
                self.stopped = True
                return

    def _prediction_seconds(self, held: HeldOut) -> float:
        """Return the seconds to keep for the last held-out loss and for predicting these rows.

        The loss is timed on one slice.
        """
        before = self._budget.remaining()
        held.slice_outputs(self._learner)
        slice_seconds = before - self._budget.remaining()
        factor = 1 + self._learner.prediction_factor
        return factor * slice_seconds * held.n_slices


def _loss_unit(target: TargetCoding, context: FitContext) -> float:
    """Return what a loss of encoded targets is multiplied by, to be one of the task's own."""
    if target.n_classes:
        return 1.0
    if context.metric.is_quantile:
        return target.scale
    return target.scale**2
