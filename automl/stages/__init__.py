"""The stages of a pipeline: one file each, in their usual order."""

import dataclasses
import inspect
import re
from typing import Any, cast

from automl import extensions
from automl.errors import InputError, suggestion
from automl.stages._base import Stage, option
from automl.stages.clean import Clean
from automl.stages.ensemble import Ensemble
from automl.stages.extract import Extract
from automl.stages.select import Select
from automl.stages.tune import Tune

STAGES: dict[str, type[Stage]] = {
    "clean": Clean,
    "extract": Extract,
    "select": Select,
    "tune": Tune,
    "ensemble": Ensemble,
}

__all__ = ["STAGES", "Stage", "find_stage", "option", "stage_name"]


def find_stage(name: str, where: str) -> type[Stage]:
    """Return the stage class of a name.

    Parameters
    ----------
    name : str
        A built-in stage, or one that an installed package registers.
    where : str
        Where the stage was named; an error message begins with it.

    Raises
    ------
    InputError
        There is no stage of this name.
    """
    if name in STAGES:
        return STAGES[name]
    registered = extensions.find("stages", name)
    if registered is not None:
        return _checked(registered)
    names = [*STAGES, *extensions.installed("stages", STAGES)]
    hint = suggestion(name, names)
    raise InputError(f"{where}: no stage {name!r}.{hint} Known stages: {', '.join(names)}.")


def stage_name(kind: type[Stage]) -> str:
    """Return the name of a user's stage class: in lower case, with underscores.

    Raises
    ------
    InputError
        It is not a stage, or has the name of a built-in one.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _checked(kind).__name__).lower()
    if name in STAGES:
        raise InputError(
            f"the stage {kind.__name__}: a built-in stage has this name. Give it another one."
        )
    return name


def _checked(kind: Any) -> type[Stage]:
    """Return a foreign stage class after checking that it is one."""
    name = getattr(kind, "__name__", repr(kind))
    is_dataclass = isinstance(kind, type) and dataclasses.is_dataclass(kind)
    if not is_dataclass or not callable(getattr(kind, "run", None)):
        raise InputError(
            f"the stage {name}: must be a frozen dataclass with a method run(study, lab, budget)."
        )
    for field in dataclasses.fields(kind):
        if "about" not in field.metadata:
            raise InputError(
                f"the stage {name}: its fields are options; "
                f"make {field.name!r} with automl.extend.option(default, about)."
            )
    if not inspect.getdoc(kind):
        raise InputError(
            f"the stage {name}: has no docstring. Give it one: lists of stages show it."
        )
    return cast(type[Stage], kind)
