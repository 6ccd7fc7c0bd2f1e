"""Parse words by a format of dates as pandas does, but without pandas.

The patterns are those of `pandas._libs.tslibs.strptime`, so that the same words match. What pandas
reads in a way of its own is left to it.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import numpy as np

from automl.arrays import Floats

ISO = "ISO8601"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PATTERNS = {
    "Y": r"(?P<year>\d\d\d\d)",
    "y": r"(?P<short_year>\d\d)",
    "m": r"(?P<month>1[0-2]|0[1-9]|[1-9])",
    "d": r"(?P<day>3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9])",
    "b": "(?P<name>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
    "B": (
        "(?P<name>september|february|november|december|january"
        "|october|august|march|april|june|july|may)"
    ),
    "a": "(?P<weekday>mon|tue|wed|thu|fri|sat|sun)",
    "H": r"(?P<hour>2[0-3]|[0-1]\d|\d)",
    "I": "(?P<hour>1[0-2]|0[1-9]|[1-9])",
    "M": r"(?P<minute>[0-5]\d|\d)",
    "S": r"(?P<second>6[0-1]|[0-5]\d|\d)",
    "f": "(?P<fraction>[0-9]{1,9})",
    "p": "(?P<half>am|pm)",
}
_LAST_SHORT_YEAR_OF_2000 = 68
# The plain part of ISO 8601; whatever else has its shape is left to pandas.
_PLAIN_ISO = re.compile(
    "(?P<year>[0-9]{4})-(?P<month>[0-9]{2})(?:-(?P<day>[0-9]{2})"
    "(?:[T ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2})"
    r"(?::(?P<second>[0-9]{2})(?:\.(?P<fraction>[0-9]{1,6}))?)?"
    "(?:Z|(?P<offset>[-+][0-9]{2}:?[0-9]{2}))?)?)?"
)
_ISO_SHAPE = re.compile(
    r"\d{4}-\d{1,2}(-\d{1,2}([T ]\d{1,2}(:?\d{2}(:?\d{2}([.,]\d+)?)?)?"
    r"\s*(Z|[-+]\d{2}(:?\d{2})?)?)?)?|\d{8}T\d{4,6}(\.\d+)?Z?"
)
_MAX_FRACTION_DIGITS = 6
_YEAR_SIGNS = ("-", "+")  # pandas reads -08/07 as a date of the year -08, unlike its pattern
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECOND = dt.timedelta(microseconds=1)

Parts = Mapping[str, str | None]


class _ForPandas(Exception):
    """Raised for a word that pandas must read."""


def has_iso_shape(word: str) -> bool:
    """Return whether a word looks like a date of ISO 8601.

    >>> has_iso_shape("2021-05-01T10:06Z"), has_iso_shape("1.5.2021")
    (True, False)
    """
    return _ISO_SHAPE.fullmatch(word) is not None


def parse(words: Sequence[str], layout: str) -> Floats | None:
    """Return seconds since 1970-01-01 UTC, NaN where a word is no date; None for pandas' words.

    >>> parse(["1970-01-02", "x"], ISO).tolist(), parse(["2/1/1970"], "%d/%m/%Y").tolist()
    ([86400.0, nan], [86400.0])
    >>> parse(["1970-01-02 00:00:00.123456789"], ISO) is None
    True
    """
    read = _reader(layout)
    micros = np.zeros(len(words), np.int64)
    is_missing = np.zeros(len(words), bool)
    try:
        for row, word in enumerate(words):
            value = read(word)
            if value is None:
                is_missing[row] = True
            else:
                micros[row] = value
    except _ForPandas:
        return None
    values: Floats = micros / 1e6
    values[is_missing] = np.nan
    return values


def _reader(layout: str) -> Callable[[str], int | None]:
    """Return the function that gives the microseconds of a word, or None if it is no date."""
    if layout == ISO:
        return _read_iso
    return partial(_read_spelled, pattern=_pattern(layout))


@cache
def _pattern(layout: str) -> re.Pattern[str]:
    """Return the pattern of the words that a format matches."""
    escaped = re.sub(r"([\\.^$*+?(){}\[\]|])", r"\\\1", layout)
    spaced = re.sub(r"\s+", r"\\s+", escaped)
    pattern = re.sub("%([A-Za-z])", lambda match: _PATTERNS[match[1]], spaced)
    return re.compile(pattern, re.IGNORECASE)


def _read_iso(word: str) -> int | None:
    match = _PLAIN_ISO.fullmatch(word)
    if match is not None:
        return _micros(match.groupdict())
    if has_iso_shape(word):
        raise _ForPandas
    return None


def _read_spelled(word: str, pattern: re.Pattern[str]) -> int | None:
    match = pattern.fullmatch(word)
    if match is None:
        if word.startswith(_YEAR_SIGNS):
            raise _ForPandas
        return None
    if not word.isascii():
        raise _ForPandas
    return _micros(match.groupdict())


def _micros(parts: Parts) -> int | None:
    """Return the microseconds since 1970-01-01 UTC; None if there is no such moment."""
    second = int(parts.get("second") or 0)
    fraction = parts.get("fraction") or ""
    if second > 59 or len(fraction) > _MAX_FRACTION_DIGITS:
        raise _ForPandas
    year = _year(parts)
    if year == 0:
        raise _ForPandas
    try:
        moment = dt.datetime(
            year,
            _month(parts),
            int(parts.get("day") or 1),
            _hour(parts),
            int(parts.get("minute") or 0),
            second,
            int(fraction.ljust(_MAX_FRACTION_DIGITS, "0")),
        )
    except ValueError:
        return None
    since_epoch = (moment - _EPOCH) // _MICROSECOND
    return since_epoch - _offset(parts.get("offset"))


def _year(parts: Parts) -> int:
    short = parts.get("short_year")
    if short is None:
        return int(parts.get("year") or 0)
    year = int(short)
    century = 2000 if year <= _LAST_SHORT_YEAR_OF_2000 else 1900
    return century + year


def _month(parts: Parts) -> int:
    name = parts.get("name")
    if name is None:
        return int(parts.get("month") or 1)
    return _MONTHS.index(name[:3].lower()) + 1


def _hour(parts: Parts) -> int:
    hour = int(parts.get("hour") or 0)
    half = parts.get("half")
    if half is None:
        return hour
    afternoon = 12 if half.lower() == "pm" else 0
    return hour % 12 + afternoon


def _offset(zone: str | None) -> int:
    """Return the microseconds that a time zone is ahead of UTC."""
    if zone is None:
        return 0
    hours = int(zone[1:3])
    minutes = int(zone[-2:])
    if hours > 23 or minutes > 59:
        raise _ForPandas
    size = (hours * 3600 + minutes * 60) * 1_000_000
    return -size if zone[0] == "-" else size
