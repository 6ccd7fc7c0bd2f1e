"""Use scikit-learn's scorers as metrics, both those with a name and those of Python functions."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Array
from automl.errors import InputError
from automl.metrics._functions import find_function, is_function
from automl.metrics._metric import Metric, Needs
from automl.task import Kind, Task

# Scores of numbers that are 1 at best.
BOUNDED_NUMBER_SCORES = ("r2", "explained_variance", "d2_absolute_error_score")
# Scores of classes that may be any number.
UNBOUNDED_CLASS_SCORES = ("positive_likelihood_ratio", "mutual_info_score")
# The worst scores of classes, where they are below 0.
WORST_CLASS_SCORES = {
    "matthews_corrcoef": -1.0,
    "adjusted_rand_score": -0.5,
    "adjusted_mutual_info_score": -1.0,
}
BINARY_PROBABILITIES = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.9, 0.1]])
MULTICLASS_PROBABILITIES = np.array(
    [[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]]
)
PROBE_TRUTH: dict[Kind, Array] = {
    "regression": np.array([0.5, 1.5, 2.25, 4.0]),
    "binary": np.array([0.0, 1.0, 1.0, 0.0]),
    "multiclass": np.array([0.0, 1.0, 2.0, 1.0]),
}
PROBE_PREDICTION: dict[Kind, Array] = {
    "regression": np.array([0.7, 1.5, 2.0, 3.0]),
    "binary": BINARY_PROBABILITIES,
    "multiclass": MULTICLASS_PROBABILITIES,
}


def scorer_metric(name: str, kind: Kind, task: Task | None = None) -> Metric | None:
    """Return the scorer of this name as a metric for a kind of task.

    Return None if there is no such scorer.
    """
    from sklearn.metrics import get_scorer, get_scorer_names

    if is_function(name):
        return _function_metric(name, kind, task)
    if name not in get_scorer_names():
        return None
    scorer = get_scorer(name)
    is_bounded = _is_bounded(name, scorer, kind)
    best = 1.0 if is_bounded else 0.0
    loss = ScorerLoss(scorer, _needs(scorer, kind), best, task)
    about = f"scikit-learn's scorer {name}"
    metric = _metric(name, about, kind, loss)
    if not _is_suitable(scorer, kind):
        metric = replace(metric, kinds=())
    if is_bounded and kind != "regression" and not name.startswith("d2_"):
        worst = WORST_CLASS_SCORES.get(name, 0.0)
        metric = replace(metric, worst=worst)
    return metric


def _function_metric(name: str, kind: Kind, task: Task | None) -> Metric:
    """Return a Python function as a metric; one that is not known can be named, not computed."""
    scorer = find_function(name)
    if scorer is not None:
        loss = ScorerLoss(scorer, _needs(scorer, kind), 0.0, task)
        return _metric(name, f"the Python function {name}", kind, loss)
    return Metric(  # results that were made with it can still be read
        name,
        loss=_raise_unknown,
        needs="numbers",
        kinds=(kind,),
        greater_is_better=True,
        proxy="log_loss",
        about="a Python function that is not known here",
        best=0.0,
    )


def _raise_unknown(truth: Array, prediction: Array, weight: Array | None) -> float:
    raise InputError(
        "the run's metric is a Python function that is not known here: "
        "it has to be given from Python again."
    )


def _metric(name: str, about: str, kind: Kind, loss: ScorerLoss) -> Metric:
    if kind != "regression":
        proxy = "log_loss"
    elif "absolute" in name:
        proxy = "mae"
    else:
        proxy = "rmse"
    return Metric(
        name,
        loss,
        loss.needs,
        kinds=(kind,),
        greater_is_better=True,
        proxy=proxy,
        about=about,
        best=loss.best,
    )


def _is_bounded(name: str, scorer: Any, kind: Kind) -> bool:
    """Return whether a scorer's best score is 1."""
    if scorer._sign < 0 or name in UNBOUNDED_CLASS_SCORES:
        return False
    return kind != "regression" or name in BOUNDED_NUMBER_SCORES


def _needs(scorer: Any, kind: Kind) -> Needs:
    if kind == "regression":
        return "numbers"
    if scorer._response_method == "predict":
        return "labels"
    return "probabilities"


@dataclass(frozen=True)
class ScorerLoss:
    """A scorer as a loss: the score of a perfect prediction less that of the given one."""

    scorer: Any
    needs: Needs
    best: float
    task: Task | None = None

    @cached_property
    def _parameters(self) -> frozenset[str]:
        """Names of the function's parameters."""
        signature = inspect.signature(self.scorer._score_func)
        return frozenset(signature.parameters)

    @cached_property
    def _labels(self) -> Array | None:
        """The classes as the user knows them; None where codes stand for them."""
        task = self.task
        if task is None or not task.labels:
            return None
        if not is_function(task.metric):
            return None
        return np.array(task.typed_labels)

    @property
    def _positive_column(self) -> int:
        """The column of the class that the scorer calls positive."""
        labels: list[Any] = [0, 1]
        if self._labels is not None:
            labels = self._labels.tolist()
        positive = self.scorer._kwargs.get("pos_label")
        if positive in labels:
            return labels.index(positive)
        return 1

    def __call__(self, truth: Array, prediction: Array, weight: Array | None) -> float:
        arguments = dict(self.scorer._kwargs)
        if self.needs != "numbers":
            truth = truth.astype(np.int64)
        if self.needs == "probabilities":
            n_classes = prediction.shape[1]
            if "labels" in self._parameters:
                arguments["labels"] = np.arange(n_classes)
            if n_classes == 2:
                prediction = prediction[:, self._positive_column]
        if self._labels is not None:
            truth = self._labels[truth]
            if self.needs == "labels":
                prediction = self._labels[prediction.astype(np.int64)]
            if "labels" in arguments:
                arguments["labels"] = self._labels
        if weight is not None:
            self._refuse_weights_unless_taken()
            arguments["sample_weight"] = weight
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class that no row was predicted as, and the like
            score = self.scorer._score_func(truth, prediction, **arguments)
        return self.best - float(self.scorer._sign * score)

    def _refuse_weights_unless_taken(self) -> None:
        if "sample_weight" not in self._parameters:
            function = self.scorer._score_func
            name = getattr(function, "__name__", repr(function))
            raise InputError(f"--metric: {name} takes no weights, and the rows have some.")


def _is_suitable(scorer: Any, kind: Kind) -> bool:
    """Return whether a scorer is for a kind of task, by trying it on four rows.

    A scorer that takes any numbers is not for classes.
    """
    if not _works(scorer, kind):
        return False
    return kind == "regression" or not _works(scorer, "regression")


def _works(scorer: Any, kind: Kind) -> bool:
    needs = _needs(scorer, kind)
    prediction = PROBE_PREDICTION[kind]
    if needs == "labels":
        prediction = prediction.argmax(axis=1)
    loss = ScorerLoss(scorer, needs, 0.0)
    try:
        value = loss(PROBE_TRUTH[kind], prediction, None)
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite(value))
