"""The decimal sign of each column of a file that fit has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.cleaning import numbers
from automl.cleaning.decimals import EITHER, DecimalSign, Evidence
from automl.columns import Floats
from automl.errors import InputError

_FAR = 1.0  # powers of ten; the two readings of a word lie three apart
_LONGEST = 100  # characters of a number
_MOSTLY = 0.8  # of the words with two readings must agree on one
_LOW = 0.01  # quantile; the largest value counts, for amounts have long tails


@dataclass(frozen=True)
class Seen:
    """What fit knows of a column of numbers.

    Parameters
    ----------
    comma : bool
        Whether the comma was its decimal sign.
    sizes : tuple of float or None
        Decimal logarithms between which its values lay.
    """

    comma: bool
    sizes: tuple[float, float] | None


def sizes_of(values: Floats) -> tuple[float, float] | None:
    """Return the decimal logarithms between which values lie, zero and the smallest aside.

    >>> sizes_of(np.array([0.0, 10.0, -1000.0, np.nan]))
    (1.02, 3.0)
    """
    present = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(present):
        return None
    logs = np.log10(present)
    return round(float(np.quantile(logs, _LOW)), 3), round(float(logs.max()), 3)


def signs_at_predict(
    found: Mapping[str, Evidence],
    seen: Mapping[str, Seen],
    fit: DecimalSign,
    separator: str | None,
    source: str,
) -> dict[str, bool]:
    """Return whether the comma is the decimal sign of each column.

    The file's signs are those of fit, or all are swapped: columns that show their sign decide.
    If none does, the values at fit do, where one reading of a word is much farther from them.

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
    if swapped is None:
        swapped = _swapped_by_size(found, seen)
    signs: dict[str, bool] = {}
    for name, one in found.items():
        signs[name] = shown.get(name, seen[name].comma != bool(swapped))
        is_open = swapped is None and name not in shown and bool(one.either)
        if is_open and _looks_swapped(one.either[0], seen[name].comma, fit, separator):
            raise InputError(_ambiguous(source, name, one.either[0]))
    return signs


def check_thousands(words: Sequence[str], comma: bool, seen: Seen, name: str, source: str) -> None:
    """Refuse a column if what is read as thousands would be usual as a decimal, and is far off so.

    Raises
    ------
    InputError
    """
    sign = "." if comma else ","
    if seen.sizes is None or sign not in "".join(words):
        return
    short = (word for word in words if sign in word and len(word) <= _LONGEST)
    thousands = [word for word in short if EITHER.fullmatch(word)]
    if not thousands:
        return
    off = np.flatnonzero(_nearer_with_comma(thousands, seen) == (not comma))
    if len(off):
        raise InputError(_ambiguous(source, name, thousands[off[0]]))


def _swapped(shown: Mapping[str, bool], seen: Mapping[str, Seen]) -> bool | None:
    other = sum(sign != seen[name].comma for name, sign in shown.items())
    same = len(shown) - other
    return None if other == same else other > same


def _swapped_by_size(found: Mapping[str, Evidence], seen: Mapping[str, Seen]) -> bool | None:
    votes: list[bool] = []
    for name, one in found.items():
        nearer = _nearer_with_comma(one.either, seen[name])
        votes += (nearer[~np.isnan(nearer)] != seen[name].comma).tolist()
    share = np.mean(votes) if votes else 0.5
    return None if 1 - _MOSTLY < share < _MOSTLY else bool(share >= _MOSTLY)


def _nearer_with_comma(words: Sequence[str], seen: Seen) -> Floats:
    """Return 1 where a decimal comma brings words much nearer to fit's values, 0 for a point, or NaN."""
    if not words or seen.sizes is None:
        return np.full(len(words), np.nan)
    comma, point = (_distances(words, seen.sizes, comma=comma) for comma in (True, False))
    return np.where(np.abs(comma - point) < _FAR, np.nan, comma < point)


def _distances(words: Sequence[str], sizes: tuple[float, float], *, comma: bool) -> Floats:
    """How many powers of ten each number lies outside of what fit saw."""
    values = np.abs(numbers.parse(words, comma=comma, marks=True).values)
    low, high = sizes
    logs = np.log10(np.where(values > 0, values, 10.0**low))
    return np.maximum(0.0, np.maximum(low - logs, logs - high))


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
        f"{source}: column {name!r}: {word[:60]!r} may be {thousand} or {fraction}: file and values at fit don't settle it. "
        f"Write {thousand} without a sign, or {fraction}0 with another number of decimals."
    )
