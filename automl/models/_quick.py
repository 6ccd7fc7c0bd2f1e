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

import numpy as np

from automl.models._base import Floats, How, Sample
from automl.models._losses import sigmoid, softmax
from automl.models._target import TargetCoding

_MAX_NEWTON_STEPS = 40
_CONVERGED_STEP = 1e-5  # steps end once no coefficient moves farther than this
_LAST_STEP_SECONDS = 0.05
# Of squared coefficients, for rows of weight 1.
_RIDGE_PENALTIES = tuple(10.0**power for power in (-1, 0, 1, 2, 3, 4))


def fit_quickly(rows: Sample, target: TargetCoding, how: How) -> tuple[Floats, Floats]:
    """Fit coefficients of shape (n_features, n_columns) and intercepts of shape (n_columns,).

    Parameters
    ----------
    rows : Sample
        Encoded rows without missing values, with weights whose sum is 1.
    """
    y = rows.y
    weight = rows.weight_or_ones
    ones = np.ones(len(y))
    design = np.column_stack([rows.X, ones]).astype(np.float64)
    gram = (design.T * weight) @ design
    responses = _response_columns(y, target)
    penalty = _best_penalty(design, gram, responses, weight) / len(y)
    ridge = np.full(len(gram), penalty)
    ridge[-1] = 1e-9
    solution: Floats
    if target.total:
        solution = _fit_logistic(design, gram, responses, weight, ridge, how)
    else:
        moments = design.T @ (weight[:, None] * responses)
        solution = np.asarray(np.linalg.solve(gram + np.diag(ridge), moments), np.float64)
        if how.metric.is_quantile:
            residuals = y - (design @ solution)[:, 0]
            solution[-1] += np.quantile(residuals, how.metric.level)
    return solution[:-1].copy(), solution[-1].copy()


def _response_columns(y: Floats, target: TargetCoding) -> Floats:
    """Return numbers or the second of two classes as one column, more classes as one column each."""
    if target.total and target.columns > 1:
        one_hot: Floats = np.eye(target.columns)[y.astype(np.int64)]
        return one_hot
    return y[:, None]


def _best_penalty(design: Floats, gram: Floats, responses: Floats, weight: Floats) -> float:
    """Return the ridge penalty with the lowest generalised cross-validation error."""
    n_rows = len(responses)
    mean = (weight[:, None] * responses).sum(axis=0)
    centred = responses - mean
    raw_eigenvalues, eigenvectors = np.linalg.eigh(gram)
    eigenvalues = np.maximum(raw_eigenvalues, 0.0)
    projected = eigenvectors.T @ (design.T @ (weight[:, None] * centred))
    total = float((weight[:, None] * centred**2).sum())

    def validation_error(penalty: float) -> float:
        shrunk = eigenvalues + penalty / n_rows
        squares = (projected / shrunk[:, None]).T ** 2
        explained = float(((2 * shrunk - eigenvalues) * squares).sum())
        degrees_of_freedom = float((eigenvalues / shrunk).sum())
        correction = max(1e-3, 1 - degrees_of_freedom / n_rows)
        return float(max(1e-12, total - explained) / correction**2)

    return min(_RIDGE_PENALTIES, key=validation_error)


def _fit_logistic(
    design: Floats, gram: Floats, responses: Floats, weight: Floats, ridge: Floats, how: How
) -> Floats:
    """Minimise the log loss by Newton steps with bounded curvature and Nesterov's acceleration."""
    is_binary = responses.shape[1] == 1
    variances = (weight[:, None] * responses * (1 - responses.mean(axis=0))).sum(axis=0)
    ridge = ridge * max(0.05, float(variances.max()))
    curvature_bound = 0.25 if is_binary else 0.5
    inverse = np.linalg.inv(curvature_bound * gram + np.diag(ridge))
    point = np.zeros((design.shape[1], responses.shape[1]))
    previous = point
    momentum = 0
    for _ in range(_MAX_NEWTON_STEPS):
        ahead = point + momentum / (momentum + 3) * (point - previous)
        scores = design @ ahead
        proba = sigmoid(scores) if is_binary else softmax(scores)
        gradient = design.T @ (weight[:, None] * (proba - responses)) + ridge[:, None] * ahead
        step = inverse @ gradient
        previous = point
        point = ahead - step
        is_uphill = float((gradient * (point - previous)).sum()) > 0
        momentum = 0 if is_uphill else momentum + 1
        if float(np.abs(step).max()) < _CONVERGED_STEP:
            break
        if how.budget.timed and how.budget.remaining() < _LAST_STEP_SECONDS:
            break
    return point
