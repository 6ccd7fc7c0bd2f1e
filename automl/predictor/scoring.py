"""Score a predictor on a table that holds the truth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from automl.cleaning.names import with_names_of_fit
from automl.cleaning.truth import comma_of, read_truth
from automl.ensemble import sharpen
from automl.errors import InputError, suggestion
from automl.metrics import Metric, metric_of
from automl.predictor.model import Predictor
from automl.table import Table
from automl.task import Task
from automl.uncertainty import reached, widening

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5  # unknown cells that a message names


@dataclass(frozen=True)
class Scores:
    """The metric's name, and the score of the whole predictor and of each member, in the metric's natural sign.

    `expected` is the score that the run expected, and the bounds of its 95% interval for as many rows; None if the file doesn't say.
    `left_out` says in one line which rows could not be scored; empty if all could.
    """

    metric: str
    rows: int
    found: tuple[tuple[str, float], ...]
    expected: tuple[float, float, float] | None
    left_out: str = ""


@dataclass(frozen=True)
class Known:
    """The rows of a table whose target the model knows.

    Parameters
    ----------
    y : ndarray of shape (n_known,), float64
        Class codes or values.
    rows : ndarray of shape (n_known,), int64
        Their places in the table.
    left_out : str
        Which other rows hold something in the target, in one line; empty if none does.
    """

    y: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    left_out: str = ""


def scores(predictor: Predictor, table: Table) -> Scores:
    """Score a predictor and its members. Rows without a target, or with a class that the model doesn't know, are left out.

    Raises
    ------
    InputError
        The table lacks the target or what the model needs, or no row has a target that the model knows.
    """
    cleaner = predictor.cleaner
    table = with_names_of_fit(table, (*cleaner.rules, *cleaner.unused, predictor.task.target))
    if predictor.task.target not in table.columns:
        raise InputError(
            f"{table.source}: no column {predictor.task.target!r}.{suggestion(predictor.task.target, table.columns)}"
        )
    comma = comma_of(table, predictor.task) if table.textual else None
    known = truth(predictor.task, table.columns[predictor.task.target], table.source, comma)
    y, metric = known.y, metric_of(predictor.task)
    answers = predictor.answers(predictor.read(table.take(known.rows)).columns)
    found = [("the predictor", _score(predictor, predictor.mixed(answers), y, metric))]
    warmth = (
        predictor.temperature if metric.needs == "labels" else 1.0
    )  # the cuts are between sharpened probabilities
    for member, answer in zip(predictor.members, answers, strict=True) if len(answers) > 1 else ():
        alone = answer if predictor.task.is_regression else sharpen(answer, warmth)
        found.append(
            (
                f"{member.id} {member.family}, weight {member.weight:.3f}",
                _score(predictor, alone, y, metric),
            )
        )
    return Scores(
        metric.name, len(y), tuple(found), _expected(predictor, metric, len(y)), known.left_out
    )


def _expected(predictor: Predictor, metric: Metric, rows: int) -> tuple[float, float, float] | None:
    """The expected score, and its interval for so many new rows."""
    told = predictor.facts.get("expected", {})
    if not {"loss", "low", "high", "rows", "new"} <= told.keys():
        return None
    far = widening(told["rows"], rows) / widening(told["rows"], told["new"])
    loss, *ends = (
        metric.score(told[name]) for name in ("loss", "low", "high")
    )  # of a score it gives the loss
    low, high = sorted(
        metric.score(end) for end in reached(loss, min(ends), max(ends), far, metric)
    )
    return told["loss"], low, high


def _score(
    predictor: Predictor, raw: npt.NDArray[np.float64], y: npt.NDArray[np.float64], metric: Metric
) -> float:
    answer: npt.NDArray[Any] = predictor.codes(raw) if metric.needs == "labels" else raw
    return metric.score(metric.loss(y, answer, None))


def truth(task: Task, target: pd.Series[Any], source: str, comma: bool | None = None) -> Known:
    """Read the target of a table as it was read at fit.

    Parameters
    ----------
    comma : bool, optional
        Whether the table writes its decimals with a comma; if that is not known, as at fit.

    Raises
    ------
    InputError
        No row has a target that the model knows.
    """
    found = read_truth(target, task, comma=comma)
    rows = np.flatnonzero(~np.isnan(found.values))
    if not len(rows) and found.unknown:
        word = next(iter(found.unknown))
        known = "numbers" if task.is_regression else ", ".join(map(repr, task.labels[:10]))
        raise InputError(
            f"{source}: the target {task.target!r} holds {word[:60]!r}; the model knows {known}."
        )
    if not len(rows):
        raise InputError(f"{source}: no row has a target in {task.target!r}.")
    return Known(found.values[rows], rows, _left_out(task, found.unknown))


def _left_out(task: Task, unknown: Mapping[str, int]) -> str:
    if not unknown:
        return ""
    count = sum(unknown.values())
    rows = "1 row was" if count == 1 else f"{count} rows were"
    what = "no number" if task.is_regression else "a class that the model doesn't know"
    shown = ", ".join(repr(word[:60]) for word in list(unknown)[:_SHOWN]) + (
        ", ..." if len(unknown) > _SHOWN else ""
    )
    return f"{rows} left out, with {what} in {task.target!r}: {shown}"
