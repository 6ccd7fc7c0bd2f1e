"""The Cleaner does to later tables what was done at fit, and survives a file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.cleaning import Cleaner, CleanOptions, Transformed, clean
from automl.columns import Columns, Numbers
from automl.errors import InputError, UnsafeModel
from automl.state import pack_to_bytes, unpack_bytes
from automl.table import FileFormat, from_frame, read_table
from tests.cleaning.samples import N, X, Y, as_file, cleaned, plain

HALF = N // 2
CLEANER = cleaned(c=["a", "b"] * HALF, f=["yes", "no"] * HALF).cleaner
INTEGERS = Columns({"x": Numbers(np.array([5.0, 3.0, np.nan, 8.0, 3.0]))}, 5)


def apply(**columns: Any) -> Transformed:
    """Transform a table of two rows, with some columns replaced."""
    usual = {"x": [1.0, 2.0], "c": ["a", "b"], "f": ["yes", "no"]}
    return CLEANER.transform(from_frame({**usual, **columns}))


def through_json(cleaner: Cleaner) -> Cleaner:
    state = json.loads(json.dumps(cleaner.to_state()))
    return Cleaner.from_state(state)


class TestPredict:
    def test_counts_unknown_cells_and_columns(self) -> None:
        counts = apply(c=["a", "z"], x=["1", "oops"], extra=[1, 2]).counts
        assert dict(counts.unseen) == {"c": 1}
        assert dict(counts.unreadable) == {"x": 1}
        assert counts.extra == ("extra",)

    def test_does_not_report_dropped_columns_and_the_target(self) -> None:
        fitted = cleaned(CleanOptions(ignore=("i",)), id=list(range(N)), i=X).cleaner
        later = from_frame({"x": [1.0], "id": [1], "i": [1], "y": ["no"], "more": [1]})
        applied = fitted.transform(later)
        assert applied.counts.extra == ("more",)
        assert applied.text() == "1 column not used: more"

    def test_names_a_missing_column(self) -> None:
        later = from_frame({"x": [1.0], "C": ["a"], "f": ["yes"]})
        message = r"X: the column 'c' that the model needs is missing\. Did you mean 'C'\?|missing"
        with pytest.raises(InputError, match=message):
            CLEANER.transform(later)

    def test_names_several_missing_columns(self) -> None:
        message = "2 columns 'c', 'f' that the model needs are missing"
        with pytest.raises(InputError, match=message):
            CLEANER.transform(from_frame({"x": [1.0]}))

    def test_refuses_columns_of_another_kind(self) -> None:
        message = "column 'x' was a number at fit, but no number is in it: 2 cells such as 'u'"
        with pytest.raises(InputError, match=message):
            apply(x=["u", "v"])

    def test_takes_columns_without_any_value(self) -> None:
        columns = apply(x=[None, ""], c=[None, "NA"]).columns
        assert plain(columns)["x"] == [None, None]

    @pytest.mark.parametrize("words", [["TRUE", "F"], [True, False], [1, 0], ["1.0", "0"]])
    def test_takes_flags_in_any_spelling(self, words: list[object]) -> None:
        assert plain(apply(f=words).columns)["f"] == [1.0, 0.0]

    def test_finds_categories_that_another_reader_made_numbers_of(self) -> None:
        fitted = cleaned(z=["01234", "98765"] * HALF).cleaner
        later = from_frame({"x": [1, 2, 3], "z": [1234, 98765, 5]})
        columns = fitted.transform(later).columns
        assert plain(columns)["z"] == ["01234", "98765", None]

    def test_adds_categories_for_numbers_with_codes(self) -> None:
        coded = CLEANER.with_categorical_integers(["x"], INTEGERS)
        later = from_frame({"x": [8, None, 4, 3, 99], "c": ["a"] * 5, "f": ["no"] * 5})
        applied = coded.transform(later)
        columns = plain(applied.columns)
        assert columns["x"] == [8.0, None, 4.0, 3.0, 99.0]
        assert columns["x (code)"] == ["8", None, None, "3", None]
        assert not applied.counts.any
        assert through_json(coded) == coded

    def test_puts_a_category_in_place_of_a_key(self) -> None:
        keyed = CLEANER.with_categorical_integers([], INTEGERS, keys=["x"])
        later = from_frame({"x": ["8.0", None, "4", " 3", "9"], "c": ["a"] * 5, "f": ["no"] * 5})
        applied = keyed.transform(later)
        assert plain(applied.columns)["x"] == ["8", None, None, "3", None]
        assert applied.columns.names() == ("x", "c", "f")
        assert applied.counts.unseen == {"x": 2}
        assert through_json(keyed) == keyed

    def test_describes_its_inputs(self) -> None:
        assert CLEANER.inputs == ("x", "c", "f")
        assert CLEANER.schema()[1] == {
            "name": "c",
            "kind": "category",
            "levels": 2,
            "examples": ["a", "b"],
        }


class TestState:
    def test_survives_a_file(self) -> None:
        cleaner = cleaned(
            c=["a", "b"] * HALF,
            d=["3/12/2016", "31/1/2017"] * HALF,
            t=[f"some free text {row}" for row in range(N)],
        ).cleaner
        state = unpack_bytes(pack_to_bytes(cleaner.to_state()))
        assert Cleaner.from_state(state) == cleaner

    def test_holds_the_form_of_the_table(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        lines = [f"{x};{y}\n" for x, y in zip(X, Y, strict=True)]
        path.write_text("sep=;\nx;y\n" + "".join(lines))
        cleaner = clean(read_table(path, needs=("y",)), "y").cleaner
        assert cleaner.form == FileFormat(";", skip=1)
        assert through_json(cleaner) == cleaner

    @pytest.mark.parametrize("lacking", ["form", "keys"])
    def test_of_an_earlier_version_is_read(self, lacking: str) -> None:
        state = dict(CLEANER.to_state())
        del state[lacking]
        expected = replace(CLEANER, form=None) if lacking == "form" else CLEANER
        assert Cleaner.from_state(state) == expected

    @pytest.mark.parametrize(
        "change",
        [
            {"format": 99},
            {"columns": "all"},
            {"columns": [1]},
            {"columns": [{"name": "a", "kind": "pickle"}]},
            {"columns": [{"name": "a", "kind": "number"}]},
            {"columns": [{"name": "a", "kind": "category", "levels": "abc"}]},
            {"columns": [{"name": "a", "kind": "category", "levels": ["a", "a"]}]},
            {"columns": [{"name": "a", "kind": "date", "layout": "%Q", "strays": []}]},
            {"columns": [{"name": "a", "kind": ["number"]}]},
            {"codes": [1.0]},
            {"codes": {"c": [1.0, 2.0]}},
            {"codes": {"x": []}},
            {"codes": {"x": [2.0, 1.0]}},
            {"codes": {"x": [1.0, float("nan")]}},
            {"keys": ["x"]},
            {"codes": {"x": [1.0]}, "keys": "x"},
            {"columns": [{"name": "a", "kind": "text"}, {"name": "a", "kind": "text"}]},
            {"form": "csv"},
            {"form": {"separator": ";", "more": 1}},
            {"form": {"separator": ";;;;;;;;;;"}},
            {"form": {"separator": "\n"}},
            {"form": {"encoding": "zip"}},
            {"form": {"encoding": 7}},
            {"form": {"kind": "pickle"}},
            {"form": {"quote": ""}},
            {"form": {"skip": -1}},
            {"form": {"skip": True}},
            {"form": {"header": 1}},
            {"form": {"widths": [3, 2]}},
            {"form": {"widths": ["0"]}},
            {"form": {"sheet": 1}},
        ],
    )
    def test_that_is_damaged_is_refused(self, change: dict[str, Any]) -> None:
        state = CLEANER.to_state()
        with pytest.raises(UnsafeModel):
            Cleaner.from_state({**state, **change})


# ------------------------------------------------------------------ properties
MIXED = pd.DataFrame(
    {
        "whole": pd.array([*range(N - 4), 7, 7, None, None], dtype="Int64"),
        "real": [*X[:-1], np.nan],
        "flag": [True, False] * HALF,
        "colour": ["red", "green", None, "1"] * (N // 4),
        "day": pd.date_range("2020-01-31", periods=N, freq="7h"),
        "note": [f"a note of {row} and many words" for row in range(N)],
        "money": ["$1,234.5", "7", "(3)", ""] * (N // 4),
        "code": ["01", "002", "3", "NA"] * (N // 4),
        "score": [1.0, 2.0, -999.0, 3.0] * (N // 4),
        "box": [f"{row}x{row % 7 + 0.5}" for row in range(N)],
        "took": pd.to_timedelta(np.arange(N) * 61, unit="s"),
        "stamp": [f"{row % 28 + 1:02d}MAY20{row % 20 + 10}" for row in range(N)],
        "long": np.arange(N) * 3 + 2**60,
    }
)
FROM_FRAME = clean(from_frame(MIXED), Y)
FROM_FILE = clean(as_file(MIXED), Y)


def test_a_fit_on_a_frame_and_one_on_its_file_give_the_same_columns() -> None:
    assert plain(FROM_FRAME.columns) == plain(FROM_FILE.columns)
    assert FROM_FRAME.cleaner.schema() == FROM_FILE.cleaner.schema()


PLAIN = [
    "1",
    "1.0",
    " 2",
    "-999",
    "x",
    "",
    "NA",
    "red",
    "Yes",
    "False",
    "$5",
    "002",
    "inf",
    "ßé",
    "12.5K",
    "<7",
]
MOMENTS = ["2020-01-31 07:00:00", "31/1/2020", "3 Aug 2021", "20210803", "5m30s", "1:02"]
PARTS = ["3x4", "-2x1", "9007199254740993"]
cells = st.sampled_from([*PLAIN, *MOMENTS, *PARTS])
mixed_rows = st.lists(st.tuples(*[cells] * MIXED.shape[1]), min_size=2, max_size=8)


@settings(max_examples=25)
@given(mixed_rows, st.randoms())
def test_a_row_never_depends_on_its_neighbours(rows: list[tuple[str, ...]], random: Any) -> None:
    # The last row has something readable in every column.
    known = MIXED.astype(object).head(1).astype(str)
    drawn = pd.DataFrame(rows, columns=MIXED.columns, dtype=object)
    table = from_frame(pd.concat([drawn, known], ignore_index=True))
    count = random.randint(1, len(rows))
    order = [*random.sample(range(len(rows)), count), len(rows)]
    for cleaner in (FROM_FILE.cleaner, FROM_FRAME.cleaner):
        whole = cleaner.transform(table).columns
        part = cleaner.transform(table.take(order)).columns
        assert plain(part) == plain(whole.take(np.array(order)))


def column_of(cells: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(cells, min_size=N, max_size=N)


columns = st.one_of(
    column_of(st.one_of(st.none(), st.integers(-(10**6), 10**6))),
    column_of(st.one_of(st.none(), st.floats(allow_infinity=False, allow_nan=False, width=32))),
    column_of(st.booleans()),
    column_of(st.sampled_from(["a", "B c", "ß", "x1", "N", "0x1", "1 2"])),
    column_of(
        st.datetimes(min_value=pd.Timestamp("1900-01-01"), max_value=pd.Timestamp("2100-01-01"))
    ),
)


@settings(max_examples=25)
@given(columns, columns)
def test_text_and_types_of_the_same_table_are_transformed_alike(a: list[Any], b: list[Any]) -> None:
    frame = pd.DataFrame({"x": X, "a": a, "b": b})
    typed = from_frame(frame)
    textual = as_file(frame)
    options = CleanOptions(sentinels=False)
    for source in (typed, textual):
        cleaner = clean(source, Y, options).cleaner
        from_types = cleaner.transform(typed)
        from_text = cleaner.transform(textual)
        assert plain(from_types.columns) == plain(from_text.columns)
        assert from_types.counts == from_text.counts
