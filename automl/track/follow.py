"""Follow a run that goes on, in a process of its own, and tell trackers of it: `python -m automl.track.follow RUN KIND...`.

The run's log is all that it reads, so tracking costs the run nothing but the cores' time; it ends when the run has.
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
from pathlib import Path
from typing import Any

from automl import extensions
from automl.errors import InputError, MissingExtra, suggestion
from automl.store import LOG
from automl.track.experiment import Experiment, read_experiment
from automl.track.tracker import Tracker, check_tracker
from automl.trial import Event, Study, Trial

PAUSE = 0.5  # seconds between two looks at the log at least
IDLE = 10.0  # times what reading the log took: a long one is read the less often
LONGEST = 5.0
PROCESS_LOG = "track.log"
PATIENCE = 30.0  # with trackers of this process where no clock bounds the run
LIBRARIES: Mapping[str, str] = {"tensorboard": "tensorboardX", "wandb": "wandb", "mlflow": "mlflow"}


def tracker_of(kind: str) -> Callable[[Path], Tracker]:
    """The class of a kind of tracker."""
    from automl.track.to_mlflow import MLflow
    from automl.track.to_tensorboard import TensorBoard
    from automl.track.to_wandb import WandB

    classes: Mapping[str, Callable[[Path], Tracker]] = {
        "tensorboard": TensorBoard,
        "wandb": WandB,
        "mlflow": MLflow,
    }
    made: Callable[[Path], Tracker] = classes.get(kind) or extensions.find("trackers", kind)
    return made


def checked(kinds: str) -> tuple[str, ...]:
    """The kinds of `--track`, each one known and with its library installed.

    Raises
    ------
    InputError
        There is no such kind, or its library is not installed.
    """
    names = tuple(dict.fromkeys(name.strip() for name in kinds.split(",") if name.strip()))
    for name in names:
        if name in LIBRARIES:
            if importlib.util.find_spec(LIBRARIES[name]) is None:
                raise MissingExtra(
                    f"--track {name} needs {LIBRARIES[name]!r}: pip install 'automl-tabular[{name}]'"
                )
            continue
        known = [*LIBRARIES, *extensions.installed("trackers", LIBRARIES)]
        if name not in known:
            raise InputError(
                f"--track {name}: no such tracker.{suggestion(name, known)} There are: {', '.join(known)}."
            )
        check_tracker(
            extensions.find("trackers", name), f"--track {name}"
        )  # what is none is told now
    return names


class Followers:
    """An observer that has a run followed from its first event on: by a process of its own, and by a thread for trackers of this one.

    Parameters
    ----------
    folder : Path
        The run's.
    kinds : sequence of str
        Trackers by name, which the process makes.
    trackers : sequence of Tracker
        Those of the user, in this process.
    """

    def __init__(
        self, folder: Path, kinds: Sequence[str], trackers: Sequence[Tracker] = ()
    ) -> None:
        self._folder, self._kinds, self._trackers = folder, kinds, trackers
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def asked_for(cls, track: Any, folder: Path) -> Followers:
        """What `--track` or `track=` asks for: nothing, names with commas, a tracker, or several of both.

        Raises
        ------
        InputError
            There is no such tracker, its library is not installed, or an object is none.
        """
        given = (
            [] if track is None else list(track) if isinstance(track, (list, tuple)) else [track]
        )
        kinds = checked(",".join(one for one in given if isinstance(one, str)))
        own = [one for one in given if not isinstance(one, str)]
        for one in own:
            check_tracker(one, "track")
            if isinstance(one, type):
                raise InputError(f"track: {one!r} is a class: give an object of it.")
        return cls(folder, kinds, own)

    @property
    def failed(self) -> Path | None:
        """The log of the process in which a tracker has failed by now; None if none has."""
        log = self._folder / PROCESS_LOG
        return (
            log
            if log.exists() and "Traceback (" in log.read_text(encoding="utf-8", errors="replace")
            else None
        )

    def __call__(self, study: Study, event: Event) -> None:
        """Begin with the run."""
        if event["kind"] != "started":
            return
        if self._kinds:
            with open(self._folder / PROCESS_LOG, "ab") as log:
                command = [
                    sys.executable,
                    "-P",
                    "-m",
                    "automl.track.follow",
                    str(self._folder.resolve()),
                    *self._kinds,
                ]
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        if self._trackers:
            self._thread = threading.Thread(
                target=follow, args=(self._folder, self._trackers, self._ended), daemon=True
            )
            self._thread.start()

    def wait(self, seconds: float) -> bool:
        """After the run's end: have trackers of this process told of it, and wait so long at most; whether all were in time."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(min(PATIENCE, max(0.0, seconds)))
        return self._thread is None or not self._thread.is_alive()


def follow(folder: Path, trackers: Sequence[Tracker], ended: threading.Event | None = None) -> None:
    """Tell trackers of each trial of a run when it is complete, until nobody writes the run any more. One that fails costs no other.

    Parameters
    ----------
    ended : Event, optional
        Set when the run has ended: it is looked at once more at once.
    """
    ended = ended or threading.Event()
    told: set[str] = set()
    alive = list(trackers)
    seen, is_begun, is_over, pause = -1, False, False, PAUSE
    while not is_over:
        ended.wait(pause)
        if not (folder / LOG).exists():  # it came to nothing
            return
        is_over = ended.is_set() or _is_over(
            folder
        )  # asked before the log is read: what was written before is read, too
        size = (folder / LOG).stat().st_size
        if size == seen and not is_over:
            continue
        began = time.monotonic()
        seen, one = size, read_experiment(folder)
        pause = min(LONGEST, max(PAUSE, IDLE * (time.monotonic() - began)))
        new = [
            trial
            for trial in sorted(one.study.ranked, key=one.timeline.completed)
            if trial.id not in told
        ]
        if one.study.task is not None or is_over:
            told |= {trial.id for trial in new}
            alive = [tracker for tracker in alive if _tell(tracker, one, new, is_begun, is_over)]
            is_begun = True


def _tell(
    tracker: Tracker, one: Experiment, new: Sequence[Trial], is_begun: bool, is_over: bool
) -> bool:
    """Tell a tracker what is new, after the beginning if it doesn't know of that yet, and of the end; whether it goes on."""
    try:
        if not is_begun:
            tracker.begin(one)
        for trial in new:
            tracker.trial(one, trial)
        if is_over:
            tracker.end(one)
    except Exception:  # noqa: BLE001 - whatever another program's library does, the other trackers go on; track.log has it
        traceback.print_exc()
        return False
    return True


def _is_over(folder: Path) -> bool:
    """Whether nobody writes the run any more: its writer holds a lock as long as it lives."""
    import fcntl

    with open(folder / LOG, "rb") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


if __name__ == "__main__":
    os.nice(10)  # the run comes first
    home, *names = sys.argv[1:]
    follow(Path(home), [tracker_of(name)(Path(home) / "track" / name) for name in names])
