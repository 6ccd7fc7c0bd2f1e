"""The ranges that hyperparameters may take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Float:
    """A real number in [low, high], drawn evenly or evenly in its logarithm.

    Where `short_budget` is given, a fit takes the longer the lower the number is; one that is cut short by its deadline may have up to so much.
    """

    low: float
    high: float
    log: bool = False
    short_budget: float | None = None

    def draw(self, rng: np.random.Generator) -> float:
        """One value at random."""
        if self.log:
            return float(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))
        return float(rng.uniform(self.low, self.high))

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        return (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        )

    def nearest(self, value: Any) -> float:
        """The value of the range that is nearest to a number."""
        return min(self.high, max(self.low, float(value)))

    def place(self, value: Any) -> float:
        """Where a value lies, from 0 at the lower end to 1 at the upper; values beyond the range lie beyond these."""
        return _place(float(value), self.low, self.high, self.log)

    def at(self, place: float) -> float:
        """The value at a place."""
        return _at(float(place), self.low, self.high, self.log)

    def for_short_budget(self) -> Float:
        """The range where fits are cut short."""
        return (
            self
            if self.short_budget is None
            else replace(self, low=self.high / 2, high=self.short_budget)
        )

    def no_longer(self, known: float, times: float) -> Float:
        """The range without what would have a fit take more than so many times as long as a known value does."""
        return replace(self, low=min(self.high / 2, max(self.low, known / times)))


@dataclass(frozen=True)
class Int:
    """A whole number in [low, high], both included."""

    low: int
    high: int
    log: bool = False

    def draw(self, rng: np.random.Generator) -> int:
        """One value at random."""
        if self.log:
            value = math.exp(
                rng.uniform(
                    math.log(self.low - 0.5 if self.low > 0 else 0.5), math.log(self.high + 0.5)
                )
            )
            return int(min(self.high, max(self.low, round(value))))
        return int(rng.integers(self.low, self.high + 1))

    def holds(self, value: Any) -> bool:
        """Whether a value lies in the range."""
        return (
            isinstance(value, int)
            and not isinstance(value, bool)
            and self.low <= value <= self.high
        )

    def nearest(self, value: Any) -> int:
        """The value of the range that is nearest to a number."""
        return int(min(self.high, max(self.low, round(value))))

    def place(self, value: Any) -> float:
        """Where a value lies, from 0 at the lower end to 1 at the upper; values beyond the range lie beyond these."""
        return _place(float(value), self.low, self.high, self.log)

    def at(self, place: float) -> int:
        """The whole number that is nearest to a place."""
        return round(_at(place, self.low, self.high, self.log))


@dataclass(frozen=True)
class Choice:
    """One of several values."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        """One value at random."""
        return self.values[int(rng.integers(len(self.values)))]

    def holds(self, value: Any) -> bool:
        """Whether a value is one of them."""
        return value in self.values

    def nearest(self, value: Any) -> Any:
        """The value itself, or the first one if it is none of them."""
        return value if self.holds(value) else self.values[0]


def _place(value: float, low: float, high: float, log: bool) -> float:
    if log:
        value, low, high = math.log(max(value, 1e-300)), math.log(low), math.log(high)
    return (value - low) / (high - low) if high > low else 0.5


def _at(place: float, low: float, high: float, log: bool) -> float:
    return low * (high / low) ** place if log else low + place * (high - low)


Range = Float | Int | Choice
Space = Mapping[str, Range]


def for_short_budget(space: Space) -> Space:
    """The space where fits are cut short: of a range that says how far it goes then, the upper end.

    >>> for_short_budget({"rate": Float(0.01, 0.1, short_budget=0.4), "depth": Int(4, 8)})
    {'rate': Float(low=0.05, high=0.4, log=False, short_budget=0.4), 'depth': Int(low=4, high=8, log=False)}
    """
    return {
        name: values.for_short_budget() if isinstance(values, Float) else values
        for name, values in space.items()
    }


def no_longer(space: Space, known: Mapping[str, Any], times: float) -> Space:
    """The space without values that would have a fit take more than so many times as long as known ones do.

    >>> no_longer({"rate": Float(0.01, 0.1, short_budget=0.4), "depth": Int(4, 8)}, {"rate": 0.06, "depth": 6}, 2.0)
    {'rate': Float(low=0.03, high=0.1, log=False, short_budget=0.4), 'depth': Int(low=4, high=8, log=False)}
    """
    slow = {
        name: values
        for name, values in space.items()
        if isinstance(values, Float) and values.short_budget is not None
    }
    return {
        **space,
        **{name: values.no_longer(float(known[name]), times) for name, values in slow.items()},
    }


def nearest(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """The point of a space that is nearest to given values, of which none may lack.

    >>> nearest({"depth": Int(4, 8), "rate": Float(0.01, 0.1)}, {"depth": 10, "rate": 0.05, "rounds": 100})
    {'depth': 8, 'rate': 0.05}
    """
    return {name: values.nearest(params[name]) for name, values in space.items()}


def draw(space: Space, rng: np.random.Generator) -> dict[str, Any]:
    """One value of each hyperparameter.

    >>> draw({"depth": Int(3, 3)}, np.random.default_rng(0))
    {'depth': 3}
    """
    return {name: values.draw(rng) for name, values in space.items()}
