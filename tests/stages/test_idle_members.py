"""Members that bring nothing leave an ensemble; those that bring something stay."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from automl.arrays import Floats
from automl.ensemble import Truth, fit_log_pool, select_greedily
from automl.metrics import METRICS
from automl.stages._idle_members import Trimmer
from automl.task import Task

NUMBERS = Task("regression", "y", "rmse")
CLASSES = Task("binary", "y", "roc_auc", ("a", "b"))
RNG = np.random.default_rng(0)
N_ROWS = 600


def trimmer_of(task: Task, y: Floats, **predictions: Floats) -> Trimmer:
    metric = METRICS[task.metric]
    weigher = fit_log_pool
    if task.is_regression:
        weigher = partial(select_greedily, metric=metric)
    return Trimmer(
        task=task,
        metric=metric,
        truth=Truth(y),
        predictions=predictions,
        weigher=weigher,
        calibrates=not task.is_regression,
        seed=0,
    )


def probabilities(of_second: Floats) -> Floats:
    return np.column_stack([1 - of_second, of_second])


def always() -> bool:
    return True


def test_a_copy_of_another_member_leaves() -> None:
    y = RNG.normal(size=N_ROWS)
    near = y + RNG.normal(0, 0.3, N_ROWS)
    trimmer = trimmer_of(NUMBERS, y, first=near, copy=near)
    assert trimmer.trim({"first": 0.6, "copy": 0.4}, always) == {"first": 1.0}


def test_members_that_err_differently_stay() -> None:
    y = RNG.normal(size=N_ROWS)
    first = y + RNG.normal(0, 0.3, N_ROWS)
    second = y + RNG.normal(0, 0.3, N_ROWS)
    weights = {"first": 0.5, "second": 0.5}
    assert trimmer_of(NUMBERS, y, first=first, second=second).trim(weights, always) == weights


def test_noise_among_classes_leaves() -> None:
    y = RNG.integers(0, 2, N_ROWS).astype(float)
    good = probabilities(np.clip(0.2 + 0.6 * y + RNG.normal(0, 0.15, N_ROWS), 0.01, 0.99))
    noise = probabilities(np.full(N_ROWS, 0.5))
    trimmer = trimmer_of(CLASSES, y, good=good, noise=noise)
    assert trimmer.trim({"good": 0.98, "noise": 0.02}, always) == {"good": 1.0}


def test_without_time_all_stay() -> None:
    y = RNG.normal(size=N_ROWS)
    trimmer = trimmer_of(NUMBERS, y, first=y + 1, copy=y + 1)
    weights = {"first": 0.5, "copy": 0.5}
    assert trimmer.trim(weights, lambda: False) == weights


@pytest.mark.parametrize("n_rare", [1, 3])
def test_classes_of_few_rows_are_in_every_part(n_rare: int) -> None:
    y = np.zeros(N_ROWS)
    y[:n_rare] = 1
    good = probabilities(np.where(y == 1, 0.6, 0.1))
    trimmer = trimmer_of(CLASSES, y, good=good, copy=good)
    assert trimmer.trim({"good": 0.5, "copy": 0.5}, always) == {"good": 1.0}
