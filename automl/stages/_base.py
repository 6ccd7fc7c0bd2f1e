"""The interface of a stage: one file, options as documented fields, one method `run`."""

from __future__ import annotations

import math
from dataclasses import field
from typing import Any, Protocol

from automl.budget import Budget
from automl.lab.lab import Lab
from automl.study import Study


class Stage(Protocol):
    """A frozen dataclass whose fields are its options, and which makes a study larger."""

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Do the stage's work within the budget."""
        ...


def option(
    default: Any,
    about: str,
    least: float = 0.0,
    most: float = math.inf,
    *,
    formerly: str = "",
) -> Any:
    """Declare an option: a dataclass field with a description.

    The keys of TOML files, `--set` and the reference are made from it.

    Parameters
    ----------
    default : any
        The default value; a dictionary stands for an empty one.
    about : str
        One line that describes the option.
    least, most : float
        The smallest and the largest number that is allowed.
    formerly : str
        The option's name in earlier versions, which is still understood.
    """
    metadata = {
        "about": about,
        "least": least,
        "most": most,
        "formerly": formerly,
    }
    if isinstance(default, dict):
        return field(default_factory=dict, metadata=metadata)
    return field(default=default, metadata=metadata)
