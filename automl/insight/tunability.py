"""Which family forgives and which is touchy: what a draw at random from its range costs, and which choice is safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl.insight.points import Points
from automl.insight.surrogate import Floats, Surrogate
from automl.space import Choice

DRAWS = 512
NEAR = 0.1  # of each range: how far away a neighbour of a choice may lie
NEIGHBOURS = 32
LOOKED_AT = 20  # trials among which the safe choice is
FORGIVING, TOUCHY = 0.02, 0.10  # of the best loss, that a draw costs at the median


@dataclass(frozen=True)
class Tunability:
    """How a family takes it when nobody tunes it.

    Parameters
    ----------
    family : str
    best : float
        Its best loss, by the surrogate.
    median, bad : float
        What a draw from its whole range loses beyond that, as a part of the best loss: in half of the cases at most, in nine of ten.
    verdict : {"forgiving", "middling", "touchy"}
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
    verdict: Literal["forgiving", "middling", "touchy"]
    safe: str
    params: dict[str, Any]
    safe_loss: float


def tunability(points: Points, surrogate: Surrogate, seed: int) -> Tunability:
    """What the surrogate says of draws from the whole range, and of neighbours of the best trials."""
    rng = np.random.default_rng(seed)
    best = float(surrogate.loss(surrogate.predict(points.places)[0].min()))
    drawn = surrogate.loss(surrogate.predict(_anywhere(points, rng))[0])
    median, bad = (
        max(0.0, (float(np.quantile(drawn, share)) - best) / abs(best)) if best else 0.0
        for share in (0.5, 0.9)
    )
    first = np.argsort(points.losses, kind="stable")[:LOOKED_AT]
    around = [
        float(
            surrogate.loss(
                surrogate.predict(_neighbours(points, points.places[place], rng))[0]
            ).mean()
        )
        for place in first
    ]
    safe = points.trials[first[int(np.argmin(around))]]
    verdict: Literal["forgiving", "middling", "touchy"] = (
        "forgiving" if median <= FORGIVING else "touchy" if median > TOUCHY else "middling"
    )
    return Tunability(
        points.family, best, median, bad, verdict, safe.id, dict(safe.candidate.params), min(around)
    )


def _anywhere(points: Points, rng: np.random.Generator) -> Floats:
    columns = [
        rng.integers(len(r.values), size=DRAWS) if isinstance(r, Choice) else rng.random(DRAWS)
        for r in points.space.values()
    ]
    return np.array(columns, np.float64).T


def _neighbours(points: Points, place: Floats, rng: np.random.Generator) -> Floats:
    """Places around one, of which the choices are the same."""
    around = np.tile(place, (NEIGHBOURS, 1))
    for at, range_ in enumerate(points.space.values()):
        if not isinstance(range_, Choice):
            around[:, at] = np.clip(around[:, at] + rng.uniform(-NEAR, NEAR, NEIGHBOURS), 0, 1)
    return around
