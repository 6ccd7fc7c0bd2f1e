"""Whole numbers are categorical where each value explains more than its neighbourhood does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from automl.arrays import Floats
from automl.columns import Columns, Numbers
from automl.features.categorical_integers import find_categorical_integers
from automl.features.target import encode_targets
from automl.task import Task

REGRESSION = Task("regression", "y", "rmse")
MULTICLASS = Task("multiclass", "y", "log_loss", ("a", "b", "c"))


def departments(n_rows: int = 3000) -> tuple[NDArray[np.int64], Floats]:
    """Return numbers of 100 departments, and a target with a mean of each department's own."""
    rng = np.random.default_rng(0)
    department = rng.integers(0, 100, n_rows)
    means = rng.normal(size=100)
    return department, means[department] + rng.normal(size=n_rows)


def is_found(values: NDArray[np.generic], y: Floats, task: Task = REGRESSION) -> bool:
    columns = Columns({"x": Numbers(np.asarray(values, np.float64))}, len(y))
    return find_categorical_integers(columns, encode_targets(task, y, np.arange(len(y)), 0)) == (
        "x",
    )


def test_departments_are_categorical_whether_or_not_some_are_missing() -> None:
    department, y = departments()
    assert is_found(department, y)
    assert is_found(np.where(department == 7, np.nan, department), y)


def test_they_are_categorical_for_classes_too() -> None:
    department, y = departments()
    classes = np.digitize(y, [-0.7, 0.7]).astype(float)
    assert is_found(department, classes, MULTICLASS)


@pytest.mark.parametrize(
    "curve",
    [lambda x: x, np.sqrt, lambda x: np.sin(x / 15), lambda x: 0 * x],
    ids=["line", "root", "wave", "nothing"],
)
def test_amounts_are_not_categorical(curve: np.ufunc) -> None:
    amount, _ = departments()
    noise = np.random.default_rng(1).normal(size=len(amount))
    assert not is_found(amount, curve(amount.astype(float)) + noise)


def test_values_that_explain_little_more_than_their_neighbours_are_not_categorical() -> None:
    amount, _ = departments()
    rng = np.random.default_rng(0)
    rng.integers(0, 100, len(amount))
    own = rng.normal(size=100)[amount]
    noise = rng.normal(size=len(amount))
    wave = 0.3 * np.sin(amount / 15)
    assert not is_found(amount, 0.24 * own + wave + noise)
    assert is_found(amount, 0.30 * own + wave + noise)


def test_few_values_fractions_and_row_numbers_are_not_categorical() -> None:
    department, y = departments()
    assert not is_found(department % 20, y)
    assert not is_found(department / 2, y)
    assert not is_found(np.arange(len(y)), y)
    assert not is_found(np.full(len(y), np.nan), y)
