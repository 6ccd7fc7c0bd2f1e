"""Dates: moments in one format, as seconds since 1970-01-01 UTC."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.cleaning import dates
from automl.cleaning.cells import Cells, Typed, as_words
from automl.cleaning.date_layouts import ISO
from automl.cleaning.drops import has_id_name
from automl.cleaning.kinds.kind import Inferred, Kind, RawColumn, Rule
from automl.cleaning.reading import ReadColumn, count_known, read_words
from automl.cleaning.saved_values import SavedState, saved_texts
from automl.cleaning.vocabulary import (
    MAX_STRAYS_KEPT,
    SAMPLE_WORDS,
    Vocabulary,
    find_strays,
    has_digit,
    is_missing_word,
    stray_findings,
)
from automl.columns import Numbers
from automl.errors import UnsafeModel
from automl.finding import Finding
from automl.state import State

_MAX_SHOWN_FORMAT = 40  # characters
# In milliseconds: smaller numbers are epochs only in a column that is named like a date.
_MIN_UNNAMED_EPOCH = 9e11
_MAX_WORDS_AMONG_DATES = 5  # different words without a digit
_DATE_NAME = re.compile(r"date|day|time|(^|_)dt($|_)", re.IGNORECASE)


@dataclass(frozen=True)
class DateRule(Rule):
    """Dates of one format."""

    layout: str = ISO
    strays: tuple[str, ...] = ()

    kind = "date"
    none_found = "no date"

    def read(self, cells: Cells) -> ReadColumn:
        """Return seconds since 1970-01-01 UTC, NaN where missing or unreadable."""
        if isinstance(cells, Typed) and cells.kind == "date":
            column = Numbers(cells.values, "date")
            present = count_known(cells.values)
            return ReadColumn(column, present)
        spelled = as_words(cells)
        words = spelled.words.tolist()
        table = dates.read(words, self.layout)
        return read_words(spelled, table, self.strays, kind="date")

    def describe(self) -> dict[str, Any]:
        """Return the format."""
        return {"format": self.layout}

    def to_state(self) -> State:
        """Return plain values."""
        return {"layout": self.layout, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: SavedState) -> DateRule:
        """Return the rule that `to_state` wrote."""
        layout = state["layout"]
        if layout not in dates.FORMATS:
            shown = str(layout)[:_MAX_SHOWN_FORMAT]
            raise UnsafeModel(f"the model file holds an unknown date format {shown!r}")
        strays = saved_texts(state["strays"])
        return cls(layout, strays)


def infer(raw: RawColumn) -> Inferred | None:
    """Return the rule of a column with a date's type, or of dates as words."""
    if isinstance(raw.cells, Typed):
        return Inferred(DateRule()) if raw.cells.kind == "date" else None
    return _infer_words(raw.vocabulary)


def _infer_words(column: Vocabulary) -> Inferred | None:
    is_missing = column.mask(is_missing_word)
    present = column.select(~is_missing)
    layout = _find_format(present.words)
    if layout is None:
        return None
    seconds = dates.read(column.words, layout)
    is_date = ~np.isnan(seconds) & ~is_missing
    readable = is_date | is_missing
    if find_strays(column, readable) is None:
        return None
    strays = column.select(~is_date)
    findings = [_date_finding(column, layout)]
    findings += stray_findings(strays, "dates")
    rule = DateRule(layout, strays.first(MAX_STRAYS_KEPT))
    return Inferred(rule, tuple(findings))


def _find_format(words: list[str]) -> str | None:
    """Return the format of dates, leaving a few other words aside."""
    layout = dates.find_format(words)
    if layout is not None:
        return layout
    if not any(map(has_digit, words[:SAMPLE_WORDS])):
        return None
    with_digits = [word for word in words if has_digit(word)]
    n_others = len(words) - len(with_digits)
    if n_others > _MAX_WORDS_AMONG_DATES:
        return None
    return dates.find_format(with_digits)


def infer_typed_moments(name: str, cells: Typed) -> Inferred | None:
    """Return the rule for typed numbers that are moments."""
    if not _may_be_moments(name, cells):
        return None
    column = Vocabulary.of(name, as_words(Typed(cells.values)))
    return infer_moments(column)


def _may_be_moments(name: str, cells: Typed) -> bool:
    present = cells.values[np.isfinite(cells.values)]
    if not len(present):
        return False
    is_named = has_date_name(name) or dates.is_moment_name(name)
    if not is_named and present.min() <= _MIN_UNNAMED_EPOCH:
        return False
    return bool((present == np.floor(present)).all())


def infer_moments(column: Vocabulary, strays: Sequence[str] = ()) -> Inferred | None:
    """Return the rule for numbers that are moments.

    These are 20201231 in a column named like a date, 20201231235959, and epochs.
    """
    words = column.words
    is_named_date = has_date_name(column.name)
    layout: str | None = None
    if is_named_date and dates.are_compact(words):
        layout = dates.COMPACT
    if layout is None:
        layout = dates.find_digit_format(words, short=is_named_date)
    if layout is None and not has_id_name(column.name):
        layout = dates.find_epoch(words, column.name)
    if layout is None:
        return None
    kept = tuple(strays[:MAX_STRAYS_KEPT])
    finding = _date_finding(column, layout)
    return Inferred(DateRule(layout, kept), (finding,))


def has_date_name(name: str) -> bool:
    """Return whether a column is named like a date or a time.

    >>> has_date_name("order_date"), has_date_name("price")
    (True, False)
    """
    return _DATE_NAME.search(name) is not None


def _date_finding(column: Vocabulary, layout: str) -> Finding:
    action = f"read as dates of the format {layout}"
    return column.finding("date", action, count=column.n_rows)


def force(raw: RawColumn) -> DateRule:
    """Return the rule with the format that fits the column best."""
    words = raw.vocabulary.words
    if dates.are_compact(words):
        return DateRule(dates.COMPACT)
    layout = (
        dates.find_digit_format(words, short=True)
        or dates.find_format(words)
        or dates.find_epoch(words, "date")
        or ISO
    )
    return DateRule(layout)


DATE = Kind(
    DateRule,
    layout=Numbers,
    encoders="date",
    infer=infer,
    force=force,
)
