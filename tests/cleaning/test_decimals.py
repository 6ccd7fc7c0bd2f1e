"""The decimal sign: evidence of a whole file, at fit and at predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from automl.cleaning import Cleaned, Cleaner, clean
from automl.columns import Numbers
from automl.errors import InputError, UnsafeModel
from automl.table import Table, from_frame, read_table

RNG = np.random.default_rng(0)
N = 60
SMALL = RNG.uniform(1, 10, N).round(3)  # 3.456
LARGE = RNG.integers(1_000, 10_000, N).astype(float)
CLASS = ["no", "yes"] * (N // 2)

Spell = Callable[[float], str]


def point(value: float) -> str:
    return f"{value:.3f}"


def comma(value: float) -> str:
    return point(value).replace(".", ",")


def thousands(value: float) -> str:
    return f"{value:,.0f}"


def dotted(value: float) -> str:
    return thousands(value).replace(",", ".")


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., Table]:
    def write(separator: str, **columns: Sequence[str]) -> Table:
        path = tmp_path / "data.csv"
        rows = zip(*columns.values(), strict=True)
        quoted = [separator.join(f'"{cell}"' for cell in row) for row in rows]
        path.write_text("\n".join([separator.join(columns), *quoted]) + "\n")
        return read_table(path)

    return write


def values(columns_of: Cleaned, name: str = "x") -> list[float]:
    column = columns_of.columns[name]
    assert isinstance(column, Numbers)
    return column.values.tolist()


def at_predict(cleaner: Cleaner, given: Table, name: str = "x") -> list[float]:
    column = cleaner.transform(given).columns[name]
    assert isinstance(column, Numbers)
    return column.values.tolist()


def spelled(spell: Spell, numbers: Sequence[float]) -> list[str]:
    return [spell(number) for number in numbers]


class TestFit:
    @pytest.mark.parametrize("separator", [";", "\t", "|"])
    def test_a_cell_that_can_be_no_thousand_tells_for_all_columns(
        self, table: Callable[..., Table], separator: str
    ) -> None:
        other = spelled(comma, RNG.uniform(0, 1, N))  # 0,902
        given = table(separator, x=spelled(comma, SMALL), z=other, y=spelled(comma, SMALL[::-1]))
        result = clean(given, "y")
        assert values(result) == SMALL.tolist()
        assert result.y.tolist() == SMALL[::-1].tolist()

    def test_thousands_with_points_are_known_by_another_columns_comma(
        self, table: Callable[..., Table]
    ) -> None:
        target = ["950", *spelled(dotted, LARGE[1:])]
        result = clean(
            table(";", x=spelled(lambda value: f"{value:.1f}".replace(".", ","), SMALL), y=target),
            "y",
        )
        assert result.y[:2].tolist() == [950.0, LARGE[1]]

    def test_a_finding_says_how_the_target_was_read(self, table: Callable[..., Table]) -> None:
        result = clean(
            table(";", x=spelled(comma, SMALL), y=["12,5", *spelled(comma, SMALL[1:])]), "y"
        )
        told = [finding.text() for finding in result.findings if finding.code == "target_sign"]
        assert len(told) == 1
        assert "the target was read with a decimal comma: 1,025 is 1.025" in told[0]

    def test_semicolons_alone_speak_for_the_comma(self, table: Callable[..., Table]) -> None:
        assert values(clean(table(";", x=spelled(comma, SMALL), y=CLASS), "y")) == SMALL.tolist()

    def test_commas_that_separate_speak_for_the_point(self, table: Callable[..., Table]) -> None:
        assert (
            values(clean(table(",", x=spelled(thousands, LARGE), y=CLASS), "y")) == LARGE.tolist()
        )

    def test_whole_numbers_below_a_thousand_speak_for_thousands(
        self, table: Callable[..., Table]
    ) -> None:
        some = [*RNG.integers(100, 999, N // 2).astype(float), *LARGE[: N // 2]]
        for spell in (thousands, dotted):
            assert values(clean(table(";", x=spelled(spell, some), y=CLASS), "y")) == some

    def test_points_in_a_file_with_semicolons_stay_points(
        self, table: Callable[..., Table]
    ) -> None:
        mixed = [*SMALL[1:], 0.5]
        assert values(clean(table(";", x=[str(value) for value in mixed], y=CLASS), "y")) == mixed

    def test_each_column_keeps_the_sign_that_its_own_cells_show(
        self, table: Callable[..., Table]
    ) -> None:
        short = [f"{value:.2f}" for value in SMALL]
        commas = [word.replace(".", ",") for word in short]
        result = clean(table(";", x=commas, z=[f"{value:.2f}" for value in LARGE], y=CLASS), "y")
        assert values(result, "x") == [float(word) for word in short]
        assert values(result, "z") == LARGE.tolist()

    def test_groups_of_three_are_thousands(self, table: Callable[..., Table]) -> None:
        result = clean(table(",", x=["1.234.567", *spelled(dotted, LARGE[1:])], y=CLASS), "y")
        assert values(result)[:2] == [1_234_567.0, LARGE[1]]


class TestPredict:
    """Fit on one spelling, predict on another: the same numbers, or one line."""

    @pytest.mark.parametrize("rows", [N, 5, 1])
    @pytest.mark.parametrize(
        ("numbers", "at_fit", "fit_separator", "later", "separator"),
        [
            (SMALL, point, ",", comma, ";"),
            (SMALL, comma, ";", point, ","),
            (SMALL, point, ",", comma, "\t"),
            (SMALL, comma, ";", point, ";"),
            (SMALL, point, ",", comma, ","),
            (LARGE, thousands, ",", dotted, ";"),
            (LARGE, dotted, ";", thousands, ","),
        ],
    )
    def test_values_seen_at_fit_decide(
        self,
        table: Callable[..., Table],
        rows: int,
        numbers: np.ndarray,
        at_fit: Spell,
        fit_separator: str,
        later: Spell,
        separator: str,
    ) -> None:
        fitted = clean(table(fit_separator, x=spelled(at_fit, numbers), y=CLASS), "y")
        given = table(separator, x=spelled(later, numbers[:rows]), unused=["a"] * rows)
        assert at_predict(fitted.cleaner, given) == values(fitted)[:rows]

    def test_columns_that_show_their_sign_decide_for_the_others(
        self, table: Callable[..., Table]
    ) -> None:
        wide = 10 ** RNG.uniform(-1, 6, N)
        fitted = clean(
            table(",", x=[f"{value:.3f}" for value in wide], z=spelled(point, SMALL), y=CLASS), "y"
        ).cleaner
        assert at_predict(fitted, table(";", x=["3,456"], z=["12,5"])) == [3.456]
        assert at_predict(fitted, table(";", x=["3,456"], z=["12.5"])) == [3456.0]

    def test_columns_that_are_not_needed_tell_too(self, table: Callable[..., Table]) -> None:
        wide = 10 ** RNG.uniform(-1, 6, N)
        fitted = clean(
            table(",", x=[f"{value:.3f}" for value in wide], y=spelled(point, SMALL)), "y"
        ).cleaner
        assert at_predict(fitted, table(";", x=["3,456"], y=["12,5"])) == [3.456]

    @pytest.mark.parametrize(("separator", "word"), [(";", "3,456"), (";", "3.456")])
    def test_what_nothing_decides_is_one_line(
        self, table: Callable[..., Table], separator: str, word: str
    ) -> None:
        wide = 10 ** RNG.uniform(-1, 6, N)
        fitted = clean(table(",", x=[f"{value:.3f}" for value in wide], y=CLASS), "y").cleaner
        with pytest.raises(
            InputError, match=r"data.csv: column 'x': '3[,.]456' may be 3456 or 3\.456.*Write 3456"
        ) as caught:
            at_predict(fitted, table(separator, x=[word], z=["a"]))
        assert "\n" not in str(caught.value)

    def test_a_file_like_that_of_fit_is_read_as_at_fit(self, table: Callable[..., Table]) -> None:
        wide = 10 ** RNG.uniform(-1, 6, N)
        fitted = clean(table(",", x=[f"{value:.3f}" for value in wide], y=CLASS), "y").cleaner
        assert at_predict(fitted, table(",", x=["3.456"], z=["a"])) == [3.456]

    def test_another_sign_in_one_column_alone_is_never_read_silently(
        self, table: Callable[..., Table]
    ) -> None:
        fitted = clean(
            table(",", x=spelled(point, SMALL), z=[f"{value:.2f}" for value in SMALL], y=CLASS), "y"
        ).cleaner
        with pytest.raises(InputError, match="column 'x'"):
            at_predict(
                fitted, table(",", x=spelled(comma, SMALL), z=[f"{value:.2f}" for value in SMALL])
            )

    def test_another_sign_in_some_cells_is_never_read_silently(
        self, table: Callable[..., Table]
    ) -> None:
        words = [f"{value:.2f}" for value in SMALL]
        fitted = clean(table(",", x=words, y=CLASS), "y").cleaner
        with pytest.raises(InputError, match=r"column 'x': '3,456' may be 3456 or 3\.456"):
            at_predict(fitted, table(",", x=[*words, "3,456"]))

    def test_larger_values_than_at_fit_may_have_thousands(
        self, table: Callable[..., Table]
    ) -> None:
        tail = [*(f"{value:.1f}" for value in SMALL[1:]), "950"]
        fitted = clean(table(",", x=tail, y=CLASS), "y").cleaner
        assert at_predict(fitted, table(",", x=["1,234", "2.5"])) == [1234.0, 2.5]

    def test_a_word_of_one_reading_is_read_so_among_others(
        self, table: Callable[..., Table]
    ) -> None:
        fitted = clean(table(",", x=[f"{value:.2f}" for value in SMALL], y=CLASS), "y").cleaner
        assert at_predict(fitted, table(",", x=["1.25", "2.5", "3,25"])) == [1.25, 2.5, 3.25]

    def test_a_model_of_a_frame_meets_a_file(self, table: Callable[..., Table]) -> None:
        fitted = clean(from_frame({"x": SMALL, "z": LARGE}), CLASS).cleaner
        for spell, separator in ((comma, ";"), (point, ","), (point, ";"), (comma, "\t")):
            given = table(
                separator,
                x=spelled(spell, SMALL[:3]),
                z=spelled(dotted if spell is comma else thousands, LARGE[:3]),
            )
            assert at_predict(fitted, given) == SMALL[:3].tolist()
            assert at_predict(fitted, given, "z") == LARGE[:3].tolist()

    def test_whole_numbers_of_fit_meet_thousands(self, table: Callable[..., Table]) -> None:
        fitted = clean(table(",", x=[f"{value:.0f}" for value in LARGE], y=CLASS), "y").cleaner
        assert at_predict(fitted, table(",", x=["1,234", "2,000"])) == [1234.0, 2000.0]
        assert at_predict(fitted, table(";", x=["1.234", "2.000"], z=["a", "b"])) == [
            1234.0,
            2000.0,
        ]


class TestState:
    def test_survives_a_file(self, table: Callable[..., Table]) -> None:
        cleaner = clean(table(";", x=spelled(comma, SMALL), y=CLASS), "y").cleaner
        again = Cleaner.from_state(cleaner.to_state())
        assert again == cleaner
        assert at_predict(again, table(",", x=["3.456"])) == [3.456]

    def test_of_earlier_versions_is_read(self, table: Callable[..., Table]) -> None:
        state = dict(clean(table(";", x=spelled(comma, SMALL), y=CLASS), "y").cleaner.to_state())
        del state["sign"], state["columns"][0]["sizes"]
        assert at_predict(Cleaner.from_state(state), table(";", x=["3,456"])) == [3.456]

    @pytest.mark.parametrize(
        "sign",
        [
            "comma",
            {"comma": 1, "sure": True, "separator": ";"},
            {"comma": True, "sure": True, "separator": 1},
        ],
    )
    def test_that_is_nonsense_is_refused(self, table: Callable[..., Table], sign: object) -> None:
        state = clean(table(";", x=spelled(comma, SMALL), y=CLASS), "y").cleaner.to_state()
        with pytest.raises(UnsafeModel):
            Cleaner.from_state({**state, "sign": sign})
