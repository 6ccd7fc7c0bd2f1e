"""What `verbose=` shows of a fit: nothing, one calm line, or a line for every event; always on standard error.

A terminal and a notebook draw the calm line anew in its place. Anywhere else, as in a log, it is written from time to time.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self, TextIO

from automl.errors import InputError
from automl.formatting import counted, duration, number, places, visible
from automl.metrics import metric_of
from automl.run import Settings
from automl.run.recorder import words
from automl.trial import Event, Study, Trial

REDRAW_SECONDS = 1.0  # a clock that stands still looks like a program that does
LEAST_REDRAW_SECONDS = 0.25  # between two drawings, however many events there are
LEAST_PAUSE_SECONDS = 10.0  # between two lines in a log
PAUSES_A_BUDGET = 20  # or a larger budget's share
NOTEBOOK_COLUMNS = 100
NARROW = 40  # characters of a name

Observer = Callable[[Study, Event], None]


class Silent:
    """Shows nothing: opened before a fit, closed after it."""

    @property
    def observers(self) -> Sequence[Observer]:
        """Those that the run tells of each event."""
        return ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class EveryEvent(Silent):
    """Writes a line for each event, as `automl fit --verbose` does."""

    def __init__(self, asked: Settings, stream: TextIO) -> None:
        self._asked = asked
        self._stream = stream

    @property
    def observers(self) -> Sequence[Observer]:
        """Itself."""
        return (self,)

    def __call__(self, study: Study, event: Event) -> None:
        """Write what an event tells."""
        if told := words(study, event):
            lines = "\n".join(visible(line, 1000) for line in told.split("\n"))
            print(f"{_elapsed(self._asked):7.1f} s  {lines}", file=self._stream, flush=True)


class Calm(Silent):
    """Writes the line from time to time: once the table is clean, then seldom, and at the end."""

    def __init__(self, asked: Settings, stream: TextIO) -> None:
        self._asked = asked
        self._stream = stream
        self._study = Study()
        self._written = time.monotonic()
        self._pause = max(LEAST_PAUSE_SECONDS, (asked.seconds or 0.0) / PAUSES_A_BUDGET)

    @property
    def observers(self) -> Sequence[Observer]:
        """Itself."""
        return (self,)

    def __call__(self, study: Study, event: Event) -> None:
        """Keep the study, and write the line if its time has come."""
        self._study = study
        if "task" in event or time.monotonic() - self._written >= self._pause:
            self._write(line(study, self._asked))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._write(last_line(self._study, self._asked))

    def _write(self, text: str) -> None:
        self._written = time.monotonic()
        print(text, file=self._stream, flush=True)


class Redrawn(Silent):
    """Draws the line anew in its place, at each event and once a second, by a thread of its own."""

    def __init__(self, asked: Settings, stream: TextIO) -> None:
        self._asked = asked
        self._stream = stream
        self._study = Study()
        self._drawn = 0.0
        self._width = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    @property
    def observers(self) -> Sequence[Observer]:
        """Itself."""
        return (self,)

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._clock.join()
        self._draw(last_line(self._study, self._asked) if kind is None else "")
        if kind is None:
            print(file=self._stream, flush=True)

    def __call__(self, study: Study, event: Event) -> None:
        """Keep the study, and draw it unless the line has just been drawn."""
        self._study = study
        if time.monotonic() - self._drawn >= LEAST_REDRAW_SECONDS:
            self._draw(line(study, self._asked))

    def _tick(self) -> None:
        while not self._over.wait(REDRAW_SECONDS):
            self._draw(line(self._study, self._asked))

    def _draw(self, text: str) -> None:
        """Write over what stands there; a notebook knows no code that clears a line."""
        columns = (
            shutil.get_terminal_size().columns - 1 if self._stream.isatty() else NOTEBOOK_COLUMNS
        )
        with self._lock:
            self._drawn = time.monotonic()
            shown = visible(text, columns)
            print(
                f"\r{shown.ljust(self._width)}" if shown else f"\r{' ' * self._width}\r",
                end="",
                file=self._stream,
                flush=True,
            )
            self._width = len(shown)


def progress(verbose: Any, asked: Settings, stream: TextIO | None = None) -> Silent:
    """The display that `verbose` asks for.

    Parameters
    ----------
    verbose : {0, 1, 2}
        Nothing, one calm line, or a line for every event.
    asked : Settings
        The run's: what it may use.
    stream : TextIO, optional
        Standard error unless it is given.

    Raises
    ------
    InputError
        `verbose` is something else.
    """
    if verbose not in (0, 1, 2):
        raise InputError(
            f"verbose={verbose!r}: give 0 for silence, 1 for a line, or 2 for a line for every fit."
        )
    stream = stream or sys.stderr
    if not verbose or stream is None:  # a program without a terminal may have no stream at all
        return Silent()
    if verbose == 2:
        return EveryEvent(asked, stream)
    return Redrawn(asked, stream) if is_redrawn(stream) else Calm(asked, stream)


def is_redrawn(stream: TextIO) -> bool:
    """Whether a line can be written over: on a terminal and in a notebook."""
    return stream.isatty() or type(stream).__module__.partition(".")[0] == "ipykernel"


def line(study: Study, asked: Settings) -> str:
    """Say in a line how far a fit is."""
    parts = [_used(study, asked), study.stage or "reading", *_found(study)]
    return " | ".join(visible(part) for part in parts)


def last_line(study: Study, asked: Settings) -> str:
    """Say in a line what a fit came to."""
    findings = [f"{counted(len(study.findings), 'finding')} in findings_"] if study.findings else []
    return " | ".join(
        visible(part) for part in [f"done in {_clock(_elapsed(asked))}", *_found(study), *findings]
    )


def _elapsed(asked: Settings) -> float:
    return time.monotonic() - asked.started


def _used(study: Study, asked: Settings) -> str:
    """What of the budget is used."""
    elapsed = _clock(_elapsed(asked))
    if asked.trials is not None:
        decided = sum(1 for trial in study.trials.values() if trial.decided)
        return f"{decided} of {asked.trials} candidates in {elapsed}"
    return elapsed if asked.seconds is None else f"{elapsed} of {_clock(asked.seconds)}"


def _found(study: Study) -> list[str]:
    """How many candidates there are, and the best of them."""
    tried = counted(len(study.trials), "candidate")
    best = min(
        (trial for trial in study.trials.values() if trial.losses),
        key=lambda trial: _order(study, trial),
        default=None,
    )
    if best is None:
        return [tried] if study.trials else []
    metric = metric_of(study.the_task)
    loss = study.verdict["loss"] if study.weights and "loss" in study.verdict else best.loss
    score = metric.score(loss)
    name = "ensemble" if len(study.weights) > 1 else visible(best.candidate.family, NARROW)
    return [tried, f"best {metric.name} {number(score, places(score))} ({name})"]


def _order(study: Study, trial: Trial) -> tuple[bool, float]:
    """Complete trials come first, then the others by the folds seen so far."""
    return not study.complete(trial), trial.loss


def _clock(seconds: float) -> str:
    """Whole seconds: a number that flickers can't be read."""
    return duration(round(max(0.0, seconds))).replace(".00 s", " s").replace(".0 s", " s")
