"""The decimal sign: a point or a comma, told from all columns of a file and its separator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.cleaning import numbers
from automl.cleaning.cells import Cells, Spelled, read_cells
from automl.columns import Floats
from automl.errors import InputError, UnsafeModel
from automl.state import State
from automl.table import Table

_FEW, _LOOKED_AT = 200, 5_000  # words of a column, where few tell clearly and where they don't
_CLEARLY = 20  # words, all of one sign
_ROWS, _COLUMNS = 1_000, 500  # that are looked at for the sign of a file
_READABLE = 0.5  # of a column's words are numbers, or they say nothing of decimal signs
_EITHER = re.compile(r"[^\d,.]*[1-9]\d{0,2}[.,]\d{3}[^\d,.]*")  # 1.234 has two readings
_SIGNED = re.compile(r"\d[.,]|[.,]\d")
_FAR = 1.0  # powers of ten; the two readings of a word lie three apart
_MOSTLY = 0.8  # of the words with two readings must agree on one
_QUANTILES = (0.01, 0.99)


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
        """Whether words with two readings look like thousands: whole numbers below 1 000 have no sign, all others do."""
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

        >>> DecimalSign(separator=";").of(weigh(["6,218", "4,107"])), DecimalSign(separator=";").of(weigh(["950", "1,234"]))
        (True, False)
        >>> DecimalSign(comma=True, sure=True).of(weigh(["950", "1.234"])), DecimalSign().of(weigh(["1,5"]))
        (True, True)
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
            raise UnsafeModel("the model file's cleaner holds no decimal sign where one is expected")
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
    signed = [word for word in words if _SIGNED.search(word)]
    either = [word for word in signed if _EITHER.fullmatch(word)]
    rest = [word for word in signed if not _EITHER.fullmatch(word)] if either else signed
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
    """Return the decimal sign that a file's columns and its separator show, by a sample of its rows and columns."""
    separator = table.form.separator if table.form is not None else None
    series = [*table.columns.values()][:: -(-len(table.columns) // _COLUMNS) or 1]
    step = -(-table.n_rows // _ROWS) or 1
    return decimal_sign((weigh_cells(read_cells(one.iloc[::step])) for one in series), separator)


# --- at predict ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Seen:
    """What fit knows of a column of numbers: its decimal sign, and between which sizes its values lay."""

    comma: bool
    sizes: tuple[float, float] | None


def sizes_of(values: Floats) -> tuple[float, float] | None:
    """Return the decimal logarithms between which nearly all values lie, zero aside.

    >>> sizes_of(np.array([0.0, 10.0, -1000.0, np.nan]))
    (1.02, 2.98)
    """
    present = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(present):
        return None
    low, high = np.quantile(np.log10(present), _QUANTILES)
    return round(float(low), 3), round(float(high), 3)


def signs_at_predict(
    found: Mapping[str, Evidence], seen: Mapping[str, Seen], fit: DecimalSign, separator: str | None, source: str
) -> dict[str, bool]:
    """Return whether the comma is the decimal sign of each column of a file that fit has not seen.

    The file's signs are those of fit, or all are swapped: columns that show their sign decide. If none does, the sizes of values
    at fit do, where one reading of a word is much farther from them than the other.

    Parameters
    ----------
    found : mapping of str to Evidence
        Of the columns of numbers.
    seen : mapping of str to Seen
        Of the same columns.
    fit : DecimalSign
    separator : str or None
        The file's.
    source : str
        The file's name for messages.

    Raises
    ------
    InputError
        If a word has two readings and nothing decides.
    """
    shown = {name: one.sign for name, one in found.items() if one.sign is not None}
    swapped = _swapped(shown, seen)
    sized = swapped is None
    if swapped is None:
        swapped = _swapped_by_size(found, seen)
    signs: dict[str, bool] = {}
    for name, one in found.items():
        if one.sign is not None or not one.either:
            signs[name] = seen[name].comma if one.sign is None else one.sign
            continue
        signs[name] = seen[name].comma != bool(swapped)
        word = one.either[0]
        undecided = swapped is None and _looks_swapped(word, seen[name].comma, fit, separator)
        if undecided or (not sized and _is_off(one.either, signs[name], seen[name])):
            raise InputError(_ambiguous(source, name, word))
    return signs


def _swapped(shown: Mapping[str, bool], seen: Mapping[str, Seen]) -> bool | None:
    other = sum(sign != seen[name].comma for name, sign in shown.items())
    same = len(shown) - other
    return None if other == same else other > same


def _swapped_by_size(found: Mapping[str, Evidence], seen: Mapping[str, Seen]) -> bool | None:
    votes = [
        vote != seen[name].comma for name, one in found.items() for word in one.either if (vote := _nearer(word, seen[name])) is not None
    ]
    if not votes or _MOSTLY > np.mean(votes) > 1 - _MOSTLY:
        return None
    return bool(np.mean(votes) >= _MOSTLY)


def _nearer(word: str, seen: Seen) -> bool | None:
    """Whether the reading with a decimal comma is much nearer to what fit saw; None if neither is."""
    comma, point = (_distance(_read(word, comma=comma), seen) for comma in (True, False))
    return None if abs(comma - point) < _FAR else comma < point


def _read(word: str, *, comma: bool) -> float:
    return float(numbers.parse([word], comma=comma, marks=True).values[0])


def _distance(value: float, seen: Seen) -> float:
    """How many powers of ten a value lies outside of what fit saw."""
    if seen.sizes is None or not value:
        return 0.0
    low, high = seen.sizes
    size = float(np.log10(abs(value)))
    return max(low - size, size - high, 0.0)


def _is_off(either: Sequence[str], comma: bool, seen: Seen) -> bool:
    """Whether words read as thousands lie far outside of what fit saw, where decimals would not."""
    thousands = [word for word in either if ("," in word) != comma]
    return bool(thousands) and all(_nearer(word, seen) == (not comma) for word in thousands)


def _looks_swapped(word: str, comma: bool, fit: DecimalSign, separator: str | None) -> bool:
    """Whether a file with another separator than fit's may have another decimal sign, too."""
    if separator == fit.separator:
        return False
    if separator != ";":
        return comma
    return "," not in word or not comma  # a point may be either there: pandas writes decimals so


def _ambiguous(source: str, name: str, word: str) -> str:
    thousand, fraction = word.replace(",", "").replace(".", ""), word.replace(",", ".")
    return (
        f"{source}: column {name!r}: {word[:60]!r} may be {thousand} or {fraction}, and nothing in the file tells which. "
        f"Write {thousand} without a sign, or {fraction}0 with another number of decimals."
    )
