"""Durations and times of day, as seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.cleaning import durations, numbers
from automl.cleaning.cells import Cells, Typed
from automl.cleaning.kinds.kind import Inferred, Kind, RawColumn, Rule
from automl.cleaning.reading import ReadColumn, read_typed, read_words
from automl.cleaning.saved_values import SavedState, saved_texts
from automl.cleaning.vocabulary import (
    MAX_STRAYS_KEPT,
    MIN_SAMPLE_SHARE,
    SAMPLE_WORDS,
    Vocabulary,
    find_strays,
    stray_findings,
)
from automl.columns import Numbers
from automl.state import State

_MIN_DURATIONS = 10  # different words; fewer are categories


@dataclass(frozen=True)
class DurationRule(Rule):
    """Durations and times of day, as seconds.

    Parameters
    ----------
    minutes : bool
        Whether 4:03 means four minutes.
    strays : tuple of str
        Words that were no durations at fit.
    """

    minutes: bool = False
    strays: tuple[str, ...] = ()

    kind = "duration"
    none_found = "no duration"

    def read(self, cells: Cells) -> ReadColumn:
        """Return float64, NaN where missing or unreadable; plain numbers are seconds already."""
        if isinstance(cells, Typed):
            return read_typed(cells)
        words = cells.words.tolist()
        seconds = durations.parse(words, minutes=self.minutes)
        plain = numbers.parse(words).values
        is_plain = np.isnan(seconds)
        seconds[is_plain] = plain[is_plain]
        return read_words(cells, seconds, self.strays)

    def to_state(self) -> State:
        """Return plain values."""
        return {"minutes": self.minutes, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: SavedState) -> DurationRule:
        """Return the rule that `to_state` wrote."""
        strays = saved_texts(state["strays"])
        return cls(bool(state["minutes"]), strays)


def infer(raw: RawColumn) -> Inferred | None:
    """Return the rule of a column with a duration's type, or of durations as words."""
    if isinstance(raw.cells, Typed):
        return Inferred(DurationRule()) if raw.cells.kind == "duration" else None
    return _infer_words(raw.vocabulary)


def _infer_words(column: Vocabulary) -> Inferred | None:
    words = column.words
    if len(words) < _MIN_DURATIONS:
        return None
    sample = durations.parse(column.sample(SAMPLE_WORDS))
    if np.isnan(sample).mean() > 1 - MIN_SAMPLE_SHARE:
        return None
    minutes = durations.minutes_first(words)
    seconds = durations.parse(words, minutes=minutes)
    readable = ~np.isnan(seconds)
    strays = find_strays(column, readable)
    if strays is None or readable.sum() < _MIN_DURATIONS:
        return None
    action = "read as durations or times of day, in seconds"
    if minutes:
        action += " (4:03 is four minutes)"
    good = column.select(readable)
    findings = [good.finding("duration", action, count=good.n_rows)]
    findings += stray_findings(strays, "durations")
    rule = DurationRule(minutes, strays.first(MAX_STRAYS_KEPT))
    return Inferred(rule, tuple(findings))


DURATION = Kind(
    DurationRule,
    layout=Numbers,
    encoders="number",
    infer=infer,
)
