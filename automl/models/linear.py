"""The linear model: logistic or least squares regression with an L1 or L2 penalty, fitted by L-BFGS-B, which stops at any step."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.errors import UnsafeModel
from automl.models._base import Fitted, Floats, How, Matrix, Model, Sample
from automl.models._blocks import array_of, by_blocks, check_width, filled, part_of
from automl.models._losses import loss_of, sigmoid, softmax
from automl.models._quick import fit_quickly
from automl.models._target import Target
from automl.models.constant import ConstantModel, nothing_to_learn
from automl.space import Choice, Float, Space
from automl.state import State
from automl.task import Task

_STEPS = 300
_REACH = 1.0  # how far beyond the training targets a prediction may go, in their ranges

Scores = Callable[[Floats], tuple[float, Floats]]  # a value and its gradient


@dataclass(frozen=True)
class LinearModel:
    """Coefficients of shape (n_features, n_columns), intercepts of shape (n_columns,), and the bounds of a predicted number."""

    coefficients: Floats
    intercepts: Floats
    bounds: Floats
    target: Target

    def predict(self, X: Matrix) -> Floats:
        """Products in blocks; a missing value counts as 0."""
        check_width(X, len(self.coefficients))
        answers = by_blocks(self._answer, filled(X))
        return self.target.spread(answers if answers.shape[1] > 1 else answers[:, 0])

    def _answer(self, block: Matrix) -> Floats:
        scores: Floats = block.astype(np.float64) @ self.coefficients + self.intercepts
        if not self.target.total:
            return np.clip(scores, self.bounds[0], self.bounds[1])
        found: Floats = sigmoid(scores) if scores.shape[1] == 1 else softmax(scores)
        return found

    def to_state(self) -> State:
        """The numbers."""
        target = self.target.to_state()
        return {
            "coefficients": self.coefficients,
            "intercepts": self.intercepts,
            "bounds": self.bounds,
            "target": target,
        }


@dataclass(frozen=True)
class Rows:
    """What a linear model is fitted to: coded rows without missing values, or the answer where nothing can be learnt."""

    X: Matrix
    y: Floats
    weight: Floats
    target: Target
    settled: ConstantModel | None


class Linear:
    """Logistic and linear regression."""

    name = "linear"
    about = "logistic or linear regression with an L1 or L2 penalty"
    seeded = False
    bagged = True
    stops = True
    recipes = ("onehot", "scaled_target", "quantile", "pieces")

    def space(self, task: Task, codes: bool = True) -> Space:
        """Inverse strength and kind of the penalty."""
        return {"C": Float(1e-3, 1e3, log=True), "penalty": Choice(("l2", "l1"))}

    def defaults(self, task: Task) -> dict[str, Any]:
        """scikit-learn's."""
        return {"C": 1.0, "penalty": "l2"}

    def implied(self, task: Task) -> dict[str, Any]:
        """Nothing: the defaults name all."""
        return {}

    def binning(self, params: Mapping[str, Any]) -> Hashable:
        """One preparation for all."""
        return ()

    def prepare(
        self, train: Sample, held: Sample | None, params: Mapping[str, Any], how: How
    ) -> Rows:
        """The rows, coded and filled."""
        target = Target.of(train, how)
        rows = target.code(train)
        weight = np.ones(len(rows.y)) if rows.weight is None else rows.weight
        return Rows(
            filled(rows.X),
            rows.y,
            weight / max(1, len(rows.y)),
            target,
            nothing_to_learn(train, rows, target, how),
        )

    def fit(self, prepared: Rows, params: Mapping[str, Any], how: How) -> Fitted:
        """Minimise mean loss + penalty / (C x rows); `quick` is the run's first model, in NumPy alone with a penalty of its own."""
        asked = self.defaults(how.task) | dict(params)
        if prepared.settled is not None:
            return Fitted(prepared.settled, None, asked)
        if asked.get("quick"):
            found = fit_quickly(prepared.X, prepared.y, prepared.weight, prepared.target, how)
            return Fitted(LinearModel(*found, _bounds(prepared), prepared.target), None, asked)
        strength = 1.0 / (float(asked["C"]) * len(prepared.y))
        weights, intercepts, steps = _minimise(
            prepared, _scored(prepared, how), strength, asked["penalty"] == "l1", how
        )
        model = LinearModel(weights, intercepts, _bounds(prepared), prepared.target)
        return Fitted(model, steps, asked, stopped=steps != how.rounds)

    def restore(self, state: State) -> Model:
        """The numbers, checked against one another."""
        if "constant" in state:
            return ConstantModel.from_state(state)
        target = Target.from_state(part_of(state, "target"))
        weights, intercepts = (
            array_of(state, "coefficients", np.float64, 2),
            array_of(state, "intercepts", np.float64, 1),
        )
        bounds = array_of(state, "bounds", np.float64, 1)
        columns = target.columns
        if weights.shape[1] != columns or len(intercepts) != columns or len(bounds) != 2:
            raise UnsafeModel("the model file's linear model has arrays that do not fit together")
        return LinearModel(weights, intercepts, bounds, target)

    def cost(self, rows: int, features: int, outputs: int, models: int = 1) -> float:
        """Measured: 0.02 s for 10 000 x 20."""
        return 0.01 + 1e-7 * rows * features * max(1, outputs - 1)


def _bounds(rows: Rows) -> Floats:
    """Lowest and highest number to predict: lines go anywhere when a table brings values far from the training rows'."""
    low, high = float(rows.y.min()), float(rows.y.max())
    return np.array([low - _REACH * (high - low), high + _REACH * (high - low)])


def _scored(rows: Rows, how: How) -> Scores:
    """The mean loss of all rows' scores."""
    loss = loss_of(rows.target, how)
    return lambda scores: loss(scores, rows.y, rows.weight)


def _minimise(
    rows: Rows, loss: Scores, strength: float, sparse: bool, how: How
) -> tuple[Floats, Floats, int | None]:
    """Coefficients, intercepts, and whether the deadline ended it."""
    from scipy.optimize import minimize

    columns, watch = rows.target.columns, _Deadline(how)
    size = rows.X.shape[1] * columns
    limits = [(0.0, None)] * 2 * size + [(None, None)] * columns if sparse else None
    found: Any = minimize(
        _sparse(rows, loss, strength) if sparse else _ridge(rows, loss, strength),
        np.zeros((2 * size if sparse else size) + columns),
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        callback=watch,
        options={"maxiter": how.rounds or _STEPS, "ftol": 1e-7, "gtol": 1e-5},
    )
    weights = found.x[:size] - found.x[size : 2 * size] if sparse else found.x[:size]
    return (
        weights.reshape(-1, columns),
        found.x[-columns:].copy(),
        int(found.nit) if watch.stopped else how.rounds,
    )


def _smooth(
    rows: Rows, loss: Scores, weights: Floats, intercepts: Floats
) -> tuple[float, Floats, Floats]:
    """The mean loss and its gradients by the coefficients, flat, and by the intercepts."""
    table = weights.reshape(rows.X.shape[1], -1).astype(np.float32)
    value, by_scores = loss((rows.X @ table).astype(np.float64) + intercepts)
    by_weights = (rows.X.T @ by_scores.astype(np.float32)).astype(np.float64)
    return value, by_weights.reshape(-1), by_scores.sum(axis=0)


def _ridge(rows: Rows, loss: Scores, strength: float) -> Scores:
    """The objective with the L2 penalty."""
    size = rows.X.shape[1] * rows.target.columns

    def objective(point: Floats) -> tuple[float, Floats]:
        weights = point[:size]
        value, by_weights, by_intercepts = _smooth(rows, loss, weights, point[size:])
        return value + strength / 2 * float(weights @ weights), np.concatenate(
            [by_weights + strength * weights, by_intercepts]
        )

    return objective


def _sparse(rows: Rows, loss: Scores, strength: float) -> Scores:
    """The objective with the L1 penalty: a coefficient is the difference of two that are never negative, so all is smooth."""
    size = rows.X.shape[1] * rows.target.columns

    def objective(point: Floats) -> tuple[float, Floats]:
        weights = point[:size] - point[size : 2 * size]
        value, by_weights, by_intercepts = _smooth(rows, loss, weights, point[2 * size :])
        gradient = np.concatenate([strength + by_weights, strength - by_weights, by_intercepts])
        return value + strength * float(point[: 2 * size].sum()), gradient

    return objective


class _Deadline:
    """Ends the minimisation before a step that would not be over in time."""

    def __init__(self, how: How) -> None:
        self.budget, self.stopped = how.keeping(0.1).budget, False
        self.left = self.budget.remaining()

    def __call__(self, intermediate_result: Any) -> None:
        """Called after each step."""
        if not self.budget.timed:
            return
        left = self.budget.remaining()
        self.stopped = left <= 2.5 * (self.left - left)  # predicting takes as long as a step does
        self.left = left
        if self.stopped:
            raise StopIteration
