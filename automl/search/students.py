"""Candidates for a distilled model: small ones of several families, as large as a price allows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from automl.candidate import Candidate
from automl.models import is_boosted
from automl.search.portfolio import defaults
from automl.study import Study

ORIGIN = "distilled"
FIRST_LEARNING_RATE = 0.15
MAX_LEADERS = 2  # families whose best trials' settings are tried as they are
# Settings that are tried, in this order; the others are those of the run's best trial of a family.
VARIANTS: Sequence[tuple[str, Mapping[str, Any]]] = (
    ("lightgbm", {"num_leaves": 8}),
    ("linear", {}),
    ("catboost", {"depth": 4}),
    ("mlp", {"width": 64}),
    ("xgboost", {"max_depth": 4}),
    ("lightgbm", {"num_leaves": 24}),
    ("catboost", {"depth": 6}),
    ("lightgbm", {"num_leaves": 4}),
    ("mlp", {"width": 128}),
    ("mlp", {"width": 32}),
)


def first_students(study: Study) -> list[Candidate]:
    """Return the students that are tried first, whatever they cost.

    They are of the run's families, if it was given some that students can be of.

    Parameters
    ----------
    study : Study
        The run's.
    """
    names = {name for name, _ in VARIANTS}
    chosen = names.intersection(study.families) or names
    students = {}
    for candidate in _best_boosted(study):
        if candidate.family in chosen:
            students[candidate.id] = candidate
    for name, variant in VARIANTS:
        if name not in chosen:
            continue
        base = _base(study, name)
        params = {**base.params, **variant}
        if is_boosted(name):
            params["learning_rate"] = FIRST_LEARNING_RATE
        student = Candidate(
            name,
            params,
            base.recipe,
            ORIGIN,
        )
        students[student.id] = student
    return list(students.values())


def _best_boosted(study: Study) -> list[Candidate]:
    """Return what the run's best trials of boosted trees tried, for students to try as it is."""
    found = []
    for trial in study.leaders.values():
        candidate = trial.candidate
        if is_boosted(candidate.family):
            taught = replace(candidate, origin=ORIGIN)
            found.append(taught)
    return found[:MAX_LEADERS]


def _base(study: Study, name: str) -> Candidate:
    """Return the candidate that a family's students vary: the run's best, or the defaults."""
    leader = study.leaders.get(name)
    if leader is not None and not leader.candidate.is_first_model:
        return leader.candidate
    *_, candidate = defaults(study, [name])
    return candidate
