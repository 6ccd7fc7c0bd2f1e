"""What others add: families, stages, metrics and trackers, given in this process or registered by an installed package.

A package registers with entry points, in its pyproject.toml:

    [project.entry-points."automl.families"]
    centroid = "my_package.centroid:Centroid"

Files and messages hold names alone. What was given in this process and a worker needs goes to it as a pickle beside the run's
own data; nothing else is ever read from one.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Container, Iterable
from functools import cache
from pathlib import Path
from typing import Any, Literal

from automl.errors import InputError, one_line

Kind = Literal["families", "stages", "metrics", "trackers"]

_GIVEN: dict[tuple[Kind, str], Any] = {}


def give(kind: Kind, name: str, thing: Any) -> None:
    """Make something known under a name for as long as this process lives; the last one of a name counts."""
    _GIVEN[kind, name] = thing


def find(kind: Kind, name: str) -> Any:
    """What was given under a name in this process, else what an installed package registers; None if nothing is.

    Raises
    ------
    InputError
        A package registers it, and it can't be loaded.
    """
    if (kind, name) in _GIVEN:
        return _GIVEN[kind, name]
    entry = _entries(kind).get(name)
    return None if entry is None else _loaded(kind, entry)


def installed(kind: Kind, ours: Container[str]) -> tuple[str, ...]:
    """The names that installed packages register, sorted; those that are names of ours stay ours."""
    return tuple(sorted(name for name in _entries(kind) if name not in ours))


def known(kind: Kind, ours: Container[str]) -> tuple[str, ...]:
    """All names but ours: those given in this process, and those that installed packages register."""
    given = [name for of, name in _GIVEN if of == kind]
    return tuple(dict.fromkeys([*given, *installed(kind, ours)]))


def keep(wanted: Iterable[tuple[Kind, str]], file: Path) -> None:
    """Write those of the wanted things that were given in this process, for the workers of a run; no file if none was.

    Raises
    ------
    InputError
        One of them can't be pickled.
    """
    import cloudpickle

    things = {}
    for kind, name in wanted:
        if (kind, name) in _GIVEN:
            things[kind, name] = _GIVEN[kind, name]
            try:
                cloudpickle.dumps(things[kind, name])
            except Exception as error:
                raise InputError(f"{kind}: {name!r} can't be handed to the workers, who are processes: {one_line(error)}.") from error
    if things:
        file.write_bytes(cloudpickle.dumps(things))


def take(file: Path) -> None:
    """Know what `keep` wrote: only ever a file of the worker's own run."""
    import cloudpickle

    if file.exists():
        _GIVEN.update(cloudpickle.loads(file.read_bytes()))


@cache
def _entries(kind: Kind) -> dict[str, importlib.metadata.EntryPoint]:
    return {entry.name: entry for entry in importlib.metadata.entry_points(group=f"automl.{kind}")}


@cache
def _loaded(kind: Kind, entry: importlib.metadata.EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # whatever a stranger's module does when it is imported
        package = entry.dist.name if entry.dist else "a package"
        where = f"{package} registers {entry.name!r} in automl.{kind} as {entry.value!r}"
        raise InputError(f"{where}, and that can't be loaded: {one_line(error)}. Mend it, or uninstall {package}.") from error
