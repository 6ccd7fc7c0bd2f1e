"""Models are restored before the first prediction."""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import AutoMLRegressor, load
from automl.budget import Budget
from automl.candidate import Candidate, Job, Outcome
from automl.estimator.readiness import Importer, restore_in_time
from automl.events import FitEnded, FitStarted, TrialDecided
from automl.features.recipe import RECIPES
from automl.study import Study
from tests.estimator.samples import IS_WIDE, X, classifier


def is_restored(model: Any) -> bool:
    return all("models" in vars(member) for member in model.predictor_.members)


def test_models_are_restored_by_fit_and_after_load_when_they_are_used(tmp_path: Path) -> None:
    model = classifier(output=tmp_path / "run").fit(X, IS_WIDE)
    assert is_restored(model)
    loaded = load(tmp_path / "run")
    assert not is_restored(loaded)
    loaded.predict(X)
    assert is_restored(loaded)


def test_without_time_in_the_fit_the_first_prediction_restores_models() -> None:
    model = classifier().fit(X, IS_WIDE)
    for member in model.predictor_.members:
        del vars(member)["models"]
    assert not restore_in_time(model.predictor_, Budget(time.monotonic() + 0.01))
    assert not is_restored(model)
    assert restore_in_time(model.predictor_, Budget(math.inf))
    assert np.isfinite(model.predict_proba(X)).all()


def test_a_library_is_imported_once_a_candidate_of_its_family_is_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delitem(sys.modules, "xgboost", raising=False)
    job = Job(Candidate("xgboost", {}, RECIPES["native"]), "data")
    study = Study()
    for event in (
        FitStarted(job),
        FitEnded(job.candidate.id, job.key, Outcome("done", 0.5)),
        TrialDecided(job.candidate.id, "done"),
    ):
        study = study.add(event)
        Importer(Budget(time.monotonic() + 5.0))(study, event)
    assert "xgboost" not in sys.modules
    Importer(Budget(time.monotonic() + 60.0))(study, event)
    until = time.monotonic() + 60
    while "xgboost" not in sys.modules and time.monotonic() < until:
        time.sleep(0.05)
    assert "xgboost" in sys.modules


@pytest.mark.heavy
@pytest.mark.filterwarnings("ignore:.*nearly without error:UserWarning")  # the target is a column
def test_the_first_prediction_takes_no_longer_than_the_next() -> None:
    model = AutoMLRegressor(families=["lightgbm"], trials=3, n_jobs=1).fit(X, X["width"])
    seconds = []
    for _ in range(5):
        started = time.process_time()
        model.predict(X.head(1))
        seconds.append(time.process_time() - started)
    assert seconds[0] < 3 * max(seconds[1:]) + 0.05
