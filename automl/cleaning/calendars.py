"""Parse one date in any usual spelling.

Month names, time zones, weeks, quarters, digits alone and epochs are understood.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from functools import cache

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR = r"(?P<year>\d{4})"
_ANY_YEAR = r"'?(?P<year>\d{4}|\d{2})"
_DAY = r"(?P<day>\d{1,2})"
_DAYS = (
    rf"{_YEAR}[-/. ](?P<month>\d{{1,2}})[-/. ]{_DAY}",
    rf"(?P<first>\d{{1,2}})(?P<sign>[-/.])(?P<second>\d{{1,2}})(?P=sign){_ANY_YEAR}",
    rf"{_DAY}[-/. ]*{_MONTH}[-/. ]*{_ANY_YEAR}",
    rf"{_MONTH}[-/. ]*{_DAY}[-/. ]+{_YEAR}",
    rf"{_YEAR}[-/. ]*{_MONTH}[-/. ]*{_DAY}",
    rf"{_MONTH}[-/. ']*{_YEAR}",
    rf"{_YEAR}[-/. ]*{_MONTH}",
    rf"{_YEAR}[-/.m](?P<month>\d{{1,2}})",
    rf"(?P<month>\d{{1,2}})[-/.]{_YEAR}",
    rf"{_YEAR}[-/ ]?w(?:eek|k)?[- ]?(?P<week>\d{{1,2}})(?:-(?P<weekday>[1-7]))?",
    rf"w(?:eek|k)?[- ]?(?P<week>\d{{1,2}})[-/ ]+{_YEAR}",
    rf"{_YEAR}[-/ ]?q(?P<quarter>[1-4])",
    rf"q(?P<quarter>[1-4])[-/ ]*{_ANY_YEAR}",
    rf"(?P<quarter>[1-4])q[-/ ]*{_YEAR}",
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?"
)
_ZONE = r"(?P<zone>(?:gmt|utc)?[-+]\d{1,2}(?::?\d{2})?|[a-z]{1,5}(?<![ap]m))"
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>[.,]\d+)?)?)"
    r"?\s*(?P<half>[ap]\.?m\.?)?"
)
_DATE_THEN_CLOCK = (
    rf"(?P<date>.*?[^:])(?:t|\s|,|:|@|\bat)\s*{_CLOCK}\s*{_ZONE}?\s*"
    r"(?:\[[^\]]*\]|\([^)]*\))?(?:\s+(?P<late>\d{4}))?"
)
_CLOCK_THEN_DATE = rf"{_CLOCK}[,\s]\s*(?P<date>.+)"
_WEEKDAY = re.compile(
    r"\b(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b\.?,?\s*"
)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b")
_BLANK = re.compile(r"[,\s]+")
_OFFSET = re.compile(r"(?:gmt|utc)?(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?")
# Several zones share some abbreviations: each stands here for the most frequent one.
_ABBREVIATIONS_OF_OFFSET = {
    0.0: "z utc ut gmt wet",
    1.0: "cet bst west mez",
    2.0: "cest eet sast mesz",
    3.0: "eest msk trt",
    5.5: "ist",
    8.0: "hkt sgt awst",
    9.0: "jst kst",
    9.5: "acst",
    10.0: "aest",
    11.0: "aedt",
    12.0: "nzst",
    13.0: "nzdt",
    -3.0: "brt art adt",
    -4.0: "edt ast",
    -5.0: "est cdt",
    -6.0: "cst mdt",
    -7.0: "mst pdt",
    -8.0: "pst akdt",
    -9.0: "akst",
    -10.0: "hst",
}
_OFFSET_HOURS = {
    abbreviation: hours
    for hours, abbreviations in _ABBREVIATIONS_OF_OFFSET.items()
    for abbreviation in abbreviations.split()
}
_DAY_SECONDS = 86_400.0
_EPOCH_ORDINAL = dt.date(1970, 1, 1).toordinal()
_CENTURY_PIVOT = 69  # two digits from here on are 19xx, as for POSIX
_MAX_LENGTH = 80  # characters
_MIN_DIGITS_YEAR = "1800"  # the years that digits alone may mean
_MAX_DIGITS_YEAR = "2200"
EPOCH_TICKS_PER_SECOND = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_EPOCH_BY_LENGTH = {10: "epoch s", 13: "epoch ms", 16: "epoch us", 19: "epoch ns"}


def parse_date(word: str, *, day_first: bool | None = None, digits: bool = False) -> float:
    """Return the seconds since 1970-01-01 UTC of a date, NaN if the word is not a date.

    Parameters
    ----------
    word : str
    day_first : bool, optional
        How 3/8/2021 is read. By default the month comes first with slashes, else the day.
    digits : bool
        Whether digits alone may be a date: 20210501, 2021, or an epoch by its length.

    Examples
    --------
    >>> parse_date("Fri, 02 Jan 1970 01:00:00 CET"), parse_date("01JAN1970"), parse_date("May 5")
    (86400.0, 0.0, nan)
    """
    text = word.strip().casefold()
    if not 4 <= len(text) <= _MAX_LENGTH or not any(map(str.isdigit, text)):
        return math.nan
    is_decimal = text.replace(".", "", 1).isdecimal()
    if is_decimal and (digits or len(text) in (12, 14)):
        return _parse_digits(text)
    day = _parse_day(text, day_first)
    if day is not None:
        return _midnight(day)
    for pattern in _compiled((_DATE_THEN_CLOCK, _CLOCK_THEN_DATE)):
        match = pattern.fullmatch(text)
        if match is None:
            continue
        moment = _parse_with_clock(match, day_first)
        if not math.isnan(moment):
            return moment
    return math.nan


@cache
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    """Compile patterns at their first use: that takes longer than reading a small table."""
    return tuple(map(re.compile, patterns))


def _midnight(day: dt.date) -> float:
    return (day.toordinal() - _EPOCH_ORDINAL) * _DAY_SECONDS


def _parse_digits(text: str) -> float:
    whole, _, fraction = text.partition(".")
    length = len(whole)
    if length in _EPOCH_BY_LENGTH:
        unit = _EPOCH_BY_LENGTH[length]
        return float(text) / EPOCH_TICKS_PER_SECOND[unit]
    if fraction.strip("0"):
        return math.nan
    if length == 4:
        whole += "0101"
    elif length == 6:
        whole += "01"
    match = _COMPACT.fullmatch(whole)
    if match is None or not _MIN_DIGITS_YEAR <= match["year"] <= _MAX_DIGITS_YEAR:
        return math.nan
    day = _calendar_day(int(match["year"]), int(match["month"]), int(match["day"]))
    if day is None:
        return math.nan
    return _midnight(day) + _clock_seconds(match.groupdict())


def _parse_with_clock(match: re.Match[str], day_first: bool | None) -> float:
    parts = match.groupdict()
    if parts["minute"] is None and parts["half"] is None:
        return math.nan
    late_year = parts.get("late") or ""
    day = _parse_day(f"{parts['date']} {late_year}", day_first)
    if day is None:
        return math.nan
    offset = _zone_offset(parts.get("zone"))
    return _midnight(day) + _clock_seconds(parts) - offset


def _clock_seconds(parts: dict[str, str | None]) -> float:
    """Return the seconds since midnight; NaN if there is no such time of day."""
    hour = int(parts.get("hour") or 0)
    minute = int(parts.get("minute") or 0)
    second = int(parts.get("second") or 0)
    half = parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12
        if half.startswith("p"):
            hour += 12
    if hour > 24 or minute > 59 or second > 60:
        return math.nan
    if hour == 24 and minute + second:
        return math.nan
    digits = parts.get("fraction")
    fraction = float("0." + digits[1:7]) if digits else 0.0
    return hour * 3600 + minute * 60 + second + fraction


def _zone_offset(zone: str | None) -> float:
    """Return the seconds that a time zone is ahead of UTC; NaN if there is no such zone."""
    if not zone:
        return 0.0
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return _OFFSET_HOURS.get(zone, math.nan) * 3600
    size = int(match["hours"]) * 3600 + int(match["minutes"] or 0) * 60
    return float(-size if match["sign"] == "-" else size)


def _parse_day(text: str, day_first: bool | None) -> dt.date | None:
    """Read a date without a clock, whatever weekday is written in front of it."""
    bare = _ORDINAL.sub("", _WEEKDAY.sub("", text))
    bare = _BLANK.sub(" ", bare).strip()
    for pattern in _compiled(_DAYS):
        match = pattern.fullmatch(bare)
        if match is None:
            continue
        day = _day_of_parts(match.groupdict(), day_first)
        if day is not None:
            return day
    return None


def _day_of_parts(parts: dict[str, str | None], day_first: bool | None) -> dt.date | None:
    """Return the day that a pattern's named groups describe: its first day if none is named."""

    def number(part: str, default: int = 0) -> int:
        return int(parts.get(part) or default)

    year = number("year")
    if len(parts["year"] or "") == 2:
        year += 1900 if year >= _CENTURY_PIVOT else 2000
    if parts.get("week"):
        return _week_day(year, number("week"), number("weekday", 1))
    if parts.get("quarter"):
        return _calendar_day(year, 3 * number("quarter") - 2, 1)
    if parts.get("first"):
        if day_first is None:
            day_first = parts["sign"] != "/"
        return _day_in_either_order(year, number("first"), number("second"), day_first)
    name = parts.get("name")
    month = _MONTHS.index(name[:3]) + 1 if name else number("month", 1)
    return _calendar_day(year, month, number("day", 1))


def _day_in_either_order(year: int, first: int, second: int, day_first: bool) -> dt.date | None:
    """Read two numbers as day and month in the preferred order, or else in the other one."""
    if day_first:
        return _calendar_day(year, second, first) or _calendar_day(year, first, second)
    return _calendar_day(year, first, second) or _calendar_day(year, second, first)


def _week_day(year: int, week: int, weekday: int) -> dt.date | None:
    try:
        return dt.date.fromisocalendar(year, week, weekday)
    except ValueError:
        return None


def _calendar_day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
