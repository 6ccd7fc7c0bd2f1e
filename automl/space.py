"""The ranges that hyperparameters may take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.random import Generator


@dataclass(frozen=True)
class When:
    """The condition under which a hyperparameter exists.

    Parameters
    ----------
    name : str
        Another hyperparameter of the space, listed before the one that depends on it.
    values : tuple
        The values of the other with which this one exists.
    """

    name: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class _Conditional:
    """A range of a hyperparameter that may depend on another one.

    Parameters
    ----------
    when : When or None
        The condition under which the hyperparameter exists; None if it always does.
    """

    when: When | None = field(default=None, kw_only=True, repr=False)


@dataclass(frozen=True)
class _Interval(_Conditional):
    """All numbers from `low` to `high`, on a linear or a log scale."""

    low: float
    high: float
    log: bool = False

    def to_unit(self, value: Any) -> float:
        """Map a value to 0 at the lower end up to 1 at the upper end of the range.

        Values outside the range map to numbers outside [0, 1].
        """
        number = float(value)
        low = self.low
        high = self.high
        if self.log:
            number = max(number, 1e-300)
            number = math.log(number)
            low = math.log(low)
            high = math.log(high)
        if high > low:
            return (number - low) / (high - low)
        return 0.5

    def _real_from_unit(self, position: float) -> float:
        """Return the real number at a position from 0 (lower end) to 1 (upper end)."""
        low = self.low
        high = self.high
        if self.log:
            factor: float = (high / low) ** position
            return low * factor
        return low + position * (high - low)


@dataclass(frozen=True)
class Float(_Interval):
    """A real number in [low, high], drawn uniformly, or uniformly on a log scale.

    Parameters
    ----------
    low, high : float
    log : bool
        Whether values are drawn on a log scale.
    short_budget : float or None
        Upper end of the range for fits that their deadline cuts short. Where it is not None, a
        fit takes the longer the lower the number is (as with a learning rate).
    """

    short_budget: float | None = None

    def draw(self, rng: Generator) -> float:
        """Draw one value at random."""
        low = self.low
        high = self.high
        if self.log:
            low = math.log(low)
            high = math.log(high)
            exponent = rng.uniform(low, high)
            return float(math.exp(exponent))
        return float(rng.uniform(low, high))

    def contains(self, value: Any) -> bool:
        """Return whether a value lies in the range."""
        if isinstance(value, bool):
            return False
        if not isinstance(value, (int, float)):
            return False
        return self.low <= value <= self.high

    def nearest(self, value: Any) -> float:
        """Return the value of the range that is nearest to a number."""
        number = max(self.low, float(value))
        return min(self.high, number)

    def from_unit(self, position: float) -> float:
        """Return the value at a position from 0 (lower end) to 1 (upper end)."""
        return self._real_from_unit(float(position))

    def for_short_budget(self) -> Float:
        """Return the range for fits that their deadline cuts short."""
        if self.short_budget is None:
            return self
        low = self.high / 2
        high = self.short_budget
        return replace(self, low=low, high=high)

    def without_slower_values(self, known: float, times: float) -> Float:
        """Return the range without values whose fit takes over `times` as long as `known` does."""
        low = max(self.low, known / times)
        low = min(self.high / 2, low)
        return replace(self, low=low)


@dataclass(frozen=True)
class Int(_Interval):
    """A whole number in [low, high], both included."""

    low: int
    high: int

    def draw(self, rng: Generator) -> int:
        """Draw one value at random."""
        if not self.log:
            end = self.high + 1
            value = rng.integers(self.low, end)
            return int(value)
        low = self.low - 0.5
        if self.low <= 0:
            low = 0.5
        low = math.log(low)
        high = math.log(self.high + 0.5)
        exponent = rng.uniform(low, high)
        return self.nearest(math.exp(exponent))

    def contains(self, value: Any) -> bool:
        """Return whether a value lies in the range."""
        if isinstance(value, bool):
            return False
        if not isinstance(value, int):
            return False
        return self.low <= value <= self.high

    def nearest(self, value: Any) -> int:
        """Return the value of the range that is nearest to a number."""
        value = max(self.low, round(value))
        return int(min(self.high, value))

    def from_unit(self, position: float) -> int:
        """Return the whole number nearest to a position from 0 (lower end) to 1 (upper end)."""
        return round(self._real_from_unit(position))


@dataclass(frozen=True)
class Choice(_Conditional):
    """One of several values."""

    values: tuple[Any, ...]

    def draw(self, rng: Generator) -> Any:
        """Draw one value at random."""
        n_values = len(self.values)
        index = int(rng.integers(n_values))
        return self.values[index]

    def from_unit(self, position: float) -> Any:
        """Return the value at a position from 0 to 1, each having an equal part."""
        n_values = len(self.values)
        index = int(position * n_values)
        return self.values[min(index, n_values - 1)]

    def contains(self, value: Any) -> bool:
        """Return whether a value is one of the choices."""
        return value in self.values

    def nearest(self, value: Any) -> Any:
        """Return the value itself, or the first choice if it is none of them."""
        if value in self.values:
            return value
        return self.values[0]


Range = Float | Int | Choice
Space = Mapping[str, Range]
Point = dict[str, Any]


def for_short_budget(space: Space) -> Space:
    """Return the space for fits that their deadline cuts short.

    A range with a `short_budget` is replaced by its upper half, extended up to that value.

    >>> for_short_budget({"rate": Float(0.01, 0.1, short_budget=0.4)})
    {'rate': Float(low=0.05, high=0.4, log=False, short_budget=0.4)}
    >>> for_short_budget({"depth": Int(4, 8)})
    {'depth': Int(low=4, high=8, log=False)}
    """
    short = dict(space)
    for name, values in space.items():
        if isinstance(values, Float):
            short[name] = values.for_short_budget()
    return short


def without_slower_values(
    space: Space,
    known: Mapping[str, Any],
    times: float,
) -> Space:
    """Return the space without values whose fit takes over `times` as long as known ones do.

    >>> space = {"rate": Float(0.01, 0.1, short_budget=0.4), "depth": Int(4, 8)}
    >>> fast = without_slower_values(space, {"rate": 0.06, "depth": 6}, 2.0)
    >>> fast["rate"]
    Float(low=0.03, high=0.1, log=False, short_budget=0.4)
    >>> fast["depth"]
    Int(low=4, high=8, log=False)
    """
    faster = dict(space)
    for name, values in space.items():
        if not isinstance(values, Float):
            continue
        if values.short_budget is not None:
            known_value = float(known[name])
            faster[name] = values.without_slower_values(known_value, times)
    return faster


def nearest(space: Space, params: Mapping[str, Any]) -> Point:
    """Return the point of a space that is nearest to given values, one for each hyperparameter.

    Hyperparameters that don't exist at the point are left out.

    >>> space = {"depth": Int(4, 8), "rate": Float(0.01, 0.1)}
    >>> nearest(space, {"depth": 10, "rate": 0.05, "rounds": 100})
    {'depth': 8, 'rate': 0.05}
    """
    point: Point = {}
    for name, values in space.items():
        if exists(values, point):
            point[name] = values.nearest(params[name])
    return point


def draw(space: Space, rng: Generator) -> Point:
    """Draw one value of each hyperparameter that exists, given the values before it.

    >>> import numpy as np
    >>> draw({"depth": Int(3, 3)}, np.random.default_rng(0))
    {'depth': 3}
    """
    point: Point = {}
    for name, values in space.items():
        if exists(values, point):
            point[name] = values.draw(rng)
    return point


def exists(values: Range, point: Mapping[str, Any]) -> bool:
    """Return whether a hyperparameter exists, given the values of those listed before it.

    >>> booster = Choice(("gbtree", "dart"))
    >>> dropped = Float(0.0, 0.5, when=When("booster", ("dart",)))
    >>> exists(dropped, {"booster": "dart"}), exists(dropped, {"booster": "gbtree"})
    (True, False)
    """
    when = values.when
    if when is None:
        return True
    if when.name not in point:
        return False
    return point[when.name] in when.values


def existing(space: Space, params: Mapping[str, Any]) -> Point:
    """Return values without those of hyperparameters whose condition doesn't hold.

    >>> space = {"booster": Choice(("gbtree", "dart")),
    ...          "dropped": Float(0.0, 0.5, when=When("booster", ("dart",)))}
    >>> existing(space, {"booster": "gbtree", "dropped": 0.1, "rounds": 100})
    {'booster': 'gbtree', 'rounds': 100}
    """
    point: Point = {}
    for name, values in space.items():
        if name in params and exists(values, point):
            point[name] = params[name]
    kept: Point = {}
    for name, value in params.items():
        if name in point or name not in space:
            kept[name] = value
    return kept


def has_conditions(space: Space) -> bool:
    """Return whether some hyperparameter exists only where another has a certain value."""
    return any(values.when is not None for values in space.values())
