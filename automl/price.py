"""What predictions cost, and what they may cost at most."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from automl.errors import InputError

BYTES_PER_MEGABYTE = 1e6
MISSED_PRICE = "price"  # code of the finding that a predictor costs more than its price


@dataclass(frozen=True)
class Cost:
    """What a predictor costs whoever uses it.

    Parameters
    ----------
    milliseconds : float
        To predict one row, in a process that has predicted others, on one core.
    megabytes : float
        Size of its file.
    counted : bool
        Whether the milliseconds were counted from what a prediction does, without a clock.
    """

    milliseconds: float
    megabytes: float
    counted: bool = False

    @property
    def seconds(self) -> float:
        """To predict one row."""
        return self.milliseconds / 1000

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        milliseconds = round(self.milliseconds, 3)
        megabytes = round(self.megabytes, 4)
        return {
            "ms": milliseconds,
            "mb": megabytes,
            "counted": self.counted,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the cost that `to_json` wrote."""
        return cls(value["ms"], value["mb"], value["counted"])


@dataclass(frozen=True)
class Price:
    """The most that a predictor may cost.

    Parameters
    ----------
    milliseconds, megabytes : float
        Infinite where there is no bound.

    Examples
    --------
    >>> Price(milliseconds=5).allows(Cost(4, 100)), Price(5, 10).allows(Cost(4, 100))
    (True, False)
    """

    milliseconds: float = math.inf
    megabytes: float = math.inf

    @property
    def is_bounded(self) -> bool:
        """Whether there is any bound."""
        least = min(self.milliseconds, self.megabytes)
        return math.isfinite(least)

    def allows(self, cost: Cost) -> bool:
        """Return whether a predictor costs no more."""
        return self.used_share(cost) <= 1

    def used_share(self, cost: Cost) -> float:
        """Return the larger of the two shares of the price that a predictor uses up."""
        share_of_time = cost.milliseconds / self.milliseconds
        share_of_size = cost.megabytes / self.megabytes
        return max(share_of_time, share_of_size)

    def part(self, share: float) -> Price:
        """Return a share of it."""
        return Price(share * self.milliseconds, share * self.megabytes)

    def corrected(self, estimated: Cost, real: Cost, margin: float) -> Price:
        """Return a price for estimates, so that real costs keep to this one.

        Parameters
        ----------
        estimated, real : Cost
            Of one predictor.
        margin : float
            Share by which a bound is lowered if it was overrun.
        """
        milliseconds = _corrected(
            self.milliseconds,
            estimated.milliseconds,
            real.milliseconds,
            margin,
        )
        megabytes = _corrected(
            self.megabytes,
            estimated.megabytes,
            real.megabytes,
            margin,
        )
        return Price(milliseconds, megabytes)

    def __str__(self) -> str:
        """Return the bounds in words."""
        parts = []
        if math.isfinite(self.milliseconds):
            parts.append(f"{self.milliseconds:g} ms a row")
        if math.isfinite(self.megabytes):
            parts.append(f"{self.megabytes:g} MB")
        return " and ".join(parts)


def read_price(max_ms: float | None, max_mb: float | None) -> Price:
    """Return the price of a user's options; None sets no bound.

    Raises
    ------
    InputError
        A bound is not above 0.
    """
    bounds = []
    options = {"--max-ms": max_ms, "--max-mb": max_mb}
    for name, value in options.items():
        if value is None:
            bounds.append(math.inf)
            continue
        if not 0 < value < math.inf:
            raise InputError(f"{name} {value:g}: give a number above 0.")
        bounds.append(float(value))
    return Price(*bounds)


def _corrected(bound: float, estimated: float, real: float, margin: float) -> float:
    """Return a bound times the ratio of an estimate to the truth."""
    ratio = estimated / real
    if real > bound:
        ratio *= 1 - margin
    return bound * ratio
