"""Show the progress of a fit as `verbose` says; always on standard error.

Nothing, one line of progress, or a line for every event. A terminal and a notebook redraw the one
line in its place. Anywhere else, as in a log, it is written from time to time.
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
from automl.events import DataPrepared
from automl.formatting import decimal_places, format_count, format_duration, format_number, visible
from automl.metrics import metric_of
from automl.run import Settings
from automl.run.recorder import describe
from automl.study import Event, Study
from automl.trial import Trial

REDRAW_SECONDS = 1.0  # a clock that doesn't move looks like a program that has stopped
MIN_REDRAW_SECONDS = 0.25  # between two redraws, however many events there are
MIN_LINE_PAUSE_SECONDS = 10.0  # between two lines in a log; longer if the budget is large
MAX_LINES_PER_BUDGET = 20
NOTEBOOK_COLUMNS = 100
MAX_NAME_CHARACTERS = 40
MAX_LINE_CHARACTERS = 1000

Observer = Callable[[Study, Event], None]


class Silent:
    """A display that shows nothing; opened before a fit and closed after it."""

    @property
    def observers(self) -> Sequence[Observer]:
        """Functions that the run calls with each event."""
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
    """Write a line for each event, as `automl fit --verbose` does."""

    def __init__(self, settings: Settings, stream: TextIO) -> None:
        self._settings = settings
        self._stream = stream

    @property
    def observers(self) -> Sequence[Observer]:
        """The display itself."""
        return (self,)

    def __call__(self, study: Study, event: Event) -> None:
        """Write the description of an event."""
        text = describe(study, event)
        if not text:
            return
        lines = [visible(part, MAX_LINE_CHARACTERS) for part in text.split("\n")]
        elapsed = _elapsed(self._settings)
        shown = "\n".join(lines)
        print(f"{elapsed:7.1f} s  {shown}", file=self._stream, flush=True)


class PeriodicLine(Silent):
    """Write the progress once the table is clean, then from time to time, and at the end."""

    def __init__(self, settings: Settings, stream: TextIO) -> None:
        self._settings = settings
        self._stream = stream
        self._study = Study()
        self._written = time.monotonic()
        budget = settings.seconds or 0.0
        self._pause = max(MIN_LINE_PAUSE_SECONDS, budget / MAX_LINES_PER_BUDGET)

    @property
    def observers(self) -> Sequence[Observer]:
        """The display itself."""
        return (self,)

    def __call__(self, study: Study, event: Event) -> None:
        """Store the study, and write a line if it is time for one."""
        self._study = study
        is_due = time.monotonic() - self._written >= self._pause
        if is_due or isinstance(event, DataPrepared):
            self._write(progress_line(study, self._settings))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._write(final_line(self._study, self._settings))

    def _write(self, text: str) -> None:
        self._written = time.monotonic()
        print(text, file=self._stream, flush=True)


class RedrawnLine(Silent):
    """Redraw one line in its place, at events and, by a thread, once a second."""

    def __init__(self, settings: Settings, stream: TextIO) -> None:
        self._settings = settings
        self._stream = stream
        self._study = Study()
        self._drawn = 0.0
        self._width = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._redraw_until_over, daemon=True)

    @property
    def observers(self) -> Sequence[Observer]:
        """The display itself."""
        return (self,)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over.set()
        self._thread.join()
        if kind is not None:
            self._draw("")
            return
        self._draw(final_line(self._study, self._settings))
        print(file=self._stream, flush=True)

    def __call__(self, study: Study, event: Event) -> None:
        """Store the study, and redraw the line unless that has just been done."""
        self._study = study
        if time.monotonic() - self._drawn >= MIN_REDRAW_SECONDS:
            self._draw(progress_line(study, self._settings))

    def _redraw_until_over(self) -> None:
        while not self._is_over.wait(REDRAW_SECONDS):
            self._draw(progress_line(self._study, self._settings))

    def _draw(self, text: str) -> None:
        """Write over the line with spaces, since a notebook has no code that clears a line."""
        columns = NOTEBOOK_COLUMNS
        if self._stream.isatty():
            columns = shutil.get_terminal_size().columns - 1
        with self._lock:
            self._drawn = time.monotonic()
            shown = visible(text, columns)
            line = f"\r{shown.ljust(self._width)}"
            if not shown:
                line += "\r"
            print(line, end="", file=self._stream, flush=True)
            self._width = len(shown)


def progress(verbose: Any, settings: Settings, stream: TextIO | None = None) -> Silent:
    """Return the display that `verbose` asks for.

    Parameters
    ----------
    verbose : {0, 1, 2}
        Nothing, one line of progress, or a line for every event.
    settings : Settings
        The settings of the run, which hold its budget.
    stream : TextIO, optional
        Default: standard error.

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
        return EveryEvent(settings, stream)
    if can_redraw(stream):
        return RedrawnLine(settings, stream)
    return PeriodicLine(settings, stream)


def can_redraw(stream: TextIO) -> bool:
    """Whether a line can be written over, as on a terminal and in a notebook."""
    package = type(stream).__module__.partition(".")[0]
    return stream.isatty() or package == "ipykernel"


def progress_line(study: Study, settings: Settings) -> str:
    """Describe the progress of a fit in one line."""
    budget = _budget_text(study, settings)
    stage = study.stage or "reading"
    return _join([budget, stage, *_search_texts(study)])


def final_line(study: Study, settings: Settings) -> str:
    """Describe the result of a fit in one line."""
    parts = [f"done in {_clock_text(_elapsed(settings))}", *_search_texts(study)]
    if study.findings:
        findings = format_count(len(study.findings), "finding")
        parts.append(f"{findings} in findings_")
    return _join(parts)


def _join(parts: Sequence[str]) -> str:
    return " | ".join(visible(part) for part in parts)


def _elapsed(settings: Settings) -> float:
    return time.monotonic() - settings.started


def _budget_text(study: Study, settings: Settings) -> str:
    """Describe how much of the budget is used."""
    elapsed = _clock_text(_elapsed(settings))
    if settings.trials is not None:
        trials = study.trials.values()
        decided = sum(1 for trial in trials if trial.decided)
        return f"{decided} of {settings.trials} candidates in {elapsed}"
    if settings.seconds is None:
        return elapsed
    return f"{elapsed} of {_clock_text(settings.seconds)}"


def _search_texts(study: Study) -> list[str]:
    """Return the number of candidates and the best score, as far as there are any."""
    if not study.trials:
        return []
    tried = format_count(len(study.trials), "candidate")
    best = _best_trial(study)
    if best is None:
        return [tried]
    loss = best.loss
    if study.evaluation is not None:
        loss = study.evaluation.loss
    name = visible(best.candidate.family, MAX_NAME_CHARACTERS)
    if len(study.weights) > 1:
        name = "ensemble"
    metric = metric_of(study.known_task)
    score = metric.score(loss)
    return [tried, f"best {metric.name} {format_number(score, decimal_places(score))} ({name})"]


def _best_trial(study: Study) -> Trial | None:
    """Return the best complete trial, or else the best by the folds so far."""

    def order(trial: Trial) -> tuple[bool, float]:
        return not study.is_complete(trial), trial.loss

    trials = [trial for trial in study.trials.values() if trial.losses]
    return min(trials, key=order, default=None)


def _clock_text(seconds: float) -> str:
    """Format a duration in whole seconds, since flickering decimals can't be read."""
    text = format_duration(round(max(0.0, seconds)))
    return text.replace(".00 s", " s").replace(".0 s", " s")
