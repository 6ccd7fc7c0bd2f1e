"""Warnings of an untrue score name the right column and say what it comes to; plain tables get none."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from automl import folds
from automl.budget import Budget
from automl.cleaning.duplicates import copied_rows
from automl.cleaning.findings import Finding
from automl.columns import Categories, Column, Columns, Numbers
from automl.dataset import Dataset
from automl.executor._base import InlineExecutor
from automl.lab.lab import Lab
from automl.stages._score_warnings import warnings_of
from automl.stages._suspects import Given
from automl.store import Store
from automl.task import Task

REGRESSION, BINARY = Task("regression", "y", "rmse"), Task("binary", "y", "roc_auc", ("no", "yes"))
RNG = np.random.default_rng(0)
BEGINNING = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _same_numbers() -> None:
    """Each test draws the same numbers, whatever ran before it."""
    RNG.bit_generator.state = BEGINNING


def told(
    path: Path,
    y: np.ndarray,
    asked: Given | None = None,
    seconds: float | None = None,
    task: Task = REGRESSION,
    units: np.ndarray | None = None,
    **columns: Column,
) -> list[Finding]:
    """What is told of a table."""
    table = Columns(columns, len(y))
    copies = copied_rows(table, y, task.is_regression)
    if units is None and copies.is_beyond_chance:
        units = copies.units
    data = Dataset(task, table, y, folds.given(np.zeros(len(y), np.bool_)), units=units)
    lab = Lab(Store(path / "run"), InlineExecutor(path / "run" / "work"), Budget())
    lab.keep(data)
    budget = Budget() if seconds is None else Budget().within(seconds)
    return warnings_of(data, copies, asked or Given(), lab, budget)


def words(codes: np.ndarray) -> Categories:
    return Categories(
        codes.astype(np.int32), tuple(f"w{code}" for code in range(int(codes.max()) + 1))
    )


def plain(n_rows: int) -> dict[str, Column]:
    return {f"x{place}": Numbers(RNG.normal(size=n_rows)) for place in range(4)}


def test_a_leak_is_told_with_the_score_without_it(tmp_path: Path) -> None:
    y = RNG.integers(0, 2, 400).astype(float)
    (finding,) = told(tmp_path, y, task=BINARY, status=words(1 - y), **plain(400))
    assert (finding.code, finding.columns, finding.severity) == ("leak", ("status",), "warning")
    assert finding.override == "--ignore status"
    assert "roc_auc 1 with it" in finding.action


def test_entities_are_told_with_the_score_for_new_ones(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(50), 6)
    y = RNG.normal(size=50)[owner] + 0.1 * RNG.normal(size=300)
    (finding,) = told(tmp_path, y, patient=Numbers(owner * 37.0 + 5), **plain(300))
    assert (finding.code, finding.columns, finding.severity) == ("entity", ("patient",), "warning")
    assert finding.override == "--group patient"
    assert "rmse" in finding.action


def test_entities_without_a_key_are_told_by_columns_together(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(60), 6)
    age, town, sex = (
        RNG.integers(20, 80, 60)[owner],
        RNG.integers(0, 30, 60)[owner],
        RNG.integers(0, 2, 60)[owner],
    )
    y = RNG.integers(0, 2, 60)[owner].astype(float)
    people = {"age": Numbers(age.astype(float)), "town": words(town), "sex": words(sex)}
    (finding,) = told(tmp_path, y, task=BINARY, **people, **plain(360))
    assert finding.code == "entity"
    assert set(finding.columns) <= {"age", "town", "sex"}
    assert finding.override == f"--group {','.join(finding.columns)}"


def test_drift_is_told_with_the_score_on_later_rows(tmp_path: Path) -> None:
    y = 3 * np.sin(np.arange(500) / 60) + RNG.normal(size=500)
    (finding,) = told(
        tmp_path, y, sold_on=Numbers(1.5e9 + 86_400.0 * np.arange(500), "date"), **plain(500)
    )
    assert (finding.code, finding.columns, finding.override) == (
        "drift",
        ("sold_on",),
        "--time sold_on",
    )


def test_copies_are_told_with_both_scores(tmp_path: Path) -> None:
    x = RNG.normal(size=(100, 4))
    y = RNG.integers(0, 2, 100).astype(float)
    rows = np.r_[np.arange(100), RNG.integers(0, 100, 200)]
    columns = {f"x{place}": Numbers(column[rows]) for place, column in enumerate(x.T)}
    (finding,) = told(tmp_path, y[rows], task=BINARY, **columns)
    assert (finding.code, finding.severity) == ("copied_rows", "warning")
    assert "with copies apart" in finding.action


def test_what_the_user_has_asked_for_is_not_told_again(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(50), 6)
    y = RNG.normal(size=50)[owner]
    assert (
        told(tmp_path, y, Given(has_groups=True), patient=Numbers(owner * 37.0), **plain(300)) == []
    )


def test_with_little_time_statistics_speak_alone(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(50), 6)
    y = RNG.normal(size=50)[owner] + 0.1 * RNG.normal(size=300)
    (finding,) = told(tmp_path, y, seconds=5.0, patient=Numbers(owner * 37.0 + 5), **plain(300))
    assert finding.columns == ("patient",)
    assert "rmse" not in finding.action


@pytest.mark.parametrize("seed", range(3))
def test_a_plain_table_with_a_date_and_a_key_gets_no_warning(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows = 500
    columns = {
        **{f"x{place}": Numbers(rng.normal(size=n_rows)) for place in range(4)},
        "customer_id": Numbers(rng.integers(0, 120, n_rows).astype(float)),
        "seen_on": Numbers(1.5e9 + 86_400.0 * np.arange(n_rows), "date"),
        "brand": words(rng.integers(0, 12, n_rows)),
    }
    x0 = columns["x0"]
    assert isinstance(x0, Numbers)
    y = 2 * x0.values + rng.normal(size=n_rows) + (columns["brand"].codes == 3)
    assert told(tmp_path, y, **columns) == []


def test_a_shuffled_target_gets_no_warning(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(50), 6)
    y = RNG.permutation(RNG.normal(size=50)[owner])
    dates = Numbers(1.5e9 + 86_400.0 * np.arange(300), "date")
    assert told(tmp_path, y, patient=Numbers(owner * 37.0), bought_on=dates, **plain(300)) == []


def labelled(n_owners: int, rows_each: int) -> tuple[np.ndarray, dict[str, Column]]:
    """Rows of owners under a label that is called nothing in particular, and a target of theirs."""
    owner = np.repeat(np.arange(n_owners), rows_each)
    n_rows = len(owner)
    level = RNG.normal(size=n_owners)[owner]
    x = RNG.normal(size=n_rows)
    columns = {
        "ref": words(owner),
        "quarter": words(RNG.integers(0, 6, n_owners)[owner]),
        "since": Numbers(1.4e9 + 86_400.0 * RNG.integers(0, 900, n_owners)[owner], "date"),
        "x": Numbers(x),
    }
    return np.exp(0.7 * level + x + 0.5 * RNG.normal(size=n_rows)), columns


def test_a_key_of_a_few_rows_each_is_told_by_what_describes_it(tmp_path: Path) -> None:
    y, columns = labelled(n_owners=200, rows_each=6)
    (finding,) = told(tmp_path, y, **columns)
    assert (finding.code, finding.columns) == ("entity", ("ref",))


def test_places_of_many_rows_each_get_no_warning(tmp_path: Path) -> None:
    y, columns = labelled(n_owners=60, rows_each=40)
    assert told(tmp_path, y, **columns) == []


def test_a_relation_that_turns_is_told_where_the_level_stays(tmp_path: Path) -> None:
    rng, n_rows = np.random.default_rng(2), 2_000  # seven of twelve seeds show enough of it
    x, other = rng.normal(size=(2, n_rows))
    angle = np.linspace(0, 5, n_rows)
    logit = 2 * (np.cos(angle) * x + np.sin(angle) * other)
    y = (rng.random(n_rows) < 1 / (1 + np.exp(-logit))).astype(float)
    day = Numbers(1.5e9 + 86_400.0 * np.arange(n_rows), "date")
    (finding,) = told(tmp_path, y, task=BINARY, asked_on=day, x=Numbers(x), other=Numbers(other))
    assert (finding.code, finding.columns) == ("drift", ("asked_on",))


def test_a_level_that_rises_by_what_models_cannot_explain_is_told(tmp_path: Path) -> None:
    rng, n_rows = np.random.default_rng(0), 1_500
    x = rng.normal(size=n_rows)
    y = np.exp(x + np.linspace(0, 1.2, n_rows) + 0.2 * rng.normal(size=n_rows))
    day = Numbers(1.5e9 + 86_400.0 * np.arange(n_rows), "date")
    (finding,) = told(tmp_path, y, sold_on=day, x=Numbers(x))
    assert (finding.code, finding.columns) == ("drift", ("sold_on",))


@pytest.mark.parametrize("seed", range(3))
def test_the_dates_of_copies_are_no_drift(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    n_rows = 300
    rows = np.r_[np.arange(n_rows), np.repeat(rng.integers(0, n_rows, 60), 6)]
    day = 1.5e9 + 86_400.0 * rng.integers(0, 900, n_rows)
    columns = {f"x{place}": Numbers(rng.normal(size=n_rows)[rows]) for place in range(4)}
    y = rng.normal(size=n_rows)[rows]
    found = told(tmp_path, y, called_on=Numbers(day[rows], "date"), **columns)
    assert [finding.code for finding in found] == ["copied_rows"]


def test_drift_is_judged_by_groups_that_are_new_both_ways(tmp_path: Path) -> None:
    owner = np.repeat(np.arange(120), 6)
    y = RNG.normal(size=120)[owner] + 0.3 * RNG.normal(size=720)  # or age would be a leak
    came = 1.5e9 + 86_400.0 * (5 * owner + RNG.integers(0, 5, 720))
    columns = {"seen_on": Numbers(came, "date"), "age": Numbers(y[owner * 6]), **plain(720)}
    assert told(tmp_path, y, Given(has_groups=True), units=owner, **columns) == []


def test_a_steady_trend_is_told_with_the_score_of_a_model_that_can_follow_it(
    tmp_path: Path,
) -> None:
    day = np.arange(600.0) * 86_400 + 1.5e9
    y = np.arange(600) * 0.01 + np.random.default_rng(0).normal(size=600)
    (finding,) = told(tmp_path, y, sold=Numbers(day, "date"), **plain(600))
    assert finding.code == "drift"
    assert all(
        float(score) < 1.5 for score in re.findall(r"\d\.\d+", finding.action)
    )  # trees alone are 2.5 off


def test_every_leak_stands_in_the_option(tmp_path: Path) -> None:
    y = RNG.integers(0, 2, 400).astype(float)
    leaks: dict[str, Column] = {
        f"after{place}": Numbers(y * (place + 2) + 0.01 * RNG.normal(size=400))
        for place in range(7)
    }
    (finding,) = told(tmp_path, y, task=BINARY, **leaks, **plain(400))
    assert finding.override == " ".join(f"--ignore after{place}" for place in range(7))


def test_a_column_whose_name_begins_like_a_leak_is_not_left_out_with_it(tmp_path: Path) -> None:
    honest = RNG.normal(size=600)
    y = (honest + 0.5 * RNG.normal(size=600) > 0).astype(float)
    columns = {"paid": Numbers(y * 7), "paid (last year)": Numbers(honest)}
    (finding,) = told(tmp_path, y, task=BINARY, **columns)
    without = re.search(r"roc_auc 1 with it, (\S+) without", finding.action)
    assert without is not None
    assert float(without[1]) > 0.85


def test_a_dozen_families_of_products_are_no_entities(tmp_path: Path) -> None:
    family = RNG.integers(0, 12, 600)
    y = 3.0 * RNG.normal(size=12)[family] + RNG.normal(size=600)
    assert told(tmp_path, y, family=words(family), **plain(600)) == []
