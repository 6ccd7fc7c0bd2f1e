"""Models: what can be trained. One file a family, one explicit tuple; libraries are imported when a family is used."""

from __future__ import annotations

import re
from typing import Any

from automl import extensions
from automl.errors import InputError, one_line, suggestion
from automl.features.feature import Feature
from automl.models._base import Family, Fitted, How, Model, Sample
from automl.models._simple import SimpleFamily
from automl.models.catboost import CatBoost
from automl.models.constant import Constant
from automl.models.forest import EXTRA_TREES, RANDOM_FOREST
from automl.models.knn import KNN
from automl.models.lightgbm import LightGBM
from automl.models.linear import Linear
from automl.models.mlp import MLP
from automl.models.xgboost import XGBoost
from automl.space import Choice, Float, Int
from automl.task import Task

__all__ = ["FAMILIES", "Family", "Feature", "Fitted", "How", "Model", "Sample", "SimpleFamily", "everybody", "family", "give", "is_known"]

FAMILIES: tuple[Family, ...] = (LightGBM(), CatBoost(), XGBoost(), EXTRA_TREES, RANDOM_FOREST, Linear(), KNN(), MLP(), Constant())
OURS = tuple(one.name for one in FAMILIES)


def family(name: str) -> Family:
    """The family of this name.

    Raises
    ------
    InputError
        There is none.

    Examples
    --------
    >>> family("lightgbm").recipes[0]
    'mixed'
    """
    for candidate in FAMILIES:
        if candidate.name == name:
            return candidate
    if (found := extensions.find("families", name)) is not None:
        return _made(found, name)
    names = [*OURS, *extensions.known("families", OURS)]
    here = "one of your own is known where its package is installed"
    raise InputError(f"no model family {name!r}.{suggestion(name, names)} There are {', '.join(names)}; {here}.")


def is_known(name: str) -> bool:
    """Whether there is a family of this name: a run may have been made where there were others."""
    return name in OURS or name in extensions.known("families", OURS)


def everybody() -> tuple[str, ...]:
    """The names of the families that take part where none is named: ours, then those that installed packages register."""
    return (*OURS, *extensions.installed("families", OURS))


def give(one: Family) -> str:
    """Make a family of the user's known in this process, and give its name.

    Raises
    ------
    InputError
        It lacks what a family needs, or has the name of one of ours.
    """
    if isinstance(one, type):
        raise InputError(f"the family {one.__name__}: is a class. Give an object of it: {one.__name__}().")
    name = _made(one, str(getattr(one, "name", ""))).name
    if name in OURS:
        raise InputError(f"the family {type(one).__name__}: its name {name!r} is that of a family of ours. Give it another one.")
    extensions.give("families", name, one)
    return name


_NEEDED = tuple(name for name in vars(Family) if not name.startswith("_"))


_SOUND: dict[int, tuple[Any, Family]] = {}  # what was found sound, by its identity, which it keeps as long as it is held here
_TASKS = (
    Task("binary", "y", "log_loss", ("a", "b")),
    Task("multiclass", "y", "log_loss", ("a", "b", "c")),
    Task("regression", "y", "rmse"),
)


def _made(found: Any, name: str) -> Family:
    """A family of somebody else's, or what its class makes, held to what a family is; once for each."""
    if id(found) not in _SOUND:
        try:
            one = found() if isinstance(found, type) else found
            _check(one, name)
        except InputError:
            raise
        except Exception as error:  # whatever a stranger's code does
            raise InputError(f"the family {name!r}: can't be made or asked: {type(error).__name__}: {one_line(error)}.") from error
        _SOUND[id(found)] = found, one
    return _SOUND[id(found)][1]


def _check(one: Any, name: str) -> None:
    """Refuse what lacks a part of a family, or has one that doesn't answer."""
    what = f"the family {type(one).__name__}"
    lacking = [member for member in _NEEDED if not hasattr(one, member)]
    if lacking:
        raise InputError(f"{what}: has no {', '.join(map(repr, lacking))}. A subclass of automl.extend.SimpleFamily has all but its name.")
    if one.name != name:
        raise InputError(f"{what}: is registered as {name!r}, and its name is {one.name!r}. They are to be the same.")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise InputError(f"{what}: its name {name!r} is to be in small letters, as a name in Python.")
    for task in _TASKS:
        space, known = one.space(task), one.implied(task) | one.defaults(task)
        if wrong := [key for key, of in space.items() if not isinstance(of, (Float, Int, Choice))]:
            raise InputError(f"{what}: its range of {wrong[0]!r} is {space[wrong[0]]!r}, and is to be a Float, an Int or a Choice.")
        if lacking := [key for key in space if key not in known]:
            raise InputError(f"{what}: says no default of {lacking[0]!r}.")
        seconds = one.cost(1000, 10, task.n_outputs)
        if not isinstance(seconds, (int, float)) or not seconds > 0:
            raise InputError(f"{what}: its cost of a fit is {seconds!r}, and is to be a positive number of seconds.")
