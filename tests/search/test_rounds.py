"""Candidates use up the price that they are given, and no more."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.candidate import Candidate, Job, Outcome
from automl.features.recipe import RECIPES
from automl.model_costs import REFIT_ROUNDS_FACTOR
from automl.search.rounds import MAX_LEARNING_RATE, MIN_ROUNDS, SLOW_LEARNING_RATE, fitted_to
from automl.trial import Trial


def tried(family: str = "lightgbm", rounds: int = 100) -> tuple[Candidate, Trial]:
    """A student that was fitted once."""
    candidate = Candidate(family, {"learning_rate": 0.15}, RECIPES["mixed"], "distilled")
    job = Job(candidate, "data")
    outcome = Outcome("done", 0.5, rounds=rounds, size=1000)
    return candidate, Trial(candidate, {job.key: job}, {job.key: outcome})


@given(st.integers(1, 5000), st.floats(0.01, 2))
def test_a_student_that_costs_too_much_gets_fewer_rounds_at_a_higher_rate(
    rounds: int, share: float
) -> None:
    student, trial = tried(rounds=rounds)
    smaller = fitted_to(student, trial, share)
    if smaller is None:
        assert share * rounds * REFIT_ROUNDS_FACTOR < MIN_ROUNDS + 1
        return
    if smaller.rounds is None:
        assert share >= 0.15 / SLOW_LEARNING_RATE * 0.999
        return
    assert smaller.rounds <= share * rounds * REFIT_ROUNDS_FACTOR * 1.0001
    rate = smaller.params["learning_rate"]
    assert SLOW_LEARNING_RATE <= rate <= MAX_LEARNING_RATE


def test_a_student_that_costs_little_learns_more_slowly() -> None:
    student, trial = tried()
    slower = fitted_to(student, trial, 4.0)
    assert slower is not None
    assert slower.rounds is None
    assert slower.params["learning_rate"] == SLOW_LEARNING_RATE


@pytest.mark.parametrize("family", ["linear", "mlp"])
def test_a_student_without_trees_stays_as_it_is(family: str) -> None:
    student, trial = tried(family)
    assert fitted_to(student, trial, 0.5) is None


def test_candidates_that_differ_in_their_rounds_alone_are_two() -> None:
    free, _ = tried()
    fixed = replace(free, rounds=50)
    assert len({free.id, fixed.id, replace(free, rounds=40).id}) == 3
    assert Candidate.from_json(fixed.to_json()) == fixed
    assert "rounds" not in free.to_json()  # so that logs of before have the same ids
