"""Trials whose outcomes are given, for tests of what follows from them."""

from __future__ import annotations

from collections.abc import Mapping

from automl.candidate import Candidate, Job, Outcome, Split
from automl.trial import Trial


def complete_trial(candidate: Candidate, outcomes: Mapping[Split, Outcome]) -> Trial:
    """Return a trial with these outcomes, by split, on the data `d`."""
    jobs = {}
    by_key = {}
    for split, outcome in outcomes.items():
        job = Job(candidate, "d", *split)
        jobs[job.key] = job
        by_key[job.key] = outcome
    return Trial(candidate, jobs, by_key, decided="done")
