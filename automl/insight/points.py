"""A family's trials as points of its search space with their losses: what every lesson is drawn from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.space import Choice, Range, Space
from automl.trial import Study, Trial

Floats = npt.NDArray[np.float64]

RECIPE = "recipe"  # how columns become the family's input: a hyperparameter like any other


@dataclass(frozen=True)
class Points:
    """Trials of one family.

    Parameters
    ----------
    family : str
    space : Space
        The range of each hyperparameter that took more than one value.
    places : ndarray of shape (n_trials, n_hyperparameters), float64
        0 at a range's lower end, 1 at the upper; of a choice the index of its value.
    losses : ndarray of shape (n_trials,), float64
        Means over all folds; of a trial that was dropped, what its folds make expect.
    trials : tuple of Trial
    """

    family: str
    space: Space
    places: Floats
    losses: Floats
    trials: tuple[Trial, ...]

    def __len__(self) -> int:
        return len(self.losses)

    @property
    def names(self) -> tuple[str, ...]:
        """The hyperparameters."""
        return tuple(self.space)

    @cached_property
    def best(self) -> int:
        """The place of the trial with the least loss."""
        return int(np.argmin(self.losses))


def points(study: Study, name: str) -> Points:
    """The points of a family: its decided trials that have a loss.

    Raises
    ------
    LookupError
        The study has no such trial.
    """
    trials = tuple(_told(study, name))
    if not trials:
        raise LookupError(f"no trial of {name} has ended")
    losses = np.array([study.expected_loss(trial) for trial in trials])
    values = [_values(study, trial) for trial in trials]
    space = {
        key: range_
        for key, range_ in _space(study, name, values).items()
        if len({str(of[key]) for of in values}) > 1
    }
    places = np.array(
        [[place_of(range_, of[key]) for key, range_ in space.items()] for of in values], np.float64
    )
    return Points(name, space, places.reshape(len(trials), len(space)), losses, trials)


def place_of(range_: Range, value: Any) -> float:
    """Where a value lies in its range: from 0 to 1, of a choice its index."""
    if isinstance(range_, Choice):
        return float(range_.values.index(value)) if value in range_.values else 0.0
    return range_.place(value)


def value_at(range_: Range, place: float) -> Any:
    """The value at a place."""
    return range_.values[round(place)] if isinstance(range_, Choice) else range_.at(place)


def _told(study: Study, name: str) -> Iterator[Trial]:
    for trial in study.trials.values():
        if (
            trial.candidate.family == name
            and trial.losses
            and (trial.decided or study.complete(trial))
        ):
            yield trial


def _values(study: Study, trial: Trial) -> Mapping[str, Any]:
    """All hyperparameters of a trial, those that it left to the family among them."""
    kind = study.family(trial.candidate.family)
    told = (
        kind.implied(study.the_task) | kind.defaults(study.the_task) | dict(trial.candidate.params)
    )
    return {**told, RECIPE: trial.candidate.recipe.name}


def _space(study: Study, name: str, values: list[Mapping[str, Any]]) -> Space:
    """The family's ranges, and the recipes that were tried."""
    codes = study.size.categories > 0 and any(
        trial.candidate.recipe.has_codes for trial in _told(study, name)
    )
    searched = {
        key: range_
        for key, range_ in study.family(name).space(study.the_task, codes).items()
        if all(key in of for of in values)
    }
    return {**searched, RECIPE: Choice(tuple(dict.fromkeys(of[RECIPE] for of in values)))}
