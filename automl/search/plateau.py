"""Whether more search is worth its time."""

from __future__ import annotations

import heapq
import math
from itertools import accumulate

from automl.trial import Study

LEADERS = (
    10  # trials whose mean loss is followed: an ensemble gains as long as new ones come among them
)
WORTH = 0.001  # a quarter of the budget that brings less than this part of the loss is not worth it
FEWEST = 30  # complete trials before anything is predicted
SHORT = 60.0  # seconds of training: a quarter that is shorter is not worth sparing


def predicted_gain(study: Study, seconds_left: float, workers: int) -> float:
    """Part of the leaders' mean loss that another quarter of the budget can be expected to bring.

    As much as the last quarter brought: search brings less and less. Infinite as long as less than half of the budget is used, too
    few trials are complete, or a quarter is short anyway.

    Parameters
    ----------
    seconds_left : float
        Of the budget.
    workers : int
        Fits that run side by side.
    """
    trials = list(study.trials.values())
    spent = list(accumulate(trial.seconds for trial in trials))
    quarter = (spent[-1] + seconds_left * workers) / 4 if spent else math.inf
    complete = [
        (when, trial.loss)
        for when, trial in zip(spent, trials, strict=True)
        if study.complete(trial)
    ]
    if not SHORT <= quarter < math.inf or len(complete) < FEWEST or spent[-1] < 2 * quarter:
        return math.inf
    before = [loss for when, loss in complete if when <= spent[-1] - quarter]
    if len(before) < LEADERS:
        return math.inf
    then, now = _leading(before), _leading([loss for _, loss in complete])
    return (then - now) / abs(now) if now else 0.0


def _leading(losses: list[float]) -> float:
    return math.fsum(heapq.nsmallest(LEADERS, losses)) / LEADERS
