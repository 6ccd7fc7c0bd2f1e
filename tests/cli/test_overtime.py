"""A run that is still working when its budget is over is ended, with a message."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from automl.cli.overtime import Overtime
from automl.event_log import read_events
from automl.pipeline import read_pipeline
from automl.run import Settings
from automl.study import Study
from tests.run.commands import PENGUINS, QUICK, automl

BUSY_SCRIPT = """
import sys, time
from pathlib import Path
from automl.cli.overtime import Overtime
from automl.pipeline import read_pipeline
from automl.run import Settings
with Overtime(Settings(read_pipeline("linear"), Path(sys.argv[1]), seconds=float(sys.argv[2]))):
    time.sleep(float(sys.argv[3]))
print("left in time")
"""


def run_busy(folder: Path, budget: float, work: float) -> subprocess.CompletedProcess[str]:
    """Run a process that works for a number of seconds under a budget."""
    command = [sys.executable, "-c", BUSY_SCRIPT, str(folder), str(budget), str(work)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def overtime(folder: Path) -> Overtime:
    settings = Settings(read_pipeline("linear"), folder, seconds=60.0)
    return Overtime(settings)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a run with a model."""
    home = tmp_path_factory.mktemp("home")
    fit = ("fit", PENGUINS, "--target", "species", *QUICK, "--output", "run")
    done = automl(*fit, cwd=home)
    assert done.returncode == 0, done.stderr
    return home / "run"


def test_a_process_that_is_stuck_is_ended_with_a_line(tmp_path: Path) -> None:
    before = time.monotonic()
    done = run_busy(tmp_path, 1.0, 50.0)
    assert time.monotonic() - before < 30
    assert done.returncode == 3
    message = "the time was over before the table was understood. Give it more: --budget 60s"
    assert done.stderr == f"automl: {message}\n"


def test_a_process_that_ends_in_time_is_left_alone(tmp_path: Path) -> None:
    done = run_busy(tmp_path, 60.0, 0.1)
    assert done.returncode == 0
    assert done.stdout == "left in time\n"
    assert done.stderr == ""


def test_with_a_model_the_exit_code_is_0(run: Path) -> None:
    observer = overtime(run)
    study = Study()
    for logged in read_events(run):
        study = study.add(logged.event)
        observer(study, logged.event)
    text, code = observer.outcome()
    assert code == 0
    assert "the predictor is the best so far" in text
    assert f"automl resume {run} --budget 60s" in text


def test_a_run_that_was_resumed_in_vain_keeps_its_model(run: Path) -> None:
    text, code = overtime(run).outcome()
    assert code == 0
    assert "the predictor is the best so far" in text


def test_with_the_constant_alone_the_exit_code_is_3(tmp_path: Path) -> None:
    fit = ("fit", PENGUINS, "--target", "species", "--trials", "1", "--output", "run")
    assert automl(*fit, cwd=tmp_path).returncode == 0
    text, code = overtime(tmp_path / "run").outcome()
    assert code == 3
    assert "before a model was trained" in text
