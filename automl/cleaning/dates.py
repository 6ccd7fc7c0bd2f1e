"""Dates as people write them: find the format of a column, and parse words by it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence

import numpy as np

from automl.arrays import Floats
from automl.cleaning import date_layouts
from automl.cleaning.calendars import EPOCH_TICKS_PER_SECOND, parse_date
from automl.cleaning.cells import to_seconds
from automl.cleaning.date_layouts import ISO, has_iso_shape

COMPACT = "%Y%m%d"
_NUMERIC_DATES = (
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
_DATES_WITH_NAMES = (
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
_CLOCKS = (
    "",
    " %H:%M",
    " %H:%M:%S",
    " %H:%M:%S.%f",
    " %I:%M %p",
    " %I:%M:%S %p",
    "T%H:%M:%S",
)
_MONTHS = ("%Y/%m", "%m/%Y", "%Y.%m", "%m.%Y")
_DIGIT_MOMENTS = {"%Y%m%d%H%M%S": 14, "%Y%m%d%H%M": 12}  # with their number of digits
_SPELLED_FORMATS = (
    *(day + clock for day in (*_NUMERIC_DATES, *_DATES_WITH_NAMES) for clock in _CLOCKS),
    *_MONTHS,
    "%a %b %d %H:%M:%S %Y",
)
DAY_FIRST = "any, day first"  # each word by itself, however it is written
MONTH_FIRST = "any, month first"
FORMATS = (
    ISO,
    COMPACT,
    *_SPELLED_FORMATS,
    *_DIGIT_MOMENTS,
    DAY_FIRST,
    MONTH_FIRST,
    *EPOCH_TICKS_PER_SECOND,
)

_SPELLED_SHAPE = re.compile(
    r"(\d{1,2}[-/.]\d{1,2}[-/.](\d{4}|\d{2})|\d{4}/\d{1,2}(/\d{1,2})?|\d{4}\.\d{2}"
    r"|\d{1,2}[/.]\d{4}|(?:[A-Za-z]{3},? )?\d{1,2}[ -][A-Za-z]{3,9}[ -]\d{2,4}"
    r"|[A-Za-z]{3,9}[ -](\d{1,2},? )?\d{4}|[A-Za-z]{3} [A-Za-z]{3} +\d{1,2} .*\d{4})"
    r"([T ]+\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?( ?[AaPp][Mm])?)?"
)
_SAMPLE_WORDS = 500
_FIRST_LOOK_WORDS = 20  # they show whether it is worth looking at more
_JUMP_WORDS = 5_000
_MIN_READABLE_SHARE = 0.95
_MIN_WORDS_FOR_PANDAS = 200  # from here on its parser saves time, where it was imported anyway
_MAX_PANDAS_LENGTH = 64  # characters: longer words are no dates of a pandas format
_WORDS_FOR_THE_PRESENT = frozenset(["now", "today"])  # pandas reads them by the clock
_ZERO_DATE = re.compile(r"0{1,4}([-/.])0{1,4}\1?0{0,4}([T ]00?:00(:00(\.0+)?)?)?Z?|0{8}|0{14}")
_TWO_NUMBERS = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.]\d{2,4}")
_BEFORE_CLOCK = re.compile(r"[T ]+(?=[\d%][^ ]*:)")
_THREE_LETTERS = re.compile(r"(?<!%)[A-Za-z]{3}")
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")  # of created_at, eventTs, unixTime
_MOMENT_WORDS = frozenset(
    ["day", "epoch", "unix", "created", "updated", "modified", "dt", "ts", "at", "utc"]
)
_MOMENT_ENDINGS = ("time", "date", "stamp")
_NO_MOMENT_WORDS = frozenset(["candidate", "mandate"])
_NAMED_SPAN = (315_532_800.0, 4_102_444_800.0)  # 1980 to 2100, in seconds since 1970
_UNNAMED_SPAN = (946_684_800.0, 2_051_222_400.0)  # 2000 to 2035
_MIN_UNNAMED_NUMBERS = 20
_MIN_EPOCH_DIGITS = 9  # 1980 in seconds
# Long enough to be no other number, and not as long as ids are.
_UNNAMED_EPOCHS = ("epoch ms", "epoch us")


def parse(words: Sequence[str], layout: str) -> Floats:
    """Return seconds since 1970-01-01 UTC of each word, NaN where it is not a date of this format.

    >>> parse(["31/12/1970", "x"], "%d/%m/%Y").tolist(), parse(["1000"], "epoch ms").tolist()
    ([31449600.0, nan], [1.0])
    """
    if layout in EPOCH_TICKS_PER_SECOND:
        ticks = np.array([_float_or_nan(word) for word in words], np.float64)
        return ticks / EPOCH_TICKS_PER_SECOND[layout]
    if layout in (DAY_FIRST, MONTH_FIRST):
        day_first = layout == DAY_FIRST
        seconds = [parse_date(word, day_first=day_first) for word in words]
        return np.array(seconds, np.float64)
    is_possible = has_iso_shape if layout == ISO else _is_short
    words = [word if is_possible(word) else "" for word in words]
    is_for_pandas = len(words) >= _MIN_WORDS_FOR_PANDAS and "pandas" in sys.modules
    if not is_for_pandas:
        values = date_layouts.parse(words, layout)
        if values is not None:
            return values
    return _parse_with_pandas(words, layout)


def _is_short(word: str) -> bool:
    """Return whether a word is short enough for a date, and not one that the clock decides."""
    return len(word) < _MAX_PANDAS_LENGTH and word not in _WORDS_FOR_THE_PRESENT


def _parse_with_pandas(words: Sequence[str], layout: str) -> Floats:
    import pandas as pd

    dates = pd.to_datetime(
        pd.Index(list(words), dtype=object),
        format=layout,
        utc=True,
        errors="coerce",
        cache=False,
    )
    return to_seconds(pd.DatetimeIndex(dates))


def read(words: Sequence[str], layout: str) -> Floats:
    """Return seconds since 1970-01-01 UTC of each word: by the format, or by any other spelling.

    >>> read(["1970-01-02T00:00:00Z", "03.01.1970", "19700104.0", "x"], "ISO8601").tolist()
    [86400.0, 172800.0, 259200.0, nan]
    """
    values = parse(words, layout)
    unread = _missing_rows(values)
    if unread and layout != ISO:  # the most common spelling is parsed in one call
        values[unread] = parse([words[row] for row in unread], ISO)
        unread = _missing_rows(values)
    day_first = _has_day_first(layout)
    for row in unread:
        values[row] = parse_date(words[row], day_first=day_first, digits=True)
    return values


def _missing_rows(values: Floats) -> list[int]:
    rows: list[int] = np.flatnonzero(np.isnan(values)).tolist()
    return rows


def _float_or_nan(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        return np.nan


def _has_day_first(layout: str) -> bool | None:
    """Return whether a format has the day before the month; None if it lacks one of them."""
    if layout in (DAY_FIRST, MONTH_FIRST):
        return layout == DAY_FIRST
    day = layout.find("%d")
    month = max(layout.find(directive) for directive in ("%m", "%b", "%B"))
    if day < 0 or month < 0 or layout.startswith("%Y"):
        return None
    return day < month


def is_zero_date(word: str) -> bool:
    """Return whether a word is a date of zeros, which databases write for a missing one.

    >>> [is_zero_date(word) for word in ("0000-00-00 00:00:00", "00/00/0000", "0", "2000-01-01")]
    [True, True, False, False]
    """
    return _ZERO_DATE.fullmatch(word) is not None


def is_moment_name(name: str) -> bool:
    """Return whether a column is named like a moment.

    >>> [is_moment_name(name) for name in ("created_at", "eventTs", "price", "candidate")]
    [True, True, False, False]
    """
    parts = {part.casefold() for part in _NAME_PARTS.findall(name)}
    for part in parts - _NO_MOMENT_WORDS:
        if part in _MOMENT_WORDS or part.endswith(_MOMENT_ENDINGS):
            return True
    return False


def find_epoch(words: Sequence[str], name: str) -> str | None:
    """Return the unit in which numbers count from 1970, or None if they don't.

    A name such as created_at suffices; otherwise they need 12 digits or more and recent years.

    >>> find_epoch(["1619863560", "1620000000"], "created_at"), find_epoch(["1619863560"], "price")
    ('epoch s', None)
    """
    for word in words[:_FIRST_LOOK_WORDS]:
        digits = word.partition(".")[0]
        if len(digits) < _MIN_EPOCH_DIGITS or not _float_or_nan(word) > 0:
            return None
    values = np.array([_float_or_nan(word) for word in words], np.float64)
    if len(values) < 2 or np.isnan(values).any():
        return None
    if is_moment_name(name):
        return _epoch_within(values, tuple(EPOCH_TICKS_PER_SECOND), _NAMED_SPAN)
    if len(values) < _MIN_UNNAMED_NUMBERS:
        return None
    return _epoch_within(values, _UNNAMED_EPOCHS, _UNNAMED_SPAN)


def _epoch_within(values: Floats, epochs: Sequence[str], span: tuple[float, float]) -> str | None:
    """Return the first unit by which all values lie within a span of seconds since 1970."""
    for epoch in epochs:
        ticks = EPOCH_TICKS_PER_SECOND[epoch]
        earliest = span[0] * ticks
        latest = span[1] * ticks
        if values.min() >= earliest and values.max() <= latest:
            return epoch
    return None


def find_format(words: Sequence[str]) -> str | None:
    """Return the format that most of these distinct words have, or None if they are no dates.

    Where every day is at most 12, so that day and month can't be told apart by value, the order
    that brings neighbouring rows closer together is taken.

    >>> find_format(["2020-01-31", "2020-02-01"]), find_format(["3/12/2016", "31/1/2017"])
    ('ISO8601', '%d/%m/%Y')
    >>> find_format(["18-29", "30-39"])
    """
    step = max(1, len(words) // _SAMPLE_WORDS)
    sample = words[::step][:_SAMPLE_WORDS]
    if not sample:
        return None
    looks_iso = _share(sample, has_iso_shape) >= _MIN_READABLE_SHARE
    if looks_iso and _readable_share(words, ISO) >= _MIN_READABLE_SHARE:
        return ISO
    return _find_spelled_format(words, sample) or _find_free_order(words, sample)


def _find_spelled_format(words: Sequence[str], sample: Sequence[str]) -> str | None:
    """Return the pandas format that most words have."""
    if _share(sample, _has_spelled_shape) < _MIN_READABLE_SHARE:
        return None
    skeletons = {_skeleton(word) for word in sample[:_FIRST_LOOK_WORDS]}
    shares: dict[str, float] = {}
    for layout in _SPELLED_FORMATS:
        if _skeleton(layout) not in skeletons:
            continue
        if _readable_share(sample, layout) >= _MIN_READABLE_SHARE / 2:
            shares[layout] = _readable_share(words, layout)
    best = max(shares.values(), default=0.0)
    if best < _MIN_READABLE_SHARE:
        return None
    tied = [layout for layout, share in shares.items() if share == best]
    return min(tied, key=lambda layout: _sum_of_jumps(words, layout))


def _find_free_order(words: Sequence[str], sample: Sequence[str]) -> str | None:
    """Return the order of day and month, if most words are dates, whatever their formats."""
    first_look = sample[:_FIRST_LOOK_WORDS]
    if _readable_share(first_look, DAY_FIRST) < _MIN_READABLE_SHARE / 2:
        return None
    if _readable_share(sample, DAY_FIRST) < _MIN_READABLE_SHARE:
        return None
    n_day_first = 0
    n_month_first = 0
    for match in map(_TWO_NUMBERS.match, words):
        if match is not None:
            n_day_first += int(match[1]) > 12
            n_month_first += int(match[2]) > 12
    if n_day_first != n_month_first:
        return DAY_FIRST if n_day_first > n_month_first else MONTH_FIRST
    return min((DAY_FIRST, MONTH_FIRST), key=lambda layout: _sum_of_jumps(words, layout))


def find_digit_format(words: Sequence[str], *, short: bool = False) -> str | None:
    """Return the format of moments written in digits alone; with `short`, they may lack seconds.

    >>> find_digit_format(["20210501100600"]), find_digit_format(["202105011006"])
    ('%Y%m%d%H%M%S', None)
    >>> find_digit_format(["202105011006"], short=True)
    '%Y%m%d%H%M'
    """
    for layout, length in _DIGIT_MOMENTS.items():
        if length == 12 and not short:
            continue
        if _have_digits(words, length):
            return None if np.isnan(parse(words, layout)).any() else layout
    return None


def are_compact(words: Sequence[str]) -> bool:
    """Return whether all words are dates such as 20201231.

    >>> are_compact(["20201231", "19990101"]), are_compact(["20201331"])
    (True, False)
    """
    if not _have_digits(words, 8):
        return False
    if not all("1800" <= word[:4] <= "2200" for word in words):
        return False
    return not bool(np.isnan(parse(words, COMPACT)).any())


def _have_digits(words: Sequence[str], length: int) -> bool:
    """Return whether there are words, and all consist of this number of digits."""
    if not words:
        return False
    return all(len(word) == length and word.isdecimal() for word in words)


def _skeleton(text: str) -> tuple[int, bool, bool, bool, bool]:
    """Return the traits that a date shares with its format, so that few formats are tried."""
    day = _BEFORE_CLOCK.split(text)[0]
    has_month_name = "%b" in day or "%B" in day or _THREE_LETTERS.search(day) is not None
    return text.count(":"), "/" in day, "-" in day, "." in day, has_month_name


def _has_spelled_shape(word: str) -> bool:
    return _SPELLED_SHAPE.fullmatch(word) is not None


def _share(words: Sequence[str], predicate: Callable[[str], bool]) -> float:
    return sum(map(predicate, words)) / len(words)


def _readable_share(words: Sequence[str], layout: str) -> float:
    return 1.0 - float(np.isnan(parse(words, layout)).mean())


def _sum_of_jumps(words: Sequence[str], layout: str) -> float:
    """Return the seconds between neighbouring words, summed up."""
    values = parse(words[:_JUMP_WORDS], layout)
    return float(np.nansum(np.abs(np.diff(values))))
