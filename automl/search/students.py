"""Candidates for a distilled model: small ones of several families, as large as a price allows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from automl.candidate import Candidate, Job, Split
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.search.costs import expected_seconds, seed_for
from automl.search.portfolio import defaults
from automl.search.refits import REFIT_ROUNDS_FACTOR
from automl.study import Study
from automl.trial import Trial

ORIGIN = "distilled"
BOOSTED = ("lightgbm", "catboost", "xgboost")
FIRST_LEARNING_RATE = 0.15
SLOW_LEARNING_RATE = 0.05
MAX_LEARNING_RATE = 0.4
MAX_LEADERS = 2  # families whose best trials' settings are tried as they are
MIN_ROUNDS = 5  # with fewer, a student is left out
MAX_SPEEDUP = 8.0  # of the learning rate, to make do with fewer rounds
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


@dataclass(frozen=True)
class Student:
    """A candidate with a bound on its rounds.

    Parameters
    ----------
    candidate : Candidate
    rounds : int or None
        Exactly so many; None lets early stopping choose.
    """

    candidate: Candidate
    rounds: int | None = None

    @property
    def id(self) -> str:
        """The candidate's id."""
        return self.candidate.id

    @property
    def is_boosted(self) -> bool:
        """Whether it grows with its rounds."""
        return self.candidate.family in BOOSTED


def first_students(study: Study) -> list[Student]:
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
            students[candidate.id] = Student(candidate)
    for name, variant in VARIANTS:
        if name not in chosen:
            continue
        base = _base(study, name)
        params = {**base.params, **variant}
        if name in BOOSTED:
            params["learning_rate"] = FIRST_LEARNING_RATE
        student = Student(Candidate(name, params, base.recipe, ORIGIN))
        students[student.id] = student
    return list(students.values())


def _best_boosted(study: Study) -> list[Candidate]:
    """Return what the run's best trials of boosted trees tried, for students to try as it is."""
    found = []
    for trial in study.leaders.values():
        candidate = trial.candidate
        if candidate.family in BOOSTED:
            found.append(replace(candidate, origin=ORIGIN))
    return found[:MAX_LEADERS]


def _base(study: Study, name: str) -> Candidate:
    """Return the candidate that a family's students vary: the run's best, or the defaults."""
    leader = study.leaders.get(name)
    if leader is not None and not leader.candidate.is_first_model:
        return leader.candidate
    *_, candidate = defaults(study, [name])
    return candidate


def fitted_to(student: Student, trial: Trial, share: float) -> Student | None:
    """Return a student that makes use of what it may cost.

    One that costs too much gets fewer rounds, at a higher learning rate. One that costs little
    gets more of them.

    Parameters
    ----------
    student : Student
    trial : Trial
        Of the student, with a fit.
    share : float
        How many times as large as it is the student may be.

    Returns
    -------
    Student or None
        None if nothing helps.
    """
    params = student.candidate.params
    rounds = mean_rounds(trial)
    if not rounds or not student.is_boosted:
        return None
    rate = float(params["learning_rate"])
    slower = SLOW_LEARNING_RATE / rate
    if share * slower >= 1:
        return _with_rate(student, SLOW_LEARNING_RATE, None)
    affordable = math.floor(share * rounds / REFIT_ROUNDS_FACTOR)
    if affordable < MIN_ROUNDS:
        return None
    speedup = min(MAX_SPEEDUP, rounds / affordable)
    faster = min(MAX_LEARNING_RATE, rate * speedup)
    return _with_rate(student, faster, affordable)


def _with_rate(student: Student, rate: float, rounds: int | None) -> Student:
    candidate = student.candidate
    params = {**candidate.params, "learning_rate": float(f"{rate:.4g}")}
    return Student(Candidate(candidate.family, params, candidate.recipe, ORIGIN), rounds)


def with_fixed_rounds(student: Student, trial: Trial) -> Student:
    """Return a student that has as many rounds on every fold as it had on the first ones."""
    rounds = round(mean_rounds(trial))
    if student.rounds or not student.is_boosted or not rounds:
        return student
    return replace(student, rounds=rounds)


def mean_rounds(trial: Trial) -> float:
    """Return the mean rounds of a trial's fits; 0 if it has no rounds."""
    rounds = [outcome.rounds for outcome in trial.full_outcomes.values() if outcome.rounds]
    return sum(rounds) / len(rounds) if rounds else 0.0


class StudentPolicy:
    """A policy that trains students on some splits, one student after the other.

    A fit that can't be expected to end in time is not begun.

    Parameters
    ----------
    students : sequence of Student
        The most promising first.
    splits : sequence of (int, int)
    seconds : float
        The longest that a fit may take; one that takes longer keeps the rounds that it has.
    """

    def __init__(
        self,
        students: Sequence[Student],
        splits: Sequence[Split],
        seconds: float = math.inf,
    ) -> None:
        self._students = students
        self._splits = splits
        self._seconds = seconds

    def next(self, study: Study, capacity: Capacity) -> Action:
        """Return the next fit."""
        for student in self._students:
            split = self._next_split(study, student)
            if split is None:
                continue
            expected = expected_seconds(study, student.candidate)
            if min(expected, self._seconds) > capacity.seconds:
                continue
            return Job(
                student.candidate,
                study.data,
                *split,
                seed=seed_for(study.seed, student.candidate, *split),
                rounds=student.rounds,
                resources=capacity.resources,
                seconds=min(capacity.seconds, self._seconds),
            )
        return Wait() if study.running else Stop()

    def _next_split(self, study: Study, student: Student) -> Split | None:
        """Return the first split on which a student was not trained; None once it has failed."""
        trial = study.trials.get(student.id)
        if trial is None:
            return self._splits[0]
        if trial.failure:
            return None
        started = study.started_splits(trial)
        for split in self._splits:
            if split not in started:
                return split
        return None
