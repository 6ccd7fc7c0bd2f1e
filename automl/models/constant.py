"""The constant: the classes' shares, or the mean. The baseline, and what every family falls back to where nothing can be learnt."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.models._base import Fitted, Floats, How, Matrix, Sample
from automl.models._blocks import array_of
from automl.models._target import Target, logarithms, relative, smallest
from automl.space import Space
from automl.state import State
from automl.task import Task


@dataclass(frozen=True)
class ConstantModel:
    """The same answer for every row: `value` of shape (n_classes,), or () for a number."""

    value: Floats

    def predict(self, X: Matrix) -> Floats:
        """The value, once a row."""
        return np.tile(self.value, (len(X), *[1] * self.value.ndim))

    def to_state(self) -> State:
        """The value."""
        return {"constant": self.value.reshape(-1), "number": self.value.ndim == 0}

    @classmethod
    def from_state(cls, state: State) -> ConstantModel:
        """The model that `to_state` described."""
        value = array_of(state, "constant", np.float64, 1)
        return cls(value.reshape(()) if state.get("number") and len(value) == 1 else value)


def constant(train: Sample, how: How) -> ConstantModel:
    """The best constant for the training rows: weighted shares, mean, or the quantile that the metric is about."""
    weight = (
        np.ones(len(train.y)) if train.weight is None or not train.weight.any() else train.weight
    )
    if not how.task.is_regression:
        shares = np.bincount(train.y.astype(np.int64), weights=weight, minlength=how.task.n_outputs)
        return ConstantModel(shares / shares.sum())
    if how.metric.name == "rmsle":
        return ConstantModel(np.asarray(np.expm1(np.average(logarithms(train.y), weights=weight))))
    if how.metric.name == "mape":
        weight = weight * relative(train.y, smallest(train.y))
    if how.metric.is_quantile:
        return ConstantModel(np.asarray(_quantile(train.y, weight, how.metric.level)))
    return ConstantModel(np.asarray(np.average(train.y, weights=weight)))


def _quantile(y: Floats, weight: Floats, level: float) -> float:
    """The weighted quantile; between two values, their mean."""
    order = np.argsort(y, kind="stable")
    total = np.cumsum(weight[order])
    there = total[-1] * level
    low, high = (
        np.searchsorted(total, there, side="left"),
        np.searchsorted(total, there, side="right"),
    )
    return float(y[order[low]] + y[order[min(high, len(y) - 1)]]) / 2


def nothing_to_learn(
    train: Sample, coded: Sample, target: Target, how: How
) -> ConstantModel | None:
    """The constant, where no column varies or the target does not: some libraries refuse such tables.

    Parameters
    ----------
    train, coded : Sample
        The training rows as they came, and as `Target.code` gives them.
    """
    varies = len(target.present) > 1 if target.total else _varies(coded.y)
    return None if varies and any(_varies(column) for column in coded.X.T) else constant(train, how)


def _varies(column: Any) -> bool:
    missing = np.isnan(
        column[:1]
    ).any()  # a column that begins with a missing value varies unless all are missing
    return bool(not np.isnan(column).all()) if missing else bool((column != column[0]).any())


class Constant:
    """The constant as a family."""

    name = "constant"
    about = "the classes' shares, or the mean: the baseline"
    seeded = False
    bagged = True
    stops = False
    recipes = ("native", "codes")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Nothing to search."""
        return {}

    def defaults(self, task: Task) -> dict[str, Any]:
        """Nothing to set."""
        return {}

    def implied(self, task: Task) -> dict[str, Any]:
        """Nothing: the defaults name all."""
        return {}

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> Sample:
        """The rows as they are."""
        return train

    def fit(self, prepared: Sample, params: Mapping[str, Any], how: How) -> Fitted:
        """Average."""
        return Fitted(constant(prepared, how), None, dict(params))

    def restore(self, state: State) -> ConstantModel:
        """The value."""
        return ConstantModel.from_state(state)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Next to nothing."""
        return 1e-3
