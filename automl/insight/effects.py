"""Effect curves of hyperparameters, and the ranges that are good.

A curve is the loss by one hyperparameter with all others at their best.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl.arrays import Floats
from automl.insight.points import Points, from_coordinate, to_coordinate
from automl.insight.surrogate import Surrogate
from automl.space import Choice, Float, Int, Range
from automl.study import Study

CURVE_POINTS = 33
INTERVAL_DEVIATIONS = 1.96  # of a 95% interval
# Trials next to the best one, whose differences from it by fold show how sure a difference is.
N_RIVALS = 10
EDGE_SHARE = 0.05  # of the range

Kind = Literal["log", "linear", "choice"]
Edge = Literal["", "low", "high"]


@dataclass(frozen=True)
class Effect:
    """The loss by one hyperparameter, the others at the values of the best trial.

    Parameters
    ----------
    family, name : str
    kind : {"log", "linear", "choice"}
        How its values lie on an axis.
    values : tuple
        The values at which the curve is computed.
    losses, low, high : tuple of float
        The curve, and the band that holds the mean loss there in 95% of cases.
    tried : tuple of (value, float)
        The trials behind it, with their losses.
    best : value
        That of the best trial.
    """

    family: str
    name: str
    kind: Kind
    values: tuple[Any, ...]
    losses: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    tried: tuple[tuple[Any, float], ...]
    best: Any


@dataclass(frozen=True)
class GoodRange:
    """The range where the loss is within one standard error of the curve's best.

    Parameters
    ----------
    family, name : str
    values : tuple
        Lowest and highest value; of a choice all that are good.
    searched : tuple
        The same of the range that was searched.
    share : float
        The part of that range that is good.
    best : value
        The value at which the curve is lowest.
    edge : {"", "low", "high"}
        The end of the range at which that lies, beyond which the search should continue.
    is_interval : bool
        Whether `values` are two ends.
    """

    family: str
    name: str
    values: tuple[Any, ...]
    searched: tuple[Any, ...]
    share: float
    best: Any
    edge: Edge
    is_interval: bool


def effects(points: Points, surrogate: Surrogate) -> tuple[Effect, ...]:
    """Return a curve for each hyperparameter."""
    best = best_point(points, surrogate)
    axes = range(len(points.names))
    return tuple(_effect(points, surrogate, best, axis) for axis in axes)


def best_point(points: Points, surrogate: Surrogate) -> Floats:
    """Return the coordinates of the trial that the surrogate expects to be best.

    Unlike the trial's own loss, the surrogate takes the trial's neighbours into account.
    """
    means, _ = surrogate.predict(points.coordinates)
    index = int(np.argmin(means))
    best: Floats = points.coordinates[index]
    return best


def _effect(
    points: Points,
    surrogate: Surrogate,
    best: Floats,
    axis: int,
) -> Effect:
    name = points.names[axis]
    range_ = points.space[name]
    coordinates = _curve_coordinates(range_)
    n_points = len(coordinates)
    line = np.tile(best, (n_points, 1))
    line[:, axis] = coordinates
    mean, deviation = surrogate.predict(line)
    half_width = INTERVAL_DEVIATIONS * deviation
    losses = surrogate.loss(mean)
    low = surrogate.loss(mean - half_width)
    high = surrogate.loss(mean + half_width)
    tried = []
    for index, loss in enumerate(points.losses):
        value = from_coordinate(range_, points.coordinates[index, axis])
        tried.append((value, float(loss)))
    return Effect(
        points.family,
        name,
        _kind(range_),
        values=tuple(from_coordinate(range_, coordinate) for coordinate in coordinates),
        losses=tuple(losses.tolist()),
        low=tuple(low.tolist()),
        high=tuple(high.tolist()),
        tried=tuple(tried),
        best=from_coordinate(range_, best[axis]),
    )


def _kind(range_: Range) -> Kind:
    if isinstance(range_, Choice):
        return "choice"
    return "log" if range_.log else "linear"


def _curve_coordinates(range_: Range) -> Floats:
    """Return coordinates along a range, each value once."""
    evenly = np.linspace(0, 1, CURVE_POINTS)
    match range_:
        case Choice(values):
            count = len(values)
            return np.arange(count, dtype=np.float64)
        case Int():
            whole = [range_.from_unit(coordinate) for coordinate in evenly]
            distinct = dict.fromkeys(whole)
            return np.array([range_.to_unit(value) for value in distinct])
        case Float():
            return evenly


def standard_error(study: Study, points: Points, surrogate: Surrogate) -> float:
    """Return one standard error of a difference from the best trial's loss.

    It is that of the differences by fold of the best trial's nearest rivals. Where there is one
    fold alone, it is the part that the surrogate takes for chance.
    """
    order = np.argsort(points.losses, kind="stable")
    ranked = [points.trials[index] for index in order]
    complete = [trial for trial in ranked if study.is_complete(trial)]
    splits = study.plan.splits
    if len(splits) <= 2 or len(complete) <= 2:
        return _noise(points, surrogate)
    best, *rivals = complete[: N_RIVALS + 1]
    errors = []
    for rival in rivals:
        differences = [rival.losses[split] - best.losses[split] for split in splits]
        deviation = statistics.stdev(differences)
        errors.append(deviation / math.sqrt(len(splits)))
    return float(statistics.median(errors))


def _noise(points: Points, surrogate: Surrogate) -> float:
    """Return the loss by which one standard deviation of the noise changes the best loss."""
    least = float(points.losses.min())
    best = surrogate.value(least)
    worse = best + math.sqrt(surrogate.noise)
    lower, higher = surrogate.loss(np.array([best, worse]))
    return float(higher - lower)


def good_ranges(
    points: Points,
    curves: tuple[Effect, ...],
    error: float,
) -> tuple[GoodRange, ...]:
    """Return the good range of each hyperparameter, by its curve."""
    ranges = []
    for curve in curves:
        range_ = points.space[curve.name]
        if isinstance(range_, Choice):
            ranges.append(_good_choices(curve, range_, error))
        else:
            ranges.append(_good_interval(curve, range_, error))
    return tuple(ranges)


def _good_choices(curve: Effect, range_: Choice, error: float) -> GoodRange:
    least = min(curve.losses)
    lowest = curve.losses.index(least)
    good = []
    for index, value in enumerate(curve.values):
        if curve.losses[index] <= least + error:
            good.append(value)
    return GoodRange(
        curve.family,
        curve.name,
        tuple(good),
        range_.values,
        share=len(good) / len(range_.values),
        best=curve.values[lowest],
        edge="",
        is_interval=False,
    )


def _good_interval(curve: Effect, range_: Float | Int, error: float) -> GoodRange:
    """Return the good values around the lowest one; those beyond a bad stretch don't count."""
    losses = curve.losses
    lowest = losses.index(min(losses))
    max_loss = losses[lowest] + error
    first = lowest
    while first > 0 and losses[first - 1] <= max_loss:
        first -= 1
    last = lowest
    while last < len(losses) - 1 and losses[last + 1] <= max_loss:
        last += 1
    low = curve.values[first]
    high = curve.values[last]
    return GoodRange(
        curve.family,
        curve.name,
        (low, high),
        (range_.low, range_.high),
        share=range_.to_unit(high) - range_.to_unit(low),
        best=curve.values[lowest],
        edge=_edge(curve, range_, lowest, error),
        is_interval=True,
    )


def _edge(curve: Effect, range_: Float | Int, lowest: int, error: float) -> Edge:
    """Return the end of the range at which the curve is lowest.

    It is empty unless the other end is worse by more than chance.
    """
    height = max(curve.losses) - min(curve.losses)
    if height <= error:
        return ""
    coordinate = range_.to_unit(curve.values[lowest])
    if coordinate <= EDGE_SHARE:
        return "low"
    if coordinate >= 1 - EDGE_SHARE:
        return "high"
    return ""


def draw_points(
    good: Mapping[str, GoodRange],
    points: Points,
    rng: np.random.Generator,
    count: int,
) -> Floats:
    """Draw points at random from good ranges.

    Returns
    -------
    ndarray of shape (count, n_hyperparameters)
        Coordinates.
    """
    columns = []
    for name, range_ in points.space.items():
        coordinates = [to_coordinate(range_, value) for value in good[name].values]
        if isinstance(range_, Choice):
            columns.append(rng.choice(coordinates, count))
        else:
            low, high = coordinates
            columns.append(rng.uniform(low, high, count))
    return np.array(columns).T
