"""One date in any usual spelling: month names, time zones, weeks, quarters, digits alone, epochs."""

from __future__ import annotations

import datetime as dt
import math
import re

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "(?P<name>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_YEAR, _ANY_YEAR, _DAY = r"(?P<year>\d{4})", r"'?(?P<year>\d{4}|\d{2})", r"(?P<day>\d{1,2})"
_DATES = tuple(
    re.compile(pattern)
    for pattern in (
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
)
_COMPACT = re.compile(
    r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})(?:(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?)?"
)
_ZONE = r"(?P<zone>(?:gmt|utc)?[-+]\d{1,2}(?::?\d{2})?|[a-z]{1,5}(?<![ap]m))"
_CLOCK = (
    r"(?P<hour>\d{1,2})(?:[:h](?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>[.,]\d+)?)?)"
    r"?\s*(?P<half>[ap]\.?m\.?)?"
)
_BEHIND = re.compile(
    rf"(?P<date>.*?[^:])(?:t|\s|,|:|@|\bat)\s*{_CLOCK}\s*{_ZONE}?\s*(?:\[[^\]]*\]|\([^)]*\))?(?:\s+(?P<late>\d{{4}}))?"
)
_BEFORE = re.compile(rf"{_CLOCK}[,\s]\s*(?P<date>.+)")
_WEEKDAY = re.compile(
    r"\b(?:mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|(?:mon|tues|wednes|thurs|fri|satur|sun)day)\b\.?,?\s*"
)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b|\bof\b")
_BLANK = re.compile(r"[,\s]+")
_OFFSET = re.compile(r"(?:gmt|utc)?(?P<sign>[-+])(?P<hours>\d{1,2}):?(?P<minutes>\d{2})?")
_HOURS = {
    name: hours
    for hours, names in {
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
    }.items()
    for name in names.split()
}  # of abbreviations that several zones share, the most frequent one
_DAY_SECONDS = 86_400.0
_FIRST_DAY = dt.date(1970, 1, 1).toordinal()
_PIVOT = 69  # two digits from here on are 19xx, as for POSIX
_LONGEST = 80  # characters
_EARLIEST, _LATEST = "1800", "2200"  # years that digits alone may mean
EPOCHS = {"epoch s": 1.0, "epoch ms": 1e3, "epoch us": 1e6, "epoch ns": 1e9}
_EPOCH_OF_LENGTH = {10: "epoch s", 13: "epoch ms", 16: "epoch us", 19: "epoch ns"}


def seconds_of(word: str, *, day_first: bool | None = None, digits: bool = False) -> float:
    """Return the seconds since 1970-01-01 UTC of a date, NaN if it is none.

    Parameters
    ----------
    word : str
    day_first : bool, optional
        How 3/8/2021 is read. By default the month comes first with slashes, else the day.
    digits : bool
        Whether digits alone may be a date: 20210501, 2021, or an epoch by its length.

    Examples
    --------
    >>> seconds_of("Fri, 02 Jan 1970 01:00:00 CET"), seconds_of("01JAN1970"), seconds_of("May 5")
    (86400.0, 0.0, nan)
    """
    text = word.strip().casefold()
    if not 4 <= len(text) <= _LONGEST or not any(map(str.isdigit, text)):
        return math.nan
    if text.replace(".", "", 1).isdecimal() and (digits or len(text) in (12, 14)):
        return _of_digits(text)
    day = _date(text, day_first)
    if day is not None:
        return _start(day)
    for pattern in (_BEHIND, _BEFORE):
        if (match := pattern.fullmatch(text)) is not None:
            found = _with_clock(match, day_first)
            if found == found:
                return found
    return math.nan


def _start(day: dt.date) -> float:
    return (day.toordinal() - _FIRST_DAY) * _DAY_SECONDS


def _of_digits(text: str) -> float:
    whole, _, fraction = text.partition(".")
    if (length := len(whole)) in _EPOCH_OF_LENGTH:
        return float(text) / EPOCHS[_EPOCH_OF_LENGTH[length]]
    if fraction.strip("0"):
        return math.nan
    whole = {4: whole + "0101", 6: whole + "01"}.get(length, whole)
    match = _COMPACT.fullmatch(whole)
    if match is None or not _EARLIEST <= match["year"] <= _LATEST:
        return math.nan
    day = _valid(int(match["year"]), int(match["month"]), int(match["day"]))
    return math.nan if day is None else _start(day) + _clock_seconds(match.groupdict())


def _with_clock(match: re.Match[str], day_first: bool | None) -> float:
    parts = match.groupdict()
    if parts["minute"] is None and parts["half"] is None:
        return math.nan
    day = _date(f"{parts['date']} {parts.get('late') or ''}", day_first)
    offset = _offset(parts.get("zone"))
    return math.nan if day is None else _start(day) + _clock_seconds(parts) - offset


def _clock_seconds(parts: dict[str, str | None]) -> float:
    hour, minute, second = (int(parts.get(key) or 0) for key in ("hour", "minute", "second"))
    half = parts.get("half")
    if half is not None:
        if not 1 <= hour <= 12:
            return math.nan
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second):
        return math.nan
    fraction = parts.get("fraction")
    return hour * 3600 + minute * 60 + second + (float("0." + fraction[1:7]) if fraction else 0.0)


def _offset(zone: str | None) -> float:
    """Seconds that a time zone is ahead of UTC; NaN if there is no such zone."""
    if not zone:
        return 0.0
    match = _OFFSET.fullmatch(zone)
    if match is None:
        return _HOURS.get(zone, math.nan) * 3600
    size = int(match["hours"]) * 3600 + int(match["minutes"] or 0) * 60
    return float(-size if match["sign"] == "-" else size)


def _date(text: str, day_first: bool | None) -> dt.date | None:
    bare = _ORDINAL.sub("", _WEEKDAY.sub("", text))
    bare = _BLANK.sub(" ", bare).strip()
    for pattern in _DATES:
        match = pattern.fullmatch(bare)
        if match is not None and (day := _day(match.groupdict(), day_first)) is not None:
            return day
    return None


def _day(parts: dict[str, str | None], day_first: bool | None) -> dt.date | None:
    year = int(parts["year"] or 0)
    if len(parts["year"] or "") == 2:
        year += 1900 if year >= _PIVOT else 2000
    if parts.get("week"):
        return _week(year, int(parts["week"] or 0), int(parts.get("weekday") or 1))
    if parts.get("quarter"):
        return _valid(year, 3 * int(parts["quarter"] or 0) - 2, 1)
    if parts.get("first"):
        return _ordered(
            year, int(parts["first"] or 0), int(parts["second"] or 0), parts["sign"], day_first
        )
    name = parts.get("name")
    month = _MONTHS.index(name[:3]) + 1 if name else int(parts.get("month") or 1)
    return _valid(year, month, int(parts.get("day") or 1))


def _ordered(
    year: int, first: int, second: int, sign: str | None, day_first: bool | None
) -> dt.date | None:
    wanted = sign != "/" if day_first is None else day_first
    found = _valid(year, second, first) if wanted else _valid(year, first, second)
    if found is not None:
        return found
    return _valid(year, first, second) if wanted else _valid(year, second, first)


def _week(year: int, week: int, weekday: int) -> dt.date | None:
    try:
        return dt.date.fromisocalendar(year, week, weekday)
    except ValueError:
        return None


def _valid(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None
