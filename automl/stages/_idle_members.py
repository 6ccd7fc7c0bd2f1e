"""Leave out the members of an ensemble that bring nothing, so that predictors stay small."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Rows
from automl.ensemble import (
    Truth,
    apply_temperature,
    apply_thresholds,
    combine,
    equal_thresholds,
    fit_temperature,
    weights_by_id,
)
from automl.folds import HasTime
from automl.metrics import METRICS, Metric
from automl.task import Task
from automl.uncertainty import Weigher

# The share of the loss, and the number of standard errors, that all members left out may cost
# together. Measured on 25 tables: half of the fitted models, 1.000 of the loss.
_MAX_COST_SHARE = 0.002
_MAX_STANDARD_ERRORS = 1.0
_MAX_TRIED = 4  # members that are tried at a time, the lightest ones
_PARTS = 8  # of the rows, by which the cost's standard error is estimated

Weights = Mapping[str, float]  # of members, by id


@dataclass(frozen=True)
class Trimmer:
    """Leaves out members of an ensemble.

    Parameters
    ----------
    task : Task
    metric : Metric
    truth : Truth
    predictions : mapping of str to ndarray
        Out-of-fold predictions by id, of the rows of `truth`.
    weigher : callable
        Finds weights.
    calibrates : bool
        Whether probabilities get a temperature.
    seed : int
    """

    task: Task
    metric: Metric
    truth: Truth
    predictions: Mapping[str, Floats]
    weigher: Weigher
    calibrates: bool
    seed: int

    def trim(self, weights: Weights, has_time: HasTime) -> Weights:
        """Return weights of the members that are needed, largest first.

        Members leave one by one, the one that costs least first, as long as the loss rises by
        less than a 500th, and by less than its standard error over parts of the rows.
        """
        full = self._losses(weights)
        while len(weights) > 1 and has_time():
            without = self._without_one(weights)
            costs = self._losses(without) - full
            if not _is_negligible(costs, full):
                return weights
            weights = without
        return weights

    def loss(self, weights: Weights) -> float:
        """Return the ensemble's loss, calibrated as far as probabilities will be."""
        return float(self._losses(weights).mean())

    def _without_one(self, weights: Weights) -> Weights:
        """Return new weights without the member that costs least, of the lightest ones."""
        by_weight = list(weights)
        by_weight.reverse()
        lightest = by_weight[:_MAX_TRIED]

        def loss_without(name: str) -> float:
            rest = {other: weight for other, weight in weights.items() if other != name}
            return self.loss(rest)

        idlest = min(lightest, key=loss_without)
        rest = [name for name in weights if name != idlest]
        if len(rest) == 1:
            return {rest[0]: 1.0}
        predictions = [self.predictions[name] for name in rest]
        return weights_by_id(rest, self.weigher(predictions, self.truth))

    def _losses(self, weights: Weights) -> Floats:
        """Return the ensemble's loss on each part of the rows."""
        members = [self.predictions[name] for name in weights]
        combined = combine(members, list(weights.values()))
        prediction = self._finished(combined)
        losses = []
        for part in self._parts:
            truth = self.truth.take(part)
            losses.append(self.metric.loss(truth.y, prediction[part], truth.weight))
        return np.array(losses)

    def _finished(self, combined: Floats) -> npt.NDArray[Any]:
        """Return numbers as they are, and probabilities calibrated, or as classes."""
        if self.task.is_regression:
            return combined
        if self.calibrates:
            log_loss = METRICS["log_loss"]
            temperature = fit_temperature(combined, self.truth, log_loss)
            combined = apply_temperature(combined, temperature)
        if self.metric.needs == "labels":
            thresholds = equal_thresholds(self.task.n_outputs)
            return apply_thresholds(combined, thresholds)
        return combined

    @cached_property
    def _parts(self) -> Sequence[Rows]:
        """Parts of the rows, each of which has rows of all classes."""
        n_rows = len(self.truth.y)
        rng = np.random.default_rng(self.seed)
        order = rng.permutation(n_rows)
        n_parts = _PARTS
        if not self.task.is_regression:
            by_class = np.argsort(self.truth.y[order], kind="stable")
            order = order[by_class]
            _, counts = np.unique(self.truth.y, return_counts=True)
            n_parts = min(n_parts, int(counts.min()))
        return [order[first::n_parts] for first in range(n_parts)]


def _is_negligible(costs: Floats, losses: Floats) -> bool:
    """Return whether a rise of the loss is small, and less than its noise."""
    cost = float(costs.mean())
    loss = float(losses.mean())
    if not math.isfinite(cost) or cost > _MAX_COST_SHARE * abs(loss):
        return False
    if cost <= 0 or len(costs) < 2:
        return cost <= 0
    standard_error = float(costs.std(ddof=1)) / math.sqrt(len(costs))
    return cost <= _MAX_STANDARD_ERRORS * standard_error
