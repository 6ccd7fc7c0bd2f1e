"""Metrics: the only place that says what a metric is.

Those that the product knows by name, any scorer of scikit-learn by its name, and Python functions, which are given from Python.
"""

from __future__ import annotations

from functools import lru_cache

from automl.errors import InputError, suggestion
from automl.metrics._functions import is_function, known_function, named, register
from automl.metrics._library import METRICS, pinball
from automl.metrics._metric import Metric
from automl.metrics._scorers import scorer_metric
from automl.task import Kind, Task

__all__ = [
    "DEFAULTS",
    "METRICS",
    "Metric",
    "is_function",
    "known_function",
    "metric_for",
    "metric_of",
    "named",
    "register",
]

DEFAULTS: dict[str, str] = {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}


@lru_cache(64)
def metric_of(task: Task) -> Metric:
    """The metric of a task, which exists.

    >>> metric_of(Task("regression", "price", "pinball_0.9")).level
    0.9
    """
    return metric_for(task.metric, task.kind, task)


def metric_for(name: str | None, kind: Kind, task: Task | None = None) -> Metric:
    """The metric of this name, or the default of the kind of task.

    Parameters
    ----------
    task : Task, optional
        Its labels are what scikit-learn's scorers and Python functions are given; codes stand for them without it.

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
    metric = (
        METRICS.get(DEFAULTS[kind] if name is None else name)
        or pinball(str(name))
        or scorer_metric(str(name), kind, task)
    )
    if metric is None:
        others = "`automl metrics` lists them; scikit-learn's scorers are known by name, too."
        raise InputError(f"--metric: no metric {name!r}.{suggestion(str(name), METRICS)} {others}")
    if kind not in metric.kinds:
        fitting = ", ".join(m.name for m in METRICS.values() if kind in m.kinds)
        raise InputError(
            f"--metric: {metric.name!r} is not defined for a {kind} task. These are: {fitting}."
        )
    return metric
