"""What a run's fits may use reaches every fit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl import run
from automl.extend import SimpleFamily
from automl.models import check_families
from automl.pipeline import read_pipeline
from automl.problem import Problem
from automl.resources import Resources
from automl.table import from_frame
from automl.track.experiment import read_experiment


class WhereItTrains(SimpleFamily):
    name = "where_it_trains"

    def train(self, X: Any, y: Any, weight: Any, params: Any, context: Any) -> Any:
        resources = context.resources
        assert resources == Resources(1, memory=10**9, device="cuda"), resources
        return {"mean": 0.0}

    def answer(self, learnt: Any, X: Any) -> Any:
        return np.full(len(X), learnt["mean"])


def test_device_and_memory_reach_every_fit(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "y": rng.normal(size=60)})
    pipeline = read_pipeline("linear").with_options(['select.families=["where_it_trains"]'])
    settings = run.Settings(
        pipeline,
        tmp_path / "run",
        seconds=None,
        trials=2,
        engine="inline",
        resources=Resources(memory=10**9, device="cuda"),
        extensions=check_families([WhereItTrains()]),
    )
    run.fit(lambda budget: Problem(from_frame(frame), "y"), settings)
    trials = read_experiment(tmp_path / "run").study.trials.values()
    (trial,) = [trial for trial in trials if trial.candidate.family == "where_it_trains"]
    assert trial.decided == "done"
    assert {job.resources.device for job in trial.jobs.values()} == {"cuda"}
