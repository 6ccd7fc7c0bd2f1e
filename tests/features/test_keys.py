"""Whole numbers are keys where entities recur and their order says nothing about another entity."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from automl.columns import Columns, Floats, Numbers
from automl.features.keys import entity_keys
from automl.features.target import targets
from automl.task import Task

NUMBER = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "roc_auc", ("no", "yes"))
CLASSES = Task("multiclass", "y", "log_loss", ("a", "b", "c"))


def hosts(n_hosts: int = 300, most_rows: int = 9) -> tuple[NDArray[np.int64], Floats]:
    """Keys 37 apart, given in no order, and a target with something of each host's own."""
    rng = np.random.default_rng(0)
    host = np.repeat(np.arange(n_hosts), rng.integers(1, most_rows + 1, n_hosts))
    keys = rng.permutation(1000 + 37 * np.arange(n_hosts))
    return keys[host], rng.normal(size=n_hosts)[host] + 0.5 * rng.normal(size=len(host))


def found(values: NDArray[np.generic], y: Floats, task: Task = NUMBER) -> bool:
    columns = Columns({"x": Numbers(np.asarray(values, np.float64))}, len(y))
    return entity_keys(columns, targets(task, y, np.arange(len(y)), 0)) == ("x",)


@pytest.mark.parametrize(
    ("n_hosts", "most_rows"), [(1200, 9), (300, 9), (60, 9), (1000, 2), (30, 40)]
)
def test_entities_are_found_by_their_key(n_hosts: int, most_rows: int) -> None:
    assert found(*hosts(n_hosts, most_rows))


def test_some_may_be_missing() -> None:
    keys, y = hosts()
    assert found(np.where(np.arange(len(y)) % 7 == 0, np.nan, keys), y)


def test_keys_one_apart_are_keys_too() -> None:
    keys, y = hosts()
    assert found((keys - 1000) // 37, y)


def test_a_few_enormous_targets_hide_nothing() -> None:
    keys, y = hosts()
    assert found(keys, np.where(np.isin(keys, np.unique(keys)[::100]), 100 + 25 * y, y))


def test_classes_have_keys_too() -> None:
    keys, y = hosts()
    assert found(keys, (y > 0.5).astype(float), BINARY)
    assert found(keys, np.digitize(y, [-0.7, 0.7]).astype(float), CLASSES)


@pytest.mark.parametrize(
    "curve",
    [
        lambda x: x,
        np.sqrt,
        lambda x: np.sin(x / 700),
        lambda x: np.abs(x - 6000),
        lambda x: x > 9000,
        lambda x: 0 * x,
    ],
    ids=["line", "root", "wave", "peak", "step", "nothing"],
)
def test_amounts_are_no_keys(curve: np.ufunc) -> None:
    amounts, noise = hosts()
    signal = np.asarray(curve(amounts.astype(float)), np.float64)
    assert not found(
        amounts,
        signal / max(1e-9, float(signal.std()))
        + 0.5 * np.random.default_rng(1).normal(size=len(noise)),
    )


def test_keys_that_were_given_in_the_order_of_the_target_stay_amounts() -> None:
    keys, y = hosts()
    assert not found(keys, y + keys / 2000.0)


def test_years_ages_and_counts_stay() -> None:
    rng = np.random.default_rng(2)
    year, age, children = (
        rng.integers(1960, 2020, 3000),
        rng.integers(18, 80, 3000),
        rng.poisson(0.4, 3000) * rng.integers(1, 30, 3000),
    )
    y = (year - 1990) / 20 + np.sin(age / 9) + np.sqrt(children) + rng.normal(size=3000)
    assert not any(found(column, y) for column in (year, age, children))


def test_a_year_with_shocks_of_its_own_and_a_trend_stays() -> None:
    rng = np.random.default_rng(3)
    year = rng.integers(0, 60, 3000)
    assert not found(
        1960 + year, year / 20 + 0.3 * rng.normal(size=60)[year] + rng.normal(size=3000)
    )


@pytest.mark.parametrize("trend", [0.0, 0.3])
def test_an_amount_with_one_value_that_is_special_stays(trend: float) -> None:
    rng = np.random.default_rng(4)
    age = np.where(rng.random(3000) < 0.1, 99, rng.integers(18, 80, 3000))
    assert not found(age, 5 * (age == 99) + trend * age / 20 + rng.normal(size=3000))


def test_three_enormous_entities_are_enough_to_find_a_key() -> None:
    keys, y = hosts(1200)
    noise = 60 + 36 * np.random.default_rng(1).normal(size=len(y))
    assert found(keys, np.where(np.isin(keys, np.unique(keys)[100::400]), 25 * noise, noise))


def test_parts_few_values_and_row_numbers_are_no_keys() -> None:
    keys, y = hosts()
    assert not found(keys / 2, y)
    assert not found(keys % 20, y)
    assert not found(np.arange(len(y)), y)
    assert not found(np.full(len(y), np.nan), y)
