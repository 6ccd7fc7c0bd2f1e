"""Traits of a stage that the chain needs to know, apart from running it.

A stage says so by optional attributes; a stage of a user's may have none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from automl.budget import Budget
from automl.lab.lab import Lab
from automl.study import Study


def searches(stage: Any) -> bool:
    """Return whether a stage trains candidates: a budget of trials is divided among these."""
    return bool(getattr(stage, "searches", False))


def only_families(stage: Any) -> tuple[str, ...] | None:
    """Return the only families that take part from this stage on; None if it doesn't say."""
    families = getattr(stage, "only_families", None)
    return None if families is None else tuple(families)


def seconds_needed(
    stage: Any,
    study: Study,
    lab: Lab,
    budget: Budget,
) -> float:
    """Return the seconds that a stage is sure to need, whatever its share of the budget."""
    needs = getattr(stage, "needs", None)
    return float(needs(study, lab, budget)) if needs is not None else 0.0


def modules_needed(
    stage: Any,
    budget: Budget,
) -> Sequence[str]:
    """Return the modules that a stage will import, to be loaded while workers do the first fits."""
    modules = getattr(stage, "modules", None)
    return tuple(modules(budget)) if modules is not None else ()
