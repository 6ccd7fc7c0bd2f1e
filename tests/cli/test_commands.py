"""The command line answers quickly, lists what there is, and for programs in JSON."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from automl import cli
from automl.metrics import METRICS
from automl.models import FAMILIES
from automl.pipeline import pipelines
from automl.stages import STAGES

AUTOML = str(Path(sys.executable).parent / "automl")


def answer(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    monkeypatch.setattr(sys, "argv", ["automl", *words])
    assert cli._run() == 0
    return capsys.readouterr().out


def test_help_answers_in_half_a_second() -> None:
    def once() -> float:
        started = time.monotonic()
        said = subprocess.run([AUTOML, "--help"], capture_output=True, text=True, check=True)
        assert "Commands" in said.stdout
        return time.monotonic() - started

    assert min(once() for _ in range(5)) < 0.5  # the least of five: the machine may be busy with other tests


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(monkeypatch, capsys, "--version") == f"automl {importlib.metadata.version('automl-tabular')}\n"


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("stages", list(STAGES)),
        ("families", [kind.name for kind in FAMILIES]),
        ("metrics", list(METRICS)),
        ("pipelines", list(pipelines())),
    ],
)
def test_lists_name_everything_as_text_and_as_json(
    command: str, names: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = answer(monkeypatch, capsys, command)
    rows = json.loads(answer(monkeypatch, capsys, command, "--json"))
    assert [next(iter(row.values())) for row in rows] == names
    assert all(name in text for name in names)


def test_importing_automl_loads_nothing_heavy() -> None:
    script = "import sys, automl; print([m for m in ('numpy', 'pandas', 'sklearn', 'lightgbm', 'typer') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
