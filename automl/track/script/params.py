"""A run's hyperparameters, checked before a script holds them as code.

They come from the run's folder, which may be a stranger's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.errors import InputError
from automl.formatting import visible
from automl.models import Family
from automl.space import Choice, Range
from automl.task import Task

# No part of a space or of defaults, but fits record them.
_RECORDED_BY_FITS = ("min_samples_leaf", "n_estimators", "quick")


def check_params(
    path: Path,
    family: Family,
    task: Task,
    params: Mapping[str, Any],
) -> None:
    """Check that a family knows all names, and that values are one of its choices or numbers.

    Parameters
    ----------
    path : Path
        The file that they were read from.
    family : Family
    task : Task
    params : mapping
        Values by name.

    Raises
    ------
    InputError
        A name is not known, or a value is neither a choice nor a finite number.
    """
    space = family.space(task)
    known = {
        *space,
        *family.defaults(task),
        *family.library_defaults(task),
        *_RECORDED_BY_FITS,
    }
    for name, value in params.items():
        shown = visible(repr(name))
        if name not in known:
            raise InputError(
                f"{path}: --to python: {family.name} has no hyperparameter {shown}. "
                f"It has: {', '.join(sorted(known))}."
            )
        if not _is_valid(space.get(name), value):
            raise InputError(
                f"{path}: --to python: {family.name} can't have the hyperparameter {shown} = "
                f"{visible(repr(value))}. It must be a number or one of the family's choices."
            )


def _is_valid(range_: Range | None, value: Any) -> bool:
    if isinstance(range_, Choice):
        return value in range_.values
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int)
