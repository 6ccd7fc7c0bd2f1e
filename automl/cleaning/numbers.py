"""Numbers as people write them: 1,234.50  $5  12%  (3.5)  1.234,50  1e5."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.columns import Floats

_MONEY = "[$€£¥₹]"
_ODD = re.compile(
    rf"""(?P<open>\()? \s* (?P<sign>[-+−])? \s* {_MONEY}? \s* (?P<inner>[-+−])? \s*
    (?P<digits> (?:\d{{1,3}}(?:,\d{{3}})+|\d+) (?:\.\d*)? | \.\d+ ) (?P<power>[eE][-+]?\d+)?
    \s* (?:{_MONEY}|%|USD|EUR|GBP)? \s* (?P<close>\))?""",
    re.VERBOSE,
)
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


def parse(words: Sequence[str], *, comma: bool = False) -> Parsed:
    """Read each word as a number; with `comma`, the comma is the decimal separator.

    >>> parse(["1", " 2.5", "$1,234.50", "12%", "(3)", "x", "1e5"]).values.tolist()
    [1.0, 2.5, 1234.5, 12.0, -3.0, nan, 100000.0]
    >>> parse(["1.234,5", "0,5"], comma=True).values.tolist()
    [1234.5, 0.5]
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
        values[place] = _odd(word.translate(_SWAP) if comma else word)
        odd += not math.isnan(values[place])
    return Parsed(values, odd)


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


def _odd(word: str) -> float:
    match = _ODD.fullmatch(word.strip())
    if match is None or (match["open"] is None) != (match["close"] is None):
        return math.nan
    value = float(match["digits"].replace(",", "") + (match["power"] or ""))
    negative = match["open"] is not None or match["sign"] in ("-", "−") or match["inner"] in ("-", "−")
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
    return any(len(word) > 2 for word in words) or len({float(word) for word in words if word.isdecimal()}) < len(words)
