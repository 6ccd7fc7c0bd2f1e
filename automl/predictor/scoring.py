"""Score a predictor on a table that holds the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.cleaning.names import with_names_of_fit
from automl.cleaning.target_cells import has_decimal_comma, read_target_cells
from automl.ensemble import apply_temperature
from automl.errors import InputError, suggestion
from automl.extrapolation import widen_interval, widening_factor
from automl.metrics import metric_of
from automl.predictor.model import Predictor
from automl.table import Table, TableColumn
from automl.task import Task

Expected = tuple[float, float, float]  # a score and the bounds of its interval

MAX_CELLS_NAMED = 5  # unknown cells that a message names
MAX_CELL_CHARACTERS = 60
EXPECTED_KEYS = {"loss", "low", "high", "rows", "new"}  # of the predictor's facts


@dataclass(frozen=True)
class Scores:
    """Scores of a predictor and its members on a table.

    Parameters
    ----------
    metric : str
    rows : int
        Number of rows that were scored.
    by_model : tuple of (str, float)
        The names of the whole predictor and of each member, and their scores in the metric's
        natural sign.
    expected : tuple of (float, float, float) or None
        The score that the run expected, and the bounds of its 95% interval for as many rows; None
        if the predictor's file lacks them.
    left_out : str
        One line about rows that could not be scored; empty if all could.
    """

    metric: str
    rows: int
    by_model: tuple[tuple[str, float], ...]
    expected: Expected | None
    left_out: str = ""


@dataclass(frozen=True)
class KnownTarget:
    """The rows of a table whose target the model knows.

    Parameters
    ----------
    y : ndarray of shape (n_known,), float64
        Indices of classes, or values.
    rows : ndarray of shape (n_known,), int64
        Their positions in the table.
    left_out : str
        One line about rows with another target; empty if there are none.
    """

    y: npt.NDArray[np.float64]
    rows: npt.NDArray[np.int64]
    left_out: str = ""


def score_table(predictor: Predictor, table: Table) -> Scores:
    """Score a predictor and its members.

    Rows without a target, or with a class that the model doesn't know, are left out.

    Raises
    ------
    InputError
        The table lacks the target or a column that the model needs, or no row has a target that
        the model knows.
    """
    task = predictor.task
    cleaner = predictor.cleaner
    names_at_fit = (
        *cleaner.rules,
        *cleaner.unused,
        task.target,
    )
    table = with_names_of_fit(table, names_at_fit)
    if task.target not in table.columns:
        hint = suggestion(task.target, table.columns)
        raise InputError(f"{table.source}: no column {task.target!r}.{hint}")
    comma = has_decimal_comma(table, task) if table.is_textual else None
    target = table.columns[task.target]
    known = read_target(task, target, table.source, comma)
    applied = predictor.to_columns(table.take(known.rows))
    predictions = predictor.predict_members(applied.columns)
    combined = predictor.combine_members(predictions)
    score = _score(predictor, combined, known.y)
    results = [("the predictor", score)]
    if len(predictions) > 1:
        results += _member_scores(predictor, predictions, known.y)
    n_rows = len(known.y)
    return Scores(
        metric=metric_of(task).name,
        rows=n_rows,
        by_model=tuple(results),
        expected=_expected(predictor, n_rows),
        left_out=known.left_out,
    )


def _member_scores(
    predictor: Predictor,
    predictions: Sequence[Floats],
    y: Floats,
) -> list[tuple[str, float]]:
    """Score each member alone."""
    metric = metric_of(predictor.task)
    # The thresholds are between calibrated probabilities.
    temperature = predictor.temperature if metric.needs == "labels" else 1.0
    results = []
    for index, member in enumerate(predictor.members):
        alone = predictions[index]
        if not predictor.task.is_regression:
            alone = apply_temperature(alone, temperature)
        name = f"{member.id} {member.family_name}, weight {member.weight:.3f}"
        score = _score(predictor, alone, y)
        results.append((name, score))
    return results


def _expected(predictor: Predictor, n_rows: int) -> Expected | None:
    """Return the expected score and its 95% interval for a number of new rows."""
    metric = metric_of(predictor.task)
    facts = predictor.facts.get("expected", {})
    if not facts.keys() >= EXPECTED_KEYS:
        return None
    trained = facts["rows"]
    stored_width = widening_factor(trained, facts["new"])
    ratio = widening_factor(trained, n_rows) / stored_width
    # The file holds scores (under the historic key "loss"); `metric.score` is its own inverse.
    loss = metric.score(facts["loss"])
    ends = [metric.score(facts[end]) for end in ("low", "high")]
    bounds = widen_interval(loss, min(ends), max(ends), ratio, metric)
    low, high = sorted(metric.score(bound) for bound in bounds)
    return facts["loss"], low, high


def _score(predictor: Predictor, raw: Floats, y: Floats) -> float:
    """Return the score of probabilities or values, in the metric's natural sign."""
    metric = metric_of(predictor.task)
    if metric.needs == "labels":
        classes = predictor.predict_classes(raw)
        loss = metric.loss(y, classes, None)
    else:
        loss = metric.loss(y, raw, None)
    return metric.score(loss)


def read_target(
    task: Task,
    target: TableColumn,
    source: str,
    comma: bool | None = None,
) -> KnownTarget:
    """Read the target of a table as it was read at fit.

    Parameters
    ----------
    task : Task
    target : TextColumn or pandas.Series of length n_rows
    source : str
        The table's name in messages.
    comma : bool, optional
        Whether the table writes its decimals with a comma. Default: as at fit.

    Raises
    ------
    InputError
        No row has a target that the model knows.
    """
    result = read_target_cells(target, task, comma=comma)
    is_known = ~np.isnan(result.values)
    rows = np.flatnonzero(is_known)
    if len(rows):
        left_out = _left_out(task, result.unknown)
        return KnownTarget(result.values[rows], rows, left_out)
    if not result.unknown:
        raise InputError(f"{source}: no row has a target in {task.target!r}.")
    cell = next(iter(result.unknown))[:MAX_CELL_CHARACTERS]
    known = "numbers"
    if not task.is_regression:
        labels = task.labels[:10]
        known = ", ".join(repr(label) for label in labels)
    raise InputError(
        f"{source}: the target {task.target!r} holds {cell!r}; the model knows {known}."
    )


def _left_out(task: Task, unknown: Mapping[str, int]) -> str:
    """Describe the rows whose target is unknown in one line."""
    if not unknown:
        return ""
    count = sum(unknown.values())
    rows = "1 row was" if count == 1 else f"{count} rows were"
    reason = "no number" if task.is_regression else "a class that the model doesn't know"
    cells = list(unknown)[:MAX_CELLS_NAMED]
    shown = ", ".join(repr(cell[:MAX_CELL_CHARACTERS]) for cell in cells)
    if len(unknown) > MAX_CELLS_NAMED:
        shown += ", ..."
    return f"{rows} left out, with {reason} in {task.target!r}: {shown}"
