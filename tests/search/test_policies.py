"""Policies are tested on recorded outcomes under a fake clock: hours of search in seconds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.event_log import replay
from automl.events import DataPrepared, RecipesChosen, RunStarted
from automl.features.recipe import RECIPES
from automl.journal import Journal
from automl.lab.policy import Capacity, Policy, Stop
from automl.lab.simulated_lab import SimulatedLab
from automl.resources import Resources
from automl.search.costs import (
    FIT_OVERHEAD_SECONDS,
    MAX_STARTUP_SECONDS,
    expected_seconds,
    scale_to_all_rows,
)
from automl.search.low_fidelity import LowFidelityPolicy, choose_sample_rows, sort_by_sample_loss
from automl.search.portfolio import portfolio
from automl.search.racing import RaceRules, RacingPolicy
from automl.search.sampling import Sampling
from automl.search.tuning import TuningPolicy
from automl.store import Store
from automl.study import Event, Plan, Size, Study
from automl.task import Task
from automl.trial import Trial

TASK = Task("binary", "y", "log_loss", ("no", "yes"))
NAMES = ("constant", "linear", "lightgbm", "catboost", "knn")


def candidate(name: str, **params: object) -> Candidate:
    return Candidate(name, params, RECIPES["native"], "portfolio")


def race(
    path: Path,
    policy: Policy | Callable[[Study], Policy],
    record: Callable[[Job], Outcome],
    seconds: float = 100.0,
    workers: int = 2,
    plan: Plan = Plan("kfold", 4),  # noqa: B008 - a frozen value
    rows: int = 1000,
) -> Study:
    """Run a policy on recorded outcomes; return the study, which equals its replayed log."""

    def check_and_append(study: Study, event: Event) -> None:
        assert lab.clock() <= seconds
        assert len(study.running) <= 2 * workers  # those that wait for an encoding among them
        lab.data.store.log.append(event, lab.clock())

    journal = Journal(check_and_append)
    lab = SimulatedLab(Store(path / "run"), record, seconds, workers, journal)
    study = lab.record(Study(), RunStarted(0))
    size = Size(rows=rows, columns=5, others=rows // 2)
    study = lab.record(study, DataPrepared(TASK, "d", size, plan))
    study = lab.record(
        study,
        RecipesChosen(
            (
                RECIPES["native"],
                RECIPES["onehot"],
            )
        ),
    )
    made = policy(study) if callable(policy) else policy
    study = lab.run(made, study, lab.budget)
    lab.data.store.close()
    assert not study.running
    assert replay(path / "run") == study
    return study


def race_on(
    path: Path, policy: Policy, study: Study, record: Callable[[Job], Outcome], seconds: float
) -> tuple[Study, float]:
    """Run a policy on a known study; return the new study, and the second of its end."""
    lab = SimulatedLab(Store(path / "run"), record, seconds)
    study = lab.run(policy, study, lab.budget)
    lab.data.store.close()
    return study, lab.clock()


def families(
    *best: str, others: Sequence[str] = ()
) -> Callable[[Study], tuple[Sequence[str], Sequence[str]]]:
    """Tune these families, whatever the results are."""
    return lambda study: (best, others)


def losses(by_family: dict[str, float], seconds: float = 1.0) -> Callable[[Job], Outcome]:
    """Return a record in which each family has one loss."""
    return lambda job: Outcome("done", by_family[job.candidate.family], seconds)


def test_a_hopeless_candidate_stops_after_its_first_fold(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.2, "knn": 0.69})
    study = race(
        tmp_path,
        RacingPolicy(
            [candidate("constant"), candidate("lightgbm"), candidate("knn")], RaceRules(100, 0.35)
        ),
        found,
    )
    by_name = {trial.candidate.family: trial for trial in study.trials.values()}
    assert by_name["lightgbm"].decided == "done"
    assert by_name["knn"].decided == "dropped"
    assert len(by_name["knn"].losses) == 1


def test_a_candidate_that_is_nearly_as_good_is_trained_on_every_fold(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.2, "catboost": 0.25})
    study = race(
        tmp_path,
        RacingPolicy(
            [candidate("constant"), candidate("lightgbm"), candidate("catboost")],
            RaceRules(100, 0.35),
        ),
        found,
    )
    assert {trial.decided for trial in study.trials.values()} == {"done"}


def test_no_fold_is_trained_twice(tmp_path: Path) -> None:
    seen: list[str] = []

    def record(job: Job) -> Outcome:
        seen.append(job.key)
        return Outcome("done", 0.5, 1.0)

    race(tmp_path, RacingPolicy([candidate(name) for name in NAMES], RaceRules(100, 0.35)), record)
    assert len(seen) == len(set(seen)) == 4 * len(NAMES)


def test_a_failed_fold_decides_its_trial_and_the_race_continues(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        return (
            Outcome("failed", reason="for the test")
            if job.candidate.family == "catboost"
            else Outcome("done", 0.5, 1.0)
        )

    study = race(
        tmp_path, RacingPolicy([candidate(name) for name in NAMES], RaceRules(100, 0.35)), record
    )
    by_name = {trial.candidate.family: trial for trial in study.trials.values()}
    assert by_name["catboost"].decided == "failed"
    assert by_name["knn"].decided == "done"


def test_workers_are_never_idle_while_there_is_something_to_train(tmp_path: Path) -> None:
    executor = []

    def record(job: Job) -> Outcome:
        executor.append(job)
        return Outcome("done", 0.5, 2.0)

    study = race(
        tmp_path,
        RacingPolicy([candidate(name) for name in NAMES], RaceRules(1000, 0.35)),
        record,
        seconds=1000,
    )
    assert sum(trial.seconds for trial in study.trials.values()) == 2.0 * len(executor)


def test_a_fit_that_cannot_end_in_time_is_not_started(tmp_path: Path) -> None:
    found = losses(
        {"constant": 0.7, "lightgbm": 0.2, "catboost": 0.2, "linear": 0.3, "knn": 0.3}, seconds=4.0
    )
    study = race(
        tmp_path,
        RacingPolicy([candidate(name) for name in NAMES], RaceRules(30, 0.9)),
        found,
        seconds=30,
    )
    assert all(
        outcome.status == "done"
        for trial in study.trials.values()
        for outcome in trial.outcomes.values()
    )


def test_a_fit_that_loads_a_large_library_may_always_take_the_time_for_it() -> None:
    rules = RaceRules(30.0, 0.35)
    plan = Plan("kfold", 8)
    study = Study(task=TASK, plan=plan, recipes=(RECIPES["native"],), size=Size(600, 10))
    for name, seconds in {"lightgbm": 2.0, "realmlp": 9.0, "tabm": 6.0}.items():
        job = rules.job(study, candidate(name), (0, 0), Capacity(30.0, 1, Resources()))
        assert job.seconds == seconds
        last = rules.job(study, candidate(name), (0, 0), Capacity(4.0, 1, Resources()))
        assert last.seconds == min(seconds, 4.0)


def leaf_loss(job: Job) -> Outcome:
    """Return a loss that is least at 40 leaves and a learning rate of 0.03."""
    params = job.candidate.params
    if job.candidate.family == "constant":
        return Outcome("done", 0.7, 0.1)
    distance = (np.log(params["num_leaves"] / 40)) ** 2 + (
        np.log(params["learning_rate"] / 0.03)
    ) ** 2
    return Outcome("done", 0.2 + 0.02 * float(distance) + 0.001 * (job.fold or 0), 1.0)


@pytest.mark.parametrize("method", ["tpe", "random", "cmaes", "quasi", "grid"])
def test_tuning_finds_better_values_than_the_portfolio(tmp_path: Path, method: str) -> None:
    before = race(
        tmp_path / "a",
        lambda study: RacingPolicy(portfolio(study, ["lightgbm"]), RaceRules(100, 0.35)),
        leaf_loss,
    )

    sampling = Sampling(method)  # type: ignore[arg-type]
    tuning = TuningPolicy(before, families("lightgbm"), RaceRules(150, 0.5), sampling)
    after, _ = race_on(tmp_path / "b", tuning, before, leaf_loss, seconds=150)
    if method != "grid":  # fifteen points of thousands
        assert after.ranked[0].loss < before.ranked[0].loss
    assert {
        trial.candidate.origin for name, trial in after.trials.items() if name not in before.trials
    } == {"tune"}


def test_equal_seeds_propose_equal_candidates(tmp_path: Path) -> None:
    ids = []
    for name in ("a", "b"):
        before = race(
            tmp_path / f"{name}1",
            lambda study: RacingPolicy(portfolio(study, ["lightgbm"]), RaceRules(100, 0.35)),
            leaf_loss,
        )
        after, _ = race_on(
            tmp_path / f"{name}2",
            TuningPolicy(before, families("lightgbm"), RaceRules(60, 0.5)),
            before,
            leaf_loss,
            seconds=60,
        )
        assert len(after.trials) > len(before.trials)
        ids.append(list(after.trials))
    assert ids[0] == ids[1]


def test_a_quick_family_fills_what_is_left_when_the_best_one_takes_too_long(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        slow = job.candidate.family == "catboost"
        return Outcome(
            "done",
            {"constant": 1.0, "catboost": 0.3}.get(job.candidate.family, 0.4),
            3.5 if slow else 0.2,
        )

    first = [candidate("constant"), candidate("catboost"), candidate("linear")]
    known = race(
        tmp_path / "known", RacingPolicy(first, RaceRules(60.0, 0.9)), record, seconds=60.0
    )
    tuning = TuningPolicy(
        known,
        families("catboost", others=["linear"]),
        RaceRules(10.0, 0.5),
        sampling=Sampling("random"),
    )
    study, ended = race_on(tmp_path, tuning, known, record, seconds=10.0)
    proposed = [
        trial.candidate.family
        for trial in study.trials.values()
        if trial.candidate.origin == "tune"
    ]
    assert proposed[0] == "catboost"
    assert proposed[-1] == "linear"
    assert ended > 9.5


def test_nothing_is_proposed_whose_fits_would_be_cut_short(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        return Outcome("done", {"constant": 1.0}.get(job.candidate.family, 0.3), 6.0)

    known = race(
        tmp_path / "known",
        RacingPolicy([candidate("constant"), candidate("catboost")], RaceRules(90.0, 0.9)),
        record,
        seconds=90.0,
    )
    study, _ = race_on(
        tmp_path,
        TuningPolicy(
            known, families("catboost"), RaceRules(10.0, 0.5), sampling=Sampling("random")
        ),
        known,
        record,
        seconds=10.0,
    )
    assert not [trial for trial in study.trials.values() if trial.candidate.origin == "tune"]


def test_a_quick_family_does_not_use_up_the_turns_of_a_slow_one(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        loss = {"constant": 1.0, "catboost": 0.3}.get(job.candidate.family, 0.31)
        return Outcome(
            "done", loss, {"catboost": 4.0, "linear": 0.2}.get(job.candidate.family, 0.1)
        )

    first = [candidate("constant"), candidate("linear"), candidate("catboost")]
    known = race(
        tmp_path / "known", RacingPolicy(first, RaceRules(60.0, 0.9)), record, seconds=60.0
    )
    study, _ = race_on(
        tmp_path,
        TuningPolicy(
            known,
            families("linear", "catboost"),
            RaceRules(200.0, 0.9),
            sampling=Sampling("random"),
        ),
        known,
        record,
        seconds=200.0,
    )
    proposed = [
        trial.candidate.family
        for trial in study.trials.values()
        if trial.candidate.origin == "tune"
    ]
    assert proposed.count("catboost") >= 15  # by seconds alone it were 8


def slow(losses: dict[str, float]) -> Callable[[Job], Outcome]:
    """Return a record in which the deadline stops CatBoost on every fold.

    A second candidate of a family is a little worse.
    """

    def record(job: Job) -> Outcome:
        name = job.candidate.family
        return Outcome(
            "done",
            losses[name] + job.candidate.params.get("worse", 0.0),
            1.0,
            stopped=name == "catboost",
        )

    return record


def test_only_one_good_candidate_of_a_slow_family_continues(
    tmp_path: Path,
) -> None:
    found = slow({"constant": 0.7, "lightgbm": 0.2, "catboost": 0.21})
    entered = [
        candidate("constant"),
        candidate("lightgbm"),
        candidate("catboost"),
        candidate("catboost", worse=0.01),
    ]
    study = race(tmp_path, RacingPolicy(entered, RaceRules(100, 0.35)), found)
    assert {
        trial.candidate.params.get("worse", 0.0): trial.decided for trial in study.trials.values()
    } == {0.0: "done", 0.01: "dropped"}


def begun_again(whole: Trial) -> Trial:
    """Return a trial with its first fold only."""
    key = next(iter(whole.outcomes))
    return replace(
        whole, jobs={key: whole.jobs[key]}, outcomes={key: whole.outcomes[key]}, decided=""
    )


def test_tuning_finishes_trials_of_earlier_stages(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.2, "catboost": 0.21}, seconds=2.0)
    first = [candidate("constant"), candidate("lightgbm"), candidate("catboost")]
    known = race(tmp_path / "known", RacingPolicy(first, RaceRules(100, 0.35)), found)
    whole = known.trials[first[2].id]
    begun = begun_again(whole)
    known = replace(known, trials=known.trials | {begun.id: begun})
    study, _ = race_on(
        tmp_path,
        TuningPolicy(known, families("lightgbm"), RaceRules(20.0, 0.35)),
        known,
        found,
        seconds=20.0,
    )
    assert study.trials[begun.id] == whole


def test_a_sampler_learns_of_an_earlier_trial_once_it_is_decided_and_not_as_the_best(
    tmp_path: Path,
) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.2, "catboost": 0.21}, seconds=2.0)
    first = [candidate("constant"), candidate("lightgbm"), candidate("lightgbm", num_leaves=7)]
    known = race(tmp_path / "known", RacingPolicy(first, RaceRules(100, 0.35)), found)
    begun = begun_again(known.trials[first[2].id])
    begun = replace(
        begun, outcomes={key: replace(outcome, loss=0.1) for key, outcome in begun.outcomes.items()}
    )
    known = replace(known, trials=known.trials | {begun.id: begun})
    tuning = TuningPolicy(known, families("lightgbm"), RaceRules(20.0, 0.35))
    (told,) = (tuned.optuna_study for tuned in tuning._tuners.values())
    assert [trial.params["num_leaves"] for trial in told.trials] == [31]
    dropped = replace(begun, decided="dropped")
    tuning.next(replace(known, trials=known.trials | {begun.id: dropped}), Capacity(10.0, 2, 1))
    assert [(trial.params["num_leaves"], trial.value) for trial in told.trials[:2]] == [
        (31, pytest.approx(0.2)),
        (7, pytest.approx(0.2)),
    ]


def test_a_proposal_whose_folds_cannot_end_in_time_is_not_continued(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        return Outcome(
            "done",
            0.7 if job.candidate.family == "constant" else 0.5,
            0.1 if job.fold is None or job.fold == 0 else 3.0,
        )

    known = race(
        tmp_path / "known",
        RacingPolicy([candidate("constant"), candidate("lightgbm")], RaceRules(100, 0.35)),
        record,
        seconds=100,
    )
    study, _ = race_on(
        tmp_path,
        TuningPolicy(known, families("lightgbm"), RaceRules(20.0, 0.9)),
        known,
        record,
        seconds=20.0,
    )
    assert {
        outcome.status for trial in study.trials.values() for outcome in trial.outcomes.values()
    } == {"done"}


def by_loss(study: Study) -> tuple[list[str], list[str]]:
    """Tune the family that is the best by now."""
    names = list(
        dict.fromkeys(
            trial.candidate.family for trial in study.ranked if trial.candidate.family != "constant"
        )
    )
    return names[:2], names[2:]


def test_a_family_that_becomes_the_best_late_is_tuned_most(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.3, "xgboost": 0.31, "catboost": 0.1})
    first = [
        candidate("constant"),
        candidate("lightgbm"),
        candidate("xgboost"),
        candidate("catboost"),
    ]
    known = race(tmp_path / "known", RacingPolicy(first, RaceRules(100, 0.35)), found)
    begun = begun_again(known.trials[first[3].id])
    known = replace(known, trials=known.trials | {begun.id: begun})
    study, _ = race_on(
        tmp_path,
        TuningPolicy(known, by_loss, RaceRules(60.0, 0.9), workers=2),
        known,
        found,
        seconds=60.0,
    )
    proposed = [
        trial.candidate.family
        for trial in study.trials.values()
        if trial.candidate.origin == "tune"
    ]
    assert len(proposed) > 8
    assert proposed.count("catboost") > len(proposed) / 2


def test_two_workers_are_given_proposals_of_two_families(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.3, "xgboost": 0.31})
    known = race(
        tmp_path / "known",
        RacingPolicy(
            [candidate("constant"), candidate("lightgbm"), candidate("xgboost")],
            RaceRules(100, 0.35),
        ),
        found,
    )
    study, _ = race_on(
        tmp_path,
        TuningPolicy(known, by_loss, RaceRules(60.0, 0.9), workers=2),
        known,
        found,
        seconds=60.0,
    )
    proposed = [
        trial.candidate.family
        for trial in study.trials.values()
        if trial.candidate.origin == "tune"
    ]
    assert set(proposed[:2]) == {"lightgbm", "xgboost"}


def test_families_that_there_was_no_time_for_are_tried_before_anything_is_proposed(
    tmp_path: Path,
) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.3, "catboost": 0.2})
    known = race(
        tmp_path / "known",
        RacingPolicy([candidate("constant"), candidate("lightgbm")], RaceRules(100, 0.35)),
        found,
    )
    tuning = TuningPolicy(
        known, by_loss, RaceRules(60.0, 0.9), first=[candidate("catboost")], workers=2
    )
    study, _ = race_on(tmp_path, tuning, known, found, seconds=60.0)
    new = [trial for name, trial in study.trials.items() if name not in known.trials]
    assert (new[0].candidate.family, new[0].candidate.origin, new[0].decided) == (
        "catboost",
        "portfolio",
        "done",
    )
    assert {trial.candidate.family for trial in new[1:]} == {"lightgbm", "catboost"}


def test_the_first_candidate_of_a_family_may_lie_farther_behind_than_a_proposal(
    tmp_path: Path,
) -> None:
    found = losses(
        {"constant": 0.7, "lightgbm": 0.3, "catboost": 0.38, "xgboost": 0.6}
    )  # a fifth and three quarters of the lead behind
    known = race(
        tmp_path / "known",
        RacingPolicy([candidate("constant"), candidate("lightgbm")], RaceRules(100, 0.35)),
        found,
    )
    tuning = TuningPolicy(
        known,
        by_loss,
        RaceRules(60.0, 0.1),
        first=[candidate("catboost"), candidate("xgboost")],
        workers=2,
    )
    study, _ = race_on(tmp_path, tuning, known, found, seconds=60.0)
    assert {name: study.trials[candidate(name).id].decided for name in ("catboost", "xgboost")} == {
        "catboost": "done",
        "xgboost": "dropped",
    }


def test_a_family_whose_best_recipe_changes_back_keeps_its_sampler(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "lightgbm": 0.3})
    known = race(
        tmp_path,
        RacingPolicy([candidate("constant"), candidate("lightgbm")], RaceRules(100, 0.35)),
        found,
    )
    tuning = TuningPolicy(known, families("lightgbm"), RaceRules(20.0, 0.35))
    (best,) = (trial for trial in known.trials.values() if trial.candidate.family == "lightgbm")
    other = replace(best, candidate=replace(best.candidate, recipe=RECIPES["onehot"]))
    better = replace(
        other, outcomes={key: replace(outcome, loss=0.2) for key, outcome in other.outcomes.items()}
    )
    first, changed, again = (
        tuning._tuner(study, "lightgbm")
        for study in (known, replace(known, trials={**known.trials, other.id: better}), known)
    )
    assert changed.recipe.name == "onehot"
    assert again is first is not changed


def test_higher_learning_rates_are_proposed_where_fits_are_cut_short(tmp_path: Path) -> None:
    def rates(stopped: bool) -> list[float]:
        def record(job: Job) -> Outcome:
            return Outcome(
                "done", 0.7 if job.candidate.family == "constant" else 0.5, 1.0, stopped=stopped
            )

        policy = RacingPolicy(
            [candidate("constant"), candidate("lightgbm", learning_rate=0.06)], RaceRules(100, 0.35)
        )
        known = race(tmp_path / f"known-{stopped}", policy, record, seconds=100)
        study, _ = race_on(
            tmp_path / f"{stopped}",
            TuningPolicy(known, families("lightgbm"), RaceRules(60.0, 0.9)),
            known,
            record,
            seconds=60.0,
        )
        return [
            trial.candidate.params["learning_rate"]
            for trial in study.trials.values()
            if trial.candidate.origin == "tune"
        ]

    assert max(rates(stopped=False)) <= 0.1
    short_budget = rates(stopped=True)
    assert short_budget[0] == pytest.approx(0.15)
    assert len(short_budget) > 3
    assert min(short_budget) >= 0.05
    assert max(short_budget) <= 0.4


def test_learning_rates_are_not_so_low_that_a_fit_would_be_cut_short(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        rate = job.candidate.params.get("learning_rate", 1.0)
        return Outcome(
            "done",
            0.7 if job.candidate.family == "constant" else 0.5,
            0.05 / float(rate),
            stopped=rate < 0.01,
        )  # type: ignore[arg-type]

    known = race(
        tmp_path / "known",
        RacingPolicy(
            [candidate("constant"), candidate("lightgbm", learning_rate=0.05)], RaceRules(100, 0.35)
        ),
        record,
    )
    # a fit may take 5 s: a third of two rounds of folds
    tuning = TuningPolicy(
        known, families("lightgbm"), RaceRules(30.0, 0.9), sampling=Sampling("random"), workers=2
    )
    study, _ = race_on(tmp_path, tuning, known, record, seconds=30.0)
    rates = [
        trial.candidate.params["learning_rate"]
        for trial in study.trials.values()
        if trial.candidate.origin == "tune"
    ]
    assert len(rates) > 2
    assert min(rates) >= 0.0099


def test_samplers_know_all_trials_of_their_families(tmp_path: Path) -> None:
    known = race(
        tmp_path,
        lambda study: RacingPolicy(portfolio(study), RaceRules(300, 0.9)),
        lambda job: Outcome("done", 0.5, 0.1),
        seconds=300,
    )
    names = {trial.candidate.family for trial in known.trials.values()} - {"constant"}
    assert len(names) > 5
    for tuned in TuningPolicy(known, families(*sorted(names)), RaceRules(60, 0.5))._tuners.values():
        assert (
            len(tuned.optuna_study.trials)
            == sum(trial.candidate.family == tuned.name for trial in known.trials.values())
            > 0
        )


def test_on_tables_of_categories_catboost_comes_second_among_the_boosters() -> None:
    def boosters(categories: int) -> list[str]:
        size = Size(rows=20_000, columns=9, categories=categories)
        study = Study().add(DataPrepared(TASK, "d", size, HOLDOUT))
        study = study.add(RecipesChosen((RECIPES["native"],)))
        names = [one.family for one in portfolio(study)]
        return [name for name in names if name in ("lightgbm", "catboost", "xgboost")][:3]

    assert boosters(categories=9)[:2] == ["lightgbm", "catboost"]
    assert boosters(categories=2) == ["lightgbm", "lightgbm", "xgboost"]


HOLDOUT = Plan("holdout", 1)


def looking(
    path: Path,
    record: Callable[[Job], Outcome],
    names: tuple[str, ...] = NAMES,
    seconds: float = 100.0,
    workers: int = 2,
) -> tuple[Study, list[str]]:
    """Return a study after low-fidelity fits, and the families in the order to continue."""
    candidates = [candidate(name) for name in names]

    def policy(study: Study) -> Policy:
        rows = choose_sample_rows(study, candidates, seconds)
        assert rows is not None
        assert 5_000 <= rows <= 100_000
        return LowFidelityPolicy(candidates, RaceRules(seconds, 0.35), rows)

    study = race(path, policy, record, seconds, workers, HOLDOUT, 400_000)
    return study, [one.family for one in sort_by_sample_loss(study, candidates)]


def test_each_candidate_has_one_low_fidelity_fit_and_the_best_comes_first(tmp_path: Path) -> None:
    found = losses({"constant": 0.7, "linear": 0.4, "lightgbm": 0.25, "catboost": 0.2, "knn": 0.6})
    study, order = looking(tmp_path, found)
    by_name = {trial.candidate.family: trial for trial in study.trials.values()}
    assert order == ["constant", "catboost", "lightgbm", "linear", "knn"]
    assert {name: trial.decided for name, trial in by_name.items()} == {
        "constant": "done", "linear": "dropped", "lightgbm": "", "catboost": "", "knn": "dropped",
    }  # fmt: skip
    assert all(len(trial.jobs) == 1 for trial in study.trials.values())
    assert not by_name["catboost"].losses
    assert by_name["constant"].losses


def test_a_low_fidelity_fit_that_was_killed_or_cut_short_decides_nothing(tmp_path: Path) -> None:
    found = {"constant": 0.7, "linear": 0.3, "lightgbm": 0.25, "catboost": 0.2, "knn": 0.6}

    def record(job: Job) -> Outcome:
        if job.candidate.family == "linear":
            return Outcome("timeout", seconds=1.0, reason="took too long")
        return Outcome(
            "done", found[job.candidate.family], 1.0, stopped=job.candidate.family == "knn"
        )

    study, order = looking(tmp_path, record)
    assert {
        trial.decided for trial in study.trials.values() if trial.candidate.family != "constant"
    } == {""}
    assert order == ["constant", "catboost", "lightgbm", "knn", "linear"]
    (knn,) = (trial for trial in study.trials.values() if trial.candidate.family == "knn")
    tuning = TuningPolicy(study, families(), RaceRules(20.0, 0.35))
    assert isinstance(tuning.next(study, Capacity(10.0, 2, 1)), Stop), knn


@pytest.mark.parametrize(("rows", "decided"), [(240, "done"), (2_400, "dropped")])
def test_on_few_held_out_rows_a_candidate_may_lie_farther_behind(
    rows: int, decided: str, tmp_path: Path
) -> None:
    policy = RacingPolicy(
        [candidate("constant"), candidate("lightgbm"), candidate("knn")], RaceRules(100, 0.35)
    )
    study = race(
        tmp_path, policy, losses({"constant": 0.7, "lightgbm": 0.3, "knn": 0.46}), rows=rows
    )  # 0.4 of the lead behind
    (knn,) = (trial for trial in study.trials.values() if trial.candidate.family == "knn")
    assert knn.decided == decided


def test_a_family_without_a_deadline_is_not_begun_again_once_a_fit_was_killed(
    tmp_path: Path,
) -> None:
    def record(job: Job) -> Outcome:
        if job.candidate.family == "knn":
            assert job.candidate.params == {"k": 5}
            return Outcome("timeout", seconds=job.seconds)
        return Outcome("done", 0.7 if job.candidate.family == "constant" else 0.5, 1.0)

    known = [
        candidate("constant"),
        candidate("lightgbm"),
        candidate("knn", k=5),
        candidate("knn", k=50),
    ]
    study = race(tmp_path, RacingPolicy(known, RaceRules(60, 0.35)), record, workers=1, rows=10**6)
    assert [trial.decided for trial in study.trials.values()] == ["done", "done", "failed"]


def test_a_fit_that_needs_its_whole_limit_is_not_begun_with_less_time(tmp_path: Path) -> None:
    known = [candidate(name) for name in ("constant", "lightgbm", "xgboost")]
    rest = Capacity(5.0, 1, 1)  # of 60 seconds, of which a fit on the single holdout may take 20
    found = losses({"constant": 0.7, "lightgbm": 0.4}, seconds=20.0)
    study = race(
        tmp_path,
        RacingPolicy(known[:2], RaceRules(60, 0.35)),
        found,
        workers=1,
        plan=Plan("holdout", 1),
        rows=10**6,
    )
    assert isinstance(RacingPolicy(known, RaceRules(60, 0.35)).next(study, rest), Stop)
    assert isinstance(
        RacingPolicy(known, RaceRules(60, 0.35)).next(study, replace(rest, seconds=21.0)), Job
    )


def test_low_fidelity_fits_take_a_fifth_of_the_time_and_untried_candidates_come_last(
    tmp_path: Path,
) -> None:
    found = losses(
        {"constant": 0.7, "linear": 0.3, "lightgbm": 0.25, "catboost": 0.2, "knn": 0.6}, seconds=2.0
    )
    study, order = looking(tmp_path, found, seconds=30.0, workers=1)
    assert [trial.candidate.family for trial in study.trials.values()] == [
        "constant",
        "linear",
        "lightgbm",
    ]
    assert order == ["constant", "lightgbm", "linear", "catboost", "knn"]


def test_a_low_fidelity_fit_predicts_the_seconds_of_the_fit_on_all_rows(
    tmp_path: Path,
) -> None:
    seen: list[Job] = []

    def record(job: Job) -> Outcome:
        seen.append(job)
        return Outcome("done", 0.5 if job.candidate.family == "constant" else 0.2, 1.0)

    names = ("constant", "lightgbm")
    study, _ = looking(tmp_path, record, names, seconds=30.0)
    (look,) = (job for job in seen if job.rows is not None)
    (trial,) = (trial for trial in study.trials.values() if trial.low_fidelity is not None)
    assert expected_seconds(study, trial.candidate) == pytest.approx(
        FIT_OVERHEAD_SECONDS + scale_to_all_rows(study, look, 1.0)
    )
    assert scale_to_all_rows(study, look, 1.0) > MAX_STARTUP_SECONDS + 3 * MAX_STARTUP_SECONDS
    move = RacingPolicy([candidate(name) for name in names], RaceRules(100, 0.35)).next(
        study, Capacity(80.0, 1, 2)
    )
    assert isinstance(move, Job)
    assert (move.candidate.family, move.rows) == ("lightgbm", None)


def test_small_tables_and_long_budgets_need_no_low_fidelity_fits(tmp_path: Path) -> None:
    candidates = [candidate(name) for name in NAMES]
    study = race(
        tmp_path,
        RacingPolicy([candidate("constant")], RaceRules(100, 0.35)),
        losses({"constant": 0.7}),
        plan=HOLDOUT,
        rows=400_000,
    )
    assert choose_sample_rows(study, candidates, 100.0) is not None
    assert choose_sample_rows(study, candidates, 1e6) is None
    assert choose_sample_rows(study, candidates, np.inf) is None
    assert (
        choose_sample_rows(replace(study, size=replace(study.size, others=300)), candidates, 100.0)
        is None
    )
    assert choose_sample_rows(replace(study, plan=Plan("kfold", 3)), candidates, 100.0) is None
    assert (
        choose_sample_rows(replace(study, size=replace(study.size, rows=10_000)), candidates, 0.1)
        is None
    )
