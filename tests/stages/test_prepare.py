"""A table is prepared without a run: typed columns, task, folds and findings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import AutoMLRegressor
from automl.budget import Budget
from automl.errors import InputError
from automl.problem import Problem
from automl.stages._affordable import Limits
from automl.stages.clean import Clean
from automl.table import from_frame
from automl.track.experiment import read_experiment

NO_LIMITS = Limits(Budget())


def frame(rows: int = 90) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "size": rng.normal(size=rows).round(3),
            "colour": rng.choice(["red", "green"], rows),
            "id": np.arange(rows),
            "constant": 1,
            "y": rng.normal(size=rows).round(3),
        }
    )


def problem(rows: int = 90) -> Problem:
    return Problem(from_frame(frame(rows)), target="y")


def test_needs_no_run_and_leaves_the_table_as_it_is() -> None:
    asked = problem()
    prepared = Clean().prepare(asked, NO_LIMITS, seed=0)
    assert prepared.dataset.task.kind == "regression"
    assert prepared.dataset.columns.names() == ("size", "colour")
    assert prepared.n_rows == 90
    assert {finding.code for finding in prepared.findings} == {"id", "constant", "task"}
    assert asked.table.names == ("size", "colour", "id", "constant", "y")


def test_gives_the_data_of_a_run_with_the_same_seed(tmp_path: Path) -> None:
    data = frame()
    model = AutoMLRegressor(
        pipeline="linear",
        trials=1,
        engine="inline",
        random_state=5,
        options={"clean.folds": 5},
        output=tmp_path / "run",
    )
    model.fit(data.drop(columns="y"), data["y"])
    study = read_experiment(tmp_path / "run").study
    prepared = Clean(folds=5).prepare(problem(), NO_LIMITS, seed=5)
    event = prepared.event(problem())
    assert event.size == study.size
    assert event.plan == study.plan
    assert event.data == study.data


def test_takes_the_rows_that_there_is_time_for() -> None:
    prepared = Clean(rows=50).prepare(problem(), NO_LIMITS, seed=0)
    assert prepared.n_rows == 50
    assert prepared.event(problem()).drawn == 50
    (drawn,) = [finding for finding in prepared.findings if finding.code == "drawn"]
    assert "50 of 90 rows" in drawn.action


def test_refuses_a_table_that_nothing_can_be_learnt_from() -> None:
    with pytest.raises(InputError, match="rows"):
        Clean().prepare(problem(3), NO_LIMITS, seed=0)
