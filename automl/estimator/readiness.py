"""Make the first prediction as quick as the next ones, where the budget of `fit` leaves the time.

Models are restored in `fit` rather than at the first prediction; no library is imported for that.
"""

from __future__ import annotations

from automl.budget import Budget, measure_crowding
from automl.predictor import Predictor

RESTORED_BYTES_PER_SECOND = 2e7
MIN_RESTORE_SECONDS = 0.1
CLEANUP_SECONDS = 0.2  # reserved for removing folders at the end of a fit


def restore_in_time(predictor: Predictor, budget: Budget) -> bool:
    """Restore a predictor's models if the budget leaves the time; else the first prediction does.

    Returns
    -------
    bool
        Whether they were restored.
    """
    if seconds_to_restore(predictor) + CLEANUP_SECONDS > budget.remaining():
        return False
    predictor.restore()
    return True


def seconds_to_restore(predictor: Predictor) -> float:
    """Estimate how long restoring a predictor's models takes on a machine as busy as it is now.

    The estimate is rather too high than too low.
    """
    size = 0
    for member in predictor.members:
        size += sum(len(part.blob) for part in member.parts)
    restore_seconds = size / RESTORED_BYTES_PER_SECOND
    return (MIN_RESTORE_SECONDS + restore_seconds) * measure_crowding()
