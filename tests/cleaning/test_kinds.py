"""The kind of a column is inferred from its words or its type."""

from __future__ import annotations

import string

import numpy as np
import pandas as pd
import pytest

from automl.cleaning.cells import Cells, normalize_cells, read_cells
from automl.cleaning.kinds import RawColumn, infer
from automl.cleaning.kinds.date import DateRule
from automl.cleaning.kinds.number import NumberRule
from automl.columns import Numbers

LETTERS = string.ascii_lowercase


def cells_of(words: object) -> Cells:
    return normalize_cells(read_cells(pd.Series(words)))


def kind(words: object, name: str = "column") -> str:
    return infer(RawColumn(name, cells_of(words))).rule.kind


def values(words: list[str]) -> list[float]:
    cells = cells_of(words)
    rule = infer(RawColumn("column", cells)).rule
    column = rule.read(cells).column
    assert isinstance(column, Numbers)
    return list(column.values)


class TestNumbers:
    @pytest.mark.parametrize(
        ("words", "numbers"),
        [
            (["1", "2.5", "-3", "1e5", " 4 "], [1, 2.5, -3, 1e5, 4]),
            (["1,234.50", "7"], [1234.5, 7]),
            (["$1,234.50", "-$3", "€ 5", "6 €"], [1234.5, -3, 5, 6]),
            (["12%", "0.5 %"], [12, 0.5]),
            (["(3.5)", "2"], [-3.5, 2]),
            (["1,5", "2,25", "1.000,5"], [1.5, 2.25, 1000.5]),
            (["+1", ".5", "5."], [1, 0.5, 5]),
        ],
    )
    def test_are_read_as_people_write_them(self, words: list[str], numbers: list[float]) -> None:
        assert kind(words) == "number"
        assert values(words) == numbers

    @pytest.mark.parametrize(
        "missing", ["", " ", "?", "NA", "n/a", "nan", "NULL", "None", "-", "--", "missing"]
    )
    def test_may_be_missing_in_many_spellings(self, missing: str) -> None:
        assert np.isnan(values(["1", missing, "2"])[1])

    def test_may_hold_a_few_other_words_if_there_are_many(self) -> None:
        words = [str(number) for number in range(100)] + ["oops"]
        cells = cells_of(words)
        inferred = infer(RawColumn("age", cells))
        assert isinstance(inferred.rule, NumberRule)
        (finding,) = inferred.findings
        assert finding.code == "stray"
        assert finding.count == 1
        assert finding.examples == ("oops",)
        assert inferred.rule.read(cells).n_unreadable == 0  # known from the fit

    def test_that_are_infinite_are_missing(self) -> None:
        assert np.isnan(values(["1", "inf", "2"])[1])

    def test_of_few_values_stay_numbers(self) -> None:
        assert kind(["0", "1", "1"]) == "number"
        assert kind(["01", "12", "07"]) == "number"

    @pytest.mark.parametrize(
        "words",
        [
            ["01234", "56789"],
            ["007", "1"],
            ["1", "2", "3+"],
            ["1_000", "2"],
            ["1-2", "3-4"],
            ["(1", "2"],
            ["12:30", "1"],
        ],
    )
    def test_are_not_inferred_from_codes_and_ranges(self, words: list[str]) -> None:
        assert kind(words) == "category"


class TestDates:
    @pytest.mark.parametrize(
        ("words", "second"),
        [
            (["2020-01-31", "2020-02-01"], "2020-02-01"),
            (["2020-01-31T10:00:00Z", "2020-02-01T10:00:00+02:00"], "2020-02-01 08:00"),
            (["2020-01-31 10:00", "2020-02-01 11:30:15.5"], "2020-02-01 11:30:15.5"),
            (["31/1/2020", "1/2/2020"], "2020-02-01"),
            (["1/31/2020", "2/1/2020"], "2020-02-01"),
            (["31.01.2020 10:00", "01.02.2020 11:00"], "2020-02-01 11:00"),
            (["1/31/2020 1:00 AM", "2/1/2020 1:30 PM"], "2020-02-01 13:30"),
            (["31 Jan 2020", "1 Feb 2020"], "2020-02-01"),
            (["January 31, 2020", "February 1, 2020"], "2020-02-01"),
            (["31-Jan-20", "01-Feb-20"], "2020-02-01"),
            (["2020-01", "2020-02"], "2020-02-01"),
            (["2020/01/31", "2020/02/01"], "2020-02-01"),
            (["20141013T000000", "20141014T000000"], "2014-10-14"),
        ],
    )
    def test_are_read_in_many_formats(self, words: list[str], second: str) -> None:
        assert kind(words) == "date"
        assert values(words)[1] == pd.Timestamp(second).timestamp()

    @pytest.mark.parametrize(
        ("words", "layout"),
        [
            (["1/1/2020", "2/1/2020", "3/1/2020"], "%d/%m/%Y"),
            (["1/1/2020", "1/2/2020", "1/3/2020"], "%m/%d/%Y"),
        ],
    )
    def test_of_ambiguous_order_are_read_so_that_neighbours_are_close(
        self, words: list[str], layout: str
    ) -> None:
        rule = infer(RawColumn("d", cells_of(words))).rule
        assert rule == DateRule(layout)

    def test_that_are_bad_become_missing(self) -> None:
        words = [f"2020-01-{day:02d}" for day in range(1, 31)]
        words.append("2020-02-31")
        assert np.isnan(values(words)[-1])

    def test_may_be_compact_under_a_dates_name(self) -> None:
        assert kind(["20200131", "20200201"], "order_date") == "date"
        assert kind([20200131, 20200201], "order_date") == "date"
        assert kind(["20200131", "20200201"], "price") == "number"

    @pytest.mark.parametrize(
        "words",
        [
            ["18-29", "30-39"],
            ["N135_382/137", "N12_1/2"],
            ["1/2", "3/4"],
            ["october", "may"],
            ["5-10-99-1", "a"],
        ],
    )
    def test_are_not_inferred_from_other_words(self, words: list[str]) -> None:
        assert kind(words) == "category"


class TestOthers:
    @pytest.mark.parametrize(
        "words",
        [
            ["true", "FALSE"],
            ["Yes", "no"],
            ["t", "f"],
            ["Y", "N"],
            [True, False],
            [True, None, False],
        ],
    )
    def test_true_and_false_are_flags(self, words: list[object]) -> None:
        assert kind(words) == "flag"

    @pytest.mark.parametrize("words", [["male", "female"], ["yes", "true"], ["y"], ["a", "b"]])
    def test_other_pairs_are_categories(self, words: list[str]) -> None:
        assert kind(words) == "category"

    def test_sentences_are_text(self) -> None:
        words = [f"the {letter} was number {n} of them" for n, letter in enumerate(LETTERS)]
        assert kind(words) == "text"

    def test_sentences_that_repeat_are_categories(self) -> None:
        words = ["I agree with this statement", "I do not agree with it"]
        assert kind(words * 50) == "category"

    def test_many_short_words_are_categories(self) -> None:
        words = [f"{first}{second}" for first in LETTERS for second in LETTERS]
        assert kind(words * 2) == "category"

    @pytest.mark.parametrize(
        ("series", "expected"),
        [
            (pd.Series([1, 2], dtype="Int64"), "number"),
            (pd.Series(["1", "2"], dtype="category"), "category"),
            (pd.to_datetime(pd.Series(["2020-01-01"])), "date"),
            (pd.Series([pd.Timedelta("1h")]), "duration"),
            (pd.Series(pd.period_range("2020-01", periods=2, freq="M")), "date"),
            (pd.Series([1, "a", None, True], dtype=object), "category"),
            (pd.Series([None, None], dtype=object), "category"),
            (pd.Series([{"a": 1}, [2]], dtype=object), "category"),
        ],
    )
    def test_types_decide_in_frames(self, series: object, expected: str) -> None:
        assert kind(series) == expected


@pytest.mark.parametrize("spell", [str, int])
def test_whole_numbers_beyond_exact_floats_keep_all_digits(spell: type) -> None:
    numbers = [2**60 + number for number in range(40)]
    cells = cells_of([spell(number) for number in numbers])
    rule = infer(RawColumn("n", cells)).rule
    first, last = rule.read(cells).columns
    assert isinstance(first, Numbers)
    assert isinstance(last, Numbers)
    digits = zip(first.values, last.values, strict=True)
    assert [int(high) * 10**12 + int(low) for high, low in digits] == numbers


def test_whole_numbers_that_floats_hold_are_one_column() -> None:
    words = [str(number) for number in range(100, 140)]
    assert kind(words) == "number"
