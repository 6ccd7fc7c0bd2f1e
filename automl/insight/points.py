"""A family's trials as points of its search space with their losses: the basis of every lesson."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.insight.rung_losses import learnable_loss
from automl.space import Choice, Range, Space
from automl.study import Study
from automl.trial import Trial

Params = Mapping[str, Any]

RECIPE = "recipe"  # how columns become the family's input: a hyperparameter like any other


@dataclass(frozen=True)
class Points:
    """Trials of one family.

    Parameters
    ----------
    family : str
    space : Space
        The range of each hyperparameter that took more than one value.
    coordinates : ndarray of shape (n_trials, n_hyperparameters), float64
        Coordinates: 0 at a range's lower end, 1 at the upper; of a choice the index of its value.
    losses : ndarray of shape (n_trials,), float64
        Means over all folds; of a trial that was dropped, the loss that its folds suggest.
    trials : tuple of Trial
    """

    family: str
    space: Space
    coordinates: Floats
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
        """Index of the trial with the least loss."""
        return int(np.argmin(self.losses))


def trial_points(study: Study, name: str) -> Points:
    """Return the points of a family: its decided trials that have a loss, or an estimate.

    Raises
    ------
    LookupError
        The study has no such trial.
    """
    judged = list(_judged_trials(study, name))
    if not judged:
        raise LookupError(f"no trial of {name} has ended")
    judged.sort(key=lambda pair: not pair[0].losses)  # a tie is for one that was through folds
    trials = tuple(trial for trial, _ in judged)
    losses = [loss for _, loss in judged]
    params = [_all_params(study, trial) for trial in trials]
    space = {}
    columns = []
    for key, range_ in _space(study, trials, params).items():
        values = [of_trial[key] for of_trial in params]
        n_distinct = len({str(value) for value in values})
        if n_distinct > 1:
            space[key] = range_
            columns.append([to_coordinate(range_, value) for value in values])
    coordinates = np.empty((len(trials), len(space)))
    for axis, column in enumerate(columns):
        coordinates[:, axis] = column
    return Points(
        name,
        space,
        coordinates,
        np.array(losses),
        trials,
    )


def to_coordinate(
    range_: Range,
    value: Any,
) -> float:
    """Return the coordinate of a value: from 0 to 1 in a range, the index in a choice."""
    if not isinstance(range_, Choice):
        return range_.to_unit(value)
    if value not in range_.values:
        return 0.0
    return float(range_.values.index(value))


def from_coordinate(range_: Range, coordinate: float) -> Any:
    """Return the value at a coordinate."""
    if isinstance(range_, Choice):
        return range_.values[round(coordinate)]
    return range_.from_unit(coordinate)


def _judged_trials(study: Study, name: str) -> Iterator[tuple[Trial, float]]:
    """Yield the trials of a family that are decided or complete, with their losses."""
    for trial in study.trials.values():
        if trial.candidate.family != name:
            continue
        if not trial.decided and not study.is_complete(trial):
            continue
        loss = learnable_loss(study, trial)
        if loss is not None:
            yield trial, loss


def _all_params(study: Study, trial: Trial) -> Params:
    """Return all hyperparameters of a trial, and the recipe.

    Those that the candidate leaves to its family are among them. The family's value also stands
    for one that doesn't exist in the trial, where its value has no effect.
    """
    candidate = trial.candidate
    params = study.all_params(candidate.family, candidate.params)
    params[RECIPE] = candidate.recipe.name
    return params


def _space(
    study: Study,
    trials: tuple[Trial, ...],
    params: list[Params],
) -> Space:
    """Return the ranges of what all trials have a value of, and the recipes that were tried."""
    recipes = [trial.candidate.recipe for trial in trials]
    has_codes = study.size.categories > 0
    if not any(recipe.has_native_categories for recipe in recipes):
        has_codes = False
    family = study.family(trials[0].candidate.family)
    space = {**family.space(study.known_task, has_codes)}
    for key in tuple(space):
        if any(key not in of_trial for of_trial in params):
            del space[key]
    names = dict.fromkeys(recipe.name for recipe in recipes)
    space[RECIPE] = Choice(tuple(names))
    return space
