"""Dates as people write them: which format a column has, and parsing by it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from automl.cleaning.cells import seconds
from automl.columns import Floats

ISO = "ISO8601"
_DAYS = ("%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%d/%m/%y", "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%m-%d-%y")
_NAMED = (
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %Y",
    "%B %Y",
    "%b-%Y",
    "%a, %d %b %Y",
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %H:%M:%S.%f", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_MONTHS = ("%Y/%m", "%m/%Y", "%Y.%m", "%m.%Y")
FORMATS = (ISO, "%Y%m%d", *(day + time for day in (*_DAYS, *_NAMED) for time in _TIMES), *_MONTHS, "%a %b %d %H:%M:%S %Y")

_ISO_SHAPE = re.compile(
    r"\d{4}-\d{1,2}(-\d{1,2}([T ]\d{1,2}(:?\d{2}(:?\d{2}([.,]\d+)?)?)?\s*(Z|[-+]\d{2}(:?\d{2})?)?)?)?|\d{8}T\d{4,6}(\.\d+)?Z?"
)
_SHAPE = re.compile(
    r"(\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{4}/\d{1,2}(/\d{1,2})?|\d{4}\.\d{2}|\d{1,2}[/.]\d{4}"
    r"|(?:[A-Za-z]{3},? )?\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9}[ -](\d{1,2},? )?\d{4}|[A-Za-z]{3} [A-Za-z]{3} +\d{1,2} .*\d{4})"
    r"([T ]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?)?"
)
_SAMPLE = 500
_ENOUGH = 0.95


def parse(words: Sequence[str], layout: str) -> Floats:
    """Seconds since 1970-01-01 UTC of each word, NaN where it is no date of this format.

    >>> parse(["31/12/1970", "x"], "%d/%m/%Y").tolist()
    [31449600.0, nan]
    """
    if layout != ISO:
        words = [word if len(word) < 64 else "" for word in words]
    else:
        words = [word if _ISO_SHAPE.fullmatch(word) else "" for word in words]
    dates = pd.to_datetime(pd.Index(words, dtype=object), format=layout, utc=True, errors="coerce", cache=False)
    return seconds(pd.DatetimeIndex(dates))


def layout_of(words: Sequence[str]) -> str | None:
    """The format that most of these distinct words have, or None if they are no dates.

    Where every day is at most 12, so that day and month can't be told apart by value, the order under which neighbouring rows
    lie closer together is taken.

    >>> layout_of(["2020-01-31", "2020-02-01"]), layout_of(["3/12/2016", "31/1/2017"]), layout_of(["18-29", "30-39"])
    ('ISO8601', '%d/%m/%Y', None)
    """
    sample = words[:: max(1, len(words) // _SAMPLE)][:_SAMPLE]
    if not sample:
        return None
    if _share(sample, _ISO_SHAPE) >= _ENOUGH:
        return ISO if _readable(words, ISO) >= _ENOUGH else None
    if _share(sample, _SHAPE) < _ENOUGH:
        return None
    shapes = {_skeleton(word) for word in sample[:20]}
    candidates = [layout for layout in FORMATS[2:] if _skeleton(layout) in shapes]
    scores = {layout: _readable(words, layout) for layout in candidates if _readable(sample, layout) >= _ENOUGH / 2}
    best = max(scores.values(), default=0.0)
    if best < _ENOUGH:
        return None
    return min((layout for layout, score in scores.items() if score == best), key=lambda layout: _jumps(words, layout))


def is_compact(words: Sequence[str]) -> bool:
    """Whether all words are dates such as 20201231.

    >>> is_compact(["20201231", "19990101"]), is_compact(["20201331"])
    (True, False)
    """
    if not words or any(len(word) != 8 or not word.isdecimal() or not "1800" <= word[:4] <= "2200" for word in words):
        return False
    return not bool(np.isnan(parse(words, "%Y%m%d")).any())


def _skeleton(text: str) -> tuple[int, bool, bool, bool, bool]:
    """What a date and its format have in common, so that few formats need to be tried."""
    day = re.split(r"[T ]+(?=[\d%][^ ]*:)", text)[0]
    named = "%b" in day or "%B" in day or re.search(r"(?<!%)[A-Za-z]{3}", day) is not None
    return text.count(":"), "/" in day, "-" in day, "." in day, named


def _share(words: Sequence[str], shape: re.Pattern[str]) -> float:
    return sum(shape.fullmatch(word) is not None for word in words) / len(words)


def _readable(words: Sequence[str], layout: str) -> float:
    return 1.0 - float(np.isnan(parse(words, layout)).mean())


def _jumps(words: Sequence[str], layout: str) -> float:
    values = parse(words[:5000], layout)
    return float(np.nansum(np.abs(np.diff(values))))
