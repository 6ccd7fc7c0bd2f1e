"""A target in another table is read as it was at fit, whatever its spelling there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.cleaning.target_cells import read_target_cells
from automl.task import Task


def classes(*labels: str) -> Task:
    return Task("multiclass", "y", "log_loss", labels)


def codes(task: Task, cells: Any) -> list[float]:
    return read_target_cells(pd.Series(cells), task).values.tolist()


def numbers(cells: Any, *, comma: bool = False) -> list[float]:
    task = Task("regression", "y", "rmse", comma=comma)
    return read_target_cells(pd.Series(cells), task).values.tolist()


class TestLabels:
    @pytest.mark.parametrize(
        ("labels", "cells"),
        [
            (("0", "1"), ["0.0", "1.0"]),
            (("0", "1"), ["0,0", "1,00"]),
            (("0", "1"), [0.0, 1.0]),
            (("0", "1"), [False, True]),
            (("0.0", "1.0"), ["0", "1"]),
            (("01", "02"), [1, 2]),
            (("False", "True"), ["false", "TRUE"]),
            (("False", "True"), [False, True]),
            (("False", "True"), [0, 1]),
            (("no", "yes"), ["No", "YES"]),
            (("N", "Y"), ["no", "yes"]),
            (("a", "b"), [" a", "b  "]),
            ((" <=50K", " >50K"), ["<=50K", " >50K"]),
            (("a", "b"), pd.Categorical(["a", "b"], ["b", "a"])),
            (("0", "1"), pd.Categorical([0.0, 1.0])),
            (("a", "b"), [b"a", b"b"]),
        ],
    )
    def test_are_found_under_another_spelling(self, labels: tuple[str, str], cells: Any) -> None:
        assert codes(classes(*labels), cells) == [0.0, 1.0]

    def test_that_match_exactly_come_before_those_that_only_mean_the_same(self) -> None:
        task = classes("1", "01", " 1", "1.0")
        read = codes(task, ["1.0", " 1", "01", "1"])
        assert read == [3.0, 2.0, 1.0, 0.0]
        read = codes(classes("TRUE", "True"), ["True", "TRUE"])
        assert read == [1.0, 0.0]

    def test_are_not_guessed_where_two_of_them_mean_the_same(self) -> None:
        cells = pd.Series(["1.00", "1", "  a "])
        truth = read_target_cells(cells, classes("1", "01", "a", "a "))
        assert np.isnan(truth.values[[0, 2]]).all()
        assert truth.values[1] == 0
        assert truth.unknown == {"1.00": 1, "  a ": 1}

    def test_keep_their_case_unless_they_are_truth_values(self) -> None:
        cells = pd.Series(["setosa", "Setosa", "NA", "-"])
        truth = read_target_cells(cells, classes("-", "NA", "Setosa"))
        assert truth.unknown == {"setosa": 1}
        assert truth.values[1:].tolist() == [2.0, 1.0, 0.0]

    def test_that_the_model_never_saw_are_counted_and_blank_ones_are_not(self) -> None:
        cells = pd.Series(["a", "c", "c", "", "  ", None, "d"], dtype=object)
        truth = read_target_cells(cells, classes("a", "b"))
        assert truth.unknown == {"c": 2, "d": 1}
        assert np.isnan(truth.values[1:]).all()


class TestNumbers:
    @pytest.mark.parametrize(
        ("cells", "values"),
        [
            (["$1,234", "12%"], [1234.0, 12.0]),
            ([" 5 ", "1e3"], [5.0, 1000.0]),
            ([1, 2], [1.0, 2.0]),
            (pd.array([1, None], "Int64"), [1.0, np.nan]),
            (pd.Categorical(["1", "2"]), [1.0, 2.0]),
            (["1.234,5", "0,25"], [1234.5, 0.25]),
            (["NA", "3"], [np.nan, 3.0]),
            (pd.to_timedelta([60, 90], unit="s"), [60.0, 90.0]),
            ([np.inf, 1.0], [np.nan, 1.0]),
        ],
    )
    def test_are_read_as_at_fit(self, cells: Any, values: list[float]) -> None:
        assert np.array_equal(numbers(cells), values, equal_nan=True)

    def test_have_the_decimal_sign_of_the_fit_where_both_can_be_read(self) -> None:
        assert numbers(["1.234", "950"], comma=True) == [1234.0, 950.0]
        assert numbers(["1,234", "950"]) == [1234.0, 950.0]

    def test_have_the_other_decimal_sign_where_only_it_can_be_read(self) -> None:
        assert numbers(["12.5", "1234.25"], comma=True) == [12.5, 1234.25]
        assert numbers(["12,5", "1.234,25"]) == [12.5, 1234.25]

    def test_that_cannot_be_read_are_counted(self) -> None:
        task = Task("regression", "y", "rmse")
        truth = read_target_cells(pd.Series(["3", "x", "x"]), task)
        assert truth.unknown == {"x": 2}
