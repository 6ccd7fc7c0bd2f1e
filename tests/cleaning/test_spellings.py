"""Ids, unknown words and very long words."""

from __future__ import annotations

import time

import numpy as np
import pytest

from automl.cleaning import Cleaned, Cleaner, CleanOptions
from automl.cleaning.cleaner import Transformed
from automl.table import from_frame
from tests.cleaning.spellings import AMOUNTS, MOMENTS, SIGNED, N, cleaned, cleaned_again, values

RNG = np.random.default_rng(0)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def ids(result: Cleaned) -> set[str]:
    """Return the columns that were dropped as ids."""
    names: set[str] = set()
    for finding in result.findings:
        if finding.code == "id":
            names.update(finding.columns)
    return names


def transform(cleaner: Cleaner, words: list[str]) -> Transformed:
    table = from_frame({"plain": [0.0] * len(words), "x": words})
    return cleaner.transform(table)


class TestIds:
    """A column that looks like an id is dropped only if it says nothing about the target."""

    NUMBERS = RNG.permutation(N) + 1_000
    SHAPES = ("INV{}", "K-{}", "{}")

    @pytest.mark.parametrize("shape", SHAPES)
    def test_that_say_nothing_are_dropped(self, shape: str) -> None:
        words = [shape.format(number) for number in self.NUMBERS]
        assert ids(cleaned(words, name="order_id")) == {"order_id"}

    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize(
        "y",
        [
            NUMBERS * 2.0 + SIGNED / 100,
            (NUMBERS > 1_100).astype(int),
            np.abs(NUMBERS - 1_100.0),
        ],
        ids=["linear", "classes", "distance"],
    )
    def test_whose_number_explains_the_target_are_kept(self, shape: str, y: np.ndarray) -> None:
        words = [shape.format(number) for number in self.NUMBERS]
        result = cleaned(words, y=y, name="order_id")
        assert not ids(result)
        assert values(result, "order_id") == self.NUMBERS.tolist()

    def test_whose_beginning_explains_the_target_are_kept(self) -> None:
        letters = RNG.integers(0, 26, (N, 8))
        words = ["".join(LETTERS[letter] for letter in row) for row in letters]
        y = (letters[:, 0] < 13).astype(int)
        assert ids(cleaned(words)) == {"x"}
        assert not ids(cleaned(words, y=y))

    @pytest.mark.parametrize("step", [1, 3])
    def test_of_rows_are_dropped_even_if_the_file_is_sorted_by_its_target(self, step: int) -> None:
        y = np.repeat(["a", "b", "c", "d"], N // 4)
        numbers = range(100, 100 + step * N, step)
        assert ids(cleaned(numbers, y=y, name="Id")) == {"Id"}

    def test_of_letters_and_digits_are_dropped(self) -> None:
        numbers = RNG.integers(2**40, 2**62, N)
        hashes = [f"{number:032x}" for number in numbers]
        assert ids(cleaned(hashes)) == {"x"}

    def test_beyond_exact_floats_are_kept_if_they_explain_the_target(self) -> None:
        large = [str(2**60 + int(number) * 10**6) for number in self.NUMBERS]
        assert not ids(cleaned(large, y=self.NUMBERS * 1.0, name="key"))


class TestUnknownWords:
    @pytest.mark.parametrize("word", ["unknown", "***", r"\N", "NA", "0000-00-00"])
    @pytest.mark.parametrize("at_fit", [AMOUNTS, MOMENTS.astype(str)], ids=["numbers", "dates"])
    def test_that_usually_mean_missing_are_not_reported(self, word: str, at_fit: object) -> None:
        cleaner = cleaned(at_fit).cleaner
        assert not transform(cleaner, [word]).counts.any

    def test_are_not_reported_where_all_levels_were_different(self) -> None:
        names: list[str] = []
        for row in range(N):
            letters = LETTERS[row % 26] + LETTERS[row // 26] + "xyz"[row % 3]
            names.append(f"{letters}@{'ab'[row % 2]}.com")
        cleaner = cleaned(names, options=CleanOptions(ids=False)).cleaner
        assert not transform(cleaner, ["new@c.com", "other@d.com"]).counts.any

    def test_are_counted_where_levels_were_few(self) -> None:
        cleaner = cleaned_again(["red", "green"]).cleaner
        assert transform(cleaner, ["blue"]).counts.unseen == {"x": 1}

    def test_of_the_shape_of_phone_numbers_are_not_reported(self) -> None:
        numbers = RNG.integers(10**6, 10**7, N)
        phones = [f"+49 {150 + row % 9} {number}" for row, number in enumerate(numbers)]
        cleaner = cleaned(phones).cleaner
        assert not transform(cleaner, ["+49 151 1234567"]).counts.any


COLUMNS = {
    "numbers": AMOUNTS.astype(str).tolist(),
    "dates": MOMENTS.astype(str).tolist(),
    "durations": [f"{row}h {row % 60}m" for row in range(N)],
    "parts": [f"{row}x{row}" for row in range(N)],
}


@pytest.mark.parametrize(
    "fill", [" ", "1", "1 ", "1,", "(", "1s ", "a", "1.", "-", "12:", "mon ", "\u00a0", "°1'"]
)
@pytest.mark.parametrize("column", COLUMNS)
def test_words_of_any_length_take_no_time(fill: str, column: str) -> None:
    """Patterns with several gaps take the square or cube of a word's length.

    So long words are not matched, and short ones may not take a power of their length either.
    """
    usual = COLUMNS[column]
    cleaner = cleaned(usual).cleaner
    long = "1" + fill * 20_000 + "x"
    short = ("1" + fill * 70)[:70] + "x"
    began = time.perf_counter()
    transform(cleaner, [long, short, usual[3]])
    assert time.perf_counter() - began < 1.0
