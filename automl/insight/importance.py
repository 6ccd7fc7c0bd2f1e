"""How much of what moves a family's loss each hyperparameter explains, over the range that was searched."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from automl.insight.points import Points
from automl.insight.surrogate import Floats, Surrogate

DRAWS = 300  # of each effect, for the interval of its share
MATTERS = 0.05  # of the variance: what an interaction explains at least to be told


@dataclass(frozen=True)
class Importance:
    """What a hyperparameter explains of the variance of the loss over the whole range.

    Parameters
    ----------
    family, name : str
    share : float
        By itself, averaged over all others: from 0 to 1.
    low, high : float
        The share's 95% interval.
    total : float
        By itself and together with others.
    """

    family: str
    name: str
    share: float
    low: float
    high: float
    total: float


@dataclass(frozen=True)
class Interaction:
    """What two hyperparameters explain together beyond what each does by itself: a share of the variance."""

    family: str
    first: str
    second: str
    share: float


def importances(points: Points, surrogate: Surrogate, seed: int) -> tuple[Importance, ...]:
    """Every hyperparameter that varied, the most important one first."""
    everything, whole, alone = range(len(points.names)), surrogate.whole, surrogate.alone
    if whole <= 0:
        return tuple(Importance(points.family, name, 0.0, 0.0, 0.0, 0.0) for name in points.names)
    totals = [
        whole - surrogate.variance([other for other in everything if other != at])
        for at in everything
    ]
    drawn = _drawn(surrogate, np.random.default_rng(seed))
    drawn /= drawn.sum(axis=1, keepdims=True) + max(0.0, whole - float(alone.sum()))
    shares = alone / whole
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    found = [
        Importance(
            points.family,
            name,
            float(shares[at]),
            float(min(low[at], shares[at])),
            float(max(high[at], shares[at])),
            totals[at] / whole,
        )
        for at, name in enumerate(points.names)
    ]
    return tuple(sorted(found, key=lambda one: (-one.share, one.name)))


def interactions(points: Points, surrogate: Surrogate) -> tuple[Interaction, ...]:
    """Pairs of hyperparameters that have to be chosen together, the strongest first."""
    whole = surrogate.whole
    if whole <= 0:
        return ()
    pairs = [
        Interaction(
            points.family,
            points.names[one],
            points.names[other],
            _beyond(surrogate, one, other) / whole,
        )
        for one, other in combinations(range(len(points.names)), 2)
    ]
    return tuple(
        sorted((pair for pair in pairs if pair.share >= MATTERS), key=lambda pair: -pair.share)
    )


def _beyond(surrogate: Surrogate, one: int, other: int) -> float:
    return max(
        0.0, surrogate.variance([one, other]) - float(surrogate.alone[one] + surrogate.alone[other])
    )


def _drawn(surrogate: Surrogate, rng: np.random.Generator) -> Floats:
    """Variances of main effects as they may be, by what the trials leave open: one row a draw."""
    columns = []
    for at, axis in enumerate(surrogate.axes):
        mean, covariance = surrogate.main_effect(at)
        values, vectors = np.linalg.eigh(covariance)
        noise = rng.standard_normal((DRAWS, len(mean))) * np.sqrt(np.maximum(values, 0.0))
        curves = mean + noise @ vectors.T
        centred = curves - (curves @ axis.weights)[:, None]
        columns.append(centred**2 @ axis.weights)
    return np.array(columns).T
