"""Before a run searches: score the baseline, and train a quick first model.

The first model is trained while the workers are still loading their libraries.
"""

from __future__ import annotations

from collections.abc import Sequence

from automl.candidate import Candidate, Job, Split
from automl.features.encoding import MAX_BOUNDED_ROWS
from automl.lab.lab import Lab
from automl.pipeline import Step
from automl.search.costs import seed_for
from automl.search.fold_jobs import fold_job
from automl.search.portfolio import baseline, first_model
from automl.stages.traits import only_families, searches
from automl.study import Study


def with_baseline(
    study: Study,
    lab: Lab,
) -> Study:
    """Have the baseline scored: whatever happens, there is something to report."""
    if not study.recipes:
        return study
    candidate = baseline(study)
    trial = study.trials.get(candidate.id)
    started: set[Split] = set() if trial is None else study.started_splits(trial)
    capacity = lab.capacity(lab.budget)
    for split in study.plan.splits:
        if split not in started:
            job = fold_job(study, candidate, split, capacity)
            study = lab.fit_here(study, job)
    return study


def start_first_model(
    study: Study,
    lab: Lab,
    steps: Sequence[Step],
) -> Study:
    """Start the first model, unless it was trained, there is no clock, or it must not take part."""
    if not lab.budget.is_timed or lab.halted():
        return study
    candidate = first_model(study)
    if _is_started(study, candidate) or not _is_wanted(candidate, steps):
        return study
    repeat, fold = study.plan.splits[0]
    train = lab.data.dataset().folds.train(repeat, fold)
    job = Job(
        candidate,
        study.data,
        repeat,
        fold,
        seed=seed_for(study.seed, candidate, repeat, fold),
        rows=min(MAX_BOUNDED_ROWS, len(train)),
        seconds=lab.budget.remaining(),
    )
    return lab.start_first_model(study, job)


def _is_started(
    study: Study,
    candidate: Candidate,
) -> bool:
    """Return whether a candidate is being trained, or was; a cancelled fit is trained again."""
    trial = study.trials.get(candidate.id)
    if trial is None:
        return False
    if any(key in study.running for key in trial.jobs):
        return True
    return any(outcome.status != "cancelled" for outcome in trial.outcomes.values())


def _is_wanted(
    candidate: Candidate,
    steps: Sequence[Step],
) -> bool:
    """Return whether the steps search at all, and among families that include the candidate's."""
    if not any(searches(step.stage) for step in steps):
        return False
    named = (only_families(step.stage) for step in steps)
    families = next((names for names in named if names is not None), ())
    return not families or candidate.family in families
