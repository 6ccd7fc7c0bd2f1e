"""Cells of another type than at fit: true and false for 1 and 0, or days for a duration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl.arrays import Floats
from automl.cleaning import durations, numbers
from automl.cleaning.cells import Cells, Spelled, Typed
from automl.cleaning.kinds import Rule
from automl.cleaning.kinds.category import CategoryRule
from automl.cleaning.kinds.number import NumberRule
from automl.table import FileFormat

DAY_SECONDS = 86_400.0
_BOOLEAN_WORDS = frozenset(["true", "false"])


def in_fitted_unit(
    cells: Cells, rule: Rule, form: FileFormat | None, at_fit: FileFormat | None
) -> Cells:
    """Return durations in the unit that the rule expects.

    A workbook holds durations as numbers of days, if they have no format of their own.

    Parameters
    ----------
    cells : Cells
    rule : Rule
    form, at_fit : Form or None
        Of this table, and of the one at fit.

    Examples
    --------
    >>> from automl.cleaning.cells import Typed
    >>> from automl.cleaning.kinds.duration import DurationRule
    >>> excel = FileFormat(kind="excel")
    >>> in_fitted_unit(Typed(np.array([0.5])), DurationRule(), excel, None).values.tolist()
    [43200.0]
    """
    if rule.kind == "duration" and _is_excel(form):
        return _days_as_durations(cells)
    if rule.kind == "number" and _is_excel(at_fit):
        return _durations_as_days(cells)
    return cells


def _days_as_durations(cells: Cells) -> Cells:
    """Return numbers of days as durations in seconds; other cells as they are."""
    if isinstance(cells, Spelled):
        return cells
    if cells.kind != "number":
        return cells
    seconds = cells.values * DAY_SECONDS
    return Typed(np.round(seconds, 6), "duration")


def _durations_as_days(cells: Cells) -> Cells:
    """Return durations as numbers of days; other cells as they are."""
    if isinstance(cells, Typed):
        if cells.kind != "duration":
            return cells
        return Typed(cells.values / DAY_SECONDS)
    words = cells.words.tolist()
    is_number = numbers.parse(words).readable
    if is_number.any():
        return cells
    seconds = durations.parse(words)
    is_missing = np.isnan(seconds)
    if is_missing.all():
        return cells
    spread = cells.per_row(seconds)
    return Typed(spread / DAY_SECONDS)


def _is_excel(form: FileFormat | None) -> bool:
    return form is not None and form.kind == "excel"


def booleans_as_at_fit(cells: Cells, rule: Rule) -> Cells:
    """Return cells that hold only true and false in the form that the rule expects.

    Examples
    --------
    >>> from automl.cleaning.cells import Typed
    >>> rule = CategoryRule(("False", "True"))
    >>> rule.read(booleans_as_at_fit(Typed(np.array([1.0, 0.0])), rule)).column.codes.tolist()
    [1, 0]
    """
    if not isinstance(rule, NumberRule | CategoryRule):
        return cells
    typed = _as_booleans(cells)
    if typed is None:
        return cells
    words: set[str] = set()
    if isinstance(cells, Spelled):
        words.update(cells.words)
    if isinstance(rule, NumberRule):
        strays = words.intersection(rule.strays)
        return cells if strays else typed
    if words and words.issubset(rule.levels):
        return cells
    levels = map(str.casefold, rule.levels)
    has_words = not _BOOLEAN_WORDS.isdisjoint(levels)
    return replace(typed, kind="flag" if has_words else "number")


def _as_booleans(cells: Cells) -> Typed | None:
    """Return cells that are all 1, 0, true or false as numbers; None if some are not."""
    if isinstance(cells, Typed):
        if cells.kind == "date":
            return None
        if not _are_booleans(cells.values):
            return None
        return cells
    words = [word.casefold() for word in cells.words]
    if not words or not _BOOLEAN_WORDS.issuperset(words):
        return None
    is_true = [word == "true" for word in words]
    table = np.array(is_true, np.float64)
    values = cells.per_row(table)
    return Typed(values, "flag")


def _are_booleans(values: Floats) -> bool:
    is_boolean = np.isin(values, (0, 1))
    is_boolean |= np.isnan(values)
    return bool(is_boolean.all())
