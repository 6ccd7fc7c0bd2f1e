"""Encode dates: the day as a number, its calendar parts, and cycles for models that need them.

Cycles (sine and cosine) are for models that only add and multiply, such as linear ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from automl.arrays import Floats, Integers, Matrix
from automl.columns import Column, Numbers
from automl.features._base import (
    EncoderPlan,
    Encoders,
    Names,
    SingleColumn,
    column_stack,
    number_values,
    read_source,
    read_strings,
    read_value,
    refuse_unless,
)
from automl.features.feature import Features, features_of
from automl.features.number import missing_indicator
from automl.features.scaling import (
    NoScaling,
    Scaler,
    Scalers,
    fit_scaler,
    scalers_from_state,
    scalers_to_state,
)
from automl.state import State

YEAR_1 = -62_135_596_800.0  # its first second, counted from 1970
YEAR_9999 = 253_402_300_799.0  # its last second, counted from 1970
SECONDS_PER_DAY = 86_400
SECONDS_PER_HOUR = 3600
SECONDS_PER_MINUTE = 60
CYCLE_STEPS = {"month": 12, "weekday": 7, "hour": 24 * 60}  # an hour's steps are minutes
DATE_PARTS = ("days", "year", "month", "day", "weekday", "yearday", "hour")
CYCLES = (
    "month sine",
    "month cosine",
    "weekday sine",
    "weekday cosine",
    "hour sine",
    "hour cosine",
)


def date_parts(seconds: Floats) -> dict[str, Floats]:
    """Return the parts of dates, each of shape (n_rows,), float64, NaN where missing.

    `days` since 1970-01-01, with fractions; `year`; `month` and `day` from 1; `weekday` from 0,
    a Monday; `yearday` from 1; `hour` of 24, with fractions; sine and cosine of month, weekday
    and hour. Dates before year 1 or after 9999 are clipped.

    Parameters
    ----------
    seconds : ndarray of shape (n_rows,), float64
        Since 1970-01-01 UTC.

    Examples
    --------
    >>> parts = date_parts(np.array([951_868_800.0]))  # Wednesday, 2000-03-01
    >>> [float(parts[name][0]) for name in DATE_PARTS]
    [11017.0, 2000.0, 3.0, 1.0, 2.0, 61.0, 0.0]
    """
    is_missing = np.isnan(seconds)
    filled = np.where(is_missing, 0.0, seconds)
    clipped = np.clip(filled, YEAR_1, YEAR_9999)
    whole = np.floor(clipped).astype(np.int64)
    day = whole // SECONDS_PER_DAY
    second = whole % SECONDS_PER_DAY
    minute = second // SECONDS_PER_MINUTE
    weekday = (day + 3) % 7
    parts: dict[str, Floats | Integers] = {
        "days": clipped / SECONDS_PER_DAY,
        "weekday": weekday,
        "hour": second / SECONDS_PER_HOUR,
        **_calendar_parts(day),
        **_cycle("weekday", weekday),
        **_cycle("hour", minute),
    }
    shown = {}
    for name, part in parts.items():
        shown[name] = np.where(is_missing, np.nan, part)
    return shown


def _calendar_parts(day: Integers) -> dict[str, Floats | Integers]:
    """Return the parts that depend on the lengths of months and years."""
    date = day.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    year = date.astype("datetime64[Y]")
    month_start = month.astype("datetime64[D]")
    year_start = year.astype("datetime64[D]")
    day_of_month = date - month_start
    day_of_year = date - year_start
    month_of_year = month.astype(np.int64) % 12
    return {
        "year": year.astype(np.int64) + 1970,
        "month": month_of_year + 1,
        "day": day_of_month.astype(np.int64) + 1,
        "yearday": day_of_year.astype(np.int64) + 1,
        **_cycle("month", month_of_year),
    }


def _cycle(name: str, steps: Integers) -> dict[str, Floats]:
    """Return sine and cosine of a cycle, by table, so that equal steps give equal bits."""
    n_steps = CYCLE_STEPS[name]
    step_angle = 2 * np.pi / n_steps
    angles = np.arange(n_steps) * step_angle
    sines = np.sin(angles)
    cosines = np.cos(angles)
    return {f"{name} sine": sines[steps], f"{name} cosine": cosines[steps]}


@dataclass(frozen=True)
class Date(SingleColumn):
    """The encoder of a date column.

    Parameters
    ----------
    source : str
    parts : tuple of str
        Names out of `DATE_PARTS` and `CYCLES`.
    scalers : tuple of Scaler
        One per part.
    shows_missing : bool
        Whether a last feature is 1 where the date is missing.

    Examples
    --------
    >>> as_it_is = NoScaling()
    >>> encoder = Date("bought", ("year", "weekday"), (as_it_is, as_it_is), shows_missing=False)
    >>> encoder.transform(Numbers(np.array([0.0, np.nan]), "date")).tolist()
    [[1970.0, 3.0], [nan, nan]]
    """

    kind: ClassVar[str] = "date"
    source: str
    parts: Names
    scalers: Scalers
    shows_missing: bool

    @cached_property
    def features(self) -> Features:
        """One feature per part, and the indicator of missing dates if there is one."""
        names = [f"{self.source} ({part})" for part in self.parts]
        parts = features_of(self.source, names)
        return (*parts, *missing_indicator(self.source, self.shows_missing))

    def transform(self, column: Column) -> Matrix:
        """Return features of shape (n_rows, n_parts or n_parts + 1), float32."""
        seconds = number_values(column, self.source)
        values = date_parts(seconds)
        scaled = []
        scaler_of_part = zip(self.parts, self.scalers, strict=True)
        for part, scaler in scaler_of_part:
            scaled.append(scaler.apply(values[part]))
        if self.shows_missing:
            is_missing = np.isnan(seconds)
            scaled.append(is_missing.astype(np.float32))
        return column_stack(scaled, len(seconds))

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {
            "source": self.source,
            "parts": list(self.parts),
            "scalers": scalers_to_state(self.scalers),
            "shows_missing": self.shows_missing,
        }

    @classmethod
    def from_state(cls, state: State) -> Date:
        """Return the encoder that `to_state` described."""
        parts = read_strings(state, "parts")
        scalers = scalers_from_state(state, "scalers")
        shows_missing = read_value(state, "shows_missing", bool)
        known = {*DATE_PARTS, *CYCLES}
        refuse_unless(known.issuperset(parts), "an unknown part of a date")
        refuse_unless(len(parts) == len(scalers), "a date should have one scaler per part")
        return cls(read_source(state), parts, scalers, shows_missing)


def fit_date(source: str, column: Numbers, plan: EncoderPlan) -> Encoders:
    """Fit the encoder of a date column, with the parts that vary.

    Return none if all dates are missing.
    """
    seconds = number_values(column, source)
    is_missing = np.isnan(seconds)
    if is_missing.all():
        return ()
    method = plan.recipe.numbers
    fills_missing = method != "plain"
    offered = (*DATE_PARTS, *CYCLES) if fills_missing else DATE_PARTS
    values = date_parts(seconds)
    chosen = []
    for name in offered:
        present = values[name][~is_missing]
        if _varies(present):
            chosen.append(name)
    if not chosen:
        chosen = ["days"]
    scalers: list[Scaler] = []
    for name in chosen:
        if name in CYCLES:
            scalers.append(NoScaling(fill=0.0))
        else:
            scalers.append(fit_scaler(method, values[name]))
    shows_missing = fills_missing and bool(is_missing.any())
    date = Date(source, tuple(chosen), tuple(scalers), shows_missing)
    return (date,)


def _varies(values: Floats) -> bool:
    differs = values != values[0]
    return bool(differs.any())
