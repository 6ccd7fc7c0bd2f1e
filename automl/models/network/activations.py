"""Activations, with their slopes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from automl.arrays import Matrix
from automl.models._losses import sigmoid

# Of the exponential linear unit that keeps mean and variance (Klambauer et al. 2017).
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805

ValuesAndSlopes = tuple[Matrix, Matrix]


def silu(values: Matrix) -> Matrix:
    """Return x times the sigmoid of x, for each value x."""
    activated: Matrix = values * sigmoid(values)
    return activated


def relu(values: Matrix) -> Matrix:
    """Return the positive parts of values."""
    positive: Matrix = np.maximum(values, 0)
    return positive


def selu(values: Matrix) -> Matrix:
    """Return the scaled exponential linear unit of values."""
    alpha = values.dtype.type(SELU_ALPHA)
    scale = values.dtype.type(SELU_SCALE)
    negative = np.minimum(values, 0)
    below = alpha * np.expm1(negative)
    above = np.maximum(values, 0)
    both: Matrix = above + below
    both *= scale
    return both


def _silu_with_slope(values: Matrix) -> ValuesAndSlopes:
    gate = sigmoid(values)
    activated = values * gate
    closed = 1 - gate
    slope = gate + activated * closed
    return activated, slope


def _relu_with_slope(values: Matrix) -> ValuesAndSlopes:
    is_positive = values > 0
    slope = is_positive.astype(values.dtype)
    return values * slope, slope


def _selu_with_slope(values: Matrix) -> ValuesAndSlopes:
    activated = selu(values)
    alpha = values.dtype.type(SELU_ALPHA)
    scale = values.dtype.type(SELU_SCALE)
    below = activated + scale * alpha
    slope = np.where(values > 0, scale, below)
    return activated, slope


ACTIVATIONS: Mapping[str, Callable[[Matrix], Matrix]] = {
    "silu": silu,
    "relu": relu,
    "selu": selu,
}
WITH_SLOPES: Mapping[str, Callable[[Matrix], ValuesAndSlopes]] = {
    "silu": _silu_with_slope,
    "relu": _relu_with_slope,
    "selu": _selu_with_slope,
}
