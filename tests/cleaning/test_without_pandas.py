"""Cells and dates are read alike with pandas and without it, bit for bit."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from automl.arrays import Floats
from automl.cleaning import cells, date_layouts, dates
from automl.cleaning.cells import Cells, Typed, as_words, normalize_cells, read_cells
from automl.table import TextColumn, as_series

MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31))
SPELLED = [layout for layout in dates.FORMATS if "%" in layout]
ISO_SPELLINGS = (
    "%Y-%m-%d",
    "%Y-%m",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%S.%f",
    "%Y-%m-%d %H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%f-0330",
    "%Y-%m-%dT%H:%M+23:59",
    "%Y-%m-%dT%H:%M-02",
    "%Y%m%dT%H%M%S",
)
PIECES = st.sampled_from([*"0123569/-.:TZ+aPé٣", " ", "  ", "\u00a0", ""])
WORDS = st.lists(st.sampled_from(["a", " a", "b", "NA", "", "nan ", "1.0", "É"]), max_size=12)
NUMBERS = st.lists(st.sampled_from([0.0, -0.0, 1.5, np.nan, 1e300, -7.0]), max_size=12)


@st.composite
def near_dates(draw: st.DrawFn, spellings: tuple[str, ...] | list[str]) -> str:
    """A date in one of the spellings, or a word that differs in a few letters from one."""
    word = draw(MOMENTS).strftime(draw(st.sampled_from(spellings)))
    for _ in range(draw(st.integers(0, 2))):
        start = draw(st.integers(0, len(word)))
        end = start + draw(st.integers(0, 1))
        word = word[:start] + draw(PIECES) + word[end:]
    return word


def assert_read_alike(word: str, layout: str) -> None:
    light = date_layouts.parse([word], layout)
    if light is not None:
        with_pandas = dates._parse_with_pandas([word], layout)
        assert light.view(np.int64).tolist() == with_nan(with_pandas).view(np.int64).tolist()


def with_nan(values: Floats) -> Floats:
    """The values, with the one NaN that Python has."""
    return np.where(np.isnan(values), np.nan, values)


@pytest.mark.parametrize("layout", SPELLED)
@settings(max_examples=15)
@given(data=st.data())
def test_dates_of_a_format_are_those_of_pandas(layout: str, data: st.DataObject) -> None:
    word = data.draw(near_dates([layout, layout, "%d/%m/%Y"]))
    if len(word) < 64:
        assert_read_alike(word, layout)


@settings(max_examples=300)
@given(near_dates(ISO_SPELLINGS))
@example("2021-02-29")
@example("0000-01-01")
@example("2021-01-01 24:00")
@example("2021-01-01 10:05:60")
@example("2021-01-01 10:05:07.123456789")
def test_dates_of_iso_8601_are_those_of_pandas(word: str) -> None:
    if date_layouts.has_iso_shape(word):
        assert_read_alike(word, dates.ISO)


@pytest.mark.parametrize("layout", SPELLED)
def test_no_usual_date_needs_pandas(layout: str) -> None:
    word = dt.datetime(2021, 5, 1, 10, 6, 7).strftime(layout)
    assert date_layouts.parse([word, "no date"], layout) is not None


@pytest.mark.parametrize("word", ["now", "today"])
def test_no_date_depends_on_the_clock(word: str) -> None:
    assert np.isnan(dates.parse([word] * 300, "%d/%m/%Y")).all()
    assert np.isnan(dates.parse([word], "%d/%m/%Y")).all()


def plain(read: Cells) -> list[object]:
    if isinstance(read, Typed):
        return [read.values.tolist(), read.kind, read.is_integer]
    return [read.codes.tolist(), read.codes.dtype, read.words.tolist(), read.is_categorical]


@given(WORDS)
def test_text_has_the_cells_of_a_series(words: list[str]) -> None:
    column = TextColumn.of(words)
    light = read_cells(column)
    series = as_series(column)
    assert plain(light) == plain(read_cells(series))
    assert plain(normalize_cells(light)) == plain(normalize_cells(read_cells(series)))


@given(st.lists(st.sampled_from(["a", "b", None, "c d"]), max_size=12))
def test_many_cells_are_numbered_like_few(words: list[str | None]) -> None:
    many = np.array(words * cells._MIN_CELLS_FOR_PANDAS, object)
    codes, distinct = cells.factorize(many)
    few_codes, few = cells.factorize(many[: len(words)])
    assert distinct.tolist() == few.tolist()
    assert codes[: len(words)].tolist() == few_codes.tolist()


@given(NUMBERS, st.sampled_from(["number", "flag", "date"]))
def test_many_numbers_are_spelled_like_few(numbers: list[float], kind: str) -> None:
    if kind == "date":
        numbers = [number % 1e9 for number in numbers]
    few = Typed(np.array(numbers, np.float64), kind)  # type: ignore[arg-type]
    many = Typed(np.resize(few.values, len(numbers) * cells._MIN_CELLS_FOR_PANDAS), few.kind)
    spelled = as_words(many)
    assert spelled.words.tolist() == as_words(few).words.tolist()
    assert spelled.codes[: len(numbers)].tolist() == as_words(few).codes.tolist()


@pytest.mark.parametrize("missing", [pd.NA, pd.NaT, None, np.nan])
def test_a_missing_object_has_no_spelling(missing: object) -> None:
    assert cells.spell(missing) == ""
