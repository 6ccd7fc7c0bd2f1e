"""An early end is predicted from what the last quarter of the budget brought."""

from __future__ import annotations

import math

import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.features.recipe import RECIPES
from automl.search.plateau import MIN_COMPLETE_TRIALS, predict_gain
from automl.study import Plan, Study
from automl.trial import Trial


def study_of(losses: list[float]) -> Study:
    """Complete trials of one fold and four seconds each, in this order."""
    trials = {}
    for place, loss in enumerate(losses):
        candidate = Candidate("linear", {"C": float(place)}, RECIPES["native"], "tune")
        job = Job(candidate, "d")
        trials[candidate.id] = Trial(
            candidate, {job.key: job}, {job.key: Outcome("done", loss, 4.0)}, "done"
        )
    return Study(plan=Plan("kfold", 1), trials=trials)


def test_a_stagnant_search_predicts_no_gain() -> None:
    assert predict_gain(study_of([0.5] * 80), seconds_left=80, workers=1) == 0.0


def test_the_predicted_gain_is_that_of_the_last_quarter() -> None:
    gain = predict_gain(study_of([1.0 - 0.005 * k for k in range(80)]), seconds_left=80, workers=1)
    assert gain == pytest.approx(25 * 0.005 / (1.0 - 0.005 * 74.5), rel=0.01)


@pytest.mark.parametrize(
    ("count", "left"), [(MIN_COMPLETE_TRIALS - 1, 200.0), (80, 400.0), (80, math.inf), (31, 0.0)]
)
def test_no_end_is_predicted_too_early(count: int, left: float) -> None:
    assert predict_gain(study_of([0.5] * count), seconds_left=left, workers=1) == math.inf


def test_a_perfect_score_cannot_gain() -> None:
    assert predict_gain(study_of([0.0] * 80), seconds_left=80, workers=1) == 0.0


def test_an_empty_study_predicts_an_infinite_gain() -> None:
    assert predict_gain(Study(), 10.0, 2) == math.inf
