"""The effect of a change: losses compared with others, fold by fold."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from automl.study import Plan
from automl.trial import Trial

SIGNIFICANCE = 0.05  # the greatest p of a difference that counts as more than chance

Verdict = Literal["equal", "clearly better", "clearly worse", "not clearly different"]


@dataclass(frozen=True)
class Change:
    """The loss of a trial or an ensemble less that of another one, on the folds that both have.

    Parameters
    ----------
    before, now : float
        Mean losses over these folds.
    difference : float
        Below 0 is better.
    error : float or None
        The standard error of the difference, which allows for folds that share training rows
        (Nadeau and Bengio, 2003); None where there is one fold alone.
    p : float or None
        Student's, two-sided: the probability of a difference as large if there is none.
    better, folds : int
        The number of folds on which it is better, and of all folds.
    """

    before: float
    now: float
    difference: float
    error: float | None
    p: float | None
    better: int
    folds: int

    @property
    def verdict(self) -> Verdict:
        """Whether the difference is more than chance."""
        if self.difference == 0:
            return "equal"
        if self.p is None or self.p > SIGNIFICANCE:
            return "not clearly different"
        return "clearly better" if self.difference < 0 else "clearly worse"


def compare_trials(before: Trial, now: Trial, plan: Plan) -> Change:
    """Compare a trial with an earlier one.

    Raises
    ------
    LookupError
        They have no fold in common.
    """
    splits = [split for split in before.losses if split in now.losses]
    losses_before = [before.losses[split] for split in splits]
    losses_now = [now.losses[split] for split in splits]
    return compare_losses(losses_before, losses_now, plan)


def compare_losses(before: Sequence[float], now: Sequence[float], plan: Plan) -> Change:
    """Compare losses with earlier ones on the same folds of a plan.

    Raises
    ------
    LookupError
        There is no fold.

    Examples
    --------
    >>> result = compare_losses([0.5, 0.6, 0.7], [0.4, 0.5, 0.6], Plan("kfold", 3))
    >>> round(result.difference, 6), result.verdict
    (-0.1, 'clearly better')
    """
    if not before:
        raise LookupError("there is no fold in common")
    differences = [after - first for first, after in zip(before, now, strict=True)]
    difference = statistics.fmean(differences)
    error = None
    p = None
    if len(differences) > 1:
        error = _standard_error(differences, plan)
        p = _p_value(difference, error, len(differences))
    return Change(
        statistics.fmean(before),
        statistics.fmean(now),
        difference,
        error,
        p,
        better=sum(one < 0 for one in differences),
        folds=len(differences),
    )


def _standard_error(differences: Sequence[float], plan: Plan) -> float:
    """Return Nadeau and Bengio's corrected standard error of a mean difference."""
    shared = plan.held_share / (1 - plan.held_share)
    variance_factor = 1 / len(differences) + shared
    return statistics.stdev(differences) * math.sqrt(variance_factor)


def _p_value(difference: float, error: float, count: int) -> float:
    from scipy.special import stdtr

    if error:
        t = abs(difference) / error
    else:
        t = math.inf if difference else 0.0
    return float(2 * stdtr(count - 1, -t))
