"""End a run that is still working when its budget is over; its results so far are on disk.

On a free machine this never happens, since time is reserved for the end of a run. On a crowded one
the last steps may take many times as long.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from types import TracebackType
from typing import Self

from automl.errors import AutoMLError
from automl.event_log import replay
from automl.run import Settings
from automl.run.checkpoint import has_answer
from automl.run_files import FACTS, PREDICTOR
from automl.study import Event, Study

EXIT_SECONDS = 0.1  # that a process needs to exit on a free machine
MAX_EXIT_SECONDS = 0.5
SHOW_CURSOR = "\x1b[?25h"  # the live display hides it
NO_MODEL = 3  # exit code of a run in which no model was completed


class Overtime:
    """An observer that ends the process at the run's deadline.

    It is a context manager: once its block is left, the process is safe.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.output
        self._study = Study()
        self._timer: threading.Timer | None = None
        left = 0.0
        if settings.seconds is not None:
            left = settings.started + settings.seconds - time.monotonic()
        if left > 0:  # otherwise this process was not started for this run
            delay = max(0.0, left - _seconds_to_exit(settings.started))
            self._timer = threading.Timer(delay, self._end)
            self._timer.daemon = True

    def __call__(self, study: Study, event: Event) -> None:
        """Store how far the run has come."""
        self._study = study

    def __enter__(self) -> Self:
        if self._timer is not None:
            self._timer.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        """Report the results so far and end the process, and its workers with it.

        A run that has only to print its result is not ended.
        """
        if (self._folder / "DONE").exists():
            return
        cursor = SHOW_CURSOR if sys.stderr.isatty() else ""
        text, code = self.outcome()
        os.write(2, f"{cursor}automl: {text}\n".encode(errors="replace"))
        os._exit(code)

    def outcome(self) -> tuple[str, int]:
        """Return the message and the exit code of a run that is ended now."""
        folder = shlex.quote(str(self._folder))
        resume = f"`automl resume {folder} --budget 60s` goes on with it"
        if not (self._folder / FACTS).exists():
            message = "the time was over before the table was understood. "
            return f"{message}Give it more: --budget 60s", NO_MODEL
        if has_answer(self._known_study()) and (self._folder / PREDICTOR).exists():
            message = "the time was over before the report was written: "
            return f"{message}the predictor is the best so far; {resume}", 0
        message = "the time was over before a model was trained, so the predictor gives the same "
        return (
            f"{message}prediction for every row; {resume}",
            NO_MODEL,
        )

    def _known_study(self) -> Study:
        """Return the study so far: a resumed run has one in its log before its first event."""
        if self._study.trials:
            return self._study
        try:
            return replay(self._folder)
        except AutoMLError:  # the log is damaged
            return self._study


def _seconds_to_exit(started: float) -> float:
    """Estimate how long before the deadline the process must start to exit.

    The process has been busy since its start, so the ratio of wall-clock to processor time tells
    how crowded the machine is.
    """
    slowdown = (time.monotonic() - started) / max(1e-3, time.process_time())
    return min(MAX_EXIT_SECONDS, EXIT_SECONDS * max(1.0, slowdown))
