"""Columns that give the target away alone are found, and strong features and keys are not taken for such."""

from __future__ import annotations

import numpy as np
import pytest

from automl.cleaning.leaks import find_leaks
from automl.columns import Categories, Columns, Numbers, Texts

N = 600
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
CLASSES = (X + RNG.normal(size=N) > 0).astype(float)
VALUES = np.exp(X + 0.5 * RNG.normal(size=N))


def found(
    column: Numbers | Categories | Texts, y: np.ndarray, is_regression: bool
) -> list[tuple[str, str]]:
    columns = Columns({"suspect": column, "x": Numbers(RNG.normal(size=N))}, N)
    return [(leak.column, leak.kind) for leak in find_leaks(columns, y, is_regression)]


def words(codes: np.ndarray, *levels: str) -> Categories:
    return Categories(codes.astype(np.int32), levels)


def test_a_copy_under_other_words_is_found() -> None:
    assert found(words(1 - CLASSES, "settled", "open"), CLASSES, is_regression=False) == [
        ("suspect", "values")
    ]


def test_several_words_for_each_class_are_found() -> None:
    assert found(
        words(CLASSES * 3 + np.arange(N) % 3, *"abcdef"), CLASSES, is_regression=False
    ) == [("suspect", "values")]


def test_a_few_errors_hide_no_leak() -> None:
    flipped = np.where(RNG.random(N) < 0.02, 1 - CLASSES, CLASSES)
    assert found(words(flipped, "open", "settled"), CLASSES, is_regression=False) == [
        ("suspect", "values")
    ]


def test_an_amount_that_only_one_class_has_is_found() -> None:
    amount = np.where(CLASSES == 1, RNG.uniform(50, 400, N).round(2), 0.0)
    assert found(Numbers(amount), CLASSES, is_regression=False) == [("suspect", "values")]


@pytest.mark.parametrize("share", [1.0, 0.6])
def test_a_column_filled_for_one_class_alone_is_found(share: float) -> None:
    ended = np.where((CLASSES == 1) & (RNG.random(N) < share), 1e9 + 86_400 * np.arange(N), np.nan)
    assert found(Numbers(ended, "date"), CLASSES, is_regression=False)[0][0] == "suspect"


def test_a_text_that_one_class_alone_has_is_found() -> None:
    told = Texts.of(
        [f"reason number {row} for it" if label else "" for row, label in enumerate(CLASSES)]
    )
    assert found(told, CLASSES, is_regression=False) == [("suspect", "cells")]


@pytest.mark.parametrize(
    "copy",
    [
        1.13 * VALUES + 40,
        np.log(VALUES),
        -VALUES,
        VALUES.round(1),
        VALUES * (1 + 0.01 * RNG.normal(size=N)),
    ],
    ids=["affine", "monotone", "negative", "rounded", "with noise"],
)
def test_a_copy_of_a_number_is_found(copy: np.ndarray) -> None:
    assert found(Numbers(copy), VALUES, is_regression=True) == [("suspect", "values")]


def test_a_strong_feature_is_no_leak() -> None:
    assert found(Numbers(X + 0.2 * RNG.normal(size=N)), CLASSES, is_regression=False) == []
    assert found(Numbers(VALUES + 0.4 * RNG.normal(size=N)), VALUES, is_regression=True) == []


def test_a_target_that_is_cut_from_a_number_shows_no_leak() -> None:
    even = RNG.uniform(size=N)
    assert found(Numbers(even), (even > 0.5).astype(float), is_regression=False) == []
    assert found(Numbers(X), (X > 0).astype(float), is_regression=False) == []


def test_two_levels_that_lie_apart_are_found() -> None:
    fee = np.where(CLASSES == 1, RNG.normal(100, 8, N), RNG.normal(40, 8, N))
    assert found(Numbers(fee), CLASSES, is_regression=False) == [("suspect", "values")]


def test_a_key_of_entities_that_keep_their_target_is_no_leak() -> None:
    patient = np.arange(N) // 8
    kept = RNG.integers(0, 2, N // 8 + 1)[patient].astype(float)
    assert found(words(patient, *map(str, range(N // 8 + 1))), kept, is_regression=False) == []
    level = RNG.normal(size=N // 8 + 1)[patient] + 0.01 * RNG.normal(size=N)
    assert found(Numbers(1000.0 + 37 * patient), level, is_regression=True) == []


def test_cells_that_are_missing_at_random_are_no_leak() -> None:
    holes = np.where(RNG.random(N) < 0.4, np.nan, RNG.normal(size=N))
    assert found(Numbers(holes), CLASSES, is_regression=False) == []
    assert found(Numbers(holes), VALUES, is_regression=True) == []


def test_a_shuffled_target_has_no_leak() -> None:
    columns = Columns({"status": words(CLASSES, "a", "b"), "x": Numbers(X)}, N)
    assert find_leaks(columns, RNG.permutation(CLASSES), is_regression=False) == ()
