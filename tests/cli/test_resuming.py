"""What resume, try and reproduce take over from the run that they work on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import run as runs
from automl.cli.resuming import request_of_run
from automl.pipeline import read_pipeline
from automl.problem import Problem
from automl.run_files import FACTS
from automl.table import read_table


@pytest.fixture
def made(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60).round(3), "y": rng.normal(size=60).round(3)})
    frame.to_csv(tmp_path / "table.csv", index=False)
    problem = Problem(read_table(tmp_path / "table.csv"), "y")
    settings = runs.Settings(
        read_pipeline("linear"), tmp_path / "run", seconds=None, trials=2, engine="inline"
    )
    runs.fit(lambda budget: problem, settings)
    return tmp_path / "run"


def test_worker_processes_do_the_work_and_an_engine_that_is_not_known_is_told(
    made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert request_of_run(str(made), None, None).engine == "local"
    assert capsys.readouterr().err == ""
    text = (made / FACTS).read_text(encoding="utf-8")
    (made / FACTS).write_text(text.replace('"inline"', '"mine"'), encoding="utf-8")
    assert request_of_run(str(made), None, None).engine == "local"
    assert "the run's engine 'mine' is not known here: local is used." in capsys.readouterr().err
