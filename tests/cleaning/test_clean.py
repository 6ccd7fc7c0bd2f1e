"""Faults of a raw table are found and mended."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from automl.cleaning import CleanOptions, clean
from automl.cleaning.duplicates import number_duplicates
from automl.columns import Categories, Columns, Numbers
from automl.errors import InputError
from automl.finding import Finding
from automl.table import from_frame, read_table
from tests.cleaning.samples import N, X, Y, cleaned, codes, plain

RNG = np.random.default_rng(1)


def findings_of(code: str, findings: tuple[Finding, ...]) -> list[Finding]:
    return [finding for finding in findings if finding.code == code]


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
    def test_ids_are_dropped_unless_an_option_keeps_them(
        self, name: str, values: list[Any]
    ) -> None:
        result = cleaned(None, **{name: values})
        assert result.columns.names() == ("x",)
        assert "id" in codes(result)
        options = CleanOptions(ids=False, dual_typed=False)
        kept = cleaned(options, **{name: values})
        assert kept.columns.names() == ("x", name)

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
    def test_informative_columns_are_kept(self, name: str, values: list[Any]) -> None:
        result = cleaned(CleanOptions(dual_typed=False), **{name: values})
        assert result.columns.names() == ("x", name)

    def test_row_numbers_are_found_without_a_name(self) -> None:
        table = from_frame({"n": np.arange(200), "x": np.tile(X, 5)})
        result = clean(table, np.tile([0, 1], 100))
        assert result.columns.names() == ("x",)

    def test_constants_and_empty_columns_are_dropped(self) -> None:
        result = cleaned(a=[1] * N, b=[None] * N, c=["z"] * N)
        assert result.columns.names() == ("x",)
        (finding,) = findings_of("constant", result.findings)
        assert finding.columns == ("a", "b", "c")

    def test_a_column_of_one_value_and_blanks_is_kept(self) -> None:
        result = cleaned(a=["z", None] * (N // 2))
        assert result.columns.names() == ("x", "a")

    def test_copies_are_dropped(self) -> None:
        result = cleaned(x2=X)
        assert result.columns.names() == ("x",)
        (finding,) = findings_of("copy", result.findings)
        assert finding.columns == ("x2",)
        assert finding.examples == ("x",)

    def test_useless_columns_are_kept_if_there_are_no_others(self) -> None:
        result = clean(from_frame({"id": np.arange(N)}), Y)
        assert result.columns.names() == ("id",)
        assert "no_features" in codes(result)


class TestSentinels:
    SENTINELS = (1, 2, 3, -999) * (N // 4)

    def test_far_outside_are_missing(self) -> None:
        result = cleaned(a=self.SENTINELS)
        assert plain(result.columns)["a"][:4] == [1, 2, 3, None]
        (finding,) = findings_of("sentinel", result.findings)
        assert finding.examples == ("-999",)
        assert finding.count == 10
        assert finding.override == "--set clean.sentinels=false"

    def test_stay_numbers_with_the_option(self) -> None:
        result = cleaned(CleanOptions(sentinels=False), a=self.SENTINELS)
        assert plain(result.columns)["a"][3] == -999

    def test_among_the_values_are_numbers(self) -> None:
        result = cleaned(a=[900, 999, 1100, 2000] * (N // 4))
        assert plain(result.columns)["a"][1] == 999

    def test_stay_missing_at_predict(self) -> None:
        cleaner = cleaned(a=self.SENTINELS).cleaner
        later = from_frame({"x": [1.0], "a": [-999]})
        assert plain(cleaner.transform(later).columns)["a"] == [None]


class TestRoles:
    def test_weights_and_groups_are_no_features_but_times_are(self) -> None:
        days = pd.date_range("2020-01-01", periods=N).astype(str).tolist()
        options = CleanOptions(weight="w", group="g", time="t", ignore=("i",))
        weights = [1, 2] * (N // 2)
        groups = ["b", "a"] * (N // 2)
        result = cleaned(options, w=weights, g=groups, t=days, i=X[::-1])
        assert result.columns.names() == ("x", "t")
        assert result.weight is not None
        assert result.weight[:2].tolist() == [1.0, 2.0]
        assert result.groups is not None
        assert result.groups[:3].tolist() == [0, 1, 0]
        assert result.times is not None
        assert result.times[0] == pd.Timestamp("2020-01-01").timestamp()

    def test_may_be_arrays_that_follow_the_kept_rows(self) -> None:
        rows = np.arange(N)
        result = clean(
            from_frame({"x": X}),
            [None, *Y[1:]],
            weight=rows,
            groups=rows // 2,
            times=rows,
        )
        assert result.rows[0] == 1
        assert result.weight is not None
        assert result.weight[0] == 1.0
        assert len(result.duplicates) == N - 1

    @pytest.mark.parametrize("bad", [-1, None, "heavy", np.inf])
    def test_wrong_weights_are_refused(self, bad: object) -> None:
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
    def test_unknown_names_are_refused(self, options: CleanOptions, message: str) -> None:
        with pytest.raises(InputError, match=message):
            cleaned(options)

    def test_several_columns_together_are_groups_and_times(self) -> None:
        table = from_frame(
            {
                "year": [2020, 2021] * 20,
                "month": list(range(1, 11)) * 4,
                "town": ["a", "b", "b", "a"] * 10,
                "y": list(range(40)),
            }
        )
        options = CleanOptions(task="regression", group="town,month", time="year,month")
        result = clean(table, "y", options)
        assert result.groups is not None
        assert result.times is not None
        pairs = set(zip(table["town"], table["month"], strict=True))
        assert len(np.unique(result.groups)) == len(pairs)
        assert {"year", "month", "town"} <= set(result.columns.names())
        first = np.argsort(result.times, kind="stable")[:4]
        assert table["year"].iloc[first].tolist() == [2020] * 4
        assert table["month"].iloc[first].tolist() == [1] * 4

    @pytest.mark.parametrize("time", ["year,run_id", "year, run_id"])
    def test_a_part_of_the_time_is_never_dropped_as_an_id(self, time: str) -> None:
        table = from_frame(
            {
                "year": [2020, 2021] * 20,
                "run_id": range(40),
                "x": X,
                "y": [v % 7 for v in range(40)],
            }
        )
        result = clean(table, "y", CleanOptions(task="regression", time=time))
        assert "run_id" in result.columns.names()
        without = clean(table, "y", CleanOptions(task="regression"))
        assert "run_id" not in without.columns.names()

    def test_a_missing_one_of_several_columns_is_named(self) -> None:
        table = from_frame({"town": ["a", "b"] * 10, "x": range(20), "y": range(20)})
        with pytest.raises(InputError, match="no column 'moth'"):
            clean(table, "y", CleanOptions(group="town,moth"))


class TestClean:
    def test_reports_its_steps_in_short_lines(self) -> None:
        result = cleaned(
            a=["$1,000", " 5", "NA", "7"] * (N // 4),
            d=["3/12/2016", "31/1/2017"] * (N // 2),
        )
        assert {"task", "number_text", "date", "missing_words"} <= codes(result)
        for finding in result.findings:
            assert "\n" not in finding.text()
            assert len(json.dumps(finding.to_json())) < 4096

    def test_obeys_chosen_kinds(self) -> None:
        options = CleanOptions(kinds={"zip": "category"})
        result = cleaned(options, zip=[8001, 8002] * (N // 2))
        assert result.columns["zip"].kind == "category"
        later = from_frame({"x": [0.0], "zip": [8002.0]})
        assert plain(result.cleaner.transform(later).columns)["zip"] == ["8002"]

    def test_obeys_kinds_of_names_that_are_written_with_blanks(self) -> None:
        options = CleanOptions(kinds={" n ": "category"})
        result = cleaned(options, n=[1, 2] * (N // 2))
        assert result.columns["n"].kind == "category"

    def test_tells_names_apart_by_their_blanks(self) -> None:
        options = CleanOptions(kinds={"n ": "category"})
        columns = {"n": [1, 2] * (N // 2), "n ": [1, 2, 3, 4] * (N // 4)}
        result = cleaned(options, **columns)
        assert result.columns["n"].kind == "number"
        assert result.columns["n "].kind == "category"

    def test_gives_equal_rows_the_same_number(self) -> None:
        table = from_frame({"a": [1.0, np.nan] * 10, "b": ["u", "v"] * 10})
        result = clean(table, [0, 1] * 10)
        assert result.duplicates.tolist() == [0, 1] * 10
        last = result.findings[-1]
        assert last.code == "duplicate_rows"
        assert last.count == 18

    def test_suggests_the_target(self) -> None:
        with pytest.raises(InputError, match=r"no column 'yy'\. Did you mean 'y'\?|no column 'yy'"):
            clean(from_frame({"y": Y}), "yy")

    def test_refuses_a_target_whose_name_two_columns_have(self, tmp_path: Path) -> None:
        path = tmp_path / "a.csv"
        path.write_text("x,y,y\n" + "1,a,b\n2,b,a\n" * 10)
        with pytest.raises(InputError, match="stands for several columns"):
            clean(read_table(path), "y")

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
    def test_takes_the_target_in_any_container(self, hold: Callable[[list[str]], object]) -> None:
        result = clean(from_frame({"x": X}), hold(Y))
        assert result.labels == ("no", "yes")


@given(
    st.lists(
        st.tuples(st.sampled_from([0.0, -0.0, 1.0, np.nan]), st.sampled_from(["u", "v"])),
        min_size=1,
        max_size=20,
    )
)
def test_rows_have_the_same_number_exactly_if_they_are_equal(rows: list[tuple[float, str]]) -> None:
    levels = ("u", "v")
    numbers = np.array([number for number, _ in rows])
    words = np.array([levels.index(word) for _, word in rows], np.int32)
    columns = {"a": Numbers(numbers), "b": Categories(words, levels)}
    found = number_duplicates(Columns(columns, len(rows)))
    keys = [(repr(number + 0.0), word) for number, word in rows]
    for key, number in zip(keys, found, strict=True):
        assert [key == other for other in keys] == [number == other for other in found]
