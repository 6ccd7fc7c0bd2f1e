"""Effect curves: what a hyperparameter does to the loss with all others at their best; and the ranges that are good."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl.insight.points import Points, value_at
from automl.insight.surrogate import Floats, Surrogate
from automl.space import Choice, Float, Int, Range
from automl.trial import Study

STEPS = 33  # of a curve
SURE = 1.96
RIVALS = 10  # trials next to the best one, whose differences from it by fold tell how sure a difference is
AT_THE_EDGE = 0.05  # of the range

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
        Where the curve is given.
    losses, low, high : tuple of float
        The curve, and the band that holds the mean loss there in 95% of cases.
    tried : tuple of (value, float)
        The trials behind it, with their losses.
    best : value
        That of the best trial.
    """

    family: str
    name: str
    kind: Literal["log", "linear", "choice"]
    values: tuple[Any, ...]
    losses: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    tried: tuple[tuple[Any, float], ...]
    best: Any


@dataclass(frozen=True)
class GoodRange:
    """Where the loss is within one standard error of the curve's best.

    Parameters
    ----------
    family, name : str
    values : tuple
        Lowest and highest value; of a choice all that are good.
    searched : tuple
        The same of the range that was searched.
    share : float
        What part of that range is good.
    best : value
        Where the curve is lowest.
    edge : {"", "low", "high"}
        The end of the range at which that lies: to be searched further.
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
    """A curve for each hyperparameter."""
    centre = best_point(points, surrogate)
    return tuple(_effect(points, surrogate, centre, at) for at in range(len(points.names)))


def best_point(points: Points, surrogate: Surrogate) -> Floats:
    """The place of the trial that the surrogate, which knows its neighbours, too, thinks best."""
    best: Floats = points.places[int(np.argmin(surrogate.predict(points.places)[0]))]
    return best


def _effect(points: Points, surrogate: Surrogate, centre: Floats, at: int) -> Effect:
    name = points.names[at]
    range_ = points.space[name]
    places = _grid(range_)
    mean, deviation = surrogate.predict(_along(centre, at, places))
    losses, low, high = (
        surrogate.loss(mean + times * SURE * deviation).tolist() for times in (0, -1, 1)
    )
    tried = [
        (value_at(range_, place), float(loss))
        for place, loss in zip(points.places[:, at], points.losses, strict=True)
    ]
    values = tuple(value_at(range_, place) for place in places)
    return Effect(
        points.family,
        name,
        _kind(range_),
        values,
        tuple(losses),
        tuple(low),
        tuple(high),
        tuple(tried),
        value_at(range_, centre[at]),
    )


def _kind(range_: Range) -> Literal["log", "linear", "choice"]:
    if isinstance(range_, Choice):
        return "choice"
    return "log" if range_.log else "linear"


def _grid(range_: Range) -> Floats:
    """Places along a range, each value once."""
    match range_:
        case Choice(values):
            return np.arange(len(values), dtype=np.float64)
        case Int():
            whole = dict.fromkeys(range_.at(place) for place in np.linspace(0, 1, STEPS))
            return np.array([range_.place(value) for value in whole])
        case Float():
            return np.linspace(0, 1, STEPS)


def _along(centre: Floats, at: int, places: Floats) -> Floats:
    line = np.tile(centre, (len(places), 1))
    line[:, at] = places
    return line


def standard_error(study: Study, points: Points, surrogate: Surrogate) -> float:
    """How sure a difference from the best trial's loss is: one standard error of the differences by fold, of its nearest rivals.

    Where there is one fold alone, what the surrogate takes for chance.
    """
    order = [points.trials[place] for place in np.argsort(points.losses, kind="stable")]
    complete = [trial for trial in order if study.complete(trial)][: RIVALS + 1]
    folds = len(study.plan.splits)
    if folds > 2 and len(complete) > 2:
        best = complete[0]
        apart = (
            [trial.losses[place] - best.losses[place] for place in study.plan.splits]
            for trial in complete[1:]
        )
        return float(
            statistics.median(statistics.stdev(by_fold) / math.sqrt(folds) for by_fold in apart)
        )
    least = surrogate.value(float(points.losses.min()))
    lower, higher = surrogate.loss(np.array([least, least + math.sqrt(surrogate.noise)]))
    return float(higher - lower)


def good_ranges(points: Points, curves: tuple[Effect, ...], error: float) -> tuple[GoodRange, ...]:
    """The good range of each hyperparameter, by its curve."""
    return tuple(_good(points, curve, error) for curve in curves)


def _good(points: Points, curve: Effect, error: float) -> GoodRange:
    range_ = points.space[curve.name]
    losses = np.array(curve.losses)
    lowest = int(losses.argmin())
    is_good = losses <= losses[lowest] + error
    if isinstance(range_, Choice):
        values = tuple(value for value, good in zip(curve.values, is_good, strict=True) if good)
        return GoodRange(
            curve.family,
            curve.name,
            values,
            range_.values,
            len(values) / len(range_.values),
            curve.values[lowest],
            "",
            is_interval=False,
        )
    first = last = lowest  # what is good beyond a bad stretch is another matter
    while first > 0 and is_good[first - 1]:
        first -= 1
    while last < len(losses) - 1 and is_good[last + 1]:
        last += 1
    ends = curve.values[first], curve.values[last]
    return GoodRange(
        curve.family,
        curve.name,
        ends,
        (range_.low, range_.high),
        share=range_.place(ends[1]) - range_.place(ends[0]),
        best=curve.values[lowest],
        edge=_edge(curve, range_, lowest, error),
        is_interval=True,
    )


def _edge(curve: Effect, range_: Float | Int, lowest: int, error: float) -> Edge:
    """The end of the range at which the curve is lowest, if the other end is worse by more than chance."""
    place = range_.place(curve.values[lowest])
    flat = max(curve.losses) - min(curve.losses) <= error
    if flat or AT_THE_EDGE < place < 1 - AT_THE_EDGE:
        return ""
    return "low" if place <= AT_THE_EDGE else "high"


def drawn_from(
    good: Mapping[str, GoodRange], points: Points, rng: np.random.Generator, count: int
) -> Floats:
    """Places drawn at random from good ranges, an array of shape (count, n_hyperparameters)."""
    columns = []
    for name, range_ in points.space.items():
        if isinstance(range_, Choice):
            columns.append(
                rng.choice(
                    [float(range_.values.index(value)) for value in good[name].values], count
                )
            )
        else:
            low, high = (range_.place(value) for value in good[name].values)
            columns.append(rng.uniform(low, high, count))
    return np.array(columns).T
