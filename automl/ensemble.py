"""Combine out-of-fold predictions: greedy weights, temperature, threshold. Pure functions of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.metrics import Metric

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """What predictions are held against: the target of shape (n_rows,), and weights or None."""

    y: Floats
    weight: Floats | None = None

    def take(self, rows: npt.NDArray[np.int64]) -> Truth:
        """Some of the rows."""
        return Truth(self.y[rows], None if self.weight is None else self.weight[rows])


def greedy(predictions: Sequence[Floats], truth: Truth, metric: Metric, steps: int = 25) -> Floats:
    """Weights by greedy selection with replacement (Caruana et al. 2004), starting from the best single model.

    The weights of the step with the least loss are returned; an equal loss is no reason for one more member.

    Parameters
    ----------
    predictions : sequence of ndarray, each of shape (n_rows, n_classes) or (n_rows,)
    steps : int
        At most so many models are added; more than 25 brought AutoGluon nothing measurable.

    Returns
    -------
    ndarray of shape (n_models,)
        Non-negative, with sum one.

    Examples
    --------
    >>> from automl.metrics import METRICS
    >>> low, high = np.array([0.0, 1.0]), np.array([2.0, 3.0])
    >>> greedy([low, high], Truth(np.array([1.0, 2.0])), METRICS["rmse"])
    array([0.5, 0.5])
    """
    counts = np.zeros(len(predictions))
    total = np.zeros_like(predictions[0], dtype=np.float64)
    best_loss, best_counts = np.inf, counts
    for step in range(1, steps + 1):
        losses = [metric.of(truth.y, (total + prediction) / step, truth.weight) for prediction in predictions]
        chosen = int(np.argmin(losses))
        counts = counts.copy()
        counts[chosen] += 1
        total += predictions[chosen]
        if step == 1 or losses[chosen] < best_loss - 1e-9 * abs(best_loss):
            best_loss, best_counts = losses[chosen], counts
    weights: Floats = best_counts / best_counts.sum()
    return weights


def combine(predictions: Sequence[Floats], weights: Sequence[float] | Floats) -> Floats:
    """The weighted mean, added in the given order."""
    total = np.zeros_like(predictions[0], dtype=np.float64)
    for prediction, weight in zip(predictions, weights, strict=True):
        total += weight * prediction
    return total


def sharpen(proba: Floats, temperature: float) -> Floats:
    """Probabilities with their logarithms divided by a temperature; 1 leaves them as they are.

    >>> sharpen(np.array([[0.2, 0.8]]), 0.5).round(3).tolist()
    [[0.059, 0.941]]
    """
    if temperature == 1.0:
        return proba
    logs = np.log(np.clip(proba, 1e-15, 1.0)) / temperature
    powers = np.exp(logs - logs.max(axis=1, keepdims=True))
    scaled: Floats = powers / powers.sum(axis=1, keepdims=True)
    return scaled


def temperature(proba: Floats, truth: Truth, log_loss: Metric) -> float:
    """The temperature between 0.2 and 5 with the least log loss; 1 where it gains less than a thousandth."""
    grid = np.exp(np.linspace(np.log(0.2), np.log(5.0), 41))
    losses = [log_loss.of(truth.y, sharpen(proba, float(t)), truth.weight) for t in grid]
    best = int(np.argmin(losses))
    plain = log_loss.of(truth.y, proba, truth.weight)
    return float(grid[best]) if losses[best] < plain * 0.999 else 1.0


def threshold(proba: Floats, truth: Truth, metric: Metric) -> float:
    """The probability of the positive class from which on it is predicted, with the least loss among at most 200 values.

    Half where nothing is gained.
    """
    positive = proba[:, 1]
    grid = np.unique(np.quantile(positive, np.linspace(0.005, 0.995, 199)).round(6))
    losses = [metric.loss(truth.y, (positive >= t).astype(float), truth.weight) for t in grid]
    plain = metric.loss(truth.y, (positive >= 0.5).astype(float), truth.weight)
    best = int(np.argmin(losses))
    return float(grid[best]) if losses[best] < plain else 0.5


def decide(proba: Floats, cut: float) -> npt.NDArray[np.int64]:
    """Class codes: the most probable, or, with two classes, the positive one from the cut on."""
    if proba.shape[1] == 2:
        return (proba[:, 1] >= cut).astype(np.int64)
    codes: npt.NDArray[np.int64] = proba.argmax(axis=1)
    return codes


def weights_by_id(ids: Sequence[str], weights: Floats) -> Mapping[str, float]:
    """The weights that are not zero, largest first."""
    pairs = sorted(zip(ids, weights.tolist(), strict=True), key=lambda pair: -pair[1])
    return {name: weight for name, weight in pairs if weight > 0}
