"""The losses of `automl.models._losses` in torch, whose gradients need no formula."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional

from automl.models._base import FitContext
from automl.models._losses import SMOOTHING_WIDTH
from automl.models._target import TargetCoding

# Takes scores of shape (n_members, n_rows, n_scores) and targets of shape (1 or n_members, n_rows);
# returns losses of shape (n_members, n_rows).
TorchLoss = Callable[[Any, Any], Any]


def select_torch_loss(
    target: TargetCoding,
    context: FitContext,
    smoothing: float = 0.0,
) -> TorchLoss:
    """Return the loss of scores.

    Parameters
    ----------
    target : TargetCoding
    context : FitContext
    smoothing : float
        Share of each label that is spread over all classes.
    """
    if target.outputs > 2:
        return _cross_entropy(smoothing)
    if target.n_classes:
        return _logistic_loss(smoothing)
    if context.metric.is_quantile:
        return _smoothed_pinball(context.metric.quantile_level)
    return _squared_error


def _squared_error(scores: Any, y: Any) -> Any:
    residuals = scores[..., 0] - y
    return residuals.square() / 2


def _smoothed_pinball(level: float) -> TorchLoss:
    tilt = 2 * level - 1

    def loss(scores: Any, y: Any) -> Any:
        residuals = scores[..., 0] - y
        squares = residuals.square()
        sizes = (squares + SMOOTHING_WIDTH**2).sqrt()
        return sizes - SMOOTHING_WIDTH - tilt * residuals

    return loss


def _logistic_loss(smoothing: float) -> TorchLoss:
    def loss(scores: Any, y: Any) -> Any:
        logits = scores[..., 0]
        targets = y * (1 - smoothing) + smoothing / 2
        return functional.softplus(logits) - targets * logits

    return loss


def _cross_entropy(smoothing: float) -> TorchLoss:
    def loss(scores: Any, y: Any) -> Any:
        logs = functional.log_softmax(scores, dim=-1)
        classes = y.to(torch.int64).expand(logs.shape[:-1])
        own = logs.gather(
            -1,
            classes[..., None],
        )
        losses = -(1 - smoothing) * own[..., 0]
        if smoothing:
            losses = losses - smoothing * logs.mean(dim=-1)
        return losses

    return loss
