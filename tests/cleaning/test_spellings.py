"""Spellings: numbers, dates, durations and words with numbers in them, as people and programs write them."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from automl.cleaning import Cleaned, Cleaner, CleanOptions, clean
from automl.columns import Categories, Numbers
from automl.errors import InputError
from automl.table import from_frame

RNG = np.random.default_rng(0)
N = 200
AMOUNTS = RNG.uniform(100, 90_000, N).round(2)
SIGNED = RNG.normal(0, 300, N).round(2)
MOMENTS = pd.Series(pd.date_range("2021-01-01 10:06:00", periods=N, freq="31h7min"))
NOISE = RNG.integers(0, 2, N)


def cleaned(
    words: object, y: object = None, options: CleanOptions | None = None, name: str = "x"
) -> Cleaned:
    """A table of one column of interest beside a plain one."""
    table = from_frame(pd.DataFrame({"plain": SIGNED[::-1], name: words}))
    return clean(table, NOISE if y is None else y, options)


def values(result: Cleaned, name: str = "x") -> list[float]:
    column = result.columns[name]
    assert isinstance(column, Numbers)
    return column.values.tolist()


def at_predict(
    cleaner: Cleaner, words: list[object], name: str = "x", part: str = ""
) -> list[float]:
    table = from_frame({"plain": [0.0] * len(words), name: words})
    column = cleaner.transform(table).columns[name + part]
    assert isinstance(column, Numbers)
    return column.values.tolist()


class TestNumbersAmongWords:
    """Case 3: numbers with a frequent other word are numbers with missing values."""

    WORDS = (
        *(
            r"\N",
            ".",
            "..",
            "(null)",
            "#NA",
            "n.a.",
            "#N/A N/A",
            "1.#QNAN",
            "unknown",
            "***",
            "#REF!",
            "not available",
        ),
        *("no data", "x", "Varies", "see note", "–", "#NUM!", "TBD", "withheld", "-1.#IND", "k.A."),
    )

    @pytest.mark.parametrize("word", WORDS)
    @pytest.mark.parametrize("share", [0.03, 0.3, 0.5])
    def test_are_numbers_whatever_the_word(self, word: str, share: float) -> None:
        is_word = np.arange(N) % 100 < 100 * share
        words = [
            word if hidden else f"{value}" for value, hidden in zip(AMOUNTS, is_word, strict=True)
        ]
        result = cleaned(words)
        np.testing.assert_array_equal(values(result), np.where(is_word, np.nan, AMOUNTS))
        assert result.columns.names() == ("plain", "x")

    @pytest.mark.parametrize("word", ["unknown", "x"])
    def test_are_dates_and_durations_alike(self, word: str) -> None:
        is_word = np.arange(N) % 10 < 3
        for texts in (
            MOMENTS.dt.strftime("%d.%m.%Y"),
            [f"{number // 60}:{number % 60:02d}:30" for number in range(N)],
        ):
            result = cleaned(
                [word if hidden else text for text, hidden in zip(texts, is_word, strict=True)]
            )
            assert np.isnan(values(result)).tolist() == is_word.tolist()

    def test_keep_several_words_as_categories_beside_them(self) -> None:
        words = [
            ("elsewhere", "later", str(value), str(value))[row % 4]
            for row, value in enumerate(AMOUNTS)
        ]
        result = cleaned(words)
        beside = result.columns["x (word)"]
        assert isinstance(beside, Categories)
        assert beside.levels == ("elsewhere", "later")
        again = Cleaner.from_state(result.cleaner.to_state())
        assert again == result.cleaner
        row = again.transform(from_frame({"plain": [0.0, 1.0], "x": ["later", "3"]})).columns[
            "x (word)"
        ]
        assert isinstance(row, Categories)
        assert row.codes.tolist() == [beside.levels.index("later"), -1]

    def test_a_word_is_told_from_a_blank(self) -> None:
        words = [
            ("", "later", str(value), str(value))[row % 4] for row, value in enumerate(AMOUNTS)
        ]
        assert cleaned(words).columns.names() == ("plain", "x", "x (word)")

    @pytest.mark.parametrize(
        "words",
        [
            ["S", "M", "L", "1", "2"],
            ["36", "38", "40", "S", "M", "L", "XL"],
            ["1", "2", "3", "none of them"],
            [
                "250.83",
                "401",
                "V27",
                "E909",
                "V45",
                "276",
                "428",
                "V58",
                "410",
                "E849",
                "786",
                "414",
            ],
            ["12A", "12B", "13", "14", "15", "16", "17", "18", "19", "20", "21", "22"],
        ],
    )
    def test_codes_and_sizes_stay_categories(self, words: list[str]) -> None:
        assert cleaned(np.resize(words, N)).columns["x"].kind == "category"

    def test_flats_stay_categories(self) -> None:
        words = [f"{floor}{side}" for floor in range(5, 17) for side in "NESW"]
        assert cleaned(np.resize(words, N)).columns["x"].kind == "category"

    def test_many_different_words_stay_categories(self) -> None:
        words = [
            f"{value:.0f}" if row % 2 else "abcdefghij"[row % 10] * (row % 7 + 1)
            for row, value in enumerate(AMOUNTS)
        ]
        assert cleaned(words).columns["x"].kind in ("category", "text")


class TestNumbers:
    """Case 13."""

    @pytest.mark.parametrize(
        "spell",
        [
            lambda value: f"{value:,.2f}".translate(str.maketrans(",.", " ,")),
            lambda value: f"{value:,.2f}".translate(str.maketrans(",.", "\u00a0,")),
            lambda value: f"{value:,.2f}".translate(str.maketrans(",.", "\u202f,")),
            lambda value: f"{value:,.2f}".replace(",", "'"),
            lambda value: f"{value:,.2f}".replace(",", "’"),
            lambda value: f"US$ {value:,.2f}",
            lambda value: f"CHF {value:.2f}",
            lambda value: f"{value:.2f} EUR",
            lambda value: f"{value:.2f}EUR",
            lambda value: f"Rs. {value:,.2f}",
            lambda value: f"{value:.2f} kg",
            lambda value: f"{value:.2f}kg",
            lambda value: f"{value:,.2f} CC",
            lambda value: f"{value:.2f} years experience",
            lambda value: f"'{value:.2f}",
            lambda value: f'"{value:.2f}"',
            lambda value: f"“{value:.2f}”",
            lambda value: f"{value:.2f} CR",
            lambda value: f"{value:.2f}N",
            lambda value: f"~{value:.2f}" if value < 1_000 else f"{value:.2f}",
            lambda value: f"{value:.2f}" if value > 9_000 else f"<{value:.2f}",
            lambda value: f"EUR{value:.2f}",
            lambda value: f"approx {value:.2f}",
            lambda value: f"{value:.2f} dollars",
            lambda value: f"{value:.2f}°C",
            lambda value: f"{value:,.2f} €".translate(str.maketrans(",.", ".,")),
        ],
    )
    def test_are_read_as_people_write_them(self, spell: Callable[[float], str]) -> None:
        result = cleaned([spell(value) for value in AMOUNTS])
        assert result.columns["x"].kind == "number"
        np.testing.assert_array_equal(values(result), AMOUNTS)
        assert at_predict(result.cleaner, [spell(1234.5)]) == [1234.5]

    @pytest.mark.parametrize(
        "spell",
        [
            lambda value: f"{-value:.2f}-" if value < 0 else f"{value:.2f}",
            lambda value: f"–{-value:.2f}" if value < 0 else f"{value:.2f}",
            lambda value: f"−{-value:.2f}" if value < 0 else f"{value:.2f}",
            lambda value: f"({-value:.2f})" if value < 0 else f"{value:.2f}",
            lambda value: f"{-value:.2f} DR" if value < 0 else f"{value:.2f} CR",
            lambda value: f"{-value:.2f}S" if value < 0 else f"{value:.2f}N",
            lambda value: f"{-value:.2f}°W" if value < 0 else f"{value:.2f}°E",
            lambda value: f"-$ {-value:,.2f}" if value < 0 else f"$ {value:,.2f}",
        ],
    )
    def test_are_negative_in_many_ways(self, spell: Callable[[float], str]) -> None:
        np.testing.assert_array_equal(values(cleaned([spell(value) for value in SIGNED])), SIGNED)

    @pytest.mark.parametrize("spell", ["{:,.0f},-", "{:,.0f},--", "€ {:,.0f},-"])
    def test_may_lack_cents(self, spell: str) -> None:
        whole = AMOUNTS.round()
        words = [
            spell.format(value)[::-1].replace(",", ";", 1)[::-1].replace(",", ".").replace(";", ",")
            for value in whole
        ]
        np.testing.assert_array_equal(values(cleaned(words)), whole)

    def test_may_be_degrees_minutes_and_seconds(self) -> None:
        words = [f"{row % 90}°{row % 60}'{row % 60}.5\"{'NS'[row % 2]}" for row in range(N)]
        wanted = [
            (-1) ** row * (row % 90 + row % 60 / 60 + (row % 60 + 0.5) / 3600) for row in range(N)
        ]
        np.testing.assert_allclose(values(cleaned(words)), wanted)

    def test_have_one_scale_whatever_their_magnitude(self) -> None:
        sizes = [10 ** (row % 10) for row in range(N)]
        words = [_short(1.5 * size) for size in sizes]
        np.testing.assert_allclose(values(cleaned(words)), [1.5 * size for size in sizes])

    def test_of_the_adult_kind_stay_classes(self) -> None:
        assert cleaned(SIGNED, y=["<=50K", ">50K"] * (N // 2)).labels == ("<=50K", ">50K")


def _short(value: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def _spelled(layout: str) -> Callable[[pd.Timestamp], str]:
    return lambda moment: moment.strftime(layout)


class TestDates:
    """Cases 11 and 12."""

    @pytest.mark.parametrize(
        "spell",
        [
            _spelled("%Y-%m-%d %H:%M:%S UTC"),
            _spelled("%Y-%m-%dT%H:%M:%SZ[UTC]"),
            _spelled("%a, %d %b %Y %H:%M:%S GMT"),
            _spelled("%Y%m%d%H%M%S"),
            _spelled("%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)"),
            _spelled("%d%b%Y:%H:%M:%S"),
            _spelled("%B %d, %Y at %I:%M:%S %p"),
            _spelled("%H:%M:%S %d/%m/%Y"),
            _spelled("%d/%b/%Y:%H:%M:%S +0000"),
            lambda moment: f"{moment.timestamp() * 1e3:.0f}",
            lambda moment: f"{moment.timestamp() * 1e6:.0f}",
            lambda moment: moment.strftime(
                "%Y-%m-%d %H:%M:%S" if moment.day % 2 else "%d.%m.%Y %H:%M:%S"
            ),
            lambda moment: (
                moment.tz_localize("UTC")
                .tz_convert("Europe/Berlin")
                .strftime("%Y-%m-%d %H:%M:%S %Z")
            ),
            lambda moment: (
                moment.tz_localize("UTC").tz_convert("US/Eastern").strftime("%Y-%m-%d %H:%M:%S %Z")
            ),
            lambda moment: (
                moment.tz_localize("UTC").tz_convert("Asia/Tokyo").isoformat() + "[Asia/Tokyo]"
            ),
        ],
    )
    def test_with_times_are_read(self, spell: Callable[[pd.Timestamp], str]) -> None:
        result = cleaned([spell(moment) for moment in MOMENTS])
        assert result.columns["x"].kind == "date"
        assert values(result) == [moment.timestamp() for moment in MOMENTS]

    @pytest.mark.parametrize(
        "spell",
        [
            _spelled("%d%b%Y"),
            lambda moment: moment.strftime("%d%b%Y").upper(),
            _spelled("%A, %d %B %Y"),
            _spelled("%d, %b, %y"),
            _spelled("%a %d. %b %Y"),
            _spelled("%Y %B %d"),
            lambda moment: moment.strftime("%Y-%m-%d" if moment.day % 2 else "%d/%m/%Y"),
            lambda moment: moment.strftime("%B %dth, %Y"),
        ],
    )
    def test_without_times_are_read(self, spell: Callable[[pd.Timestamp], str]) -> None:
        result = cleaned([spell(moment) for moment in MOMENTS])
        assert result.columns["x"].kind == "date"
        assert values(result) == [moment.normalize().timestamp() for moment in MOMENTS]

    @pytest.mark.parametrize(
        ("words", "second"),
        [
            (["2021-W17", "2021-W18", "2020-W53"], "2021-04-26"),
            (["2021W17", "2021W18"], "2021-04-26"),
            (["2021Q2", "2021Q3", "2020Q1"], "2021-04-01"),
            (["Q2 2021", "Q3 2021"], "2021-04-01"),
            (["2021-Q2", "2020-Q4"], "2021-04-01"),
            (["2021M04", "2020M12"], "2021-04-01"),
        ],
    )
    def test_of_weeks_and_quarters_are_read(self, words: list[str], second: str) -> None:
        assert values(cleaned(np.resize(words, N)))[0] == pd.Timestamp(second).timestamp()

    @pytest.mark.parametrize("name", ["timestamp", "created_at", "unix_time", "eventTs"])
    def test_may_be_seconds_under_a_dates_name(self, name: str) -> None:
        seconds = [int(moment.timestamp()) for moment in MOMENTS]
        for words in (
            seconds,
            [str(second) for second in seconds],
            [float(second) for second in seconds],
        ):
            assert cleaned(words, name=name).columns[name].kind == "date"

    @pytest.mark.parametrize("name", ["price", "candidate_id", "day_id"])
    def test_are_no_seconds_under_another_name(self, name: str) -> None:
        seconds = [int(moment.timestamp()) for moment in MOMENTS]
        assert (
            cleaned(seconds, options=CleanOptions(ids=False), name=name).columns[name].kind
            == "number"
        )

    @pytest.mark.parametrize(
        "nil", ["0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000"]
    )
    def test_of_zeros_are_missing(self, nil: str) -> None:
        words = [
            nil if row % 3 == 0 else moment.strftime("%Y-%m-%d")
            for row, moment in enumerate(MOMENTS)
        ]
        result = cleaned(words)
        assert result.columns["x"].kind == "date"
        assert np.isnan(values(result)).tolist() == [row % 3 == 0 for row in range(N)]

    @pytest.mark.parametrize(
        "at_fit",
        ["%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M", "%Y%m%d", "%d%b%Y", "%a, %d %b %Y %H:%M:%S GMT"],
    )
    @pytest.mark.parametrize(
        "later",
        [
            *(
                "03.08.2021",
                "2021-08-03",
                "2021-08-03 00:00:00",
                "20210803",
                "20210803.0",
                20210803,
                20210803.0,
                "3 Aug 2021",
            ),
            *(
                "2021-08-03T00:00:00+00:00",
                "Tuesday, 03 August 2021",
                "20210803000000",
                "1627948800000",
                "2021/08/03",
            ),
        ],
    )
    def test_are_read_at_predict_in_any_spelling(self, at_fit: str, later: object) -> None:
        cleaner = cleaned(MOMENTS.dt.strftime(at_fit), name="day").cleaner
        assert at_predict(cleaner, [later], "day") == [pd.Timestamp("2021-08-03").timestamp()]

    @pytest.mark.parametrize(
        "words",
        [["october", "may"], ["1/2", "3/4"], ["1.2.3", "2.0.1"], ["5-10-99-1", "a"], ["Q1", "Q2"]],
    )
    def test_are_not_seen_elsewhere(self, words: list[str]) -> None:
        assert cleaned(np.resize(words, N)).columns["x"].kind == "category"


SECONDS = RNG.integers(1, 36_000, N)


def _parts(seconds: int) -> tuple[int, int, int]:
    return seconds // 3600, seconds // 60 % 60, seconds % 60


class TestDurations:
    @pytest.mark.parametrize(
        "spell",
        [
            lambda second: "{}:{:02d}:{:02d}".format(*_parts(second)),
            lambda second: "PT{}H{}M{}S".format(*_parts(second)),
            lambda second: "{}h{}m{}s".format(*_parts(second)),
            lambda second: "{}h {}m {}s".format(*_parts(second)),
            lambda second: "{} hours, {} minutes and {} seconds".format(*_parts(second)),
            lambda second: str(pd.Timedelta(int(second), "s")),
            lambda second: f"{second // 60}m{second % 60}s",
            lambda second: f"{second // 60}:{second % 60:02d}",
            lambda second: f"{second} s",
        ],
    )
    def test_are_seconds(self, spell: Callable[[int], str]) -> None:
        result = cleaned([spell(int(second)) for second in SECONDS])
        assert values(result) == SECONDS.tolist()
        assert Cleaner.from_state(result.cleaner.to_state()) == result.cleaner

    def test_may_lack_a_part(self) -> None:
        words = [
            f"{hour}h {minute}m" if minute % 3 else f"{hour}h"
            for hour in range(10)
            for minute in range(20)
        ]
        assert values(cleaned(words))[:3] == [0.0, 60.0, 120.0]
        assert values(
            cleaned([f"PT{minute}M" if minute % 2 else f"PT{minute}S" for minute in range(N)])
        )[:4] == [0, 60, 2, 180]

    def test_of_python_meet_their_csv(self) -> None:
        cleaner = cleaned(pd.to_timedelta(SECONDS, unit="s")).cleaner
        words: list[object] = [
            "1 days 02:00:00",
            "0 days 00:00:01.500000000",
            "-1 days +23:00:00",
            "7200",
            "PT2H",
        ]
        assert at_predict(cleaner, words) == [93_600.0, 1.5, -3_600.0, 7_200.0, 7_200.0]

    def test_are_times_of_day_too(self) -> None:
        words = [
            f"{hour % 12 or 12}:{minute:02d} {'PM' if hour >= 12 else 'AM'}"
            for hour in range(20)
            for minute in range(10)
        ]
        assert values(cleaned(words)) == [
            3600.0 * hour + 60 * minute for hour in range(20) for minute in range(10)
        ]

    def test_are_not_seen_in_decades(self) -> None:
        words = np.resize([f"{year}s" for year in range(1800, 2020, 10)], N)
        assert values(cleaned(words))[0] == 1800.0

    def test_of_few_values_stay_categories(self) -> None:
        assert cleaned(np.resize(["08:00", "12:00", "18:00"], N)).columns["x"].kind == "category"


class TestParts:
    """Case 14."""

    @pytest.mark.parametrize(
        "shape",
        [
            "{:.2f},{:.3f}",
            "POINT({:.1f} {:.2f})",
            "{:.0f}/{:.0f}",
            "{:.1f}x{:.1f}",
            "[{:.1f}, {:.2f}]",
            "({:.1f}; {:.2f})",
            "{:.2f};{:.2f}",
            "SW{:.0f}-{:.1f}",
            "{:.1f} ± {:.1f}",
            "lat={:.3f} lon={:.3f}",
        ],
    )
    def test_of_a_shape_are_numbers(self, shape: str) -> None:
        first, second = np.abs(SIGNED), AMOUNTS
        words = [shape.format(one, other) for one, other in zip(first, second, strict=True)]
        result = cleaned(words)
        assert result.columns.names() == ("plain", "x [1]", "x [2]")
        np.testing.assert_allclose(values(result, "x [1]"), first, atol=0.51)
        np.testing.assert_allclose(values(result, "x [2]"), second, atol=0.51)
        assert "parts" in {finding.code for finding in result.findings}
        again = Cleaner.from_state(result.cleaner.to_state())
        assert again == result.cleaner
        assert at_predict(again, [shape.format(5, 7)], part=" [2]") == [7.0]

    def test_have_signs(self) -> None:
        words = [f"POINT({-one:.2f} {one:.2f})" for one in SIGNED]
        assert values(cleaned(words), "x [1]") == [float(f"{-one:.2f}") for one in SIGNED]

    def test_of_addresses_and_versions_are_whole(self) -> None:
        words = [f"155.{row}.{row % 7}.0" for row in range(N)]
        assert values(cleaned(words), "x [2]") == list(range(N))
        assert values(cleaned([f"1.{row}.456" for row in range(N)]), "x [2]") == list(range(N))

    def test_of_another_shape_are_unreadable_and_no_error(self) -> None:
        cleaner = cleaned([f"{row}/80" for row in range(N)]).cleaner
        applied = cleaner.transform(from_frame({"plain": [1.0], "x": ["high"]}))
        assert applied.counts.unreadable == {"x": 1}

    def test_of_words_that_repeat_stand_beside_the_category(self) -> None:
        words = np.resize([f"{row}-{row + 9}" for row in range(25)], N)
        result = cleaned(words)
        assert result.columns.names() == ("plain", "x", "x (number 1)", "x (number 2)")
        assert Cleaner.from_state(result.cleaner.to_state()) == result.cleaner

    def test_of_stores_that_repeat_are_no_amounts(self) -> None:
        assert cleaned(np.resize([f"store_{row}" for row in range(25)], N)).columns.names()[:2] == (
            "plain",
            "x",
        )
        assert (
            cleaned(np.resize([f"store_{row}" for row in range(25)], N)).columns["x"].kind
            == "category"
        )

    def test_may_be_codes(self) -> None:
        words = [
            f"{place}-{value:.1f}"
            for place, value in zip(np.resize(range(30), N), AMOUNTS, strict=True)
        ]
        result = cleaned(words)
        coded = result.cleaner.with_codes(["x [1]"], result.columns)
        assert Cleaner.from_state(coded.to_state()) == coded


def ids(result: Cleaned) -> set[str]:
    return {name for finding in result.findings if finding.code == "id" for name in finding.columns}


class TestIds:
    """A column that looks like an id is dropped only if it says nothing of the target."""

    NUMBERS = RNG.permutation(N) + 1_000
    SHAPES = ("INV{}", "K-{}", "{}")

    @pytest.mark.parametrize("shape", SHAPES)
    def test_go_where_they_say_nothing(self, shape: str) -> None:
        assert ids(cleaned([shape.format(number) for number in self.NUMBERS], name="order_id")) == {
            "order_id"
        }

    @pytest.mark.parametrize("shape", SHAPES)
    def test_stay_where_their_number_tells(self, shape: str) -> None:
        words = [shape.format(number) for number in self.NUMBERS]
        for y in (
            self.NUMBERS * 2.0 + SIGNED / 100,
            (self.NUMBERS > 1_100).astype(int),
            np.abs(self.NUMBERS - 1_100.0),
        ):
            result = cleaned(words, y=y, name="order_id")
            assert not ids(result)
            assert values(result, "order_id") == self.NUMBERS.tolist()

    def test_stay_where_their_beginning_tells(self) -> None:
        letters = RNG.integers(0, 26, (N, 8))
        words = ["".join("abcdefghijklmnopqrstuvwxyz"[place] for place in row) for row in letters]
        assert ids(cleaned(words)) == {"x"}
        assert not ids(cleaned(words, y=(letters[:, 0] < 13).astype(int)))

    def test_of_rows_go_even_where_the_file_is_sorted_by_its_target(self) -> None:
        y = np.repeat(["a", "b", "c", "d"], N // 4)
        assert ids(cleaned(range(1, N + 1), y=y, name="Id")) == {"Id"}
        assert ids(cleaned(range(100, 100 + 3 * N, 3), y=y, name="Id")) == {"Id"}

    def test_of_letters_and_digits_go(self) -> None:
        hashes = [f"{number:032x}" for number in RNG.integers(2**40, 2**62, N)]
        assert ids(cleaned(hashes)) == {"x"}

    def test_beyond_exact_floats_that_tell_stay(self) -> None:
        large = [2**60 + int(number) * 10**6 for number in self.NUMBERS]
        assert not ids(cleaned([str(number) for number in large], y=self.NUMBERS * 1.0, name="key"))


class TestChosenKinds:
    @pytest.mark.parametrize(
        "words", [["12 GB", "8 GB"], ["2 h", "4 h"], ["12.5", "3"], ["1,5", "2,5"]]
    )
    def test_number_is_a_number_however_few_there_are(self, words: list[str]) -> None:
        result = cleaned(np.resize(words, N), options=CleanOptions(kinds={"x": "number"}))
        assert result.columns["x"].kind == "number"
        assert not np.isnan(values(result)).any()


@pytest.mark.parametrize("word", ["unknown", "***", r"\N", "NA", "0000-00-00"])
def test_usual_words_for_missing_are_no_surprise_at_predict(word: str) -> None:
    for words in (AMOUNTS, MOMENTS.astype(str)):
        applied = cleaned(words).cleaner.transform(from_frame({"plain": [1.0], "x": [word]}))
        assert not applied.counts.any


class TestUnseen:
    def test_levels_of_a_column_all_different_are_no_surprise(self) -> None:
        names = [
            f"{chr(97 + row % 26)}{chr(97 + row // 26)}{'xyz'[row % 3]}@{'ab'[row % 2]}.com"
            for row in range(N)
        ]
        cleaner = cleaned(names, options=CleanOptions(ids=False)).cleaner
        applied = cleaner.transform(
            from_frame({"plain": [1.0, 2.0], "x": ["new@c.com", "other@d.com"]})
        )
        assert not applied.counts.any

    def test_levels_of_a_column_of_few_are_counted(self) -> None:
        cleaner = cleaned(np.resize(["red", "green"], N)).cleaner
        assert cleaner.transform(from_frame({"plain": [1.0], "x": ["blue"]})).counts.unseen == {
            "x": 1
        }

    def test_phones_of_one_shape_do_not_warn(self) -> None:
        cleaner = cleaned(
            [
                f"+49 {150 + row % 9} {number}"
                for row, number in enumerate(RNG.integers(10**6, 10**7, N))
            ]
        ).cleaner
        assert not cleaner.transform(
            from_frame({"plain": [1.0], "x": ["+49 151 1234567"]})
        ).counts.any


def test_a_duration_that_is_none_is_one_line() -> None:
    cleaner = cleaned(pd.to_timedelta(SECONDS, unit="s")).cleaner
    with pytest.raises(
        InputError,
        match="column 'x' was a duration at fit, but no duration is in it: 1 cells such as 'soon'",
    ):
        at_predict(cleaner, ["soon"])


@pytest.mark.parametrize(
    "fill", [" ", "1", "1 ", "1,", "(", "1s ", "a", "1.", "-", "12:", "mon ", "\u00a0", "°1'"]
)
def test_words_of_any_length_take_no_time(fill: str) -> None:
    """Patterns with several gaps take the length's square or cube, so long words are looked at no further.

    Short ones may not take the power of their length either.
    """
    words = ["1" + fill * 20_000 + "x", ("1" + fill * 70)[:70] + "x"]
    for like in (
        AMOUNTS,
        MOMENTS.astype(str),
        [f"{row}h {row % 60}m" for row in range(N)],
        [f"{row}x{row}" for row in range(N)],
    ):
        cleaner = cleaned(like).cleaner
        began = time.perf_counter()
        cleaner.transform(
            from_frame({"plain": [0.0] * 3, "x": [*words, pd.Series(like).astype(str)[3]]})
        )
        assert time.perf_counter() - began < 1.0
