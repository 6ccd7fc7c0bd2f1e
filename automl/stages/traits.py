"""Traits of a stage that the chain needs to know, apart from running it.

A stage has a trait by having the members of its protocol; a stage of a user's may have none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from automl.budget import Budget
from automl.lab.lab import Lab
from automl.study import Study


@runtime_checkable
class Searching(Protocol):
    """A stage that may train candidates: a budget of trials is divided among these."""

    searches: bool


@runtime_checkable
class Restricting(Protocol):
    """A stage from which on only some families take part."""

    @property
    def only_families(self) -> tuple[str, ...]:
        """The families; empty for all."""
        ...


@runtime_checkable
class Reserving(Protocol):
    """A stage that is sure to need some seconds, whatever its share of the budget."""

    def seconds_to_reserve(self, study: Study, lab: Lab, budget: Budget) -> float:
        """Return the seconds."""
        ...


@runtime_checkable
class Importing(Protocol):
    """A stage that imports modules, which are loaded while workers do the first fits."""

    def modules(self, budget: Budget) -> Sequence[str]:
        """Return the names of the modules."""
        ...


@runtime_checkable
class Demanding(Protocol):
    """A stage that some families have to take part for."""

    def check_families(self, names: Sequence[str]) -> None:
        """Refuse, by an `InputError`, the only families that take part (none: all do)."""
        ...


TRAITS = (Searching, Restricting, Reserving, Importing, Demanding)


def searches(stage: Any) -> bool:
    """Return whether a stage trains candidates."""
    return isinstance(stage, Searching) and stage.searches


def only_families(stage: Any) -> tuple[str, ...] | None:
    """Return the only families that take part from this stage on; None if it doesn't say."""
    if isinstance(stage, Restricting):
        return stage.only_families
    return None


def check_families(stage: Any, names: Sequence[str]) -> None:
    """Raise an `InputError` if a stage has nothing to do with these families alone."""
    if isinstance(stage, Demanding):
        stage.check_families(names)


def seconds_needed(
    stage: Any,
    study: Study,
    lab: Lab,
    budget: Budget,
) -> float:
    """Return the seconds that a stage is sure to need."""
    if isinstance(stage, Reserving):
        return stage.seconds_to_reserve(study, lab, budget)
    return 0.0


def modules_needed(
    stage: Any,
    budget: Budget,
) -> Sequence[str]:
    """Return the modules that a stage will import."""
    if isinstance(stage, Importing):
        return stage.modules(budget)
    return ()
