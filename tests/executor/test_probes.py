"""Probes hold rows out by their folds, and leave out columns that trees cannot learn from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from automl import folds
from automl.budget import Budget
from automl.columns import Categories, Column, Columns, Numbers
from automl.dataset import Dataset
from automl.executor.probes import ProbeFolds, held_out_predictions
from automl.task import Task

N_ROWS = 200
ROWS = np.arange(N_ROWS)
RNG = np.random.default_rng(0)
X = RNG.normal(size=N_ROWS)
Y = X + 0.1 * RNG.normal(size=N_ROWS)
TASK = Task("regression", "y", "rmse")


def words(codes: np.ndarray) -> Categories:
    n_levels = int(codes.max()) + 1
    levels = tuple(f"w{code}" for code in range(n_levels))
    return Categories(codes.astype(np.int32), levels)


def dataset(y: np.ndarray, **columns: Column) -> Dataset:
    nothing_held_out = folds.holdout_of(np.zeros(N_ROWS, np.bool_))
    return Dataset(TASK, Columns(columns, N_ROWS), y, nothing_held_out)


def predictions(**columns: Column) -> np.ndarray:
    data = dataset(Y, x=Numbers(X), **columns)
    random_folds = folds.kfold(Y, ROWS, 3, 1, 0)
    return held_out_predictions(data, ProbeFolds(ROWS, random_folds), Budget())


def test_every_row_is_predicted_by_models_that_have_not_seen_it() -> None:
    predicted = predictions()
    assert predicted.shape == (N_ROWS,)
    assert np.corrcoef(predicted, Y)[0, 1] > 0.9


def test_words_that_hardly_recur_are_left_out() -> None:
    without = predictions()
    with_unique = predictions(reference=words(ROWS))
    with_recurring = predictions(team=words(ROWS % 5))
    assert np.array_equal(with_unique, without)
    assert not np.array_equal(with_recurring, without)


def test_a_linear_probe_follows_a_trend_beyond_the_rows_it_was_trained_on() -> None:
    day = ROWS.astype(float)
    data = dataset(ROWS * 2.0, day=Numbers(day))
    later = ProbeFolds(ROWS, folds.by_time(day, ROWS, 3))
    by_trees = held_out_predictions(data, later, Budget())
    by_linear = held_out_predictions(data, replace(later, model="linear"), Budget())
    assert np.nanmean(np.abs(by_linear - data.y)) < 1.0
    assert np.nanmean(np.abs(by_trees - data.y)) > 20.0
