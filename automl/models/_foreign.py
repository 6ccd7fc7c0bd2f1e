"""Families of other people, held to what a family is before they are asked for anything."""

from __future__ import annotations

import re
from typing import Any

from automl.errors import InputError, one_line
from automl.models._base import Family
from automl.space import Choice, Float, Int
from automl.task import Task

_NEEDED = tuple(name for name in vars(Family) if not name.startswith("_"))
_SOUND: dict[
    int, tuple[Any, Family]
] = {}  # what was found sound, by its identity, which it keeps as long as it is held here
_TASKS = (
    Task("binary", "y", "log_loss", ("a", "b")),
    Task("multiclass", "y", "log_loss", ("a", "b", "c")),
    Task("regression", "y", "rmse"),
)


def sound(found: Any, name: str) -> Family:
    """A family of somebody else's, or what its class makes, held to what a family is; once for each.

    Raises
    ------
    InputError
        It lacks something, or a part of it doesn't answer.
    """
    if id(found) not in _SOUND:
        try:
            one = found() if isinstance(found, type) else found
            _check(one, name)
        except InputError:
            raise
        except Exception as error:  # whatever a stranger's code does
            raise InputError(
                f"the family {name!r}: can't be made or asked: {type(error).__name__}: {one_line(error)}."
            ) from error
        _SOUND[id(found)] = found, one
    return _SOUND[id(found)][1]


def _check(one: Any, name: str) -> None:
    """Refuse what lacks a part of a family, or has one that doesn't answer."""
    what = f"the family {type(one).__name__}"
    lacking = [member for member in _NEEDED if not hasattr(one, member)]
    if lacking:
        raise InputError(
            f"{what}: has no {', '.join(map(repr, lacking))}. A subclass of automl.extend.SimpleFamily has all but its name."
        )
    if one.name != name:
        raise InputError(
            f"{what}: is registered as {name!r}, and its name is {one.name!r}. They are to be the same."
        )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InputError(
            f"{what}: its name {name!r} is to be in small letters, as a name in Python."
        )
    for task in _TASKS:
        space, known = one.space(task), one.implied(task) | one.defaults(task)
        if wrong := [key for key, of in space.items() if not isinstance(of, (Float, Int, Choice))]:
            raise InputError(
                f"{what}: its range of {wrong[0]!r} is {space[wrong[0]]!r}, and is to be a Float, an Int or a Choice."
            )
        if lacking := [key for key in space if key not in known]:
            raise InputError(f"{what}: says no default of {lacking[0]!r}.")
        seconds = one.cost(1000, 10, task.n_outputs)
        if not isinstance(seconds, (int, float)) or not seconds > 0:
            raise InputError(
                f"{what}: its cost of a fit is {seconds!r}, and is to be a positive number of seconds."
            )
