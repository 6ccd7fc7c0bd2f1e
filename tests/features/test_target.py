"""Means of the target: right, smoothed, and never a row's own."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.columns import Categories, Columns
from automl.features.encoding import fit_shared, fit_targeted
from automl.features.recipe import RECIPES
from automl.features.target import N_FOLDS, cross_fit, inner_folds, smoothed_means
from automl.task import Task

TARGET, SCALED = RECIPES["target"], RECIPES["scaled_target"]
REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "auc", ("no", "yes"))


def one(codes: np.ndarray, n_levels: int) -> Columns:
    return Columns(
        {"c": Categories(codes.astype(np.int32), tuple(f"l{place}" for place in range(n_levels)))},
        len(codes),
    )


@pytest.mark.parametrize("recipe", [TARGET, SCALED], ids=lambda recipe: recipe.name)
@pytest.mark.parametrize("n_levels", [30, 400, 2000])
@pytest.mark.parametrize("task", [REGRESSION, BINARY], ids=lambda task: task.kind)
def test_a_random_target_is_not_seen_in_its_own_encoding(recipe, n_levels: int, task: Task) -> None:
    correlations = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        y = (
            random.normal(size=2000)
            if task.is_regression
            else random.integers(0, 2, 2000).astype(float)
        )
        _, X = fit_targeted(
            recipe,
            one(random.integers(0, n_levels, 2000), n_levels),
            task,
            y,
            np.arange(2000),
            seed,
        )
        correlations.append(np.corrcoef(X[:, 0], y)[0, 1] if X.std() > 1e-6 else 0.0)
    chance = 1 / np.sqrt(2000 * 20)
    assert abs(np.mean(correlations)) < 4 * chance


@given(data=st.data())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_a_rows_own_target_never_reaches_its_value(data: st.DataObject) -> None:
    n_rows = data.draw(st.integers(1, 40))
    codes = np.array(data.draw(st.lists(st.integers(0, 4), min_size=n_rows, max_size=n_rows)))
    y = np.array(data.draw(st.lists(st.floats(-10, 10), min_size=n_rows, max_size=n_rows)))
    folds = np.random.default_rng(0).integers(0, N_FOLDS, n_rows)
    fold = data.draw(st.sampled_from(sorted(set(folds))))
    other = np.where(folds == fold, data.draw(st.floats(-10, 10)), y)
    first, second = cross_fit(codes, y, folds, 5)[1], cross_fit(codes, other, folds, 5)[1]
    if (folds == fold).all():  # nothing to learn from but the mean of all
        return
    np.testing.assert_allclose(first[folds == fold], second[folds == fold], atol=1e-6)


def test_a_weight_of_three_counts_like_three_rows() -> None:
    random = np.random.default_rng(0)
    codes, y, folds, weights = (
        random.integers(0, 6, 300),
        random.normal(size=300),
        random.integers(0, N_FOLDS, 300),
        random.integers(1, 4, 300),
    )
    weighted = cross_fit(codes, y, folds, 6, weights.astype(float))
    repeated = cross_fit(*(np.repeat(part, weights) for part in (codes, y, folds)), 6)
    np.testing.assert_allclose(weighted[0], repeated[0], rtol=1e-9)
    np.testing.assert_allclose(np.repeat(weighted[1], weights), repeated[1], rtol=1e-9)


def test_rows_outside_train_get_the_fitted_encoding_and_their_target_is_not_read() -> None:
    random = np.random.default_rng(0)
    columns, train, held = (
        one(random.integers(-1, 40, 500), 40),
        np.arange(0, 500, 2),
        np.arange(1, 500, 2),
    )
    y = random.normal(size=500)
    encoding, X = fit_targeted(TARGET, columns, REGRESSION, y, train, seed=3)
    np.testing.assert_array_equal(X[held], encoding.transform(columns.take(held)))
    y[held] = np.nan
    _, again = fit_targeted(TARGET, columns, REGRESSION, y, train, seed=3)
    np.testing.assert_array_equal(again, X)


def test_means_of_levels_that_differ_are_found() -> None:
    random = np.random.default_rng(2)
    codes = random.integers(0, 20, 4000)
    y = codes + random.normal(size=4000)
    encoding, X = fit_targeted(TARGET, one(codes, 20), REGRESSION, y, np.arange(4000), seed=0)
    np.testing.assert_allclose(
        encoding.transform(one(np.arange(20), 20)).ravel(), np.arange(20), atol=0.25
    )
    assert np.corrcoef(X[:, 0], y)[0, 1] > 0.97


def test_missing_is_a_level_and_unseen_without_it_is_the_mean_of_all() -> None:
    codes = np.repeat([0, 1, 2, -1], 100)
    y = np.repeat([0.0, 1.0, 1.0, 5.0], 100)
    encoding, _ = fit_targeted(TARGET, one(codes, 3), REGRESSION, y, np.arange(400), seed=0)
    assert encoding.transform(one(np.array([-1]), 3))[0, 0] == pytest.approx(5)
    encoding, _ = fit_targeted(TARGET, one(codes, 3), REGRESSION, y, np.arange(300), seed=0)
    assert encoding.transform(one(np.array([-1]), 3))[0, 0] == pytest.approx(2 / 3)


def test_smoothing_draws_rare_levels_further_and_keeps_the_order() -> None:
    counts, means = np.array([2.0, 200.0, 200.0]), np.array([1.0, 1.0, 0.0])
    rare, common, _ = smoothed_means(
        np.stack([counts, counts * means, counts * means**2 + counts * 0.2])
    )
    assert 0.5 < rare < common < 1


def test_a_binary_target_has_one_mean_and_many_classes_the_ten_most_frequent() -> None:
    random = np.random.default_rng(0)
    columns = one(random.integers(0, 5, 600), 5)
    y = random.integers(0, 2, 600).astype(float)
    assert [
        feature.name
        for feature in fit_targeted(TARGET, columns, BINARY, y, np.arange(600), 0)[0].features
    ] == ["c (mean of yes)"]
    many = Task("multiclass", "y", "log_loss", tuple("abcdefghijklm"))
    y = np.concatenate([np.arange(13), np.repeat(np.arange(3, 13), 50), np.full(87, 12)]).astype(
        float
    )
    features = fit_targeted(TARGET, columns, many, y, np.arange(600), 0)[0].features
    assert [feature.name for feature in features] == [
        f"c (mean of {label})" for label in "defghijklm"
    ]


def test_other_recipes_and_flags_read_no_target() -> None:
    y, rows = np.zeros(6), np.arange(6)
    assert fit_targeted(RECIPES["onehot"], one(np.arange(6), 6), REGRESSION, y, rows, 0)[
        1
    ].shape == (6, 0)
    assert fit_targeted(TARGET, one(np.arange(6) % 2, 2), REGRESSION, y, rows, 0)[1].shape == (6, 0)
    assert [
        feature.name for feature in fit_shared(TARGET, one(np.arange(6) % 2, 2), 0).features
    ] == ["c = l1"]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_inner_folds_hold_equal_shares_of_every_class(classes: list[int]) -> None:
    y = np.array(classes, float)
    folds = inner_folds(y, seed=0)
    assert np.ptp(np.bincount(folds, minlength=N_FOLDS)) <= 1
    for value in set(classes):
        assert np.ptp(np.bincount(folds[y == value], minlength=N_FOLDS)) <= 2
