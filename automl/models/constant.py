"""The constant: the classes' frequencies, or the mean.

It is the baseline, and the model of every family where nothing can be learnt.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.models._base import Fitted, Floats, How, Matrix, Params, Sample
from automl.models._blocks import read_array
from automl.models._target import log_clipped, relative_weights, weight_floor
from automl.space import Space
from automl.state import State
from automl.task import Task


@dataclass(frozen=True)
class ConstantModel:
    """Predicts the same for every row.

    Parameters
    ----------
    value : ndarray of shape (n_classes,), or () for a number
    """

    value: Floats

    def predict(self, X: Matrix) -> Floats:
        """Return the value once for each row."""
        repeats = (len(X),) + (1,) * self.value.ndim
        return np.tile(self.value, repeats)

    def to_state(self) -> State:
        """Return the value, and whether it is a number."""
        return {"constant": self.value.reshape(-1), "number": self.value.ndim == 0}

    @classmethod
    def from_state(cls, state: State) -> ConstantModel:
        """Return the model that `to_state` described."""
        value = read_array(state, "constant", np.float64, 1)
        is_number = state.get("number") and len(value) == 1
        return cls(value.reshape(()) if is_number else value)


def constant(train: Sample, how: How) -> ConstantModel:
    """Return the best constant for the training rows.

    It is the weighted class frequencies, or the weighted mean, or, for a metric of quantiles, the
    weighted quantile.
    """
    weight = train.weight
    if weight is None or not weight.any():
        weight = np.ones(len(train.y))
    if not how.task.is_regression:
        classes = train.y.astype(np.int64)
        counts = np.bincount(classes, weights=weight, minlength=how.task.n_outputs)
        return ConstantModel(counts / counts.sum())
    return ConstantModel(np.asarray(_best_number(train.y, weight, how)))


def _best_number(y: Floats, weight: Floats, how: How) -> Any:
    metric = how.metric
    if metric.name == "rmsle":
        return np.expm1(np.average(log_clipped(y), weights=weight))
    if metric.name == "mape":
        weight = weight * relative_weights(y, weight_floor(y))
    if metric.is_quantile:
        return _weighted_quantile(y, weight, metric.level)
    return np.average(y, weights=weight)


def _weighted_quantile(y: Floats, weight: Floats, level: float) -> float:
    """Return the weighted quantile; between two values, their mean."""
    order = np.argsort(y, kind="stable")
    cumulative = np.cumsum(weight[order])
    threshold = cumulative[-1] * level
    low = np.searchsorted(cumulative, threshold, side="left")
    high = np.searchsorted(cumulative, threshold, side="right")
    return float(y[order[low]] + y[order[min(high, len(y) - 1)]]) / 2


class Constant:
    """The constant as a family."""

    name = "constant"
    about = "the classes' shares, or the mean: the baseline"
    seeded = False
    bagged = True
    stops = False
    recipes = ("native", "codes")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Return no ranges: there is nothing to search."""
        return {}

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return no values: there are no hyperparameters."""
        return {}

    def implied(self, task: Task) -> dict[str, Any]:
        """Return no values: there are no hyperparameters."""
        return {}

    def binning(self, params: Params) -> Hashable:
        """Return one key: all fits share one preparation."""
        return ()

    def prepare(self, train: Sample, held: Sample | None, params: Params, how: How) -> Sample:
        """Return the training rows as they are."""
        return train

    def fit(self, prepared: Sample, params: Params, how: How) -> Fitted:
        """Average the targets."""
        return Fitted(constant(prepared, how), None, dict(params))

    def restore(self, state: State) -> ConstantModel:
        """Return the model with the stored value."""
        return ConstantModel.from_state(state)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return next to nothing."""
        return 1e-3
