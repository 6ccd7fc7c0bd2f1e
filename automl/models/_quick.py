"""A linear model fitted in NumPy alone, in a bounded number of steps.

It is ridge regression, or logistic regression by a fixed bound of its curvature. No SciPy is
imported: a process that has loaded nothing else is ready in a fraction of a second.

References
----------
Böhning and Lindsay 1988, "Monotonicity of quadratic-approximation algorithms": p (1 - p) is at most
1/4, and with several classes the curvature is at most 1/2, so one factorisation serves all steps.
Golub, Heath and Wahba 1979, "Generalized cross-validation".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats
from automl.models._base import FitContext, Sample
from automl.models._losses import sigmoid, softmax
from automl.models._target import TargetCoding

_MAX_NEWTON_STEPS = 40
_CONVERGED_STEP = 1e-5  # steps end once no coefficient moves farther than this
_LAST_STEP_SECONDS = 0.05
# Of squared coefficients, for rows of weight 1.
_RIDGE_PENALTIES = (0.1, 1.0, 10.0, 100.0, 1e3, 1e4)
_INTERCEPT_PENALTY = 1e-9


def fit_quickly(rows: Sample, target: TargetCoding, context: FitContext) -> tuple[Floats, Floats]:
    """Fit coefficients of shape (n_features, n_columns) and intercepts of shape (n_columns,).

    Parameters
    ----------
    rows : Sample
        Encoded rows without missing values, with weights whose sum is 1.
    """
    problem = _problem(rows, target)
    n_rows = len(rows.y)
    penalty = _best_penalty(problem)
    n_coefficients = len(problem.gram)
    ridge = np.full(n_coefficients, penalty / n_rows)
    ridge[-1] = _INTERCEPT_PENALTY
    if target.n_classes:
        solution = _fit_logistic(problem, ridge, context)
    else:
        solution = _fit_least_squares(problem, ridge)
        if context.metric.is_quantile:
            predictions = problem.design @ solution
            residuals = rows.y - predictions[:, 0]
            shift = np.quantile(residuals, context.metric.quantile_level)
            solution[-1] += shift
    coefficients = solution[:-1]
    intercepts: Floats = solution[-1]
    return coefficients.copy(), intercepts.copy()


@dataclass(frozen=True)
class _Problem:
    """Weighted least squares of a design matrix, whose last column is for the intercept.

    Parameters
    ----------
    design : ndarray of shape (n_rows, n_features + 1)
    responses : ndarray of shape (n_rows, n_columns)
    weights : ndarray of shape (n_rows, 1)
    gram : ndarray of shape (n_features + 1, n_features + 1)
    """

    design: Floats
    responses: Floats
    weights: Floats
    gram: Floats

    def moments(self, columns: Floats) -> Floats:
        """Return the weighted sums of products of the design's columns and others."""
        weighted = self.weights * columns
        moments: Floats = self.design.T @ weighted
        return moments


def _problem(rows: Sample, target: TargetCoding) -> _Problem:
    weight = rows.weight_or_ones
    ones = np.ones(len(weight))
    columns = np.column_stack([rows.X, ones])
    design = columns.astype(np.float64)
    weighted_columns = design.T * weight
    return _Problem(
        design=design,
        responses=_response_columns(rows.y, target),
        weights=weight[:, None],
        gram=weighted_columns @ design,
    )


def _response_columns(y: Floats, target: TargetCoding) -> Floats:
    """Return numbers as one column, and classes one-hot encoded; two classes are one column."""
    if not target.n_classes or target.columns == 1:
        return y[:, None]
    classes = y.astype(np.int64)
    identity: Floats = np.eye(target.columns)
    return identity[classes]


def _best_penalty(problem: _Problem) -> float:
    """Return the ridge penalty with the lowest generalised cross-validation error."""
    weights = problem.weights
    responses = problem.responses
    n_rows = len(responses)
    weighted = weights * responses
    centred = responses - weighted.sum(axis=0)
    eigenvalues, eigenvectors = np.linalg.eigh(problem.gram)
    eigenvalues = np.maximum(eigenvalues, 0.0)
    projected = eigenvectors.T @ problem.moments(centred)
    squares = weights * centred**2
    total = float(squares.sum())

    def validation_error(penalty: float) -> float:
        shrunk = eigenvalues + penalty / n_rows
        scaled = projected / shrunk[:, None]
        factors = 2 * shrunk - eigenvalues
        explained = factors * scaled.T**2
        unexplained = max(1e-12, total - float(explained.sum()))
        shares = eigenvalues / shrunk
        degrees_of_freedom = float(shares.sum())
        correction = max(1e-3, 1 - degrees_of_freedom / n_rows)
        return float(unexplained / correction**2)

    return min(_RIDGE_PENALTIES, key=validation_error)


def _fit_least_squares(problem: _Problem, ridge: Floats) -> Floats:
    matrix = problem.gram + np.diag(ridge)
    moments = problem.moments(problem.responses)
    solution = np.linalg.solve(matrix, moments)
    return np.asarray(solution, np.float64)


def _fit_logistic(problem: _Problem, ridge: Floats, context: FitContext) -> Floats:
    """Minimise the log loss by Newton steps with bounded curvature and Nesterov's acceleration."""
    design = problem.design
    responses = problem.responses
    n_columns = responses.shape[1]
    activation = sigmoid
    curvature_bound = 0.25
    if n_columns > 1:
        activation = softmax
        curvature_bound = 0.5
    means = responses.mean(axis=0)
    weighted = problem.weights * responses
    variances = weighted * (1 - means)
    variances = variances.sum(axis=0)
    largest = float(variances.max())
    ridge = ridge * max(0.05, largest)
    curvature = curvature_bound * problem.gram + np.diag(ridge)
    inverse = np.linalg.inv(curvature)
    point = np.zeros((len(ridge), n_columns))
    previous = point
    momentum = 0
    for _ in range(_MAX_NEWTON_STEPS):
        direction = point - previous
        share = momentum / (momentum + 3)
        ahead = point + share * direction
        proba = activation(design @ ahead)
        gradient = problem.moments(proba - responses)
        gradient = gradient + ridge[:, None] * ahead
        step = inverse @ gradient
        previous = point
        point = ahead - step
        slope = gradient * (point - previous)
        momentum += 1
        if slope.sum() > 0:
            momentum = 0
        largest_step = np.abs(step).max()
        if largest_step < _CONVERGED_STEP:
            break
        if context.budget.is_timed and context.budget.remaining() < _LAST_STEP_SECONDS:
            break
    return point
