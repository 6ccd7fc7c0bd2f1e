"""Numbers as people write them: 1,234.50  $5  12%  (3.5)  1.234,50  1e5  26 691,70  CHF 5."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from automl.arrays import Floats

_SYMBOLS = "[$€£¥₹₽₩₺₫₪₴฿₦]"
_CURRENCY_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|AUD|CAD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB|UAH|"
    "BRL|MXN|ARS|CLP|COP|PEN|ZAR|NGN|KES|EGP|MAD|AED|SAR|QAR|ILS|KRW|HKD|SGD|TWD|THB|IDR|MYR|"
    "PHP|VND|PKR"
)
_MONEY = (
    rf"(?:(?:US|AU|CA|NZ|HK|[ACRS])?{_SYMBOLS}|(?:{_CURRENCY_CODES})(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:[Kk]r|[Rr]s|[Ff]r|[Zz]ł|руб)(?![A-Za-z])\.?)"
)
_GROUPED = r"[1-9]\d{0,2}(?:,\d{3})+ | [1-9]\d{0,2}(?:[ ']\d{3})+"
_INDIAN = r"[1-9]\d?(?:,\d{2})+,\d{3}"


@cache
def _amount_pattern(comma: bool) -> re.Pattern[str]:
    """Return the pattern of an amount whose decimal sign is a point, after the signs were swapped.

    It is compiled when the first odd number is met: that takes longer than reading a small table.
    """
    grouped = _GROUPED
    if not comma:  # nobody writes 1.23.456,0
        grouped = f"{_GROUPED} | {_INDIAN}"
    return re.compile(
        rf"""(?P<open>\()? \s* (?P<sign>[-+])? \s* (?:{_MONEY})? \s* (?P<inner>[-+])? \s*
    (?P<digits> (?:{grouped} | \d+) (?:\.\d*)? | \.\d+ ) (?P<power>[eE][-+]?\d+)?
    \s* (?:{_MONEY}|%|‰)? \s* (?P<close>\))?""",
        re.VERBOSE,
    )


BOUNDS = frozenset("<>≤≥~≈±")
_BOUND = re.compile(r"(?:[<>]=?|[≤≥~≈±])\s*(?=[\d.$€£])")
_MARK = re.compile(
    r"(?<=[\d.])\s*(?:°\s*)?"
    r"(?P<mark>-|[KkMB]|[Bb]n|[Mm]n|[Mm]io|C[Rr]|D[RrBb]|[NSEW])(?=\s*(?:€|$))"
)
_DEGREES = re.compile(
    r"(?P<sign>-)?(?P<degrees>\d{1,3})°\s*(?P<minutes>\d{1,2}(?:\.\d+)?)'\s*"
    r"(?:(?P<seconds>\d{1,2}(?:\.\d+)?)(?:''|[\"″”]))?\s*(?P<side>[NSEW])?"
)
_NO_CENTS = re.compile(r"(?<=\d)\.-{1,2}(?=\s*\D?$)")  # 12.- is 12
_MAGNITUDES = {
    "k": 1e3,
    "m": 1e6,
    "mn": 1e6,
    "mio": 1e6,
    "b": 1e9,
    "bn": 1e9,
}
_COMPASS_POINTS = frozenset("NSEW")
_NEGATIVE_MARKS = frozenset(["-", "dr", "db", "s", "w"])  # debits, south and west
_MAX_LENGTH = 100  # characters of a number that isn't plain
_QUOTES = "'\"‘’“”´`"
_LOOKALIKES = str.maketrans(
    {
        **dict.fromkeys("−–—﹣－‐‑", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "),
        "’": "'",
        "′": "'",
    }
)  # minus signs, spaces and apostrophes that look the same
_SWAP_SIGNS = str.maketrans(",.", ".,")
_LEADING_ZERO = re.compile(r"0\d+")


@dataclass(frozen=True)
class Parsed:
    """Numbers parsed from words, NaN where a word is none."""

    values: Floats
    odd: int  # how many needed more than a plain reading

    @property
    def readable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Mask of the words that are numbers."""
        return ~np.isnan(self.values)


def parse(words: Sequence[str], *, comma: bool = False, marks: bool = False) -> Parsed:
    """Read each word as a number.

    Parameters
    ----------
    words : sequence of str
    comma : bool
        Whether the comma is the decimal sign.
    marks : bool
        Whether numbers may also carry marks that some codes carry, too: magnitudes (26.7K),
        bounds (<1000), a minus at the end (271.36-), credit and debit (12.3 CR), degrees (52.73N).

    Examples
    --------
    >>> parse(["1", " 2.5", "$1,234.50", "12%", "(3)", "x", "1e5"]).values.tolist()
    [1.0, 2.5, 1234.5, 12.0, -3.0, nan, 100000.0]
    >>> parse(["1.234,5", "0,5", "26 691,70"], comma=True).values.tolist()
    [1234.5, 0.5, 26691.7]
    >>> parse(["26.7K", "<1000", "271.36-", "52.5S"], marks=True).values.tolist()
    [26700.0, 1000.0, -271.36, -52.5]
    """
    if not comma:
        plain = _parse_all_plain(words)
        if plain is not None:
            return Parsed(plain, 0)
    values = np.empty(len(words))
    odd = 0
    for row, word in enumerate(words):
        if not comma or "." not in word:  # with a decimal comma a plain 1.234 is a thousand
            try:
                values[row] = _parse_plain(word)
                continue
            except ValueError:
                pass
        text = word.translate(_SWAP_SIGNS) if comma else word
        values[row] = _parse_odd(text, marks, _amount_pattern(comma))
        odd += not math.isnan(values[row])
    return Parsed(values, odd)


def read(words: Sequence[str], *, comma: bool = False) -> Floats:
    """Return each word's number, read with the other decimal sign if it is none with this one.

    >>> read(["1.234", "12,5", "x"]).tolist()
    [1.234, 12.5, nan]
    """
    values = parse(words, comma=comma, marks=True).values
    unread: list[int] = np.flatnonzero(np.isnan(values)).tolist()
    signed = [row for row in unread if "," in words[row] or "." in words[row]]
    if signed:
        others = [words[row] for row in signed]
        values[signed] = parse(others, comma=not comma, marks=True).values
    return values


def _parse_all_plain(words: Sequence[str]) -> Floats | None:
    """Return the numbers if all words are plain ones; five times as fast as one by one."""
    try:
        values = np.fromiter(map(float, words), np.float64, len(words))
    except ValueError:
        return None
    if "_" in "".join(words):
        return None
    return np.where(np.isfinite(values), values, np.nan)


def _parse_plain(word: str) -> float:
    if "_" in word:
        raise ValueError
    value = float(word)
    return value if math.isfinite(value) else math.nan


def _parse_odd(word: str, marks: bool, pattern: re.Pattern[str]) -> float:
    """Return the number of a word with signs of currency, thousands or percent, and marks."""
    if len(word) > _MAX_LENGTH or not any(map(str.isdigit, word)):
        return math.nan
    text = word.translate(_LOOKALIKES).strip()
    if marks and "°" in text:
        degrees = _DEGREES.fullmatch(text)
        if degrees is not None:
            return _decimal_degrees(degrees)
    text = _NO_CENTS.sub("", text.strip(_QUOTES).strip())
    if marks:
        return _parse_marked(text, pattern)
    return _parse_amount(text, pattern)


def _parse_marked(text: str, pattern: re.Pattern[str]) -> float:
    """Return the number of a word that may have a bound before it and a mark behind it."""
    if _BOUND.match(text):
        text = _BOUND.sub("", text, count=1)
    match = _MARK.search(text)
    if match is None:
        return _parse_amount(text, pattern)
    mark = match["mark"]
    if mark in _COMPASS_POINTS and "." not in text and "°" not in text:
        return math.nan  # 12N is a flat
    mark = mark.casefold()
    unmarked = text[: match.start()] + text[match.end() :]
    value = _parse_amount(unmarked, pattern)
    if mark in _NEGATIVE_MARKS:
        return -value
    return value * _MAGNITUDES.get(mark, 1.0)


def _decimal_degrees(match: re.Match[str]) -> float:
    """Return degrees, minutes and seconds as degrees."""
    degrees = float(match["degrees"] or 0)
    minutes = float(match["minutes"] or 0)
    seconds = float(match["seconds"] or 0)
    value = sum((degrees, minutes / 60, seconds / 3600))
    side = (match["side"] or "").casefold()
    return -value if match["sign"] or side in _NEGATIVE_MARKS else value


def _parse_amount(text: str, pattern: re.Pattern[str]) -> float:
    match = pattern.fullmatch(text)
    if match is None:
        return math.nan
    in_brackets = match["open"] is not None
    if in_brackets != (match["close"] is not None):
        return math.nan
    digits = match["digits"]
    for separator in ", '":
        digits = digits.replace(separator, "")
    value = float(digits + (match["power"] or ""))
    if not math.isfinite(value):
        return math.nan
    if in_brackets or "-" in (match["sign"], match["inner"]):
        return -value
    return value


def is_infinite(word: str) -> bool:
    """Return whether a word is a spelling of infinity.

    >>> is_infinite("-Inf"), is_infinite("1")
    (True, False)
    """
    return word.strip().lstrip("+-").casefold() in ("inf", "infinity", "1.#inf")


def have_leading_zeros(words: Sequence[str]) -> bool:
    """Return whether some words are codes that only look like numbers, such as 01234.

    One or two digits (01, 02, ... 12) lose nothing as numbers, so these are no codes, unless 1 and
    01 differ.

    >>> have_leading_zeros(["01234", "56789"]), have_leading_zeros(["01", "12"])
    (True, False)
    >>> have_leading_zeros(["0.5", "0"]), have_leading_zeros(["1", "01"])
    (False, True)
    """
    if not any(map(_LEADING_ZERO.fullmatch, words)):
        return False
    if any(len(word) > 2 for word in words):
        return True
    distinct = {float(word) for word in words if word.isdecimal()}
    return len(distinct) < len(words)
