"""What a metric is. A loss is always lower-is-better; a score has the metric's natural sign."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt

from automl.task import Kind

Array = npt.NDArray[Any]
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
        `loss(truth, prediction, weight)`. Truth holds class codes of shape (n_rows,) or numbers. A prediction holds
        probabilities of shape (n_rows, n_classes), class codes (`needs="labels"`) or numbers of shape (n_rows,).
    needs : {"probabilities", "labels", "numbers"}
        What a prediction has to be.
    kinds : tuple of str
        The kinds of task it is defined for.
    greater_is_better : bool
        Whether the natural score is `best` - loss (true) or the loss itself (false).
    proxy : str
        The metric on which a family stops that can't evaluate this one.
    about : str
        One line for people.
    best : float
        The score of a perfect prediction where greater is better; 0 for scores without a bound.
    worst : float
        The score that no prediction falls below, where greater is better.
    level : float
        The quantile that the pinball loss is about.
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
    level: float = 0.5

    @property
    def is_quantile(self) -> bool:
        """Whether its best prediction is a quantile, of the level `level`, and not a mean."""
        return self.proxy in ("mae", "pinball")

    @property
    def least(self) -> float:
        """The loss that no prediction can go below; scores without a bound are losses below 0."""
        return -math.inf if self.greater_is_better and self.best == 0 else 0.0

    @property
    def most(self) -> float:
        """The loss that no prediction can go above."""
        return self.best - self.worst if self.greater_is_better else math.inf

    @property
    def loss_name(self) -> str:
        """The loss in words."""
        return f"{'1 ' if self.best else ''}- {self.name}" if self.greater_is_better else self.name

    def score(self, loss: float) -> float:
        """The score in the metric's natural sign."""
        return self.best - loss if self.greater_is_better else loss

    def of(self, truth: Array, prediction: Array, weight: Array | None = None) -> float:
        """The loss of a model's raw output, which becomes labels where they are needed."""
        if self.needs == "labels" and prediction.ndim == 2:
            prediction = self.labels(truth, prediction, weight)
        return self.loss(truth, prediction, weight)

    def labels(self, truth: Array, proba: Array, weight: Array | None = None) -> Array:
        """Labels as a first guess: where to cut is found for the ensemble only, but of a rare class no model gives half of all probability.

        The most probable class for the accuracy; the one that is most probable for its share where all classes count alike; else, of two
        classes, the positive one for as many rows as are positive.
        """
        shares = np.bincount(truth.astype(np.int64), weight, minlength=proba.shape[1])
        shares = shares / shares.sum()
        if self.name == "balanced_accuracy":
            return cast(Array, (proba / np.where(shares > 0, shares, np.inf)).argmax(axis=1))
        if self.name != "accuracy" and proba.shape[1] == 2 and np.ptp(proba[:, 1]) > 0:
            cut = np.quantile(proba[:, 1], shares[0])
            above, at = (
                proba[:, 1] > cut,
                proba[:, 1] >= cut,
            )  # many may be equal: those that come nearer to the share
            return cast(
                Array, above if abs(above.mean() - shares[1]) < abs(at.mean() - shares[1]) else at
            ).astype(np.int64)
        return cast(Array, proba.argmax(axis=1))
