"""Whether more search is worth its time."""

from __future__ import annotations

import heapq
import math

from automl.study import Study

# Trials whose mean loss is followed: an ensemble gains as long as new ones come among them.
N_LEADERS = 10
MIN_GAIN = 0.001  # a quarter of the budget is worth it if it gains this part of the loss
MIN_COMPLETE_TRIALS = 30  # before anything is predicted
MIN_QUARTER_SECONDS = 60.0  # of training: a shorter quarter is not worth sparing


def predict_gain(study: Study, seconds_left: float, workers: int) -> float:
    """Return the part of the leaders' mean loss that another quarter of the budget may gain.

    It is as much as the last quarter gained: search gains less and less. It is infinite as long
    as less than half of the budget is used, too few trials are complete, or a quarter is short.

    Parameters
    ----------
    seconds_left : float
        Of the budget.
    workers : int
        Fits that run in parallel.
    """
    spent = 0.0
    complete = []
    for trial in study.trials.values():
        spent += trial.seconds
        if study.is_complete(trial):
            complete.append((spent, trial.loss))
    if len(complete) < MIN_COMPLETE_TRIALS:
        return math.inf
    quarter = (spent + seconds_left * workers) / 4
    if not MIN_QUARTER_SECONDS <= quarter < math.inf or spent < 2 * quarter:
        return math.inf
    losses = [loss for _, loss in complete]
    earlier = [loss for seconds, loss in complete if seconds <= spent - quarter]
    if len(earlier) < N_LEADERS:
        return math.inf
    before = _leaders_loss(earlier)
    now = _leaders_loss(losses)
    return (before - now) / abs(now) if now else 0.0


def _leaders_loss(losses: list[float]) -> float:
    best = heapq.nsmallest(N_LEADERS, losses)
    return math.fsum(best) / N_LEADERS
