"""The raw target: its distinct labels, the type that they had, and which row has which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from automl.arrays import Floats
from automl.cleaning import numbers
from automl.cleaning.cells import (
    MISSING_WORDS,
    Cells,
    Codes,
    Spelled,
    Typed,
    read_cells,
    spell_number,
)
from automl.cleaning.decimals import UNKNOWN, DecimalSign, weigh_words
from automl.errors import InputError

Dtype = Literal["text", "int", "float", "bool"]


@dataclass(frozen=True)
class RawTarget:
    """A target by its distinct labels: row i has `labels[codes[i]]`, -1 is missing.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int64
    labels : tuple of str
    dtype : {"text", "int", "float", "bool"}
        The type that the labels had.
    values : ndarray of shape (n_labels,), float64, or None
        The labels as numbers; None if they are text.
    name : str
    where : str
        The table and the column, for messages.
    sign : DecimalSign
        The decimal sign of the table's file.
    """

    codes: Codes
    labels: tuple[str, ...]
    dtype: Dtype
    values: Floats | None
    name: str = ""
    where: str = ""
    sign: DecimalSign = UNKNOWN

    @property
    def has_comma(self) -> bool:
        """Whether the labels are text whose decimal sign is the comma."""
        if self.values is not None:
            return False
        words = [label.strip() for label in self.labels]
        return self.sign.is_comma_in(weigh_words(words))

    def count_rows(self) -> Codes:
        """Return the number of rows with each label."""
        present = self.codes[self.codes >= 0]
        return np.bincount(present, minlength=len(self.labels))

    def keep(self, kept: Codes) -> RawTarget:
        """Return the target with the labels of these codes; rows with others are missing."""
        n_labels = len(self.labels)
        new_codes = np.full(n_labels + 1, -1, np.int64)
        new_codes[kept] = np.arange(len(kept))
        labels = [self.labels[code] for code in kept]
        values = self.values
        if values is not None:
            values = values[kept]
        return replace(
            self,
            codes=new_codes[self.codes],
            labels=tuple(labels),
            values=values,
        )

    def parse(self, words: Sequence[str]) -> Floats:
        """Read words as numbers with the decimal sign that they show; NaN where they are none."""
        comma = self.sign.is_comma_in(weigh_words(words))
        return numbers.parse(words, comma=comma).values

    def label_values(self) -> Floats:
        """Return the labels as numbers; missing words are NaN.

        Raises
        ------
        InputError
            If another label is not a number.
        """
        if self.values is not None:
            return self.values
        present: list[int] = []
        for code, label in enumerate(self.labels):
            if not is_missing_label(label):
                present.append(code)
        words = [self.labels[code] for code in present]
        parsed = self.parse(words)
        is_unread = np.isnan(parsed)
        if is_unread.any():
            bad = np.array(present)[is_unread]
            raise InputError(self._unreadable_text(bad))
        values = np.full(len(self.labels), np.nan)
        values[present] = parsed
        return values

    def _unreadable_text(self, bad: Codes) -> str:
        is_bad = np.isin(self.codes, bad)
        rows = np.flatnonzero(is_bad)
        first = self.codes[rows[0]]
        word = self.labels[first]
        problem = "infinite" if numbers.is_infinite(word) else "not a number"
        more = ""
        if len(rows) > 1:
            more = f" ({len(rows)} such rows)"
        return (
            f"{self.where}: {word[:60]!r} in row {rows[0] + 1} is {problem}{more}. "
            "For classes, give --task binary or multiclass."
        )


def read_raw_target(series: pd.Series[Any], name: str, where: str, sign: DecimalSign) -> RawTarget:
    """Return the labels of a raw column.

    Raises
    ------
    InputError
        If there are no labels, or they are dates or infinite.
    """
    if len(series) == 0 or _is_all_missing(read_cells(series)):
        raise InputError(f"{where} has no value at all")
    if isinstance(series.dtype, pd.CategoricalDtype):
        dtype = series.cat.categories.dtype
        if series.isna().any():
            dtype = np.dtype(object)
        series = series.astype(dtype)
    cells = read_cells(series)
    if isinstance(cells, Typed):
        target = _typed_target(cells, where)
    else:
        target = _text_target(cells)
    return replace(
        target,
        name=name,
        where=where,
        sign=sign,
    )


def _is_all_missing(cells: Cells) -> bool:
    if isinstance(cells, Typed):
        return bool(np.isnan(cells.values).all())
    codes = np.unique(cells.codes)
    words = cells.words[codes[codes >= 0]]
    return not any(map(str.strip, words))


def is_missing_label(label: str) -> bool:
    """Return whether the label of a quantity stands for a missing value."""
    return label.strip().casefold() in MISSING_WORDS


def _typed_target(cells: Typed, where: str) -> RawTarget:
    if cells.kind == "date":
        raise InputError(f"{where} holds dates; give numbers or classes")
    is_infinite = np.isinf(cells.values)
    if is_infinite.any():
        row = int(np.argmax(is_infinite)) + 1
        raise InputError(
            f"{where} is infinite in row {row}: Input y contains infinity or a value too large "
            "for dtype('float64')."
        )
    is_missing = np.isnan(cells.values)
    values = np.unique(cells.values[~is_missing])
    codes = np.searchsorted(values, cells.values)
    codes[is_missing] = -1
    dtype = _dtype(cells)
    labels = [_spell_label(value, dtype) for value in values.tolist()]
    return RawTarget(codes, tuple(labels), dtype, values)


def _dtype(cells: Typed) -> Dtype:
    if cells.kind == "flag":
        return "bool"
    return "int" if cells.is_integer else "float"


def _spell_label(value: float, dtype: Dtype) -> str:
    if dtype == "bool":
        return str(bool(value))
    if dtype == "int":
        return spell_number(value)
    return repr(value)


def _text_target(cells: Spelled) -> RawTarget:
    """Return labels exactly as they are written; only blank ones are missing."""
    words = cells.words.tolist()
    labels = sorted(word for word in words if word.strip())
    code_of = {label: code for code, label in enumerate(labels)}
    mapping = [code_of.get(word, -1) for word in words]
    mapping.append(-1)
    codes = np.array(mapping, np.int64)[cells.codes]
    target = RawTarget(codes, tuple(labels), "text", None)
    present = np.flatnonzero(target.count_rows())
    if len(present) < len(labels):  # a categorical has empty levels
        return target.keep(present)
    return target
