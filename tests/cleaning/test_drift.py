"""Columns that say when a row was made are distinguished from other times, such as birthdays."""

from __future__ import annotations

import numpy as np
import pytest

from automl.cleaning.drift import Drift, find_drift, is_running_number, times_from_parts
from automl.columns import Columns, Numbers

N_ROWS = 400
RNG = np.random.default_rng(0)
ROWS = np.arange(N_ROWS)
DAY_SECONDS = 86_400.0
DAYS = 1.5e9 + DAY_SECONDS * ROWS
LEVEL = ROWS / 50 + RNG.normal(size=N_ROWS)
SHUFFLED = RNG.permutation(N_ROWS)
YEAR = 2015.0 + ROWS // 100
MONTH = 1.0 + ROWS % 100 // 9


def drift(y: np.ndarray = LEVEL, **values: np.ndarray) -> Drift | None:
    """Find drift in a table whose columns are dates if they are named so."""
    columns = {}
    for name, array in values.items():
        is_date = name.endswith(("_on", "date", "birth"))
        columns[name] = Numbers(array, "date" if is_date else "number")
    return find_drift(Columns(columns, N_ROWS), y, is_regression=True)


def certain_drift(y: np.ndarray = LEVEL, **values: np.ndarray) -> Drift:
    found = drift(y, **values)
    assert found is not None
    return found


def test_a_date_with_drift_is_found_in_any_order_of_the_rows() -> None:
    found = certain_drift(LEVEL[SHUFFLED], sold_on=DAYS[SHUFFLED])
    assert found.columns == ("sold_on",)
    assert found.is_level_sure


def test_a_date_without_drift_is_not_sure() -> None:
    found = drift(RNG.normal(size=N_ROWS), sold_on=DAYS)
    assert found is None or not found.is_level_sure


def test_parts_of_a_date_are_used_together() -> None:
    found = certain_drift(month=MONTH, year=YEAR)
    assert found.columns == ("year", "month")


def test_a_year_alone_is_a_time_only_if_the_rows_are_in_its_order() -> None:
    year = 2000.0 + ROWS // 20
    assert drift(year=year) is not None
    assert drift(LEVEL[SHUFFLED], year=year[SHUFFLED]) is None


def test_weeks_counted_beyond_a_year_are_a_time_in_any_order_of_the_rows() -> None:
    week = (1.0 + ROWS // 4)[SHUFFLED]
    level = LEVEL[SHUFFLED]
    assert drift(level, week=week) is not None
    assert drift(level, month=week % 12) is None
    assert drift(level, tenure_weeks=week) is None


@pytest.mark.parametrize(
    "name", ["YearBuilt", "year_of_birth", "model_year", "age", "price_per_month"]
)
def test_the_time_at_which_a_thing_was_made_is_not_the_time_of_the_row(name: str) -> None:
    values = 1900.0 + ROWS / 4
    assert drift(**{name: values}) is None


def test_dates_of_birth_are_not_the_time_of_the_row() -> None:
    assert drift(date_of_birth=DAYS) is None
    decades = 60 * DAY_SECONDS * ROWS - 1e9
    assert drift(some_date=decades) is None


def test_the_largest_unit_decides_the_order() -> None:
    years = np.array([1.0, 1.0, 0.0])
    months = np.array([2.0, 1.0, 9.0])
    times = times_from_parts([years, months])
    assert times.tolist() == [2.0, 1.0, 0.0]


@pytest.mark.parametrize("names", [("Jahr", "Monat"), ("yr", "mth"), ("Año", "mes")])
def test_parts_of_a_date_are_known_by_short_and_foreign_words(names: tuple[str, str]) -> None:
    parts = dict(zip(names, (YEAR, MONTH), strict=True))
    assert certain_drift(**parts).columns == names


def test_parts_of_a_date_are_found_next_to_a_date_without_drift() -> None:
    found = certain_drift(year=YEAR, month=MONTH, called_on=DAYS[SHUFFLED])
    assert found.columns == ("year", "month")


def test_a_date_is_preferred_to_its_parts() -> None:
    found = certain_drift(year=YEAR, month=MONTH, sold_on=DAYS)
    assert found.columns == ("sold_on",)


def test_a_relation_that_changes_with_time_is_found_where_the_level_is_constant() -> None:
    x = RNG.normal(size=N_ROWS)
    slope = np.linspace(2, -2, N_ROWS)
    y = x * slope + 0.1 * RNG.normal(size=N_ROWS)
    assert certain_drift(y, sold_on=DAYS, x=x).relation_errors > 4
    assert certain_drift(x, sold_on=DAYS, x=x).relation_errors < 4


def test_a_running_number_is_a_time_where_the_level_rises_and_falls_with_it() -> None:
    lot = 7_000.0 + np.cumsum(RNG.integers(1, 7, N_ROWS))
    level = np.sin(ROWS / 15) + 0.3 * RNG.normal(size=N_ROWS)
    found = certain_drift(level[SHUFFLED], lot=lot[SHUFFLED])
    assert found.columns == ("lot",)
    assert drift(RNG.normal(size=N_ROWS), lot=lot[SHUFFLED]) is None


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(500, 100, N_ROWS).round(),
        RNG.uniform(0, 1, N_ROWS),
        RNG.integers(0, 50, N_ROWS).astype(float),
        RNG.lognormal(9, 1, N_ROWS).round(),
    ],
    ids=["amounts around a mean", "fractions", "few values", "amounts of which few are large"],
)
def test_amounts_are_not_running_numbers(values: np.ndarray) -> None:
    assert not is_running_number(values)
