"""How a loss jumps with the seed, and what an ensemble of seeds does about it."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from automl.insight.points import Points
from automl.insight.surrogate import Surrogate

UNSTABLE = 0.03  # of the loss: two losses of one model that are farther apart than this by the seed alone make it unstable
SURE = 2.0  # standard deviations


@dataclass(frozen=True)
class Stability:
    """How the mean loss over the folds of one model jumps with the seed.

    Parameters
    ----------
    model : str
        Family and recipe.
    id : str
    jump : float
        Two standard deviations, as a part of the loss.
    verdict : {"stable", "unstable"}
    source : {"trials", "seeds"}
        Whether it was learnt from what the run's trials leave unexplained, which is more than the seed's part; or from models that were
        trained with other seeds.
    losses : tuple of float
        One a seed; empty if none were trained.
    together : float or None
        The loss of the mean of their predictions.
    together_jump : float or None
        How that jumps, as `jump`: by the jackknife over the seeds.
    """

    model: str
    id: str
    jump: float
    verdict: Literal["stable", "unstable"]
    source: Literal["trials", "seeds"]
    losses: tuple[float, ...] = ()
    together: float | None = None
    together_jump: float | None = None


def from_trials(points: Points, surrogate: Surrogate) -> Stability:
    """What the surrogate of a family takes for chance around its best trial."""
    trial = points.trials[points.best]
    deviation = math.sqrt(surrogate.noise) * surrogate.spread
    jump = SURE * (deviation if surrogate.is_log else deviation / (abs(trial.loss) or 1.0))
    return Stability(
        f"{trial.candidate.family} {trial.candidate.recipe.name}",
        trial.id,
        jump,
        _verdict(jump),
        "trials",
    )


def from_seeds(
    model: str, name: str, losses: Sequence[float], together: float, without_one: Sequence[float]
) -> Stability:
    """What models that differ in the seed alone show: their losses, that of their mean, and those of the mean without each of them."""
    middle = abs(statistics.fmean(losses)) or 1.0
    jump = SURE * statistics.stdev(losses) / middle
    # the jackknife: a mean of n without one moves by what the mean's own deviation is, over the root of n - 1 times n
    count = len(losses)
    spread = math.sqrt(
        (count - 1)
        / count
        * math.fsum((loss - statistics.fmean(without_one)) ** 2 for loss in without_one)
    )
    return Stability(
        model,
        name,
        jump,
        _verdict(jump),
        "seeds",
        tuple(losses),
        together,
        SURE * spread / (abs(together) or 1.0),
    )


def _verdict(jump: float) -> Literal["stable", "unstable"]:
    return "unstable" if jump > UNSTABLE else "stable"
