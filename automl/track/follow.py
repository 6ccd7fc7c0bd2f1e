"""Follow a run while it goes on, and keep trackers up to date.

`python -m automl.track.follow RUN KIND...` does it in a process of its own. The run's log is all
that it reads, so tracking costs the run nothing but the cores' time; it ends when the run has.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl import extensions
from automl.errors import InputError, MissingExtra, suggestion
from automl.events import RunStarted
from automl.run_files import LOG
from automl.study import Event, Study
from automl.track.experiment import Experiment, read_experiment
from automl.track.tracker import Tracker, check_tracker
from automl.trial import Trial

MIN_POLL_SECONDS = 0.5  # between two readings of the log
MAX_PAUSE_SECONDS = 5.0
PAUSE_PER_READING = 10.0  # a pause in units of the last reading: a long log is read less often
MAX_WAIT_SECONDS = 30.0  # for trackers of this process, where no clock bounds the run
NICENESS = 10  # the run comes first
PROCESS_LOG = "track.log"
TRACKER_LIBRARIES: Mapping[str, str] = {
    "tensorboard": "tensorboardX",
    "wandb": "wandb",
    "mlflow": "mlflow",
}


def tracker_of(kind: str) -> Callable[[Path], Tracker]:
    """Return the class of a kind of tracker, which is called with the path to write to."""
    from automl.track.to_mlflow import MLflow
    from automl.track.to_tensorboard import TensorBoard
    from automl.track.to_wandb import WandB

    classes: Mapping[str, Callable[[Path], Tracker]] = {
        "tensorboard": TensorBoard,
        "wandb": WandB,
        "mlflow": MLflow,
    }
    if kind in classes:
        return classes[kind]
    registered: Callable[[Path], Tracker] = extensions.find("trackers", kind)
    return registered


def parse_kinds(kinds: str) -> tuple[str, ...]:
    """Return the kinds of trackers in a text with commas, each one known and installed.

    Raises
    ------
    InputError
        There is no such kind, or its library is not installed.
    """
    stripped = [kind.strip() for kind in kinds.split(",")]
    names = tuple(dict.fromkeys(filter(None, stripped)))
    for name in names:
        if name in TRACKER_LIBRARIES:
            _check_installed(name)
        else:
            _check_registered(name)
    return names


def _check_installed(kind: str) -> None:
    library = TRACKER_LIBRARIES[kind]
    if importlib.util.find_spec(library) is None:
        raise MissingExtra(
            f"--track {kind} needs {library!r}: pip install 'automl-tabular[{kind}]'"
        )


def _check_registered(kind: str) -> None:
    known = [*TRACKER_LIBRARIES, *extensions.installed("trackers", TRACKER_LIBRARIES)]
    if kind not in known:
        hint = suggestion(kind, known)
        raise InputError(f"--track {kind}: no such tracker.{hint} There are: {', '.join(known)}.")
    check_tracker(extensions.find("trackers", kind), f"--track {kind}")


class Followers:
    """An observer that has trackers follow a run from its first event on.

    Trackers by name run in a process of their own, tracker objects in a thread of this one.

    Parameters
    ----------
    folder : Path
        The run folder.
    kinds : sequence of str
        Names of trackers, for the process.
    trackers : sequence of Tracker
        The user's objects, for the thread.
    """

    def __init__(
        self, folder: Path, kinds: Sequence[str], trackers: Sequence[Tracker] = ()
    ) -> None:
        self._folder = folder
        self._kinds = kinds
        self._trackers = trackers
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def from_option(cls, track: Any, folder: Path) -> Followers:
        """Return the followers that `--track` or `track=` names.

        Parameters
        ----------
        track : None, str, Tracker, or a list or tuple of both
            A str holds names with commas between them.
        folder : Path
            The run folder.

        Raises
        ------
        InputError
            There is no such tracker, its library is not installed, or an object is not a tracker.
        """
        if track is None:
            track = []
        elif not isinstance(track, (list, tuple)):
            track = [track]
        kinds = parse_kinds(",".join(item for item in track if isinstance(item, str)))
        trackers = [item for item in track if not isinstance(item, str)]
        for tracker in trackers:
            check_tracker(tracker, "track")
            if isinstance(tracker, type):
                raise InputError(f"track: {tracker!r} is a class: give an object of it.")
        return cls(folder, kinds, trackers)

    @property
    def failure_log(self) -> Path | None:
        """Log of the process if a tracker has failed in it so far; else None."""
        log = self._folder / PROCESS_LOG
        if not log.exists():
            return None
        text = log.read_text(encoding="utf-8", errors="replace")
        return log if "Traceback (" in text else None

    def __call__(self, study: Study, event: Event) -> None:
        """Start the process and the thread when the run has started."""
        if not isinstance(event, RunStarted):
            return
        if self._kinds:
            self._start_process()
        if self._trackers:
            args = (self._folder, self._trackers, self._ended)
            self._thread = threading.Thread(target=follow, args=args, daemon=True)
            self._thread.start()

    def _start_process(self) -> None:
        folder = str(self._folder.resolve())
        command = [sys.executable, "-P", "-m", "automl.track.follow", folder, *self._kinds]
        with open(self._folder / PROCESS_LOG, "ab") as log:
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self, seconds: float) -> bool:
        """Wait after the run's end until the user's tracker objects have recorded all of it.

        Parameters
        ----------
        seconds : float
            The most to wait.

        Returns
        -------
        bool
            Whether they were in time.
        """
        self._ended.set()
        if self._thread is None:
            return True
        timeout = max(0.0, seconds)
        self._thread.join(min(MAX_WAIT_SECONDS, timeout))
        return not self._thread.is_alive()


def follow(folder: Path, trackers: Sequence[Tracker], ended: threading.Event | None = None) -> None:
    """Record each trial of a run in trackers when it is complete, until the run has ended.

    A tracker that fails is dropped, and the others continue.

    Parameters
    ----------
    folder : Path
        The run folder.
    trackers : sequence of Tracker
    ended : Event, optional
        Set when the run has ended: the log is then read a last time at once.
    """
    ended = ended or threading.Event()
    active = list(trackers)
    recorded: set[str] = set()
    read_size = -1
    pause = MIN_POLL_SECONDS
    has_begun = False
    is_over = False
    while not is_over:
        ended.wait(pause)
        log = folder / LOG
        if not log.exists():  # nothing came of the run, and its folder was removed
            return
        # Before the log is read, so that everything before the end is read, too.
        is_over = ended.is_set() or _is_over(folder)
        size = log.stat().st_size
        if size == read_size and not is_over:
            continue
        read_size = size
        start = time.monotonic()
        experiment = read_experiment(folder)
        pause = PAUSE_PER_READING * (time.monotonic() - start)
        pause = min(MAX_PAUSE_SECONDS, max(MIN_POLL_SECONDS, pause))
        if experiment.study.task is None and not is_over:
            continue
        completed = [trial for trial in experiment.study.ranked if trial.id not in recorded]
        completed.sort(key=experiment.timeline.completed)
        update = Update(experiment, completed, not has_begun, is_over)
        active = [tracker for tracker in active if update.record(tracker)]
        recorded |= {trial.id for trial in completed}
        has_begun = True


@dataclass(frozen=True)
class Update:
    """The part of a run that trackers have not recorded yet."""

    experiment: Experiment
    trials: Sequence[Trial]
    is_first: bool
    is_last: bool

    def record(self, tracker: Tracker) -> bool:
        """Record it in a tracker, and return whether the tracker still works."""
        try:
            if self.is_first:
                tracker.begin(self.experiment)
            for trial in self.trials:
                tracker.trial(self.experiment, trial)
            if self.is_last:
                tracker.end(self.experiment)
        except Exception:  # noqa: BLE001 - other trackers continue; track.log has the traceback
            traceback.print_exc()
            return False
        return True


def _is_over(folder: Path) -> bool:
    """Return whether the run has no writer any more: one holds a lock as long as it lives."""
    import fcntl

    with open(folder / LOG, "rb") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


if __name__ == "__main__":
    os.nice(NICENESS)
    run, *names = sys.argv[1:]
    home = Path(run)
    follow(home, [tracker_of(name)(home / "track" / name) for name in names])
