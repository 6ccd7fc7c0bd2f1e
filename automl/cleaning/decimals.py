"""The decimal sign: a point or a comma, told from all columns of a file and its separator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from automl.cleaning import numbers
from automl.cleaning.cells import Cells, Spelled, read_cells
from automl.errors import UnsafeModel
from automl.state import State
from automl.table import Table

_FEW, _LOOKED_AT = 60, 5_000  # words of a column, where few tell clearly and where they don't
_LONGEST = 100  # characters of a number
_CLEARLY = 20  # words, all of one sign
_ROWS, _COLUMNS = 300, 500  # that are looked at for the sign of a file
_READABLE = 0.5  # of a column's words are numbers, or they say nothing of decimal signs
EITHER = re.compile(r"[^\d,.]*[1-9]\d{0,2}[.,]\d{3}[^\d,.]*")  # 1.234 has two readings


@dataclass(frozen=True)
class Evidence:
    """What the words of a column say of its decimal sign.

    Parameters
    ----------
    point, comma : int
        Words that are numbers with this decimal sign only.
    either : tuple of str
        Words with two readings, such as 1.234.
    small, large : int
        Whole numbers without any sign, below and from 1 000.
    """

    point: int = 0
    comma: int = 0
    either: tuple[str, ...] = ()
    small: int = 0
    large: int = 0

    @property
    def sign(self) -> bool | None:
        """Whether the comma is the decimal sign; None if no word tells."""
        return None if self.point == self.comma else self.comma > self.point

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
    sure : bool
        Whether some column shows it; otherwise it is a guess from the separator.
    separator : str or None
        What separates the file's fields; None for what is no delimited text.
    """

    comma: bool = False
    sure: bool = False
    separator: str | None = None

    def of(self, found: Evidence) -> bool:
        """Whether the comma is the decimal sign of a column of this file.

        >>> guess = DecimalSign(separator=";")
        >>> guess.of(weigh(["6,218", "4,107"])), guess.of(weigh(["950", "1,234"]))
        (True, False)
        >>> DecimalSign(comma=True, sure=True).of(weigh(["950", "1.234"]))
        True
        """
        if found.sign is not None:
            return found.sign
        if not found.either or self.sure or self.separator in (None, ","):
            return self.comma
        has_comma = sum("," in word for word in found.either) > len(found.either) / 2
        if found.grouped:
            return not has_comma
        return has_comma and self.separator == ";"

    def to_state(self) -> State:
        """Return plain values."""
        return {"comma": self.comma, "sure": self.sure, "separator": self.separator}

    @classmethod
    def from_state(cls, state: Any) -> DecimalSign:
        """Return the sign that `to_state` wrote."""
        fits = isinstance(state, dict) and state.keys() == {"comma", "sure", "separator"}
        if not fits or type(state["comma"]) is not bool or type(state["sure"]) is not bool:
            raise UnsafeModel(
                "the model file's cleaner holds no decimal sign where one is expected"
            )
        if not isinstance(state["separator"], str | None):
            raise UnsafeModel("the model file's cleaner holds no separator where one is expected")
        return cls(state["comma"], state["sure"], state["separator"])


UNKNOWN = DecimalSign()  # a point, where nothing is known of a file


def weigh(words: Sequence[str]) -> Evidence:
    """Return what words of a column say of its decimal sign.

    >>> weigh(["12,5", "0,902", "6,218", "7"])
    Evidence(point=0, comma=2, either=('6,218',), small=1, large=0)
    >>> weigh(["1.2.3", "x,y"])
    Evidence(point=0, comma=0, either=(), small=0, large=0)
    """
    few = _weigh(words[:: max(1, len(words) // _FEW)])
    if len(words) <= _FEW or _CLEARLY <= max(few.point, few.comma) == few.point + few.comma:
        return few
    return _weigh(words[:: max(1, len(words) // _LOOKED_AT)])


def _weigh(words: Sequence[str]) -> Evidence:
    text = "".join(words)
    if "," not in text and "." not in text:
        return Evidence()
    signed = [word for word in words if ("," in word or "." in word) and len(word) <= _LONGEST]
    either = [word for word in signed if EITHER.fullmatch(word)]
    rest = [word for word in signed if not EITHER.fullmatch(word)] if either else signed
    point = _readable(rest, comma=False)
    comma = 0 if point == len(rest) else _readable(rest, comma=True)
    if max(point, comma) < _READABLE * len(rest):
        return Evidence()
    bare = [word for word in words if word.isdecimal()]
    small = sum(len(word) < 4 for word in bare)
    return Evidence(point, comma, tuple(either), small, len(bare) - small)


def _readable(words: Sequence[str], *, comma: bool) -> int:
    return int(numbers.parse(words, comma=comma, marks=True).readable.sum())


def weigh_cells(cells: Cells) -> Evidence:
    """Return what a column says of its decimal sign: nothing, if it has a type."""
    if not isinstance(cells, Spelled) or cells.fixed:
        return Evidence()
    return weigh(cells.words.tolist())


def decimal_sign(evidence: Iterable[Evidence], separator: str | None) -> DecimalSign:
    r"""Return the decimal sign of a file, by what most of its columns show.

    >>> decimal_sign([weigh(["6,218"]), weigh(["0,902"])], "\t")
    DecimalSign(comma=True, sure=True, separator='\t')
    """
    signs = [found.sign for found in evidence]
    commas, points = signs.count(True), signs.count(False)
    comma = commas > points or (commas == points > 0 and separator == ";")
    return DecimalSign(comma, commas + points > 0, separator)


def sign_of_file(table: Table) -> DecimalSign:
    """Return the decimal sign that a sample of a file's columns and its separator show."""
    separator = table.form.separator if table.form is not None else None
    series = [*table.columns.values()][:: -(-len(table.columns) // _COLUMNS) or 1]
    step = -(-table.n_rows // _ROWS) or 1
    return decimal_sign((weigh_cells(read_cells(one.iloc[::step])) for one in series), separator)
