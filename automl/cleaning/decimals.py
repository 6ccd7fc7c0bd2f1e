"""Find the decimal sign, a point or a comma, from all columns of a file and its separator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.cleaning import numbers
from automl.cleaning.cells import Cells, Spelled, read_cells
from automl.errors import UnsafeModel
from automl.state import State
from automl.table import Table
from automl.table.column import take_rows

_FIRST_LOOK_WORDS = 60  # of a column; more are looked at only where these show no clear sign
_SECOND_LOOK_WORDS = 5_000
_MIN_CLEAR_WORDS = 20  # of the first look, all of one sign
_MAX_LENGTH = 100  # characters of a number
_SAMPLE_ROWS = 300  # of a file
_SAMPLE_COLUMNS = 500
_MIN_NUMBER_SHARE = 0.5  # of a column's words; with fewer numbers it shows no decimal sign
TWO_READINGS = re.compile(r"[^\d,.]*[1-9]\d{0,2}[.,]\d{3}[^\d,.]*")  # 1.234 has two readings


@dataclass(frozen=True)
class Evidence:
    """The evidence of a column's words for its decimal sign.

    Parameters
    ----------
    point, comma : int
        Number of words that are numbers with this decimal sign only.
    ambiguous : tuple of str
        Words with two readings, such as 1.234.
    small, large : int
        Number of whole numbers without any sign, below 1 000 and from there on.
    """

    point: int = 0
    comma: int = 0
    ambiguous: tuple[str, ...] = ()
    small: int = 0
    large: int = 0

    @property
    def sign(self) -> bool | None:
        """Whether the comma is the decimal sign; None if the words leave it open."""
        if self.point == self.comma:
            return None
        return self.comma > self.point

    @property
    def grouped(self) -> bool:
        """Whether words with two readings look like thousands: only smaller numbers lack a sign."""
        return self.small > 0 and self.large == 0


@dataclass(frozen=True)
class DecimalSign:
    """The decimal sign of a file.

    Parameters
    ----------
    comma : bool
        Whether it is the comma.
    is_certain : bool
        Whether some column shows it; otherwise it is a guess from the separator.
    separator : str or None
        The text between the file's fields; None if it is not a delimited text.
    """

    comma: bool = False
    is_certain: bool = False
    separator: str | None = None

    def is_comma_in(self, found: Evidence) -> bool:
        """Return whether the comma is the decimal sign of a column of this file.

        >>> guess = DecimalSign(separator=";")
        >>> guess.is_comma_in(weigh_words(["6,218", "4,107"]))
        True
        >>> guess.is_comma_in(weigh_words(["950", "1,234"]))
        False
        >>> DecimalSign(comma=True, is_certain=True).is_comma_in(weigh_words(["950", "1.234"]))
        True
        """
        if found.sign is not None:
            return found.sign
        if not found.ambiguous or self.is_certain:
            return self.comma
        if self.separator in (None, ","):
            return self.comma
        n_with_comma = sum("," in word for word in found.ambiguous)
        has_comma = n_with_comma > len(found.ambiguous) / 2
        if found.grouped:
            return not has_comma
        return has_comma and self.separator == ";"

    def to_state(self) -> State:
        """Return plain values."""
        return {
            "comma": self.comma,
            "sure": self.is_certain,
            "separator": self.separator,
        }

    @classmethod
    def from_state(cls, state: Any) -> DecimalSign:
        """Return the sign that `to_state` wrote."""
        if not isinstance(state, dict):
            raise _no_decimal_sign()
        if state.keys() != {"comma", "sure", "separator"}:
            raise _no_decimal_sign()
        comma = state["comma"]
        sure = state["sure"]
        separator = state["separator"]
        if type(comma) is not bool or type(sure) is not bool:
            raise _no_decimal_sign()
        if not isinstance(separator, str | None):
            raise UnsafeModel("the model file's cleaner holds no separator where one is expected")
        return cls(comma, sure, separator)


def _no_decimal_sign() -> UnsafeModel:
    return UnsafeModel("the model file's cleaner holds no decimal sign where one is expected")


UNKNOWN = DecimalSign()  # a point, where nothing is known of a file


def weigh_words(words: Sequence[str]) -> Evidence:
    """Return the evidence of a column's words for its decimal sign.

    >>> weigh_words(["12,5", "0,902", "6,218", "7"])
    Evidence(point=0, comma=2, ambiguous=('6,218',), small=1, large=0)
    >>> weigh_words(["1.2.3", "x,y"])
    Evidence(point=0, comma=0, ambiguous=(), small=0, large=0)
    """
    first = _weigh_sample(words, _FIRST_LOOK_WORDS)
    if len(words) <= _FIRST_LOOK_WORDS:
        return first
    n_signed = first.point + first.comma
    has_one_sign = max(first.point, first.comma) == n_signed
    if has_one_sign and n_signed >= _MIN_CLEAR_WORDS:
        return first
    return _weigh_sample(words, _SECOND_LOOK_WORDS)


def _weigh_sample(words: Sequence[str], size: int) -> Evidence:
    step = max(1, len(words) // size)
    words = words[::step]
    text = "".join(words)
    if "," not in text and "." not in text:
        return Evidence()
    either: list[str] = []
    certain: list[str] = []
    for word in words:
        has_sign = "," in word or "." in word
        if not has_sign or len(word) > _MAX_LENGTH:
            continue
        if TWO_READINGS.fullmatch(word):
            either.append(word)
        else:
            certain.append(word)
    point = _count_numbers(certain, comma=False)
    comma = 0
    if point < len(certain):
        comma = _count_numbers(certain, comma=True)
    if max(point, comma) < _MIN_NUMBER_SHARE * len(certain):
        return Evidence()
    whole = [word for word in words if word.isdecimal()]
    small = sum(len(word) < 4 for word in whole)
    large = len(whole) - small
    return Evidence(point, comma, tuple(either), small, large)


def _count_numbers(words: Sequence[str], *, comma: bool) -> int:
    parsed = numbers.parse(words, comma=comma, marks=True)
    return int(parsed.readable.sum())


def weigh_cells(cells: Cells) -> Evidence:
    """Return the evidence of a column for its decimal sign: none, if it has a type."""
    if not isinstance(cells, Spelled) or cells.is_categorical:
        return Evidence()
    return weigh_words(cells.words.tolist())


def decimal_sign(evidence: Iterable[Evidence], separator: str | None) -> DecimalSign:
    r"""Return the decimal sign of a file: the one that most of its columns show.

    >>> decimal_sign([weigh_words(["6,218"]), weigh_words(["0,902"])], "\t")
    DecimalSign(comma=True, is_certain=True, separator='\t')
    """
    signs = [found.sign for found in evidence]
    commas = signs.count(True)
    points = signs.count(False)
    is_tied = commas == points > 0
    comma = commas > points or (is_tied and separator == ";")
    sure = commas + points > 0
    return DecimalSign(comma, sure, separator)


def sign_of_file(table: Table) -> DecimalSign:
    """Return the decimal sign of a file, from a sample of its cells and its separator."""
    separator = None
    if table.form is not None:
        separator = table.form.separator
    column_step = -(-len(table.columns) // _SAMPLE_COLUMNS) or 1
    row_step = -(-table.n_rows // _SAMPLE_ROWS) or 1
    columns = [*table.columns.values()][::column_step]
    rows = np.arange(0, table.n_rows, row_step)
    cells = (read_cells(take_rows(column, rows)) for column in columns)
    return decimal_sign(map(weigh_cells, cells), separator)
