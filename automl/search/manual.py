"""Tuning by hand: a variation of a known candidate, and a sweep along one hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from automl.candidate import MANUAL_ORIGIN, Candidate
from automl.errors import InputError, suggestion
from automl.models import check_trainable, default_families, is_pretrained
from automl.models.constant import Constant
from automl.search.portfolio import defaults
from automl.space import Choice, Float, Int, Range, Space, When, existing
from automl.study import Study
from automl.trial import Trial

N_POINTS = 7  # of a sweep


def starting_candidate(study: Study, name: str, base: str | None = None) -> Candidate:
    """Return the candidate that a variation starts from.

    It is the trial that is named, else the family's best one, else the family's defaults.

    Parameters
    ----------
    name : str
        A family.
    base : str, optional
        The beginning of a trial's id.

    Raises
    ------
    InputError
        There is no such family or trial, or the family's libraries or weights are not on
        this machine.
    """
    check_trainable(name)
    names = dict.fromkeys([*default_families(), *study.families, *study.leaders])
    names.pop(Constant.name, None)
    if name not in names and not is_pretrained(name):
        hint = suggestion(name, list(names))
        raise InputError(f"--family {name}: no such family.{hint} There are: {', '.join(names)}.")
    if base is not None:
        return _trial_of(study, name, base).candidate
    if name in study.leaders:
        return study.leaders[name].candidate
    _, candidate = defaults(study, [name])
    return candidate


def _trial_of(study: Study, name: str, base: str) -> Trial:
    """Return the trial of a family whose id begins so."""
    matches = [trial for trial in study.trials.values() if trial.id.startswith(base)]
    if not matches:
        named = "no trial"
    elif len(matches) > 1:
        named = "several trials"
    elif matches[0].candidate.family != name:
        named = f"a trial of {matches[0].candidate.family}"
    else:
        return matches[0]
    raise InputError(
        f"--base {base}: names {named}; give the id of one of {name}, as the leaderboard has it."
    )


def hyperparameter_space(study: Study, base: Candidate) -> Space:
    """Return the hyperparameters of a candidate's family with their ranges."""
    return study.space(base.family, base.recipe)


def variation(
    study: Study,
    base: Candidate,
    changes: Mapping[str, Any],
    recipe: str | None = None,
    origin: str = MANUAL_ORIGIN,
) -> Candidate:
    """Return a candidate with some hyperparameters, or the recipe, changed.

    Parameters
    ----------
    base : Candidate
        The candidate to change.
    changes : mapping
        Values by hyperparameter.
    recipe : str, optional
        Name of the new recipe.
    origin : str
        The part of the program, or the person, that proposes it.

    Raises
    ------
    InputError
        There is no such hyperparameter or recipe, or a value is of the wrong kind.
    """
    space = hyperparameter_space(study, base)
    params = {
        **study.family(base.family).defaults(study.known_task),
        **base.params,
    }
    for name, value in changes.items():
        if name not in space:
            raise _unknown(f"--set {name}", name, base.family, space)
        _check(f"--set {name}={value}", space[name], value)
        params[name] = _converted(space[name], value)
    point = existing(space, params)
    for name in changes:
        if name not in point:
            raise _absent(name, space[name].when)
    params = point
    if recipe is None:
        return replace(base, params=params, origin=origin)
    recipes = {known.name: known for known in study.recipes}
    if recipe not in recipes:
        hint = suggestion(recipe, recipes)
        raise InputError(
            f"--recipe {recipe}: is not used in this run.{hint} There are: {', '.join(recipes)}."
        )
    return replace(base, params=params, recipe=recipes[recipe], origin=origin)


def _unknown(where: str, name: str, family: str, space: Space) -> InputError:
    hint = suggestion(name, space)
    names = ", ".join(space)
    return InputError(f"{where}: {family} has no such hyperparameter.{hint} It has: {names}.")


def _absent(name: str, when: When | None) -> InputError:
    assert when is not None
    values = " or ".join(map(str, when.values))
    return InputError(
        f"--set {name}: has no effect here; it exists only where {when.name} is {values}. "
        f"Set {when.name}, too."
    )


def _check(where: str, range_: Range, value: Any) -> None:
    """Refuse a value of the wrong kind; one outside of the range that is searched is allowed."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    is_number = is_number and math.isfinite(value)
    match range_:
        case Choice(values) if value not in values:
            raise InputError(f"{where}: must be one of {', '.join(map(repr, values))}.")
        case Int() if not (is_number and float(value).is_integer()):
            raise InputError(
                f"{where}: must be a whole number, such as {range_.low} to {range_.high}."
            )
        case Float() if not is_number:
            raise InputError(
                f"{where}: must be a number, such as {range_.low:g} to {range_.high:g}."
            )
        case _:
            return


def _converted(range_: Range, value: Any) -> Any:
    """Return a value with the type of its range."""
    if isinstance(range_, Int):
        return int(value)
    if isinstance(range_, Float):
        return float(value)
    return value


def sweep_candidates(
    study: Study,
    base: Candidate,
    name: str,
    values: Sequence[Any] = (),
    points: int = N_POINTS,
) -> list[Candidate]:
    """Return candidates that differ in one hyperparameter alone.

    Parameters
    ----------
    values : sequence
        The values; none given: spread evenly over the range, or each one of a choice.
    points : int
        The number of values that are spread over a range.

    Raises
    ------
    InputError
        There is no such hyperparameter, or a value is of the wrong kind.
    """
    space = hyperparameter_space(study, base)
    if name not in space:
        raise _unknown(f"--param {name}", name, base.family, space)
    candidates = {}
    for value in values or _evenly_spread(space[name], points):
        candidate = variation(study, base, {name: value})
        candidates[candidate.id] = candidate
    return list(candidates.values())


def _evenly_spread(range_: Range, count: int) -> Sequence[Any]:
    """Return distinct values of a range, rounded to three digits; all values of a choice."""
    if isinstance(range_, Choice):
        return range_.values
    values = []
    for position in np.linspace(0, 1, count):
        rounded = float(f"{range_.from_unit(position):.3g}")
        values.append(_converted(range_, rounded))
    return list(dict.fromkeys(values))
