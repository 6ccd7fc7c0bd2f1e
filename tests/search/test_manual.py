"""Manual candidates: each fold once, none dropped, no fit begun that can't end in time."""

from __future__ import annotations

import math
from dataclasses import replace

from automl.candidate import Candidate, Job, Outcome
from automl.features.recipe import RECIPES
from automl.lab.policy import Capacity, Stop
from automl.models import find_family
from automl.search.all_folds import AllFoldsPolicy
from automl.search.manual import variation
from automl.study import Plan, Size, Study
from automl.task import Task
from tests.made_trials import complete_trial

TASK = Task("binary", "y", "log_loss", ("no", "yes"))


def test_a_fit_that_is_not_expected_to_end_in_time_is_not_begun() -> None:
    study = Study(
        task=TASK, plan=Plan("kfold", 3), recipes=(RECIPES["native"],), size=Size(20_000, 50)
    )
    candidate = Candidate(
        "catboost", find_family("catboost").defaults(TASK), RECIPES["native"], "manual"
    )
    policy = AllFoldsPolicy([candidate])
    assert isinstance(policy.next(study, Capacity(math.inf, 1, 1)), Job)
    assert isinstance(policy.next(study, Capacity(600.0, 1, 1)), Job)
    assert policy.next(study, Capacity(0.05, 1, 1)) == Stop()


def test_a_candidate_of_few_rounds_is_expected_to_take_as_much_less_time() -> None:
    params = {"learning_rate": 0.05}
    usual = Candidate("lightgbm", params, RECIPES["native"], "tune")
    outcome = Outcome("done", 0.5, 10.0, rounds=1000)
    plan = Plan("kfold", 2)
    tried = complete_trial(usual, dict.fromkeys(plan.splits, outcome))
    study = Study(
        task=TASK,
        plan=plan,
        recipes=(RECIPES["native"],),
        size=Size(20_000, 50),
        trials={tried.id: tried},
    )
    quick = replace(usual, params={"learning_rate": 0.4}, rounds=100)
    policy = AllFoldsPolicy([quick])
    assert isinstance(policy.next(study, Capacity(2.0, 1, 1)), Job)
    assert policy.next(study, Capacity(0.5, 1, 1)) == Stop()


def test_a_variation_keeps_a_fixed_number_of_rounds() -> None:
    base = Candidate("lightgbm", {"learning_rate": 0.05}, RECIPES["native"], "tune", rounds=50)
    study = Study(task=TASK, plan=Plan("kfold", 2), recipes=(RECIPES["native"],), size=Size(99, 5))
    assert variation(study, base, {"learning_rate": 0.1}).rounds == 50
