"""Ensembles are chosen under a price: members leave, and bags give way to refits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.ensemble import Truth, select_greedily, weights_by_id
from automl.features.recipe import RECIPES
from automl.metrics import METRICS
from automl.model_costs import ModelCost, fold_model_cost, refit_cost
from automl.prediction_costs import Arrangement, estimate_cost, estimate_trial_cost
from automl.price import Cost, Price
from automl.stages._pool import Pool
from automl.stages._pricing import Selector
from automl.study import Plan, Size, Study
from automl.task import Task
from tests.made_trials import complete_trial

RNG = np.random.default_rng(0)
N_ROWS = 400
Y = RNG.normal(size=N_ROWS)
BAG = Arrangement("both", planned=4)
REFIT = Arrangement("refit", copies=1, planned=1)
EMPTY = Study(
    task=Task("regression", "y", "rmse"),
    data="d",
    size=Size(N_ROWS, 5),
    plan=Plan("kfold", 4),
)


def study_of(encoding: float = 0.0, **models: tuple[float, float]) -> Study:
    """Return a study with a trial of each family, whose models have these ms and megabytes.

    Each reads an encoding of so many megabytes.
    """
    encoding_size = int(encoding * 1e6)
    trials = {}
    for name, (row_ms, megabytes) in models.items():
        candidate = Candidate(name, {}, RECIPES["native"])
        outcome = Outcome(
            "done",
            0.5,
            1.0,
            size=int(megabytes * 1e6),
            row_ms=row_ms,
            encoding_size=encoding_size,
        )
        trial = complete_trial(candidate, dict.fromkeys(EMPTY.plan.splits, outcome))
        trials[trial.id] = trial
    return replace(EMPTY, trials=trials)


def selector_of(study: Study, *errors: float, copies_in_time: int = 4) -> Selector:
    """Return a selector over the study's trials, whose predictions err independently."""
    trials = tuple(study.trials.values())
    predictions = tuple(Y + RNG.normal(0, error, N_ROWS) for error in errors)
    pool = Pool(trials, predictions, Truth(Y))
    by_id = {trial.id: prediction for trial, prediction in zip(trials, predictions, strict=True)}

    def loss(weights: Mapping[str, float]) -> float:
        mean = sum(weight * by_id[name] for name, weight in weights.items())
        return float(np.sqrt(np.mean((mean - Y) ** 2)))

    def weigh(part: Pool) -> Mapping[str, float]:
        ids = [trial.id for trial in part.trials]
        return weights_by_id(ids, weigher(part.predictions, Truth(Y)))

    weigher = partial(select_greedily, metric=METRICS["rmse"])
    arrangements = [BAG, REFIT]
    return Selector(
        study,
        pool,
        pool,
        weigh,
        weigher,
        loss,
        arrangements,
        copies_in_time=lambda study, weights: copies_in_time,
    )


def always() -> bool:
    return True


def families(study: Study, weights: Mapping[str, float]) -> set[str]:
    return {study.trials[name].family for name in weights}


def test_no_more_refits_are_planned_than_there_is_time_for() -> None:
    study = study_of(lightgbm=(1.0, 1.0), catboost=(1.0, 1.0))
    selector = selector_of(study, 0.5, 0.5, copies_in_time=2)
    assert selector.choose(Price(), always).arrangement == replace(BAG, planned=2)


def test_without_a_bound_everything_stays_as_it_is() -> None:
    study = study_of(lightgbm=(1.0, 1.0), catboost=(1.0, 1.0))
    choice = selector_of(study, 0.5, 0.5).choose(Price(), always)
    assert choice.arrangement == BAG
    assert families(study, choice.weights) == {"lightgbm", "catboost"}


def test_bags_give_way_to_refits_before_members_leave() -> None:
    study = study_of(lightgbm=(1.0, 1.0), catboost=(1.0, 1.0))
    choice = selector_of(study, 0.5, 0.5).choose(Price(megabytes=3), always)
    assert choice.arrangement == REFIT
    assert families(study, choice.weights) == {"lightgbm", "catboost"}


def test_the_best_member_that_is_affordable_stays() -> None:
    study = study_of(lightgbm=(1.0, 9.0), catboost=(1.0, 1.0), linear=(1.0, 0.1))
    choice = selector_of(study, 0.1, 0.3, 5.0).choose(Price(megabytes=1.5), always)
    assert families(study, choice.weights) == {"catboost"}
    assert choice.cost.megabytes <= 1.5


@pytest.mark.parametrize("price", [Price(milliseconds=3), Price(megabytes=3), Price(3, 3)])
def test_what_is_chosen_keeps_to_the_price(price: Price) -> None:
    study = study_of(lightgbm=(1.0, 1.0), catboost=(0.5, 2.0), linear=(0.1, 0.1), knn=(2.0, 0.2))
    choice = selector_of(study, 0.2, 0.3, 0.9, 0.4).choose(price, always)
    assert price.allows(choice.cost)
    assert sum(choice.weights.values()) == pytest.approx(1)


def test_where_nothing_is_affordable_the_cheapest_model_is_chosen() -> None:
    study = study_of(lightgbm=(1.0, 9.0), linear=(1.0, 0.5))
    choice = selector_of(study, 0.1, 0.9).choose(Price(megabytes=0.1), always)
    assert families(study, choice.weights) == {"linear"}
    assert choice.arrangement == REFIT


def test_a_refit_of_a_family_without_seeds_is_made_once() -> None:
    study = study_of(linear=(1.0, 1.0))
    (trial,) = study.trials.values()
    assert Arrangement("refit", planned=4).n_models(study, trial) == (0, 1)


def test_an_encoding_that_two_members_read_counts_once() -> None:
    study = study_of(encoding=2.0, lightgbm=(0.0, 0.0), catboost=(0.0, 0.0))
    first, second = study.trials.values()
    one = estimate_cost(study, [first], REFIT)
    two = estimate_cost(study, [first, second], REFIT)
    assert one == two
    assert one.megabytes > 2.0


def test_a_study_uses_no_more_models_of_a_member_than_were_paid_for() -> None:
    study = study_of(lightgbm=(1.0, 1.0))
    (trial,) = study.trials.values()
    assert len(study.bag(trial)) == 4
    limited = replace(study, copies=1)
    assert len(limited.bag(trial)) == 1
    difference = estimate_trial_cost(study, trial).milliseconds
    difference -= estimate_trial_cost(limited, trial).milliseconds
    assert difference == pytest.approx(3.0)


def test_a_price_for_estimates_follows_what_a_predictor_really_costs() -> None:
    price = Price(milliseconds=5)
    twice_as_slow = price.corrected(Cost(4, 1), Cost(8, 1), margin=0.1)
    assert twice_as_slow.milliseconds == pytest.approx(5 * 0.5 * 0.9)
    twice_as_quick = price.corrected(Cost(4, 1), Cost(2, 1), margin=0.1)
    assert twice_as_quick.milliseconds == pytest.approx(10)
    assert math.isinf(twice_as_quick.megabytes)


def test_a_refit_of_a_forest_has_all_trees_of_which_fold_models_keep_a_part() -> None:
    study = replace(study_of(random_forest=(1.0, 1.0)), plan=Plan("kfold", 8))
    (trial,) = study.trials.values()
    outcome = Outcome("done", 0.5, 1.0, rounds=300, size=1_000_000, row_ms=1.0)
    forest = complete_trial(trial.candidate, dict.fromkeys(study.plan.splits, outcome))
    study = replace(study, trials={forest.id: forest})
    fold, refit = fold_model_cost(forest), refit_cost(study, forest)
    assert fold == ModelCost(1.0, 1e6)
    assert refit.milliseconds == pytest.approx(1.1 * 4)
    assert refit.n_bytes == pytest.approx(1.1 * 4 * 8 / 7 * 1e6)


def test_what_misses_the_price_by_known_refits_is_not_chosen() -> None:
    study = study_of(lightgbm=(1.0, 1.0), linear=(1.0, 0.1))
    selector = selector_of(study, 0.1, 0.9)
    price = Price(megabytes=1.5)
    assert families(study, selector.choose(price, always).weights) == {"lightgbm"}
    name = next(iter(study.trials))
    trial = study.trials[name]
    job = Job(trial.candidate, "d", 0, None)
    large = Outcome("done", None, 1.0, size=9_000_000, row_ms=1.0)
    refitted = replace(
        trial, jobs={**trial.jobs, job.key: job}, outcomes={**trial.outcomes, job.key: large}
    )
    known = replace(study, trials={**study.trials, name: refitted})
    chosen = replace(selector, study=known).choose(price, always)
    assert families(study, chosen.weights) == {"linear"}


def test_refits_that_did_not_come_about_are_not_counted_on() -> None:
    study = study_of(lightgbm=(1.0, 1.0))
    choice = selector_of(study, 0.5).choose(Price(megabytes=1.5), always)
    assert choice.arrangement == REFIT
    assert choice.loss_with(4) == choice.loss_with(1) == choice.loss
    assert choice.loss_with(0) > choice.loss > choice.loss_of_bags
