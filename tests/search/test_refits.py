"""Refits: the heaviest member first, seedless families once, none that can't end in time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from automl.budget import Budget
from automl.candidate import Candidate, Job, Outcome, Split
from automl.ensemble import Truth
from automl.features.recipe import RECIPES
from automl.lab.policy import Capacity, Stop
from automl.search.refits import RefitPolicy, refit_seconds
from automl.stages.ensemble import Ensemble, Pool, weigh
from automl.study import Plan, Size, Study
from automl.task import Task
from automl.trial import Trial
from tests.made_trials import complete_trial

ROOM = Capacity(1000.0, 2, 1)
STUDY = Study(
    task=Task("binary", "y", "log_loss", ("no", "yes")),
    data="d",
    size=Size(500, 5),
    plan=Plan("kfold", 2),
)


def study_of(**seconds: float) -> Study:
    """Return a study with a complete trial of each family, by the seconds of its fits."""
    trials = {}
    for name, taken in seconds.items():
        outcomes: dict[Split, Outcome] = {}
        for repeat, fold in STUDY.plan.splits:
            rounds = 10 + 20 * fold
            outcomes[repeat, fold] = Outcome("done", 0.5, taken, rounds=rounds)
        trial = complete_trial(Candidate(name, {}, RECIPES["native"]), outcomes)
        trials[trial.id] = trial
    return replace(STUDY, trials=trials)


def budget_of(seconds: float) -> Budget:
    return Budget(seconds, lambda: 0.0)


def ids(study: Study) -> dict[str, str]:
    return {trial.candidate.family: trial.id for trial in study.trials.values()}


def asked(policy: RefitPolicy, study: Study, capacity: Capacity = ROOM) -> Iterator[Job]:
    while isinstance(move := policy.next(study, capacity), Job):
        yield move
    assert isinstance(move, Stop)


def test_each_member_is_refitted_once_before_any_is_refitted_twice() -> None:
    study = study_of(lightgbm=1.0, linear=1.0, catboost=1.0)
    names = ids(study)
    jobs = list(
        asked(RefitPolicy(study, {names["linear"]: 0.6, names["catboost"]: 0.4}, copies=3), study)
    )
    assert [(job.candidate.family, job.repeat) for job in jobs] == [
        ("linear", 0),
        ("catboost", 0),
        ("catboost", 1),
        ("catboost", 2),
    ]
    assert {job.fold for job in jobs} == {None}
    assert len({job.seed for job in jobs}) == 4


def test_the_next_refit_is_of_the_member_with_the_most_weight_for_each_refit() -> None:
    study = study_of(lightgbm=1.0, catboost=1.0)
    names = ids(study)
    jobs = list(
        asked(RefitPolicy(study, {names["lightgbm"]: 0.7, names["catboost"]: 0.3}, copies=3), study)
    )
    assert [job.candidate.family for job in jobs] == [
        "lightgbm",
        "lightgbm",
        "catboost",
        "lightgbm",
        "catboost",
        "catboost",
    ]


def test_each_member_has_a_refit_before_one_has_two_where_no_bag_answers() -> None:
    study = study_of(lightgbm=1.0, catboost=1.0)
    names = ids(study)
    jobs = list(
        asked(
            RefitPolicy(
                study,
                {names["lightgbm"]: 0.9, names["catboost"]: 0.1},
                copies=2,
                one_each_first=True,
            ),
            study,
        )
    )
    assert [job.candidate.family for job in jobs] == [
        "lightgbm",
        "catboost",
        "lightgbm",
        "catboost",
    ]


def test_a_forest_alone_takes_longer_than_one_among_others() -> None:
    study = study_of(lightgbm=1.0, extra_trees=1.0)
    alone, boosted = (
        refit_seconds(study, study.trials[ids(study)[name]]) for name in ("extra_trees", "lightgbm")
    )
    assert alone == pytest.approx(boosted * 2**0.5, rel=0.01)


def test_a_forest_of_few_trees_has_all_of_them_among_others_too() -> None:
    study = replace(study_of(lightgbm=1.0, extra_trees=1.0), size=Size(40_000, 5))
    alone, boosted = (
        refit_seconds(study, study.trials[ids(study)[name]]) for name in ("extra_trees", "lightgbm")
    )
    assert alone == boosted


def test_a_low_fidelity_fit_does_not_decide_the_rounds_of_a_refit() -> None:
    study = study_of(lightgbm=1.0)
    (trial,) = study.trials.values()
    job = Job(trial.candidate, "d", 0, 0, rows=100)
    looked = replace(
        trial,
        jobs={**trial.jobs, job.key: job},
        outcomes={**trial.outcomes, job.key: Outcome("done", 0.5, 0.1, rounds=900)},
    )
    (refit,) = asked(RefitPolicy(replace(study, trials={trial.id: looked}), {trial.id: 1.0}), study)
    assert refit.rounds == 22


def test_a_refit_has_a_tenth_more_rounds_than_its_folds_had() -> None:
    study = study_of(lightgbm=1.0)
    (job,) = asked(RefitPolicy(study, dict.fromkeys(study.trials, 1.0)), study)
    assert job.rounds == 22


def test_a_copy_has_as_many_rounds_as_the_first_refit() -> None:
    study = study_of(lightgbm=1.0)
    (trial,) = study.trials.values()
    job = Job(trial.candidate, "d", 0, None, rounds=22)
    there = replace(
        trial,
        jobs={**trial.jobs, job.key: job},
        outcomes={**trial.outcomes, job.key: Outcome("done", None, 1.0, rounds=22)},
    )
    study = replace(study, trials={trial.id: there})
    assert [job.rounds for job in asked(RefitPolicy(study, {trial.id: 1.0}, copies=2), study)] == [
        22
    ]


def test_a_refit_that_cannot_end_in_time_is_only_started_if_nothing_else_can_answer() -> None:
    study = study_of(lightgbm=1.0, catboost=50.0)
    names = {ids(study)["catboost"]: 0.5, ids(study)["lightgbm"]: 0.5}
    short = replace(ROOM, seconds=10.0)
    assert [
        job.candidate.family
        for job in asked(RefitPolicy(study, names, 2, needed=False), study, short)
    ] == ["lightgbm", "lightgbm"]
    assert [job.candidate.family for job in asked(RefitPolicy(study, names, 1), study, short)] == [
        "lightgbm"
    ]
    assert [
        job.candidate.family
        for job in asked(RefitPolicy(study, {ids(study)["catboost"]: 1.0}, 1), study, short)
    ] == ["catboost"]


def test_no_refit_is_made_twice() -> None:
    study = study_of(lightgbm=1.0)
    (trial,) = study.trials.values()
    job = Job(trial.candidate, "d", 0, None)
    there = replace(
        trial,
        jobs={**trial.jobs, job.key: job},
        outcomes={**trial.outcomes, job.key: Outcome("done", None, 1.0)},
    )
    study = replace(study, trials={trial.id: there})
    assert there.refits == ((0, None),)
    assert [job.repeat for job in asked(RefitPolicy(study, {trial.id: 1.0}, copies=2), study)] == [
        1
    ]


def test_a_refit_that_its_deadline_stopped_is_neither_used_nor_made_again() -> None:
    study = study_of(lightgbm=1.0)
    (trial,) = study.trials.values()
    job, cut_short = (
        Job(trial.candidate, "d", 0, None, rounds=22),
        Outcome("done", None, 1.0, rounds=15, stopped=True),
    )
    there = replace(
        trial, jobs={**trial.jobs, job.key: job}, outcomes={**trial.outcomes, job.key: cut_short}
    )
    study = replace(study, trials={trial.id: there}, finish="refit")
    assert study.bag(there) == study.plan.splits
    assert study.refits(there) == ()
    assert list(asked(RefitPolicy(study, {trial.id: 1.0}), study)) == []
    nearly = replace(there, outcomes={**there.outcomes, job.key: replace(cut_short, rounds=16)})
    assert study.refits(nearly) == ((0, None),)


def test_refits_of_neighbours_replace_their_bags() -> None:
    study = replace(study_of(knn=1.0, lightgbm=1.0), finish="both")
    for trial in study.trials.values():
        assert study.bag(trial) == study.plan.splits
        job = Job(trial.candidate, "d", 0, None)
        there = replace(
            trial,
            jobs={**trial.jobs, job.key: job},
            outcomes={**trial.outcomes, job.key: Outcome("done", None, 1.0)},
        )
        assert study.bag(there) == (() if trial.candidate.family == "knn" else study.plan.splits)


def test_members_that_would_make_the_predictor_too_large_are_left_out() -> None:
    study = study_of(lightgbm=1.0, catboost=1.0, linear=1.0, knn=1.0)
    rng = np.random.default_rng(0)
    right = rng.uniform(0.2, 0.9, 500)
    y = rng.integers(0, 2, 500).astype(float)
    ones = np.where(y == 1, right, 1 - right)
    there = Pool(tuple(study.trials.values()), (np.column_stack([1 - ones, ones]),) * 4, Truth(y))
    of_size = {"lightgbm": 30, "catboost": 50, "linear": 1, "knn": 30}  # a fit's megabytes

    def grown(trial: Trial) -> Trial:
        size = of_size[trial.candidate.family] * 10**6
        return replace(
            trial,
            outcomes={key: replace(outcome, size=size) for key, outcome in trial.outcomes.items()},
        )

    study = replace(study, trials={name: grown(trial) for name, trial in study.trials.items()})

    def kept(megabytes: int, **options: Any) -> set[str]:
        stage = Ensemble(megabytes=megabytes, trim=False, **options)
        weights = weigh(stage, study, there)
        assert sum(weights.values()) == pytest.approx(1)
        return {study.trials[name].candidate.family for name in weights}

    # two fold models and four refits of 30 MB, as many of 50 MB, three of 1 MB,
    # and one refit of 30 MB
    assert kept(513) == {"lightgbm", "catboost", "linear", "knn"}
    assert kept(512) == {"lightgbm", "catboost", "linear"}
    assert kept(180, finish="refit") == {"lightgbm", "catboost", "linear", "knn"}
    assert kept(164, finish="bag") == {"lightgbm", "catboost", "linear"}
    assert kept(100) == {"linear", "knn"}
    assert kept(1) == {"linear"}
