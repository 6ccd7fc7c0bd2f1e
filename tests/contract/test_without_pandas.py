"""Cleaning gives the same typed columns, bit for bit, whether pandas helps or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from automl.arrays import Array
from automl.cleaning import Cleaned, Cleaner, cells, clean, dates
from automl.columns import Categories, Column, Numbers
from automl.errors import InputError
from automl.files import bundled_folder
from automl.state import State
from automl.table import Table, TextColumn, delimited, read_table

ALWAYS = 0
NEVER = sys.maxsize
SHARED = Path(__file__).parents[3] / "shared" / "cases"
TABLES = sorted(bundled_folder("datasets").glob("*/data.csv")) + sorted(SHARED.rglob("*.csv"))
N_ROWS = 30
WORDS = {
    "numbers": ["1", "2.5", "-3", "1e5", "007", "12", "0.0", "-0"],
    "amounts": ["$1,234.50", "12%", "(3.5)", "CHF 5", "26.7K", "<1000", "7"],
    "commas": ["1,5", "2,75", "1.234,5", "3,125"],
    "days": ["2021-05-01", "2021-12-31", "1999-01-02", "2021-02-30"],
    "moments": ["2021-05-01T10:06:07Z", "2021-05-01T10:06:07.123456+02:00", "2021-05-01 10:06"],
    "precise": ["2021-05-01 10:06:07.123456789", "2021-05-02 10:06:07.5"],
    "slashes": ["1/5/2021", "31/12/2020", "7/8/1999"],
    "names of months": ["1 May 2021", "12 Dec 1999", "3 Jun 2020"],
    "clocks": ["10:30", "4:03:17", "23:59:59"],
    "flags": ["yes", "no", "Yes"],
    "places": ["Rome", "Oslo", " Oslo", "Zürich", "NA"],
}
MISSING = st.sampled_from(["", "NA", " ", "?", "now"])


@contextmanager
def pandas_from(n_values: int) -> Iterator[None]:
    """Let pandas help with this number of cells or words and more; small texts likewise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cells, "_MIN_CELLS_FOR_PANDAS", n_values)
        patch.setattr(dates, "_MIN_WORDS_FOR_PANDAS", n_values)
        if n_values == ALWAYS:
            patch.setattr(delimited, "MAX_SMALL_BYTES", -1)
        yield


def arrays(column: Column) -> list[Array]:
    if isinstance(column, Numbers):
        bits = column.values.view(np.int64)
        return [np.where(np.isnan(column.values), 0, bits)]
    if isinstance(column, Categories):
        return [column.codes, np.array(column.levels, object)]
    return [column.data, column.offsets]


def assert_equal(one: Cleaned, other: Cleaned) -> None:
    assert one.cleaner.to_state() == other.cleaner.to_state()
    assert one.findings == other.findings
    assert one.labels == other.labels
    assert one.y.tolist() == other.y.tolist()
    assert one.duplicates.tolist() == other.duplicates.tolist()
    assert_columns_equal(one.columns.by_name, other.columns.by_name)


def assert_columns_equal(one: dict[str, Column], other: dict[str, Column]) -> None:
    assert list(one) == list(other)
    for name, column in one.items():
        assert column.kind == other[name].kind
        for array, other_array in zip(arrays(column), arrays(other[name]), strict=True):
            assert array.dtype == other_array.dtype
            assert array.tolist() == other_array.tolist(), name


def transformed(state: State, table: Table) -> dict[str, Column]:
    """A table's columns by a Cleaner that was saved and is read again, as at predict."""
    return dict(Cleaner.from_state(state).transform(table).columns.by_name)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_file_gives_the_same_columns(path: Path) -> None:
    with pandas_from(ALWAYS):
        usual = clean(read_table(path), read_table(path).names[-1])
    with pandas_from(NEVER):
        table = read_table(path)
        light = clean(table, table.names[-1])
        again = transformed(usual.cleaner.to_state(), table)
    assert_equal(light, usual)
    with pandas_from(ALWAYS):
        expected = transformed(usual.cleaner.to_state(), read_table(path))
    assert_columns_equal(again, expected)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """A table of text whose columns each hold words of one or two kinds, and missing ones."""
    columns = {"y": TextColumn.of(["a", "b"] * (N_ROWS // 2))}
    for number in range(draw(st.integers(1, 3))):
        kinds = draw(st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=2))
        words = st.sampled_from([word for kind in kinds for word in WORDS[kind]])
        usual = st.one_of(words, words, words, MISSING)
        made = draw(st.lists(usual, min_size=N_ROWS, max_size=N_ROWS))
        columns[f"x{number}"] = TextColumn.of(made)
    return Table(columns, N_ROWS, "a.csv", is_textual=True)


def cleaned(table: Table, n_values: int) -> Cleaned | str:
    with pandas_from(n_values):
        try:
            return clean(table, "y")
        except InputError as error:
            return str(error)


@settings(max_examples=60, deadline=None)
@given(tables(), tables())
def test_any_table_gives_the_same_columns(table: Table, new: Table) -> None:
    light = cleaned(table, NEVER)
    usual = cleaned(table, ALWAYS)
    assert isinstance(light, str) == isinstance(usual, str)
    assume(not isinstance(usual, str))
    assert isinstance(light, Cleaned)
    assert isinstance(usual, Cleaned)
    assert_equal(light, usual)
    names = [name for name in usual.cleaner.inputs if name not in new.columns]
    assume(not names)
    results = []
    for n_values in (NEVER, ALWAYS):
        with pandas_from(n_values):
            try:
                results.append(transformed(usual.cleaner.to_state(), new))
            except InputError as error:
                results.append(str(error))
    if isinstance(results[0], str):
        assert results[0] == results[1]
    else:
        assert_columns_equal(*results)
