"""Models are restored before the first prediction."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from automl import AutoMLRegressor, load
from automl.budget import Budget
from automl.estimator.readiness import restore_in_time
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


def test_a_fit_imports_no_library_of_boosters_into_this_process(tmp_path: Path) -> None:
    code = """
import sys
import numpy as np
from automl import AutoMLRegressor
X = np.arange(120.0).reshape(60, 2)
model = AutoMLRegressor(families=["lightgbm", "xgboost"], trials=3, n_jobs=1).fit(X, X[:, 0] ** 2)
model.predict(X)
print(sorted({"lightgbm", "xgboost", "catboost"} & sys.modules.keys()))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


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
