"""What a change did: losses held against others, fold by fold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from automl.trial import Plan, Trial

SURE = 0.05  # chance that a difference as large comes of nothing


@dataclass(frozen=True)
class Change:
    """The loss of a trial, or an ensemble, less that of another one, on the folds that both have.

    Parameters
    ----------
    before, now : float
        Mean losses over these folds.
    difference : float
        Below 0 is better.
    error : float or None
        Its standard error, which allows for folds that share training rows (Nadeau and Bengio, 2003); None where there is one fold alone.
    p : float or None
        Student's, two-sided: how likely a difference as large is where there is none.
    better, folds : int
        On how many folds it is better, and how many there are.
    """

    before: float
    now: float
    difference: float
    error: float | None
    p: float | None
    better: int
    folds: int

    @property
    def verdict(
        self,
    ) -> Literal["equal", "clearly better", "clearly worse", "not clearly different"]:
        """Whether the difference is more than chance."""
        if self.difference == 0:
            return "equal"
        if self.p is None or self.p > SURE:
            return "not clearly different"
        return "clearly better" if self.difference < 0 else "clearly worse"


def change(before: Trial, now: Trial, plan: Plan) -> Change:
    """What changed from a trial to another.

    Raises
    ------
    LookupError
        They have no fold in common.
    """
    places = [place for place in before.losses if place in now.losses]
    return paired(
        [before.losses[place] for place in places], [now.losses[place] for place in places], plan
    )


def paired(before: Sequence[float], now: Sequence[float], plan: Plan) -> Change:
    """What changed from losses to others on the same folds of a plan.

    Raises
    ------
    LookupError
        There is none.

    Examples
    --------
    >>> found = paired([0.5, 0.6, 0.7], [0.4, 0.5, 0.6], Plan("kfold", 3))
    >>> round(found.difference, 6), found.verdict
    (-0.1, 'clearly better')
    """
    from scipy.special import stdtr

    if not before:
        raise LookupError("there is no fold in common")
    apart = [after - first for first, after in zip(before, now, strict=True)]
    count, difference = len(apart), statistics.fmean(apart)
    error = p = None
    if count > 1:
        shared = plan.held_share / (1 - plan.held_share)
        error = statistics.stdev(apart) * math.sqrt(1 / count + shared)
        t = abs(difference) / error if error else math.inf if difference else 0.0
        p = float(2 * stdtr(count - 1, -t))
    better = sum(one < 0 for one in apart)
    return Change(
        statistics.fmean(before), statistics.fmean(now), difference, error, p, better, count
    )
