"""End a run that is still at work when its budget is over: what it has reached lies on disk, as after a kill.

On a free machine nothing comes to this, since time is kept back for the end. On a crowded one the last steps take many times as long.
"""

from __future__ import annotations

import os
import shlex
import sys
import threading
import time
from types import TracebackType
from typing import Self

from automl.run import Settings
from automl.run.checkpoint import has_answer
from automl.trial import Event, Study

GOING = 0.1  # seconds that a process needs to go on a free machine
MOST_GOING = 0.5
SHOW_CURSOR = "\x1b[?25h"  # what draws on a terminal had hidden it
NO_MODEL = 3  # exit code of a run in which no model was completed


class Overtime:
    """An observer that ends the process at the run's deadline, unless the block that it is entered for has been left by then.

    Parameters
    ----------
    asked : Settings
    """

    def __init__(self, asked: Settings) -> None:
        self._folder = asked.output
        self._study = Study()
        self._timer: threading.Timer | None = None
        left = 0.0 if asked.seconds is None else asked.started + asked.seconds - time.monotonic()
        if left > 0:  # else the process is an old one, which was not started for this run
            self._timer = threading.Timer(max(0.0, left - _going(asked.started)), self._end)
            self._timer.daemon = True

    def __call__(self, study: Study, event: Event) -> None:
        """Keep what the run has reached."""
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
        """Say what there is and end the process; its workers end with it. A run that has only to be reported goes on."""
        if (self._folder / "DONE").exists():
            return
        cursor = SHOW_CURSOR if sys.stderr.isatty() else ""
        text, code = self.outcome()
        os.write(2, f"{cursor}automl: {text}\n".encode(errors="replace"))
        os._exit(code)

    def outcome(self) -> tuple[str, int]:
        """What is told of a run that is ended now, and the exit code."""
        resume = f"`automl resume {shlex.quote(str(self._folder))} --budget 60s` goes on with it"
        if not (self._folder / "run.toml").exists():
            return (
                "the time was over before the table was understood. Give it more: --budget 60s",
                NO_MODEL,
            )
        if has_answer(self._study) and (self._folder / "predictor.automl").exists():
            return (
                f"the time was over before the report was written: the predictor is the best so far; {resume}",
                0,
            )
        return (
            f"the time was over before a model was trained, so the predictor has the same answer for every row; {resume}",
            NO_MODEL,
        )


def _going(started: float) -> float:
    """Seconds before the deadline at which a process goes: it has been busy since its start, so that tells how slowly it gets on."""
    slowdown = (time.monotonic() - started) / max(1e-3, time.process_time())
    return min(MOST_GOING, GOING * max(1.0, slowdown))
