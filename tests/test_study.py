"""Jobs have one name for equal work; a study is the sum of its events."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.events import DataPrepared, FitEnded, FitStarted, RunStarted
from automl.features.recipe import RECIPES
from automl.resources import Resources
from automl.study import Plan, Size, Study
from automl.task import Task

CANDIDATE = Candidate("lightgbm", {"num_leaves": 31}, RECIPES["native"], "portfolio")
TASK = Task("binary", "y", "roc_auc", ("no", "yes"))


def prepared(plan: Plan) -> Study:
    """A study whose data is known."""
    return Study().add(DataPrepared(TASK, "d", Size(100, 3), plan))


def with_fit(study: Study, job: Job, outcome: Outcome) -> Study:
    study = study.add(FitStarted(job))
    assert list(study.running) == [job.key]
    return study.add(FitEnded(job.candidate.id, job.key, outcome))


def test_the_origin_of_a_candidate_is_no_part_of_its_id() -> None:
    assert replace(CANDIDATE, origin="tune").id == CANDIDATE.id


def test_hyperparameters_recipe_and_family_are_part_of_a_candidates_id() -> None:
    others = [
        replace(CANDIDATE, params={"num_leaves": 30}),
        replace(CANDIDATE, recipe=RECIPES["target"]),
        replace(CANDIDATE, family="xgboost"),
    ]
    assert len({CANDIDATE.id, *(other.id for other in others)}) == 4


def test_the_order_of_hyperparameters_does_not_matter() -> None:
    one = Candidate("knn", {"k": 1, "p": 2}, RECIPES["native"])
    other = Candidate("knn", {"p": 2, "k": 1}, RECIPES["native"])
    assert one.id == other.id


def test_candidate_ids_and_job_keys_are_those_of_earlier_versions() -> None:
    recipe = replace(RECIPES["onehot"], text="skip")
    candidate = Candidate("linear", {"C": 1.0, "penalty": "l2"}, recipe)
    assert candidate.id == "6511e6473c43"
    assert Job(candidate, "d", 0, 1, seed=3).key == "df72a67008a9"


@pytest.mark.parametrize(
    "change",
    [
        {"rows": 10},
        {"rounds": 5},
        {"fold": 1},
        {"fold": None},
        {"repeat": 1},
        {"seed": 1},
        {"resources": Resources(2)},
        {"resources": Resources(device="cuda")},
        {"data": "other"},
    ],
    ids=str,
)
def test_every_fidelity_of_a_job_has_a_key_of_its_own(change: dict[str, object]) -> None:
    job = Job(CANDIDATE, "data")
    assert replace(job, **change).key != job.key  # type: ignore[arg-type]


def test_time_and_memory_limits_are_no_part_of_a_jobs_key() -> None:
    job = Job(CANDIDATE, "data")
    assert replace(job, seconds=3.0).key == job.key
    assert replace(job, resources=Resources(memory=10**9)).key == job.key


def test_jobs_and_candidates_survive_json() -> None:
    job = Job(CANDIDATE, "data", 1, 2, 3, None, 7, Resources(2))
    again = Job.from_json(json.loads(json.dumps(job.to_json())))
    assert again == job
    assert again.key == job.key


def test_a_trial_is_complete_once_every_fold_has_a_loss() -> None:
    study = prepared(Plan("kfold", 2, 1)).add(RunStarted(0))
    for fold, loss in ((0, 0.2), (1, 0.4)):
        study = with_fit(study, Job(CANDIDATE, "d", 0, fold), Outcome("done", loss))
    trial = study.trials[CANDIDATE.id]
    assert study.is_complete(trial)
    assert math.isclose(trial.loss, 0.3)
    assert study.running == {}


def test_a_fit_on_fewer_rows_does_not_complete_a_trial() -> None:
    job = Job(CANDIDATE, "d", 0, 0, rows=10)
    study = with_fit(prepared(Plan("holdout", 1, 1)), job, Outcome("done", 0.1))
    trial = study.trials[CANDIDATE.id]
    assert not study.is_complete(trial)
    assert trial.low_fidelity == Outcome("done", 0.1)


def test_a_cancelled_fit_may_be_tried_again_and_is_no_failure() -> None:
    job = Job(CANDIDATE, "d", 0, 0)
    study = with_fit(prepared(Plan("kfold", 2, 1)), job, Outcome("cancelled"))
    trial = study.trials[CANDIDATE.id]
    assert study.started_splits(trial) == set()
    assert trial.failure is None
