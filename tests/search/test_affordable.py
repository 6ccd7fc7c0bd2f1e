"""Under a price the best boosted models are tried with fewer rounds at a higher rate."""

from __future__ import annotations

from dataclasses import replace

import pytest

from automl.candidate import Candidate, Outcome
from automl.features.recipe import RECIPES
from automl.price import Price
from automl.search.affordable import affordable_variants, is_best_affordable
from automl.study import Plan, Size, Study
from automl.task import Task
from automl.trial import Trial
from tests.made_trials import complete_trial

EMPTY = Study(
    task=Task("regression", "y", "rmse"),
    data="d",
    size=Size(1000, 5),
    plan=Plan("kfold", 2),
)


def study_of(*families: str) -> Study:
    """Return a study with a trial of each family, of 1 000 rounds and 2 MB, the best first."""
    trials = {}
    for place, family in enumerate(families):
        params = {"learning_rate": 0.05}
        candidate = Candidate(family, params, RECIPES["native"], "tune")
        outcome = Outcome("done", float(place), 1.0, rounds=1000, size=2_000_000, row_ms=1.0)
        trial = complete_trial(candidate, dict.fromkeys(EMPTY.plan.splits, outcome))
        trials[trial.id] = trial
    return replace(EMPTY, trials=trials)


def test_a_model_that_is_twice_too_large_gets_half_the_rounds_at_twice_the_rate() -> None:
    (variant,) = affordable_variants(study_of("lightgbm"), Price(megabytes=1.02))
    assert variant.rounds == pytest.approx(465, abs=1)
    assert variant.params["learning_rate"] == pytest.approx(0.1075, abs=0.001)
    assert variant.origin == "ensemble"


@pytest.mark.parametrize("price", [Price(), Price(megabytes=5), Price(milliseconds=100)])
def test_nothing_is_tried_where_two_such_models_keep_to_the_price(price: Price) -> None:
    assert affordable_variants(study_of("lightgbm", "catboost"), price) == []


def test_a_model_that_leaves_no_room_for_another_gets_a_variant_of_half_the_price() -> None:
    price = Price(megabytes=3.02)
    study = study_of("lightgbm")
    assert is_best_affordable(study, price)
    (variant,) = affordable_variants(study, price)
    assert variant.rounds == pytest.approx(697, abs=1)


def test_a_forest_that_is_too_large_gets_fewer_trees() -> None:
    study = study_of("random_forest")
    price = Price(megabytes=1.02)
    assert not is_best_affordable(study, price)
    (variant,) = affordable_variants(study, price)
    assert variant.rounds == pytest.approx(232, abs=1)  # a refit of twice the rows is larger
    assert variant.params["n_estimators"] == variant.rounds


def test_an_interrupted_variant_is_continued_and_has_no_variants_itself() -> None:
    price = Price(megabytes=1.02)
    study = study_of("lightgbm")
    (variant,) = affordable_variants(study, price)
    outcome = Outcome("done", -1.0, 1.0, rounds=455, size=900_000, row_ms=1.0)
    first, *_ = EMPTY.plan.splits
    begun = complete_trial(variant, {first: outcome})
    begun = replace(begun, decided="")
    assert affordable_variants(with_trial(study, begun), price) == [variant]
    whole = complete_trial(variant, dict.fromkeys(EMPTY.plan.splits, outcome))
    assert affordable_variants(with_trial(study, whole), price) == []


def with_trial(study: Study, trial: Trial) -> Study:
    return replace(study, trials={**study.trials, trial.id: trial})


def test_models_without_rounds_to_save_have_no_variants() -> None:
    assert affordable_variants(study_of("knn"), Price(megabytes=1)) == []


def test_a_price_that_no_round_keeps_to_has_no_variants() -> None:
    assert affordable_variants(study_of("lightgbm"), Price(megabytes=0.001)) == []


def test_variants_that_can_not_be_trained_in_time_are_left_out() -> None:
    study = study_of("lightgbm", "catboost")
    price = Price(megabytes=1.02)
    both = affordable_variants(study, price)
    assert [variant.family for variant in both] == ["lightgbm", "catboost"]
    assert affordable_variants(study, price, seconds=1.2) == both[:1]


def test_where_no_variant_can_be_trained_in_time_the_best_one_has_even_fewer_rounds() -> None:
    study = study_of("lightgbm", "catboost")
    price = Price(megabytes=1.02)
    (usual, _) = affordable_variants(study, price)
    (variant,) = affordable_variants(study, price, seconds=0.5)
    assert variant.family == "lightgbm"
    assert variant.rounds < 0.6 * usual.rounds
