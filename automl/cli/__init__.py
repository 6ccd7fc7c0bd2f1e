"""The command line: arguments in, exit codes out. Each command calls one function; heavy imports stand inside commands.

Exit codes: 0 done; 3 done, but no model was completed, so the constant answers; 2 wrong use or unreadable input; 1 anything else;
130 stopped by the user.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
from collections.abc import Callable
from typing import Any

import typer

from automl.cli import fitting, listing, manual, predicting, resuming, teaching, tracking
from automl.cli.streams import settle_arguments, settle_streams, speak_utf8
from automl.errors import AutoMLError, InputError
from automl.files import ESCAPE

COLLECTING = (
    50_000,
    20,
    100,
)  # `gc` thresholds: imports make many objects and no garbage; looking for it takes a fifth of their time
LAST_STREAM = 2  # the number of standard error
UsageError: type[Exception] = typer.BadParameter.__mro__[
    1
]  # click's, wherever typer keeps it: wrong options and arguments

app = typer.Typer(
    name="automl",
    help="A raw table becomes a tuned, saved predictor and a leaderboard, within a time budget.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Show the version and exit."),
) -> None:
    if version:
        import importlib.metadata

        typer.echo(f"automl {importlib.metadata.version('automl-tabular')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


class _Enough(Exception):
    """The reader of our output has seen enough."""


class _Stopped(Exception):
    """The user stopped the command; the text says what becomes of its run. typer would end without a word."""


def _piped(command: Callable[..., None]) -> Callable[..., None]:
    """A command that ends well when its reader does, and with a word when it is stopped."""

    @functools.wraps(command)
    def run(*args: Any, **words: Any) -> None:
        try:
            command(*args, **words)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _Enough from None
        except KeyboardInterrupt as stop:
            raise _Stopped(str(stop) or "stopped") from None

    return run


TOGETHER = (fitting, resuming, predicting, teaching, manual, tracking, listing)
for commands in (part.COMMANDS for part in TOGETHER):
    for name, command in commands.items():
        app.command(name)(_piped(command))


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(*COLLECTING)
    os.environ.setdefault(
        "OPENBLAS_NUM_THREADS", "1"
    )  # idle threads spin: where cores are busy, a product took ten times as long
    _open_closed_streams()
    speak_utf8()
    settle_streams()
    settle_arguments()
    code = _run()
    gc.freeze()  # the process ends: nothing needs to be collected once more
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open the null device where standard input, output or error is closed, as by `>&-`.

    Otherwise Python has no stream there, and the first files that a run opens would take their numbers.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 - it stays open


def _run() -> int:
    """The exit code; whatever goes wrong is one line on stderr."""
    try:
        code = app(standalone_mode=False)
    except UsageError as error:
        return _say(f"automl: {_ended(_one_line(_wording(error)))} Try `{_path(error)} --help`.", 2)
    except InputError as error:
        return _say(f"automl: {_one_line(str(error))}", 2)
    except AutoMLError as error:
        return _say(f"automl: {_one_line(str(error))}", 1)
    except _Enough:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # or Python complains when it flushes at its end
        return 0
    except OSError as error:
        return _say(f"automl: {error.filename or 'output'}: {error.strerror or error}", 1)
    except _Stopped as stop:
        return _say(f"automl: {stop}", 130)
    except (KeyboardInterrupt, typer.Abort):
        return _say("automl: stopped", 130)
    return code if isinstance(code, int) else 0


def _wording(error: Exception) -> str:
    """What typer says of a wrong call, in its own words."""
    wording = getattr(error, "format_message", error.__str__)
    return str(wording())


def _path(error: Exception) -> str:
    """The command that was called wrongly."""
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "automl"


def _say(text: str, code: int) -> int:
    print(text, file=sys.stderr)
    return code


def _ended(text: str) -> str:
    """A sentence with its end."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _one_line(text: str) -> str:
    """A message without line breaks and control characters."""
    known = text.encode("utf-8", ESCAPE).decode("utf-8")
    return " ".join("".join(c if c.isprintable() or c.isspace() else "?" for c in known).split())
