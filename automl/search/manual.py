"""Tuning by hand: a variation of a known candidate, and a row of them along one hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from automl.errors import InputError, suggestion
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.models import everybody
from automl.search.costs import predict, seed_for
from automl.search.portfolio import defaults
from automl.space import Choice, Float, Int, Range, Space
from automl.trial import MANUAL, Candidate, Job, Study, Trial

POINTS = 7


def base_of(study: Study, name: str, base: str | None = None) -> Candidate:
    """What a variation starts from: the trial that is named, else the family's best, else its defaults.

    Raises
    ------
    InputError
        There is no such family or trial.
    """
    names = [
        known
        for known in dict.fromkeys([*everybody(), *study.families, *study.leaders])
        if known != "constant"
    ]
    if name not in names:
        raise InputError(
            f"--family {name}: no such family.{suggestion(name, names)} There are: {', '.join(names)}."
        )
    if base is not None:
        found = [trial for trial in study.trials.values() if trial.id.startswith(base)]
        if len(found) != 1 or found[0].candidate.family != name:
            what = (
                "several trials"
                if len(found) > 1
                else f"a trial of {found[0].candidate.family}"
                if found
                else "no trial"
            )
            raise InputError(
                f"--base {base}: names {what}; give the id of one of {name}, as the leaderboard has it."
            )
        return found[0].candidate
    if name in study.leaders:
        return study.leaders[name].candidate
    return next(candidate for candidate in defaults(study, [name]) if candidate.family == name)


def settable(study: Study, base: Candidate) -> Space:
    """The hyperparameters of a candidate's family with their ranges."""
    return study.family(base.family).space(
        study.the_task, base.recipe.has_codes and study.size.categories > 0
    )


def variation(
    study: Study,
    base: Candidate,
    changes: Mapping[str, Any],
    recipe: str | None = None,
    origin: str = MANUAL,
) -> Candidate:
    """A candidate with some hyperparameters, or the recipe, changed; `origin` is who proposed it.

    Raises
    ------
    InputError
        There is no such hyperparameter or recipe, or a value is of the wrong kind.
    """
    space = settable(study, base)
    known = study.family(base.family).defaults(study.the_task)
    for name, value in changes.items():
        if name not in space:
            raise _unknown(f"--set {name}", name, base.family, space)
        _check(f"--set {name}={value}", space[name], value)
    offered = {one.name: one for one in study.recipes}
    if recipe is not None and recipe not in offered:
        raise InputError(
            f"--recipe {recipe}: is not in play here.{suggestion(recipe, offered)} There are: {', '.join(offered)}."
        )
    made = {
        **known,
        **base.params,
        **{name: _as(space[name], value) for name, value in changes.items()},
    }
    return Candidate(base.family, made, base.recipe if recipe is None else offered[recipe], origin)


def _unknown(what: str, name: str, of: str, space: Space) -> InputError:
    return InputError(
        f"{what}: {of} has no such hyperparameter.{suggestion(name, space)} It has: {', '.join(space)}."
    )


def _check(what: str, range_: Range, value: Any) -> None:
    """Refuse a value of the wrong kind; one outside of the range that is searched may be tried."""
    is_number = (
        isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    )
    match range_:
        case Choice(values) if value not in values:
            raise InputError(f"{what}: is to be one of {', '.join(map(repr, values))}.")
        case Int() if not (is_number and float(value).is_integer()):
            raise InputError(
                f"{what}: is to be a whole number, such as {range_.low} to {range_.high}."
            )
        case Float() if not is_number:
            raise InputError(
                f"{what}: is to be a number, such as {range_.low:g} to {range_.high:g}."
            )
        case _:
            return


def _as(range_: Range, value: Any) -> Any:
    return (
        int(value)
        if isinstance(range_, Int)
        else float(value)
        if isinstance(range_, Float)
        else value
    )


def row(
    study: Study, base: Candidate, name: str, values: Sequence[Any] = (), points: int = POINTS
) -> list[Candidate]:
    """Candidates that differ in one hyperparameter alone: with the values given, else with so many evenly over its range.

    Raises
    ------
    InputError
        There is no such hyperparameter, or a value is of the wrong kind.
    """
    space = settable(study, base)
    if name not in space:
        raise _unknown(f"--param {name}", name, base.family, space)
    range_ = space[name]
    if not values:
        evenly = (
            range_.values
            if isinstance(range_, Choice)
            else [_as(range_, _short(range_.at(at))) for at in np.linspace(0, 1, points)]
        )
        values = list(dict.fromkeys(evenly))
    made = [variation(study, base, {name: value}) for value in values]
    return list({candidate.id: candidate for candidate in made}.values())


def _short(value: float) -> float:
    return float(f"{value:.3g}")


class Everywhere:
    """A policy: every fold of the given candidates that is not known yet, the first candidate first; nobody is dropped.

    What can't be expected to end in time is not begun: a fit that its deadline ends is no answer to what was asked.
    """

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        self._candidates = list(candidates)

    def next(self, study: Study, capacity: Capacity) -> Action:
        """The next fold."""
        for candidate in self._candidates:
            taken = _taken(study, study.trials.get(candidate.id))
            split = next((split for split in study.plan.splits if split not in taken), None)
            if split is not None and predict(study, candidate) <= capacity.seconds:
                seed = seed_for(study.seed, candidate, *split)
                return Job(
                    candidate,
                    study.data,
                    *split,
                    seed=seed,
                    threads=capacity.threads,
                    seconds=capacity.seconds,
                )
        return Wait() if study.running else Stop()


def _taken(study: Study, trial: Trial | None) -> set[Any]:
    """Where a trial was fitted; everywhere once it has failed."""
    if trial is None:
        return set()
    return set(study.plan.splits) if trial.failure else study.taken(trial)
