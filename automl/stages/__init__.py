"""The stages: one file each, in the order of a usual chain."""

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

__all__ = ["STAGES", "Stage", "name_of", "option", "stage"]


def stage(name: str, where: str) -> type[Stage]:
    """The kind of stage of this name; `where` it was asked for begins the message.

    Raises
    ------
    InputError
        There is none.
    """
    if name in STAGES:
        return STAGES[name]
    if (found := extensions.find("stages", name)) is not None:
        return _checked(found)
    names = [*STAGES, *extensions.installed("stages", STAGES)]
    raise InputError(
        f"{where}: no stage {name!r}.{suggestion(name, names)} Known stages: {', '.join(names)}."
    )


def name_of(kind: type[Stage]) -> str:
    """Name a kind of stage of the user's: its class in small letters, with underscores.

    Raises
    ------
    InputError
        It is no stage, or has the name of one of ours.
    """
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", _checked(kind).__name__).lower()
    if name in STAGES:
        raise InputError(
            f"the stage {kind.__name__}: has the name of a stage of ours. Give it another one."
        )
    return name


def _checked(kind: Any) -> type[Stage]:
    """A kind of stage of somebody else's, held to what a stage is."""
    name = getattr(kind, "__name__", repr(kind))
    if not (
        isinstance(kind, type)
        and dataclasses.is_dataclass(kind)
        and callable(getattr(kind, "run", None))
    ):
        raise InputError(
            f"the stage {name}: is to be a frozen dataclass with a method run(study, lab, budget)."
        )
    if lacking := [
        field.name for field in dataclasses.fields(kind) if "about" not in field.metadata
    ]:
        raise InputError(
            f"the stage {name}: its fields are options; make {lacking[0]!r} with automl.extend.option(default, about)."
        )
    if not inspect.getdoc(kind):
        raise InputError(f"the stage {name}: has no docstring, which lists say it with.")
    made: Any = kind
    return cast(type[Stage], made)
