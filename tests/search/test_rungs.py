"""Proposals climb rungs: little is spent on the many, all folds on the few."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.events import FitEnded, FitStarted, TrialDecided
from automl.features.recipe import RECIPES
from automl.lab.policy import Capacity, Policy
from automl.lab.simulated_lab import SimulatedLab
from automl.models import FAMILIES, find_family
from automl.resources import Resources
from automl.search.racing import RaceRules
from automl.search.rungs import Ladder, Rung, ladder
from automl.search.sampling import MAX_GRID_POINTS, Sampling, grid
from automl.search.tuning import TuningPolicy
from automl.space import Choice, Float, Int
from automl.store import Store
from automl.study import Plan, Size, Study
from automl.task import Task

TASK = Task("binary", "y", "log_loss", ("no", "yes"))


def known(plan: Plan, rows: int = 9_000) -> Study:
    """A study with one complete trial of LightGBM, of 90 rounds."""
    study = Study(task=TASK, plan=plan, recipes=(RECIPES["native"],), size=Size(rows, 10))
    candidate = Candidate(
        "lightgbm", find_family("lightgbm").defaults(TASK), RECIPES["native"], "portfolio"
    )
    for repeat, fold in plan.splits:
        job = Job(candidate, "", repeat, fold)
        study = study.add(FitStarted(job)).add(
            FitEnded(job.candidate.id, job.key, Outcome("done", 0.4, 1.0, rounds=90))
        )
    return study.add(TrialDecided(study.trials[candidate.id].id, "done"))


def loss_of(job: Job) -> Outcome:
    """Return a loss that is least at a learning rate of 0.03; few rows and rounds add to it."""
    distance = abs(np.log(job.candidate.params["learning_rate"] / 0.03))
    little = 0.05 * (job.rows is not None)
    return Outcome(
        "done",
        0.2 + 0.05 * float(distance) + little,
        0.1 if job.rows else 1.0,
        rounds=job.rounds or 90,
    )


def only_lightgbm(study: Study) -> tuple[list[str], list[str]]:
    return ["lightgbm"], []


def tuned(
    folder: Path, study: Study, fidelity: str, brackets: bool, seconds: float = 60.0
) -> Study:
    def climb(study: Study, of: object) -> Ladder:
        return ladder(study, fidelity, 90, brackets)  # type: ignore[arg-type]

    policy: Policy = TuningPolicy(
        study,
        only_lightgbm,
        RaceRules(seconds, 0.5),
        Sampling("random", "none"),
        make_ladder=climb,
    )
    lab = SimulatedLab(Store(folder / "run"), loss_of, seconds)
    study = lab.run(policy, study, lab.budget)
    lab.data.store.close()
    return study


def proposals(study: Study) -> list[tuple[float, int]]:
    """Learning rate and complete folds of each proposal."""
    found = [trial for trial in study.trials.values() if trial.candidate.origin == "tune"]
    return [(trial.candidate.params["learning_rate"], len(trial.losses)) for trial in found]


@pytest.mark.parametrize("fidelity", ["folds", "rows", "rounds"])
@pytest.mark.parametrize("brackets", [False, True])
def test_the_better_proposals_go_further(tmp_path: Path, fidelity: str, brackets: bool) -> None:
    told = proposals(tuned(tmp_path, known(Plan("kfold", 9)), fidelity, brackets))
    whole = [abs(np.log(rate / 0.03)) for rate, folds in told if folds == 9]
    others = [abs(np.log(rate / 0.03)) for rate, folds in told if folds < 9]
    assert whole
    assert len(others) > len(whole)
    assert np.median(whole) < np.median(others)


def test_the_rungs_of_folds_rows_and_rounds() -> None:
    nine, one = known(Plan("kfold", 9)), known(Plan("holdout", 1))
    assert ladder(nine, "folds", 90, False).rungs == (Rung(1), Rung(3), Rung(9))
    assert ladder(one, "folds", 90, False).rungs == (Rung(1, 1000), Rung(1, 3000), Rung(1))
    assert ladder(nine, "rounds", 90, False).rungs == (
        Rung(1, 9000, 10),
        Rung(1, 9000, 30),
        Rung(9),
    )
    assert ladder(nine, "rounds", None, False).rungs == ladder(nine, "rows", None, False).rungs
    assert ladder(replace(nine, size=Size(300, 10)), "rows", None, False).rungs == (Rung(9),)


def test_hyperband_begins_on_every_rung_the_lowest_most_often() -> None:
    rungs = ladder(known(Plan("kfold", 9)), "folds", None, True)
    begun_on = [rungs.first_rung(nth) for nth in range(13)]
    assert [begun_on.count(rung) for rung in range(3)] == [9, 3, 1]
    assert {
        ladder(known(Plan("kfold", 9)), "folds", None, False).first_rung(nth) for nth in range(13)
    } == {0}


def test_a_dropped_proposal_names_its_rung(tmp_path: Path) -> None:
    study = tuned(tmp_path, known(Plan("kfold", 9)), "rows", False)
    reasons = {trial.reason for trial in study.trials.values() if trial.decided == "dropped"}
    assert "not among the best third on rung 1 of 3" in reasons


def test_a_low_fidelity_fit_that_failed_ends_its_proposal(tmp_path: Path) -> None:
    def record(job: Job) -> Outcome:
        return Outcome("failed", seconds=0.5, reason="for the test") if job.rows else loss_of(job)

    study = known(Plan("kfold", 9))
    policy = TuningPolicy(
        study,
        only_lightgbm,
        RaceRules(10, 0.5),
        Sampling("random", "none"),
        make_ladder=lambda known, tuner: ladder(known, "rows", None, False),
    )
    lab = SimulatedLab(Store(tmp_path / "run"), record, 10.0)
    study = lab.run(policy, study, lab.budget)
    lab.data.store.close()
    proposed = [
        trial
        for trial in study.trials.values()
        if trial.candidate.origin == "tune" and trial.decided
    ]
    assert proposed
    assert {(trial.decided, trial.reason) for trial in proposed} == {("dropped", "for the test")}


def test_a_low_fidelity_fit_that_was_cut_by_the_end_of_the_run_is_tried_again() -> None:
    study, rungs = known(Plan("kfold", 9)), ladder(known(Plan("kfold", 9)), "rows", None, False)
    candidate = Candidate("lightgbm", {"learning_rate": 0.02}, RECIPES["native"], "tune")
    capacity = Capacity(60.0, 1, Resources())
    job = rungs.next_job(study, RaceRules(60.0, 0.5), candidate, 0, capacity)
    assert job is not None
    cut = study.add(FitStarted(job)).add(
        FitEnded(job.candidate.id, job.key, Outcome("cancelled", reason="the budget ended"))
    )
    assert rungs.next_job(cut, RaceRules(60.0, 0.5), candidate, 0, capacity) == job
    done = study.add(FitStarted(job)).add(
        FitEnded(job.candidate.id, job.key, Outcome("done", 0.3, 0.1))
    )
    assert rungs.next_job(done, RaceRules(60.0, 0.5), candidate, 0, capacity) is None
    assert rungs.reached_rung(done.trials[candidate.id]) == 0


def test_a_rung_of_several_folds_is_judged_by_their_mean_once_all_have_ended() -> None:
    study = known(Plan("kfold", 9))
    rungs = Ladder((Rung(2, 9_000, 10), Rung(9)))
    candidate = Candidate("lightgbm", {"learning_rate": 0.02}, RECIPES["native"], "tune")
    capacity = Capacity(60.0, 1, Resources())
    for fold, loss in enumerate((0.2, 0.4)):
        job = rungs.next_job(study, RaceRules(60.0, 0.5), candidate, 0, capacity)
        assert job is not None
        assert (job.fold, job.rows, job.rounds) == (fold, 9_000, 10)
        study = study.add(FitStarted(job))
        assert rungs.result(study, study.trials[candidate.id], 0) is None
        study = study.add(FitEnded(candidate.id, job.key, Outcome("done", loss, 0.1)))
    trial = study.trials[candidate.id]
    assert rungs.next_job(study, RaceRules(60.0, 0.5), candidate, 0, capacity) is None
    assert rungs.result(study, trial, 0) == pytest.approx(0.3)
    assert rungs.reached_rung(trial) == 0


def test_a_grid_contains_the_ends_and_stays_small() -> None:
    made = grid(
        {"rate": Float(0.01, 1.0, log=True), "depth": Int(1, 3), "kind": Choice(("a", "b"))}
    )
    assert made == {"rate": [0.01, 0.032, 0.1, 0.32, 1.0], "depth": [1, 2, 3], "kind": ["a", "b"]}
    for kind in FAMILIES:
        levels = grid(kind.space(TASK))
        n_points = np.prod([len(values) for values in levels.values()])
        assert n_points <= MAX_GRID_POINTS or kind.name == "mlp", kind.name
        if kind.name == "mlp":  # it has many choices: numbers have their ends alone
            assert max(map(len, levels.values())) == 3
        assert all(
            kind.space(TASK)[name].contains(value)
            for name, values in levels.items()
            for value in values
        )


def test_a_grid_that_is_used_up_ends_the_search(tmp_path: Path) -> None:
    study = known(Plan("holdout", 1))
    candidate = Candidate("linear", {"C": 1.0, "penalty": "l2"}, RECIPES["native"], "portfolio")
    job = Job(candidate, "")
    study = study.add(FitStarted(job)).add(
        FitEnded(job.candidate.id, job.key, Outcome("done", 0.3, 0.1))
    )
    study = study.add(TrialDecided(study.trials[candidate.id].id, "done"))
    lab = SimulatedLab(
        Store(tmp_path / "run"),
        lambda job: Outcome("done", 0.3 + job.candidate.params["C"] * 1e-4, 0.1),
        100.0,
    )
    study = lab.run(
        TuningPolicy(study, lambda _: (["linear"], []), RaceRules(100, 0.9), Sampling("grid")),
        study,
        lab.budget,
    )
    lab.data.store.close()
    assert (
        len(study.trials) - 2 == len(grid(find_family("linear").space(TASK))["C"]) * 2 - 1
    )  # the one that was known is not tried again
