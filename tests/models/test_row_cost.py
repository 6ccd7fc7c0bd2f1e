"""What a row costs is counted: more trees, nodes, products or stored rows cost more."""

from __future__ import annotations

import timeit
from typing import Any

import numpy as np
import pytest

from automl.features.feature import Feature
from automl.metrics import METRICS
from automl.models import FitContext, Model, Sample, find_family
from automl.models.row_cost import row_milliseconds
from automl.task import Task

N_ROWS = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N_ROWS, 4)).astype(np.float32)
Y = X[:, 0] + RNG.normal(0, 0.1, N_ROWS)
TASK = Task("regression", "y", "rmse")


def cost(family: str, rounds: int | None = None, rows: int = N_ROWS, **params: Any) -> float:
    return row_milliseconds(fitted_model(family, rounds, rows, **params))


def fitted_model(
    family: str, rounds: int | None = None, rows: int = N_ROWS, **params: Any
) -> Model:
    kind = find_family(family)
    features = tuple(Feature(name, name) for name in "abcd")
    sample = Sample(X[:rows], features, Y[:rows])
    context = FitContext(TASK, METRICS["rmse"], seed=0, rounds=rounds)
    prepared = kind.prepare(sample, None, params, context)
    return kind.fit(prepared, params, context).model


@pytest.mark.parametrize("family", ["lightgbm", "xgboost", "catboost"])
def test_more_rounds_cost_more(family: str) -> None:
    assert cost(family, rounds=200) > cost(family, rounds=20) > 0


def test_members_of_a_network_cost_more_though_they_share_weights() -> None:
    assert cost("mlp", rounds=1, members=4) > 1.2 * cost("mlp", rounds=1, members=1) > 0


@pytest.mark.parametrize("params", [{}, {"members": 4}, {"width": 32, "layers": 1}])
def test_a_row_of_a_network_takes_about_what_is_counted(params: dict[str, int]) -> None:
    model = fitted_model("mlp", rounds=1, **params)
    seconds = min(timeit.repeat(lambda: model.predict(X[:1]), number=1, repeat=300))
    assert 0.25 < row_milliseconds(model) / (1e3 * seconds) < 4


def test_more_stored_rows_cost_more() -> None:
    assert cost("knn") > cost("knn", rows=50) > 0
