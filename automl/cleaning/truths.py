"""What another reader made of the same column: true and false of 1 and 0, and days of a duration, or the reverse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl.cleaning import durations, numbers
from automl.cleaning.cells import Cells, Spelled, Typed
from automl.cleaning.rules import CategoryRule, NumberRule, Rule
from automl.table import Form

DAY_SECONDS = 86_400.0
_TRUTHS = frozenset(["true", "false"])


def in_days(cells: Cells, rule: Rule, form: Form | None, at_fit: Form | None) -> Cells:
    """Durations as the rule knows them: a workbook holds them as numbers of days, where they have no format of their own.

    Parameters
    ----------
    cells : Cells
    rule : Rule
    form, at_fit : Form or None
        Of this table, and of the one at fit.

    Examples
    --------
    >>> from automl.cleaning.cells import Typed
    >>> from automl.cleaning.rules import DurationRule
    >>> in_days(Typed(np.array([0.5])), DurationRule(), Form(kind="excel"), None).values.tolist()
    [43200.0]
    """
    if (
        _is_excel(form)
        and rule.kind == "duration"
        and isinstance(cells, Typed)
        and cells.form == "number"
    ):
        return Typed(np.round(cells.values * DAY_SECONDS, 6), "duration")
    if not (_is_excel(at_fit) and rule.kind == "number"):
        return cells
    if isinstance(cells, Typed):
        return Typed(cells.values / DAY_SECONDS) if cells.form == "duration" else cells
    seconds = durations.parse(cells.words.tolist())
    is_number = numbers.parse(cells.words.tolist()).readable
    return (
        cells
        if is_number.any() or np.isnan(seconds).all()
        else Typed(cells.spread(seconds) / DAY_SECONDS)
    )


def _is_excel(form: Form | None) -> bool:
    return form is not None and form.kind == "excel"


def as_at_fit(cells: Cells, rule: Rule) -> Cells:
    """Cells that hold true and false only, as the rule knows them.

    Examples
    --------
    >>> from automl.cleaning.cells import Typed
    >>> rule = CategoryRule(("False", "True"))
    >>> rule.read(as_at_fit(Typed(np.array([1.0, 0.0])), rule)).column.codes.tolist()
    [1, 0]
    """
    if not isinstance(rule, NumberRule | CategoryRule):
        return cells
    found = _truths(cells) if isinstance(cells, Spelled) else cells
    if not isinstance(found, Typed) or found.form == "date" or not _are_truths(found):
        return cells
    if isinstance(rule, NumberRule):
        return (
            cells if isinstance(cells, Spelled) and set(cells.words) & set(rule.strays) else found
        )
    if isinstance(cells, Spelled) and set(cells.words) <= set(rule.levels):
        return cells
    words = any(level.casefold() in _TRUTHS for level in rule.levels)
    return replace(found, form="flag" if words else "number")


def _truths(cells: Spelled) -> Cells:
    """Words that are all true or false as truth values."""
    words = [word.casefold() for word in cells.words]
    if not words or not _TRUTHS.issuperset(words):
        return cells
    return Typed(cells.spread(np.array([word == "true" for word in words], np.float64)), "flag")


def _are_truths(cells: Typed) -> bool:
    return bool((np.isnan(cells.values) | (cells.values == 0) | (cells.values == 1)).all())
