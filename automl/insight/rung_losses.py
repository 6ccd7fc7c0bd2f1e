"""What trials would have reached that were dropped on a rung of few rounds."""

from __future__ import annotations

from automl.candidate import Job
from automl.study import Study
from automl.trial import Trial


def learnable_loss(study: Study, trial: Trial) -> float | None:
    """Return a trial's loss over all folds, estimated as far as it has not been through them.

    For a trial that was dropped on a rung, it is the loss of the best trial that went on from
    there, plus the distance to that one on the rung. None if there is nothing to judge it by.
    """
    if trial.losses:
        return study.expected_loss(trial)
    own = _rung_losses(trial)
    if not own:
        return None
    for other in study.ranked_models:
        if other.family != trial.family:
            continue
        theirs = _rung_losses(other)
        common = [rung for rung in own if rung in theirs]
        if common:
            highest = common[-1]
            behind = own[highest] - theirs[highest]
            return other.loss + max(0.0, behind)
    return None


def _rung_losses(trial: Trial) -> dict[str, float]:
    """Return the losses of a trial's fits of few rounds, in the order in which they ended."""
    found = {}
    for key, outcome in trial.outcomes.items():
        job = trial.jobs[key]
        if job.is_resumable and outcome.loss is not None:
            name = _rung_name(job)
            found[name] = outcome.loss
    return found


def _rung_name(job: Job) -> str:
    """Return a name that fits of equal rows and rounds have."""
    return f"{job.split} {job.rows} {job.rounds}"
