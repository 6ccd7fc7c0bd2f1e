"""Scores on a test table.

They are events, and stand on the leaderboard and in the report. A warning says where they
contradict the run. They keep within the budget.
"""

from __future__ import annotations

import csv
import itertools
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from automl.budget import Budget
from automl.cli import app
from automl.event_log import read_events, replay
from automl.events import FindingRecorded, PredictorScored
from automl.finding import Finding
from automl.models import FAMILIES, is_boosted, is_forest
from automl.models._tree_model import TreeModel
from automl.pipeline import read_pipeline
from automl.predictor import load
from automl.run.scoring import (
    REMEDIES,
    ScoredTable,
    TableScoring,
    read_test_table,
    score_test_table,
)
from automl.study import Event, Study
from automl.table import read_table
from tests.predictor.test_predictor import predictor_of, table
from tests.run.commands import AUTOML, QUICK, WINE, automl, process


def patients(first: int, last: int, rows: int, seed: int) -> pd.DataFrame:
    """Return rows of patients that repeat; what they share says nothing about other patients."""
    rng = np.random.default_rng(seed)
    who = rng.integers(first, last, rows)
    traits = np.random.default_rng(1).normal(size=(1000, 8))
    sick = np.random.default_rng(2).random(1000) < 0.5
    table = pd.DataFrame(traits[who] + rng.normal(size=(rows, 8)) * 0.01, columns=list("abcdefgh"))
    return table.assign(y=np.where(sick[who], "yes", "no"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table of patients, a test table of others, and a run scored on it."""
    folder = tmp_path_factory.mktemp("home")
    patients(0, 15, 300, 0).to_csv(folder / "train.csv", index=False)
    patients(500, 700, 200, 3).to_csv(folder / "new.csv", index=False)
    said = automl(
        "fit",
        "train.csv",
        "--target",
        "y",
        *QUICK,
        "--test",
        "new.csv",
        "--output",
        "run",
        cwd=folder,
    )
    assert said.returncode == 0, said.stderr
    (folder / "out.txt").write_text(said.stdout, encoding="utf-8")
    (folder / "err.txt").write_text(said.stderr, encoding="utf-8")
    return folder


def test_the_scores_are_an_event_of_the_log(home: Path) -> None:
    events = [logged.event for logged in read_events(home / "run")]
    (scores,) = [event.test for event in events if isinstance(event, PredictorScored)]
    assert scores == replay(home / "run").test
    assert (scores["source"], scores["metric"]) == ("new.csv", "roc_auc")
    assert (scores["rows"], scores["of"]) == (200, 200)
    assert set(scores["members"]) == set(replay(home / "run").weights)


def test_they_stand_on_the_leaderboard(home: Path) -> None:
    with open(home / "run" / "leaderboard.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    told = replay(home / "run").test
    assert {row["id"]: row["test"] for row in rows if row["test"]} == {
        name: str(score) for name, score in told["members"].items()
    }
    assert rows[-1]["test"] == ""  # the baseline takes no part in the predictor
    assert re.search(
        r"^rank +roc_auc +95% interval +test +weight", automl("leaderboard", "run", cwd=home).stdout
    )


def test_a_score_outside_the_interval_is_a_warning_that_says_why_and_what_to_do(home: Path) -> None:
    warning = (home / "err.txt").read_text(encoding="utf-8")
    assert warning.startswith("automl: warning: roc_auc ")
    for words in (
        "is worse than the",
        "rows that repeat or belong together",
        "come later",
        "--group COL",
        "--time COL",
    ):
        assert words in warning
    findings = replay(home / "run").findings
    severities = [finding.severity for finding in findings if finding.code == "test_score"]
    assert severities == ["warning"]
    assert "was expected" not in (home / "out.txt").read_text(encoding="utf-8")
    assert 'role="alert"' in (home / "run" / "report.html").read_text(encoding="utf-8")


def test_a_group_gives_a_score_that_is_not_contradicted(home: Path) -> None:
    table = patients(0, 100, 600, 0)
    table["who"] = (
        table["a"].round(0).astype(str)
        + table["b"].round(0).astype(str)
        + table["c"].round(0).astype(str)
    )
    table.to_csv(home / "known.csv", index=False)
    words = (
        "fit",
        "known.csv",
        "--target",
        "y",
        "--group",
        "who",
        *QUICK,
        "--test",
        "new.csv",
        "--output",
        "grouped",
    )
    said = automl(*words, cwd=home)
    assert "warning" not in said.stderr


def test_a_score_better_than_told_is_a_warning_too(home: Path) -> None:
    rng = np.random.default_rng(0)
    for name, noise in (("hard", 2.0), ("easy", 0.0)):
        x = rng.normal(size=400)
        pd.DataFrame({"x": x, "y": 10 * x + noise * rng.normal(size=400)}).to_csv(
            home / f"{name}.csv", index=False
        )
    said = automl(
        "fit",
        "hard.csv",
        "--target",
        "y",
        *QUICK,
        "--test",
        "easy.csv",
        "--output",
        "better",
        cwd=home,
    )
    assert re.search(
        r"warning: rmse [\d.]+ on 400 rows of easy.csv is better than the", said.stderr
    )
    assert "may stand in the training table" in said.stderr


def test_leaderboard_with_a_table_warns_too(home: Path) -> None:
    said = automl("leaderboard", "run", "new.csv", cwd=home)
    assert said.stderr.startswith("automl: warning: roc_auc ")
    assert "Scores on new.csv (roc_auc, 200 rows)" in said.stdout


def test_a_test_table_changes_nothing_but_the_scores(tmp_path: Path) -> None:
    words = ("fit", WINE, "--target", "cultivar", *QUICK)
    assert automl(*words, "--output", "a", cwd=tmp_path).returncode == 0
    assert automl(*words, "--output", "b", "--test", WINE, cwd=tmp_path).returncode == 0
    assert (tmp_path / "a" / "predictor.automl").read_bytes() == (
        tmp_path / "b" / "predictor.automl"
    ).read_bytes()
    boards = [
        pd.read_csv(tmp_path / name / "leaderboard.csv").drop(columns="seconds") for name in "ab"
    ]
    assert boards[0].columns.tolist() == boards[1].columns.tolist()
    assert boards[0]["test"].isna().all()
    assert boards[0].drop(columns="test").equals(boards[1].drop(columns="test"))


@pytest.mark.parametrize("test", ["--test - < new.csv", "--test <(cat new.csv)"])
def test_the_test_table_may_come_through_a_pipe(home: Path, tmp_path: Path, test: str) -> None:
    words = " ".join(
        [
            AUTOML,
            "fit",
            "train.csv",
            "--target",
            "y",
            *QUICK,
            "--output",
            str(tmp_path / "run"),
            test,
        ]
    )
    said = subprocess.run(
        ["bash", "-c", words], cwd=home, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert replay(tmp_path / "run").test["score"] == replay(home / "run").test["score"]
    assert (
        "test ="
        not in (tmp_path / "run" / "run.toml").read_text(encoding="utf-8").split("[run]")[0]
    )


@pytest.mark.heavy
def test_a_resumed_run_is_scored_again_and_goes_on_where_the_table_is_gone(home: Path) -> None:
    shutil.copytree(home / "run", home / "again")
    said = process("resume", "again", "--budget", "12s", "-q", cwd=home)
    assert said.returncode == 0, said.stderr
    kinds = [logged.event.kind for logged in read_events(home / "again")]
    codes = [finding.code for finding in replay(home / "again").findings]
    assert kinds.count("test") + codes.count("test_unscored") == 2
    shutil.copytree(home / "run", home / "alone")
    shutil.move(home / "new.csv", home / "moved.csv")
    said = process("resume", "alone", "--budget", "12s", "-q", cwd=home)
    shutil.move(home / "moved.csv", home / "new.csv")
    assert said.returncode == 0, said.stderr
    assert "new.csv: is gone, so there will be no test scores" in said.stderr
    assert replay(home / "alone").test == {}


def test_a_finished_run_stays_finished_when_its_test_table_has_become_another(home: Path) -> None:
    shutil.copytree(home / "run", home / "kept")
    shutil.copy(home / "new.csv", home / "moved.csv")
    (home / "new.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    said = process("resume", "kept", "--budget", "40s", "-q", cwd=home)
    shutil.move(home / "moved.csv", home / "new.csv")
    assert said.returncode == 2
    assert "no column 'y'" in said.stderr
    assert (home / "kept" / "DONE").exists()
    assert not (home / "kept" / "work").exists()


def scoring_of(path: str, rows: int, seconds: float) -> TableScoring:
    table = ScoredTable(path, lambda limits, form: read_table(path, limits))
    return TableScoring(table, rows, seconds)


def scored(home: Path, scoring: TableScoring, budget: Budget) -> list[Event]:
    return list(score_test_table(scoring, load(home / "run"), replay(home / "run"), budget))


def finding_of(event: Event) -> Finding:
    assert isinstance(event, FindingRecorded)
    return event.finding


def test_the_options_that_a_warning_names_exist() -> None:
    settings = re.findall(r"--set (\S+)", REMEDIES)
    assert settings
    read_pipeline("default").with_options(settings)
    command = typer.main.get_command(app).commands["fit"]  # type: ignore[attr-defined]
    known = {name for parameter in command.params for name in parameter.opts}
    assert set(re.findall(r"--[a-z]+", REMEDIES)) <= known


def test_where_no_time_is_left_nothing_is_scored_and_that_is_told(home: Path) -> None:
    scoring = scoring_of(str(home / "new.csv"), 200, 5.0)
    excel = replace(scoring, is_text=False)  # an Excel file is read completely or not at all
    (event,) = scored(home, excel, Budget(4.0, lambda: 0.0))
    assert finding_of(event).code == "test_unscored"
    short = replace(excel, max_seconds=4.0)
    assert short.reserve(replay(home / "run"), Budget(20.0, lambda: 0.0)) == 0.0
    (event,) = scored(home, scoring, Budget(0.1, lambda: 0.0))
    assert finding_of(event).code == "test_unscored"
    command = f"`automl leaderboard RUN {home / 'new.csv'}`"
    assert f"{command} does it" in finding_of(event).action


def test_where_little_time_is_left_some_rows_are_scored(home: Path, tmp_path: Path) -> None:
    patients(500, 700, 5_000, 3).to_csv(tmp_path / "many.csv", index=False)
    turns = itertools.count()
    scoring = scoring_of(str(tmp_path / "many.csv"), 5_000, 0.1)
    event, *_ = scored(home, scoring, Budget(8.0, lambda: float(next(turns))))
    assert isinstance(event, PredictorScored)
    assert 300 <= event.test["rows"] < 5_000
    assert event.test["of"] == 5_000


def test_a_part_of_the_budget_is_kept_for_it(home: Path) -> None:
    path = str(home / "new.csv")
    scoring = scoring_of(path, 50_000, 2.0)
    assert scoring.reserve(replay(home / "run"), Budget()) == 0.0  # no clock
    reserve = scoring.reserve(replay(home / "run"), Budget(100.0, lambda: 0.0))
    assert reserve >= 3.0 + 10.0  # reading, and scoring all rows
    short = replace(scoring, max_seconds=2.0)
    assert short.reserve(Study(), Budget(10.0, lambda: 0.0)) == 2.0
    table = ScoredTable(path, lambda limits, form: read_table(path, limits))
    known = read_test_table(table, "y", None, Budget(10.0, lambda: 0.0))
    assert known.max_seconds == pytest.approx(2.0)  # a fifth of the budget


def test_loading_the_evaluator_of_trees_is_kept_time_for(home: Path) -> None:
    scoring = scoring_of(str(home / "new.csv"), 200, 1.0)
    without_trees = scoring.min_seconds({"linear", "mlp"}, 10.0)
    for family in FAMILIES:
        makes_trees = is_boosted(family.name) or is_forest(family.name)
        seconds = scoring.min_seconds({"linear", family.name}, 10.0)
        assert (seconds > without_trees) == makes_trees


def test_the_families_of_trees_are_those_whose_models_are_trees() -> None:
    names = set()
    for family in FAMILIES:
        model = predictor_of(family.name, table()).members[0].models[0]
        if isinstance(model, TreeModel):
            names.add(family.name)
    of_trees = {kind.name for kind in FAMILIES if is_boosted(kind.name) or is_forest(kind.name)}
    assert names == of_trees


def test_a_table_that_cannot_be_scored_costs_no_predictor(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("a,b,c,d,e,f,g,h,y\n1,1,1,1,1,1,1,1,\n", encoding="utf-8")
    (event,) = scored(home, scoring_of(str(tmp_path / "empty.csv"), 1, 0.0), Budget())
    assert finding_of(event).action.startswith("the test table can't be scored: ")
