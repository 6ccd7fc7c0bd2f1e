"""Warnings of an untrue score name the columns and measure the effect; plain tables get none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from automl import folds
from automl.budget import Budget
from automl.cleaning.duplicates import find_copied_rows
from automl.columns import Categories, Column, Columns, Numbers
from automl.dataset import Dataset
from automl.executor.inline import InlineExecutor
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.stages._score_warnings import find_score_warnings
from automl.stages._suspects import HoldoutOptions
from automl.store import Store
from automl.task import Task

REGRESSION = Task("regression", "y", "rmse")
BINARY = Task("binary", "y", "roc_auc", ("no", "yes"))
OWNER = np.repeat(np.arange(50), 6)
RNG = np.random.default_rng(0)
BEGINNING = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Let each test draw the same numbers, whatever ran before it."""
    RNG.bit_generator.state = BEGINNING


def score_warnings(
    path: Path,
    y: np.ndarray,
    given: HoldoutOptions | None = None,
    seconds: float | None = None,
    task: Task = REGRESSION,
    units: np.ndarray | None = None,
    **columns: Column,
) -> list[Finding]:
    """Return the warnings for a table."""
    n_rows = len(y)
    table = Columns(columns, n_rows)
    copies = find_copied_rows(table, y, task.is_regression)
    if units is None and copies.is_beyond_chance:
        units = copies.units
    nothing_held_out = folds.holdout_of(np.zeros(n_rows, np.bool_))
    data = Dataset(task, table, y, nothing_held_out, units=units)
    executor = InlineExecutor(path / "run" / "work")
    lab = Lab(RunData(Store(path / "run")), executor, Budget())
    lab.data.save(data)
    budget = Budget() if seconds is None else Budget().within(seconds)
    return find_score_warnings(data, copies, given or HoldoutOptions(), lab, budget)


def words(codes: np.ndarray) -> Categories:
    n_levels = int(codes.max()) + 1
    levels = tuple(f"w{code}" for code in range(n_levels))
    return Categories(codes.astype(np.int32), levels)


def daily(days: np.ndarray) -> Numbers:
    """Return dates, from days since July 2017."""
    return Numbers(1.5e9 + 86_400.0 * days, "date")


def noise(n_rows: int) -> dict[str, Column]:
    """Return four columns of noise."""
    return {f"x{index}": Numbers(RNG.normal(size=n_rows)) for index in range(4)}


def random_labels(n_rows: int) -> np.ndarray:
    return RNG.integers(0, 2, n_rows).astype(float)


def test_a_leak_is_reported_with_the_score_without_it(tmp_path: Path) -> None:
    y = random_labels(400)
    (finding,) = score_warnings(tmp_path, y, task=BINARY, status=words(1 - y), **noise(400))
    assert (finding.code, finding.columns) == ("leak", ("status",))
    assert finding.severity == "warning"
    assert finding.override == "--ignore status"
    assert "roc_auc 1 with it" in finding.action


def test_entities_are_reported_with_the_score_for_new_ones(tmp_path: Path) -> None:
    y = RNG.normal(size=50)[OWNER] + 0.1 * RNG.normal(size=300)
    patient = Numbers(OWNER * 37.0 + 5)
    (finding,) = score_warnings(tmp_path, y, patient=patient, **noise(300))
    assert (finding.code, finding.columns) == ("entity", ("patient",))
    assert finding.severity == "warning"
    assert finding.override == "--group patient"
    assert "rmse" in finding.action


def test_entities_without_a_key_are_reported_by_several_columns(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(60), 6)
    age = RNG.integers(20, 80, 60)[owner]
    town = RNG.integers(0, 30, 60)[owner]
    sex = RNG.integers(0, 2, 60)[owner]
    y = random_labels(60)[owner]
    people = {"age": Numbers(age.astype(float)), "town": words(town), "sex": words(sex)}
    (finding,) = score_warnings(tmp_path, y, task=BINARY, **people, **noise(360))
    assert finding.code == "entity"
    assert set(finding.columns) <= {"age", "town", "sex"}
    assert finding.override == f"--group {','.join(finding.columns)}"


def test_drift_is_reported_with_the_score_on_later_rows(tmp_path: Path) -> None:
    rows = np.arange(500)
    y = 3 * np.sin(rows / 60) + RNG.normal(size=500)
    (finding,) = score_warnings(tmp_path, y, sold_on=daily(rows), **noise(500))
    assert (finding.code, finding.columns) == ("drift", ("sold_on",))
    assert finding.override == "--time sold_on"


def test_copies_are_reported_with_both_scores(tmp_path: Path) -> None:
    x = RNG.normal(size=(100, 4))
    y = random_labels(100)
    rows = np.r_[np.arange(100), RNG.integers(0, 100, 200)]
    columns = {f"x{index}": Numbers(column[rows]) for index, column in enumerate(x.T)}
    (finding,) = score_warnings(tmp_path, y[rows], task=BINARY, **columns)
    assert (finding.code, finding.severity) == ("copied_rows", "warning")
    assert "with copies apart" in finding.action


def test_settings_of_the_user_are_not_recommended_again(tmp_path: Path) -> None:
    y = RNG.normal(size=50)[OWNER]
    patient = Numbers(OWNER * 37.0)
    given = HoldoutOptions(has_groups=True)
    assert score_warnings(tmp_path, y, given, patient=patient, **noise(300)) == []


def test_with_little_time_statistics_decide_alone(tmp_path: Path) -> None:
    y = RNG.normal(size=50)[OWNER] + 0.1 * RNG.normal(size=300)
    patient = Numbers(OWNER * 37.0 + 5)
    (finding,) = score_warnings(tmp_path, y, seconds=5.0, patient=patient, **noise(300))
    assert finding.columns == ("patient",)
    assert "rmse" not in finding.action


@pytest.mark.parametrize("seed", range(3))
def test_a_plain_table_with_a_date_and_a_key_gets_no_warning(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows = 500
    x = [rng.normal(size=n_rows) for _ in range(4)]
    customer = rng.integers(0, 120, n_rows)
    brand = rng.integers(0, 12, n_rows)
    columns = {
        **{f"x{index}": Numbers(values) for index, values in enumerate(x)},
        "customer_id": Numbers(customer.astype(float)),
        "seen_on": daily(np.arange(n_rows)),
        "brand": words(brand),
    }
    y = 2 * x[0] + rng.normal(size=n_rows) + (brand == 3)
    assert score_warnings(tmp_path, y, **columns) == []


def test_a_shuffled_target_gets_no_warning(tmp_path: Path) -> None:
    y = RNG.permutation(RNG.normal(size=50)[OWNER])
    columns = {"patient": Numbers(OWNER * 37.0), "bought_on": daily(np.arange(300))}
    assert score_warnings(tmp_path, y, **columns, **noise(300)) == []


def owned_rows(n_owners: int, rows_each: int) -> tuple[np.ndarray, dict[str, Column]]:
    """Return a target and columns of owners under a key that has no entity's name."""
    owner = np.repeat(np.arange(n_owners), rows_each)
    n_rows = len(owner)
    level = RNG.normal(size=n_owners)[owner]
    x = RNG.normal(size=n_rows)
    quarter = RNG.integers(0, 6, n_owners)[owner]
    since = RNG.integers(0, 900, n_owners)[owner]
    columns = {
        "ref": words(owner),
        "quarter": words(quarter),
        "since": Numbers(1.4e9 + 86_400.0 * since, "date"),
        "x": Numbers(x),
    }
    error = RNG.normal(size=n_rows)
    return np.exp(0.7 * level + x + 0.5 * error), columns


def test_a_key_of_a_few_rows_each_is_reported_if_columns_describe_it(tmp_path: Path) -> None:
    y, columns = owned_rows(n_owners=200, rows_each=6)
    (finding,) = score_warnings(tmp_path, y, **columns)
    assert (finding.code, finding.columns) == ("entity", ("ref",))


def test_a_key_of_many_rows_each_gets_no_warning(tmp_path: Path) -> None:
    y, columns = owned_rows(n_owners=60, rows_each=40)
    assert score_warnings(tmp_path, y, **columns) == []


def test_a_changing_relation_is_reported_where_the_level_is_constant(tmp_path: Path) -> None:
    n_rows = 2_000
    rng = np.random.default_rng(2)  # seven of twelve seeds show enough of it
    x, other = rng.normal(size=(2, n_rows))
    angle = np.linspace(0, 5, n_rows)
    logit = 2 * (np.cos(angle) * x + np.sin(angle) * other)
    probability = 1 / (1 + np.exp(-logit))
    y = (rng.random(n_rows) < probability).astype(float)
    columns = {
        "asked_on": daily(np.arange(n_rows)),
        "x": Numbers(x),
        "other": Numbers(other),
    }
    (finding,) = score_warnings(tmp_path, y, task=BINARY, **columns)
    assert (finding.code, finding.columns) == ("drift", ("asked_on",))


def test_a_level_that_rises_by_more_than_models_explain_is_reported(tmp_path: Path) -> None:
    n_rows = 1_500
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    trend = np.linspace(0, 1.2, n_rows)
    y = np.exp(x + trend + 0.2 * rng.normal(size=n_rows))
    (finding,) = score_warnings(tmp_path, y, sold_on=daily(np.arange(n_rows)), x=Numbers(x))
    assert (finding.code, finding.columns) == ("drift", ("sold_on",))


@pytest.mark.parametrize("seed", range(3))
def test_the_dates_of_copies_are_no_drift(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows = 300
    copied = rng.integers(0, n_rows, 60)
    rows = np.r_[np.arange(n_rows), np.repeat(copied, 6)]
    days = rng.integers(0, 900, n_rows)
    columns = {f"x{index}": Numbers(rng.normal(size=n_rows)[rows]) for index in range(4)}
    y = rng.normal(size=n_rows)[rows]
    found = score_warnings(tmp_path, y, called_on=daily(days[rows]), **columns)
    assert [finding.code for finding in found] == ["copied_rows"]


def test_drift_is_measured_on_new_groups_both_ways(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(120), 6)
    y = RNG.normal(size=120)[owner] + 0.3 * RNG.normal(size=720)  # otherwise age would be a leak
    days = 5 * owner + RNG.integers(0, 5, 720)
    columns = {"seen_on": daily(days), "age": Numbers(y[owner * 6]), **noise(720)}
    given = HoldoutOptions(has_groups=True)
    assert score_warnings(tmp_path, y, given, units=owner, **columns) == []


def test_a_steady_trend_is_reported_with_the_score_of_a_linear_model(tmp_path: Path) -> None:
    days = np.arange(600)
    y = days * 0.01 + np.random.default_rng(0).normal(size=600)
    (finding,) = score_warnings(tmp_path, y, sold=daily(days), **noise(600))
    assert finding.code == "drift"
    scores = re.findall(r"\d\.\d+", finding.action)
    assert all(float(score) < 1.5 for score in scores)  # trees alone are 2.5 off


def test_every_leak_is_in_the_option(tmp_path: Path) -> None:
    y = random_labels(400)
    leaks: dict[str, Column] = {}
    for index in range(7):
        values = y * (index + 2) + 0.01 * RNG.normal(size=400)
        leaks[f"after{index}"] = Numbers(values)
    (finding,) = score_warnings(tmp_path, y, task=BINARY, **leaks, **noise(400))
    assert finding.override == " ".join(f"--ignore {name}" for name in leaks)


def test_a_column_whose_name_begins_like_a_leak_is_not_left_out_with_it(tmp_path: Path) -> None:
    honest = RNG.normal(size=600)
    y = (honest + 0.5 * RNG.normal(size=600) > 0).astype(float)
    columns = {"paid": Numbers(y * 7), "paid (last year)": Numbers(honest)}
    (finding,) = score_warnings(tmp_path, y, task=BINARY, **columns)
    without = re.search(r"roc_auc 1 with it, (\S+) without", finding.action)
    assert without is not None
    assert float(without[1]) > 0.85


def test_a_dozen_families_of_products_are_no_entities(tmp_path: Path) -> None:
    family = RNG.integers(0, 12, 600)
    y = 3.0 * RNG.normal(size=12)[family] + RNG.normal(size=600)
    assert score_warnings(tmp_path, y, family=words(family), **noise(600)) == []
