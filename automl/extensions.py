"""Extensions: families, stages, metrics and trackers of a user, given or registered by a package.

A package registers with entry points, in its pyproject.toml:

    [project.entry-points."automl.families"]
    centroid = "my_package.centroid:Centroid"

Files and messages hold names alone. Families that were given are a value: settings, study, lab
and predictor carry their own, so two runs with families of one name never meet. Metrics are known
in the whole process, because their names hold a hash of their code. A worker gets both as a
pickle next to the run's own data; nothing else is ever read from a pickle.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from automl.errors import InputError, one_line

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Kind = Literal["families", "stages", "metrics", "trackers"]

_METRICS: dict[str, Any] = {}  # given in this process, by a name that holds a hash of the function


@dataclass(frozen=True)
class Extensions:
    """The extensions that one run, or one predictor, was given.

    Parameters
    ----------
    families : mapping of str to Family
        Copies of the user's objects by name, so that changing those later changes no prediction.
    """

    families: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


NO_EXTENSIONS = Extensions()


def give_metric(name: str, scorer: Any) -> None:
    """Make a metric known in this process; its name holds a hash of its code."""
    _METRICS[name] = scorer


def find(kind: Kind, name: str) -> Any:
    """Return what an installed package registers under a name, or a metric given in this process.

    None if there is neither.

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
    """Return the names that installed packages register, sorted, without those in `ours`."""
    return tuple(sorted(name for name in _entries(kind) if name not in ours))


def copied(
    kind: Kind,
    name: str,
    thing: Any,
) -> Any:
    """Copy an object as the workers will get it.

    Raises
    ------
    InputError
        It can't be pickled.
    """
    import cloudpickle

    try:
        return cloudpickle.loads(cloudpickle.dumps(thing))
    except Exception as error:  # a user's object may raise anything
        reason = one_line(error)
        raise InputError(
            f"{kind}: {name!r} can't be sent to the worker processes: {reason}."
        ) from error


def write_for_workers(
    extensions: Extensions,
    metric: str,
    file: Path,
) -> None:
    """Write a run's families and, if it was given in this process, its metric.

    There is no file if there is neither.
    """
    import cloudpickle

    metrics = {metric: _METRICS[metric]} if metric in _METRICS else {}
    if extensions.families or metrics:
        content = {"families": dict(extensions.families), "metrics": metrics}
        file.write_bytes(cloudpickle.dumps(content))


def read_in_worker(file: Path) -> Extensions:
    """Read what `write_for_workers` wrote: only ever a file of the worker's own run."""
    if not file.exists():
        return NO_EXTENSIONS
    import cloudpickle

    content = cloudpickle.loads(file.read_bytes())
    _METRICS.update(content["metrics"])
    return Extensions(content["families"])


@cache
def _entries(kind: Kind) -> dict[str, EntryPoint]:
    import importlib.metadata

    entries = importlib.metadata.entry_points(group=f"automl.{kind}")
    return {entry.name: entry for entry in entries}


@cache
def _loaded(kind: Kind, entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # a stranger's module may raise anything when it is imported
        package = entry.dist.name if entry.dist else "a package"
        where = f"{package} registers {entry.name!r} in automl.{kind} as {entry.value!r}"
        raise InputError(
            f"{where}, and that can't be loaded: {one_line(error)}. Fix it, or uninstall {package}."
        ) from error
