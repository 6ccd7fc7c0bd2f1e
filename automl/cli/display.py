"""What the terminal shows of a run while it goes on: nothing, lines, or a few lines drawn anew; always on standard error."""

from __future__ import annotations

import heapq
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from automl.cli.summary import final_words, leaderboard_text, red
from automl.formatting import counted, duration, listed, number, places, visible
from automl.metrics import metric_of
from automl.report.summary import tested_text
from automl.trial import Event, Study, Trial

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

__all__ = ["Bounds", "Live", "Plain", "Quiet", "choose", "final_words", "leaderboard_text"]

REFRESH = 4  # times a second
SHOWN = 5  # models while a run goes on
NARROW = 40  # characters of a model's name
HANDING_ON = (
    "clean",
    "extract",
)  # stages that get their line when they end, with what they hand on
LONGEST_FINDING = 2000  # characters


@dataclass(frozen=True)
class Bounds:
    """What a run may use: seconds from `started`, a reading of the clock, or a number of candidates."""

    seconds: float | None
    trials: int | None
    started: float
    clock: Callable[[], float] = field(default=time.monotonic)

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self.started

    def told(self, study: Study) -> tuple[str, float, float]:
        """What is left in words, what is used, and what there is."""
        elapsed = self.elapsed()
        if self.trials is not None:
            decided = sum(1 for trial in study.trials.values() if trial.decided)
            return f"{decided} of {self.trials} candidates, {_clock(elapsed)}", decided, self.trials
        if self.seconds is None:
            return _clock(elapsed), 0.0, 1.0
        total = self.seconds
        return f"{_clock(total - elapsed)} left of {_clock(total)}", elapsed, total


class Quiet:
    """A display that shows nothing: opened before a run, closed after it.

    Attributes
    ----------
    say : callable or None
        Shows a line beside what is drawn; None where nothing is drawn.
    """

    say: Callable[[str], None] | None = None

    @property
    def observers(self) -> list[Callable[[Study, Event], None]]:
        """What a run is to call with each event."""
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
    """A line for each stage, complete trial and failure, for logs and pipes.

    Parameters
    ----------
    bounds : Bounds
    stream : TextIO, optional
        Standard error unless it is given.
    verbose : bool
        A line for every event.
    """

    def __init__(self, bounds: Bounds, stream: TextIO | None = None, verbose: bool = False) -> None:
        self._bounds = bounds
        self._stream = stream or sys.stderr
        self._verbose = verbose
        self._best = float("inf")

    @property
    def observers(self) -> list[Callable[[Study, Event], None]]:
        """Itself."""
        return [self]

    def __call__(self, study: Study, event: Event) -> None:
        """Print what an event tells, if that is worth a line."""
        text = self._all(study, event) if self._verbose else self._line(study, event)
        if text.strip():
            line = f"{self._bounds.elapsed():7.1f} s  {text}"
            print(
                red(line) if _is_warning(event) and self._stream.isatty() else line,
                file=self._stream,
                flush=True,
            )

    def _all(self, study: Study, event: Event) -> str:
        from automl.run.recorder import words

        return "\n".join(visible(line, 1000) for line in words(study, event).split("\n"))

    def _line(self, study: Study, event: Event) -> str:
        if event["kind"] == "finding":
            kind = "warning" if _is_warning(event) else "found"
            return f"{kind:<9} {_finding(event)}"
        if event["kind"] == "stage":
            if event["stage"] in HANDING_ON and not event.keys() & {"task", "recipes"}:
                return ""
            return f"{visible(event['stage'], NARROW):<9} {_stage(study, event)}".rstrip()
        if event["kind"] == "trial" and event["decided"] != "dropped":
            return self._trial(study, study.trials[event["id"]])
        if event["kind"] == "weights":
            return f"{'ensemble':<9} {counted(len(event['weights']), 'model')}  {_score(study, study.verdict.get('loss'))}".rstrip()
        if event["kind"] == "test":
            return f"{'test':<9} {tested_text(study)}"
        return (
            f"interrupted: ending with {_so_far(study)}"
            if event["kind"] == "finished" and event["how"] == "interrupted"
            else ""
        )

    def _trial(self, study: Study, trial: Trial) -> str:
        stage = f"{visible(trial.candidate.origin, NARROW):<9} {_model(trial)}"
        if trial.decided == "failed":
            return f"{stage}  failed: {visible(trial.reason)}"
        best = " (best)" if trial.loss < self._best else ""
        self._best = min(self._best, trial.loss)
        return f"{stage}  {_score(study, trial.loss)}{best}"


class Live(Quiet):
    """A few lines at the bottom of a terminal, drawn anew by a thread of their own.

    Called with an event it only keeps the study, so a run never waits for the terminal.

    Parameters
    ----------
    bounds : Bounds
    stream : TextIO, optional
        Standard error unless it is given.
    """

    def __init__(self, bounds: Bounds, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.live import Live as Region

        self._bounds = bounds
        self._study = Study()
        self._counts = {"done": 0, "failed": 0}
        console = Console(file=stream or sys.stderr, highlight=False, markup=False, emoji=False)
        self.say = console.print
        self._region = Region(
            get_renderable=self.render,
            console=console,
            refresh_per_second=REFRESH,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=stream is None,
        )

    @property
    def observers(self) -> list[Callable[[Study, Event], None]]:
        """Itself."""
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
        """Keep what is to be drawn next."""
        self._study = study
        if event["kind"] == "finding":
            self._region.console.print(_shown(event))
        if event["kind"] == "fit" and event["outcome"]["status"] != "cut":
            self._counts["done" if event["outcome"]["status"] == "done" else "failed"] += 1

    def render(self) -> RenderableType:
        """What there is to see now."""
        from rich.console import Group
        from rich.text import Text

        study = self._study
        lines: list[RenderableType] = [
            self._progress(study),
            Text(self._told(study), style="dim", overflow="ellipsis", no_wrap=True),
        ]
        return Group(*lines, *_models(study))

    def _progress(self, study: Study) -> RenderableType:
        """The stage, what is left of the budget, and both as a bar."""
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        text, done, total = self._bounds.told(study)
        grid = Table.grid(padding=(0, 2), expand=True)
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True)
        grid.add_column(ratio=1)
        stage = "ending" if study.finished else visible(study.stage or "reading", NARROW)
        grid.add_row(
            Text(stage, style="bold cyan"),
            Text(text),
            ProgressBar(total=total, completed=min(done, total)),
        )
        return grid

    def _told(self, study: Study) -> str:
        families = [visible(job.candidate.family, NARROW) for job in list(study.running.values())]
        running = f", {len(families)} running ({listed(families, 4)})" if families else ""
        failed = f", {self._counts['failed']} failed" if self._counts["failed"] else ""
        found = f" · {counted(len(study.findings), 'finding')}" if study.findings else ""
        return f"{counted(self._counts['done'], 'fit')} done{failed}{running} · {counted(len(study.trials), 'candidate')}{found}"


def choose(
    seconds: float | None,
    trials: int | None,
    started: float,
    quiet: bool = False,
    verbose: bool = False,
    stream: TextIO | None = None,
) -> Quiet:
    """The display that fits: none if quiet, live on a terminal, lines elsewhere or if verbose.

    Parameters
    ----------
    seconds, trials : float or None, int or None
        The run's budget.
    started : float
        The run's start, as a reading of `time.monotonic`.
    stream : TextIO, optional
        Standard error unless it is given.
    """
    bounds = Bounds(seconds, trials, started)
    if quiet:
        return Quiet()
    if verbose or not (stream or sys.stderr).isatty():
        return Plain(bounds, stream, verbose)
    return Live(bounds, stream)


def _models(study: Study) -> list[Table]:
    """The best models so far as a table; nothing before there is one."""
    from rich.table import Table
    from rich.text import Text

    best = _leaders(study)
    if not best:
        return []
    metric = metric_of(study.the_task)
    decimals = places(metric.score(best[0].loss), 5)
    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    table.add_column(Text(metric.name), justify="right", no_wrap=True)
    table.add_column(Text("folds"), justify="right", no_wrap=True)
    table.add_column(Text("model"), no_wrap=True, overflow="ellipsis")
    for trial in best:
        style = "" if study.complete(trial) else "dim"
        score = number(metric.score(trial.loss), decimals)
        table.add_row(
            Text(score),
            Text(f"{_seen(study, trial)}/{len(study.plan.splits)}"),
            Text(_model(trial)),
            style=style,
        )
    return [table]


def _leaders(study: Study) -> list[Trial]:
    """The best trials by the folds seen so far, without those that are out."""
    if study.task is None:
        return []
    still = (
        trial
        for trial in study.trials.values()
        if trial.losses and trial.decided not in ("dropped", "failed")
    )
    return heapq.nsmallest(SHOWN, still, key=lambda trial: (trial.loss, trial.id))


def _seen(study: Study, trial: Trial) -> int:
    return sum(1 for place in study.plan.splits if place in trial.losses)


def _finding(event: Event) -> str:
    """A finding in a line. The option that changes it stands at its end, so it isn't cut."""
    from automl.cleaning import Finding

    return visible(Finding.from_json(event["finding"]).text(), LONGEST_FINDING)


def _is_warning(event: Event) -> bool:
    """Whether an event is a finding that people should act on."""
    return event["kind"] == "finding" and bool(event["finding"]["severity"] == "warning")


def _shown(event: Event) -> RenderableType:
    """A finding on a terminal: wrapped under its beginning, a warning in red."""
    from rich.table import Table
    from rich.text import Text

    is_warning = _is_warning(event)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    style = "red" if is_warning else ""
    grid.add_row(
        Text("warning" if is_warning else "found", style=style), Text(_finding(event), style=style)
    )
    return grid


def _stage(study: Study, event: Event) -> str:
    """What a stage hands on."""
    if "task" in event and study.task is not None:
        task, size, plan = study.task, study.size, study.plan
        held = (
            "a holdout"
            if plan.kind == "holdout"
            else counted(plan.folds, "fold") + (f" x {plan.repeats}" if plan.repeats > 1 else "")
        )
        table = f"{counted(size.rows, 'row')}, {counted(size.columns, 'column')}"
        return f"{table}; {task.kind} {visible(task.target, 60)} by {task.metric}; {held}; {counted(len(study.findings), 'finding')}"
    return listed((recipe["name"] for recipe in event["recipes"]), 8) if "recipes" in event else ""


def _model(trial: Trial) -> str:
    return (
        f"{visible(trial.candidate.family, NARROW)} {visible(trial.candidate.recipe.name, NARROW)}"
    )


def _score(study: Study, loss: float | None) -> str:
    if loss is None or study.task is None:
        return ""
    score = metric_of(study.task).score(loss)
    return f"{study.task.metric} {number(score, places(score))}"


def _so_far(study: Study) -> str:
    return (
        f"the best of {counted(len(study.ranked), 'complete model')}"
        if study.ranked
        else "the constant baseline"
    )


def _clock(seconds: float) -> str:
    """Whole seconds: what flickers can't be read."""
    return duration(round(max(0.0, seconds))).replace(".00 s", " s").replace(".0 s", " s")
