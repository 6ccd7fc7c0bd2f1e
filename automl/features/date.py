"""Dates: the day as a number, its parts (year, month, weekday, hour ...), and cycles for models that add and multiply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from automl.columns import Column, Floats, Numbers
from automl.features._base import (
    Encoder,
    Matrix,
    OfOne,
    Plan,
    numbers_of,
    read,
    read_strings,
    refuse_unless,
    side_by_side,
)
from automl.features.feature import Feature
from automl.features.number import missing_feature
from automl.features.scaling import Plain, Scaler, fit_scaler, scalers_from_state, scalers_to_state
from automl.state import State

Whole = npt.NDArray[np.int64]

_FIRST, _LAST = -62_135_596_800.0, 253_402_300_799.0  # years 1 and 9999, in seconds since 1970
_DAY = 86_400
_CYCLES = {
    "month": 12,
    "weekday": 7,
    "hour": 24 * 60,
}  # steps of a cycle; an hour's steps are minutes
PARTS = ("days", "year", "month", "day", "weekday", "yearday", "hour")
CYCLIC = tuple(f"{name} {wave}" for name in _CYCLES for wave in ("sine", "cosine"))


def date_parts(seconds: Floats) -> dict[str, Floats]:
    """The parts of dates, each of shape (n_rows,), float64, NaN where missing.

    `days` since 1970-01-01, with fractions; `year`; `month` and `day` from 1; `weekday` from 0, a Monday; `yearday` from 1;
    `hour` of 24, with fractions; sine and cosine of month, weekday and hour. Dates before year 1 or after 9999 are clipped.

    Parameters
    ----------
    seconds : ndarray of shape (n_rows,), float64
        Since 1970-01-01 UTC.

    Examples
    --------
    >>> parts = date_parts(np.array([951_868_800.0]))  # Wednesday, 2000-03-01
    >>> [float(parts[name][0]) for name in PARTS]
    [11017.0, 2000.0, 3.0, 1.0, 2.0, 61.0, 0.0]
    """
    missing = np.isnan(seconds)
    kept = np.clip(np.where(missing, 0.0, seconds), _FIRST, _LAST)
    whole = np.floor(kept).astype(np.int64)
    days = whole // _DAY
    date = days.astype("datetime64[D]")
    months, years = date.astype("datetime64[M]"), date.astype("datetime64[Y]")
    month, weekday, second = months.astype(np.int64) % 12, (days + 3) % 7, whole % _DAY
    found: dict[str, Floats | Whole] = {
        "days": kept / _DAY,
        "year": years.astype(np.int64) + 1970,
        "month": month + 1,
        "day": (date - months.astype("datetime64[D]")).astype(np.int64) + 1,
        "weekday": weekday,
        "yearday": (date - years.astype("datetime64[D]")).astype(np.int64) + 1,
        "hour": second / 3600,
        **_waves("month", month),
        **_waves("weekday", weekday),
        **_waves("hour", second // 60),
    }
    return {name: np.where(missing, np.nan, part) for name, part in found.items()}


def _waves(name: str, steps: Whole) -> dict[str, Floats]:
    """Sine and cosine by table, so that equal steps give equal bits."""
    angles = np.arange(_CYCLES[name]) * (2 * np.pi / _CYCLES[name])
    return {f"{name} sine": np.sin(angles)[steps], f"{name} cosine": np.cos(angles)[steps]}


@dataclass(frozen=True)
class Date(OfOne):
    """The encoder of a date column.

    Parameters
    ----------
    source : str
    parts : tuple of str
        Names out of `PARTS` and `CYCLIC`.
    scalers : tuple of Scaler
        One a part.
    shows_missing : bool
        Whether a last feature is 1 where the date is missing.

    Examples
    --------
    >>> encoder = Date("bought", ("year", "weekday"), (Plain(), Plain()), shows_missing=False)
    >>> encoder.transform(Numbers(np.array([0.0, np.nan]), "date")).tolist()
    [[1970.0, 3.0], [nan, nan]]
    """

    kind: ClassVar[str] = "date"
    source: str
    parts: tuple[str, ...]
    scalers: tuple[Scaler, ...]
    shows_missing: bool

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a part, and where the date is missing."""
        parts = (Feature(f"{self.source} ({part})", self.source) for part in self.parts)
        return (*parts, *missing_feature(self.source, self.shows_missing))

    def transform(self, column: Column) -> Matrix:
        """Features of shape (n_rows, n_parts or one more), float32."""
        seconds = numbers_of(column, self.source)
        found = date_parts(seconds)
        parts = [
            scaler.apply(found[part]) for part, scaler in zip(self.parts, self.scalers, strict=True)
        ]
        if self.shows_missing:
            parts.append(np.isnan(seconds).astype(np.float32))
        return side_by_side(parts, len(seconds))

    def to_state(self) -> State:
        """All that `from_state` needs."""
        scalers = scalers_to_state(self.scalers)
        return {
            "source": self.source,
            "parts": list(self.parts),
            "scalers": scalers,
            "shows_missing": self.shows_missing,
        }

    @classmethod
    def from_state(cls, state: State) -> Date:
        """The encoder that `to_state` described."""
        parts, scalers = read_strings(state, "parts"), scalers_from_state(state, "scalers")
        refuse_unless(set(parts) <= {*PARTS, *CYCLIC}, "an unknown part of a date")
        refuse_unless(len(parts) == len(scalers), "a date should have one scaler a part")
        return cls(read(state, "source", str), parts, scalers, read(state, "shows_missing", bool))


def fit_date(source: str, column: Numbers, plan: Plan) -> tuple[Encoder, ...]:
    """The encoder of a date column, with the parts that vary; none if all dates are missing."""
    seconds = numbers_of(column, source)
    missing = np.isnan(seconds)
    if missing.all():
        return ()
    how = plan.recipe.numbers
    fills = how != "plain"
    found = {name: part for name, part in date_parts(seconds).items() if fills or name in PARTS}
    chosen = {name: part for name, part in found.items() if _varies(part[~missing])} or {
        "days": found["days"]
    }
    scalers = tuple(
        Plain(fill=0.0) if name in CYCLIC else fit_scaler(how, part)
        for name, part in chosen.items()
    )
    return (Date(source, tuple(chosen), scalers, fills and bool(missing.any())),)


def _varies(values: Floats) -> bool:
    return bool((values != values[0]).any())
