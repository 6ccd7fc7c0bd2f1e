"""What a change did: one trial held against another, fold by fold."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import Literal

from automl.trial import Trial

CLEARLY = 2.0  # standard errors


@dataclass(frozen=True)
class Change:
    """The loss of a trial less that of another one, on the folds that both have.

    Parameters
    ----------
    before, now : float
        Mean losses over these folds.
    difference : float
        Below 0 is better.
    error : float or None
        Its standard error over the folds; None where there is one alone.
    better, folds : int
        On how many folds it is better, and how many there are.
    """

    before: float
    now: float
    difference: float
    error: float | None
    better: int
    folds: int

    @property
    def verdict(self) -> Literal["equal", "clearly better", "clearly worse", "not clearly different"]:
        """Whether the difference is more than two standard errors."""
        if self.difference == 0:
            return "equal"
        if self.error is None or abs(self.difference) <= CLEARLY * self.error:
            return "not clearly different"
        return "clearly better" if self.difference < 0 else "clearly worse"


def change(before: Trial, now: Trial) -> Change:
    """What changed from a trial to another.

    Raises
    ------
    LookupError
        They have no fold in common.
    """
    places = [place for place in before.losses if place in now.losses]
    if not places:
        raise LookupError("the trials have no fold in common")
    apart = [now.losses[place] - before.losses[place] for place in places]
    error = statistics.stdev(apart) / math.sqrt(len(apart)) if len(apart) > 1 else None
    means = [statistics.fmean(trial.losses[place] for place in places) for trial in (before, now)]
    return Change(means[0], means[1], statistics.fmean(apart), error, sum(one < 0 for one in apart), len(apart))
