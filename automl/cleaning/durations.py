"""Durations and times of day as seconds: 4:03:17  PT1H2M3S  5m30s  1 days 02:00:00  10:30 PM."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from automl.arrays import Floats

_CLOCK = re.compile(
    r"(?P<sign>[-+])?(?:(?P<days>\d+)\s*days?,?\s*(?P<inner>[-+])?)?"
    r"(?P<first>\d{1,4}):(?P<second>\d{2})(?::(?P<third>\d{2}))?(?P<fraction>[.,]\d+)?"
    r"\s*(?P<half>[ap]\.?m\.?)?"
)
_ISO = re.compile(
    r"(?P<sign>[-+])?p(?=[\dt])(?:(?P<w>\d+(?:\.\d+)?)w)?(?:(?P<d>\d+(?:\.\d+)?)d)?"
    r"(?:t(?=\d)(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?)?"
)
_AMOUNT = re.compile(
    r"(?P<amount>\d+(?:\.\d+)?)\s*"
    r"(?P<unit>weeks?|wks?|w|days?|d|hours?|hrs?|hr|h|minutes?|mins?|min"
    r"|milliseconds?|msecs?|ms|m|seconds?|secs?|sec|s)"
    r"(?![a-z])\.?"
)
_BETWEEN_AMOUNTS = re.compile(r"[\s,]*(?:and\b)?\s*")
_DECADE = re.compile(r"(?:1[5-9]|20)\d0s")
_HOUR_ONLY = re.compile(r"(?P<first>\d{1,2})\s*(?P<half>[ap]\.?m\.?)")
_UNIT_SECONDS = {
    "w": 604_800.0,
    "d": 86_400.0,
    "h": 3_600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
}
_HOURS_A_DAY = 24
_MAX_LENGTH = 80  # characters


def parse(words: Sequence[str], *, minutes: bool = False) -> Floats:
    """Read each word as seconds, NaN where it is not a duration.

    Parameters
    ----------
    words : sequence of str
    minutes : bool
        Whether 4:03 is four minutes and three seconds rather than hours and minutes.

    Examples
    --------
    >>> parse(["4:03:17", "PT1H2M3S", "5m30s", "1 days 02:00:00", "1:30 PM", "x"]).tolist()
    [14597.0, 3723.0, 330.0, 93600.0, 48600.0, nan]
    """
    texts = [word.strip().casefold() for word in words]
    return np.array([_parse_duration(text, minutes) for text in texts], np.float64)


def minutes_first(words: Sequence[str]) -> bool:
    """Return whether words of two parts are minutes and seconds.

    They are if some would have too many hours, or if there are also words of three parts.

    >>> minutes_first(["12:33", "1:02:33"]), minutes_first(["20:05", "13:20:00"])
    (True, False)
    """
    firsts_of_two: list[int] = []
    firsts_of_three: list[int] = []
    for word in words:
        if len(word) > _MAX_LENGTH:
            continue
        match = _CLOCK.fullmatch(word.strip().casefold())
        if match is None:
            continue
        first = int(match["first"])
        if match["third"] is not None:
            firsts_of_three.append(first)
        elif match["half"] is None:
            firsts_of_two.append(first)
    if not firsts_of_two:
        return False
    if max(firsts_of_two) > _HOURS_A_DAY:
        return True
    return bool(firsts_of_three) and max(firsts_of_three) < 13


def _parse_duration(text: str, minutes: bool) -> float:
    if len(text) > _MAX_LENGTH or not any(map(str.isdigit, text)):
        return math.nan
    if ":" in text:
        clock = _CLOCK.fullmatch(text)
        if clock is None:
            return math.nan
        return _seconds_of_clock(clock, minutes)
    hour_only = _HOUR_ONLY.fullmatch(text)
    if hour_only is not None:
        hour = int(hour_only["first"])
        return _hour_of_day(hour, hour_only["half"]) * 3600.0
    iso = _ISO.fullmatch(text)
    if iso is not None:
        return _seconds_of_iso(iso)
    if _DECADE.fullmatch(text):
        return math.nan
    return _seconds_of_amounts(text)


def _seconds_of_iso(match: re.Match[str]) -> float:
    units = [unit for unit in "wdhms" if match[unit]]
    total = sum(float(match[unit]) * _UNIT_SECONDS[unit] for unit in units)
    return -total if match["sign"] == "-" else total


def _seconds_of_amounts(text: str) -> float:
    """Return the seconds of amounts with units: 2 hours, 5 minutes and 30 seconds."""
    total = 0.0
    position = 1 if text[0] in "+-" else 0
    while position < len(text):
        match = _AMOUNT.match(text, position)
        if match is None:
            return math.nan
        unit = _short_unit(match["unit"])
        total += float(match["amount"]) * _UNIT_SECONDS[unit]
        gap = _BETWEEN_AMOUNTS.match(text, match.end())
        if gap is None:
            break
        position = gap.end()
    return -total if text[0] == "-" else total


def _short_unit(unit: str) -> str:
    is_millisecond = unit.startswith(("ms", "milli"))
    return "ms" if is_millisecond else unit[0]


def _seconds_of_clock(match: re.Match[str], minutes: bool) -> float:
    first = int(match["first"])
    second = int(match["second"])
    third = int(match["third"] or 0)
    if second > 59 or third > 60:
        return math.nan
    digits = match["fraction"]
    fraction = float("0." + digits[1:]) if digits else 0.0
    has_two_parts = match["third"] is None and not match["half"]
    if has_two_parts and (minutes or digits):
        within = first * 60.0 + second + fraction
    else:
        hour = _hour_of_day(first, match["half"])
        within = hour * 3600.0 + second * 60.0 + third + fraction
    return _add_days(match, within)


def _add_days(match: re.Match[str], within: float) -> float:
    """Add the days before a time; pandas writes minus one hour as -1 days +23:00:00."""
    is_negative = match["sign"] == "-"
    if match["days"] is None:
        return -within if is_negative else within
    days = int(match["days"]) * _UNIT_SECONDS["d"]
    if is_negative and match["inner"] == "+":
        return within - days
    total = days + within
    return -total if is_negative else total


def _hour_of_day(hour: int, half: str | None) -> float:
    """Return the hour from midnight; NaN if no 12-hour clock shows it with this AM or PM."""
    if half is None:
        return float(hour)
    if not 1 <= hour <= 12:
        return math.nan
    afternoon = 12 if half.startswith("p") else 0
    return float(hour % 12 + afternoon)
