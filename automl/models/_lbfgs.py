"""Minimisation of penalised linear losses by L-BFGS-B, which can stop at any step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from automl.arrays import Floats
from automl.models._base import FitContext, Sample
from automl.models._losses import select_loss
from automl.models._target import TargetCoding

_MAX_STEPS = 300

# Takes a point; returns a value and its gradient.
ValueAndGradient = tuple[float, Floats]
Objective = Callable[[Floats], ValueAndGradient]


def minimise(
    rows: Sample, target: TargetCoding, strength: float, is_sparse: bool, context: FitContext
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
    context : How

    Returns
    -------
    coefficients : ndarray of shape (n_features, n_columns)
    intercepts : ndarray of shape (n_columns,)
    steps : int or None
        The number of steps if the deadline ended it, otherwise `context.rounds`.
    """
    from scipy.optimize import minimize

    columns = target.columns
    size = rows.X.shape[1] * columns
    deadline = _Deadline(context)
    loss = _mean_loss(rows, target, context)
    limits: list[Any] | None = None
    if is_sparse:
        n_parts = 2 * size
        objective = _l1_objective(rows, loss, strength, size)
        start = np.zeros(n_parts + columns)
        not_negative = (0.0, None)
        unbounded = (None, None)
        limits = [not_negative] * n_parts
        limits += [unbounded] * columns
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
        options={
            "maxiter": context.rounds or _MAX_STEPS,
            "ftol": 1e-7,
            "gtol": 1e-5,
        },
    )
    weights = result.x[:size]
    if is_sparse:
        weights = _difference(result.x, size)
    coefficients = weights.reshape(-1, columns)
    intercepts = result.x[-columns:].copy()
    if deadline.stopped:
        return coefficients, intercepts, int(result.nit)
    return coefficients, intercepts, context.rounds


def _mean_loss(rows: Sample, target: TargetCoding, context: FitContext) -> Objective:
    """Return the mean loss as a function of all rows' scores."""
    loss = select_loss(target, context)
    return lambda scores: loss(scores, rows.y, rows.weight)


class _LossAndGradients(NamedTuple):
    value: float
    by_weights: Floats
    by_intercepts: Floats


def _evaluate(
    rows: Sample, loss: Objective, weights: Floats, intercepts: Floats
) -> _LossAndGradients:
    """Return the mean loss and its gradients by the coefficients, flat, and by the intercepts."""
    n_features = rows.X.shape[1]
    coefficients = weights.reshape(n_features, -1)
    products = rows.X @ coefficients.astype(np.float32)
    scores = products.astype(np.float64) + intercepts
    value, by_scores = loss(scores)
    by_products = by_scores.astype(np.float32)
    by_coefficients = rows.X.T @ by_products
    by_weights = by_coefficients.astype(np.float64)
    return _LossAndGradients(
        value=value,
        by_weights=by_weights.reshape(-1),
        by_intercepts=by_scores.sum(axis=0),
    )


def _l2_objective(rows: Sample, loss: Objective, strength: float, size: int) -> Objective:
    def objective(point: Floats) -> ValueAndGradient:
        weights = point[:size]
        intercepts = point[size:]
        smooth = _evaluate(rows, loss, weights, intercepts)
        squares = float(weights @ weights)
        value = smooth.value + strength / 2 * squares
        by_weights = smooth.by_weights + strength * weights
        gradient = np.concatenate([by_weights, smooth.by_intercepts])
        return value, gradient

    return objective


def _l1_objective(rows: Sample, loss: Objective, strength: float, size: int) -> Objective:
    """Return an objective that is smooth in spite of the L1 penalty.

    A coefficient is the difference of two numbers that are never negative.
    """

    def objective(point: Floats) -> ValueAndGradient:
        weights = _difference(point, size)
        intercepts = point[2 * size :]
        smooth = _evaluate(rows, loss, weights, intercepts)
        magnitudes = point[: 2 * size]
        value = smooth.value + strength * float(magnitudes.sum())
        by_positive = strength + smooth.by_weights
        by_negative = strength - smooth.by_weights
        gradient = np.concatenate([by_positive, by_negative, smooth.by_intercepts])
        return value, gradient

    return objective


def _difference(point: Floats, size: int) -> Floats:
    """Return the first `size` numbers of a point minus the next `size`."""
    return point[:size] - point[size : 2 * size]


class _Deadline:
    """A callback that ends the minimisation before a step that would not be over in time."""

    def __init__(self, context: FitContext) -> None:
        self.stopped = False
        self._budget = context.reserve_share(0.1).budget
        self._seconds_left = self._budget.remaining()

    def __call__(self, intermediate_result: Any) -> None:
        """Check the clock after a step."""
        if not self._budget.is_timed:
            return
        left = self._budget.remaining()
        step_seconds = self._seconds_left - left
        self.stopped = left <= 2.5 * step_seconds  # predicting takes as long as a step does
        self._seconds_left = left
        if self.stopped:
            raise StopIteration
