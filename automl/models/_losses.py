"""Loss functions of the linear model and the network, with their gradients by the scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.models._base import FitContext
from automl.models._target import TargetCoding

Array = Any  # float32 or float64, as the caller has it
# Takes scores, targets and weights; returns the weighted sum of losses and its gradient.
LossAndGradient = tuple[float, Array]
Loss = Callable[[Array, Array, Array], LossAndGradient]
# Takes scores and targets; returns each row's losses and their derivatives by the scores.
LossesAndSlopes = tuple[Array, Array]
PointwiseLoss = Callable[[Array, Array], LossesAndSlopes]

# Where the smoothed absolute error turns from a parabola into a line, in standard deviations.
SMOOTHING_WIDTH = 0.1


def sigmoid(scores: Array) -> Array:
    """Return the probability of the second of two classes; never overflows."""
    tanh = np.tanh(0.5 * scores)
    return 0.5 * (1.0 + tanh)


def softmax(scores: Array) -> Array:
    """Return the classes' probabilities, one row for each row of scores."""
    highest = scores.max(axis=1, keepdims=True)
    powers = np.exp(scores - highest)
    total = powers.sum(axis=1, keepdims=True)
    return powers / total


def activate(scores: Array, target: TargetCoding, bounds: Floats) -> Array:
    """Turn scores of shape (n_rows, n_columns) into probabilities, or clip numbers to bounds."""
    if not target.n_classes:
        low, high = bounds
        return np.clip(scores, low, high)
    if target.columns == 1:
        return sigmoid(scores)
    return softmax(scores)


def select_loss(target: TargetCoding, context: FitContext, smoothing: float = 0.0) -> Loss:
    """Return the loss of scores of shape (n_rows, target.columns).

    Targets (encoded) and weights have shape (n_rows,).

    Parameters
    ----------
    smoothing : float
        Share of each label that is spread over all classes.
    """
    if target.outputs > 2:
        return _weighted(_cross_entropy(smoothing))
    if target.n_classes:
        return _weighted(_logistic_loss(smoothing))
    if context.metric.is_quantile:
        pinball = _smoothed_pinball(context.metric.quantile_level)
        return _weighted(pinball)
    return _weighted(_squared_error)


def _weighted(loss: PointwiseLoss) -> Loss:
    """Return the weighted sum of a loss of scores and targets."""

    def weighted_loss(scores: Array, y: Array, weight: Array) -> LossAndGradient:
        losses, slopes = loss(scores, y)
        weights = weight[:, None]
        weighted = weights * losses
        total = weighted.sum()
        gradient = weights * slopes
        return float(total), gradient

    return weighted_loss


def _squared_error(scores: Array, y: Array) -> LossesAndSlopes:
    residuals = scores - y[:, None]
    losses = residuals**2 / 2
    return losses, residuals


def _smoothed_pinball(level: float) -> PointwiseLoss:
    """Return twice the pinball loss of a quantile, smoothed around zero.

    At level 0.5 that is the absolute error.
    """
    tilt = 2 * level - 1

    def loss(scores: Array, y: Array) -> LossesAndSlopes:
        residuals = scores - y[:, None]
        squares = residuals**2
        sizes = np.sqrt(squares + SMOOTHING_WIDTH**2)
        losses = sizes - SMOOTHING_WIDTH
        losses = losses - tilt * residuals
        slopes = residuals / sizes
        slopes = slopes - tilt
        return losses, slopes

    return loss


def _logistic_loss(smoothing: float) -> PointwiseLoss:
    def loss(scores: Array, y: Array) -> LossesAndSlopes:
        targets = y[:, None]
        if smoothing:
            targets = targets * (1 - smoothing)
            targets += smoothing / 2
        losses = np.logaddexp(0.0, scores)
        losses = losses - targets * scores
        proba = sigmoid(scores)
        slopes = proba - targets
        return losses, slopes

    return loss


def _cross_entropy(smoothing: float) -> PointwiseLoss:
    own = 1 - smoothing

    def loss(scores: Array, y: Array) -> LossesAndSlopes:
        classes = y.astype(np.int64)
        n_rows, n_classes = scores.shape
        rows = np.arange(n_rows)
        slopes = softmax(scores)
        bounded = np.maximum(slopes, 1e-30)
        logs = np.log(bounded)
        losses = -own * logs[rows, classes]
        slopes[rows, classes] -= own
        if smoothing:
            losses -= smoothing * logs.mean(axis=1)
            slopes -= smoothing / n_classes
        return losses[:, None], slopes

    return loss
