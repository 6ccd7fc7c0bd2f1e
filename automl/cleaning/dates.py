"""Dates as people write them: which format a column has, and parsing by it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from automl.cleaning.calendars import EPOCHS, seconds_of
from automl.cleaning.cells import seconds
from automl.columns import Floats

ISO = "ISO8601"
_DAYS = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d.%m.%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%m-%d-%y",
)
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
_STAMPS = ("%Y%m%d%H%M%S", "%Y%m%d%H%M")
_SPELLED = (
    *(day + time for day in (*_DAYS, *_NAMED) for time in _TIMES),
    *_MONTHS,
    "%a %b %d %H:%M:%S %Y",
)
DAY_FIRST, MONTH_FIRST = (
    "any, day first",
    "any, month first",
)  # each word by itself, whatever its spelling
FORMATS = (ISO, "%Y%m%d", *_SPELLED, *_STAMPS, DAY_FIRST, MONTH_FIRST, *EPOCHS)

_ISO_SHAPE = re.compile(
    r"\d{4}-\d{1,2}(-\d{1,2}([T ]\d{1,2}(:?\d{2}(:?\d{2}([.,]\d+)?)?)?\s*(Z|[-+]\d{2}(:?\d{2})?)?)?)?|\d{8}T\d{4,6}(\.\d+)?Z?"
)
_SHAPE = re.compile(
    r"(\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{4}/\d{1,2}(/\d{1,2})?|\d{4}\.\d{2}|\d{1,2}[/.]\d{4}"
    r"|(?:[A-Za-z]{3},? )?\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}|[A-Za-z]{3,9}[ -](\d{1,2},? )?\d{4}|[A-Za-z]{3} [A-Za-z]{3} +\d{1,2} .*\d{4})"
    r"([T ]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?)?"
)
_SAMPLE = 500
_FEW = 20  # words that show whether it is worth looking at more
_ENOUGH = 0.95
_NIL = re.compile(r"0{1,4}([-/.])0{1,4}\1?0{0,4}([T ]00?:00(:00(\.0+)?)?)?Z?|0{8}|0{14}")
_ORDER = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}")
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # of created_at, eventTs, unixTime
_MOMENT_NAMES = frozenset(
    ["day", "epoch", "unix", "created", "updated", "modified", "dt", "ts", "at", "utc"]
)
_MOMENT_ENDS = ("time", "date", "stamp")
_NO_MOMENTS = frozenset(["candidate", "mandate"])
_NAMED_SPAN = (315_532_800.0, 4_102_444_800.0)  # 1980 to 2100, in seconds since 1970
_UNNAMED_SPAN = (946_684_800.0, 2_051_222_400.0)  # 2000 to 2035
_FEWEST_UNNAMED = 20  # numbers
_SHORTEST_EPOCH = 9  # digits: 1980 in seconds
_LONG_EPOCHS = (
    "epoch ms",
    "epoch us",
)  # long enough to be no other number, and not so long that ids are as long


def parse(words: Sequence[str], layout: str) -> Floats:
    """Return seconds since 1970-01-01 UTC of each word, NaN where it is no date of this format.

    >>> parse(["31/12/1970", "x"], "%d/%m/%Y").tolist(), parse(["1000"], "epoch ms").tolist()
    ([31449600.0, nan], [1.0])
    """
    if layout in EPOCHS:
        return np.array([_number(word) for word in words], np.float64) / EPOCHS[layout]
    if layout in (DAY_FIRST, MONTH_FIRST):
        return np.array(
            [seconds_of(word, day_first=layout == DAY_FIRST) for word in words], np.float64
        )
    if layout != ISO:
        words = [word if len(word) < 64 else "" for word in words]
    else:
        words = [word if _ISO_SHAPE.fullmatch(word) else "" for word in words]
    dates = pd.to_datetime(
        pd.Index(words, dtype=object), format=layout, utc=True, errors="coerce", cache=False
    )
    return seconds(pd.DatetimeIndex(dates))


def read(words: Sequence[str], layout: str) -> Floats:
    """Return seconds since 1970-01-01 UTC of each word: by the format, or by any other spelling.

    >>> read(["1970-01-02T00:00:00Z", "03.01.1970", "19700104.0", "x"], "ISO8601").tolist()
    [86400.0, 172800.0, 259200.0, nan]
    """
    values = parse(words, layout)
    left: list[int] = np.flatnonzero(np.isnan(values)).tolist()
    if left and layout != ISO:  # the usual spelling is parsed all at once
        values[left] = parse([words[place] for place in left], ISO)
        left = np.flatnonzero(np.isnan(values)).tolist()
    if left:
        first = _day_first(layout)
        values[left] = [seconds_of(words[place], day_first=first, digits=True) for place in left]
    return values


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return np.nan


def _day_first(layout: str) -> bool | None:
    if layout in (DAY_FIRST, MONTH_FIRST):
        return layout == DAY_FIRST
    day, month = layout.find("%d"), max(layout.find("%m"), layout.find("%b"), layout.find("%B"))
    return day < month if day >= 0 and month >= 0 and not layout.startswith("%Y") else None


def is_nil(word: str) -> bool:
    """Whether a word is a date of zeros, which databases write where there is none.

    >>> is_nil("0000-00-00 00:00:00"), is_nil("00/00/0000"), is_nil("0"), is_nil("2000-01-01")
    (True, True, False, False)
    """
    return _NIL.fullmatch(word) is not None


def is_epoch_name(name: str) -> bool:
    """Whether a column is called like a moment.

    >>> [is_epoch_name(name) for name in ("created_at", "eventTs", "price", "candidate")]
    [True, True, False, False]
    """
    parts = {part.casefold() for part in _NAME_PARTS.findall(name)} - _NO_MOMENTS
    return any(part in _MOMENT_NAMES or part.endswith(_MOMENT_ENDS) for part in parts)


def epoch_of(words: Sequence[str], name: str) -> str | None:
    """Return the unit in which numbers count from 1970, or None if they don't.

    A name such as created_at suffices; otherwise they need 12 digits or more and recent years.

    >>> epoch_of(["1619863560", "1620000000"], "created_at"), epoch_of(["1619863560"], "price")
    ('epoch s', None)
    """
    if not all(
        len(word.partition(".")[0]) >= _SHORTEST_EPOCH and _number(word) > 0
        for word in words[:_FEW]
    ):
        return None
    values = np.array([_number(word) for word in words], np.float64)
    if not len(values) or np.isnan(values).any():
        return None
    named = is_epoch_name(name)
    for layout, times in EPOCHS.items():
        if not named and (layout not in _LONG_EPOCHS or len(values) < _FEWEST_UNNAMED):
            continue
        low, high = _NAMED_SPAN if named else _UNNAMED_SPAN
        if values.min() >= low * times and values.max() <= high * times and len(values) > 1:
            return layout
    return None


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
    if _share(sample, _ISO_SHAPE) >= _ENOUGH and _readable(words, ISO) >= _ENOUGH:
        return ISO
    return _spelled(words, sample) or _free(words, sample)


def _spelled(words: Sequence[str], sample: Sequence[str]) -> str | None:
    """The format of pandas' that most words have."""
    if _share(sample, _SHAPE) < _ENOUGH:
        return None
    shapes = {_skeleton(word) for word in sample[:_FEW]}
    candidates = [layout for layout in _SPELLED if _skeleton(layout) in shapes]
    scores = {
        layout: _readable(words, layout)
        for layout in candidates
        if _readable(sample, layout) >= _ENOUGH / 2
    }
    best = max(scores.values(), default=0.0)
    if best < _ENOUGH:
        return None
    return min(
        (layout for layout, score in scores.items() if score == best),
        key=lambda layout: _jumps(words, layout),
    )


def _free(words: Sequence[str], sample: Sequence[str]) -> str | None:
    """The order of day and month, if most words are dates, each in a spelling of its own."""
    if _readable(sample[:_FEW], DAY_FIRST) < _ENOUGH / 2 or _readable(sample, DAY_FIRST) < _ENOUGH:
        return None
    orders = [match for word in words if (match := _ORDER.match(word)) is not None]
    day_first = sum(int(match[1]) > 12 for match in orders)
    month_first = sum(int(match[2]) > 12 for match in orders)
    if day_first != month_first:
        return DAY_FIRST if day_first > month_first else MONTH_FIRST
    return min((DAY_FIRST, MONTH_FIRST), key=lambda layout: _jumps(words, layout))


def stamp_of(words: Sequence[str], *, short: bool = False) -> str | None:
    """Return the format of moments of digits alone; with `short`, they may lack seconds.

    >>> stamp_of(["20210501100600"]), stamp_of(["202105011006"])
    ('%Y%m%d%H%M%S', None)
    >>> stamp_of(["202105011006"], short=True)
    '%Y%m%d%H%M'
    """
    for layout, length in zip(_STAMPS, (14, 12), strict=True):
        if length == 12 and not short:
            continue
        if (
            words
            and len(words[0]) == length
            and all(len(word) == length and word.isdecimal() for word in words)
        ):
            return layout if not np.isnan(parse(words, layout)).any() else None
    return None


def is_compact(words: Sequence[str]) -> bool:
    """Whether all words are dates such as 20201231.

    >>> is_compact(["20201231", "19990101"]), is_compact(["20201331"])
    (True, False)
    """
    if not words or any(
        len(word) != 8 or not word.isdecimal() or not "1800" <= word[:4] <= "2200" for word in words
    ):
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
