"""The decimal sign of each column in a file that was not seen at fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats
from automl.cleaning import numbers
from automl.cleaning.decimals import TWO_READINGS, DecimalSign, Evidence
from automl.errors import InputError

Sizes = tuple[float, float]  # decimal logarithms

_FAR = 1.0  # powers of ten; the two readings of a word lie three apart
_MAX_NUMBER_LENGTH = 100  # characters
_MIN_AGREEMENT = 0.8  # of the words with two readings on one of them
_LOW_QUANTILE = 0.01  # the largest value counts instead, because amounts have long tails
_MAX_SHOWN_LENGTH = 60


@dataclass(frozen=True)
class NumbersAtFit:
    """A column of numbers as it was at fit.

    Parameters
    ----------
    comma : bool
        Whether the comma was its decimal sign.
    sizes : tuple of float or None
        Decimal logarithms between which its values lay.
    """

    comma: bool
    sizes: Sizes | None


def log_range(values: Floats) -> Sizes | None:
    """Return the decimal logarithms between which values lie, without zeros and the smallest.

    >>> log_range(np.array([0.0, 10.0, -1000.0, np.nan]))
    (1.02, 3.0)
    """
    is_used = np.isfinite(values)
    is_used &= values != 0
    present = np.abs(values[is_used])
    if not len(present):
        return None
    logs = np.log10(present)
    low = float(np.quantile(logs, _LOW_QUANTILE))
    high = float(logs.max())
    return round(low, 3), round(high, 3)


def decide_signs(
    found: Mapping[str, Evidence],
    seen: Mapping[str, NumbersAtFit],
    fit: DecimalSign,
    separator: str | None,
    source: str,
) -> dict[str, bool]:
    """Return whether the comma is the decimal sign of each column.

    Either the file's signs are those of fit, or all are swapped: columns that show their sign
    decide. If none does, the values at fit do, if one reading of a word is much farther from them.

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
    shown: dict[str, bool] = {}
    for name, evidence in found.items():
        if evidence.sign is not None:
            shown[name] = evidence.sign
    is_swapped = _is_swapped(shown, seen)
    if is_swapped is None:
        is_swapped = _is_swapped_by_size(found, seen)
    signs: dict[str, bool] = {}
    for name, evidence in found.items():
        if name in shown:
            signs[name] = shown[name]
            continue
        comma = seen[name].comma
        signs[name] = comma != bool(is_swapped)
        if is_swapped is not None or not evidence.ambiguous:
            continue
        word = evidence.ambiguous[0]
        if _may_be_swapped(word, comma, fit, separator):
            raise InputError(_ambiguity(source, name, word))
    return signs


def check_thousands(
    words: Sequence[str], comma: bool, seen: NumbersAtFit, name: str, source: str
) -> None:
    """Refuse a column whose thousands are far from fit's values, but would be usual as decimals.

    Raises
    ------
    InputError
    """
    sign = "." if comma else ","
    if seen.sizes is None:
        return
    if sign not in "".join(words):
        return
    thousands = []
    for word in words:
        is_short = len(word) <= _MAX_NUMBER_LENGTH
        if is_short and sign in word and TWO_READINGS.fullmatch(word):
            thousands.append(word)
    nearer = _nearer_with_comma(thousands, seen)
    doubtful = np.flatnonzero(nearer == (not comma))
    if len(doubtful):
        first = thousands[doubtful[0]]
        raise InputError(_ambiguity(source, name, first))


def _is_swapped(shown: Mapping[str, bool], seen: Mapping[str, NumbersAtFit]) -> bool | None:
    """Return whether most columns that show their sign have another one than at fit."""
    n_swapped = 0
    for name, sign in shown.items():
        n_swapped += sign != seen[name].comma
    n_same = len(shown) - n_swapped
    if n_swapped == n_same:
        return None
    return n_swapped > n_same


def _is_swapped_by_size(
    evidence_by_column: Mapping[str, Evidence], seen: Mapping[str, NumbersAtFit]
) -> bool | None:
    """Return whether words with two readings are nearer to fit's values with the other sign."""
    votes: list[bool] = []
    for name, evidence in evidence_by_column.items():
        nearer = _nearer_with_comma(evidence.ambiguous, seen[name])
        is_known = ~np.isnan(nearer)
        is_swapped = nearer[is_known] != seen[name].comma
        votes += is_swapped.tolist()
    if not votes:
        return None
    share = np.mean(votes)
    if share >= _MIN_AGREEMENT:
        return True
    return False if share <= 1 - _MIN_AGREEMENT else None


def _nearer_with_comma(words: Sequence[str], seen: NumbersAtFit) -> Floats:
    """Return 1 if a decimal comma brings a word much nearer to fit's values, 0 if a point does.

    It is NaN if both are about equally near, or fit's values are unknown.
    """
    if not words or seen.sizes is None:
        return np.full(len(words), np.nan)
    comma = _distances(words, seen.sizes, comma=True)
    point = _distances(words, seen.sizes, comma=False)
    nearer = np.asarray(comma < point, np.float64)
    difference = np.abs(comma - point)
    nearer[difference < _FAR] = np.nan
    return nearer


def _distances(words: Sequence[str], sizes: Sizes, *, comma: bool) -> Floats:
    """Return how many powers of ten each number lies outside of the values at fit."""
    parsed = numbers.parse(words, comma=comma, marks=True)
    values = np.abs(parsed.values)
    low, high = sizes
    smallest = 10.0**low
    positive = np.where(values > 0, values, smallest)
    logs = np.log10(positive)
    below = low - logs
    above = logs - high
    outside = np.maximum(below, above)
    return np.maximum(0.0, outside)


def _may_be_swapped(word: str, comma: bool, fit: DecimalSign, separator: str | None) -> bool:
    """Return whether a file with another separator than fit's may have another decimal sign."""
    if separator == fit.separator:
        return False
    if separator != ";":
        return comma
    return "," not in word or not comma  # a point may be either there: pandas writes decimals so


def _ambiguity(source: str, name: str, word: str) -> str:
    fraction = word.replace(",", ".")
    thousand = fraction.replace(".", "")
    return (
        f"{source}: column {name!r}: {word[:_MAX_SHOWN_LENGTH]!r} may be {thousand} or {fraction}: "
        "neither the file nor the values at fit decide. "
        f"Write {thousand} without a sign, or {fraction}0 with another number of decimals."
    )
