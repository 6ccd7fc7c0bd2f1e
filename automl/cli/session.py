"""Lead a run from the command line: the worker server, the display, signals, and the last words."""

from __future__ import annotations

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from automl.cli.request import RunRequest, check_inputs, problem, settings
from automl.errors import AutoMLError
from automl.files import disk_trouble

if TYPE_CHECKING:
    from automl.executor.fork_server import ForkServer
    from automl.lab.lab import Lab
    from automl.run import Callbacks, Settings
    from automl.track.follow import Followers


def execute(request: RunRequest, how: Literal["fit", "resume"]) -> None:
    """Make a run, or, with "resume", go on with one, and say what came of it."""
    check_inputs(request)
    with (
        Signals() as signals,
        server_for(request.engine) as server,
        _disk_trouble(),
    ):  # it loads its libraries while we load ours
        from automl.budget import process_started

        started = process_started()
        asked = settings(request, started)
        try:
            _execute(request, asked, how, server, signals)
        finally:
            if request.output is None:
                _leave_nothing_empty(asked.output)


def _leave_nothing_empty(folder: Path) -> None:
    """Remove the folder that was made for a run, and the one around it, unless something lies there."""
    for made in (folder, folder.parent):
        try:
            made.rmdir()
        except OSError:
            return


@contextmanager
def _disk_trouble() -> Iterator[None]:
    """A disk that can't be written, or a folder that vanished, as one line that says what became of the run."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        number = disk_trouble(error)
        what = f"{error.filename or 'the disk'}: {os.strerror(number) if number else error.strerror or error}"
        raise AutoMLError(
            f"{what}. What was recorded by then is kept where it lies; once there is room, `automl resume RUN` goes on with it."
        ) from error


@contextmanager
def server_for(engine: str) -> Iterator[ForkServer | None]:
    """A worker server, where workers are processes."""
    if engine != "local" or not sys.platform.startswith("linux"):
        yield None
        return
    from automl.executor.fork_server import ForkServer

    server = ForkServer()
    try:
        yield server
    finally:
        server.close()


def _execute(
    request: RunRequest, asked: Settings, how: str, server: ForkServer | None, signals: Signals
) -> None:
    from automl import run
    from automl.budget import too_short
    from automl.cli import display
    from automl.cli.overtime import NO_MODEL, Overtime
    from automl.leaderboard import nothing_judged
    from automl.report import Reporter
    from automl.report.summary import contradiction

    started = asked.started
    if warning := too_short(asked.seconds):
        typer.echo(f"automl: {warning}", err=True)
    shown = display.choose(
        asked.seconds, asked.trials, started, quiet=request.quiet, verbose=request.verbose
    )
    followers = _followers(request, asked)
    overtime = Overtime(asked)
    with shown, _stopping(asked.output), overtime:
        signals.say = shown.say or signals.say
        make = run.fit if how == "fit" else run.resume
        callbacks = run.Callbacks(
            observers=[overtime, *shown.observers, *([followers] if followers else [])],
            finishers=[Reporter(asked.budget)],
            on_lab=signals.take,
            needed=Reporter.NEEDED,
        )
        result = make(lambda budget: problem(request, budget), asked, callbacks, server)
    lacking = "" if asked.trials == 1 else nothing_judged(result.study)
    if lacking:
        typer.echo(f"automl: {lacking}", err=True)
    if followers and (log := followers.failed):
        typer.echo(f"automl: a tracker failed: {log} says why.", err=True)
    typer.echo(
        display.final_words(
            result.study, result.folder, result.sha256, time.monotonic() - started, asked.seconds
        )
    )
    if words := contradiction(result.study):
        warn(words)
    if lacking:
        raise typer.Exit(NO_MODEL)


@contextmanager
def _stopping(folder: Path) -> Iterator[None]:
    """A run that is stopped at once says how to go on with it."""
    try:
        yield
    except KeyboardInterrupt:
        if not (folder / "run.toml").exists():
            raise Stopped("stopped; nothing had been tried yet") from None
        raise Stopped(
            f"stopped at once. To go on with the run: automl resume {shlex.quote(str(folder))}"
        ) from None


def warn(text: str) -> None:
    """A warning on standard error, in red where that is a terminal that wants colours."""
    red = None if os.environ.get("NO_COLOR") else typer.colors.RED
    typer.secho(f"automl: warning: {text}", fg=red, err=True)


@contextmanager
def session(
    request: RunRequest, is_timed: bool = True
) -> Iterator[tuple[Settings, Callbacks, ForkServer | None]]:
    """What it takes to train on the folds of a run that is there: settings, whom to tell, and a worker server; a signal ends it.

    Parameters
    ----------
    is_timed : bool
        Whether the wish's budget counts; without it, it takes as long as it takes.
    """
    from automl.budget import process_started
    from automl.cli import display
    from automl.run import Callbacks

    check_inputs(request)
    with Signals() as signals, server_for(request.engine) as server:
        started = process_started()
        asked = settings(request, started)
        asked = asked if is_timed else replace(asked, seconds=None)
        with display.choose(
            asked.seconds, None, started, quiet=request.quiet, verbose=request.verbose
        ) as shown:
            yield asked, Callbacks(shown.observers, (), signals.take), server


def _followers(request: RunRequest, asked: Settings) -> Followers | None:
    """Who follows the run, if anybody is to."""
    if not request.track:
        return None
    from automl.track.follow import Followers

    return Followers.asked_for(request.track, asked.output)


class Stopped(KeyboardInterrupt):
    """The user has stopped the command at once; the text says what becomes of the run."""


ENDING = (
    "ending: what was found so far is being saved. Ctrl-C once more stops at once, without that."
)


class Signals:
    """Ctrl-C and SIGTERM: the first ends the search and the best so far is saved; the second stops at once.

    Attributes
    ----------
    say : callable
        Tells what the first one does.
    """

    def __init__(self) -> None:
        self.say: Callable[[str], None] = _write
        self._lab: Lab | None = None
        self._before: dict[int, Any] = {}

    def take(self, lab: Lab) -> None:
        """From now on the first signal halts this lab."""
        self._lab = lab

    def __enter__(self) -> Signals:
        self._before = {
            number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)
        }
        return self

    def _heard(self, number: int, frame: Any) -> None:
        if self._lab is None or self._lab.halted():
            raise KeyboardInterrupt
        self._lab.halt()
        self.say(f"automl: {ENDING}")

    def __exit__(self, *error: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def _write(text: str) -> None:
    """A line on standard error, written at once: a handler of signals may have interrupted whatever writes there, too."""
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())
