"""Columns that say when a row was made are told from those that say when somebody was born."""

from __future__ import annotations

import numpy as np
import pytest

from automl.cleaning.drift import is_running_number, find_drift, in_order
from automl.columns import Columns, Numbers

N = 400
RNG = np.random.default_rng(0)
DAYS = 1.5e9 + 86_400.0 * np.arange(N)
LEVEL = np.arange(N) / 50 + RNG.normal(size=N)
MIXED = RNG.permutation(N)


def columns(**values: np.ndarray) -> Columns:
    kinds = {
        name: "date" if name.endswith(("_on", "date", "birth")) else "number" for name in values
    }
    return Columns({name: Numbers(array, kinds[name]) for name, array in values.items()}, N)  # type: ignore[arg-type]


def test_a_date_with_which_the_target_moves_is_found_in_any_order_of_the_rows() -> None:
    found = find_drift(columns(sold_on=DAYS[MIXED]), LEVEL[MIXED], is_regression=True)
    assert found is not None
    assert found.columns == ("sold_on",)
    assert found.is_level_sure


def test_a_date_that_tells_nothing_is_not_sure() -> None:
    found = find_drift(columns(sold_on=DAYS), RNG.normal(size=N), is_regression=True)
    assert found is None or not found.is_level_sure


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


@pytest.mark.parametrize(
    "name", ["YearBuilt", "year_of_birth", "model_year", "age", "price_per_month"]
)
def test_what_says_when_a_thing_was_made_is_no_time(name: str) -> None:
    assert (
        find_drift(columns(**{name: 1900.0 + np.arange(N) / 4}), LEVEL, is_regression=True) is None
    )


def test_dates_of_birth_are_no_time() -> None:
    assert find_drift(columns(date_of_birth=DAYS), LEVEL, is_regression=True) is None
    decades = 86_400.0 * 60 * np.arange(N) - 1e9
    assert find_drift(columns(some_date=decades), LEVEL, is_regression=True) is None


def test_the_largest_unit_counts_most() -> None:
    assert in_order([np.array([1.0, 1.0, 0.0]), np.array([2.0, 1.0, 9.0])]).tolist() == [
        2.0,
        1.0,
        0.0,
    ]


@pytest.mark.parametrize("names", [("Jahr", "Monat"), ("yr", "mth"), ("Año", "mes")])
def test_parts_of_a_date_are_known_by_short_and_foreign_words(names: tuple[str, str]) -> None:
    year, month = 2015.0 + np.arange(N) // 100, 1.0 + np.arange(N) % 100 // 9
    table = columns(**dict(zip(names, (year, month), strict=True)))
    found = find_drift(table, LEVEL, is_regression=True)
    assert found is not None
    assert found.columns == names


def test_parts_of_a_date_are_found_beside_a_date_that_tells_nothing() -> None:
    year, month = 2015.0 + np.arange(N) // 100, 1.0 + np.arange(N) % 100 // 9
    table = columns(year=year, month=month, called_on=DAYS[MIXED])
    found = find_drift(table, LEVEL, is_regression=True)
    assert found is not None
    assert found.columns == ("year", "month")


def test_a_date_is_named_rather_than_its_parts() -> None:
    year, month = 2015.0 + np.arange(N) // 100, 1.0 + np.arange(N) % 100 // 9
    found = find_drift(columns(year=year, month=month, sold_on=DAYS), LEVEL, is_regression=True)
    assert found is not None
    assert found.columns == ("sold_on",)


def test_a_relation_that_turns_with_time_shows_where_the_level_stays() -> None:
    x = RNG.normal(size=N)
    y = x * np.linspace(2, -2, N) + 0.1 * RNG.normal(size=N)
    found = find_drift(columns(sold_on=DAYS, x=x), y, is_regression=True)
    assert found is not None
    assert found.relation_errors > 4
    steady = find_drift(columns(sold_on=DAYS, x=x), x, is_regression=True)
    assert steady is not None
    assert steady.relation_errors < 4


def test_a_running_number_is_a_time_where_the_level_comes_and_goes_with_it() -> None:
    lot = 7_000.0 + np.cumsum(RNG.integers(1, 7, N))
    level = np.sin(np.arange(N) / 15) + 0.3 * RNG.normal(size=N)
    found = find_drift(columns(lot=lot[MIXED]), level[MIXED], is_regression=True)
    assert found is not None
    assert found.columns == ("lot",)
    assert find_drift(columns(lot=lot[MIXED]), RNG.normal(size=N), is_regression=True) is None


@pytest.mark.parametrize(
    "values",
    [
        RNG.normal(500, 100, N).round(),
        RNG.uniform(0, 1, N),
        RNG.integers(0, 50, N).astype(float),
        RNG.lognormal(9, 1, N).round(),
    ],
    ids=["amounts around a mean", "fractions", "few values", "amounts of which few are large"],
)
def test_amounts_do_not_count_on(values: np.ndarray) -> None:
    assert not is_running_number(values)
