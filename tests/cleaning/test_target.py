"""The target: what it is, which labels it has, and what can't be learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.cleaning.target import Target, read_target
from automl.errors import InputError


def from_file(words: Sequence[str], **options: Any) -> Target:
    return read_target(
        pd.Series(list(words), dtype=object), "y", source="a.csv", **options
    )


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
    def test_is_told_from_the_values_and_said(self, words: list[str], kind: str) -> None:
        target = from_file(words * 10)
        assert target.kind == kind
        words_only = not any(word[0].isdigit() or word[0] == "$" for word in words)
        told = [finding.override[:6] for finding in target.findings if finding.code == "task"]
        assert told == ["" if words_only else "--task"]

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
    def test_is_told_from_types_in_python(
        self, values: list[object], kind: str, dtype: str
    ) -> None:
        target = from_python(values * 10)
        assert (target.kind, target.dtype) == (kind, dtype)

    def test_of_numbers_knows_its_decimal_sign(self) -> None:
        target = from_file(["1.234,5", "950", "12,25"] * 5)
        assert target.comma
        assert target.y[:3].tolist() == [1234.5, 950.0, 12.25]
        assert not from_file(["$1,234.5", "950", "12.25"] * 5).comma

    def test_is_what_the_user_says(self) -> None:
        assert from_file(["0", "1"] * 10, task="regression").kind == "regression"
        assert from_file(["1.5", "2.5"] * 10, task="classification").labels == ("1.5", "2.5")
        assert (
            from_file([str(number) for number in range(20)] * 2, task="multiclass").kind
            == "multiclass"
        )
        assert from_file(["0", "1"] * 10, task="binary").findings == ()


class TestLabels:
    def test_are_text_that_is_never_touched(self) -> None:
        words = ["NA", "-", "none", "'-1'", "-1", " a", "a", "A", "01", "1"]
        target = from_file([*words * 2, "", "  "])
        assert target.labels == tuple(sorted(words))
        assert target.rows.tolist() == list(range(20))

    def test_are_sorted_as_numpy_does_in_python(self) -> None:
        values = [10, 9, -1] * 5
        target = from_python(values)
        assert target.labels == ("-1", "9", "10")
        assert target.y.tolist() == np.unique(values, return_inverse=True)[1].tolist()

    def test_of_floats_and_bools_can_be_made_again(self) -> None:
        assert from_python([1.0, 2.0, np.nan] * 10).labels == ("1.0", "2.0")
        assert from_python([True, False] * 10).labels == ("False", "True")

    def test_of_a_categorical_leave_out_unused_levels(self) -> None:
        series = pd.Series(pd.Categorical(["a", "b"] * 10, categories=["b", "z", "a"]))
        assert read_target(series, "y").labels == ("a", "b")
        assert read_target(pd.Series(pd.Categorical([2, 10] * 10)), "y").dtype == "int"

    def test_have_the_positive_one_second(self) -> None:
        target = from_file(["no", "yes"] * 10, positive="no")
        assert target.labels == ("yes", "no")
        assert target.y[:2].tolist() == [1.0, 0.0]


class TestRows:
    def test_without_a_target_are_left_out(self) -> None:
        target = from_file(["a", "b", "", " "] * 5)
        assert len(target.rows) == 10
        assert [(finding.code, finding.count) for finding in target.findings][-1] == (
            "target_missing",
            10,
        )

    def test_of_a_regression_may_be_missing_in_words(self) -> None:
        target = from_file(["1.5", "2.5", "NA", "?", ""] * 10)
        assert target.y.tolist() == [1.5, 2.5] * 10

    def test_alone_in_their_class_are_left_out(self) -> None:
        target = from_file(["a", "b", "c"] * 10 + ["d"])
        assert target.labels == ("a", "b", "c")
        assert [(finding.code, finding.examples) for finding in target.findings][1:] == [
            ("rare_class", ("d",))
        ]


class TestUseless:
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
    def test_targets_are_refused_in_one_line(
        self, words: list[str], options: dict[str, str], message: str
    ) -> None:
        with pytest.raises(InputError, match=message) as caught:
            from_file(words, **options)
        assert "\n" not in str(caught.value)

    def test_targets_of_python_are_too(self) -> None:
        with pytest.raises(InputError, match="Input y contains infinity"):
            from_python([1.0, np.inf] * 10)
        with pytest.raises(InputError, match="holds dates"):
            from_python(pd.date_range("2020-01-01", periods=20))
        with pytest.raises(InputError, match="no value at all"):
            from_python([np.nan] * 20)
