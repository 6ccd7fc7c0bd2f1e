"""Cleaning: what is wrong with a table is found, mended, and mended alike at predict."""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.cleaning import Applied, Cleaned, Cleaner, CleanOptions, clean
from automl.cleaning.duplicates import duplicate_rows
from automl.cleaning.findings import Finding, merge_findings
from automl.columns import Categories, Columns, Numbers
from automl.errors import InputError, UnsafeModel
from automl.state import pack, unpack
from automl.table import Form, Table, from_frame, read_table

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=N).round(3).tolist()
Y = ["no", "yes"] * (N // 2)


def as_file(frame: pd.DataFrame) -> Table:
    """The table of the CSV that pandas writes of a frame."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame.to_csv(path, index=False)
        return read_table(path)


def cleaned(options: CleanOptions | None = None, /, **columns: Any) -> Cleaned:
    return clean(as_file(pd.DataFrame({"x": X, **columns, "y": Y})), "y", options)


def codes(result: Cleaned) -> set[str]:
    return {finding.code for finding in result.findings}


def plain(columns: Columns) -> dict[str, list[Any]]:
    """Columns as lists that compare, None where missing."""

    def listed(name: str) -> list[Any]:
        column = columns[name]
        if isinstance(column, Numbers):
            return [None if np.isnan(value) else value for value in column.values.tolist()]
        if isinstance(column, Categories):
            return [column.levels[code] if code >= 0 else None for code in column.codes.tolist()]
        return list(column)

    return {name: listed(name) for name in columns.names()}


class TestUselessColumns:
    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("PassengerId", list(range(100, 100 + N))),
            ("id", RNG.permutation(10 * N)[:N].tolist()),
            ("hash", [f"{number:032x}" for number in range(N)]),
            ("code", [f"K{number:04d}" for number in range(N)]),
        ],
    )
    def test_that_tell_rows_apart_are_dropped(self, name: str, values: list[Any]) -> None:
        result = cleaned(None, **{name: values})
        assert result.columns.names() == ("x",)
        assert "id" in codes(result)
        assert cleaned(CleanOptions(ids=False, twins=False), **{name: values}).columns.names() == (
            "x",
            name,
        )

    @pytest.mark.parametrize(
        ("name", "values"),
        [
            ("price", RNG.permutation(10 * N)[:N].tolist()),
            ("userid", [1, 2] * (N // 2)),
            ("year", list(range(1980, 1980 + N))),
            ("length", (RNG.permutation(N) + 0.5).tolist()),
            ("mail", [f"{number}@{'ab'[number % 2]}mail.com" for number in range(N)]),
            ("title", [f"the story of number {number}" for number in range(N)]),
        ],
    )
    def test_are_not_seen_where_something_is_told(self, name: str, values: list[Any]) -> None:
        assert cleaned(CleanOptions(twins=False), **{name: values}).columns.names() == ("x", name)

    def test_row_numbers_are_found_without_a_name(self) -> None:
        table = from_frame({"n": np.arange(200), "x": np.tile(X, 5)})
        assert clean(table, np.tile([0, 1], 100)).columns.names() == ("x",)

    def test_constants_and_empty_columns_are_dropped(self) -> None:
        result = cleaned(a=[1] * N, b=[None] * N, c=["z"] * N)
        assert result.columns.names() == ("x",)
        assert [finding.columns for finding in result.findings if finding.code == "constant"] == [
            ("a", "b", "c")
        ]

    def test_one_value_beside_missing_ones_says_something(self) -> None:
        assert cleaned(a=["z", None] * (N // 2)).columns.names() == ("x", "a")

    def test_copies_are_dropped(self) -> None:
        result = cleaned(x2=X)
        assert result.columns.names() == ("x",)
        assert [
            (finding.columns, finding.examples)
            for finding in result.findings
            if finding.code == "copy"
        ] == [(("x2",), ("x",))]

    def test_are_kept_if_nothing_else_is_there(self) -> None:
        result = clean(from_frame({"id": np.arange(N)}), Y)
        assert result.columns.names() == ("id",)
        assert "no_features" in codes(result)


class TestSentinels:
    def test_far_outside_are_missing(self) -> None:
        result = cleaned(a=[1, 2, 3, -999] * (N // 4))
        assert plain(result.columns)["a"][:4] == [1, 2, 3, None]
        assert [
            (f.examples, f.count, f.override) for f in result.findings if f.code == "sentinel"
        ] == [(("-999",), 10, "--set clean.sentinels=false")]

    def test_stay_if_told_so(self) -> None:
        assert (
            plain(cleaned(CleanOptions(sentinels=False), a=[1, 2, 3, -999] * (N // 4)).columns)[
                "a"
            ][3]
            == -999
        )

    def test_within_the_values_are_numbers(self) -> None:
        assert plain(cleaned(a=[900, 999, 1100, 2000] * (N // 4)).columns)["a"][1] == 999

    def test_stay_missing_at_predict(self) -> None:
        cleaner = cleaned(a=[1, 2, 3, -999] * (N // 4)).cleaner
        assert plain(cleaner.transform(from_frame({"x": [1.0], "a": [-999]})).columns)["a"] == [
            None
        ]


class TestRoles:
    def test_weights_and_groups_are_no_features_but_times_are(self) -> None:
        days = pd.date_range("2020-01-01", periods=N).astype(str).tolist()
        options = CleanOptions(weight="w", group="g", time="t", ignore=("i",))
        result = cleaned(options, w=[1, 2] * (N // 2), g=["b", "a"] * (N // 2), t=days, i=X[::-1])
        assert result.columns.names() == ("x", "t")
        assert result.weight is not None
        assert result.weight[:2].tolist() == [1.0, 2.0]
        assert result.groups is not None
        assert result.groups[:3].tolist() == [0, 1, 0]
        assert result.times is not None
        assert result.times[0] == pd.Timestamp("2020-01-01").timestamp()

    def test_may_be_arrays_that_follow_the_kept_rows(self) -> None:
        y = [None, *Y[1:]]
        result = clean(
            from_frame({"x": X}),
            y,
            weight=np.arange(N),
            groups=np.arange(N) // 2,
            times=np.arange(N),
        )
        assert result.rows[0] == 1
        assert result.weight is not None
        assert result.weight[0] == 1.0
        assert len(result.duplicates) == N - 1

    @pytest.mark.parametrize("bad", [-1, None, "heavy", np.inf])
    def test_weights_must_be_weights(self, bad: object) -> None:
        with pytest.raises(InputError, match=r"weight|numbers"):
            cleaned(CleanOptions(weight="w"), w=[bad, *range(1, N)])

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (CleanOptions(weight="wieght"), "--weight: .* has no column 'wieght'"),
            (CleanOptions(ignore=("X",)), "--ignore"),
            (CleanOptions(group="y"), "'y' is the target"),
            (CleanOptions(kinds={"x": "nummber"}), "Did you mean 'number'"),
            (CleanOptions(kinds={"z": "number"}), "no column 'z'"),
        ],
    )
    def test_must_exist(self, options: CleanOptions, message: str) -> None:
        with pytest.raises(InputError, match=message):
            cleaned(options)


class TestClean:
    def test_says_what_it_did(self) -> None:
        result = cleaned(
            a=["$1,000", " 5", "NA", "7"] * (N // 4), d=["3/12/2016", "31/1/2017"] * (N // 2)
        )
        assert {"task", "number_text", "date", "missing_words"} <= codes(result)
        assert all(
            "\n" not in finding.text() and len(json.dumps(finding.to_json())) < 4096
            for finding in result.findings
        )

    def test_obeys_chosen_kinds(self) -> None:
        result = cleaned(CleanOptions(kinds={"zip": "category"}), zip=[8001, 8002] * (N // 2))
        assert result.columns["zip"].kind == "category"
        assert plain(result.cleaner.transform(from_frame({"x": [0.0], "zip": [8002.0]})).columns)[
            "zip"
        ] == ["8002"]

    def test_obeys_kinds_of_names_that_are_written_with_blanks(self) -> None:
        assert (
            cleaned(CleanOptions(kinds={" n ": "category"}), n=[1, 2] * (N // 2)).columns["n"].kind
            == "category"
        )
        both = cleaned(
            CleanOptions(kinds={"n ": "category"}),
            **{"n": [1, 2] * (N // 2), "n ": [1, 2, 3, 4] * (N // 4)},
        )
        assert (both.columns["n"].kind, both.columns["n "].kind) == ("number", "category")

    def test_numbers_equal_rows_alike(self) -> None:
        result = clean(from_frame({"a": [1.0, np.nan] * 10, "b": ["u", "v"] * 10}), [0, 1] * 10)
        assert result.duplicates.tolist() == [0, 1] * 10
        assert [(finding.code, finding.count) for finding in result.findings][-1] == (
            "duplicate_rows",
            18,
        )

    def test_suggests_the_target(self) -> None:
        with pytest.raises(InputError, match=r"no column 'yy'\. Did you mean 'y'\?|no column 'yy'"):
            clean(from_frame({"y": Y}), "yy")

    def test_refuses_a_target_that_stands_twice(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text("x,y,y\n" + "1,a,b\n2,b,a\n" * 10)
        with pytest.raises(InputError, match="stands for several columns"):
            clean(read_table(tmp_path / "a.csv"), "y")

    @pytest.mark.parametrize(
        "y",
        [
            Y[:-1],
            np.zeros((N, 2)),
            np.zeros(N, complex),
            [[1], [1, 2]] * (N // 2),
            [[1, 2]] * N,
            None,
        ],
    )
    def test_refuses_a_target_of_another_shape(self, y: object) -> None:
        with pytest.raises(InputError):
            clean(from_frame({"x": X}), y)

    @pytest.mark.parametrize(
        "hold",
        [
            list,
            np.array,
            pd.Series,
            lambda y: np.array(y)[:, None],
            lambda y: pd.DataFrame({"y": y}),
            tuple,
        ],
    )
    def test_takes_the_target_in_any_shape(self, hold: Callable[[list[str]], object]) -> None:
        assert clean(from_frame({"x": X}), hold(Y)).labels == ("no", "yes")


class TestPredict:
    cleaner = cleaned(c=["a", "b"] * (N // 2), f=["yes", "no"] * (N // 2)).cleaner

    def apply(self, **columns: Any) -> Applied:
        return self.cleaner.transform(
            from_frame({"x": [1.0, 2.0], "c": ["a", "b"], "f": ["yes", "no"], **columns})
        )

    def test_counts_what_it_does_not_know(self) -> None:
        counts = self.apply(c=["a", "z"], x=["1", "oops"], extra=[1, 2]).counts
        assert (dict(counts.unseen), dict(counts.unreadable), counts.extra) == (
            {"c": 1},
            {"x": 1},
            ("extra",),
        )

    def test_does_not_wonder_about_columns_that_were_dropped(self) -> None:
        result = cleaned(CleanOptions(ignore=("i",)), id=list(range(N)), i=X)
        applied = result.cleaner.transform(
            from_frame({"x": [1.0], "id": [1], "i": [1], "y": ["no"], "more": [1]})
        )
        assert applied.counts.extra == ("more",)  # nor about the target
        assert applied.text() == "1 column not used: more"

    def test_names_missing_columns(self) -> None:
        with pytest.raises(
            InputError,
            match=r"X: the column 'c' that the model needs is missing\. Did you mean 'C'\?|missing",
        ):
            self.cleaner.transform(from_frame({"x": [1.0], "C": ["a"], "f": ["yes"]}))
        with pytest.raises(InputError, match="2 columns 'c', 'f' that the model needs are missing"):
            self.cleaner.transform(from_frame({"x": [1.0]}))

    def test_refuses_columns_of_another_kind(self) -> None:
        with pytest.raises(
            InputError,
            match="column 'x' was a number at fit, but no number is in it: 2 cells such as 'u'",
        ):
            self.apply(x=["u", "v"])

    def test_takes_all_missing(self) -> None:
        assert plain(self.apply(x=[None, ""], c=[None, "NA"]).columns)["x"] == [None, None]

    def test_takes_flags_in_any_spelling(self) -> None:
        for words in (["TRUE", "F"], [True, False], [1, 0], ["1.0", "0"]):
            assert plain(self.apply(f=words).columns)["f"] == [1.0, 0.0]

    def test_finds_codes_that_another_reader_made_numbers_of(self) -> None:
        fitted = cleaned(z=["01234", "98765"] * (N // 2)).cleaner
        assert plain(fitted.transform(from_frame({"x": [1, 2, 3], "z": [1234, 98765, 5]})).columns)[
            "z"
        ] == ["01234", "98765", None]

    def test_puts_categories_beside_numbers_that_are_codes(self) -> None:
        coded = self.cleaner.with_codes(
            ["x"], Columns({"x": Numbers(np.array([5.0, 3.0, np.nan, 8.0, 3.0]))}, 5)
        )
        applied = coded.transform(
            from_frame({"x": [8, None, 4, 3, 99], "c": ["a"] * 5, "f": ["no"] * 5})
        )
        assert plain(applied.columns)["x"] == [8.0, None, 4.0, 3.0, 99.0]
        assert plain(applied.columns)["x (code)"] == ["8", None, None, "3", None]
        assert not applied.counts.any
        assert Cleaner.from_state(json.loads(json.dumps(coded.to_state()))) == coded

    def test_puts_a_category_in_place_of_a_number_that_is_a_key(self) -> None:
        keyed = self.cleaner.with_codes(
            [], Columns({"x": Numbers(np.array([5.0, 3.0, np.nan, 8.0, 3.0]))}, 5), keys=["x"]
        )
        applied = keyed.transform(
            from_frame({"x": ["8.0", None, "4", " 3", "9"], "c": ["a"] * 5, "f": ["no"] * 5})
        )
        assert plain(applied.columns)["x"] == ["8", None, None, "3", None]
        assert applied.columns.names() == ("x", "c", "f")
        assert applied.counts.unseen == {"x": 2}
        assert Cleaner.from_state(json.loads(json.dumps(keyed.to_state()))) == keyed

    def test_without_keys_reads_a_file_of_an_earlier_version(self) -> None:
        state = self.cleaner.to_state()
        del state["keys"]
        assert Cleaner.from_state(state) == self.cleaner

    def test_tells_its_schema(self) -> None:
        assert self.cleaner.inputs == ("x", "c", "f")
        assert self.cleaner.schema()[1] == {
            "name": "c",
            "kind": "category",
            "levels": 2,
            "examples": ["a", "b"],
        }


class TestState:
    def test_survives_a_file(self) -> None:
        result = cleaned(
            c=["a", "b"] * (N // 2),
            d=["3/12/2016", "31/1/2017"] * (N // 2),
            t=[f"some free text {i}" for i in range(N)],
        )
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            pack(result.cleaner.to_state(), archive, "cleaner")
        with zipfile.ZipFile(buffer) as archive:
            again = Cleaner.from_state(unpack(archive, "cleaner"))
        assert again == result.cleaner

    def test_holds_the_form_of_the_table(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_text(
            "sep=;\nx;y\n" + "".join(f"{x};{y}\n" for x, y in zip(X, Y, strict=True))
        )
        cleaner = clean(read_table(tmp_path / "a.csv", needs=("y",)), "y").cleaner
        assert cleaner.form == Form(";", skip=1)
        assert Cleaner.from_state(json.loads(json.dumps(cleaner.to_state()))) == cleaner

    def test_of_an_earlier_version_has_no_form(self) -> None:
        state = {
            name: value for name, value in TestPredict.cleaner.to_state().items() if name != "form"
        }
        assert Cleaner.from_state(state) == replace(TestPredict.cleaner, form=None)

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
    def test_that_is_nonsense_is_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(UnsafeModel):
            Cleaner.from_state({**TestPredict.cleaner.to_state(), **change})


class TestFindings:
    def test_survive_json(self) -> None:
        finding = Finding("id", ("a",), "info", 1, ("1",), "dropped", "--set clean.ids=false")
        assert Finding.from_json(json.loads(json.dumps(finding.to_json()))) == finding

    def test_of_many_columns_stay_short(self) -> None:
        found = merge_findings(
            Finding(
                "constant", (f"a long name for column number {place}",), "info", 1, action="dropped"
            )
            for place in range(500)
        )
        assert sum(len(finding.columns) for finding in found) == 500
        assert all(len(json.dumps(finding.to_json())) < 4096 for finding in found)


# --- what must always hold --------------------------------------------------------------------------------------------------------

MIXED = pd.DataFrame(
    {
        "whole": pd.array([*range(N - 4), 7, 7, None, None], dtype="Int64"),
        "real": [*X[:-1], np.nan],
        "flag": [True, False] * (N // 2),
        "colour": ["red", "green", None, "1"] * (N // 4),
        "day": pd.date_range("2020-01-31", periods=N, freq="7h"),
        "note": [f"a note of {place} and many words" for place in range(N)],
        "money": ["$1,234.5", "7", "(3)", ""] * (N // 4),
        "code": ["01", "002", "3", "NA"] * (N // 4),
        "score": [1.0, 2.0, -999.0, 3.0] * (N // 4),
        "box": [f"{place}x{place % 7 + 0.5}" for place in range(N)],
        "took": pd.to_timedelta(np.arange(N) * 61, unit="s"),
        "stamp": [f"{place % 28 + 1:02d}MAY20{place % 20 + 10}" for place in range(N)],
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


@settings(max_examples=25)
@given(st.lists(st.tuples(*[cells] * MIXED.shape[1]), min_size=2, max_size=8), st.randoms())
def test_a_row_never_depends_on_its_neighbours(rows: list[tuple[str, ...]], random: Any) -> None:
    known = pd.DataFrame(
        [MIXED.astype(object).iloc[0].tolist()], columns=MIXED.columns
    )  # something readable in every column
    table = from_frame(
        pd.concat(
            [pd.DataFrame(rows, columns=MIXED.columns, dtype=object), known.astype(str)],
            ignore_index=True,
        )
    )
    order = [*random.sample(range(len(rows)), random.randint(1, len(rows))), len(rows)]
    for cleaner in (FROM_FILE.cleaner, FROM_FRAME.cleaner):
        whole = cleaner.transform(table).columns
        assert plain(cleaner.transform(table.take(order)).columns) == plain(
            whole.take(np.array(order))
        )


columns = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(10**6), 10**6)), min_size=N, max_size=N),
    st.lists(
        st.one_of(st.none(), st.floats(allow_infinity=False, allow_nan=False, width=32)),
        min_size=N,
        max_size=N,
    ),
    st.lists(st.booleans(), min_size=N, max_size=N),
    st.lists(st.sampled_from(["a", "B c", "ß", "x1", "N", "0x1", "1 2"]), min_size=N, max_size=N),
    st.lists(
        st.datetimes(min_value=pd.Timestamp("1900-01-01"), max_value=pd.Timestamp("2100-01-01")),
        min_size=N,
        max_size=N,
    ),
)


@settings(max_examples=25)
@given(columns, columns)
def test_text_and_types_of_the_same_table_are_transformed_alike(a: list[Any], b: list[Any]) -> None:
    frame = pd.DataFrame({"x": X, "a": a, "b": b})
    typed, textual = from_frame(frame), as_file(frame)
    for source in (typed, textual):
        cleaner = clean(source, Y, CleanOptions(sentinels=False)).cleaner
        one, other = cleaner.transform(typed), cleaner.transform(textual)
        assert plain(one.columns) == plain(other.columns)
        assert one.counts == other.counts


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, -0.0, 1.0, np.nan]), st.sampled_from(["u", "v"])),
        min_size=1,
        max_size=20,
    )
)
def test_rows_share_a_number_exactly_if_they_are_equal(rows: list[tuple[float, str]]) -> None:
    levels = ("u", "v")
    found = duplicate_rows(
        Columns(
            {
                "a": Numbers(np.array([number for number, _ in rows])),
                "b": Categories(
                    np.array([levels.index(word) for _, word in rows], np.int32), levels
                ),
            },
            len(rows),
        )
    )
    keys = [(repr(number + 0.0), word) for number, word in rows]
    assert [[one == other for other in keys] for one in keys] == [
        [one == other for other in found] for one in found
    ]


def test_several_columns_together_are_groups_and_times() -> None:
    table = from_frame(
        {
            "year": [2020, 2021] * 20,
            "month": list(range(1, 11)) * 4,
            "town": ["a", "b", "b", "a"] * 10,
            "y": list(range(40)),
        }
    )
    cleaned = clean(
        table, "y", CleanOptions(task="regression", group="town,month", time="year,month")
    )
    assert cleaned.groups is not None
    assert cleaned.times is not None
    assert len(np.unique(cleaned.groups)) == len(
        {(t, m) for t, m in zip(table["town"], table["month"], strict=True)}
    )
    assert {"year", "month", "town"} <= set(cleaned.columns.names())
    first = np.argsort(cleaned.times, kind="stable")[:4]
    assert [int(table["year"].iloc[row]) for row in first] == [2020] * 4
    assert [int(table["month"].iloc[row]) for row in first] == [1] * 4


def test_a_part_that_is_missing_makes_no_group() -> None:
    table = from_frame({"town": ["a", "b"] * 10, "x": range(20), "y": range(20)})
    with pytest.raises(InputError, match="no column 'moth'"):
        clean(table, "y", CleanOptions(group="town,moth"))
