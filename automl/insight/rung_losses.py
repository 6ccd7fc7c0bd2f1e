"""What trials would have reached that were dropped on a rung of few rounds."""

from __future__ import annotations

import statistics

from automl.candidate import Job, Split
from automl.study import Study
from automl.trial import Trial

RungLosses = dict[str, dict[Split, float]]  # by rung and fold


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
        behind = _behind(own, _rung_losses(other))
        if behind is not None:
            return other.loss + max(0.0, behind)
    return None


def _behind(own: RungLosses, theirs: RungLosses) -> float | None:
    """Return the mean distance on the highest rung that both were on; None if there is none."""
    for rung in reversed(own):
        losses = theirs.get(rung, {})
        distances = [own[rung][split] - losses[split] for split in own[rung] if split in losses]
        if distances:
            return statistics.fmean(distances)
    return None


def _rung_losses(trial: Trial) -> RungLosses:
    """Return the losses of a trial's fits of few rounds by fold, the lowest rung first."""
    found: RungLosses = {}
    for key, outcome in trial.outcomes.items():
        job = trial.jobs[key]
        if job.is_resumable and outcome.loss is not None:
            losses = found.setdefault(_rung_name(job), {})
            losses[job.split] = outcome.loss
    return found


def _rung_name(job: Job) -> str:
    """Return a name that fits of equal rows and rounds have."""
    return f"{job.rows} {job.rounds}"
