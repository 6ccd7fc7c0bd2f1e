"""The constant: the classes' frequencies, or the mean.

It is the baseline, and the model of every family where nothing can be learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix
from automl.metrics import Metric
from automl.models._base import (
    Family,
    FitContext,
    Fitted,
    Hyperparameters,
    PlainFamily,
    Sample,
)
from automl.models._blocks import read_vector
from automl.models._target import log_clipped, relative_weights, weight_floor
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
        n_rows = len(X)
        own_shape = self.value.shape
        shape = (n_rows, *own_shape)
        repeated = np.broadcast_to(self.value, shape)
        return repeated.copy()

    def to_state(self) -> State:
        """Return the value, and whether it is a number."""
        return {
            "constant": self.value.reshape(-1),
            "number": self.value.ndim == 0,
        }

    @classmethod
    def from_state(cls, state: State) -> ConstantModel:
        """Return the model that `to_state` described."""
        value = read_vector(state, "constant", np.float64)
        is_number = state.get("number")
        if is_number and value.shape == (1,):
            value = value.reshape(())
        return cls(value)


def fit_constant(train: Sample, context: FitContext) -> ConstantModel:
    """Return the best constant for the training rows.

    It is the weighted class frequencies, or the weighted mean, or, for a metric of quantiles, the
    weighted quantile.
    """
    y = train.y
    weight = train.weight_or_ones
    if not weight.any():
        weight = np.ones_like(y)
    if context.task.is_regression:
        number = _best_number(y, weight, context.metric)
        value = np.asarray(number)
        return ConstantModel(value)
    classes = y.astype(np.int64)
    n_classes = context.task.n_outputs
    counts = np.bincount(classes, weights=weight, minlength=n_classes)
    total = counts.sum()
    frequencies = counts / total
    return ConstantModel(frequencies)


def _best_number(y: Floats, weight: Floats, metric: Metric) -> Any:
    if metric.name == "rmsle":
        logs = log_clipped(y)
        mean = np.average(logs, weights=weight)
        return np.expm1(mean)
    if metric.name == "mape":
        floor = weight_floor(y)
        relative = relative_weights(y, floor)
        weight = weight * relative
    if metric.is_quantile:
        return _weighted_quantile(y, weight, metric.quantile_level)
    return np.average(y, weights=weight)


def _weighted_quantile(y: Floats, weight: Floats, level: float) -> float:
    """Return the weighted quantile; between two values, their mean."""
    order = np.argsort(y, kind="stable")
    ascending = y[order]
    ordered_weight = weight[order]
    cumulative = np.cumsum(ordered_weight)
    total_weight = cumulative[-1]
    threshold = total_weight * level
    low = np.searchsorted(cumulative, threshold, side="left")
    high = np.searchsorted(cumulative, threshold, side="right")
    last = len(y) - 1
    high = min(high, last)
    lower = ascending[low]
    upper = ascending[high]
    doubled = float(lower + upper)
    return doubled / 2


class Constant(PlainFamily):
    """The constant as a family."""

    name = "constant"
    is_baseline = True  # learns nothing from the features
    is_quick = True
    about = "the classes' shares, or the mean: the baseline"
    seeded = False
    bagged = True
    stops = False
    recipes = ("native", "codes")

    def defaults(self, task: Task) -> dict[str, Any]:
        """Return no values: there are no hyperparameters."""
        return {}

    def prepare(
        self, train: Sample, held: Sample | None, params: Hyperparameters, context: FitContext
    ) -> Sample:
        """Return the training rows as they are."""
        return train

    def fit(self, prepared: Sample, params: Hyperparameters, context: FitContext) -> Fitted:
        """Average the targets."""
        model = fit_constant(prepared, context)
        resolved = dict(params)
        return Fitted(model, None, resolved)

    def restore(self, state: State) -> ConstantModel:
        """Return the model with the stored value."""
        return ConstantModel.from_state(state)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Return next to nothing."""
        return 1e-3


FAMILIES: tuple[Family, ...] = (Constant(),)
