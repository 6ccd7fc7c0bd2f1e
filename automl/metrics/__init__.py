"""Metrics, which are defined nowhere else.

A metric is one that the product knows by name, any of scikit-learn's scorers by its name, or a
Python function, which can only be given from Python.
"""

from __future__ import annotations

from functools import lru_cache

from automl.errors import InputError, suggestion
from automl.metrics._functions import (
    find_function,
    is_function,
    register_function,
    resolve_metric_name,
)
from automl.metrics._library import METRICS, pinball
from automl.metrics._metric import Metric
from automl.metrics._scorers import scorer_metric
from automl.task import Kind, Task

__all__ = [
    "DEFAULT_METRICS",
    "METRICS",
    "Metric",
    "find_function",
    "is_function",
    "metric_for",
    "metric_of",
    "register_function",
    "resolve_metric_name",
]

DEFAULT_METRICS: dict[str, str] = {
    "binary": "roc_auc",
    "multiclass": "log_loss",
    "regression": "rmse",
}


@lru_cache(64)
def metric_of(task: Task) -> Metric:
    """Return the metric of a task, which must exist.

    >>> metric_of(Task("regression", "price", "pinball_0.9")).quantile_level
    0.9
    """
    return metric_for(task.metric, task.kind, task)


def metric_for(name: str | None, kind: Kind, task: Task | None = None) -> Metric:
    """Return the metric of this name, or the default of the kind of task.

    Parameters
    ----------
    name : str or None
    kind : {"binary", "multiclass", "regression"}
    task : Task, optional
        Provides the labels that scikit-learn's scorers and Python functions get; without it they
        get class codes.

    Raises
    ------
    InputError
        There is no such metric, or it is not defined for this kind of task.

    Examples
    --------
    >>> metric_for(None, "binary").name
    'roc_auc'
    >>> metric_for("jaccard_macro", "multiclass").about
    "scikit-learn's scorer jaccard_macro"
    """
    if name is None:
        name = DEFAULT_METRICS[kind]
    metric = METRICS.get(name) or pinball(name) or scorer_metric(name, kind, task)
    if metric is None:
        raise InputError(
            f"--metric: no metric {name!r}.{suggestion(name, METRICS)} `automl metrics` lists "
            "them; scikit-learn's scorers are known by name, too."
        )
    if kind not in metric.kinds:
        fitting = [known.name for known in METRICS.values() if kind in known.kinds]
        raise InputError(
            f"--metric: {metric.name!r} is not defined for a {kind} task. "
            f"These are: {', '.join(fitting)}."
        )
    return metric
