"""What a stage is: one file, its options as documented fields, chained by `run` over one budget."""

from __future__ import annotations

import dataclasses
import math
from typing import Any, Protocol

from automl.budget import Budget
from automl.lab.lab import Lab
from automl.trial import Study


class Stage(Protocol):
    """Takes what is known and a budget, and returns a larger study. A frozen dataclass; its fields are its options."""

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Do the stage's work within the budget."""
        ...


def option(default: Any, about: str, least: float = 0.0, most: float = math.inf) -> Any:
    """A field of a stage: its default, and one line that says what it does. TOML keys, `--set` and the reference are made from it.

    Parameters
    ----------
    least, most : float
        Between which a number has to lie.
    """
    metadata = {"about": about, "least": least, "most": most}
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)
