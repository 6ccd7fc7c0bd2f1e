"""Losses of scores and their gradients: what the linear model and the network minimise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from automl.models._base import How
from automl.models._target import Target

Array = Any  # float32 or float64, as it was given
Loss = Callable[
    [Array, Array, Array], tuple[float, Array]
]  # of scores, targets and weights: the weighted sum, and its gradient

_CORNER = 0.1  # where the smoothed absolute error turns from a parabola into a line, in standard deviations


def sigmoid(scores: Array) -> Array:
    """The probability of the second of two classes; never overflows."""
    return 0.5 * (1.0 + np.tanh(0.5 * scores))


def softmax(scores: Array) -> Array:
    """Probabilities of classes, a row each."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def loss_of(target: Target, how: How) -> Loss:
    """The loss of scores of shape (n_rows, target.columns), by coded targets and weights of shape (n_rows,)."""
    if target.total:
        return _cross_entropy if target.outputs > 2 else _logistic
    return _leaning(how.metric.level) if how.metric.is_quantile else _squared


def _squared(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
    rest = scores - y[:, None]
    return float((weight[:, None] * rest**2).sum() / 2), weight[:, None] * rest


def _leaning(level: float) -> Loss:
    """Twice the pinball loss of a quantile, smoothed around zero; half is the absolute error."""
    lean = 2 * level - 1

    def loss(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
        rest = scores - y[:, None]
        size = np.sqrt(rest**2 + _CORNER**2)
        return float((weight[:, None] * (size - _CORNER - lean * rest)).sum()), weight[:, None] * (
            rest / size - lean
        )

    return loss


def _logistic(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
    loss = np.logaddexp(0.0, scores) - y[:, None] * scores
    return float((weight[:, None] * loss).sum()), weight[:, None] * (sigmoid(scores) - y[:, None])


def _cross_entropy(scores: Array, y: Array, weight: Array) -> tuple[float, Array]:
    codes, places = y.astype(np.int64), np.arange(len(y))
    shares = softmax(scores)
    loss = -np.log(np.maximum(shares[places, codes], 1e-30))
    shares[places, codes] -= 1.0
    return float((weight * loss).sum()), weight[:, None] * shares
