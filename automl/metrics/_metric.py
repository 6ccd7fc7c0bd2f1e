"""What a metric is. A loss is always lower-is-better; a score has the metric's natural sign."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

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
    level: float = 0.5

    @property
    def is_quantile(self) -> bool:
        """Whether its best prediction is a quantile, of the level `level`, and not a mean."""
        return self.proxy in ("mae", "pinball")

    @property
    def least(self) -> float:
        """The loss that no prediction can go below; scores without a bound are losses below 0."""
        return -math.inf if self.greater_is_better and self.best == 0 else 0.0

    def score(self, loss: float) -> float:
        """The score in the metric's natural sign."""
        return self.best - loss if self.greater_is_better else loss

    def of(self, truth: Array, prediction: Array, weight: Array | None = None) -> float:
        """The loss of a model's raw output: probabilities become labels by the largest where labels are needed."""
        if self.needs == "labels" and prediction.ndim == 2:
            prediction = prediction.argmax(axis=1)
        return self.loss(truth, prediction, weight)
