"""Copies of rows are told from rows that chance repeats."""

from __future__ import annotations

import numpy as np

from automl.cleaning.duplicates import copied_rows
from automl.columns import Categories, Columns, Numbers


def numbers(n_rows: int, n_columns: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n_rows, n_columns)).round(2)


def table(values: np.ndarray) -> Columns:
    return Columns(
        {f"x{place}": Numbers(column) for place, column in enumerate(values.T)}, len(values)
    )


def test_copies_of_rows_share_a_unit() -> None:
    once = numbers(60, 4)
    found = copied_rows(
        table(np.vstack([once, once])), np.tile(np.arange(60.0) % 2, 2), is_regression=False
    )
    assert found.is_beyond_chance
    assert found.count == 60
    assert (found.units[:60] == found.units[60:]).all()


def test_rows_equal_in_all_but_the_target_are_no_copies() -> None:
    once = numbers(60, 4)
    found = copied_rows(
        table(np.vstack([once, once])), np.repeat([0.0, 1.0], 60), is_regression=False
    )
    assert found.count == 0
    assert not found.is_beyond_chance


def test_a_regression_target_counts_too() -> None:
    once = numbers(200, 3)
    y = once.sum(axis=1)
    copied = np.r_[np.arange(200), np.arange(120)]
    assert copied_rows(table(once[copied]), y[copied], is_regression=True).is_beyond_chance


def test_a_table_of_few_distinct_rows_has_no_copies() -> None:
    rng = np.random.default_rng(1)
    coins = rng.integers(0, 2, (2_000, 6)).astype(float)
    coins[:, 1] = coins[
        :, 0
    ]  # dependent columns repeat more often than chance, and still are no copies
    found = copied_rows(table(coins), coins[:, 2], is_regression=False)
    assert found.count > 1_900
    assert not found.is_beyond_chance


def test_dependent_answers_of_a_questionnaire_are_no_copies() -> None:
    rng = np.random.default_rng(2)
    mood = rng.normal(size=1_500)
    answers = np.clip(np.round(mood[:, None] + rng.normal(size=(1_500, 5)) + 2), 0, 4)
    y = (mood + rng.normal(size=1_500) > 0).astype(float)
    assert not copied_rows(table(answers), y, is_regression=False).is_beyond_chance


def test_a_handful_of_copies_in_a_large_table_is_nothing() -> None:
    once = numbers(5_000, 4)
    rows = np.r_[np.arange(5_000), np.arange(20)]
    assert not copied_rows(table(once[rows]), np.zeros(5_020), is_regression=False).is_beyond_chance


def test_missing_cells_and_categories_are_equal_to_themselves() -> None:
    codes = np.tile(np.arange(50, dtype=np.int32) - 1, 2)
    values = np.tile(np.where(np.arange(50) % 3, np.arange(50.0), np.nan), 2)
    columns = Columns(
        {"c": Categories(codes, tuple(map(str, range(49)))), "x": Numbers(values)}, 100
    )
    found = copied_rows(columns, np.zeros(100), is_regression=False)
    assert found.count == 50


def test_equal_seeds_find_the_same() -> None:
    once = numbers(100, 3)
    rows = np.r_[np.arange(100), np.arange(40)]
    first, again = (
        copied_rows(table(once[rows]), np.zeros(140), is_regression=False, seed=5) for _ in range(2)
    )
    assert (first.found, first.by_chance, first.limit) == (
        again.found,
        again.by_chance,
        again.limit,
    )
