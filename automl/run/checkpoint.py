"""Checkpointer: keeps the best predictor so far on disk while the search continues."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from automl.budget import Budget
from automl.events import DataPrepared, FitEnded, TrialDecided
from automl.lab.assembly import baseline_predictor, build_predictor
from automl.lab.run_data import RunData
from automl.predictor import save
from automl.stages.ensemble import (
    Ensemble,
    Pace,
    evaluate_ensemble,
    gather_complete,
    gather_unfinished,
    weigh,
)
from automl.study import Event, Study

PACKING_TIME_SHARE = 0.03  # of the time gone by may go into packing
INTERVAL_SECONDS = 0.5  # in which the interval of the score must be found
FIRST_PACKING_SECONDS = 0.3  # a guess, until one was measured
QUICK_ENSEMBLE = Ensemble(steps=12, candidates=6, rows=3000)


def has_model(study: Study) -> bool:
    """Return whether a trial other than the baseline is complete."""
    return bool(study.ranked_models)


def has_answer(study: Study) -> bool:
    """Return whether there is a model, if only of some folds."""
    for trial in study.trials.values():
        if trial.splits and not trial.candidate.is_baseline:
            return True
    return False


def _may_answer(
    study: Study,
    event: Event,
) -> bool:
    """Return whether an event brings a model that may be the best one so far."""
    if isinstance(event, TrialDecided):
        trial = study.trials[event.id]
        return event.decided == "done" and not trial.candidate.is_baseline
    if isinstance(event, FitEnded) and event.outcome.is_done and not has_model(study):
        trial = study.trials[event.id]
        return bool(trial.splits) and not trial.candidate.is_baseline
    return False


class Checkpointer:
    """An observer that writes the best predictor so far whenever it may have changed.

    Parameters
    ----------
    data : RunData
    path : Path
        The predictor's file.
    started : float
        The run's start, as a reading of `time.monotonic`.

    Attributes
    ----------
    saving : float
        Seconds that the last predictor took to write.
    """

    def __init__(
        self,
        data: RunData,
        path: Path,
        started: float,
    ) -> None:
        self._data = data
        self._path = path
        self._started = started
        self._spent = 0.0
        self._packed: frozenset[tuple[str, int]] = frozenset()
        self._is_complete = False  # whether the packed ensemble was judged on every fold
        self._last_seconds = FIRST_PACKING_SECONDS
        self.saving = FIRST_PACKING_SECONDS

    def __call__(
        self,
        study: Study,
        event: Event,
    ) -> None:
        """Write the baseline after cleaning, and an ensemble after each complete trial.

        As long as no trial is complete, any fit will do.
        """
        if isinstance(event, DataPrepared):
            save(baseline_predictor(study, self._data), self._path)
        elif _may_answer(study, event) and self._affords(study):
            self._pack(study)

    def _affords(self, study: Study) -> bool:
        """Return whether packing stays within its share of time, or is the first of its kind."""
        if not self._packed or (not self._is_complete and has_model(study)):
            return True
        gone = time.monotonic() - self._started
        return self._spent + self._last_seconds <= PACKING_TIME_SHARE * gone

    def _pack(self, study: Study) -> None:
        """Weigh the models so far, and write their ensemble if it is another one."""
        started = time.monotonic()
        is_complete = has_model(study)
        if is_complete:
            pool = gather_complete(study, self._data, QUICK_ENSEMBLE.candidates)
        else:
            pool = gather_unfinished(study, self._data)
        if pool.trials:
            weights = weigh(QUICK_ENSEMBLE, study, pool)
            members = frozenset((name, len(study.trials[name].splits)) for name in weights)
            if members != self._packed:
                pace = Pace(Budget(started + INTERVAL_SECONDS), keep=0.0)
                evaluation = evaluate_ensemble(QUICK_ENSEMBLE, study, pool, weights, has_time=pace)
                best = replace(study, weights=weights, evaluation=evaluation, finish="bag")
                self._save(best)
                self._packed, self._is_complete = members, is_complete
                self._last_seconds = time.monotonic() - started
        self._spent += time.monotonic() - started

    def _save(self, study: Study) -> None:
        started = time.monotonic()
        save(build_predictor(study, self._data), self._path)
        self.saving = time.monotonic() - started
