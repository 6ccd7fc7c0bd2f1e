"""What a row costs is counted: more trees, nodes, products or stored rows cost more."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from automl.features.feature import Feature
from automl.metrics import METRICS
from automl.models import FitContext, Sample, find_family
from automl.models.row_cost import row_milliseconds
from automl.task import Task

N_ROWS = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 4)).astype(np.float32)
Y = X[:, 0] + RNG.normal(0, 0.1, N_ROWS)
TASK = Task("regression", "y", "rmse")


def cost(family: str, rounds: int | None = None, rows: int = N_ROWS, **params: Any) -> float:
    kind = find_family(family)
    features = tuple(Feature(name, name) for name in "abcd")
    sample = Sample(X[:rows], features, Y[:rows])
    context = FitContext(TASK, METRICS["rmse"], seed=0, rounds=rounds)
    prepared = kind.prepare(sample, None, params, context)
    fitted = kind.fit(prepared, params, context)
    return row_milliseconds(fitted.model)


@pytest.mark.parametrize("family", ["lightgbm", "xgboost", "catboost"])
def test_more_rounds_cost_more(family: str) -> None:
    assert cost(family, rounds=200) > cost(family, rounds=20) > 0


def test_more_stored_rows_cost_more() -> None:
    assert cost("knn") > cost("knn", rows=50) > 0
