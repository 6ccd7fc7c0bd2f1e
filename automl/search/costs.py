"""How long a fit will take: a family's own formula, corrected by the fits of this run."""

from __future__ import annotations

import hashlib
import statistics

from automl.candidate import Candidate, Job
from automl.models import is_quick
from automl.search.networks import NETWORK, network_epochs
from automl.study import Study
from automl.trial import Trial

FIT_OVERHEAD_SECONDS = 0.04  # of each fit, for predicting, writing and passing data
MAX_STARTUP_SECONDS = 0.5  # the part of a fit's time that doesn't grow with the rows


def seed_for(
    study_seed: int,
    candidate: Candidate,
    repeat: int,
    fold: int | None,
) -> int:
    """Return the seed of a fit.

    It depends on (seed, candidate, repeat, fold) alone, so that order and workers don't matter.
    """
    text = f"{study_seed}/{candidate.id}/{repeat}/{fold}"
    digest = hashlib.sha256(text.encode())
    first_bytes = digest.digest()[:4]
    return int.from_bytes(first_bytes, "big") >> 1


def formula_seconds_of_all_rows(study: Study, candidate: Candidate) -> float:
    """Return the seconds of one fit of a candidate on all rows, by its family's formula."""
    rows = study.size.rows
    models = study.plan.models
    seconds = formula_seconds(study, candidate, rows, models)
    return max(0.005, seconds)


def formula_seconds(
    study: Study,
    candidate: Candidate,
    rows: int,
    models: int,
) -> float:
    """Return the seconds of one fit by its family's formula.

    Parameters
    ----------
    rows : int
        Rows to train on.
    models : int
        Number of models that are averaged, of which this is one.
    """
    family = study.family(candidate.family)
    columns = study.size.width
    outputs = study.known_task.n_outputs
    return family.cost(rows, columns, outputs, models)


def expected_seconds(study: Study, candidate: Candidate) -> float:
    """Return the seconds that one fit of a candidate will take, with its overhead.

    They are the mean of its own fits, else an extrapolation from its fit on a sample of rows,
    else its family's formula times the factor by which formulas were wrong so far.
    """
    trial = study.trials.get(candidate.id)
    if trial is not None:
        for outcomes in (trial.full_outcomes, trial.outcomes):
            seconds = []
            for key, outcome in outcomes.items():
                if outcome.status != "done":
                    continue
                job = trial.jobs[key]
                scaled = scale_to_all_rows(study, job, outcome.whole_seconds)
                seconds.append(scaled)
            if seconds:
                mean = statistics.fmean(seconds)
                return FIT_OVERHEAD_SECONDS + mean
    estimate = formula_seconds_of_all_rows(study, candidate)
    factor = correction_factor(study, candidate.family)
    estimate *= factor * _share_of_usual_rounds(study, candidate.family, candidate.rounds)
    return FIT_OVERHEAD_SECONDS + estimate


def _share_of_usual_rounds(study: Study, name: str, rounds: int | None) -> float:
    """Return fixed rounds as a share of those of a family's best trial, up to 1.

    A network's are a share of all epochs: it keeps the best one, but trains on for long.
    """
    if rounds and name == NETWORK:
        return min(1.0, rounds / network_epochs(study))
    leader = study.leaders.get(name)
    if not rounds or leader is None:
        return 1.0
    counts = leader.fold_rounds
    if not counts:
        return 1.0
    return min(1.0, rounds / statistics.fmean(counts))


def scale_to_all_rows(study: Study, job: Job, seconds: float) -> float:
    """Return the seconds of a fit on all rows, given the seconds that a job took.

    They are more if the job trained on a sample, apart from the start of any fit, or few rounds.
    """
    if job.rows is None:
        return seconds
    candidate = job.candidate
    if job.is_resumable and job.rows >= study.size.rows:
        return seconds / _share_of_usual_rounds(study, candidate.family, job.rounds)
    models = study.plan.models
    on_sample = formula_seconds(study, candidate, job.rows, models)
    on_all_rows = formula_seconds_of_all_rows(study, candidate)
    ratio = max(1.0, on_all_rows / on_sample)
    startup = min(MAX_STARTUP_SECONDS, seconds / 2)
    return startup + ratio * (seconds - startup)


def seconds_spent(
    study: Study,
    name: str,
    origin: str,
    least: float = 0.0,
) -> float:
    """Return the seconds that went into a family's candidates of one origin.

    Parameters
    ----------
    least : float
        Seconds that every fit counts for at least.
    """
    seconds = []
    for trial in study.trials.values():
        candidate = trial.candidate
        if candidate.family != name or candidate.origin != origin:
            continue
        for outcome in trial.outcomes.values():
            with_overhead = FIT_OVERHEAD_SECONDS + outcome.seconds
            seconds.append(max(least, with_overhead))
    return sum(seconds)


def correction_factor(study: Study, name: str) -> float:
    """Return observed over estimated seconds of a family.

    It is the family's median ratio, else that of all other families, else one.
    """
    ratios: dict[str, list[float]] = {}
    for trial in study.trials.values():
        # The first model is bounded in size, and is trained in a process of its own.
        if trial.candidate.is_first_model:
            continue
        estimate = formula_seconds_of_all_rows(study, trial.candidate)
        seconds = _observed_seconds(study, trial, estimate)
        if seconds:
            mean = statistics.fmean(seconds)
            ratio = mean / max(1e-4, estimate)
            family_name = trial.candidate.family
            ratios.setdefault(family_name, []).append(ratio)
    if name in ratios:
        return statistics.median(ratios[name])
    others = []
    for family_name, family_ratios in ratios.items():
        if not is_quick(family_name):
            others.extend(family_ratios)
    return statistics.median(others) if others else 1.0


def _observed_seconds(study: Study, trial: Trial, estimate: float) -> list[float]:
    """Return the seconds of a trial's fits, scaled to all rows.

    A fit that was killed would have taken longer than it did: it counts for the estimate at least.
    """
    outcomes = trial.full_outcomes or trial.outcomes
    observed = []
    for key, outcome in outcomes.items():
        if outcome.status not in ("done", "timeout"):
            continue
        job = trial.jobs[key]
        seconds = scale_to_all_rows(study, job, outcome.whole_seconds)
        if outcome.status == "timeout":
            seconds = max(estimate, seconds)
        observed.append(seconds)
    return observed
