"""What a network's scores turn into, and how good that is."""

from __future__ import annotations

import numpy as np

from automl.arrays import Floats
from automl.models._base import Sample
from automl.models._losses import Array, Loss, activate
from automl.models._target import TargetCoding

_TINY = 1e-30  # a probability whose logarithm is finite


def mean_output(
    scores: Array,
    target: TargetCoding,
    bounds: Floats,
) -> Floats:
    """Return the mean of what the members' scores turn into.

    Parameters
    ----------
    scores : ndarray of shape (n_members, n_rows, target.columns)
    target : TargetCoding
    bounds : ndarray of shape (2,)
        Of the numbers.

    Returns
    -------
    ndarray of shape (n_rows, target.columns)
        Probabilities, or encoded numbers.
    """
    flat = scores.reshape(-1, scores.shape[2])
    activated = activate(flat, target, bounds)
    outputs = activated.reshape(scores.shape)
    mean: Floats = outputs.mean(axis=0)
    return mean


def output_loss(
    outputs: Floats,
    sample: Sample,
    target: TargetCoding,
    loss: Loss,
) -> float:
    """Return the mean loss of outputs: the log loss of probabilities, or a loss of numbers."""
    weight = sample.weight_or_ones
    if not target.n_classes:
        total, _ = loss(outputs, sample.y, weight)
        return total / float(weight.sum())
    classes = sample.y.astype(np.int64)
    if target.columns == 1:
        positive = outputs[:, 0]
        negative = 1 - positive
        is_positive = classes == 1
        probabilities = np.where(is_positive, positive, negative)
    else:
        rows = np.arange(len(classes))
        probabilities = outputs[rows, classes]
    bounded = np.maximum(probabilities, _TINY)
    logs = np.log(bounded)
    mean = np.average(logs, weights=weight)
    return -float(mean)
