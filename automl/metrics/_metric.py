"""Define a metric. A loss is always lower-is-better; a score has the metric's natural sign."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from automl.arrays import Array
from automl.task import Kind

Loss = Callable[[Array, Array, Array | None], float]
Needs = Literal["probabilities", "labels", "numbers"]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Parameters
    ----------
    name : str
        The name under which `--metric` knows it.
    loss : callable
        `loss(truth, prediction, weight)`. Truth holds class codes of shape (n_rows,) or numbers.
        A prediction holds probabilities of shape (n_rows, n_classes), class codes
        (`needs="labels"`) or numbers of shape (n_rows,).
    needs : {"probabilities", "labels", "numbers"}
        The kind of prediction that the loss takes.
    kinds : tuple of str
        The kinds of task it is defined for.
    greater_is_better : bool
        Whether the natural score is `best` - loss (true) or the loss itself (false).
    proxy : str
        The metric by which families stop early that can't evaluate this one.
    about : str
        One line for people.
    best : float
        The score of a perfect prediction where greater is better; 0 for scores without a bound.
    worst : float
        The score that no prediction falls below, where greater is better.
    quantile_level : float
        The quantile that the pinball loss measures.
    """

    name: str
    loss: Loss
    needs: Needs
    kinds: tuple[Kind, ...]
    greater_is_better: bool
    proxy: str
    about: str
    best: float = 1.0
    worst: float = -math.inf
    quantile_level: float = 0.5

    @property
    def is_quantile(self) -> bool:
        """Whether its best prediction is a quantile, `quantile_level`, and not a mean."""
        return self.proxy in ("mae", "pinball")

    @property
    def min_loss(self) -> float:
        """The loss that no prediction can go below; scores without a bound are losses below 0."""
        if self.greater_is_better and self.best == 0:
            return -math.inf
        return 0.0

    @property
    def max_loss(self) -> float:
        """The loss that no prediction can go above."""
        if self.greater_is_better:
            return self.best - self.worst
        return math.inf

    @property
    def loss_name(self) -> str:
        """The loss in words."""
        if not self.greater_is_better:
            return self.name
        if self.best:
            return f"1 - {self.name}"
        return f"- {self.name}"

    def score(self, loss: float) -> float:
        """Return the score in the metric's natural sign."""
        if self.greater_is_better:
            return self.best - loss
        return loss

    def loss_of_output(self, truth: Array, prediction: Array, weight: Array | None = None) -> float:
        """Return the loss of a model's raw output, which becomes labels where they are needed."""
        if self.needs == "labels" and prediction.ndim == 2:
            prediction = self.guess_labels(truth, prediction, weight)
        return self.loss(truth, prediction, weight)

    def guess_labels(self, truth: Array, proba: Array, weight: Array | None = None) -> Array:
        """Return labels as a first guess.

        Thresholds are chosen for the ensemble only, but of a rare class no model gives half of
        all probability. So the guess is, for the accuracy, the most probable class; where all
        classes count alike, the class that is most probable for its share; else, of two classes,
        the positive one for as many rows as are positive.
        """
        n_classes = proba.shape[1]
        codes = truth.astype(np.int64)
        counts = np.bincount(codes, weight, minlength=n_classes)
        shares = counts / counts.sum()
        if self.name == "balanced_accuracy":
            divisors = np.where(shares > 0, shares, np.inf)
            return _most_probable(proba / divisors)
        if self.name == "accuracy" or n_classes != 2:
            return _most_probable(proba)
        positive = proba[:, 1]
        if not np.ptp(positive) > 0:
            return _most_probable(proba)
        return _as_many_positive(positive, shares)


def _most_probable(proba: Array) -> Array:
    labels: Array = proba.argmax(axis=1)
    return labels


def _as_many_positive(positive: Array, shares: Array) -> Array:
    """Return labels with about the given share of positive ones.

    Many rows may have the probability of the threshold. They are positive or not, whichever comes
    nearer to the share.
    """
    threshold = np.quantile(positive, shares[0])
    above = positive > threshold
    at_least = positive >= threshold
    above_gap = abs(above.mean() - shares[1])
    at_least_gap = abs(at_least.mean() - shares[1])
    labels: Array = above if above_gap < at_least_gap else at_least
    return labels.astype(np.int64)
