"""The command line: arguments in, exit codes out.

Each command calls one function. The module of a command is imported when the command is called, and
heavy imports stand inside the commands.

Exit codes: 0 done; 3 done, but no model was completed, so the constant model predicts, or no
predictor keeps to the price; 2 wrong use or unreadable input; 1 anything else; 130 stopped by the
user.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

import typer

from automl.cli.streams import decode_arguments, restart_in_utf8_mode, set_output_encodings
from automl.errors import AutoMLError, InputError
from automl.files import ENCODING_ERRORS

# Imports make many objects and no garbage; with Python's default thresholds, looking for garbage
# takes a fifth of their time.
GC_THRESHOLDS = (50_000, 20, 100)
STDERR_NUMBER = 2
# click's class for wrong options and arguments, wherever typer keeps it.
UsageError: type[Exception] = typer.BadParameter.__mro__[1]

# In the order of the help.
COMMANDS_BY_MODULE = {
    "fitting": ("fit", "run"),
    "resuming": ("resume", "reproduce"),
    "predicting": ("predict", "leaderboard", "report"),
    "teaching": ("insight",),
    "manual": ("try", "sweep"),
    "tracking": ("runs", "compare", "export"),
    "listing": ("stages", "families", "metrics", "pipelines"),
}


def __getattr__(name: str) -> Any:
    """Return `app`, the program with all commands."""
    if name != "app":
        raise AttributeError(f"module 'automl.cli' has no attribute {name!r}")
    return make_app(tuple(COMMANDS_BY_MODULE))


@functools.cache
def make_app(modules: tuple[str, ...]) -> typer.Typer:
    """Return the program with the commands of some modules."""
    app = typer.Typer(
        name="automl",
        help="A raw table becomes a tuned, saved predictor and a leaderboard, "
        "within a time budget.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(_root)
    for module_name in modules:
        module = importlib.import_module(f"automl.cli.{module_name}")
        for name, command in module.COMMANDS.items():
            app.command(name)(_with_clean_exits(command))
    return app


def modules_for(arguments: Sequence[str]) -> tuple[str, ...]:
    """Return the modules that a call needs: that of its command, or all for help and mistakes.

    >>> modules_for(["predict", "runs/one", "new.csv"])
    ('predicting',)
    >>> len(modules_for(["--help"])), len(modules_for(["predcit"]))
    (7, 7)
    """
    for name, commands in COMMANDS_BY_MODULE.items():
        if arguments and arguments[0] in commands:
            return (name,)
    return tuple(COMMANDS_BY_MODULE)


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


class _OutputClosed(Exception):
    """Raised when the program that reads our output has closed the pipe."""


class _Stopped(Exception):
    """Raised when the user stops the command; its text says how the run ends.

    typer would end without a message.
    """


def _with_clean_exits(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command so that a closed pipe is not an error and Ctrl-C prints a message."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        try:
            command(*args, **options)
            sys.stdout.flush()
        except BrokenPipeError:
            raise _OutputClosed from None
        except KeyboardInterrupt as stop:
            raise _Stopped(str(stop) or "stopped") from None

    return run


def main() -> None:
    """Run the command line and exit."""
    gc.set_threshold(*GC_THRESHOLDS)
    # Idle threads of OpenBLAS spin: where cores are busy, a matrix product took ten times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    _open_closed_streams()
    restart_in_utf8_mode()
    set_output_encodings()
    decode_arguments()
    code = _run()
    gc.freeze()  # the process ends: a last collection would be wasted
    sys.exit(code)


def _open_closed_streams() -> None:
    """Open the null device where standard input, output or error is closed, as by `>&-`.

    Otherwise Python has no stream there, and the first files that a run opens would take their
    numbers.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= STDERR_NUMBER:
        os.set_inheritable(number, True)
    os.close(number)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def _run() -> int:
    """Run the command and return its exit code; any error becomes one line on stderr."""
    try:
        app = make_app(modules_for(sys.argv[1:]))
        code = app(standalone_mode=False)
    except UsageError as error:
        message = _with_full_stop(_one_line(_usage_message(error)))
        return _report(f"automl: {message} Try `{_command_path(error)} --help`.", 2)
    except InputError as error:
        return _report(f"automl: {_one_line(str(error))}", 2)
    except AutoMLError as error:
        return _report(f"automl: {_one_line(str(error))}", 1)
    except _OutputClosed:
        # Python would complain when it flushes standard output at its end.
        null_device = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null_device, sys.stdout.fileno())
        return 0
    except OSError as error:
        return _report(f"automl: {error.filename or 'output'}: {error.strerror or error}", 1)
    except _Stopped as stop:
        return _report(f"automl: {stop}", 130)
    except (KeyboardInterrupt, typer.Abort):
        return _report("automl: stopped", 130)
    return code if isinstance(code, int) else 0


def _usage_message(error: Exception) -> str:
    """Return typer's own description of a wrong call."""
    message = getattr(error, "format_message", error.__str__)
    return str(message())


def _command_path(error: Exception) -> str:
    """Return the command that was called wrongly, such as `automl fit`."""
    context = getattr(error, "ctx", None)
    return str(context.command_path) if context is not None else "automl"


def _report(text: str, code: int) -> int:
    """Print a line on stderr and return the exit code."""
    print(text, file=sys.stderr)
    return code


def _with_full_stop(text: str) -> str:
    """Add a full stop unless the sentence already ends."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _one_line(text: str) -> str:
    """Remove line breaks and control characters from a message."""
    encodable = text.encode("utf-8", ENCODING_ERRORS).decode("utf-8")
    shown = "".join(c if c.isprintable() or c.isspace() else "?" for c in encodable)
    return " ".join(shown.split())
