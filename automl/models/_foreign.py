"""Checks of families that users and packages bring: each must have the members of a family."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from automl.errors import InputError, one_line
from automl.models._base import Family
from automl.space import Choice, Float, Int, Range, Space
from automl.task import Task

_REQUIRED_MEMBERS = tuple(name for name in vars(Family) if not name.startswith("_"))
# Members that earlier versions called otherwise: they would be ignored silently.
_FORMER_MEMBERS = {"implied": "library_defaults", "binning": "preparation_key"}
_NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
_EXAMPLE_TASKS = (
    Task("binary", "y", "log_loss", ("a", "b")),
    Task("multiclass", "y", "log_loss", ("a", "b", "c")),
    Task("regression", "y", "rmse"),
)
# Objects that passed, with their families, by id. Holding the object keeps its id from reuse.
_CHECKED: dict[int, tuple[Any, Family]] = {}


def checked_family(candidate: Any, name: str) -> Family:
    """Return a user's family, or an instance of the class given, after checking it once.

    Raises
    ------
    InputError
        It lacks a member, or one of its methods fails.
    """
    if id(candidate) not in _CHECKED:
        try:
            family = candidate() if isinstance(candidate, type) else candidate
            _check(family, name)
        except InputError:
            raise
        except Exception as error:  # a user's code may raise anything
            cause = f"{type(error).__name__}: {one_line(error)}"
            raise InputError(f"the family {name!r}: can't be created or used: {cause}.") from error
        _CHECKED[id(candidate)] = (candidate, family)
    return _CHECKED[id(candidate)][1]


def _check(family: Any, name: str) -> None:
    """Refuse a family that lacks a member, has a bad name, or fails on an example task."""
    label = f"the family {type(family).__name__}"
    lacking = [member for member in _REQUIRED_MEMBERS if not hasattr(family, member)]
    if lacking:
        raise InputError(
            f"{label}: has no {', '.join(map(repr, lacking))}. "
            "A subclass of automl.extend.SimpleFamily has all but its name."
        )
    for former, present in _FORMER_MEMBERS.items():
        if hasattr(family, former):
            raise InputError(f"{label}: its {former!r} is called {present!r} now. Rename it.")
    if family.name != name:
        raise InputError(
            f"{label}: is registered as {name!r}, and its name is {family.name!r}. "
            "They must be the same."
        )
    if not _NAME_PATTERN.fullmatch(name):
        raise InputError(
            f"{label}: its name {name!r} must be a Python identifier in lower case, "
            "such as 'my_family'."
        )
    for task in _EXAMPLE_TASKS:
        _check_for_task(family, task, label)


def _check_for_task(family: Any, task: Task, label: str) -> None:
    """Refuse a family whose space, defaults or cost don't fit a task."""
    space = family.space(task)
    known = family.library_defaults(task) | family.defaults(task)
    for key, range_ in space.items():
        if not isinstance(range_, (Float, Int, Choice)):
            raise InputError(
                f"{label}: its range of {key!r} is {range_!r}, "
                "and must be a Float, an Int or a Choice."
            )
    for key in space:
        if key not in known:
            raise InputError(f"{label}: has no default of {key!r}.")
    _check_conditions(space, family.defaults(task), label)
    seconds = family.cost(1000, 10, task.n_outputs)
    if not isinstance(seconds, (int, float)) or not seconds > 0:
        raise InputError(
            f"{label}: its cost of a fit is {seconds!r}, and must be a positive number of seconds."
        )


def _check_conditions(space: Space, defaults: Mapping[str, Any], label: str) -> None:
    """Refuse a hyperparameter whose condition can't be looked up before it is drawn."""
    known: dict[str, Range] = {}
    for key, range_ in space.items():
        known[key] = range_
        when = range_.when
        if when is None:
            continue
        decider = known.get(when.name)
        can_decide = isinstance(decider, (Choice, Int)) and when.name != key
        if decider is None or not can_decide or when.name not in defaults:
            raise InputError(
                f"{label}: {key!r} depends on {when.name!r}, which must be a Choice or an Int that "
                "is listed before it and has a default."
            )
        if not all(map(decider.contains, when.values)):
            raise InputError(
                f"{label}: {key!r} depends on values of {when.name!r} that it can't take: "
                f"{when.values!r}."
            )
