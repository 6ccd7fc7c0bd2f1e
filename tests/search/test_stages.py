"""Stages on recorded outcomes: their results, and how many rows there is time for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from automl.budget import Budget
from automl.candidate import Candidate, Job, Outcome, Status
from automl.columns import Categories, Column, Columns, Numbers, Texts
from automl.events import DataPrepared, RecipesChosen, RunStarted
from automl.features.recipe import RECIPES
from automl.lab.lab import Lab
from automl.lab.simulated_lab import SimulatedLab
from automl.models import default_families, find_family
from automl.problem import EMPTY_PROBLEM, Problem
from automl.search.portfolio import portfolio
from automl.search.racing import RaceRules, RacingPolicy
from automl.stages.clean import Clean
from automl.stages.extract import Extract
from automl.stages.select import Select
from automl.stages.tune import Tune, _untried
from automl.store import Store
from automl.study import Plan, Size, Study
from automl.table import from_frame
from automl.task import Task
from automl.trial import Trial

TASK = Task("binary", "y", "log_loss", ("no", "yes"))


def lab_of(path: Path, seconds: float, problem: Problem = EMPTY_PROBLEM) -> Lab:
    """A lab in which every fit takes a second."""

    def record(job: Job) -> Outcome:
        return Outcome("done", 0.7 if job.candidate.family == "constant" else 0.5, 1.0)

    return SimulatedLab(Store(path / "run"), record, seconds, problem=problem)


def started(lab: Lab, columns: int = 5) -> Study:
    study = lab.record(Study(), RunStarted(0))
    prepared = DataPrepared(TASK, "d", Size(500, columns), Plan("kfold", 2))
    study = lab.record(study, prepared)
    return lab.record(
        study,
        RecipesChosen(
            (
                RECIPES["native"],
                RECIPES["onehot"],
            )
        ),
    )


def test_tune_continues_selecting_where_there_is_nothing_to_tune(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, 20)
    study = Tune().run(started(lab), lab, lab.budget)
    assert study.ranked[0].candidate.family != "constant"
    lab.data.store.close()


def test_tune_tries_families_that_select_had_no_time_for_as_far_as_they_are_quick(
    tmp_path: Path,
) -> None:
    def families(columns: int) -> set[str]:
        lab = lab_of(tmp_path / str(columns), 40)
        study = started(lab, columns)
        study = lab.run(
            RacingPolicy([Candidate("linear", {}, RECIPES["onehot"])], RaceRules(10.0, 0.35)),
            study,
            lab.budget,
        )
        study = Tune().run(study, lab, lab.budget)
        lab.data.store.close()
        return {
            trial.candidate.family
            for trial in study.trials.values()
            if trial.candidate.origin == "portfolio"
        }

    assert families(5) >= {"lightgbm", "catboost", "xgboost", "knn"}
    assert "catboost" not in families(3_000)


@pytest.mark.parametrize(
    ("job", "outcome", "untried"),
    [({"rows": 100}, "done", True), ({}, "cancelled", True), ({}, "done", False)],
)
def test_a_low_fidelity_fit_and_a_cut_fit_are_no_trial_of_a_family(
    job: dict[str, int], outcome: Status, untried: bool, tmp_path: Path
) -> None:
    lab = lab_of(tmp_path, 40)
    study = started(lab)
    candidate = next(one for one in portfolio(study) if one.family == "catboost")
    fit = Job(candidate, "d", 0, 0, **job)
    trial = Trial(candidate, {fit.key: fit}, {fit.key: Outcome(outcome, 0.5, 0.1)})
    families = {one.family for one in _untried(replace(study, trials={trial.id: trial}), 1000.0)}
    assert ("catboost" in families) == untried
    lab.data.store.close()


@pytest.mark.parametrize(("stopped", "most"), [(False, 20 / 3), (True, 10.0)])
def test_fits_of_tune_may_take_half_as_long_where_the_best_one_was_cut_short(
    stopped: bool, most: float, tmp_path: Path
) -> None:
    limits: list[float] = []

    def record(job: Job) -> Outcome:
        limits.append(job.seconds)
        return Outcome(
            "done",
            0.7 if job.candidate.family == "constant" else 0.5,
            min(16.0, job.seconds),
            stopped=stopped,
        )

    lab = SimulatedLab(Store(tmp_path / "run"), record, 100.0, 2)
    race, known = (
        RaceRules(60.0, 0.35),
        [Candidate(name, {}, RECIPES["native"], "portfolio") for name in ("constant", "lightgbm")],
    )
    study = lab.run(RacingPolicy(known, race), started(lab), lab.budget)
    limits.clear()
    Tune().run(study, lab, Budget(lab.clock() + 20.0, lab.clock))
    assert limits[0] == pytest.approx(most)
    lab.data.store.close()


def test_select_tries_each_familys_defaults_alone_if_asked(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, 300)
    study = Select(start="defaults").run(started(lab), lab, lab.budget)
    tried = {trial.candidate.family: trial.candidate.params for trial in study.trials.values()}
    assert len(tried) == len(study.trials)
    assert tried == {name: find_family(name).defaults(TASK) for name in default_families()}
    lab.data.store.close()


def large(n_rows: int, columns: int) -> Problem:
    rng = np.random.default_rng(0)
    X = {f"x{place}": rng.normal(size=n_rows).round(3) for place in range(columns)}
    return Problem(from_frame(X | {"y": np.where(rng.random(n_rows) < 0.5, "no", "yes")}), "y")


@pytest.mark.parametrize(
    ("seconds", "least", "most"), [(3.0, 4_000, 20_000), (60.0, 25_000, 25_000)]
)
def test_as_many_rows_are_drawn_as_there_is_time_to_train_on(
    seconds: float, least: int, most: int, tmp_path: Path
) -> None:
    lab = lab_of(tmp_path, seconds, large(25_000, 20))
    study = Clean().run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
    assert least <= study.size.rows <= most
    assert (study.drawn == study.size.rows) == (most < 25_000)
    assert any(finding.code == "drawn" for finding in study.findings) == (most < 25_000)
    lab.data.store.close()


HOLDOUT, SOME, MANY = Plan("holdout", 1), Plan("kfold", 3), Plan("kfold", 8)


@pytest.mark.parametrize(
    ("rows", "seconds", "plan"),
    [
        (6_000, 10, HOLDOUT),
        (6_000, 30, SOME),
        (6_000, 60, MANY),
        (2_500, 10, SOME),
        (24_000, 120, HOLDOUT),
    ],
)
def test_there_are_as_many_folds_as_there_is_time_for_and_several_of_few_rows(
    rows: int, seconds: float, plan: Plan, tmp_path: Path
) -> None:
    # 41 fits of LightGBM would go into 30 s for 6 000 rows, but no eight networks
    lab = lab_of(tmp_path, seconds, large(rows, 8))
    study = Clean().run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
    assert study.plan == plan
    lab.data.store.close()


def test_the_raw_table_is_discarded_once_it_is_clean(tmp_path: Path) -> None:
    lab = lab_of(tmp_path, 60, large(200, 3))
    Clean().run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
    assert lab.data.problem.table.n_rows == 0
    lab.data.store.close()


def test_categorical_integers_are_categories_too_unless_switched_off(
    tmp_path: Path,
) -> None:
    rng = np.random.default_rng(0)
    department = rng.integers(100, 200, 2000)
    y = (rng.normal(size=100) + np.arange(100) / 50)[department - 100] + rng.normal(size=2000)
    table = from_frame({"department": department, "x": rng.normal(size=2000), "y": y})
    for stage, kinds in (
        (Clean(), ["number", "number", "category"]),
        (Clean(categorical_integers=False), ["number", "number"]),
    ):
        lab = lab_of(tmp_path / str(stage.categorical_integers), 60, Problem(table, "y"))
        study = stage.run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
        assert [column.kind for column in lab.data.dataset().columns.by_name.values()] == kinds
        assert [list(finding.columns) for finding in study.findings if finding.code == "codes"] == [
            ["department"]
        ] * stage.categorical_integers
        lab.data.store.close()


@pytest.mark.parametrize(
    ("stage", "time", "kind", "told"),
    [
        (Clean(), None, "category", ["host"]),
        (Clean(categorical_integers=False), None, "number", []),
        (Clean(kinds={"host": "number"}), None, "number", []),
        (Clean(), "host", "number", []),
    ],
)
def test_keys_are_categories_only_unless_switched_off(
    stage: Clean, time: str | None, kind: str, told: list[str], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    host = rng.integers(0, 400, 2000)
    y = rng.normal(size=400)[host] + 0.5 * rng.normal(size=2000)
    table = from_frame({"host": 37 * host, "x": rng.normal(size=2000), "y": y})
    lab = lab_of(tmp_path / "run", 60, Problem(table, "y", time_column=time))
    study = stage.run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
    assert lab.data.dataset().columns["host"].kind == kind
    found = [finding for finding in study.findings if finding.code == "key"]
    assert [list(finding.columns) for finding in found] == [[name] for name in told]
    assert all(
        "clean.kinds.host=number" in finding.override and "--group host" in finding.override
        for finding in found
    )
    lab.data.store.close()


X, Y = Numbers(np.zeros(3)), Numbers(np.ones(3))
C, D = (Categories(np.array([0, 1, 2], np.int32), ("a", "b", "c")) for _ in range(2))
MANY = Categories(np.array([0, 1, 2], np.int32), tuple(f"level {place}" for place in range(33)))


@pytest.mark.parametrize(
    ("columns", "offered"),
    [
        ({"x": X}, ["native", "onehot", "quantile", "pieces"]),
        ({"x": X, "y": Y}, ["native", "onehot", "quantile", "pieces", "pairs"]),
        (
            {"x": X, "c": C},
            [
                "native",
                "target",
                "onehot",
                "quantile",
                "scaled_target",
                "embedded",
                "codes",
                "pieces",
                "pairs",
                "coded_pairs",
            ],
        ),
        ({"c": C, "d": D}, [name for name in RECIPES if not name.startswith("mixed")]),
        ({"c": C, "m": MANY}, list(RECIPES)),
    ],
    ids=["a number", "numbers", "both", "categories", "many categories"],
)
def test_recipes_are_offered_that_make_a_difference(
    columns: dict[str, Column], offered: list[str], tmp_path: Path
) -> None:
    lab = lab_of(tmp_path, 60, large(200, 3))
    study = Clean().run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
    lab.data.save(replace(lab.data.dataset(), columns=Columns(columns, 3)))
    study = Extract().run(study, lab, lab.budget)
    assert [recipe.name for recipe in study.recipes] == offered
    lab.data.store.close()


@pytest.mark.parametrize(
    ("seconds", "text", "reads"),
    [(60, "svd", 4_000), (10, "svd", 1_000), (1, "svd", 250), (0.5, "skip", 4_000)],
)
def test_long_texts_are_read_as_far_as_there_is_time(
    seconds: float, text: str, reads: int, tmp_path: Path
) -> None:
    lab = lab_of(tmp_path, 60, large(200, 3))
    study = Clean().run(lab.record(Study(), RunStarted(0)), lab, lab.budget)
    lab.data.save(
        replace(
            lab.data.dataset(),
            columns=Columns({"story": Texts.of(["word " * 2_000] * 2_000)}, 2_000),
        )
    )
    lab.budget = Budget(lab.clock() + seconds, lab.clock)
    study = Extract().run(study, lab, lab.budget)
    assert {(recipe.text, recipe.reads) for recipe in study.recipes} == {(text, reads)}
    assert [finding.code for finding in study.findings if finding.code == "long_texts"] == [
        "long_texts"
    ] * (seconds < 60)
    lab.data.store.close()
