"""Columns of 200 rows and helpers that tests of spellings share."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pandas as pd

from automl.cleaning import Cleaned, Cleaner, CleanOptions, clean
from automl.columns import Categories, Numbers
from automl.table import from_frame

N = 200
_RNG = np.random.default_rng(0)
AMOUNTS = _RNG.uniform(100, 90_000, N).round(2)
SIGNED = _RNG.normal(0, 300, N).round(2)
NOISE = _RNG.integers(0, 2, N)
SECONDS = _RNG.integers(1, 36_000, N)
MOMENTS = pd.Series(pd.date_range("2021-01-01 10:06:00", periods=N, freq="31h7min"))

Spell = Callable[[float], str]


def cleaned(
    words: object, y: object = None, options: CleanOptions | None = None, name: str = "x"
) -> Cleaned:
    """Clean a table of a plain column and this one; without y, the target is noise."""
    table = from_frame(pd.DataFrame({"plain": SIGNED[::-1], name: words}))
    return clean(table, NOISE if y is None else y, options)


def cleaned_again(words: list[str]) -> Cleaned:
    """Clean a column that repeats a few words."""
    return cleaned(np.resize(words, N))


def kind(words: list[str]) -> str:
    """Return the kind of a column that repeats a few words."""
    return cleaned_again(words).columns["x"].kind


def replaced(texts: Iterable[object], is_word: np.ndarray, word: str) -> list[str]:
    """Return texts, with a word in the place of some."""
    pairs = zip(texts, is_word, strict=True)
    return [word if hidden else str(text) for text, hidden in pairs]


def values(result: Cleaned, name: str = "x") -> list[float]:
    """Return the values of a column of numbers."""
    column = result.columns[name]
    assert isinstance(column, Numbers)
    return column.values.tolist()


def categories(result: Cleaned, name: str) -> Categories:
    """Return a column of categories."""
    column = result.columns[name]
    assert isinstance(column, Categories)
    return column


def at_predict(
    cleaner: Cleaner, words: list[object], name: str = "x", part: str = ""
) -> list[float]:
    """Return the numbers that a Cleaner makes of words."""
    table = from_frame({"plain": [0.0] * len(words), name: words})
    column = cleaner.transform(table).columns[name + part]
    assert isinstance(column, Numbers)
    return column.values.tolist()
