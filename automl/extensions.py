"""What others add: families, stages, metrics and trackers, given to one run or registered by an installed package.

A package registers with entry points, in its pyproject.toml:

    [project.entry-points."automl.families"]
    centroid = "my_package.centroid:Centroid"

Files and messages hold names alone. Families that were given are a value: settings, study, laboratory and predictor carry their
own, so two runs with families of one name never meet. Metrics are known in the whole process, because their names hold a hash of
what they do. What a worker needs of both goes to it as a pickle beside the run's own data; nothing else is ever read from one.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from automl.errors import InputError, one_line

Kind = Literal["families", "stages", "metrics", "trackers"]

_METRICS: dict[str, Any] = {}  # given in this process, by a name that holds a hash of the function


@dataclass(frozen=True)
class Extensions:
    """What one run, or one predictor, was given.

    Parameters
    ----------
    families : mapping of str to Family
        By their names; copies of the objects that the user has, so that a later change of those changes no answer.
    """

    families: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


NO_EXTENSIONS = Extensions()


def give_metric(name: str, scorer: Any) -> None:
    """Make a metric known for as long as this process lives; its name holds a hash of what it does."""
    _METRICS[name] = scorer


def find(kind: Kind, name: str) -> Any:
    """What an installed package registers under a name, or, of metrics, what was given in this process; None if nothing is.

    Raises
    ------
    InputError
        A package registers it, and it can't be loaded.
    """
    if kind == "metrics" and name in _METRICS:
        return _METRICS[name]
    entry = _entries(kind).get(name)
    return None if entry is None else _loaded(kind, entry)


def installed(kind: Kind, ours: Container[str]) -> tuple[str, ...]:
    """The names that installed packages register, sorted; those that are names of ours stay ours."""
    return tuple(sorted(name for name in _entries(kind) if name not in ours))


def copied(kind: Kind, name: str, thing: Any) -> Any:
    """Copy a thing as the workers will get it.

    Raises
    ------
    InputError
        It can't be pickled.
    """
    import cloudpickle

    try:
        return cloudpickle.loads(cloudpickle.dumps(thing))
    except Exception as error:  # whatever a stranger's object does
        raise InputError(
            f"{kind}: {name!r} can't be handed to the workers, who are processes: {one_line(error)}."
        ) from error


def keep(own: Extensions, metric: str, file: Path) -> None:
    """Write a run's families, and its metric if that was given in this process, for its workers; no file if there is neither."""
    import cloudpickle

    metrics = {metric: _METRICS[metric]} if metric in _METRICS else {}
    if own.families or metrics:
        file.write_bytes(cloudpickle.dumps({"families": dict(own.families), "metrics": metrics}))


def take(file: Path) -> Extensions:
    """Read what `keep` wrote: only ever a file of the worker's own run."""
    import cloudpickle

    if not file.exists():
        return NO_EXTENSIONS
    told = cloudpickle.loads(file.read_bytes())
    _METRICS.update(told["metrics"])
    return Extensions(told["families"])


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
        raise InputError(
            f"{where}, and that can't be loaded: {one_line(error)}. Mend it, or uninstall {package}."
        ) from error
