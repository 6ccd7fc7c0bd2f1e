"""Show the progress of a run on standard error: nothing, lines, or a few lines that are redrawn."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from automl.cli.event_lines import (
    MAX_NAME_CHARACTERS,
    clock_text,
    event_line,
    finding_text,
    is_warning,
    model_name,
)
from automl.cli.summary import red
from automl.events import FindingRecorded, FitEnded, TrialDecided
from automl.formatting import decimal_places, format_count, format_number, join_words, visible
from automl.metrics import metric_of
from automl.study import Event, Study
from automl.trial import Trial

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["Bounds", "Live", "Plain", "Quiet", "choose"]

Observer = Callable[[Study, Event], None]

REDRAWS_PER_SECOND = 4
MAX_MODELS_SHOWN = 5
PADDING = (0, 2, 0, 0)  # characters above, right, below and left of a cell


@dataclass(frozen=True)
class Bounds:
    """The budget of a run.

    Parameters
    ----------
    seconds : float or None
        Counted from `started`, a reading of the clock.
    trials : int or None
        A number of candidates.
    """

    seconds: float | None
    trials: int | None
    started: float
    clock: Callable[[], float] = field(default=time.monotonic)

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self.clock() - self.started

    def progress(self, study: Study) -> tuple[str, float, float]:
        """Return a description of the budget's rest, the used part, and the total."""
        elapsed = self.elapsed()
        if self.trials is not None:
            trials = study.trials.values()
            decided = sum(1 for trial in trials if trial.decided)
            text = f"{decided} of {self.trials} candidates, {clock_text(elapsed)}"
            return text, decided, self.trials
        if self.seconds is None:
            return clock_text(elapsed), 0.0, 1.0
        total = self.seconds
        return f"{clock_text(total - elapsed)} left of {clock_text(total)}", elapsed, total


class Quiet:
    """A display that shows nothing; opened before a run and closed after it.

    Attributes
    ----------
    say : callable or None
        Shows a line next to the drawing; None where nothing is drawn.
    """

    say: Callable[[str], None] | None = None

    @property
    def observers(self) -> list[Observer]:
        """Functions that the run calls with each event."""
        return []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None


class Plain(Quiet):
    """Print a line for each stage, complete trial and failure, for logs and pipes.

    Parameters
    ----------
    bounds : Bounds
    stream : TextIO, optional
        Default: standard error.
    verbose : bool
        Print a line for every event.
    """

    def __init__(self, bounds: Bounds, stream: TextIO | None = None, verbose: bool = False) -> None:
        self._bounds = bounds
        self._stream = stream or sys.stderr
        self._verbose = verbose
        self._best_loss = float("inf")

    @property
    def observers(self) -> list[Observer]:
        """The display itself."""
        return [self]

    def __call__(self, study: Study, event: Event) -> None:
        """Print a line about the event if it is worth one."""
        if self._verbose:
            text = self._verbose_text(study, event)
        else:
            text = self._text(study, event)
        if not text.strip():
            return
        line = f"{self._bounds.elapsed():7.1f} s  {text}"
        if is_warning(event) and self._stream.isatty():
            line = red(line)
        print(line, file=self._stream, flush=True)

    def _verbose_text(self, study: Study, event: Event) -> str:
        from automl.run.recorder import describe

        lines = describe(study, event).split("\n")
        return "\n".join(visible(line, 1000) for line in lines)

    def _text(self, study: Study, event: Event) -> str:
        text = event_line(study, event, self._best_loss)
        if isinstance(event, TrialDecided) and event.decided == "done":
            trial = study.trials[event.id]
            self._best_loss = min(self._best_loss, trial.loss)
        return text


class Live(Quiet):
    """Show a few lines at the bottom of a terminal, which a thread redraws.

    When called with an event it only stores the study, so a run never waits for the terminal.

    Parameters
    ----------
    bounds : Bounds
    stream : TextIO, optional
        Default: standard error.
    """

    def __init__(self, bounds: Bounds, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.live import Live as Region

        self._bounds = bounds
        self._study = Study()
        self._fits = {"done": 0, "failed": 0}
        console = Console(file=stream or sys.stderr, highlight=False, markup=False, emoji=False)
        self.say = console.print
        self._region = Region(
            get_renderable=self.render,
            console=console,
            refresh_per_second=REDRAWS_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=stream is None,
        )

    @property
    def observers(self) -> list[Observer]:
        """The display itself."""
        return [self]

    def __enter__(self) -> Self:
        self._region.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._region.stop()

    def __call__(self, study: Study, event: Event) -> None:
        """Store the study for the next redraw, count fits, and print findings."""
        self._study = study
        if isinstance(event, FindingRecorded):
            self._region.console.print(_finding_grid(event))
        if not isinstance(event, FitEnded):
            return
        if event.outcome.is_done:
            self._fits["done"] += 1
        elif event.outcome.status != "cancelled":
            self._fits["failed"] += 1

    def render(self) -> RenderableType:
        """Return the lines to draw now."""
        from rich.console import Group
        from rich.text import Text

        study = self._study
        text = self._counts_text(study)
        counts = Text(text, style="dim", overflow="ellipsis", no_wrap=True)
        return Group(self._progress_bar(study), counts, *_models_table(study))

    def _progress_bar(self, study: Study) -> RenderableType:
        """Draw the stage, the rest of the budget in words, and a bar."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        text, used, total = self._bounds.progress(study)
        stage = "ending"
        if not study.finished:
            stage = visible(study.stage or "reading", MAX_NAME_CHARACTERS)
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1)
        grid.add_row(
            Text(stage, style="bold cyan"),
            Text(text),
            ProgressBar(total=total, completed=min(used, total)),
        )
        return grid

    def _counts_text(self, study: Study) -> str:
        """Return the numbers of fits, candidates and findings."""
        jobs = list(study.running.values())
        fits = f"{format_count(self._fits['done'], 'fit')} done"
        if self._fits["failed"]:
            fits += f", {self._fits['failed']} failed"
        if jobs:
            families = [visible(job.candidate.family, MAX_NAME_CHARACTERS) for job in jobs]
            fits += f", {len(families)} running ({join_words(families, 4)})"
        parts = [fits, format_count(len(study.trials), "candidate")]
        if study.findings:
            parts.append(format_count(len(study.findings), "finding"))
        return " · ".join(parts)


def choose(
    seconds: float | None,
    trials: int | None,
    started: float,
    quiet: bool = False,
    verbose: bool = False,
    stream: TextIO | None = None,
) -> Quiet:
    """Choose a display: none if quiet, live on a terminal, lines elsewhere or if verbose.

    Parameters
    ----------
    seconds, trials : float or None, int or None
        The run's budget.
    started : float
        The run's start, as a reading of `time.monotonic`.
    stream : TextIO, optional
        Default: standard error.
    """
    bounds = Bounds(seconds, trials, started)
    if quiet:
        return Quiet()
    if verbose or not (stream or sys.stderr).isatty():
        return Plain(bounds, stream, verbose)
    return Live(bounds, stream)


def _models_table(study: Study) -> list[Table]:
    """Return a table of the best models so far, or nothing while there is none."""
    from rich.table import Table
    from rich.text import Text

    trials = _best_trials(study)
    if not trials:
        return []
    metric = metric_of(study.known_task)
    decimals = decimal_places(metric.score(trials[0].loss), 5)
    table = Table(box=None, padding=PADDING, show_edge=False)
    table.add_column(Text(metric.name), justify="right", no_wrap=True)
    table.add_column(Text("folds"), justify="right", no_wrap=True)
    table.add_column(Text("model"), no_wrap=True, overflow="ellipsis")
    for trial in trials:
        score = format_number(metric.score(trial.loss), decimals)
        folds = f"{_n_folds_done(study, trial)}/{len(study.plan.splits)}"
        table.add_row(
            Text(score),
            Text(folds),
            Text(model_name(trial)),
            style="" if study.is_complete(trial) else "dim",
        )
    return [table]


def _best_trials(study: Study) -> list[Trial]:
    """Return the trials with the least loss on their folds so far, without those that are out."""
    if study.task is None:
        return []
    candidates = (
        trial
        for trial in study.trials.values()
        if trial.losses and trial.decided not in ("dropped", "failed")
    )
    return heapq.nsmallest(MAX_MODELS_SHOWN, candidates, key=_loss_and_id)


def _loss_and_id(trial: Trial) -> tuple[float, str]:
    return trial.loss, trial.id


def _n_folds_done(study: Study, trial: Trial) -> int:
    return sum(1 for split in study.plan.splits if split in trial.losses)


def _finding_grid(event: FindingRecorded) -> RenderableType:
    """Draw a finding: wrapped lines are indented, and a warning is red."""
    from rich.table import Table
    from rich.text import Text

    label = "warning" if is_warning(event) else "found"
    style = "red" if is_warning(event) else ""
    grid = Table.grid(padding=PADDING)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    text = finding_text(event)
    grid.add_row(Text(label, style=style), Text(text, style=style))
    return grid
