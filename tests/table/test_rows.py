"""Rows of plain values are read without pandas, and give the cells that pandas gives."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.cleaning.cells import Cells, Typed, normalize_cells, read_cells
from automl.errors import InputError
from automl.table import NumberColumn, TextColumn, as_table, from_frame

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(["", "a", "NA", " b", "1"]),
    st.integers(-3, 3),
    st.sampled_from([2**53, -(2**60), 2**70]),
    st.floats(),
)
KINDS = st.sampled_from([st.none(), st.booleans(), st.text("ab ", max_size=2), st.integers(-3, 3)])
ROWS = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c"]), VALUES, min_size=1), min_size=1)


def plain(cells: Cells) -> list[Any]:
    normal = normalize_cells(cells)
    if isinstance(normal, Typed):
        bits = normal.values.view(np.int64)
        return [np.where(np.isnan(normal.values), 0, bits).tolist(), normal.kind, normal.is_integer]
    return [normal.codes.tolist(), normal.words.tolist()]


def assert_read_as_by_pandas(rows: list[dict[str, Any]]) -> None:
    table = as_table(rows)
    usual = from_frame(rows)
    assert table.names == usual.names
    assert table.n_rows == usual.n_rows
    for name in table.names:
        assert plain(read_cells(table[name])) == plain(read_cells(usual[name])), name


@given(ROWS)
def test_rows_have_the_cells_of_a_frame(rows: list[dict[str, Any]]) -> None:
    assert_read_as_by_pandas(rows)


@given(st.data())
def test_columns_of_one_kind_have_the_cells_of_a_frame(data: st.DataObject) -> None:
    kind = data.draw(KINDS)
    cells = data.draw(st.lists(st.one_of(kind, kind, st.none()), min_size=1, max_size=6))
    assert_read_as_by_pandas([{"a": cell} for cell in cells])


def test_plain_values_do_not_need_pandas() -> None:
    table = as_table([{"a": "x", "b": 1, "c": 2.5, "d": True}, {"a": None, "b": 2, "d": False}])
    assert isinstance(table["a"], TextColumn)
    assert all(isinstance(table[name], NumberColumn) for name in "bcd")


def test_a_mapping_is_a_row_or_columns() -> None:
    assert as_table({"a": 1, "b": "x"}).n_rows == 1
    assert as_table({"a": [1, 2], "b": ["x", "y"]}).n_rows == 2
    assert as_table({"a": np.arange(3)}).n_rows == 3


@pytest.mark.parametrize(
    "value", [dt.date(2021, 5, 1), pd.Timestamp("2021-05-01"), np.int64(3), 2**60, b"x", {"a": 1}]
)
def test_other_values_are_read_by_pandas(value: Any) -> None:
    assert_read_as_by_pandas([{"a": value, "b": 1}])


@pytest.mark.parametrize("data", [[], {}, ()])
def test_no_row_is_refused_in_words_of_rows(data: Any) -> None:
    with pytest.raises(InputError, match="X: there is no row"):
        as_table(data)


def test_a_list_among_single_values_is_refused() -> None:
    with pytest.raises(InputError, match="'b' is a single value, others are several"):
        as_table({"a": [1, 2], "b": "x"})


@pytest.mark.parametrize("data", ["text", 3, [1, 2]])
def test_what_is_no_table_is_refused(data: Any) -> None:
    with pytest.raises((InputError, ValueError)):
        as_table(data)


def test_a_table_is_returned_as_it_is() -> None:
    table = from_frame({"a": [1]})
    assert as_table(table) is table
