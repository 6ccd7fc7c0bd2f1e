"""Experiments are listed, and compared down to every option and package."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from automl import cli
from automl.track.compare import differences, effect
from automl.track.compare import text as compared
from automl.track.experiment import Experiment, read_experiment, run_folders
from automl.track.listing import rows, text
from tests.report.runs import FACTS, cleaned_run, empty_run, full_run


def with_folds(one: Experiment, losses: list[float]) -> Experiment:
    """An experiment whose ensemble has these losses on its folds."""
    verdict = {**one.study.verdict, "folds": losses, "loss": sum(losses) / len(losses)}
    return replace(one, study=replace(one.study, verdict=verdict))


@pytest.fixture
def two(tmp_path: Path) -> tuple[Experiment, Experiment]:
    """Two runs that differ in the seed of their losses, an option and a package."""
    for name, seed in (("first", 0), ("second", 1)):
        full_run(tmp_path / "runs" / name, seed=seed).store.close()
        told = f'{FACTS}[run.packages]\nnumpy = "2.{seed}"\npandas = "3.0"\n[[stage]]\nuse = "tune"\nmethod = "{("tpe", "random")[seed]}"\n'
        (tmp_path / "runs" / name / "run.toml").write_text(told, encoding="utf-8")
    return read_experiment(tmp_path / "runs" / "first"), read_experiment(
        tmp_path / "runs" / "second"
    )


def test_runs_are_found_at_any_depth_and_not_inside_of_runs(tmp_path: Path) -> None:
    full_run(tmp_path / "a" / "b" / "run")
    cleaned_run(tmp_path / "c")
    (tmp_path / "empty").mkdir()
    assert list(run_folders(tmp_path)) == [tmp_path / "a" / "b" / "run", tmp_path / "c"]
    assert list(run_folders(tmp_path / "c")) == [tmp_path / "c"]
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(list(run_folders(tmp_path))) == 2


def test_a_row_tells_data_metric_score_time_seed_version_and_state(
    two: tuple[Experiment, Experiment],
) -> None:
    row = rows([two[0]])[0]
    assert (row["data"], row["target"], row["metric"], row["version"], row["state"]) == (
        "churn.csv",
        "churn",
        "roc_auc",
        "v0.1.0",
        "done",
    )
    assert row["score"] == pytest.approx(1 - two[0].study.verdict["loss"])
    assert row["low"] < row["score"] < row["high"]
    assert (row["seed"], row["candidates"]) == (7, 30)


def test_runs_that_came_to_nothing_are_listed_too(tmp_path: Path) -> None:
    empty_run(tmp_path / "run")
    row = rows([read_experiment(tmp_path / "run")])[0]
    assert (row["score"], row["state"]) == (None, "not ended")
    assert "not ended" in text([read_experiment(tmp_path / "run")])
    assert text([]) == "no runs"


def test_only_what_differs_is_told_down_to_options_and_packages(
    two: tuple[Experiment, Experiment],
) -> None:
    assert differences(two) == {"tune.method": ["tpe", "random"], "package numpy": ["2.0", "2.1"]}
    assert differences([two[0], two[0]]) == {}


def test_equal_folds_are_compared_pairwise(two: tuple[Experiment, Experiment]) -> None:
    first = with_folds(two[0], [0.10, 0.20, 0.30, 0.40, 0.50])
    better = with_folds(two[1], [0.09, 0.19, 0.29, 0.39, 0.48])
    found = effect(first, better)
    assert found.how == "paired by fold"
    assert found.difference == pytest.approx(-0.012)
    assert found.error == pytest.approx(0.002 * math.sqrt(1 + 5 / 4))  # folds share training rows
    assert found.p == pytest.approx(2 * stats.t.sf(0.012 / found.error, 4))
    assert found.verdict.startswith("significantly better (p = ")
    noisy = with_folds(two[1], [0.30, 0.10, 0.40, 0.30, 0.39])
    assert effect(first, noisy).verdict.startswith("not significant")


def test_other_folds_are_compared_by_intervals_and_other_metrics_not_at_all(
    two: tuple[Experiment, Experiment], tmp_path: Path
) -> None:
    other = replace(two[1], study=replace(two[1].study, data="another"))
    assert effect(two[0], other).how == "by intervals"
    regression = full_run(tmp_path / "regression", "regression")
    assert effect(two[0], replace(two[1], study=regression.study)).how == "not comparable"
    bare = replace(two[1], study=replace(two[1].study, verdict={}))
    assert effect(two[0], bare).verdict == "not known to be significant"


def test_the_commands_print_and_give_json(
    two: tuple[Experiment, Experiment],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def answer(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["automl", *words])
        assert cli._run() == 0
        return capsys.readouterr().out

    folders = [str(one.folder) for one in two]
    root = str(two[0].folder.parent)
    assert [line.split()[0] for line in answer("runs", root).splitlines()] == ["run", *folders]
    assert len(json.loads(answer("runs", root, "--json"))) == 2
    said = answer("compare", *folders)
    assert "tune.method" in said
    assert "package numpy" in said
    assert f"{folders[1]} against {folders[0]}: roc_auc" in said
    told = json.loads(answer("compare", *folders, "--json"))
    assert told["differences"]["tune.method"] == ["tpe", "random"]
    assert told["effects"][0]["run"] == folders[1]


def test_one_damaged_run_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full_run(tmp_path / "good")
    full_run(tmp_path / "bad")
    (tmp_path / "bad" / "events.jsonl").write_text("nonsense\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["automl", "runs", str(tmp_path)])
    assert cli._run() == 0
    said = capsys.readouterr()
    assert "good" in said.out
    assert "line 1 is damaged" in said.err


def test_test_scores_stand_side_by_side_where_there_are_any(
    two: tuple[Experiment, Experiment],
) -> None:
    assert "test score" not in compared(two)
    scored = replace(two[1], study=replace(two[1].study, test={"score": 0.763}))
    line = next(
        line for line in compared((two[0], scored)).splitlines() if line.startswith("test score")
    )
    assert line.split() == ["test", "score", "0.763000"]


@pytest.mark.parametrize(
    "words", [("runs", "nowhere"), ("compare", "one"), ("compare", "one", "two")]
)
def test_a_wrong_call_is_one_line(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["automl", *words])
    assert cli._run() == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
