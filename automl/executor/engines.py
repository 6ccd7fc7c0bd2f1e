"""The table of engines: where a run may do its work. Imports nothing heavy."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from automl.errors import InputError, suggestion

if TYPE_CHECKING:
    from automl.executor._base import Executor
    from automl.executor.fork_server import ForkServer


@dataclass(frozen=True)
class EngineSettings:
    """Resources that an engine may use.

    Parameters
    ----------
    work : Path
        The run's `work/` folder.
    cores : int
    memory : int or None
        Bytes.
    server : ForkServer or None
        A worker server that is loading already.
    """

    work: Path
    cores: int
    memory: int | None = None
    server: ForkServer | None = None


@dataclass(frozen=True)
class Engine:
    """Where work is done.

    Parameters
    ----------
    name : str
    about : str
        One line for people.
    open : callable
        Start it.
    ignores : tuple of str
        Options of the command line that it can't honour.
    """

    name: str
    about: str
    open: Callable[[EngineSettings], Executor]
    ignores: tuple[str, ...] = ()


def _open_local(settings: EngineSettings) -> Executor:
    from automl.executor.processes import ProcessExecutor

    return ProcessExecutor(settings.work, settings.cores, settings.memory, settings.server)


def _open_inline(settings: EngineSettings) -> Executor:
    from automl.executor.inline import InlineExecutor

    return InlineExecutor(settings.work)


LOCAL = Engine("local", "worker processes on this machine", _open_local)
INLINE = Engine(
    "inline",
    "this process alone, one fit after the other",
    _open_inline,
    ("--jobs", "--memory"),
)
ENGINES: Mapping[str, Engine] = {engine.name: engine for engine in (LOCAL, INLINE)}


def list_engines() -> str:
    """Return all engines with what they are, for people."""
    return "; ".join(f"{engine.name} ({engine.about})" for engine in ENGINES.values())


def ignored_options(engine: Engine, options: Iterable[str]) -> str:
    """Return a line about options that a user gave and an engine ignores; empty if none."""
    ignored = [option for option in options if option in engine.ignores]
    if not ignored:
        return ""
    return f"the engine {engine.name!r} ignores {' and '.join(ignored)}: it is {engine.about}"


def engine_of(name: str | Engine) -> Engine:
    """Return the engine that a run really uses: processes are forked on Linux alone.

    Raises
    ------
    InputError
        There is no engine of this name.
    """
    if isinstance(name, Engine):
        return name
    if name not in ENGINES:
        hint = suggestion(name, ENGINES)
        known = " or ".join(ENGINES)
        raise InputError(f"--engine {name!r}: must be {known}.{hint}")
    if name == LOCAL.name and not sys.platform.startswith("linux"):
        return INLINE
    return ENGINES[name]
