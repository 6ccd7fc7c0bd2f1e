"""Columns that give the target away alone are found; strong features and keys are not leaks."""

from __future__ import annotations

import numpy as np
import pytest

from automl.cleaning.leaks import find_leaks
from automl.columns import Categories, Column, Columns, Numbers, Texts

N_ROWS = 600
RNG = np.random.default_rng(0)
X = RNG.normal(size=N_ROWS)
CLASSES = (X + RNG.normal(size=N_ROWS) > 0).astype(float)
VALUES = np.exp(X + 0.5 * RNG.normal(size=N_ROWS))

LEAK_BY_VALUES = [("suspect", "values")]
LEAK_BY_CELLS = [("suspect", "cells")]


def leaks(column: Column, y: np.ndarray, *, is_regression: bool) -> list[tuple[str, str]]:
    """Return the names and kinds of leaks in a table of a column and one of noise."""
    noise = Numbers(RNG.normal(size=N_ROWS))
    columns = Columns({"suspect": column, "x": noise}, N_ROWS)
    found = find_leaks(columns, y, is_regression)
    return [(leak.column, leak.kind) for leak in found]


def class_leaks(column: Column, y: np.ndarray = CLASSES) -> list[tuple[str, str]]:
    return leaks(column, y, is_regression=False)


def value_leaks(column: Column, y: np.ndarray = VALUES) -> list[tuple[str, str]]:
    return leaks(column, y, is_regression=True)


def words(codes: np.ndarray, *levels: str) -> Categories:
    return Categories(codes.astype(np.int32), levels)


def test_a_copy_with_other_words_is_found() -> None:
    assert class_leaks(words(1 - CLASSES, "settled", "open")) == LEAK_BY_VALUES


def test_several_words_for_each_class_are_found() -> None:
    codes = CLASSES * 3 + np.arange(N_ROWS) % 3
    assert class_leaks(words(codes, *"abcdef")) == LEAK_BY_VALUES


def test_a_few_errors_hide_no_leak() -> None:
    is_wrong = RNG.random(N_ROWS) < 0.02
    flipped = np.where(is_wrong, 1 - CLASSES, CLASSES)
    assert class_leaks(words(flipped, "open", "settled")) == LEAK_BY_VALUES


def test_an_amount_that_only_one_class_has_is_found() -> None:
    amount = RNG.uniform(50, 400, N_ROWS).round(2)
    paid = np.where(CLASSES == 1, amount, 0.0)
    assert class_leaks(Numbers(paid)) == LEAK_BY_VALUES


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_column_filled_for_one_class_alone_is_found(share: float) -> None:
    has_ended = (CLASSES == 1) & (RNG.random(N_ROWS) < share)
    days = 1e9 + 86_400 * np.arange(N_ROWS)
    ended = np.where(has_ended, days, np.nan)
    ((name, _),) = class_leaks(Numbers(ended, "date"))
    assert name == "suspect"


def test_a_text_that_only_one_class_has_is_found() -> None:
    reasons = [f"reason number {row} for it" if label else "" for row, label in enumerate(CLASSES)]
    assert class_leaks(Texts.of(reasons)) == LEAK_BY_CELLS


@pytest.mark.parametrize(
    "copy",
    [
        1.13 * VALUES + 40,
        np.log(VALUES),
        -VALUES,
        VALUES.round(1),
        VALUES * (1 + 0.01 * RNG.normal(size=N_ROWS)),
    ],
    ids=["affine", "monotone", "negative", "rounded", "with noise"],
)
def test_a_copy_of_a_number_is_found(copy: np.ndarray) -> None:
    assert value_leaks(Numbers(copy)) == LEAK_BY_VALUES


def test_a_strong_feature_is_no_leak() -> None:
    noise = RNG.normal(size=N_ROWS)
    assert class_leaks(Numbers(X + 0.2 * noise)) == []
    noise = RNG.normal(size=N_ROWS)
    assert value_leaks(Numbers(VALUES + 0.4 * noise)) == []


def test_a_number_whose_threshold_defines_the_target_is_no_leak() -> None:
    uniform = RNG.uniform(size=N_ROWS)
    above_half = (uniform > 0.5).astype(float)
    positive = (X > 0).astype(float)
    assert class_leaks(Numbers(uniform), above_half) == []
    assert class_leaks(Numbers(X), positive) == []


def test_two_levels_that_lie_apart_are_found() -> None:
    high = RNG.normal(100, 8, N_ROWS)
    low = RNG.normal(40, 8, N_ROWS)
    fee = np.where(CLASSES == 1, high, low)
    assert class_leaks(Numbers(fee)) == LEAK_BY_VALUES


def test_a_key_of_entities_with_constant_targets_is_no_leak() -> None:
    patient = np.arange(N_ROWS) // 8
    n_patients = N_ROWS // 8 + 1
    labels = RNG.integers(0, 2, n_patients)[patient].astype(float)
    names = map(str, range(n_patients))
    assert class_leaks(words(patient, *names), labels) == []
    level = RNG.normal(size=n_patients)[patient] + 0.01 * RNG.normal(size=N_ROWS)
    assert value_leaks(Numbers(1000.0 + 37 * patient), level) == []


def test_cells_that_are_missing_at_random_are_no_leak() -> None:
    is_missing = RNG.random(N_ROWS) < 0.4
    holes = np.where(is_missing, np.nan, RNG.normal(size=N_ROWS))
    assert class_leaks(Numbers(holes)) == []
    assert value_leaks(Numbers(holes)) == []


def test_a_shuffled_target_has_no_leak() -> None:
    columns = Columns({"status": words(CLASSES, "a", "b"), "x": Numbers(X)}, N_ROWS)
    shuffled = RNG.permutation(CLASSES)
    assert find_leaks(columns, shuffled, is_regression=False) == ()
