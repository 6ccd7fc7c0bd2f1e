"""The target: its kind, its labels, and targets that can't be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.cleaning.target import Target, read_target
from automl.errors import InputError


def from_file(words: Sequence[str], **options: Any) -> Target:
    series = pd.Series(list(words), dtype=object)
    return read_target(series, "y", source="a.csv", **options)


def from_python(values: object, **options: Any) -> Target:
    return read_target(pd.Series(values), "y", **options)


class TestKind:
    @pytest.mark.parametrize(
        ("words", "kind"),
        [
            (["no", "yes"], "binary"),
            (["0", "1"], "binary"),
            (["1", "2", "3"], "multiclass"),
            (["a", "b", "c"], "multiclass"),
            (["1.5", "2"], "regression"),
            ([str(number) for number in range(11)], "regression"),
            (["$1,000", "$2,500.5"], "regression"),
            (["01", "02", "03"], "multiclass"),
        ],
    )
    def test_is_inferred_from_words(self, words: list[str], kind: str) -> None:
        assert from_file(words * 10).kind == kind

    @pytest.mark.parametrize(
        ("words", "override"),
        [
            (["no", "yes"], ""),
            (["0", "1"], "--task regression"),
            (["1.5", "2"], "--task multiclass"),
        ],
    )
    def test_is_reported_with_an_override_for_numbers(
        self, words: list[str], override: str
    ) -> None:
        findings = from_file(words * 10).findings
        reported = [finding.override for finding in findings if finding.code == "task"]
        assert reported == [override]

    @pytest.mark.parametrize(
        ("values", "kind", "dtype"),
        [
            ([0, 1], "binary", "int"),
            ([True, False], "binary", "bool"),
            ([0.0, 1.0], "binary", "float"),
            (["a", "b"], "binary", "text"),
            ([0.5, 1.0], "regression", "float"),
        ],
    )
    def test_is_inferred_from_types_in_python(
        self, values: list[object], kind: str, dtype: str
    ) -> None:
        target = from_python(values * 10)
        assert target.kind == kind
        assert target.dtype == dtype

    def test_of_numbers_comes_with_their_decimal_sign(self) -> None:
        target = from_file(["1.234,5", "950", "12,25"] * 5)
        assert target.comma
        assert target.y[:3].tolist() == [1234.5, 950.0, 12.25]
        assert not from_file(["$1,234.5", "950", "12.25"] * 5).comma

    @pytest.mark.parametrize(
        ("words", "task", "kind"),
        [
            (["0", "1"], "regression", "regression"),
            (["1.5", "2.5"], "classification", "binary"),
            ([str(number) for number in range(20)], "multiclass", "multiclass"),
            (["0", "1"], "binary", "binary"),
        ],
    )
    def test_is_the_chosen_one(self, words: list[str], task: str, kind: str) -> None:
        target = from_file(words * 10, task=task)
        assert target.kind == kind
        assert target.findings == ()


class TestLabels:
    def test_are_text_that_is_never_changed(self) -> None:
        words = ["NA", "-", "none", "'-1'", "-1", " a", "a", "A", "01", "1"]
        target = from_file([*words * 2, "", "  "])
        assert target.labels == tuple(sorted(words))
        assert target.rows.tolist() == list(range(20))

    def test_are_sorted_as_numpy_does_in_python(self) -> None:
        values = [10, 9, -1] * 5
        target = from_python(values)
        _, codes = np.unique(values, return_inverse=True)
        assert target.labels == ("-1", "9", "10")
        assert target.y.tolist() == codes.tolist()

    def test_of_floats_and_bools_can_be_converted_back(self) -> None:
        assert from_python([1.0, 2.0, np.nan] * 10).labels == ("1.0", "2.0")
        assert from_python([True, False] * 10).labels == ("False", "True")

    def test_of_a_categorical_leave_out_unused_levels(self) -> None:
        values = pd.Categorical(["a", "b"] * 10, categories=["b", "z", "a"])
        assert from_python(values).labels == ("a", "b")

    def test_of_a_categorical_keep_their_type(self) -> None:
        assert from_python(pd.Categorical([2, 10] * 10)).dtype == "int"

    def test_have_the_positive_one_second(self) -> None:
        target = from_file(["no", "yes"] * 10, positive="no")
        assert target.labels == ("yes", "no")
        assert target.y[:2].tolist() == [1.0, 0.0]


class TestRows:
    def test_without_a_target_are_left_out(self) -> None:
        target = from_file(["a", "b", "", " "] * 5)
        last = target.findings[-1]
        assert len(target.rows) == 10
        assert last.code == "target_missing"
        assert last.count == 10

    def test_of_a_regression_may_have_missing_words(self) -> None:
        target = from_file(["1.5", "2.5", "NA", "?", ""] * 10)
        assert target.y.tolist() == [1.5, 2.5] * 10

    def test_alone_in_their_class_are_left_out(self) -> None:
        target = from_file(["a", "b", "c"] * 10 + ["d"])
        assert target.labels == ("a", "b", "c")
        _, finding = target.findings
        assert finding.code == "rare_class"
        assert finding.examples == ("d",)


class TestRefusedTargets:
    @pytest.mark.parametrize(
        ("words", "options", "message"),
        [
            (["", " "], {}, "has no value at all"),
            (["a"] * 20, {}, "only one class, 'a'"),
            (["a", "b"] * 4, {}, "8 rows have a target"),
            (["a"] * 20 + ["b"], {}, "class 'b' has 1 row"),
            (list("abcde") * 4, {"task": "binary"}, "has 5 classes"),
            (["a", "b"] * 10, {"task": "regression"}, "'a' in row 1 is not a number"),
            (["1.5", "inf"] * 10, {"task": "regression"}, "'inf' in row 2 is infinite"),
            (["a", "b"] * 10, {"positive": "c"}, "no label 'c'"),
            (list("abc") * 10, {"positive": "c"}, "only a binary task"),
            (
                ["a", "b"] * 10,
                {"task": "regresion"},
                r"no task 'regresion'\. Did you mean 'regression'\?",
            ),
            ([f"name {number}" for number in range(30)], {}, "fewer than two of them"),
            (
                [str(number + 0.5) for number in range(40)] + ["oops"],
                {},
                "'oops' in row 41 is not a number",
            ),
        ],
    )
    def test_of_a_file_get_one_line(
        self, words: list[str], options: dict[str, str], message: str
    ) -> None:
        with pytest.raises(InputError, match=message) as caught:
            from_file(words, **options)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ([1.0, np.inf] * 10, "Input y contains infinity"),
            (pd.date_range("2020-01-01", periods=20), "holds dates"),
            ([np.nan] * 20, "no value at all"),
        ],
    )
    def test_of_python_get_one_line(self, values: object, message: str) -> None:
        with pytest.raises(InputError, match=message):
            from_python(values)
