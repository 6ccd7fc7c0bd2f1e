"""Manual candidates: each fold once, none dropped, no fit begun that can't end in time."""

from __future__ import annotations

import math

from automl.candidate import Candidate, Job
from automl.features.recipe import RECIPES
from automl.lab.policy import Capacity, Stop
from automl.models import find_family
from automl.search.all_folds import AllFoldsPolicy
from automl.study import Plan, Size, Study
from automl.task import Task

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
