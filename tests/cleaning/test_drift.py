"""Columns that say when a row was made are told from those that say when somebody was born."""

from __future__ import annotations

import numpy as np
import pytest

from automl.cleaning.drift import find_drift, in_order
from automl.columns import Columns, Numbers

N = 400
RNG = np.random.default_rng(0)
DAYS = 1.5e9 + 86_400.0 * np.arange(N)
LEVEL = np.arange(N) / 50 + RNG.normal(size=N)
MIXED = RNG.permutation(N)


def columns(**values: np.ndarray) -> Columns:
    kinds = {name: "date" if name.endswith(("_on", "date", "birth")) else "number" for name in values}
    return Columns({name: Numbers(array, kinds[name]) for name, array in values.items()}, N)  # type: ignore[arg-type]


def test_a_date_with_which_the_target_moves_is_found_in_any_order_of_the_rows() -> None:
    found = find_drift(columns(sold_on=DAYS[MIXED]), LEVEL[MIXED], is_regression=True)
    assert found is not None
    assert found.columns == ("sold_on",)
    assert found.is_sure


def test_a_date_that_tells_nothing_is_not_sure() -> None:
    found = find_drift(columns(sold_on=DAYS), RNG.normal(size=N), is_regression=True)
    assert found is None or not found.is_sure


def test_parts_of_a_date_are_taken_together() -> None:
    year, month = 2015.0 + np.arange(N) // 100, 1.0 + np.arange(N) % 100 // 9
    found = find_drift(columns(month=month, year=year), LEVEL, is_regression=True)
    assert found is not None
    assert found.columns == ("year", "month")


def test_a_year_alone_counts_if_the_rows_lie_in_its_order() -> None:
    year = 2000.0 + np.arange(N) // 20
    assert find_drift(columns(year=year), LEVEL, is_regression=True) is not None
    assert find_drift(columns(year=year[MIXED]), LEVEL[MIXED], is_regression=True) is None


def test_weeks_that_are_counted_on_are_a_time_in_any_order_of_the_rows() -> None:
    week = 1.0 + np.arange(N) // 4
    assert find_drift(columns(week=week[MIXED]), LEVEL[MIXED], is_regression=True) is not None
    assert find_drift(columns(month=(week % 12)[MIXED]), LEVEL[MIXED], is_regression=True) is None
    assert find_drift(columns(tenure_weeks=week[MIXED]), LEVEL[MIXED], is_regression=True) is None


@pytest.mark.parametrize("name", ["YearBuilt", "year_of_birth", "model_year", "age", "price_per_month"])
def test_what_says_when_a_thing_was_made_is_no_time(name: str) -> None:
    assert find_drift(columns(**{name: 1900.0 + np.arange(N) / 4}), LEVEL, is_regression=True) is None


def test_dates_of_birth_are_no_time() -> None:
    assert find_drift(columns(date_of_birth=DAYS), LEVEL, is_regression=True) is None
    decades = 86_400.0 * 60 * np.arange(N) - 1e9
    assert find_drift(columns(some_date=decades), LEVEL, is_regression=True) is None


def test_the_largest_unit_counts_most() -> None:
    assert in_order([np.array([1.0, 1.0, 0.0]), np.array([2.0, 1.0, 9.0])]).tolist() == [2.0, 1.0, 0.0]
