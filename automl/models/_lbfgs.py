"""Minimisation of penalised linear losses by L-BFGS-B, which can stop at any step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.models._base import Floats, How, Sample
from automl.models._losses import select_loss
from automl.models._target import TargetCoding

_MAX_STEPS = 300

# Takes a point; returns a value and its gradient.
Objective = Callable[[Floats], tuple[float, Floats]]


def minimise(
    rows: Sample, target: TargetCoding, strength: float, is_sparse: bool, how: How
) -> tuple[Floats, Floats, int | None]:
    """Minimise the mean loss plus a penalty.

    Parameters
    ----------
    rows : Sample
        Encoded rows without missing values, with weights whose sum is 1.
    target : TargetCoding
    strength : float
        Factor of the penalty.
    is_sparse : bool
        Whether the penalty is L1; otherwise it is L2.
    how : How

    Returns
    -------
    coefficients : ndarray of shape (n_features, n_columns)
    intercepts : ndarray of shape (n_columns,)
    steps : int or None
        The number of steps if the deadline ended it, otherwise `how.rounds`.
    """
    from scipy.optimize import minimize

    columns = target.columns
    size = rows.X.shape[1] * columns
    deadline = _Deadline(how)
    loss = _mean_loss(rows, target, how)
    limits: list[Any] | None = None
    if is_sparse:
        objective = _l1_objective(rows, loss, strength, size)
        start = np.zeros(2 * size + columns)
        limits = [(0.0, None)] * 2 * size + [(None, None)] * columns
    else:
        objective = _l2_objective(rows, loss, strength, size)
        start = np.zeros(size + columns)
    result: Any = minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=limits,
        callback=deadline,
        options={"maxiter": how.rounds or _MAX_STEPS, "ftol": 1e-7, "gtol": 1e-5},
    )
    weights = result.x[:size]
    if is_sparse:
        weights = weights - result.x[size : 2 * size]
    steps = int(result.nit) if deadline.stopped else how.rounds
    return weights.reshape(-1, columns), result.x[-columns:].copy(), steps


def _mean_loss(rows: Sample, target: TargetCoding, how: How) -> Objective:
    """Return the mean loss as a function of all rows' scores."""
    loss = select_loss(target, how)
    return lambda scores: loss(scores, rows.y, rows.weight)


def _loss_and_gradients(
    rows: Sample, loss: Objective, weights: Floats, intercepts: Floats
) -> tuple[float, Floats, Floats]:
    """Return the mean loss and its gradients by the coefficients, flat, and by the intercepts."""
    coefficients = weights.reshape(rows.X.shape[1], -1).astype(np.float32)
    scores = (rows.X @ coefficients).astype(np.float64) + intercepts
    value, by_scores = loss(scores)
    by_weights = (rows.X.T @ by_scores.astype(np.float32)).astype(np.float64)
    return value, by_weights.reshape(-1), by_scores.sum(axis=0)


def _l2_objective(rows: Sample, loss: Objective, strength: float, size: int) -> Objective:
    def objective(point: Floats) -> tuple[float, Floats]:
        weights = point[:size]
        value, by_weights, by_intercepts = _loss_and_gradients(rows, loss, weights, point[size:])
        gradient = np.concatenate([by_weights + strength * weights, by_intercepts])
        return value + strength / 2 * float(weights @ weights), gradient

    return objective


def _l1_objective(rows: Sample, loss: Objective, strength: float, size: int) -> Objective:
    """Return an objective that is smooth in spite of the L1 penalty.

    A coefficient is the difference of two numbers that are never negative.
    """

    def objective(point: Floats) -> tuple[float, Floats]:
        weights = point[:size] - point[size : 2 * size]
        intercepts = point[2 * size :]
        value, by_weights, by_intercepts = _loss_and_gradients(rows, loss, weights, intercepts)
        gradient = np.concatenate([strength + by_weights, strength - by_weights, by_intercepts])
        return value + strength * float(point[: 2 * size].sum()), gradient

    return objective


class _Deadline:
    """A callback that ends the minimisation before a step that would not be over in time."""

    def __init__(self, how: How) -> None:
        self.stopped = False
        self._budget = how.keeping(0.1).budget
        self._seconds_left = self._budget.remaining()

    def __call__(self, intermediate_result: Any) -> None:
        """Check the clock after a step."""
        if not self._budget.timed:
            return
        left = self._budget.remaining()
        step_seconds = self._seconds_left - left
        self.stopped = left <= 2.5 * step_seconds  # predicting takes as long as a step does
        self._seconds_left = left
        if self.stopped:
            raise StopIteration
