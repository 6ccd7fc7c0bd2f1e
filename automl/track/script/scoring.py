"""How a script scores its model: the metric as scikit-learn has it, and the folds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automl.metrics import Metric
from automl.study import Plan
from automl.task import Task
from automl.track.script.code import Call, Name

SCORINGS: Mapping[str, str] = {
    "roc_auc": "roc_auc",
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "average_precision": "average_precision",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced_accuracy",
    "f1": "f1",
    "f1_macro": "f1_macro",
    "f1_weighted": "f1_weighted",
    "mcc": "matthews_corrcoef",
    "rmse": "neg_root_mean_squared_error",
    "mae": "neg_mean_absolute_error",
    "median_ae": "neg_median_absolute_error",
    "mape": "neg_mean_absolute_percentage_error",
    "rmsle": "neg_root_mean_squared_log_error",
    "r2": "r2",
}


@dataclass(frozen=True)
class Scoring:
    """A metric of scikit-learn.

    Parameters
    ----------
    name : str
        Automl's name of it.
    scorer : object
        Code of what `scoring` takes.
    sign : int
        -1 where scikit-learn's score is a loss times -1.
    departure : str
    """

    name: str
    scorer: Any
    sign: int
    departure: str = ""


def script_scoring(task: Task, metric: Metric) -> Scoring:
    """Return scikit-learn's form of a run's metric."""
    if metric.is_quantile and metric.name not in SCORINGS:  # the MAE is one of the median
        options = {"alpha": metric.quantile_level, "greater_is_better": False}
        scorer = Call("make_scorer", (Name("mean_pinball_loss"),), options)
        return Scoring(metric.name, scorer, -1)
    if metric.name == "roc_auc" and task.kind == "multiclass":
        return Scoring(metric.name, "roc_auc_ovr", 1)
    known = SCORINGS.get(metric.name)
    if known is None:
        name = "rmse" if task.is_regression else "log_loss"
        departure = f"the run's own metric, {metric.name}, is not known here: {name} instead"
        return Scoring(name, SCORINGS[name], -1, departure)
    sign = -1 if known.startswith("neg_") else 1
    departure = ""
    if metric.needs == "labels":
        departure = "automl chooses thresholds between classes for this metric"
    return Scoring(metric.name, known, sign, departure)


@dataclass(frozen=True)
class ScriptFolds:
    """How rows are held out.

    Parameters
    ----------
    call : Call
    sorts : bool
        Whether rows must be sorted by time first.
    uses_groups : bool
    departure : str
    """

    call: Call
    sorts: bool = False
    uses_groups: bool = False
    departure: str = ""


def script_folds(task: Task, plan: Plan, time: str, group: str) -> ScriptFolds:
    """Return the folds of scikit-learn that are like a run's.

    Parameters
    ----------
    task : Task
    plan : Plan
    time, group : str
        The columns that the user named; empty if there is none.
    """
    shuffled = {"n_splits": max(2, plan.folds), "shuffle": True, "random_state": 0}
    if plan.kind in ("time", "panel") and time:
        departure = ""
        if plan.kind == "panel":
            departure = "automl holds out later rows of each group; here all later rows"
        call = Call("TimeSeriesSplit", (), {"n_splits": max(2, plan.folds)})
        return ScriptFolds(call, sorts=True, departure=departure)
    stratified = "" if task.is_regression else "Stratified"
    if plan.together == "groups" and group:
        call = Call(f"{stratified}GroupKFold", (), shuffled)
        return ScriptFolds(call, uses_groups=True)
    if plan.kind == "holdout":
        options = {"n_splits": 1, "test_size": plan.held_share, "random_state": 0}
        return ScriptFolds(Call(f"{stratified}ShuffleSplit", (), options))
    departure = ""
    if plan.together:
        departure = "automl keeps equal rows in one fold"
    return ScriptFolds(Call(f"{stratified}KFold", (), shuffled), departure=departure)
