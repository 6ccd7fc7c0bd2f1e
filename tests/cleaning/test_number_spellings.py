"""Numbers as people and programs write them, and with other words among them."""

from __future__ import annotations

import numpy as np
import pytest

from automl.cleaning import Cleaner, CleanOptions
from automl.columns import Categories
from automl.table import from_frame
from tests.cleaning.spellings import (
    AMOUNTS,
    MOMENTS,
    SIGNED,
    N,
    Spell,
    at_predict,
    categories,
    cleaned,
    cleaned_again,
    kind,
    replaced,
    values,
)


def mixed_with(*words: str) -> list[str]:
    """Return amounts, with two words in every other row."""
    columns: list[str] = []
    for row, value in enumerate(AMOUNTS):
        columns.append((*words, str(value), str(value))[row % 4])
    return columns


class TestNumbersAmongWords:
    """Case 3: numbers with a frequent other word are numbers with missing values."""

    WORDS = (
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
        "no data",
        "x",
        "Varies",
        "see note",
        "–",
        "#NUM!",
        "TBD",
        "withheld",
        "-1.#IND",
        "k.A.",
    )

    @pytest.mark.parametrize("word", WORDS)
    @pytest.mark.parametrize("share", [0.03, 0.3, 0.5])
    def test_are_numbers_whatever_the_word(self, word: str, share: float) -> None:
        is_word = np.arange(N) % 100 < 100 * share
        result = cleaned(replaced(AMOUNTS, is_word, word))
        expected = np.where(is_word, np.nan, AMOUNTS)
        np.testing.assert_array_equal(values(result), expected)
        assert result.columns.names() == ("plain", "x")

    @pytest.mark.parametrize("word", ["unknown", "x"])
    @pytest.mark.parametrize(
        "texts",
        [
            MOMENTS.dt.strftime("%d.%m.%Y").tolist(),
            [f"{number // 60}:{number % 60:02d}:30" for number in range(N)],
        ],
        ids=["dates", "durations"],
    )
    def test_are_dates_and_durations_likewise(self, word: str, texts: list[str]) -> None:
        is_word = np.arange(N) % 10 < 3
        result = cleaned(replaced(texts, is_word, word))
        assert np.isnan(values(result)).tolist() == is_word.tolist()

    def test_have_several_words_as_categories_too(self) -> None:
        result = cleaned(mixed_with("elsewhere", "later"))
        words = categories(result, "x (word)")
        assert words.levels == ("elsewhere", "later")
        again = Cleaner.from_state(result.cleaner.to_state())
        assert again == result.cleaner
        later = from_frame({"plain": [0.0, 1.0], "x": ["later", "3"]})
        column = again.transform(later).columns["x (word)"]
        assert isinstance(column, Categories)
        assert column.codes.tolist() == [1, -1]

    def test_have_a_word_as_a_category_if_there_are_also_blanks(self) -> None:
        result = cleaned(mixed_with("", "later"))
        assert result.columns.names() == ("plain", "x", "x (word)")

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
        assert kind(words) == "category"

    def test_flats_stay_categories(self) -> None:
        words = [f"{floor}{side}" for floor in range(5, 17) for side in "NESW"]
        assert kind(words) == "category"

    def test_many_different_words_stay_categories(self) -> None:
        words: list[str] = []
        for row, value in enumerate(AMOUNTS):
            word = "abcdefghij"[row % 10] * (row % 7 + 1)
            words.append(f"{value:.0f}" if row % 2 else word)
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
    def test_are_read_as_people_write_them(self, spell: Spell) -> None:
        result = cleaned([spell(value) for value in AMOUNTS])
        assert result.columns["x"].kind == "number"
        np.testing.assert_array_equal(values(result), AMOUNTS)
        assert at_predict(result.cleaner, [spell(1234.5)]) == [1234.5]

    @pytest.mark.parametrize(
        ("negative", "positive"),
        [
            ("{:.2f}-", "{:.2f}"),
            ("–{:.2f}", "{:.2f}"),
            ("−{:.2f}", "{:.2f}"),
            ("({:.2f})", "{:.2f}"),
            ("{:.2f} DR", "{:.2f} CR"),
            ("{:.2f}S", "{:.2f}N"),
            ("{:.2f}°W", "{:.2f}°E"),
            ("-$ {:,.2f}", "$ {:,.2f}"),
        ],
    )
    def test_are_negative_in_many_spellings(self, negative: str, positive: str) -> None:
        words: list[str] = []
        for value in SIGNED:
            template = negative if value < 0 else positive
            words.append(template.format(abs(value)))
        np.testing.assert_array_equal(values(cleaned(words)), SIGNED)

    @pytest.mark.parametrize("template", ["{},-", "{},--", "€ {},-"])
    def test_may_lack_cents(self, template: str) -> None:
        whole = AMOUNTS.round()
        grouped = [f"{value:,.0f}".replace(",", ".") for value in whole]
        words = [template.format(number) for number in grouped]
        np.testing.assert_array_equal(values(cleaned(words)), whole)

    def test_may_be_degrees_minutes_and_seconds(self) -> None:
        words: list[str] = []
        expected: list[float] = []
        for row in range(N):
            degrees = row % 90
            minutes = row % 60
            seconds = minutes + 0.5
            words.append(f"{degrees}°{minutes}'{seconds}\"{'NS'[row % 2]}")
            size = degrees + minutes / 60 + seconds / 3600
            expected.append(-size if row % 2 else size)
        np.testing.assert_allclose(values(cleaned(words)), expected)

    def test_have_one_scale_whatever_their_magnitude(self) -> None:
        numbers = [1.5 * 10 ** (row % 10) for row in range(N)]
        words = [_with_magnitude(number) for number in numbers]
        np.testing.assert_allclose(values(cleaned(words)), numbers)

    def test_in_the_labels_of_adult_stay_classes(self) -> None:
        labels = ["<=50K", ">50K"]
        assert cleaned(SIGNED, y=labels * (N // 2)).labels == tuple(labels)


def _with_magnitude(value: float) -> str:
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


@pytest.mark.parametrize(
    "words", [["12 GB", "8 GB"], ["2 h", "4 h"], ["12.5", "3"], ["1,5", "2,5"]]
)
def test_few_numbers_are_numbers_if_the_user_says_so(words: list[str]) -> None:
    options = CleanOptions(kinds={"x": "number"})
    result = cleaned(np.resize(words, N), options=options)
    assert result.columns["x"].kind == "number"
    assert not np.isnan(values(result)).any()


class TestParts:
    """Case 14: numbers within words."""

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
        first = np.abs(SIGNED)
        second = AMOUNTS
        words = [shape.format(low, high) for low, high in zip(first, second, strict=True)]
        result = cleaned(words)
        assert result.columns.names() == ("plain", "x [1]", "x [2]")
        np.testing.assert_allclose(values(result, "x [1]"), first, atol=0.51)
        np.testing.assert_allclose(values(result, "x [2]"), second, atol=0.51)
        assert "parts" in {finding.code for finding in result.findings}
        again = Cleaner.from_state(result.cleaner.to_state())
        assert again == result.cleaner
        assert at_predict(again, [shape.format(5, 7)], part=" [2]") == [7.0]

    def test_have_signs(self) -> None:
        words = [f"POINT({-value:.2f} {value:.2f})" for value in SIGNED]
        expected = [float(f"{-value:.2f}") for value in SIGNED]
        assert values(cleaned(words), "x [1]") == expected

    @pytest.mark.parametrize(
        "words",
        [
            [f"155.{row}.{row % 7}.0" for row in range(N)],
            [f"1.{row}.456" for row in range(N)],
        ],
        ids=["addresses", "versions"],
    )
    def test_of_addresses_and_versions_are_whole(self, words: list[str]) -> None:
        assert values(cleaned(words), "x [2]") == list(range(N))

    def test_of_another_shape_are_unreadable_and_no_error(self) -> None:
        cleaner = cleaned([f"{row}/80" for row in range(N)]).cleaner
        applied = cleaner.transform(from_frame({"plain": [1.0], "x": ["high"]}))
        assert applied.counts.unreadable == {"x": 1}

    def test_of_words_that_repeat_are_added_to_the_category(self) -> None:
        result = cleaned_again([f"{row}-{row + 9}" for row in range(25)])
        assert result.columns.names() == ("plain", "x", "x (number 1)", "x (number 2)")
        assert Cleaner.from_state(result.cleaner.to_state()) == result.cleaner

    def test_of_stores_that_repeat_are_no_amounts(self) -> None:
        stores = [f"store_{row}" for row in range(25)]
        result = cleaned_again(stores)
        assert result.columns.names()[:2] == ("plain", "x")
        assert result.columns["x"].kind == "category"

    def test_may_have_codes(self) -> None:
        words = [f"{row % 30}-{value:.1f}" for row, value in enumerate(AMOUNTS)]
        result = cleaned(words)
        coded = result.cleaner.with_categorical_integers(["x [1]"], result.columns)
        assert Cleaner.from_state(coded.to_state()) == coded
