"""The column that a rule reads from cells, and how many cells it could not read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats
from automl.cleaning import dates
from automl.cleaning.cells import MISSING_WORDS_AMONG_NUMBERS, Spelled, Typed
from automl.columns import Column, Numbers


@dataclass(frozen=True)
class ReadColumn:
    """A column that was read by a rule, with counts of its cells.

    Parameters
    ----------
    column : Column
    n_present : int
        Cells that were not missing.
    n_unreadable : int
        Cells that the rule could not read.
    n_unseen : int
        Cells with a category that was not there at fit.
    further_columns : tuple of Column
        Further columns, of rules that make several.
    """

    column: Column
    n_present: int
    n_unreadable: int = 0
    n_unseen: int = 0
    further_columns: tuple[Column, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that were read."""
        return (self.column, *self.further_columns)


def read_words(
    cells: Spelled,
    table: Floats,
    strays: tuple[str, ...] = (),
    kind: str = "number",
) -> ReadColumn:
    """Return the column of words that were read as numbers."""
    values = cells.per_row(table)
    column = Numbers(values, kind)
    counts = count_unreadable(cells, table, strays)
    return ReadColumn(column, *counts)


def read_typed(cells: Typed, sentinels: Sequence[float] = ()) -> ReadColumn:
    """Return the column of numbers, durations or flags that had a type; dates are unreadable."""
    present = count_known(cells.values)
    if cells.kind == "date":
        nothing = np.full_like(cells.values, np.nan)
        return ReadColumn(Numbers(nothing), present, n_unreadable=present)
    column = without_sentinels(cells.values, sentinels)
    return ReadColumn(column, present)


def without_sentinels(values: Floats, sentinels: Sequence[float]) -> Numbers:
    """Return a column in which these values are missing."""
    if not sentinels:
        return Numbers(values)
    is_sentinel = np.isin(values, sentinels)
    present = np.where(is_sentinel, np.nan, values)
    return Numbers(present)


def count_known_codes(codes: npt.NDArray[np.integer[Any]]) -> int:
    """Count the codes that are not negative."""
    is_known = codes >= 0
    return int(is_known.sum())


class CellCounts(NamedTuple):
    """How many cells are not missing, and how many of those could not be read."""

    present: int
    unreadable: int


def count_unreadable(
    cells: Spelled,
    table: Floats,
    strays: Sequence[str] = (),
) -> CellCounts:
    """Count the cells of words that were read as numbers.

    Parameters
    ----------
    cells : Spelled
    table : ndarray of shape (n_words,), float64
        The number that was read of each word, or NaN.
    strays : sequence of str
        Words that were no numbers at fit; they count as missing.
    """
    known = set(strays)
    is_nan = np.isnan(table)
    is_missing = np.zeros_like(is_nan)
    for index in np.flatnonzero(is_nan):
        word = cells.words[index]
        is_stray = word in known
        is_missing[index] = is_stray or _is_missing(word)
    counts = cells.counts()
    n_present = counts[~is_missing].sum()
    n_unreadable = counts[is_nan & ~is_missing].sum()
    return CellCounts(int(n_present), int(n_unreadable))


def _is_missing(word: str) -> bool:
    folded = word.casefold()
    if folded in MISSING_WORDS_AMONG_NUMBERS:
        return True
    return dates.is_zero_date(word)


def count_known(values: Floats) -> int:
    """Count the values that are not NaN."""
    is_known = ~np.isnan(values)
    return int(is_known.sum())
