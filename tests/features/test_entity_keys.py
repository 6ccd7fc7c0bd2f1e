"""Whole numbers are keys where entities recur and neighbours in order say nothing of each other."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from automl.arrays import Floats
from automl.columns import Columns, Numbers
from automl.features.entity_keys import find_entity_keys
from automl.features.target import encode_targets
from automl.task import Task

REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "roc_auc", ("no", "yes"))
MULTICLASS = Task("multiclass", "y", "log_loss", ("a", "b", "c"))


def hosts(n_hosts: int = 300, most_rows: int = 9) -> tuple[NDArray[np.int64], Floats]:
    """Return keys 37 apart, in no order, and a target with a mean of each host's own."""
    rng = np.random.default_rng(0)
    host = np.repeat(np.arange(n_hosts), rng.integers(1, most_rows + 1, n_hosts))
    keys = rng.permutation(1000 + 37 * np.arange(n_hosts))
    means = rng.normal(size=n_hosts)
    return keys[host], means[host] + 0.5 * rng.normal(size=len(host))


def is_key(values: NDArray[np.generic], y: Floats, task: Task = REGRESSION) -> bool:
    columns = Columns({"x": Numbers(np.asarray(values, np.float64))}, len(y))
    return find_entity_keys(columns, encode_targets(task, y, np.arange(len(y)), 0)) == ("x",)


@pytest.mark.parametrize(
    ("n_hosts", "most_rows"), [(1200, 9), (300, 9), (60, 9), (1000, 2), (30, 40)]
)
def test_entities_are_found_by_their_key(n_hosts: int, most_rows: int) -> None:
    assert is_key(*hosts(n_hosts, most_rows))


def test_some_keys_may_be_missing() -> None:
    keys, y = hosts()
    is_missing = np.arange(len(y)) % 7 == 0
    assert is_key(np.where(is_missing, np.nan, keys), y)


def test_keys_one_apart_are_keys_too() -> None:
    keys, y = hosts()
    assert is_key((keys - 1000) // 37, y)


def test_a_few_enormous_targets_hide_nothing() -> None:
    keys, y = hosts()
    is_enormous = np.isin(keys, np.unique(keys)[::100])
    assert is_key(keys, np.where(is_enormous, 100 + 25 * y, y))


def test_classes_have_keys_too() -> None:
    keys, y = hosts()
    assert is_key(keys, (y > 0.5).astype(float), BINARY)
    assert is_key(keys, np.digitize(y, [-0.7, 0.7]).astype(float), MULTICLASS)


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
def test_amounts_are_not_keys(curve: np.ufunc) -> None:
    amounts, _ = hosts()
    signal = np.asarray(curve(amounts.astype(float)), np.float64)
    scaled = signal / max(1e-9, float(signal.std()))
    noise = np.random.default_rng(1).normal(size=len(amounts))
    assert not is_key(amounts, scaled + 0.5 * noise)


def test_keys_that_were_assigned_in_the_order_of_the_target_stay_amounts() -> None:
    keys, y = hosts()
    assert not is_key(keys, y + keys / 2000.0)


def test_years_ages_and_counts_are_not_keys() -> None:
    rng = np.random.default_rng(2)
    year = rng.integers(1960, 2020, 3000)
    age = rng.integers(18, 80, 3000)
    children = rng.poisson(0.4, 3000) * rng.integers(1, 30, 3000)
    noise = rng.normal(size=3000)
    y = (year - 1990) / 20 + np.sin(age / 9) + np.sqrt(children) + noise
    for column in (year, age, children):
        assert not is_key(column, y)


def test_a_year_with_shocks_of_its_own_and_a_trend_is_not_a_key() -> None:
    rng = np.random.default_rng(3)
    year = rng.integers(0, 60, 3000)
    shocks = 0.3 * rng.normal(size=60)
    assert not is_key(1960 + year, year / 20 + shocks[year] + rng.normal(size=3000))


@pytest.mark.parametrize("trend", [0.0, 0.3])
def test_an_amount_with_one_value_that_is_special_is_not_a_key(trend: float) -> None:
    rng = np.random.default_rng(4)
    age = np.where(rng.random(3000) < 0.1, 99, rng.integers(18, 80, 3000))
    assert not is_key(age, 5 * (age == 99) + trend * age / 20 + rng.normal(size=3000))


def test_three_enormous_entities_are_enough_to_find_a_key() -> None:
    keys, y = hosts(1200)
    noise = 60 + 36 * np.random.default_rng(1).normal(size=len(y))
    is_enormous = np.isin(keys, np.unique(keys)[100::400])
    assert is_key(keys, np.where(is_enormous, 25 * noise, noise))


def test_fractions_few_values_and_row_numbers_are_not_keys() -> None:
    keys, y = hosts()
    assert not is_key(keys / 2, y)
    assert not is_key(keys % 20, y)
    assert not is_key(np.arange(len(y)), y)
    assert not is_key(np.full(len(y), np.nan), y)
