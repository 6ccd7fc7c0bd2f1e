"""Carry out a run for the command line: worker server, display, signals, and the final output."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from automl.cli.request import RunRequest, check_inputs, make_settings, read_problem
from automl.errors import AutoMLError
from automl.files import disk_errno
from automl.run_files import FACTS

if TYPE_CHECKING:
    from automl.executor.fork_server import ForkServer
    from automl.lab.lab import Lab
    from automl.run import Callbacks, Settings
    from automl.run.settings import Result
    from automl.track.follow import Followers

ENDING_MESSAGE = (
    "ending: the best so far is being saved. Ctrl-C once more stops at once, without that."
)


class Stopped(KeyboardInterrupt):
    """Raised when the user stops the command at once; its text says how the run can continue."""


def execute(request: RunRequest, command: Literal["fit", "resume"]) -> None:
    """Start a run, or continue one, and print its result."""
    check_inputs(request)
    # The server loads its libraries while this process loads its own.
    with Signals() as signals, server_for(request.engine) as server, _explain_disk_errors():
        from automl.budget import process_start_time

        started = process_start_time()
        settings = make_settings(request, started)
        try:
            _execute(request, settings, command, server, signals)
        finally:
            if request.output is None:
                _remove_if_empty(settings.output)


def _remove_if_empty(folder: Path) -> None:
    """Remove the folder that was made for a run and its parent, unless they hold something."""
    for empty in (folder, folder.parent):
        try:
            empty.rmdir()
        except OSError:
            return


@contextmanager
def _explain_disk_errors() -> Iterator[None]:
    """Turn a full disk or a vanished folder into one line that says how to continue the run."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        number = disk_errno(error)
        reason = os.strerror(number) if number else error.strerror or error
        raise AutoMLError(
            f"{error.filename or 'the disk'}: {reason}. "
            "The run recorded until then is kept; once there is room, "
            "`automl resume RUN` goes on with it."
        ) from error


@contextmanager
def server_for(engine: str) -> Iterator[ForkServer | None]:
    """Start a worker server if workers are processes; yield None otherwise."""
    from automl.executor.engines import LOCAL, engine_of

    if engine_of(engine) is not LOCAL:
        yield None
        return
    from automl.executor.fork_server import ForkServer

    server = ForkServer()
    try:
        yield server
    finally:
        server.close()


def _execute(
    request: RunRequest,
    settings: Settings,
    command: str,
    server: ForkServer | None,
    signals: Signals,
) -> None:
    from automl import run
    from automl.budget import short_budget_warning
    from automl.cli import display
    from automl.cli.overtime import Overtime
    from automl.executor.engines import ignored_options
    from automl.report import Reporter

    started = settings.started
    options = {"--jobs": request.jobs, "--memory": request.memory}
    given = [name for name, value in options.items() if value is not None]
    for warning in (
        short_budget_warning(settings.seconds),
        ignored_options(settings.used_engine, given),
    ):
        if warning:
            typer.echo(f"automl: {warning}", err=True)
    shown = display.choose(
        settings.seconds, settings.trials, started, quiet=request.quiet, verbose=request.verbose
    )
    followers = _followers(request, settings)
    overtime = Overtime(settings)
    with shown, _explain_stop(settings.output), overtime:
        signals.say = shown.say or signals.say
        start = run.fit if command == "fit" else run.resume
        callbacks = run.Callbacks(
            observers=[overtime, *shown.observers, *([followers] if followers else [])],
            at_end=[Reporter(settings.budget)],
            on_lab=signals.watch,
            modules=Reporter.NEEDED,
        )
        result = start(lambda budget: read_problem(request, budget), settings, callbacks, server)
    _print_result(result, settings, followers)


def _print_result(result: Result, settings: Settings, followers: Followers | None) -> None:
    """Print the summary of a run and its warnings; exit with 3 if it is not as asked."""
    from automl.cli.overtime import NO_MODEL
    from automl.cli.summary import run_summary
    from automl.leaderboard import missed_price_text, no_model_text
    from automl.report.summary import test_score_warning

    no_model = "" if settings.trials == 1 else no_model_text(result.study)
    if no_model:
        typer.echo(f"automl: {no_model}", err=True)
    if followers and (log := followers.failure_log):
        typer.echo(f"automl: a tracker failed: {log} says why.", err=True)
    elapsed = time.monotonic() - settings.started
    typer.echo(run_summary(result.study, result.folder, result.sha256, elapsed, settings.seconds))
    if warning := test_score_warning(result.study):
        warn(warning)
    missed_price = missed_price_text(result.study)
    if missed_price:
        warn(missed_price)
    if no_model or missed_price:
        raise typer.Exit(NO_MODEL)


@contextmanager
def _explain_stop(folder: Path) -> Iterator[None]:
    """Say how to continue a run that is stopped at once."""
    try:
        yield
    except KeyboardInterrupt:
        if not (folder / FACTS).exists():
            raise Stopped("stopped; nothing had been tried yet") from None
        resume = f"automl resume {shlex.quote(str(folder))}"
        raise Stopped(f"stopped at once. To go on with the run: {resume}") from None


def warn(text: str) -> None:
    """Print a warning on standard error, in red on a terminal unless NO_COLOR is set."""
    red = None if os.environ.get("NO_COLOR") else typer.colors.RED
    typer.secho(f"automl: warning: {text}", fg=red, err=True)


@contextmanager
def session(
    request: RunRequest, is_timed: bool = True
) -> Iterator[tuple[Settings, Callbacks, ForkServer | None]]:
    """Prepare training on the folds of an existing run; a signal ends it.

    Parameters
    ----------
    request : RunRequest
    is_timed : bool
        Whether the request's budget limits the training.

    Yields
    ------
    tuple of (Settings, Callbacks, ForkServer or None)
        The arguments of the functions of `automl.run`.
    """
    from automl.budget import process_start_time
    from automl.cli import display
    from automl.run import Callbacks

    check_inputs(request)
    with Signals() as signals, server_for(request.engine) as server:
        started = process_start_time()
        settings = make_settings(request, started)
        if not is_timed:
            settings = replace(settings, seconds=None)
        shown = display.choose(
            settings.seconds, None, started, quiet=request.quiet, verbose=request.verbose
        )
        with shown:
            yield settings, Callbacks(shown.observers, (), signals.watch), server


def _followers(request: RunRequest, settings: Settings) -> Followers | None:
    """Start the trackers that the request names, if any."""
    if not request.track:
        return None
    from automl.track.follow import Followers

    return Followers.from_option(request.track, settings.output)


class Signals:
    """Handle Ctrl-C and SIGTERM.

    The first one ends the search, and the best so far is saved; the second stops at once.

    Attributes
    ----------
    say : callable
        Prints the message about the first one.
    """

    def __init__(self) -> None:
        self.say: Callable[[str], None] = _write_now
        self._lab: Lab | None = None
        self._previous: dict[int, Any] = {}

    def watch(self, lab: Lab) -> None:
        """Make the first signal halt this lab."""
        self._lab = lab

    def __enter__(self) -> Signals:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame: Any) -> None:
        if self._lab is None or self._lab.halted():
            raise KeyboardInterrupt
        self._lab.halt()
        self.say(f"automl: {ENDING_MESSAGE}")

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def _write_now(text: str) -> None:
    """Write a line to standard error without a buffer.

    A signal handler may have interrupted another write to the same stream.
    """
    with suppress(OSError):
        os.write(2, f"{text}\n".encode())
