"""The interface of trackers, which record a run's trials elsewhere, while it runs or afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from automl.errors import InputError
from automl.track.experiment import Experiment
from automl.trial import Trial


class Tracker(Protocol):
    """Records a run in another program, trial by trial."""

    def begin(self, experiment: Experiment) -> None:
        """Record the run's settings and, if its table has been cleaned, its task."""
        ...

    def trial(self, experiment: Experiment, trial: Trial) -> None:
        """Record a complete trial, which is in the experiment's study."""
        ...

    def end(self, experiment: Experiment) -> list[Path]:
        """Record the end of the run, and return the paths that were written."""
        ...


def check_tracker(tracker: Any, where: str) -> None:
    """Check that an object or a class has the methods of a tracker.

    Parameters
    ----------
    tracker : Any
    where : str
        The option that named it, for the message.

    Raises
    ------
    InputError
        A method is missing.
    """
    for name in ("begin", "trial", "end"):
        method = getattr(tracker, name, None)
        if not callable(method):
            raise InputError(
                f"{where}: {tracker!r} has no method {name!r}. "
                "A tracker has begin(experiment), trial(experiment, trial) and end(experiment)."
            )


def record_run(experiment: Experiment, tracker: Tracker) -> list[Path]:
    """Record a run that has ended, its trials in the order of their completion."""
    tracker.begin(experiment)
    completed = experiment.timeline.completed
    for trial in sorted(experiment.study.ranked, key=completed):
        tracker.trial(experiment, trial)
    return tracker.end(experiment)
