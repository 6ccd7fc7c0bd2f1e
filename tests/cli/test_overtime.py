"""A run that is still at work when its budget is over is ended, and says what there is."""

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
from tests.run.commands import PENGUINS, automl

STUCK = """
import sys, time
from pathlib import Path
from automl.cli.overtime import Overtime
from automl.pipeline import read_pipeline
from automl.run import Settings
with Overtime(Settings(read_pipeline("linear"), Path(sys.argv[1]), seconds=float(sys.argv[2]))):
    time.sleep(float(sys.argv[3]))
print("left in time")
"""


def stuck(folder: Path, seconds: float, work: float) -> subprocess.CompletedProcess[str]:
    """A process that works so long under a budget of so many seconds."""
    words = [sys.executable, "-c", STUCK, str(folder), str(seconds), str(work)]
    return subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)


def overtime(folder: Path) -> Overtime:
    return Overtime(Settings(read_pipeline("linear"), folder, seconds=60.0))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a model."""
    home = tmp_path_factory.mktemp("home")
    few = ("--trials", "2", "--pipeline", "linear", "--engine", "inline", "-q")
    said = automl("fit", PENGUINS, "--target", "species", *few, "--output", "run", cwd=home)
    assert said.returncode == 0, said.stderr
    return home / "run"


def test_a_process_that_is_stuck_is_ended_with_a_line(tmp_path: Path) -> None:
    before = time.monotonic()
    said = stuck(tmp_path, 1.0, 50.0)
    assert time.monotonic() - before < 30
    assert said.returncode == 3
    assert (
        said.stderr
        == "automl: the time was over before the table was understood. Give it more: --budget 60s\n"
    )


def test_a_process_that_is_ready_in_time_is_left_alone(tmp_path: Path) -> None:
    said = stuck(tmp_path, 60.0, 0.1)
    assert (said.returncode, said.stdout, said.stderr) == (0, "left in time\n", "")


def test_a_model_that_is_there_answers_and_the_exit_code_is_0(run: Path) -> None:
    ended = overtime(run)
    study = Study()
    for event in read_events(run):
        study = study.add(event)
        ended(study, event)
    text, code = ended.outcome()
    assert code == 0
    assert "the predictor is the best so far" in text
    assert f"automl resume {run} --budget 60s" in text


def test_a_constant_alone_is_exit_code_3(run: Path) -> None:
    text, code = overtime(run).outcome()
    assert code == 3
    assert "before a model was trained" in text
