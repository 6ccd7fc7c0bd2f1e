"""Scores on a test table: events, leaderboard, report, a warning where they contradict the run, and within the budget."""

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
from automl.pipeline import read_pipeline
from automl.predictor import load
from automl.run.scoring import ANSWERS, ScoredTable, TableScoring, read_test_table, score_test_table
from automl.study import Event, Study
from automl.table import read_table
from tests.run.commands import AUTOML, QUICK, WINE, automl, process


def patients(first: int, last: int, rows: int, seed: int) -> pd.DataFrame:
    """Rows of patients that repeat; what they have in common tells nothing of others."""
    rng = np.random.default_rng(seed)
    who = rng.integers(first, last, rows)
    traits = np.random.default_rng(1).normal(size=(1000, 8))
    sick = np.random.default_rng(2).random(1000) < 0.5
    table = pd.DataFrame(traits[who] + rng.normal(size=(rows, 8)) * 0.01, columns=list("abcdefgh"))
    return table.assign(y=np.where(sick[who], "yes", "no"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table of patients, a test table of other ones, and a run that was scored on it."""
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
    (told,) = [event["test"] for event in read_events(home / "run") if event["kind"] == "test"]
    assert told == replay(home / "run").test
    assert (told["source"], told["metric"], told["rows"], told["of"]) == (
        "new.csv",
        "roc_auc",
        200,
        200,
    )
    assert set(told["members"]) == set(replay(home / "run").weights)


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
    assert [
        one["severity"] for one in replay(home / "run").findings if one["code"] == "test_score"
    ] == ["warning"]
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
    kinds = [event["kind"] for event in read_events(home / "again")]
    assert (
        kinds.count("test")
        + sum(one["code"] == "test_unscored" for one in replay(home / "again").findings)
        == 2
    )
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


def exam_of(path: str, rows: int, seconds: float) -> TableScoring:
    return TableScoring(
        ScoredTable(path, lambda limits, form: read_table(path, limits)), rows, seconds
    )


def told(home: Path, exam: TableScoring, budget: Budget) -> list[Event]:
    return list(score_test_table(exam, load(home / "run"), replay(home / "run"), budget))


def test_the_options_that_a_warning_names_exist() -> None:
    settings = re.findall(r"--set (\S+)", ANSWERS)
    assert settings
    read_pipeline("default").with_options(settings)
    known = {
        name for one in typer.main.get_command(app).commands["fit"].params for name in one.opts
    }  # type: ignore[attr-defined]
    assert set(re.findall(r"--[a-z]+", ANSWERS)) <= known


def test_where_no_time_is_left_nothing_is_scored_and_that_is_told(home: Path) -> None:
    exam = exam_of(str(home / "new.csv"), 200, 5.0)
    (event,) = told(
        home, replace(exam, is_text=False), Budget(4.0, lambda: 0.0)
    )  # an Excel file is read whole or not at all
    assert event["finding"]["code"] == "test_unscored"
    assert (
        replace(exam, most=4.0, is_text=False).reserve(
            replay(home / "run"), Budget(20.0, lambda: 0.0)
        )
        == 0.0
    )
    (event,) = told(home, exam, Budget(0.1, lambda: 0.0))
    assert event["finding"]["code"] == "test_unscored"
    assert f"`automl leaderboard RUN {home / 'new.csv'}` does it" in event["finding"]["action"]


def test_where_little_time_is_left_some_rows_are_scored(home: Path, tmp_path: Path) -> None:
    patients(500, 700, 5_000, 3).to_csv(tmp_path / "many.csv", index=False)
    turns = itertools.count()
    event, *_ = told(
        home,
        exam_of(str(tmp_path / "many.csv"), 5_000, 0.1),
        Budget(8.0, lambda: float(next(turns))),
    )
    assert 300 <= event["test"]["rows"] < 5_000
    assert event["test"]["of"] == 5_000


def test_a_part_of_the_budget_is_kept_for_it(home: Path) -> None:
    exam = exam_of(str(home / "new.csv"), 50_000, 2.0)
    assert exam.reserve(replay(home / "run"), Budget()) == 0.0  # no clock
    assert (
        exam.reserve(replay(home / "run"), Budget(100.0, lambda: 0.0)) >= 3.0 + 10.0
    )  # reading, and scoring all rows
    assert replace(exam, most=2.0).reserve(Study(), Budget(10.0, lambda: 0.0)) == 2.0
    asked = ScoredTable(
        str(home / "new.csv"), lambda limits, form: read_table(home / "new.csv", limits)
    )
    assert read_test_table(asked, "y", None, Budget(10.0, lambda: 0.0)).most == pytest.approx(
        2.0
    )  # a fifth of the budget


def test_a_table_that_cannot_be_scored_costs_no_predictor(home: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("a,b,c,d,e,f,g,h,y\n1,1,1,1,1,1,1,1,\n", encoding="utf-8")
    (event,) = told(home, exam_of(str(tmp_path / "empty.csv"), 1, 0.0), Budget())
    assert event["finding"]["action"].startswith("the test table can't be scored: ")
