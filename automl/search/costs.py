"""How long a fit will take: a family's own guess, corrected by what its fits took in this run."""

from __future__ import annotations

import hashlib
import statistics

from automl.trial import Candidate, Job, Study

AROUND = 0.04  # seconds of predicting, writing and handing over that surround a fit
STARTING = 0.5  # seconds of a fit at most that more rows don't make longer


def seed_for(study_seed: int, candidate: Candidate, repeat: int, fold: int | None) -> int:
    """The seed of a fit, from (seed, candidate, repeat, fold) alone, so that order and workers don't matter."""
    text = f"{study_seed}/{candidate.id}/{repeat}/{fold}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


def guess(study: Study, candidate: Candidate) -> float:
    """Seconds that a family's own formula gives for one fit of a candidate."""
    return max(0.005, by_formula(study, candidate, study.size.rows, study.plan.models))


def by_formula(study: Study, candidate: Candidate, rows: int, models: int) -> float:
    """Seconds that a family's own formula gives for so many of the rows, for one of so many models that answer together."""
    return study.family(candidate.family).cost(
        rows, study.size.width, study.the_task.n_outputs, models
    )


def predict(study: Study, candidate: Candidate) -> float:
    """Seconds that one fit of a candidate will take, with what surrounds it.

    The mean of its own fits, else what its fit on some rows makes expect, else its family's guess times how wrong guesses were.
    """
    if own := study.trials.get(candidate.id):
        for outcomes in (own.whole, own.outcomes):
            seen = [
                on_all_rows(study, own.jobs[key], outcome.seconds)
                for key, outcome in outcomes.items()
                if outcome.status == "done"
            ]
            if seen:
                return AROUND + statistics.fmean(seen)
    return AROUND + guess(study, candidate) * correction(study, candidate.family)


def on_all_rows(study: Study, job: Job, seconds: float) -> float:
    """Seconds that a fit on all rows takes, where a job took so many: more if that was a look, but for what any fit begins with."""
    if job.rows is None:
        return seconds
    times = max(
        1.0,
        guess(study, job.candidate) / by_formula(study, job.candidate, job.rows, study.plan.models),
    )
    begins = min(STARTING, seconds / 2)
    return begins + times * (seconds - begins)


def spent(study: Study, name: str, origin: str, least: float = 0.0) -> float:
    """Seconds that went into a family's candidates of one origin, each fit counted as so many at least."""
    of_family = [
        trial
        for trial in study.trials.values()
        if (trial.candidate.family, trial.candidate.origin) == (name, origin)
    ]
    return sum(
        max(least, AROUND + outcome.seconds)
        for trial in of_family
        for outcome in trial.outcomes.values()
    )


def correction(study: Study, name: str) -> float:
    """Observed seconds over guessed ones: the family's median ratio, else that of all others, else one."""
    ratios: dict[str, list[float]] = {}
    for trial in study.trials.values():
        if trial.candidate.is_first:  # of a bounded size, and in a process of its own
            continue
        ended = {
            key: outcome
            for key, outcome in (trial.whole or trial.outcomes).items()
            if outcome.status in ("done", "timeout")
        }
        expected = guess(study, trial.candidate)
        least = {
            "done": 0.0,
            "timeout": expected,
        }  # what was killed would have taken longer than it did
        took = [
            max(least[outcome.status], on_all_rows(study, trial.jobs[key], outcome.seconds))
            for key, outcome in ended.items()
        ]
        if took:
            ratios.setdefault(trial.candidate.family, []).append(
                statistics.fmean(took) / max(1e-4, expected)
            )
    if name in ratios:
        return statistics.median(ratios[name])
    others = [
        ratio
        for family_name, of in ratios.items()
        if family_name not in ("constant", "linear")
        for ratio in of
    ]
    return statistics.median(others) if others else 1.0
