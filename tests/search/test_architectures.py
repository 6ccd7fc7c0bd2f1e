"""Architectures of the network climb rungs; few are trained to the end."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from automl.candidate import Candidate, Job, Outcome
from automl.event_log import replay
from automl.events import FitEnded, FitStarted, TrialDecided
from automl.features.recipe import RECIPES
from automl.insight import learn_from
from automl.insight.points import trial_points
from automl.insight.rung_losses import learnable_loss
from automl.lab.simulated_lab import SimulatedLab
from automl.models import find_family
from automl.report.network_search import find_network_search
from automl.search.architectures import FIXED, architecture_ladder
from automl.search.costs import expected_seconds
from automl.search.networks import NETWORK
from automl.search.rungs import Rung
from automl.stages.tune import Tune
from automl.store import Store
from automl.study import Plan, Size, Study
from automl.task import Task
from automl.timeline import Timeline
from tests.run.commands import WINE, automl

TASK = Task("binary", "y", "log_loss", ("no", "yes"))
ROWS = 1_600
STUDY = Study(
    task=TASK,
    plan=Plan("kfold", 8),
    recipes=(RECIPES["onehot"],),
    size=Size(ROWS, 10),
    families=(NETWORK,),
)


def with_network(study: Study) -> Study:
    """The study with a complete network."""
    candidate = Candidate(NETWORK, find_family(NETWORK).defaults(TASK), RECIPES["onehot"])
    for repeat, fold in study.plan.splits:
        job = Job(candidate, "", repeat, fold)
        outcome = Outcome("done", 0.4, 1.5, rounds=150)
        study = study.add(FitStarted(job)).add(FitEnded(candidate.id, job.key, outcome))
    return study.add(TrialDecided(candidate.id, "done"))


def loss_of(job: Job) -> Outcome:
    """A loss that falls with the epochs, and is least for many residual blocks at a rate."""
    params = job.candidate.params
    if job.candidate.is_baseline:
        return Outcome("done", 0.69, 0.1)
    loss = 0.3 - 0.02 * params["layers"] - 0.05 * (params.get("block") == "residual")
    loss += 0.05 * abs(math.log(params["learning_rate"] / 0.006))
    done = 1.0 if job.rows is None else (job.rounds or 0) / 200
    return Outcome("done", loss + 0.1 * (1 - done), 1.5 * done, rounds=job.rounds or 150)


def searched(folder: Path, study: Study, **options: Any) -> Study:
    options = options or {"method": "nas"}
    lab = SimulatedLab(Store(folder / "run"), loss_of, 120.0)
    study = Tune(**options, use_all=True).run(study, lab, lab.budget)
    lab.data.store.close()
    return study


def test_rungs_end_with_the_swings_of_the_learning_rate() -> None:
    rungs = architecture_ladder(STUDY).rungs
    parts = [Rung(5, ROWS, rounds) for rounds in (6, 18, 41)]
    assert rungs == (*parts, Rung(5), Rung(8))


@pytest.mark.parametrize(("rows", "folds"), [(100, 8), (4_000, 2), (8_000, 1), (100_000, 1)])
def test_as_many_folds_judge_as_hold_out_a_thousand_rows(rows: int, folds: int) -> None:
    rungs = architecture_ladder(replace(STUDY, size=Size(rows, 10))).rungs
    assert {rung.folds for rung in rungs} == {folds, 8}


def test_repeats_are_not_judged_by() -> None:
    plan = Plan("kfold", 8, repeats=2)
    rungs = architecture_ladder(replace(STUDY, size=Size(100, 10), plan=plan)).rungs
    assert [rung.folds for rung in rungs] == [8, 8, 8, 8, 16]


def test_large_tables_of_few_epochs_have_fewer_rungs() -> None:
    study = replace(STUDY, size=Size(10**7, 10), plan=Plan("holdout", 1))
    rungs = architecture_ladder(study).rungs
    assert [rung.rounds for rung in rungs] == [1, 2, 4, None]


def test_few_of_many_architectures_are_trained_to_the_end(tmp_path: Path) -> None:
    study = searched(tmp_path, with_network(STUDY))
    proposed = [trial for trial in study.trials.values() if trial.candidate.origin == "tune"]
    complete = [trial for trial in proposed if study.is_complete(trial)]
    assert len(proposed) > 30
    assert 0 < len(complete) < len(proposed) / 2
    assert {trial.family for trial in proposed} == {NETWORK}
    assert {trial.candidate.params["restarts"] for trial in proposed} == set(FIXED.values())
    assert study.leaders[NETWORK].candidate.params["block"] == "residual"


def test_other_methods_leave_the_blocks_as_they_are(tmp_path: Path) -> None:
    study = searched(tmp_path, with_network(STUDY), method="tpe")
    proposed = [trial for trial in study.trials.values() if trial.candidate.origin == "tune"]
    names = {name for trial in proposed for name in trial.candidate.params}
    assert "width" in names
    assert not names & {"block", "activation", "normalised", "taper"}


@pytest.mark.parametrize("on", [False, True])
def test_networks_climb_rungs_beside_other_methods_where_that_is_asked_for(
    tmp_path: Path, on: bool
) -> None:
    study = searched(tmp_path, with_network(STUDY), method="tpe", architectures=on)
    jobs = [job for trial in study.trials.values() for job in trial.jobs.values()]
    assert any(job.is_resumable for job in jobs) == on


def test_the_best_known_network_comes_first_to_compare_with(tmp_path: Path) -> None:
    study = searched(tmp_path, with_network(STUDY))
    first = next(trial for trial in study.trials.values() if trial.candidate.origin == "tune")
    known = find_family(NETWORK).defaults(TASK) | dict(FIXED)
    assert first.candidate.params.items() <= known.items()


def test_a_search_without_a_network_begins_with_one(tmp_path: Path) -> None:
    study = searched(tmp_path, STUDY)
    first, second, *_ = study.trials.values()
    assert first.candidate.params["restarts"] == FIXED["restarts"]
    assert study.is_complete(first)
    found = find_network_search(study)
    assert found is not None
    assert found.start == first
    assert found.proposals[0] == second
    assert found.differences(first, second)


def test_a_network_that_was_given_up_does_not_end_the_search(tmp_path: Path) -> None:
    candidate = Candidate(NETWORK, {}, RECIPES["onehot"], "portfolio")
    job = Job(candidate, "")
    study = STUDY.add(FitStarted(job))
    study = study.add(FitEnded(candidate.id, job.key, Outcome("done", 0.6, 1.5, rounds=150)))
    study = searched(tmp_path, study.add(TrialDecided(candidate.id, "dropped")))
    assert study.leaders[NETWORK].candidate.params["block"] == "residual"


def test_what_is_told_of_a_dropped_architecture_is_no_less_than_the_best_one(
    tmp_path: Path,
) -> None:
    study = searched(tmp_path, with_network(STUDY))
    best = study.leaders[NETWORK]
    for trial in study.trials.values():
        loss = learnable_loss(study, trial)
        if trial.decided == "dropped" and loss is not None:
            assert loss >= best.loss


def test_what_an_architecture_costs_is_told_by_its_first_epochs(tmp_path: Path) -> None:
    study = with_network(STUDY)
    candidate = Candidate(NETWORK, {"width": 256}, RECIPES["onehot"], "tune")
    job = Job(candidate, "", rows=ROWS, rounds=15)
    study = study.add(FitStarted(job))
    study = study.add(FitEnded(candidate.id, job.key, Outcome("done", 0.4, 0.6, rounds=15)))
    assert expected_seconds(study, candidate) == pytest.approx(0.04 + 0.6 * 88 / 15)


def test_a_resumed_proposal_goes_on_from_its_highest_rung() -> None:
    ladder = architecture_ladder(STUDY)
    candidate = Candidate(NETWORK, {"width": 64}, RECIPES["onehot"], "tune")
    study = STUDY
    reached = []
    for rounds in (6, 18, None):
        job = Job(candidate, "", rows=ROWS if rounds else None, rounds=rounds)
        study = study.add(FitStarted(job))
        reached.append(ladder.reached_rung(study.trials[candidate.id]))
    assert reached == [0, 1, 3]


def test_a_search_without_networks_is_refused(tmp_path: Path) -> None:
    chosen = ("--set", "tune.method=nas", "--set", "select.families=linear,lightgbm")
    refused = automl("fit", WINE, "--target", "cultivar", *chosen, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == (
        "automl: tune.method=nas searches the family 'mlp', but only linear, lightgbm may be "
        "tried. Add mlp to select.families.\n"
    )


@pytest.mark.heavy
def test_a_whole_run_is_made_again_bit_for_bit(tmp_path: Path) -> None:
    few = ("--trials", "14", "--engine", "inline", "-q", "--set", "clean.folds=3")
    chosen = ("--set", "tune.method=nas", "--set", "select.families=mlp,linear")
    made = automl(
        "fit", WINE, "--target", "cultivar", *few, *chosen, "--output", "run", cwd=tmp_path
    )
    assert made.returncode == 0, made.stderr
    study = replay(tmp_path / "run")
    proposed = [trial for trial in study.trials.values() if trial.candidate.origin == "tune"]
    assert any(study.is_complete(trial) for trial in proposed)
    assert any(trial.decided == "dropped" for trial in proposed)
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert " 0 differ" in said.stdout


def test_insight_learns_from_architectures_that_were_dropped_on_a_rung(tmp_path: Path) -> None:
    study = searched(tmp_path, with_network(STUDY))
    proposed = [trial for trial in study.trials.values() if trial.decided and not trial.losses]
    points = trial_points(study, NETWORK)
    assert len(proposed) > 10
    assert {trial.id for trial in proposed} <= {trial.id for trial in points.trials}
    assert points.trials[points.best] is study.leaders[NETWORK]
    assert {"block", "layers", "learning_rate"} <= set(points.names)
    (lesson,) = learn_from(study, Timeline(last=120.0)).lessons
    assert lesson.family == NETWORK
