"""The target's cells in another table, read as at fit: codes of its labels, or values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Floats
from automl.cleaning import numbers
from automl.cleaning.cells import Spelled, Typed, as_words, normalize_cells, read_cells
from automl.cleaning.decimals import sign_of_file, weigh_cells
from automl.cleaning.kinds.flag import FALSE_WORDS, TRUE_WORDS
from automl.table import Table, TableColumn
from automl.task import Task

AMBIGUOUS = -1
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d{1,2}")  # three digits may be thousands


@dataclass(frozen=True)
class TargetCells:
    """A target as a model knows it.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
        Class codes or numbers. NaN where the cell is missing, or unknown to the model.
    unknown : mapping of str to int
        Cells that are no label of the model, or no number, with the number of their rows.
    """

    values: Floats
    unknown: Mapping[str, int]


def read_target_cells(
    column: TableColumn,
    task: Task,
    *,
    comma: bool | None = None,
) -> TargetCells:
    """Read the target's cells as they were read at fit.

    A cell that is exactly a label is that label. Any other may be a label with blanks around it,
    the same number, or the same truth value, if only one label is possible.

    Parameters
    ----------
    column : TextColumn or pandas.Series
    task : Task
    comma : bool, optional
        Whether this table writes its decimals with a comma, if that is known; otherwise the cells
        decide.

    Examples
    --------
    >>> from automl.table import TextColumn
    >>> task = Task("binary", "y", "f1", ("0", "1"))
    >>> truth = read_target_cells(TextColumn.of(["1.0", " 0", "", "7"]), task)
    >>> truth.values.tolist(), truth.unknown
    ([1.0, 0.0, nan, nan], {'7': 1})
    """
    cells = read_cells(column)
    if not task.is_regression:
        words = as_words(cells)
        return _read_labels(words, task.labels)
    if isinstance(cells, Typed) and cells.kind != "date":
        values = cells.values.copy()
        is_infinite = np.isinf(values)
        values[is_infinite] = np.nan
        return TargetCells(values, {})
    words = as_words(normalize_cells(cells))
    if comma is None:
        comma = task.comma
    return _read_numbers(words, comma)


def has_decimal_comma(table: Table, task: Task) -> bool | None:
    """Return whether a table writes its target's decimals with a comma; None if nothing shows it.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> task = Task("regression", "y", "rmse")
    >>> has_decimal_comma(from_frame({"y": ["6,218", "0,902"]}), task)
    True
    >>> print(has_decimal_comma(from_frame({"y": ["6,218"]}), task))
    None
    """
    column = table.columns[task.target]
    cells = read_cells(column)
    evidence = weigh_cells(normalize_cells(cells))
    if evidence.sign is not None:
        return evidence.sign
    file_sign = sign_of_file(table)
    if file_sign.is_certain or file_sign.separator == ";":
        return file_sign.is_comma_in(evidence)
    return None


def _read_labels(cells: Spelled, labels: tuple[str, ...]) -> TargetCells:
    spellings = _Spellings.of(labels)
    codes = []
    unknown = []
    for word in cells.words.tolist():
        code = spellings.code(word)
        is_label = code >= 0
        codes.append(code if is_label else np.nan)
        is_blank = not word.strip()
        unknown.append(not (is_label or is_blank))
    table = np.array(codes, np.float64)
    values = cells.per_row(table)
    counts = _row_counts(cells, unknown)
    return TargetCells(values, counts)


def _read_numbers(cells: Spelled, comma: bool) -> TargetCells:
    """Read numbers with this decimal sign, or with the other if more can be read with it."""
    words = cells.words.tolist()
    parsed = numbers.parse(words, comma=comma)
    n_readable = parsed.readable.sum()
    other = numbers.parse(words, comma=not comma)
    if other.readable.sum() > n_readable:
        parsed = other
    values = cells.per_row(parsed.values)
    unknown = _row_counts(cells, ~parsed.readable)
    return TargetCells(values, unknown)


def _row_counts(cells: Spelled, is_chosen: Iterable[Any]) -> dict[str, int]:
    """Return how many rows hold each of the chosen words."""
    counts = cells.counts().tolist()
    rows = zip(cells.words, counts, is_chosen, strict=True)
    return {word: count for word, count, chosen in rows if chosen and count}


@dataclass(frozen=True)
class _Spellings:
    """The label's code of each spelling; `AMBIGUOUS` where several labels may be meant."""

    exact: Mapping[str, int]
    stripped: Mapping[str, int]
    numbers: Mapping[float, int]
    booleans: Mapping[bool, int]

    @classmethod
    def of(cls, labels: tuple[str, ...]) -> _Spellings:
        """Collect the spellings of labels, which are sorted by their codes."""
        booleans = list(map(_boolean, labels))
        names = sorted(map(str, booleans))
        if names != ["False", "True"]:
            booleans = []
        return cls(
            exact=_codes(labels),
            stripped=_codes(map(str.strip, labels)),
            numbers=_codes(map(_number, labels)),
            booleans=_codes(booleans),
        )

    def code(self, word: str) -> int:
        """Return the code of the label that a word means, or `AMBIGUOUS` if there is not one."""
        if word in self.exact:
            return self.exact[word]
        bare = word.strip()
        if bare in self.stripped:
            return self.stripped[bare]
        number = _number(bare)
        if number is not None and number in self.numbers:
            return self.numbers[number]
        boolean = _boolean(bare)
        if boolean is None:
            return AMBIGUOUS
        return self.booleans.get(boolean, AMBIGUOUS)


def _codes(meanings: Iterable[Any]) -> dict[Any, int]:
    """Return the code of each meaning that is not None."""
    codes: dict[Any, int] = {}
    for code, meaning in enumerate(meanings):
        if meaning is None:
            continue
        codes[meaning] = AMBIGUOUS if meaning in codes else code
    return codes


def _boolean(word: str) -> bool | None:
    folded = word.strip().casefold()
    if folded in TRUE_WORDS:
        return True
    if folded in FALSE_WORDS:
        return False
    return None


def _number(word: str) -> float | None:
    bare = word.strip()
    if _DECIMAL_COMMA.fullmatch(bare):
        word = word.replace(",", ".")
    try:
        value = float(word)
    except ValueError:
        return None
    if not np.isfinite(value) or "_" in word:
        return None
    return value
