"""How much a loss varies with the seed, and how an ensemble of seeds changes that."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from automl.insight.points import Points
from automl.insight.surrogate import Surrogate

# Of the loss: if two losses of one model differ by more than this by the seed alone, it is
# unstable.
MAX_STABLE_JUMP = 0.03
JUMP_DEVIATIONS = 2.0  # standard deviations of a jump

Verdict = Literal["stable", "unstable"]


@dataclass(frozen=True)
class Stability:
    """How much the mean loss over the folds of one model varies with the seed.

    Parameters
    ----------
    model : str
        Family and recipe.
    id : str
    jump : float
        Two standard deviations, as a part of the loss.
    verdict : {"stable", "unstable"}
    source : {"trials", "seeds"}
        Whether it was learnt from the part of the losses that the run's trials leave unexplained,
        which is more than the seed's part; or from models that were trained with other seeds.
    losses : tuple of float
        One a seed; empty if none were trained.
    together : float or None
        The loss of the mean of their predictions.
    together_jump : float or None
        How much that varies, as `jump`: by the jackknife over the seeds.
    """

    model: str
    id: str
    jump: float
    verdict: Verdict
    source: Literal["trials", "seeds"]
    losses: tuple[float, ...] = ()
    together: float | None = None
    together_jump: float | None = None


def from_trials(points: Points, surrogate: Surrogate) -> Stability:
    """Return the stability of a family's best trial, by the noise of its surrogate."""
    trial = points.trials[points.best]
    deviation = math.sqrt(surrogate.noise) * surrogate.spread
    if not surrogate.is_log:
        deviation = deviation / (abs(trial.loss) or 1.0)
    jump = JUMP_DEVIATIONS * deviation
    candidate = trial.candidate
    model = f"{candidate.family} {candidate.recipe.name}"
    return Stability(model, trial.id, jump, _verdict(jump), "trials")


def from_seeds(
    model: str,
    name: str,
    losses: Sequence[float],
    together: float,
    without_one: Sequence[float],
) -> Stability:
    """Return the stability of models that differ in the seed alone.

    Parameters
    ----------
    model : str
        Family and recipe.
    name : str
        The trial's id.
    losses : sequence of float
        One a model.
    together : float
        The loss of their mean.
    without_one : sequence of float
        The losses of the mean without each of them.
    """
    middle = abs(statistics.fmean(losses)) or 1.0
    jump = JUMP_DEVIATIONS * statistics.stdev(losses) / middle
    # The jackknife: without one of n, a mean moves by its own deviation over the root of
    # n - 1 times n.
    count = len(losses)
    mean = statistics.fmean(without_one)
    squares = [(loss - mean) ** 2 for loss in without_one]
    deviation = math.sqrt((count - 1) / count * math.fsum(squares))
    together_jump = JUMP_DEVIATIONS * deviation / (abs(together) or 1.0)
    return Stability(
        model,
        name,
        jump,
        _verdict(jump),
        "seeds",
        tuple(losses),
        together,
        together_jump,
    )


def _verdict(jump: float) -> Verdict:
    return "unstable" if jump > MAX_STABLE_JUMP else "stable"
