"""Tunability: how much a family loses if it is not tuned, and which trial is a safe choice.

After Probst, Boulesteix and Bischl (2019), with random settings in place of the defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl.arrays import Floats
from automl.insight.points import Points
from automl.insight.surrogate import Surrogate
from automl.space import Choice

N_RANDOM_SETTINGS = 512
NEIGHBOUR_DISTANCE = 0.1  # of each range: how far away a neighbour of a trial may lie
N_NEIGHBOURS = 32
N_SAFE_CANDIDATES = 20  # best trials, one of which is the safe choice
# Parts of the best loss that a random draw loses in half of the cases.
MAX_LOW_EXCESS = 0.02
MAX_MODERATE_EXCESS = 0.10

Level = Literal["low", "moderate", "high"]


@dataclass(frozen=True)
class Tunability:
    """How well a family does without tuning.

    Parameters
    ----------
    family : str
    best : float
        Its best loss, by the surrogate.
    median, bad : float
        The most that a draw from its whole range loses beyond that, as a part of the best loss:
        in half of the cases, in nine of ten.
    level : {"low", "moderate", "high"}
        The tunability: with a low one, most settings do well.
    safe : str
        Id of the trial whose neighbours do best on average.
    params : dict
        Its hyperparameters.
    safe_loss : float
        The mean loss of its neighbours.
    """

    family: str
    best: float
    median: float
    bad: float
    level: Level
    safe: str
    params: dict[str, Any]
    safe_loss: float


def tunability(points: Points, surrogate: Surrogate, seed: int) -> Tunability:
    """Evaluate random draws from the whole range, and neighbours of the best trials."""
    rng = np.random.default_rng(seed)
    means, _ = surrogate.predict(points.coordinates)
    best = float(surrogate.loss(means.min()))
    drawn = _losses(surrogate, _draw(points, rng))
    median = _excess(drawn, 0.5, best)
    bad = _excess(drawn, 0.9, best)
    ranked = np.argsort(points.losses, kind="stable")
    safe_loss = np.inf
    safe = points.trials[ranked[0]]
    for index in ranked[:N_SAFE_CANDIDATES]:
        neighbours = _draw_neighbours(points, points.coordinates[index], rng)
        loss = float(_losses(surrogate, neighbours).mean())
        if loss < safe_loss:
            safe_loss = loss
            safe = points.trials[index]
    return Tunability(
        points.family,
        best,
        median,
        bad,
        _level(median),
        safe.id,
        dict(safe.candidate.params),
        safe_loss,
    )


def _losses(surrogate: Surrogate, coordinates: Floats) -> Floats:
    means, _ = surrogate.predict(coordinates)
    return surrogate.loss(means)


def _excess(losses: Floats, share: float, best: float) -> float:
    """Return a quantile of losses beyond the best one, as a part of it."""
    if not best:
        return 0.0
    quantile = float(np.quantile(losses, share))
    return max(0.0, (quantile - best) / abs(best))


def _level(median: float) -> Level:
    if median <= MAX_LOW_EXCESS:
        return "low"
    return "high" if median > MAX_MODERATE_EXCESS else "moderate"


def _draw(points: Points, rng: np.random.Generator) -> Floats:
    """Draw coordinates from the whole range."""
    columns: list[Floats] = []
    for range_ in points.space.values():
        if isinstance(range_, Choice):
            indices = rng.integers(len(range_.values), size=N_RANDOM_SETTINGS)
            columns.append(indices.astype(np.float64))
        else:
            columns.append(rng.random(N_RANDOM_SETTINGS))
    return np.array(columns, np.float64).T


def _draw_neighbours(points: Points, centre: Floats, rng: np.random.Generator) -> Floats:
    """Draw coordinates around a point; choices stay the same."""
    neighbours = np.tile(centre, (N_NEIGHBOURS, 1))
    for axis, range_ in enumerate(points.space.values()):
        if isinstance(range_, Choice):
            continue
        steps = rng.uniform(-NEIGHBOUR_DISTANCE, NEIGHBOUR_DISTANCE, N_NEIGHBOURS)
        moved = neighbours[:, axis] + steps
        neighbours[:, axis] = np.clip(moved, 0, 1)
    return neighbours
