"""The first prediction as quick as the next: libraries and models are loaded in the fit, where its budget leaves the time."""

from __future__ import annotations

import importlib
import sys
import threading

from automl.budget import Budget, crowding
from automl.predictor import Predictor
from automl.trial import Event, Study

LIBRARIES = (
    "lightgbm",
    "catboost",
    "xgboost",
)  # families that predict with the library of their name
UNHURRIED_SECONDS = (
    20.0  # left: with less, importing in this process would take cores that the search needs
)
RESTORED_BYTES_A_SECOND = 2e7
LEAST_RESTORE_SECONDS = 0.1
IMPORT_SECONDS = 1.0  # of a library that is not there yet
CLEARING_SECONDS = 0.2  # kept for removing folders at the end of a fit


class Importer:
    """An observer that imports a family's library, by a thread, once a candidate of that family is complete."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._begun: set[str] = set()

    def __call__(self, study: Study, event: Event) -> None:
        """Begin the import that a complete trial asks for, if it was not begun."""
        if (
            event["kind"] != "trial"
            or event["decided"] != "done"
            or self._budget.remaining() < UNHURRIED_SECONDS
        ):
            return
        name = study.trials[event["id"]].candidate.family
        if name in LIBRARIES and name not in self._begun:
            self._begun.add(name)
            threading.Thread(target=importlib.import_module, args=(name,), daemon=True).start()


def restore_in_time(predictor: Predictor, budget: Budget) -> bool:
    """Restore a predictor's models, unless that would take more than the budget has left; the first prediction does it then."""
    if seconds_to_restore(predictor) + CLEARING_SECONDS > budget.remaining():
        return False
    predictor.restore()
    return True


def seconds_to_restore(predictor: Predictor) -> float:
    """Seconds, rather too many, that a predictor's models take, on a machine as busy as it is."""
    size = sum(len(part.blob) for member in predictor.members for part in member.parts)
    lacking = {
        member.family
        for member in predictor.members
        if member.family in LIBRARIES and member.family not in sys.modules
    }
    return (
        LEAST_RESTORE_SECONDS + IMPORT_SECONDS * len(lacking) + size / RESTORED_BYTES_A_SECOND
    ) * crowding()
