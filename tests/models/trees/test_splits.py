"""Splits that decide alike share a condition, and sets of categories are bits."""

from __future__ import annotations

import numpy as np
import pytest

from automl.models.trees.splits import (
    NO_SET,
    Splits,
    bits_of,
    infinite_where_largest,
    just_below,
    round_down,
)

LARGEST = np.finfo(np.float32).max


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("categories", [[], [0], [6], [7], [0, 3, 200], [3, 3]])
def test_bits_say_which_categories_are_in_a_set(categories: list[int], missing: bool) -> None:
    packed = bits_of(np.array(categories, np.int64), missing=missing)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    assert bits[0] == missing
    assert set(np.flatnonzero(bits[1:]).tolist()) == set(categories)
    assert len(packed) == (max(categories, default=-1) + 2 + 7) // 8


def test_equal_splits_by_number_share_a_condition() -> None:
    splits = Splits.by_number(
        column=np.array([1, 0, 1, 1, 1]),
        threshold=np.array([0.0, 0.0, -0.0, 2.0, 0.0], np.float32),
        missing_left=np.array([False, False, False, False, True]),
    )
    conditions, condition = splits.conditions()
    conditions.check(columns=2)
    assert conditions.n_numeric == 4
    assert conditions.n_sets == 0
    assert condition[0] == condition[2]
    assert len(set(condition.tolist())) == 4
    assert conditions.column[condition].tolist() == [1, 0, 1, 1, 1]
    assert conditions.threshold[condition].tolist() == [0.0, 0.0, 0.0, 2.0, 0.0]
    assert conditions.missing_left[condition].tolist() == [0, 0, 0, 0, 1]


def test_thresholds_keep_their_bits() -> None:
    threshold = np.array([-np.inf, np.inf, LARGEST, -LARGEST, 1e-45, -1e-45], np.float32)
    column = np.array([0, 2**24 - 1, 5, 6, 7, 8])
    splits = Splits.by_number(column, threshold, np.zeros(6, bool))
    conditions, condition = splits.conditions()
    np.testing.assert_array_equal(conditions.threshold[condition], threshold)
    np.testing.assert_array_equal(conditions.column[condition], column)


def test_equal_sets_of_a_column_share_a_condition() -> None:
    splits = Splits(
        column=np.array([3, 3, 0, 3, 4, 3]),
        threshold=np.array([9.0, 9.0, 1.5, 9.0, 9.0, 9.0], np.float32),
        missing_left=np.array([False, False, False, True, False, False]),
        chosen_set=np.array([0, 1, NO_SET, 0, 0, 2]),
        sets=[np.array([1, 4]), np.array([4, 1]), np.array([], np.int64)],
    )
    conditions, condition = splits.conditions()
    conditions.check(columns=5)
    assert condition.tolist() == [1, 1, 0, 2, 3, 4]
    assert conditions.column.tolist() == [0, 3, 3, 4, 3]
    assert conditions.set_bits.tolist() == [0b100100, 0b100101, 0b100100, 0]
    assert conditions.set_offsets.tolist() == [0, 1, 2, 3, 4]


def test_thresholds_are_rounded_to_decide_alike() -> None:
    exact = np.array([0.1, 0.5, 1e300, -1e300, 1 + 2.0**-40])
    rounded = round_down(exact)
    assert (rounded <= exact).all()
    with np.errstate(over="ignore"):
        above = np.nextafter(rounded, np.float32(np.inf))
    assert (above > exact).all()
    assert rounded[1] == 0.5
    assert (just_below(rounded) < rounded)[:3].all()


def test_an_infinite_number_goes_where_the_largest_goes() -> None:
    threshold = np.array([LARGEST, 1.0, -LARGEST], np.float32)
    assert infinite_where_largest(threshold).tolist() == [np.inf, 1.0, -LARGEST]
