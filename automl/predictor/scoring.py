"""Score a predictor on a table that holds the truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.certainty import reached, widening
from automl.ensemble import sharpen
from automl.errors import InputError, suggestion
from automl.metrics import Metric, metric_of
from automl.predictor.model import Predictor
from automl.table import Table
from automl.task import Task


@dataclass(frozen=True)
class Scores:
    """The metric's name, and the score of the whole predictor and of each member, in the metric's natural sign.

    `expected` is the score that the run expected, and the bounds of its 95% interval for as many rows; None if the file doesn't say.
    """

    metric: str
    rows: int
    found: tuple[tuple[str, float], ...]
    expected: tuple[float, float, float] | None


def scores(predictor: Predictor, table: Table) -> Scores:
    """Score a predictor and its members. Rows without a target are left out.

    Raises
    ------
    InputError
        The table lacks the target or what the model needs, or holds a class that the model doesn't know.
    """
    y, rows = truth(predictor.task, table)
    metric = metric_of(predictor.task)
    answers = predictor.answers(predictor.read(table.take(rows)).columns)
    found = [("the predictor", _score(predictor, predictor.mixed(answers), y, metric))]
    warmth = predictor.temperature if metric.needs == "labels" else 1.0  # the cuts are between sharpened probabilities
    for member, answer in zip(predictor.members, answers, strict=True) if len(answers) > 1 else ():
        alone = answer if predictor.task.is_regression else sharpen(answer, warmth)
        found.append((f"{member.id} {member.family}, weight {member.weight:.3f}", _score(predictor, alone, y, metric)))
    return Scores(metric.name, len(y), tuple(found), _expected(predictor, metric, len(y)))


def _expected(predictor: Predictor, metric: Metric, rows: int) -> tuple[float, float, float] | None:
    """The expected score, and its interval for so many new rows."""
    told = predictor.facts.get("expected", {})
    if not {"loss", "low", "high", "rows", "new"} <= told.keys():
        return None
    far = widening(told["rows"], rows) / widening(told["rows"], told["new"])
    loss, *ends = (metric.score(told[name]) for name in ("loss", "low", "high"))  # of a score it gives the loss
    low, high = sorted(metric.score(end) for end in reached(loss, min(ends), max(ends), far, metric))
    return told["loss"], low, high


def _score(predictor: Predictor, raw: npt.NDArray[np.float64], y: npt.NDArray[np.float64], metric: Metric) -> float:
    answer: npt.NDArray[Any] = predictor.codes(raw) if metric.needs == "labels" else raw
    return metric.score(metric.loss(y, answer, None))


def truth(task: Task, table: Table) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The target as codes or values, and the rows that have one."""
    if task.target not in table.columns:
        raise InputError(f"{table.source}: no column {task.target!r}.{suggestion(task.target, table.columns)}")
    text = table.columns[task.target].astype(object)
    if task.is_regression:
        values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64)
    else:
        codes = {label: float(code) for code, label in enumerate(task.labels)}
        shown = [str(value).strip() if not pd.isna(value) else "" for value in text]
        if unknown := sorted({value for value in shown if value} - codes.keys()):
            raise InputError(f"{table.source}: the target holds {unknown[0]!r}; the model knows {', '.join(map(repr, task.labels[:10]))}.")
        values = np.array([codes.get(value, np.nan) for value in shown])
    rows = np.flatnonzero(np.isfinite(values))
    if not len(rows):
        raise InputError(f"{table.source}: no row has a target in {task.target!r}.")
    return values[rows], rows
