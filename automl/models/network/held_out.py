"""How good a network is on held-out rows, after each epoch of its training."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.arrays import Floats
from automl.models._base import FitContext, Sample
from automl.models._early_stopping import MIN_HELD_OUT_ROWS_FOR_METRIC, HeldOutLosses
from automl.models._losses import Loss
from automl.models._target import TargetCoding
from automl.models.network.learner import Scorer
from automl.models.network.outputs import mean_output, output_loss

# Rows scored together: the hidden values of many rows fill the memory.
_SLICE_ROWS = 4096
# The loss itself chooses the epoch. With MAPE it is weighted by relative errors.
_PROXIED_METRICS = ("rmse", "log_loss", "r2", "mape")
_UNBOUNDED = np.array([-np.inf, np.inf])


@dataclass(frozen=True)
class HeldOut:
    """Held-out rows, and what a network's outputs for them are measured by.

    Parameters
    ----------
    sample : Sample
        Prepared rows with encoded targets and weights.
    target : TargetCoding
    loss : callable
        The loss that the network learns by.
    context : FitContext
    """

    sample: Sample
    target: TargetCoding
    loss: Loss
    context: FitContext

    def losses(self, network: Scorer) -> HeldOutLosses:
        """Return the metric's loss where it chooses the epoch, and the loss that ends the fit."""
        slices = []
        for start in self._starts:
            part = self.slice_outputs(network, start)
            slices.append(part)
        outputs = np.concatenate(slices)
        loss = output_loss(
            outputs,
            self.sample,
            self.target,
            self.loss,
        )
        if not self._metric_chooses:
            return (loss,)
        prediction = self.target.to_prediction(outputs)
        metric_loss = self.context.metric.loss_of_output(
            self._truth,
            prediction,
            self.sample.weight,
        )
        return metric_loss, loss

    @property
    def n_slices(self) -> int:
        """Number of slices that the rows are scored in."""
        return len(self._starts)

    def slice_outputs(self, network: Scorer, start: int = 0) -> Floats:
        """Return the members' mean output for a slice of rows."""
        end = start + _SLICE_ROWS
        X = self.sample.X[start:end]
        scores = network.scores(X)
        return mean_output(scores, self.target, _UNBOUNDED)

    @cached_property
    def _truth(self) -> Floats:
        """The targets as the metric takes them."""
        return self.target.decode(self.sample.y)

    @property
    def _starts(self) -> range:
        n_rows = len(self.sample.y)
        return range(0, n_rows, _SLICE_ROWS)

    @property
    def _metric_chooses(self) -> bool:
        """Whether the run's own metric chooses the epoch.

        That is so where it reads what a network learns, and chance decides little.
        """
        metric = self.context.metric
        if metric.needs == "labels" or metric.name in _PROXIED_METRICS:
            return False
        return len(self.sample.y) >= MIN_HELD_OUT_ROWS_FOR_METRIC
