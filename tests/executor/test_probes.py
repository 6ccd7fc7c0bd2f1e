"""Probes hold rows out as they are told, and leave out what trees can't learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl import folds
from automl.budget import Budget
from automl.columns import Categories, Column, Columns, Numbers
from automl.dataset import Dataset
from automl.executor.probes import ProbeFolds, held_out_predictions
from automl.task import Task

N = 200
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Y = X + 0.1 * RNG.normal(size=N)


def words(codes: np.ndarray) -> Categories:
    levels = tuple(f"w{code}" for code in range(int(codes.max()) + 1))
    return Categories(codes.astype(np.int32), levels)


def predictions(**columns: Column) -> np.ndarray:
    table = Columns({"x": Numbers(X), **columns}, N)
    data = Dataset(Task("regression", "y", "rmse"), table, Y, folds.given(np.zeros(N, np.bool_)))
    split = ProbeFolds(np.arange(N), folds.kfold(Y, np.arange(N), 3, 1, 0))
    return held_out_predictions(data, split, Budget())


def test_every_row_is_predicted_by_models_that_have_not_seen_it() -> None:
    made = predictions()
    assert made.shape == (N,)
    assert np.corrcoef(made, Y)[0, 1] > 0.9


def test_words_that_hardly_recur_are_left_out() -> None:
    assert np.array_equal(predictions(reference=words(np.arange(N))), predictions())
    assert not np.array_equal(predictions(team=words(np.arange(N) % 5)), predictions())


def test_a_linear_probe_goes_beyond_what_it_has_seen() -> None:
    rows = np.arange(N)
    data = Dataset(
        Task("regression", "y", "rmse"),
        Columns({"day": Numbers(rows.astype(float))}, N),
        rows * 2.0,
        folds.given(np.zeros(N, np.bool_)),
    )
    later = ProbeFolds(rows, folds.by_time(rows.astype(float), rows, 3))
    trees = held_out_predictions(data, later, Budget())
    linear = held_out_predictions(data, replace(later, model="linear"), Budget())
    assert np.nanmean(np.abs(linear - data.y)) < 1.0
    assert np.nanmean(np.abs(trees - data.y)) > 20.0
