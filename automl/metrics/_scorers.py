"""scikit-learn's scorers as metrics, whether they have a name there or were made from a Python function."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import InputError
from automl.metrics._functions import is_function, known_function
from automl.metrics._metric import Metric, Needs
from automl.task import Kind, Task

Array = npt.NDArray[Any]

_BOUNDED = (
    "r2",
    "explained_variance",
    "d2_absolute_error_score",
)  # scores of numbers that are 1 at best
_UNBOUNDED = (
    "positive_likelihood_ratio",
    "mutual_info_score",
)  # scores of classes that may be any number
_BELOW_ZERO = {
    "matthews_corrcoef": -1.0,
    "adjusted_rand_score": -0.5,
    "adjusted_mutual_info_score": -1.0,
}  # the worst of classes
_TWO = np.array([[0.8, 0.2], [0.3, 0.7], [0.6, 0.4], [0.9, 0.1]])
_THREE = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.2, 0.6], [0.5, 0.3, 0.2]])
_PROBE: dict[Kind, tuple[Array, Array]] = {
    "regression": (np.array([0.5, 1.5, 2.25, 4.0]), np.array([0.7, 1.5, 2.0, 3.0])),
    "binary": (np.array([0.0, 1.0, 1.0, 0.0]), _TWO),
    "multiclass": (np.array([0.0, 1.0, 2.0, 1.0]), _THREE),
}


def scorer_metric(name: str, kind: Kind, task: Task | None = None) -> Metric | None:
    """The scorer of this name as a metric for a kind of task; None if there is no such scorer."""
    from sklearn.metrics import get_scorer, get_scorer_names

    if is_function(name):
        scorer = known_function(name)
        if scorer is None:  # what was made with it can still be read
            return Metric(
                name,
                _unknown,
                "numbers",
                (kind,),
                True,
                "log_loss",
                "a Python function that is not known here",
                0.0,
            )
        return _metric(
            name,
            f"the Python function {name}",
            kind,
            (kind,),
            _Loss(scorer, _needs(scorer, kind), 0.0, task),
        )
    if name not in get_scorer_names():
        return None
    scorer = get_scorer(name)
    bounded = (
        scorer._sign > 0 and name not in _UNBOUNDED and (kind != "regression" or name in _BOUNDED)
    )
    loss = _Loss(scorer, _needs(scorer, kind), 1.0 if bounded else 0.0, task)
    metric = _metric(
        name, f"scikit-learn's scorer {name}", kind, (kind,) if _suits(scorer, kind) else (), loss
    )
    has_worst = bounded and kind != "regression" and not name.startswith("d2_")
    return replace(metric, worst=_BELOW_ZERO.get(name, 0.0)) if has_worst else metric


def _unknown(truth: Array, prediction: Array, weight: Array | None) -> float:
    raise InputError(
        "the run's metric is a Python function that is not known here: it has to be given from Python again."
    )


def _metric(name: str, about: str, kind: Kind, kinds: tuple[Kind, ...], loss: _Loss) -> Metric:
    proxy = "log_loss" if kind != "regression" else "mae" if "absolute" in name else "rmse"
    return Metric(name, loss, loss.needs, kinds, True, proxy, about, loss.best)


def _name(scorer: Any) -> str:
    return str(getattr(scorer._score_func, "__name__", repr(scorer._score_func)))


def _needs(scorer: Any, kind: Kind) -> Needs:
    return (
        "numbers"
        if kind == "regression"
        else "labels"
        if scorer._response_method == "predict"
        else "probabilities"
    )


@dataclass(frozen=True)
class _Loss:
    """A scorer as a loss: what a perfect prediction would get, less what it gives."""

    scorer: Any
    needs: Needs
    best: float
    task: Task | None = None

    @cached_property
    def _takes(self) -> frozenset[str]:
        """The function's parameters."""
        return frozenset(inspect.signature(self.scorer._score_func).parameters)

    @cached_property
    def _labels(self) -> Array | None:
        """The classes as the user knows them; None where codes stand for them."""
        if self.task is None or not self.task.labels or not is_function(self.task.metric):
            return None
        return np.array(self.task.typed_labels)

    @property
    def _positive(self) -> int:
        """The column of the class that the scorer calls positive."""
        labels = [0, 1] if self._labels is None else self._labels.tolist()
        label = self.scorer._kwargs.get("pos_label")
        return labels.index(label) if label in labels else 1

    def __call__(self, truth: Array, prediction: Array, weight: Array | None) -> float:
        words = dict(self.scorer._kwargs)
        if self.needs != "numbers":
            truth = truth.astype(np.int64)
        if self.needs == "probabilities":
            if "labels" in self._takes:
                words["labels"] = np.arange(prediction.shape[1])
            prediction = prediction[:, self._positive] if prediction.shape[1] == 2 else prediction
        if self._labels is not None:
            truth = self._labels[truth]
            prediction = (
                self._labels[prediction.astype(np.int64)] if self.needs == "labels" else prediction
            )
            words |= {"labels": self._labels} if "labels" in words else {}
        if weight is not None:
            if "sample_weight" not in self._takes:
                raise InputError(
                    f"--metric: {_name(self.scorer)} takes no weights, and the rows have some."
                )
            words["sample_weight"] = weight
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a class that no row was predicted as, and the like
            value = float(self.scorer._sign * self.scorer._score_func(truth, prediction, **words))
        return self.best - value


def _suits(scorer: Any, kind: Kind) -> bool:
    """Whether a scorer is for a kind of task: it is tried on four rows, and one that takes any numbers is none for classes."""
    return _works(scorer, kind) and (kind == "regression" or not _works(scorer, "regression"))


def _works(scorer: Any, kind: Kind) -> bool:
    truth, given = _PROBE[kind]
    needs = _needs(scorer, kind)
    try:
        return bool(
            np.isfinite(
                _Loss(scorer, needs, 0.0)(
                    truth, given.argmax(axis=1) if needs == "labels" else given, None
                )
            )
        )
    except (TypeError, ValueError):
        return False
