"""Candidates with a fixed number of rounds, so many that their models are as large as wanted."""

from __future__ import annotations

import math
from dataclasses import replace

from automl.candidate import Candidate
from automl.model_costs import REFIT_ROUNDS_FACTOR
from automl.models import is_boosted
from automl.trial import Trial

SLOW_LEARNING_RATE = 0.05
MAX_LEARNING_RATE = 0.4
MIN_ROUNDS = 5  # with fewer, there is no such candidate
MAX_SPEEDUP = 8.0  # of the learning rate, to make do with fewer rounds


def fitted_to(
    candidate: Candidate,
    trial: Trial,
    share: float,
) -> Candidate | None:
    """Return a boosted candidate that makes use of what it may cost.

    One that costs too much gets fewer rounds, at a higher learning rate. One that costs little
    gets more of them.

    Parameters
    ----------
    candidate : Candidate
    trial : Trial
        Of the candidate, with a fit.
    share : float
        The largest size that its refit may have, as a multiple of what one of the trial has.

    Returns
    -------
    Candidate or None
        None if nothing helps.
    """
    rounds = mean_rounds(trial)
    if not rounds or not is_boosted(candidate.family):
        return None
    rate = float(candidate.params["learning_rate"])
    slower = SLOW_LEARNING_RATE / rate
    if share * slower >= 1:
        return _with_rate(candidate, SLOW_LEARNING_RATE, None)
    affordable = math.floor(share * REFIT_ROUNDS_FACTOR * rounds)
    if affordable < MIN_ROUNDS:
        return None
    speedup = min(MAX_SPEEDUP, rounds / affordable)
    faster = min(MAX_LEARNING_RATE, rate * speedup)
    return _with_rate(candidate, faster, affordable)


def _with_rate(
    candidate: Candidate,
    rate: float,
    rounds: int | None,
) -> Candidate:
    params = {**candidate.params, "learning_rate": float(f"{rate:.4g}")}
    return replace(candidate, params=params, rounds=rounds)


def with_fixed_rounds(
    candidate: Candidate,
    trial: Trial,
) -> Candidate:
    """Return a candidate that has as many rounds on every fold as it had on the first ones."""
    rounds = round(mean_rounds(trial))
    if candidate.rounds or not is_boosted(candidate.family) or not rounds:
        return candidate
    return replace(candidate, rounds=rounds)


def mean_rounds(trial: Trial) -> float:
    """Return the mean rounds of a trial's fits, without refits; 0 if it has no rounds."""
    rounds = trial.fold_rounds
    return sum(rounds) / len(rounds) if rounds else 0.0
