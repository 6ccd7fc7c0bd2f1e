"""A linear model in NumPy alone, in a bounded number of steps: ridge regression, or logistic regression by a fixed bound of its curvature.

No SciPy is imported: a process that has loaded nothing else is ready in a fraction of a second.

References
----------
Böhning and Lindsay 1988, "Monotonicity of quadratic-approximation algorithms": p (1 - p) is at most 1/4, and of several classes
the curvature is at most 1/2, so one factorisation serves all steps. Golub, Heath and Wahba 1979, "Generalized cross-validation".
"""

from __future__ import annotations

import numpy as np

from automl.models._base import Floats, How, Matrix
from automl.models._losses import sigmoid, softmax
from automl.models._target import Target

STEPS = 40
SLIGHT = 1e-5  # a step that moves no coefficient farther ends it
PENALTIES = tuple(
    10.0**power for power in (-1, 0, 1, 2, 3, 4)
)  # of squared coefficients, by rows of weight 1


def fit_quickly(
    X: Matrix, y: Floats, weight: Floats, target: Target, how: How
) -> tuple[Floats, Floats]:
    """Fit coefficients of shape (n_features, n_columns) and intercepts of shape (n_columns,).

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Without missing values.
    y : ndarray of shape (n_rows,)
        The coded target.
    weight : ndarray of shape (n_rows,)
        With sum one.
    """
    design = np.column_stack([X, np.ones(len(X))]).astype(np.float64)
    gram = (design.T * weight) @ design
    wanted = _wanted(y, target)
    penalty = _penalty(design, gram, wanted, weight) / len(y)
    ridge = np.full(len(gram), penalty)
    ridge[-1] = 1e-9
    found: Floats
    if target.total:
        found = _logistic(design, gram, wanted, weight, ridge, how)
    else:
        found = np.asarray(
            np.linalg.solve(gram + np.diag(ridge), design.T @ (weight[:, None] * wanted)),
            np.float64,
        )
        if how.metric.is_quantile:
            found[-1] += np.quantile(y - (design @ found)[:, 0], how.metric.level)
    coefficients: Floats = found[:-1].copy()
    intercepts: Floats = found[-1].copy()
    return coefficients, intercepts


def _wanted(y: Floats, target: Target) -> Floats:
    """The target's columns: itself, the second of two classes, or a column a class."""
    several = target.total and target.columns > 1
    wanted: Floats = np.eye(target.columns)[y.astype(np.int64)] if several else y[:, None]
    return wanted


def _penalty(design: Floats, gram: Floats, wanted: Floats, weight: Floats) -> float:
    """The ridge penalty with the least generalised cross-validation error of least squares."""
    mean = (weight[:, None] * wanted).sum(axis=0)
    rest = wanted - mean
    values, vectors = np.linalg.eigh(gram)
    values = np.maximum(values, 0.0)
    along = vectors.T @ (design.T @ (weight[:, None] * rest))
    total, n_rows = float((weight[:, None] * rest**2).sum()), len(wanted)

    def error(penalty: float) -> float:
        shrunk = values + penalty / n_rows
        explained = ((2 * shrunk - values) * (along / shrunk[:, None]).T ** 2).sum()
        freedom = float((values / shrunk).sum())
        return float(max(1e-12, total - float(explained)) / max(1e-3, 1 - freedom / n_rows) ** 2)

    return min(PENALTIES, key=error)


def _logistic(
    design: Floats, gram: Floats, wanted: Floats, weight: Floats, ridge: Floats, how: How
) -> Floats:
    """Newton's steps with the bound of the curvature, each begun a little ahead (Nesterov)."""
    single = wanted.shape[1] == 1
    spread = float((weight[:, None] * wanted * (1 - wanted.mean(axis=0))).sum(axis=0).max())
    ridge = ridge * max(0.05, spread)
    inverse = np.linalg.inv((0.25 if single else 0.5) * gram + np.diag(ridge))
    before = point = np.zeros((design.shape[1], wanted.shape[1]))
    speed = 0
    for _ in range(STEPS):
        ahead = point + speed / (speed + 3) * (point - before)
        scores = design @ ahead
        answers = sigmoid(scores) if single else softmax(scores)
        slope = design.T @ (weight[:, None] * (answers - wanted)) + ridge[:, None] * ahead
        step = inverse @ slope
        before, point = point, ahead - step
        speed = 0 if float((slope * (point - before)).sum()) > 0 else speed + 1
        if float(np.abs(step).max()) < SLIGHT or (
            how.budget.timed and how.budget.remaining() < 0.05
        ):
            break
    return point
