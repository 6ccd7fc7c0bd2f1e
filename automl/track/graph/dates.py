"""The parts of dates as nodes: whole days are counted in doubles, which hold them exactly."""

from __future__ import annotations

import numpy as np

from automl.features.date import (
    CYCLE_STEPS,
    CYCLES,
    SECONDS_PER_DAY,
    SECONDS_PER_HOUR,
    SECONDS_PER_MINUTE,
    YEAR_1,
    YEAR_9999,
)
from automl.track.graph.builder import Value

# Days from the first one of year 0, which begins in March, to 1970-01-01.
DAYS_TO_EPOCH = 719_468
DAYS_FROM_YEAR_1 = 719_162  # to 1970-01-01
DAYS_PER_ERA = 146_097  # 400 years


class DateParts:
    """The parts of one column of dates, each of shape (n_rows, 1), double.

    Years begin in March, as in Hinnant's `civil_from_days`, so that a leap day is a year's last.

    Parameters
    ----------
    seconds : Value
        Doubles, NaN where missing.
    """

    def __init__(self, seconds: Value) -> None:
        self._is_missing = seconds.is_missing()
        known = seconds.replace(0.0, self._is_missing)
        clipped = known.clip(YEAR_1, YEAR_9999)
        whole = clipped.apply("Floor")
        day = _quotient(whole, SECONDS_PER_DAY)
        second = _remainder(whole, SECONDS_PER_DAY)
        weekday = _remainder(day + 3, 7)
        self._parts = {
            "days": clipped / SECONDS_PER_DAY,
            "weekday": weekday,
            "hour": second / SECONDS_PER_HOUR,
            **_calendar_parts(day),
        }
        self._steps = {
            "month": self._parts["month"] - 1,
            "weekday": weekday,
            "hour": _quotient(second, SECONDS_PER_MINUTE),
        }

    def part(self, name: str) -> Value:
        """Return a part, NaN where the date is missing."""
        if name in CYCLES:
            cycle, function = name.split()
            values = self._cycle(cycle, function)
        else:
            values = self._parts[name]
        return values.replace(np.nan, self._is_missing)

    def _cycle(self, cycle: str, function: str) -> Value:
        n_steps = CYCLE_STEPS[cycle]
        step_angle = 2 * np.pi / n_steps
        angles = np.arange(n_steps) * step_angle
        table = np.cos(angles)
        if function == "sine":
            table = np.sin(angles)
        places = self._steps[cycle].cast("INT64")
        return places.look_up(table)


def _calendar_parts(day: Value) -> dict[str, Value]:
    """Return the parts that depend on the lengths of months and years."""
    shifted = day + DAYS_TO_EPOCH
    era = _quotient(shifted, DAYS_PER_ERA)
    era_day = _remainder(shifted, DAYS_PER_ERA)
    # Without the leap days before it, the day of the era counts years of 365 days.
    leaps = _quotient(era_day, 1460)
    leaps = leaps - _quotient(era_day, 36_524)
    leaps = leaps + _quotient(era_day, 146_096)
    era_year = _quotient(era_day - leaps, 365)
    year_day = era_day - _days_before(era_year)
    # Months from March on, whose lengths repeat after 153 days.
    month = _quotient(year_day * 5 + 2, 153)
    month_start = _quotient(month * 153 + 2, 5)
    is_next_year = (month >= 10).cast("DOUBLE")
    year = era * 400 + era_year
    year = year + is_next_year
    new_year = _days_before(year - 1) - DAYS_FROM_YEAR_1
    return {
        "year": year,
        "month": month + 3 - is_next_year * 12,
        "day": year_day - month_start + 1,
        "yearday": day - new_year + 1,
    }


def _days_before(year: Value) -> Value:
    """Return the days of that many years, every fourth of which is a leap year."""
    days = year * 365
    days = days + _quotient(year, 4)
    days = days - _quotient(year, 100)
    return days + _quotient(year, 400)


def _quotient(value: Value, number: float) -> Value:
    """Return the whole quotient, rounded down."""
    ratio = value / number
    return ratio.apply("Floor")


def _remainder(value: Value, number: float) -> Value:
    multiple = _quotient(value, number) * number
    return value - multiple
