"""Numbers as people write them: 1,234.50  $5  12%  (3.5)  1.234,50  1e5  26 691,70  CHF 5."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.columns import Floats

_SYMBOLS = "[$€£¥₹₽₩₺₫₪₴฿₦]"
_ISO_CODES = (
    "USD EUR GBP CHF JPY CNY RMB INR AUD CAD NZD SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH "
    "BRL MXN ARS CLP COP PEN ZAR NGN KES EGP MAD AED SAR QAR ILS KRW HKD SGD TWD THB IDR MYR PHP VND PKR"
)
_MONEY = (
    rf"(?:(?:US|AU|CA|NZ|HK|[ACRS])?{_SYMBOLS}|(?:{_ISO_CODES.replace(' ', '|')})(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:[Kk]r|[Rr]s|[Ff]r|[Zz]ł|руб)(?![A-Za-z])\.?)"
)
_GROUPED = r"[1-9]\d{0,2}(?:,\d{3})+ | [1-9]\d{0,2}(?:[ ']\d{3})+"
_INDIAN = r"[1-9]\d?(?:,\d{2})+,\d{3}"


def _pattern(grouped: str) -> re.Pattern[str]:
    return re.compile(
        rf"""(?P<open>\()? \s* (?P<sign>[-+])? \s* (?:{_MONEY})? \s* (?P<inner>[-+])? \s*
    (?P<digits> (?:{grouped} | \d+) (?:\.\d*)? | \.\d+ ) (?P<power>[eE][-+]?\d+)?
    \s* (?:{_MONEY}|%|‰)? \s* (?P<close>\))?""",
        re.VERBOSE,
    )


_ODD, _ODD_COMMA = (
    _pattern(f"{_GROUPED} | {_INDIAN}"),
    _pattern(_GROUPED),
)  # nobody writes 1.23.456,0
BOUNDS = frozenset("<>≤≥~≈±")
_BOUND = re.compile(r"(?:[<>]=?|[≤≥~≈±])\s*(?=[\d.$€£])")
_MARK = re.compile(
    r"(?<=[\d.])\s*(?:°\s*)?(?P<mark>-|[KkMB]|[Bb]n|[Mm]n|[Mm]io|C[Rr]|D[RrBb]|[NSEW])(?=\s*(?:€|$))"
)
_DEGREES = re.compile(
    r"(?P<sign>-)?(?P<degrees>\d{1,3})°\s*(?P<minutes>\d{1,2}(?:\.\d+)?)'\s*"
    r"(?:(?P<seconds>\d{1,2}(?:\.\d+)?)(?:''|[\"″”]))?\s*(?P<side>[NSEW])?"
)
_NO_CENTS = re.compile(r"(?<=\d)\.-{1,2}(?=\s*\D?$)")  # 12.- is 12
_TIMES = {"k": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "b": 1e9, "bn": 1e9}
_SIDES = frozenset("NSEW")
_NEGATIVE = frozenset(["-", "dr", "db", "s", "w"])  # debits, south and west
_LONGEST = 100  # characters of a number that isn't plain
_QUOTES = "'\"‘’“”´`"
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("−–—﹣－‐‑", "-"),
        **dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "),
        "’": "'",
        "′": "'",
    }
)  # minus signs, spaces and apostrophes that look the same
_SWAP = str.maketrans(",.", ".,")
_CODE = re.compile(r"0\d+")


@dataclass(frozen=True)
class Parsed:
    """Numbers parsed from words, NaN where a word is none."""

    values: Floats
    odd: int  # how many needed more than a plain reading

    @property
    def readable(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which words are numbers."""
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
        bounds (<1000), a minus behind (271.36-), credit and debit (12.3 CR), degrees (52.73N).

    Examples
    --------
    >>> parse(["1", " 2.5", "$1,234.50", "12%", "(3)", "x", "1e5"]).values.tolist()
    [1.0, 2.5, 1234.5, 12.0, -3.0, nan, 100000.0]
    >>> parse(["1.234,5", "0,5", "26 691,70"], comma=True).values.tolist()
    [1234.5, 0.5, 26691.7]
    >>> parse(["26.7K", "<1000", "271.36-", "52.5S"], marks=True).values.tolist()
    [26700.0, 1000.0, -271.36, -52.5]
    """
    if not comma and (plain := _all_plain(words)) is not None:
        return Parsed(plain, 0)
    values, odd = np.empty(len(words)), 0
    for place, word in enumerate(words):
        if not comma or "." not in word:  # under a decimal comma a plain 1.234 is a thousand
            try:
                values[place] = _plain(word)
                continue
            except ValueError:
                pass
        values[place] = _odd(
            word.translate(_SWAP) if comma else word, marks, _ODD_COMMA if comma else _ODD
        )
        odd += not math.isnan(values[place])
    return Parsed(values, odd)


def read(words: Sequence[str], *, comma: bool = False) -> Floats:
    """Return each word's number, read with the other decimal sign if it is none with this one.

    >>> read(["1.234", "12,5", "x"]).tolist()
    [1.234, 12.5, nan]
    """
    values = parse(words, comma=comma, marks=True).values
    left = [
        place
        for place in np.flatnonzero(np.isnan(values)).tolist()
        if "," in words[place] or "." in words[place]
    ]
    if left:
        values[left] = parse([words[place] for place in left], comma=not comma, marks=True).values
    return values


def _all_plain(words: Sequence[str]) -> Floats | None:
    """The numbers, if all words are plain ones: five times as fast as looking at each."""
    try:
        values = np.fromiter(map(float, words), np.float64, len(words))
    except ValueError:
        return None
    if "_" in "".join(words):
        return None
    return np.where(np.isfinite(values), values, np.nan)


def _plain(word: str) -> float:
    if "_" in word:
        raise ValueError
    value = float(word)
    return value if math.isfinite(value) else math.nan


def _odd(word: str, marks: bool, pattern: re.Pattern[str]) -> float:
    if len(word) > _LONGEST or not any(map(str.isdigit, word)):
        return math.nan
    text = word.translate(_ALIKE).strip()
    if marks and "°" in text and (match := _DEGREES.fullmatch(text)) is not None:
        return _degrees(match)
    text = _NO_CENTS.sub("", text.strip(_QUOTES).strip())
    if not marks:
        return _signed(text, pattern)
    text = _BOUND.sub("", text, count=1) if _BOUND.match(text) else text
    found = _MARK.search(text)
    if found is None:
        return _signed(text, pattern)
    if found["mark"] in _SIDES and "." not in text and "°" not in text:
        return math.nan  # 12N is a flat
    mark, value = (
        found["mark"].casefold(),
        _signed(text[: found.start()] + text[found.end() :], pattern),
    )
    return -value if mark in _NEGATIVE else value * _TIMES.get(mark, 1.0)


def _degrees(match: re.Match[str]) -> float:
    """Degrees, minutes and seconds as degrees."""
    value: float = sum(
        float(match[part] or 0) / 60**power
        for power, part in enumerate(("degrees", "minutes", "seconds"))
    )
    return -value if match["sign"] or (match["side"] or "").casefold() in _NEGATIVE else value


def _signed(text: str, pattern: re.Pattern[str]) -> float:
    match = pattern.fullmatch(text)
    if match is None or (match["open"] is None) != (match["close"] is None):
        return math.nan
    digits = match["digits"].replace(",", "").replace(" ", "").replace("'", "")
    value = float(digits + (match["power"] or ""))
    negative = match["open"] is not None or "-" in (match["sign"], match["inner"])
    return (-value if negative else value) if math.isfinite(value) else math.nan


def is_infinite(word: str) -> bool:
    """Whether a word is a spelling of infinity.

    >>> is_infinite("-Inf"), is_infinite("1")
    (True, False)
    """
    return word.strip().lstrip("+-").casefold() in ("inf", "infinity", "1.#inf")


def are_codes(words: Sequence[str]) -> bool:
    """Whether some words are codes that only look like numbers: 01234.

    One or two digits (01, 02, ... 12) lose nothing as numbers, so these are no codes, unless 1 and 01 differ.

    >>> are_codes(["01234", "56789"]), are_codes(["01", "12"]), are_codes(["0.5", "0"]), are_codes(["1", "01"])
    (True, False, False, True)
    """
    if not any(word[0] == "0" and _CODE.fullmatch(word) for word in words if word):
        return False
    return any(len(word) > 2 for word in words) or len(
        {float(word) for word in words if word.isdecimal()}
    ) < len(words)
