"""What trials would have reached that were dropped on a rung of few rounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

from automl.candidate import Split
from automl.study import Study
from automl.trial import RungSize, Trial

RungLosses = Mapping[RungSize, Mapping[Split, float]]


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
        behind = _behind(own, other.rung_losses)
        if behind is not None:
            return other.loss + max(0.0, behind)
    return None


def _behind(own: RungLosses, theirs: RungLosses) -> float | None:
    """Return the mean distance on the highest rung that both were on; None if there is none."""
    for size in reversed(list(own)):
        losses = theirs.get(size, {})
        distances = [own[size][split] - losses[split] for split in own[size] if split in losses]
        if distances:
            return statistics.fmean(distances)
    return None


def _rung_losses(trial: Trial) -> RungLosses:
    """Return a trial's losses on rungs of few rounds, the lowest rung first."""
    found = {}
    for size, losses in trial.rung_losses.items():
        _, rounds = size
        if rounds is not None:
            found[size] = losses
    return found
