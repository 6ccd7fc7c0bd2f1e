"""Means of the target are right, smoothed, and never a row's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.columns import Columns
from automl.features.encoding import fit_shared, fit_targeted
from automl.features.recipe import RECIPES, Recipe
from automl.features.target import N_CROSS_FITTING_FOLDS, cross_fit, inner_folds, smoothed_means
from automl.task import Task
from tests.features.samples import categories

TARGET = RECIPES["target"]
SCALED = RECIPES["scaled_target"]
REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "auc", ("no", "yes"))


def one_category(codes: np.ndarray, n_levels: int) -> Columns:
    return Columns({"c": categories(codes, n_levels)}, len(codes))


@pytest.mark.parametrize("recipe", [TARGET, SCALED], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("n_levels", [30, 400, 2000])
@pytest.mark.parametrize("task", [REGRESSION, BINARY], ids=lambda task: task.kind)
def test_a_random_target_is_not_seen_in_its_own_encoding(
    recipe: Recipe, n_levels: int, task: Task
) -> None:
    correlations = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        if task.is_regression:
            y = rng.normal(size=2000)
        else:
            y = rng.integers(0, 2, 2000).astype(float)
        columns = one_category(rng.integers(0, n_levels, 2000), n_levels)
        _, X = fit_targeted(recipe, columns, task, y, np.arange(2000), seed)
        varies = X.std() > 1e-6
        correlations.append(np.corrcoef(X[:, 0], y)[0, 1] if varies else 0.0)
    chance = 1 / np.sqrt(2000 * 20)
    assert abs(np.mean(correlations)) < 4 * chance


@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_rows_own_target_never_reaches_its_value(data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(1, 40))
    codes = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n_rows, max_size=n_rows)))
    y = np.array(data.draw(st.lists(st.floats(-10, 10), min_size=n_rows, max_size=n_rows)))
    folds = np.random.default_rng(0).integers(0, N_CROSS_FITTING_FOLDS, n_rows)
    fold = data.draw(st.sampled_from(sorted(set(folds))))
    is_held_out = folds == fold
    changed = np.where(is_held_out, data.draw(st.floats(-10, 10)), y)
    _, before = cross_fit(codes, y, folds, 5)
    _, after = cross_fit(codes, changed, folds, 5)
    if is_held_out.all():  # nothing to learn from but the mean of all
        return
    np.testing.assert_allclose(before[is_held_out], after[is_held_out], atol=1e-6)


def test_a_weight_of_three_counts_like_three_rows() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 6, 300)
    y = rng.normal(size=300)
    folds = rng.integers(0, N_CROSS_FITTING_FOLDS, 300)
    weights = rng.integers(1, 4, 300)
    means, out_of_fold = cross_fit(codes, y, folds, 6, weights.astype(float))
    repeated = [np.repeat(values, weights) for values in (codes, y, folds)]
    repeated_means, repeated_out_of_fold = cross_fit(*repeated, 6)
    np.testing.assert_allclose(means, repeated_means, rtol=1e-9)
    np.testing.assert_allclose(np.repeat(out_of_fold, weights), repeated_out_of_fold, rtol=1e-9)


def test_rows_outside_train_get_the_fitted_encoding_and_their_target_is_not_read() -> None:
    rng = np.random.default_rng(0)
    columns = one_category(rng.integers(-1, 40, 500), 40)
    train = np.arange(0, 500, 2)
    held_out = np.arange(1, 500, 2)
    y = rng.normal(size=500)
    encoding, X = fit_targeted(TARGET, columns, REGRESSION, y, train, seed=3)
    np.testing.assert_array_equal(X[held_out], encoding.transform(columns.take(held_out)))
    y[held_out] = np.nan
    _, again = fit_targeted(TARGET, columns, REGRESSION, y, train, seed=3)
    np.testing.assert_array_equal(again, X)


def test_means_of_levels_that_differ_are_found() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 20, 4000)
    y = codes + rng.normal(size=4000)
    columns = one_category(codes, 20)
    encoding, X = fit_targeted(TARGET, columns, REGRESSION, y, np.arange(4000), seed=0)
    levels = np.arange(20)
    means = encoding.transform(one_category(levels, 20)).ravel()
    np.testing.assert_allclose(means, levels, atol=0.25)
    assert np.corrcoef(X[:, 0], y)[0, 1] > 0.97


@pytest.mark.parametrize(("n_rows", "expected"), [(400, 5), (300, 2 / 3)])
def test_missing_is_a_level_where_it_occurs_and_else_gets_the_overall_mean(
    n_rows: int, expected: float
) -> None:
    columns = one_category(np.repeat([0, 1, 2, -1], 100), 3)
    y = np.repeat([0.0, 1.0, 1.0, 5.0], 100)
    encoding, _ = fit_targeted(TARGET, columns, REGRESSION, y, np.arange(n_rows), seed=0)
    missing = one_category(np.array([-1]), 3)
    assert encoding.transform(missing)[0, 0] == pytest.approx(expected)


def test_smoothing_draws_rare_levels_further_and_keeps_the_order() -> None:
    counts = np.array([2.0, 200.0, 200.0])
    means = np.array([1.0, 1.0, 0.0])
    squares = counts * means**2 + counts * 0.2
    rare, common, _ = smoothed_means(np.stack([counts, counts * means, squares]))
    assert 0.5 < rare < common < 1


def test_a_binary_target_has_one_mean() -> None:
    rng = np.random.default_rng(0)
    columns = one_category(rng.integers(0, 5, 600), 5)
    y = rng.integers(0, 2, 600).astype(float)
    encoding, _ = fit_targeted(TARGET, columns, BINARY, y, np.arange(600), 0)
    assert [feature.name for feature in encoding.features] == ["c (mean of yes)"]


def test_many_classes_have_the_means_of_the_ten_most_frequent() -> None:
    columns = one_category(np.random.default_rng(0).integers(0, 5, 600), 5)
    task = Task("multiclass", "y", "log_loss", tuple("abcdefghijklm"))
    frequent = np.repeat(np.arange(3, 13), 50)
    y = np.concatenate([np.arange(13), frequent, np.full(87, 12)]).astype(float)
    encoding, _ = fit_targeted(TARGET, columns, task, y, np.arange(600), 0)
    names = [feature.name for feature in encoding.features]
    assert names == [f"c (mean of {label})" for label in "defghijklm"]


@pytest.mark.parametrize(("recipe", "n_levels"), [(RECIPES["onehot"], 6), (TARGET, 2)])
def test_other_recipes_and_flags_read_no_target(recipe: Recipe, n_levels: int) -> None:
    columns = one_category(np.arange(6) % n_levels, n_levels)
    _, X = fit_targeted(recipe, columns, REGRESSION, np.zeros(6), np.arange(6), 0)
    assert X.shape == (6, 0)


def test_a_flag_is_one_feature_of_the_target_recipe() -> None:
    encoding = fit_shared(TARGET, one_category(np.arange(6) % 2, 2), 0)
    assert [feature.name for feature in encoding.features] == ["c = level 1"]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_inner_folds_hold_equal_shares_of_every_class(classes: list[int]) -> None:
    y = np.array(classes, float)
    folds = inner_folds(y, seed=0)
    assert np.ptp(np.bincount(folds, minlength=N_CROSS_FITTING_FOLDS)) <= 1
    for value in set(classes):
        assert np.ptp(np.bincount(folds[y == value], minlength=N_CROSS_FITTING_FOLDS)) <= 2
