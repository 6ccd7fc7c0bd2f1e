"""The decimal sign: evidence of a whole file, at fit and at predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from automl.cleaning import Cleaned, Cleaner, clean
from automl.columns import Columns, Numbers
from automl.errors import InputError, UnsafeModel
from automl.table import Table, from_frame, read_table

RNG = np.random.default_rng(0)
N = 60
SMALL = RNG.uniform(1, 10, N).round(3)  # 3.456
LARGE = RNG.integers(1_000, 10_000, N).astype(float)
WIDE = 10 ** RNG.uniform(-1, 6, N)
CLASS = ["no", "yes"] * (N // 2)

Spell = Callable[[float], str]
WriteTable = Callable[..., Table]
Fit = Callable[..., Cleaned]


def point(value: float) -> str:
    return f"{value:.3f}"


def comma(value: float) -> str:
    return point(value).replace(".", ",")


def two_decimals(value: float) -> str:
    return f"{value:.2f}"


def thousands(value: float) -> str:
    return f"{value:,.0f}"


def thousands_with_points(value: float) -> str:
    return thousands(value).replace(",", ".")


def spelled(spell: Spell, numbers: Sequence[float]) -> list[str]:
    return [spell(number) for number in numbers]


@pytest.fixture
def table(tmp_path: Path) -> WriteTable:
    """Return a function that writes a file and reads it."""

    def write(separator: str, **columns: Sequence[str]) -> Table:
        lines = [separator.join(columns)]
        for row in zip(*columns.values(), strict=True):
            quoted = [f'"{cell}"' for cell in row]
            lines.append(separator.join(quoted))
        path = tmp_path / "data.csv"
        path.write_text("\n".join(lines) + "\n")
        return read_table(path)

    return write


@pytest.fixture
def fit(table: WriteTable) -> Fit:
    """Return a function that writes a file and cleans it with the target y."""

    def write_and_clean(separator: str, **columns: Sequence[str]) -> Cleaned:
        return clean(table(separator, **columns), "y")

    return write_and_clean


def numbers_of(columns: Columns, name: str) -> list[float]:
    column = columns[name]
    assert isinstance(column, Numbers)
    return column.values.tolist()


def values(cleaned: Cleaned, name: str = "x") -> list[float]:
    return numbers_of(cleaned.columns, name)


def at_predict(cleaner: Cleaner, later: Table, name: str = "x") -> list[float]:
    return numbers_of(cleaner.transform(later).columns, name)


class TestFit:
    @pytest.mark.parametrize("separator", [";", "\t", "|"])
    def test_one_column_that_has_no_thousands_decides_for_all(
        self, fit: Fit, separator: str
    ) -> None:
        x = spelled(comma, SMALL)
        fractions = spelled(comma, RNG.uniform(0, 1, N))  # 0,902
        y = spelled(comma, SMALL[::-1])
        result = fit(separator, x=x, z=fractions, y=y)
        assert values(result) == SMALL.tolist()
        assert result.y.tolist() == SMALL[::-1].tolist()

    def test_thousands_with_points_are_known_by_another_columns_comma(self, fit: Fit) -> None:
        x = [f"{value:.1f}".replace(".", ",") for value in SMALL]
        y = ["950", *spelled(thousands_with_points, LARGE[1:])]
        result = fit(";", x=x, y=y)
        assert result.y[:2].tolist() == [950.0, LARGE[1]]

    def test_a_finding_says_how_the_target_was_read(self, fit: Fit) -> None:
        x = spelled(comma, SMALL)
        y = ["12,5", *spelled(comma, SMALL[1:])]
        result = fit(";", x=x, y=y)
        (text,) = [finding.text() for finding in result.findings if finding.code == "target_sign"]
        assert "the target was read with a decimal comma: 1,025 is 1.025" in text

    def test_semicolons_alone_suggest_the_comma(self, fit: Fit) -> None:
        result = fit(";", x=spelled(comma, SMALL), y=CLASS)
        assert values(result) == SMALL.tolist()

    def test_commas_that_separate_suggest_the_point(self, fit: Fit) -> None:
        result = fit(",", x=spelled(thousands, LARGE), y=CLASS)
        assert values(result) == LARGE.tolist()

    @pytest.mark.parametrize("spell", [thousands, thousands_with_points])
    def test_whole_numbers_below_a_thousand_suggest_thousands(self, fit: Fit, spell: Spell) -> None:
        below = RNG.integers(100, 999, N // 2).astype(float)
        mixed = [*below, *LARGE[: N // 2]]
        result = fit(";", x=spelled(spell, mixed), y=CLASS)
        assert values(result) == mixed

    def test_points_in_a_file_with_semicolons_stay_points(self, fit: Fit) -> None:
        mixed = [*SMALL[1:], 0.5]
        result = fit(";", x=spelled(str, mixed), y=CLASS)
        assert values(result) == mixed

    def test_each_column_has_the_sign_that_its_own_cells_show(self, fit: Fit) -> None:
        short = spelled(two_decimals, SMALL)
        with_commas = [word.replace(".", ",") for word in short]
        with_points = spelled(two_decimals, LARGE)
        result = fit(";", x=with_commas, z=with_points, y=CLASS)
        assert values(result, "x") == [float(word) for word in short]
        assert values(result, "z") == LARGE.tolist()

    def test_groups_of_three_are_thousands(self, fit: Fit) -> None:
        words = ["1.234.567", *spelled(thousands_with_points, LARGE[1:])]
        result = fit(",", x=words, y=CLASS)
        assert values(result)[:2] == [1_234_567.0, LARGE[1]]


class TestPredict:
    """Fit on one spelling, predict on another: the numbers are the same, or there is an error."""

    @pytest.mark.parametrize("rows", [N, 5, 1])
    @pytest.mark.parametrize(
        ("numbers", "at_fit", "fit_separator", "later", "separator"),
        [
            (SMALL, point, ",", comma, ";"),
            (SMALL, comma, ";", point, ","),
            (SMALL, point, ",", comma, "\t"),
            (SMALL, comma, ";", point, ";"),
            (SMALL, point, ",", comma, ","),
            (LARGE, thousands, ",", thousands_with_points, ";"),
            (LARGE, thousands_with_points, ";", thousands, ","),
        ],
    )
    def test_values_seen_at_fit_decide(
        self,
        table: WriteTable,
        fit: Fit,
        rows: int,
        numbers: np.ndarray,
        at_fit: Spell,
        fit_separator: str,
        later: Spell,
        separator: str,
    ) -> None:
        fitted = fit(fit_separator, x=spelled(at_fit, numbers), y=CLASS)
        words = spelled(later, numbers[:rows])
        unused = ["a"] * rows
        given = table(separator, x=words, unused=unused)
        assert at_predict(fitted.cleaner, given) == values(fitted)[:rows]

    def test_columns_that_show_their_sign_decide_for_the_others(
        self, table: WriteTable, fit: Fit
    ) -> None:
        x = spelled(point, WIDE)
        z = spelled(point, SMALL)
        cleaner = fit(",", x=x, z=z, y=CLASS).cleaner
        later = table(";", x=["3,456"], z=["12,5"])
        assert at_predict(cleaner, later) == [3.456]
        later = table(";", x=["3,456"], z=["12.5"])
        assert at_predict(cleaner, later) == [3456.0]

    def test_columns_that_are_not_needed_decide_too(self, table: WriteTable, fit: Fit) -> None:
        x = spelled(point, WIDE)
        y = spelled(point, SMALL)
        cleaner = fit(",", x=x, y=y).cleaner
        later = table(";", x=["3,456"], y=["12,5"])
        assert at_predict(cleaner, later) == [3.456]

    @pytest.mark.parametrize("word", ["3,456", "3.456"])
    def test_without_evidence_two_readings_are_an_error_of_one_line(
        self, table: WriteTable, fit: Fit, word: str
    ) -> None:
        cleaner = fit(",", x=spelled(point, WIDE), y=CLASS).cleaner
        message = r"data.csv: column 'x': '3[,.]456' may be 3456 or 3\.456.*Write 3456"
        with pytest.raises(InputError, match=message) as caught:
            at_predict(cleaner, table(";", x=[word], z=["a"]))
        assert "\n" not in str(caught.value)

    def test_a_file_like_that_of_fit_is_read_as_at_fit(self, table: WriteTable, fit: Fit) -> None:
        cleaner = fit(",", x=spelled(point, WIDE), y=CLASS).cleaner
        later = table(",", x=["3.456"], z=["a"])
        assert at_predict(cleaner, later) == [3.456]

    def test_another_sign_in_one_column_alone_is_never_read_silently(
        self, table: WriteTable, fit: Fit
    ) -> None:
        z = spelled(two_decimals, SMALL)
        cleaner = fit(",", x=spelled(point, SMALL), z=z, y=CLASS).cleaner
        later = table(",", x=spelled(comma, SMALL), z=z)
        with pytest.raises(InputError, match="column 'x'"):
            at_predict(cleaner, later)

    def test_another_sign_in_some_cells_is_never_read_silently(
        self, table: WriteTable, fit: Fit
    ) -> None:
        words = spelled(two_decimals, SMALL)
        cleaner = fit(",", x=words, y=CLASS).cleaner
        later = table(",", x=[*words, "3,456"])
        with pytest.raises(InputError, match=r"column 'x': '3,456' may be 3456 or 3\.456"):
            at_predict(cleaner, later)

    def test_larger_values_than_at_fit_may_have_thousands(
        self, table: WriteTable, fit: Fit
    ) -> None:
        words = [f"{value:.1f}" for value in SMALL[1:]]
        cleaner = fit(",", x=[*words, "950"], y=CLASS).cleaner
        later = table(",", x=["1,234", "2.5"])
        assert at_predict(cleaner, later) == [1234.0, 2.5]

    def test_a_word_with_one_reading_gets_it_among_others(
        self, table: WriteTable, fit: Fit
    ) -> None:
        cleaner = fit(",", x=spelled(two_decimals, SMALL), y=CLASS).cleaner
        later = table(",", x=["1.25", "2.5", "3,25"])
        assert at_predict(cleaner, later) == [1.25, 2.5, 3.25]

    @pytest.mark.parametrize(
        ("spell", "spell_large", "separator"),
        [
            (comma, thousands_with_points, ";"),
            (point, thousands, ","),
            (point, thousands, ";"),
            (comma, thousands_with_points, "\t"),
        ],
    )
    def test_a_model_of_a_frame_reads_files(
        self, table: WriteTable, spell: Spell, spell_large: Spell, separator: str
    ) -> None:
        cleaner = clean(from_frame({"x": SMALL, "z": LARGE}), CLASS).cleaner
        x = spelled(spell, SMALL[:3])
        z = spelled(spell_large, LARGE[:3])
        later = table(separator, x=x, z=z)
        assert at_predict(cleaner, later) == SMALL[:3].tolist()
        assert at_predict(cleaner, later, "z") == LARGE[:3].tolist()

    @pytest.mark.parametrize(
        ("separator", "words"),
        [(",", ["1,234", "2,000"]), (";", ["1.234", "2.000"])],
    )
    def test_whole_numbers_at_fit_may_have_thousands_later(
        self, table: WriteTable, fit: Fit, separator: str, words: list[str]
    ) -> None:
        whole = [f"{value:.0f}" for value in LARGE]
        cleaner = fit(",", x=whole, y=CLASS).cleaner
        later = table(separator, x=words, z=["a", "b"])
        assert at_predict(cleaner, later) == [1234.0, 2000.0]


class TestState:
    @pytest.fixture
    def cleaner(self, fit: Fit) -> Cleaner:
        return fit(";", x=spelled(comma, SMALL), y=CLASS).cleaner

    def test_survives_a_file(self, table: WriteTable, cleaner: Cleaner) -> None:
        again = Cleaner.from_state(cleaner.to_state())
        assert again == cleaner
        later = table(",", x=["3.456"])
        assert at_predict(again, later) == [3.456]

    def test_of_earlier_versions_is_read(self, table: WriteTable, cleaner: Cleaner) -> None:
        state = dict(cleaner.to_state())
        del state["sign"]
        del state["columns"][0]["sizes"]
        earlier = Cleaner.from_state(state)
        later = table(";", x=["3,456"])
        assert at_predict(earlier, later) == [3.456]

    @pytest.mark.parametrize(
        "sign",
        [
            "comma",
            {"comma": 1, "sure": True, "separator": ";"},
            {"comma": True, "sure": True, "separator": 1},
        ],
    )
    def test_that_is_damaged_is_refused(self, cleaner: Cleaner, sign: object) -> None:
        state = cleaner.to_state()
        with pytest.raises(UnsafeModel):
            Cleaner.from_state({**state, "sign": sign})
