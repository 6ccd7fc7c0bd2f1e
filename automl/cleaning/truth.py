"""A target's cells in another table, read as they were at fit: codes of its labels, or values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from automl.cleaning import numbers
from automl.cleaning.cells import Spelled, Typed, as_words, read_cells, tidy
from automl.cleaning.decimals import sign_of_file, weigh_cells
from automl.cleaning.rules import FALSE_WORDS, TRUE_WORDS
from automl.columns import Floats
from automl.table import Table
from automl.task import Task

AMBIGUOUS = -1
_COMMA_DECIMAL = re.compile(r"[-+]?\d+,\d{1,2}")  # three digits may be thousands


@dataclass(frozen=True)
class Truth:
    """A target as a model knows it.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
        Class codes or numbers. NaN where the cell is missing, or is nothing that the model knows.
    unknown : mapping of str to int
        Cells that are no label of the model, or no number, with the number of their rows.
    """

    values: Floats
    unknown: Mapping[str, int]


def read_truth(series: pd.Series[Any], task: Task, *, comma: bool | None = None) -> Truth:
    """Read the target's cells as they were read at fit.

    A cell that is exactly a label is that label.
    Any other one may be a label with blanks around it, the same number, or the same truth value, if that leaves no choice.

    Parameters
    ----------
    series : pandas.Series
    task : Task
    comma : bool, optional
        Whether this table writes its decimals with a comma, if that is known; otherwise, what the cells say.

    Examples
    --------
    >>> task = Task("binary", "y", "f1", ("0", "1"))
    >>> truth = read_truth(pd.Series(["1.0", " 0", "", "7"]), task)
    >>> truth.values.tolist(), truth.unknown
    ([1.0, 0.0, nan, nan], {'7': 1})
    """
    cells = read_cells(series)
    if not task.is_regression:
        return _read_labels(as_words(cells), task.labels)
    if isinstance(cells, Typed) and cells.form != "date":
        return Truth(np.where(np.isfinite(cells.values), cells.values, np.nan), {})
    return _read_numbers(as_words(tidy(cells)), task.comma if comma is None else comma)


def comma_of(table: Table, task: Task) -> bool | None:
    """Find out whether a table writes its target's decimals with a comma; None where nothing tells.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> task = Task("regression", "y", "rmse")
    >>> comma_of(from_frame({"y": ["6,218", "0,902"]}), task), comma_of(from_frame({"y": ["6,218"]}), task)
    (True, None)
    """
    sign = sign_of_file(table)
    found = weigh_cells(tidy(read_cells(table.columns[task.target])))
    if found.sign is not None:
        return found.sign
    return sign.of(found) if sign.sure or sign.separator == ";" else None


def _read_labels(cells: Spelled, labels: tuple[str, ...]) -> Truth:
    spellings = _Spellings.of(labels)
    words = cells.words.tolist()
    codes = np.array([spellings.code(word) for word in words], np.float64)
    unknown = [
        bool(word.strip()) and code < 0 for word, code in zip(words, codes.tolist(), strict=True)
    ]
    return Truth(cells.spread(np.where(codes < 0, np.nan, codes)), _counted(cells, unknown))


def _read_numbers(cells: Spelled, comma: bool) -> Truth:
    """Read numbers with this decimal sign, or with the other one if that reads more of them."""
    words = cells.words.tolist()
    expected, other = numbers.parse(words, comma=comma), numbers.parse(words, comma=not comma)
    found = other if other.readable.sum() > expected.readable.sum() else expected
    return Truth(cells.spread(found.values), _counted(cells, (~found.readable).tolist()))


def _counted(cells: Spelled, chosen: Iterable[bool]) -> dict[str, int]:
    """How many rows hold each of the chosen words."""
    counts = zip(cells.words.tolist(), cells.counts().tolist(), chosen, strict=True)
    return {word: count for word, count, is_chosen in counts if is_chosen and count}


@dataclass(frozen=True)
class _Spellings:
    """What other spellings of the labels stand for; `AMBIGUOUS` where more than one label is meant."""

    exact: Mapping[str, int]
    stripped: Mapping[str, int]
    numbers: Mapping[float, int]
    truths: Mapping[bool, int]

    @classmethod
    def of(cls, labels: tuple[str, ...]) -> _Spellings:
        """Collect the spellings of labels that stand in the order of their codes."""
        return cls(
            exact={label: code for code, label in enumerate(labels)},
            stripped=_by_meaning(label.strip() for label in labels),
            numbers=_by_meaning(map(_number, labels)),
            truths=_truths(labels),
        )

    def code(self, word: str) -> int:
        """Give the code of the label that a word stands for; below 0 if there is none, or more than one."""
        if word in self.exact:
            return self.exact[word]
        bare = word.strip()
        if bare in self.stripped:
            return self.stripped[bare]
        number, truth = _number(bare), _truth(bare)
        if number is not None and number in self.numbers:
            return self.numbers[number]
        return AMBIGUOUS if truth is None else self.truths.get(truth, AMBIGUOUS)


def _by_meaning(meanings: Iterable[Any]) -> dict[Any, int]:
    """The code of each meaning that is not None."""
    found: dict[Any, int] = {}
    for code, meaning in enumerate(meanings):
        if meaning is not None:
            found[meaning] = AMBIGUOUS if meaning in found else code
    return found


def _truths(labels: tuple[str, ...]) -> dict[bool, int]:
    """The codes of true and false, where the two labels are spellings of them."""
    meanings = [_truth(label) for label in labels]
    return _by_meaning(meanings) if sorted(map(str, meanings)) == ["False", "True"] else {}


def _truth(word: str) -> bool | None:
    folded = word.strip().casefold()
    if folded in TRUE_WORDS:
        return True
    return False if folded in FALSE_WORDS else None


def _number(word: str) -> float | None:
    if _COMMA_DECIMAL.fullmatch(word.strip()):
        word = word.replace(",", ".")
    try:
        value = float(word)
    except ValueError:
        return None
    return value if np.isfinite(value) and "_" not in word else None
