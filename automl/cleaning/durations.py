"""Durations and times of day as seconds: 4:03:17  PT1H2M3S  5m30s  1 days 02:00:00  10:30 PM."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from automl.columns import Floats

_CLOCK = re.compile(
    r"(?P<sign>[-+])?(?:(?P<days>\d+)\s*days?,?\s*(?P<inner>[-+])?)?"
    r"(?P<first>\d{1,4}):(?P<second>\d{2})(?::(?P<third>\d{2}))?(?P<fraction>[.,]\d+)?"
    r"\s*(?P<half>[ap]\.?m\.?)?"
)
_ISO = re.compile(
    r"(?P<sign>[-+])?p(?=[\dt])(?:(?P<w>\d+(?:\.\d+)?)w)?(?:(?P<d>\d+(?:\.\d+)?)d)?"
    r"(?:t(?=\d)(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?)?"
)
_AMOUNT = (
    r"(\d+(?:\.\d+)?)\s*"
    r"(weeks?|wks?|w|days?|d|hours?|hrs?|hr|h|minutes?|mins?|min|milliseconds?|msecs?|ms|m|seconds?|secs?|sec|s)"
    r"(?![a-z])\.?"
)
_BETWEEN = re.compile(r"[\s,]*(?:and\b)?\s*")
_DECADE = re.compile(r"(?:1[5-9]|20)\d0s")
_ONE = re.compile(_AMOUNT)
_HOUR_ONLY = re.compile(r"(?P<first>\d{1,2})\s*(?P<half>[ap]\.?m\.?)")
_SECONDS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
_DAY_HOURS = 24
_LONGEST = 80  # characters


def parse(words: Sequence[str], *, minutes: bool = False) -> Floats:
    """Read each word as seconds, NaN where it is no duration.

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
    return np.array([_seconds(word.strip().casefold(), minutes) for word in words], np.float64)


def minutes_first(words: Sequence[str]) -> bool:
    """Return whether words of two parts are minutes and seconds.

    They are if some would have too many hours, or if words of three parts stand beside them.

    >>> minutes_first(["12:33", "1:02:33"]), minutes_first(["20:05", "13:20:00"])
    (True, False)
    """
    short = [word.strip().casefold() for word in words if len(word) <= _LONGEST]
    found = [match for word in short if (match := _CLOCK.fullmatch(word)) is not None]
    two = [
        int(match["first"]) for match in found if match["third"] is None and match["half"] is None
    ]
    three = [int(match["first"]) for match in found if match["third"] is not None]
    if not two:
        return False
    return max(two) > _DAY_HOURS or (bool(three) and max(three) < 13)


def _seconds(text: str, minutes: bool) -> float:
    if len(text) > _LONGEST or not any(map(str.isdigit, text)):
        return math.nan
    if ":" in text:
        match = _CLOCK.fullmatch(text)
        return math.nan if match is None else _of_clock(match, minutes)
    if (match := _HOUR_ONLY.fullmatch(text)) is not None:
        return _hour(int(match["first"]), match["half"]) * 3600.0
    if (match := _ISO.fullmatch(text)) is not None:
        total = sum(float(match[unit]) * _SECONDS[unit] for unit in "wdhms" if match[unit])
        return -total if match["sign"] == "-" else total
    return math.nan if _DECADE.fullmatch(text) else _of_amounts(text)


def _of_amounts(text: str) -> float:
    """Seconds of amounts with their units: 2 hours, 5 minutes and 30 seconds."""
    total, place = 0.0, 1 if text[0] in "+-" else 0
    while place < len(text):
        match = _ONE.match(text, place)
        if match is None:
            return math.nan
        total += float(match[1]) * _SECONDS[_unit(match[2])]
        gap = _BETWEEN.match(text, match.end())
        place = gap.end() if gap is not None else len(text)
    return -total if text[0] == "-" else total


def _unit(spelled: str) -> str:
    return "ms" if spelled.startswith(("ms", "milli")) else spelled[0]


def _of_clock(match: re.Match[str], minutes: bool) -> float:
    first, second = int(match["first"]), int(match["second"])
    third = int(match["third"] or 0)
    if second > 59 or third > 60:
        return math.nan
    fraction = float("0." + match["fraction"][1:]) if match["fraction"] else 0.0
    if match["third"] is None and not match["half"] and (minutes or match["fraction"]):
        within = first * 60.0 + second + fraction
    else:
        within = _hour(first, match["half"]) * 3600.0 + second * 60.0 + third + fraction
    return _with_days(match, within)


def _with_days(match: re.Match[str], within: float) -> float:
    """Seconds with the days before them; pandas writes minus one hour as -1 days +23:00:00."""
    if match["days"] is None:
        return -within if match["sign"] == "-" else within
    days = int(match["days"]) * _SECONDS["d"]
    if match["sign"] == "-" and match["inner"] == "+":
        return within - days
    return -(days + within) if match["sign"] == "-" else days + within


def _hour(hour: int, half: str | None) -> float:
    if half is None:
        return float(hour)
    if not 1 <= hour <= 12:
        return math.nan
    return float(hour % 12 + (12 if half.startswith("p") else 0))
