"""Loss functions of the linear model and the network, with their gradients by the scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.models._base import Floats, How
from automl.models._target import TargetCoding

Array = Any  # float32 or float64, as the caller has it
# Takes scores, targets and weights; returns the weighted sum of losses and its gradient.
Loss = Callable[[Array, Array, Array], tuple[float, Array]]

# Where the smoothed absolute error turns from a parabola into a line, in standard deviations.
_SMOOTHING_WIDTH = 0.1


def sigmoid(scores: Array) -> Array:
    """Return the probability of the second of two classes; never overflows."""
    return 0.5 * (1.0 + np.tanh(0.5 * scores))


def softmax(scores: Array) -> Array:
    """Return the classes' probabilities, one row for each row of scores."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def activate(scores: Array, target: TargetCoding, bounds: Floats) -> Array:
    """Turn scores of shape (n_rows, n_columns) into probabilities, or clip numbers to bounds."""
    if not target.total:
        return np.clip(scores, bounds[0], bounds[1])
    if target.columns == 1:
        return sigmoid(scores)
    return softmax(scores)


def select_loss(target: TargetCoding, how: How) -> Loss:
    """Return the loss of scores of shape (n_rows, target.columns).

    Targets (encoded) and weights have shape (n_rows,).
    """
    if target.total:
        return _cross_entropy if target.outputs > 2 else _logistic_loss
    if how.metric.is_quantile:
        return _smoothed_pinball(how.metric.level)
    return _squared_error


def _squared_error(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
    residual = scores - y[:, None]
    total = (weight[:, None] * residual**2).sum() / 2
    return float(total), weight[:, None] * residual


def _smoothed_pinball(level: float) -> Loss:
    """Return twice the pinball loss of a quantile, smoothed around zero.

    At level 0.5 that is the absolute error.
    """
    tilt = 2 * level - 1

    def loss(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
        residual = scores - y[:, None]
        size = np.sqrt(residual**2 + _SMOOTHING_WIDTH**2)
        losses = size - _SMOOTHING_WIDTH - tilt * residual
        total = (weight[:, None] * losses).sum()
        return float(total), weight[:, None] * (residual / size - tilt)

    return loss


def _logistic_loss(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
    losses = np.logaddexp(0.0, scores) - y[:, None] * scores
    total = (weight[:, None] * losses).sum()
    return float(total), weight[:, None] * (sigmoid(scores) - y[:, None])


def _cross_entropy(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
    classes = y.astype(np.int64)
    rows = np.arange(len(y))
    gradient = softmax(scores)
    losses = -np.log(np.maximum(gradient[rows, classes], 1e-30))
    gradient[rows, classes] -= 1.0
    total = (weight * losses).sum()
    return float(total), weight[:, None] * gradient
