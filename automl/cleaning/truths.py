"""True and false where fit had 1 and 0, and the reverse: the same column from another reader."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl.cleaning.cells import Cells, Spelled, Typed
from automl.cleaning.rules import CategoryRule, NumberRule, Rule

_TRUTHS = frozenset(["true", "false"])


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
        return cells if isinstance(cells, Spelled) and set(cells.words) & set(rule.strays) else found
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
