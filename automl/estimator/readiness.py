"""Make the first prediction as quick as the next ones, where the budget of `fit` leaves the time.

Libraries and models are loaded in `fit` rather than at the first prediction.
"""

from __future__ import annotations

import importlib
import sys
import threading

from automl.budget import Budget, measure_crowding
from automl.events import TrialDecided
from automl.predictor import Predictor
from automl.study import Event, Study

# Families that predict with the library of their name.
FAMILY_LIBRARIES = ("lightgbm", "catboost", "xgboost")
# With less time left, importing in this process would take cores that the search needs.
MIN_SECONDS_TO_IMPORT = 20.0
RESTORED_BYTES_PER_SECOND = 2e7
MIN_RESTORE_SECONDS = 0.1
IMPORT_SECONDS = 1.0  # for a library that is not loaded yet
CLEANUP_SECONDS = 0.2  # reserved for removing folders at the end of a fit


class Importer:
    """An observer that imports a family's library once a candidate of that family is complete.

    The import happens in a thread.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._imported: set[str] = set()

    def __call__(self, study: Study, event: Event) -> None:
        """Start to import the library of a complete candidate, unless that was done before."""
        if not isinstance(event, TrialDecided) or event.decided != "done":
            return
        if self._budget.remaining() < MIN_SECONDS_TO_IMPORT:
            return
        trial = study.trials[event.id]
        name = trial.candidate.family
        if name in FAMILY_LIBRARIES and name not in self._imported:
            self._imported.add(name)
            load = importlib.import_module
            threading.Thread(target=load, args=(name,), daemon=True).start()


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
    families = set()
    for member in predictor.members:
        families.add(member.family_name)
        size += sum(len(part.blob) for part in member.parts)
    missing = families.intersection(FAMILY_LIBRARIES).difference(sys.modules)
    import_seconds = IMPORT_SECONDS * len(missing)
    restore_seconds = size / RESTORED_BYTES_PER_SECOND
    return (MIN_RESTORE_SECONDS + import_seconds + restore_seconds) * measure_crowding()
