"""A tracker: told of a run's trials as they are complete, live or afterwards, and of its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

from automl.errors import InputError
from automl.track.experiment import Experiment
from automl.trial import Trial


class Tracker(Protocol):
    """What hands a run to another program, trial by trial."""

    def begin(self, one: Experiment) -> None:
        """The run is known: its settings and, if it was cleaned by then, its task."""
        ...

    def trial(self, one: Experiment, trial: Trial) -> None:
        """A trial is complete; it is in the experiment's study."""
        ...

    def end(self, one: Experiment) -> list[Path]:
        """The run has ended. Gives what was written."""
        ...


def check_tracker(one: Any, where: str) -> None:
    """Refuse what isn't a tracker, or makes none.

    Raises
    ------
    InputError
    """
    lacking = [name for name in ("begin", "trial", "end") if not callable(getattr(one, name, None))]
    if lacking:
        raise InputError(
            f"{where}: {one!r} has no method {lacking[0]!r}. A tracker has begin(one), trial(one, trial) and end(one)."
        )


def hand_over(one: Experiment, tracker: Tracker) -> list[Path]:
    """Tell a tracker of a run that is there already, in the order in which its trials were complete."""
    tracker.begin(one)
    for trial in sorted(one.study.ranked, key=one.timeline.completed):
        tracker.trial(one, trial)
    return tracker.end(one)
