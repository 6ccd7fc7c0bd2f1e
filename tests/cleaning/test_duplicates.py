"""Copies of rows are distinguished from rows that chance repeats."""

from __future__ import annotations

import numpy as np

from automl.cleaning.duplicates import Copies, find_copied_rows
from automl.columns import Categories, Columns, Numbers


def random_values(n_rows: int, n_columns: int) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=(n_rows, n_columns)).round(2)


def table(values: np.ndarray) -> Columns:
    columns = {f"x{index}": Numbers(column) for index, column in enumerate(values.T)}
    return Columns(columns, len(values))


def copies(values: np.ndarray, y: np.ndarray, is_regression: bool = False) -> Copies:
    return find_copied_rows(table(values), y, is_regression)


def test_copies_of_rows_share_a_unit() -> None:
    values = np.tile(random_values(60, 4), (2, 1))
    y = np.tile(np.arange(60.0) % 2, 2)
    found = copies(values, y)
    assert found.is_beyond_chance
    assert found.count == 60
    assert (found.units[:60] == found.units[60:]).all()


def test_rows_equal_in_all_but_the_target_are_no_copies() -> None:
    values = np.tile(random_values(60, 4), (2, 1))
    found = copies(values, np.repeat([0.0, 1.0], 60))
    assert found.count == 0
    assert not found.is_beyond_chance


def test_a_regression_target_must_be_equal_too() -> None:
    values = random_values(200, 3)
    y = values.sum(axis=1)
    rows = np.r_[np.arange(200), np.arange(120)]
    found = copies(values[rows], y[rows], is_regression=True)
    assert found.is_beyond_chance


def test_a_table_of_few_distinct_rows_has_no_copies() -> None:
    rng = np.random.default_rng(1)
    coins = rng.integers(0, 2, (2_000, 6)).astype(float)
    # Dependent columns repeat more often than by chance, and still are no copies.
    coins[:, 1] = coins[:, 0]
    found = copies(coins, coins[:, 2])
    assert found.count > 1_900
    assert not found.is_beyond_chance


def test_dependent_answers_of_a_questionnaire_are_no_copies() -> None:
    rng = np.random.default_rng(2)
    mood = rng.normal(size=1_500)
    noise = rng.normal(size=(1_500, 5))
    answers = np.clip(np.round(mood[:, None] + noise + 2), 0, 4)
    is_happy = mood + rng.normal(size=1_500) > 0
    assert not copies(answers, is_happy.astype(float)).is_beyond_chance


def test_a_handful_of_copies_in_a_large_table_is_ignored() -> None:
    values = random_values(5_000, 4)
    rows = np.r_[np.arange(5_000), np.arange(20)]
    assert not copies(values[rows], np.zeros(5_020)).is_beyond_chance


def test_missing_cells_and_categories_are_equal_to_themselves() -> None:
    codes = np.arange(50, dtype=np.int32) - 1
    values = np.where(np.arange(50) % 3, np.arange(50.0), np.nan)
    levels = tuple(map(str, range(49)))
    columns = {
        "c": Categories(np.tile(codes, 2), levels),
        "x": Numbers(np.tile(values, 2)),
    }
    found = find_copied_rows(Columns(columns, 100), np.zeros(100), is_regression=False)
    assert found.count == 50


def test_equal_seeds_find_the_same() -> None:
    values = random_values(100, 3)
    rows = np.r_[np.arange(100), np.arange(40)]
    columns = table(values[rows])
    y = np.zeros(140)
    first = find_copied_rows(columns, y, is_regression=False, seed=5)
    again = find_copied_rows(columns, y, is_regression=False, seed=5)
    assert first.n_found == again.n_found
    assert first.by_chance == again.by_chance
    assert first.limit == again.limit
