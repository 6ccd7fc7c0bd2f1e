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
from automl.track.graph.builder import Graph, Value

DAYS_TO_MARCH_0000 = 719_468  # from 0000-03-01, the first day of eras, to 1970-01-01
DAYS_PER_ERA = 146_097  # 400 years


class DateParts:
    """The parts of one column of dates, each of shape (n_rows, 1), double.

    Years begin in March, as in Hinnant's `civil_from_days`, so that a leap day is a year's last.

    Parameters
    ----------
    graph : Graph
    seconds : str
        Doubles, NaN where missing.
    """

    def __init__(self, graph: Graph, seconds: Value) -> None:
        self._graph = graph
        self._is_missing = graph.op("IsNaN", seconds)
        filled = graph.op("Where", self._is_missing, graph.constant(0.0), seconds)
        self._seconds = graph.clip(filled, YEAR_1, YEAR_9999)
        whole = graph.op("Floor", self._seconds)
        self._day = self._quotient(whole, SECONDS_PER_DAY)
        self._second = self._minus(whole, self._times(self._day, SECONDS_PER_DAY))
        self._parts: dict[str, Value] = {}

    def part(self, name: str) -> Value:
        """Return a part, NaN where the date is missing."""
        if not self._parts:
            self._make()
        graph = self._graph
        if name in CYCLES:
            cycle, function = name.split()
            values = self._cycle(cycle, function)
        else:
            values = self._parts[name]
        return graph.op("Where", self._is_missing, graph.constant(np.nan), values)

    def _make(self) -> None:
        graph = self._graph
        shifted = self._plus(self._day, 3)
        weekday = self._remainder(shifted, 7)
        era_day = self._remainder(self._plus(self._day, DAYS_TO_MARCH_0000), DAYS_PER_ERA)
        era = self._quotient(self._plus(self._day, DAYS_TO_MARCH_0000), DAYS_PER_ERA)
        # The day of the era, without the leap days before it, counts years of 365 days.
        leaps = self._minus(self._quotient(era_day, 1460), self._quotient(era_day, 36_524))
        leaps = graph.op("Add", leaps, self._quotient(era_day, 146_096))
        era_year = self._quotient(self._minus(era_day, leaps), 365)
        year_day = self._minus(era_day, self._days_before(era_year))
        month_index = self._quotient(self._plus(self._times(year_day, 5), 2), 153)
        month_start = self._quotient(self._plus(self._times(month_index, 153), 2), 5)
        day = self._plus(self._minus(year_day, month_start), 1)
        # Month 0 is March, so that months 10 and 11 belong to the next year.
        is_next = graph.cast(
            graph.op("GreaterOrEqual", month_index, graph.constant(10.0)), "DOUBLE"
        )
        month = self._minus(self._plus(month_index, 3), self._times(is_next, 12))
        march_year = graph.op("Add", self._times(era, 400), era_year)
        year = graph.op("Add", march_year, is_next)
        self._parts = {
            "days": graph.op("Div", self._seconds, graph.constant(float(SECONDS_PER_DAY))),
            "year": year,
            "month": month,
            "day": day,
            "weekday": weekday,
            "yearday": self._plus(self._minus(self._day, self._new_year(year)), 1),
            "hour": graph.op("Div", self._second, graph.constant(float(SECONDS_PER_HOUR))),
        }
        self._steps = {
            "month": self._plus(month, -1),
            "weekday": weekday,
            "hour": self._quotient(self._second, SECONDS_PER_MINUTE),
        }

    def _days_before(self, year: Value) -> Value:
        """Return the days before a year that is counted from a leap year on."""
        days = self._times(year, 365)
        days = self._graph.op("Add", days, self._quotient(year, 4))
        days = self._minus(days, self._quotient(year, 100))
        return self._graph.op("Add", days, self._quotient(year, 400))

    def _new_year(self, year: Value) -> Value:
        """Return the day of a year's first of January, counted from 1970 on."""
        before = self._days_before(self._plus(year, -1))
        return self._plus(before, -719_162)

    def _cycle(self, cycle: str, function: str) -> Value:
        n_steps = CYCLE_STEPS[cycle]
        angles = np.arange(n_steps) * (2 * np.pi / n_steps)
        table = np.sin(angles) if function == "sine" else np.cos(angles)
        places = self._graph.cast(self._steps[cycle], "INT64")
        return self._graph.op("Gather", self._graph.constant(table), places)

    def _plus(self, value: Value, number: float) -> Value:
        return self._graph.op("Add", value, self._graph.constant(float(number)))

    def _minus(self, first: Value, second: Value) -> Value:
        return self._graph.op("Sub", first, second)

    def _times(self, value: Value, number: float) -> Value:
        return self._graph.op("Mul", value, self._graph.constant(float(number)))

    def _quotient(self, value: Value, number: float) -> Value:
        """Return the whole quotient, rounded down."""
        divided = self._graph.op("Div", value, self._graph.constant(float(number)))
        return self._graph.op("Floor", divided)

    def _remainder(self, value: Value, number: float) -> Value:
        return self._minus(value, self._times(self._quotient(value, number), number))
