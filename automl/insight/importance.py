"""The importance of hyperparameters: the part of a loss's variance that each explains.

The variance is over the range that was searched.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from automl.arrays import Floats
from automl.insight.points import Points
from automl.insight.surrogate import Surrogate

N_EFFECT_DRAWS = 300  # of each effect, for the interval of its share
MIN_INTERACTION_SHARE = 0.05  # of the variance: interactions with less are not reported


@dataclass(frozen=True)
class Importance:
    """The share of the loss's variance over the whole range that a hyperparameter explains.

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
    """The share of the variance that two hyperparameters explain only together."""

    family: str
    first: str
    second: str
    share: float


def importances(points: Points, surrogate: Surrogate, seed: int) -> tuple[Importance, ...]:
    """Return the importance of every hyperparameter that varied, the greatest first."""
    variance = surrogate.whole
    family = points.family
    if variance <= 0:
        return tuple(Importance(family, name, 0.0, 0.0, 0.0, 0.0) for name in points.names)
    alone = surrogate.alone
    shares = alone / variance
    rng = np.random.default_rng(seed)
    drawn = _draw_variances(surrogate, rng)
    joint = max(0.0, variance - float(alone.sum()))
    totals = drawn.sum(axis=1, keepdims=True)
    drawn /= totals + joint
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    low = np.minimum(low, shares)
    high = np.maximum(high, shares)
    ranked = []
    axes = range(len(points.names))
    for axis, name in enumerate(points.names):
        others = [other for other in axes if other != axis]
        total = variance - surrogate.variance(others)
        importance = Importance(
            family,
            name,
            float(shares[axis]),
            float(low[axis]),
            float(high[axis]),
            total / variance,
        )
        ranked.append(importance)
    ranked.sort(key=lambda importance: (-importance.share, importance.name))
    return tuple(ranked)


def interactions(points: Points, surrogate: Surrogate) -> tuple[Interaction, ...]:
    """Return pairs of hyperparameters that must be chosen together, the strongest first."""
    variance = surrogate.whole
    if variance <= 0:
        return ()
    alone = surrogate.alone
    axes = range(len(points.names))
    ranked = []
    for one, other in combinations(axes, 2):
        separate = float(alone[one] + alone[other])
        joint = max(0.0, surrogate.variance([one, other]) - separate)
        share = joint / variance
        if share < MIN_INTERACTION_SHARE:
            continue
        first = points.names[one]
        second = points.names[other]
        interaction = Interaction(points.family, first, second, share)
        ranked.append(interaction)
    ranked.sort(key=lambda interaction: -interaction.share)
    return tuple(ranked)


def _draw_variances(surrogate: Surrogate, rng: np.random.Generator) -> Floats:
    """Draw variances of main effects that the trials allow: one row a draw."""
    columns = []
    for index, axis in enumerate(surrogate.axes):
        mean, covariance = surrogate.main_effect(index)
        values, vectors = np.linalg.eigh(covariance)
        deviations = np.sqrt(np.maximum(values, 0.0))
        shape = (N_EFFECT_DRAWS, len(mean))
        noise = rng.standard_normal(shape) * deviations
        curves = mean + noise @ vectors.T
        curve_means = curves @ axis.weights
        centred = curves - curve_means[:, None]
        columns.append(centred**2 @ axis.weights)
    return np.array(columns).T
