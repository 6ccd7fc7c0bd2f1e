"""Whole numbers are codes where each value tells more than its neighbourhood does."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from automl.columns import Columns, Floats, Numbers
from automl.features.categorical_integers import coded
from automl.features.target import targets
from automl.task import Task

NUMBER = Task("regression", "y", "rmse")
CLASSES = Task("multiclass", "y", "log_loss", ("a", "b", "c"))


def table(n_rows: int = 3000) -> tuple[NDArray[np.int64], Floats]:
    """Numbers of 100 departments, and something of each department's own."""
    rng = np.random.default_rng(0)
    department = rng.integers(0, 100, n_rows)
    return department, rng.normal(size=100)[department] + rng.normal(size=n_rows)


def found(values: NDArray[np.generic], y: Floats, task: Task = NUMBER) -> bool:
    columns = Columns({"x": Numbers(np.asarray(values, np.float64))}, len(y))
    return coded(columns, targets(task, y, np.arange(len(y)), 0)) == ("x",)


def test_departments_are_codes_whether_or_not_some_are_missing() -> None:
    department, y = table()
    assert found(department, y)
    assert found(np.where(department == 7, np.nan, department), y)


def test_they_are_for_classes_too() -> None:
    department, y = table()
    assert found(department, np.digitize(y, [-0.7, 0.7]).astype(float), CLASSES)


@pytest.mark.parametrize(
    "curve",
    [lambda x: x, np.sqrt, lambda x: np.sin(x / 15), lambda x: 0 * x],
    ids=["line", "root", "wave", "nothing"],
)
def test_amounts_are_no_codes(curve: np.ufunc) -> None:
    amount, y = table()
    assert not found(
        amount, curve(amount.astype(float)) + np.random.default_rng(1).normal(size=len(y))
    )


def test_few_values_and_parts_and_numbers_of_rows_are_no_codes() -> None:
    department, y = table()
    assert not found(department % 20, y)
    assert not found(department / 2, y)
    assert not found(np.arange(len(y)), y)
    assert not found(np.full(len(y), np.nan), y)
