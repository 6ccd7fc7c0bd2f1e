"""The command line answers quickly, and lists its parts as text and as JSON."""

from __future__ import annotations

import importlib.metadata
import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from automl import cli
from automl.metrics import METRICS
from automl.models import all_families
from automl.pipeline import pipelines
from automl.stages import STAGES
from tests.report.runs import cleaned_run, full_run

AUTOML = str(Path(sys.executable).parent / "automl")


def output_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["automl", *words])
    assert cli._run() == 0
    return capsys.readouterr().out


def core_seconds(*words: str) -> float:
    """Return a command's processor time, which depends less on other processes than wall time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([AUTOML, *words], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_answers_in_half_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "Commands" in output_of(monkeypatch, capsys, "--help")
    assert min(core_seconds("--help") for _ in range(3)) < 0.5


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        output_of(monkeypatch, capsys, "--version")
        == f"automl {importlib.metadata.version('automl-tabular')}\n"
    )


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("stages", list(STAGES)),
        ("families", list(all_families())),
        ("metrics", list(METRICS)),
        ("pipelines", list(pipelines())),
    ],
)
def test_lists_are_complete_as_text_and_as_json(
    command: str,
    names: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = output_of(monkeypatch, capsys, command)
    rows = json.loads(output_of(monkeypatch, capsys, command, "--json"))
    assert [next(iter(row.values())) for row in rows] == names
    assert all(name in text for name in names)


def test_importing_automl_loads_nothing_heavy() -> None:
    heavy = ["numpy", "pandas", "sklearn", "lightgbm", "typer"]
    script = f"import sys, automl; print([m for m in {heavy} if m in sys.modules])"
    text = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert text.stdout.strip() == "[]"


def test_insight_shows_the_lessons_of_a_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    full_run(tmp_path / "run", trials=200)
    text = output_of(monkeypatch, capsys, "insight", str(tmp_path / "run"), "--price-per-hour", "2")
    assert text.startswith("What the search teaches (loss: 1 - roc_auc; lower is better)")
    for words in (
        "The story",
        "Is more time worth it?",
        "importance",
        "a safe choice",
        "core hours",
        "for the machine",
    ):
        assert words in text


def test_insight_in_json_has_its_keys_and_only_valid_numbers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    full_run(tmp_path / "run", trials=200)
    lessons = json.loads(
        output_of(monkeypatch, capsys, "insight", str(tmp_path / "run"), "--json"),
        parse_constant=pytest.fail,
    )
    assert {
        "importance",
        "sensitivity",
        "ranges",
        "stability",
        "cost",
        "story",
        "more_time",
        "families",
        "interactions",
    } <= lessons.keys()
    assert names(lessons["ranges"]) == names(lessons["importance"])


def names(rows: list[dict[str, Any]]) -> set[str]:
    return {row["name"] for row in rows}


def test_insight_of_500_trials_answers_in_three_seconds(tmp_path: Path) -> None:
    full_run(tmp_path / "run", trials=500)
    assert core_seconds("insight", str(tmp_path / "run")) < 3


@pytest.mark.parametrize("price", ["-1", "nan", "inf"])
def test_a_price_is_an_amount_of_money(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, price: str
) -> None:
    full_run(tmp_path / "run")
    monkeypatch.setattr(
        sys, "argv", ["automl", "insight", str(tmp_path / "run"), "--price-per-hour", price]
    )
    assert cli._run() == 2
    assert "give an amount of money" in capsys.readouterr().err


def test_a_run_without_a_complete_trial_has_no_lessons(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    cleaned_run(tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["automl", "insight", str(tmp_path / "run")])
    assert cli._run() == 2
    assert "nothing can be learnt" in capsys.readouterr().err
