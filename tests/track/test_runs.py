"""Experiments are listed, and compared down to every option and package."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from automl import cli
from automl.track.compare import differences, effect
from automl.track.compare import text as compare_text
from automl.track.experiment import Experiment, options_of, read_experiment, run_folders
from automl.track.listing import rows, text
from tests.report.runs import FACTS, cleaned_run, empty_run, full_run

Two = tuple[Experiment, Experiment]


def changed(experiment: Experiment, **changes: Any) -> Experiment:
    """Return an experiment with a changed study."""
    study = replace(experiment.study, **changes)
    return replace(experiment, study=study)


def with_folds(experiment: Experiment, losses: list[float]) -> Experiment:
    """Return an experiment whose ensemble has these losses on its folds."""
    mean = sum(losses) / len(losses)
    evaluation = experiment.study.evaluation
    assert evaluation is not None
    evaluation = replace(evaluation, folds=tuple(losses), loss=mean)
    return changed(experiment, evaluation=evaluation)


def write_run(folder: Path, seed: int, method: str) -> Experiment:
    full_run(folder, seed=seed).store.close()
    packages = f'[run.packages]\nnumpy = "2.{seed}"\npandas = "3.0"\n'
    stage = f'[[stage]]\nuse = "tune"\nmethod = "{method}"\n'
    (folder / "run.toml").write_text(FACTS + packages + stage, encoding="utf-8")
    return read_experiment(folder)


@pytest.fixture
def two(tmp_path: Path) -> Two:
    """Two runs that differ in the seed of their losses, an option and a package."""
    runs = tmp_path / "runs"
    first = write_run(runs / "first", 0, "tpe")
    second = write_run(runs / "second", 1, "random")
    return first, second


def test_runs_are_found_at_any_depth_but_not_within_runs(tmp_path: Path) -> None:
    full_run(tmp_path / "a" / "b" / "run")
    cleaned_run(tmp_path / "c")
    (tmp_path / "empty").mkdir()
    assert list(run_folders(tmp_path)) == [tmp_path / "a" / "b" / "run", tmp_path / "c"]
    assert list(run_folders(tmp_path / "c")) == [tmp_path / "c"]
    (tmp_path / "again").symlink_to(tmp_path)
    assert len(list(run_folders(tmp_path))) == 2


def test_a_row_has_data_metric_score_seed_version_and_state(two: Two) -> None:
    row = rows([two[0]])[0]
    assert row["data"] == "churn.csv"
    assert row["target"] == "churn"
    assert row["metric"] == "roc_auc"
    assert row["version"] == "v0.1.0"
    assert row["state"] == "done"
    assert row["score"] == pytest.approx(1 - two[0].study.evaluation.loss)
    assert row["low"] < row["score"] < row["high"]
    assert row["seed"] == 7
    assert row["candidates"] == 30


def test_runs_without_a_result_are_listed_too(tmp_path: Path) -> None:
    empty_run(tmp_path / "run")
    experiment = read_experiment(tmp_path / "run")
    row = rows([experiment])[0]
    assert row["score"] is None
    assert row["state"] == "not ended"
    assert "not ended" in text([experiment])
    assert text([]) == "no runs"


def test_differences_are_found_down_to_options_and_packages(two: Two) -> None:
    assert differences(two) == {"tune.method": ["tpe", "random"], "package numpy": ["2.0", "2.1"]}
    assert differences([two[0], two[0]]) == {}


def test_equal_folds_are_compared_pairwise(two: Two) -> None:
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


def test_other_folds_are_compared_by_intervals(two: Two) -> None:
    first, second = two
    other = changed(second, data="another")
    assert effect(first, other).how == "by intervals"
    bare = changed(second, evaluation=None)
    assert effect(first, bare).verdict == "not known to be significant"


def test_other_metrics_are_not_compared(two: Two, tmp_path: Path) -> None:
    first, second = two
    regression = full_run(tmp_path / "regression", "regression")
    other = replace(second, study=regression.study)
    assert effect(first, other).how == "not comparable"


def test_options_of_earlier_runs_are_compared_by_their_present_names() -> None:
    stages = [{"use": "clean", "twins": False, "folds": 3}, {"use": "mine", "twins": 1}]
    assert options_of(stages) == {"clean.dual_typed": False, "clean.folds": 3, "mine.twins": 1}


def test_the_commands_print_text_and_json(
    two: Two, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def answer(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["automl", *words])
        assert cli._run() == 0
        return capsys.readouterr().out

    folders = [str(experiment.folder) for experiment in two]
    root = str(two[0].folder.parent)
    lines = answer("runs", root).splitlines()
    assert [line.split()[0] for line in lines] == ["run", *folders]
    assert len(json.loads(answer("runs", root, "--json"))) == 2
    output = answer("compare", *folders)
    assert "tune.method" in output
    assert "package numpy" in output
    assert f"{folders[1]} against {folders[0]}: roc_auc" in output
    plain = json.loads(answer("compare", *folders, "--json"))
    assert plain["differences"]["tune.method"] == ["tpe", "random"]
    assert plain["effects"][0]["run"] == folders[1]


def test_a_damaged_run_does_not_hide_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full_run(tmp_path / "good")
    full_run(tmp_path / "bad")
    (tmp_path / "bad" / "events.jsonl").write_text("nonsense\n", encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["automl", "runs", str(tmp_path)])
    assert cli._run() == 0
    output = capsys.readouterr()
    assert "good" in output.out
    assert "line 1 is damaged" in output.err


def lines_with(start: str, experiments: Sequence[Experiment]) -> list[str]:
    lines = compare_text(experiments).splitlines()
    return [line for line in lines if line.startswith(start)]


def test_test_scores_are_shown_side_by_side_if_there_are_any(two: Two) -> None:
    first, second = two
    assert lines_with("test score", two) == []
    scored = changed(second, test={"score": 0.763})
    (line,) = lines_with("test score", (first, scored))
    assert line.split() == ["test", "score", "0.763000"]


@pytest.mark.parametrize(
    "words", [("runs", "nowhere"), ("compare", "one"), ("compare", "one", "two")]
)
def test_a_wrong_call_is_one_line(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["automl", *words])
    assert cli._run() == 2
    errors = capsys.readouterr().err
    assert len(errors.strip().splitlines()) == 1
