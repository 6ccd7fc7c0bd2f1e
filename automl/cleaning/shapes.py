"""Shapes: words that are alike but for their numbers: 120/80, POINT(13.7 52.7), 19 years."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.cleaning import numbers
from automl.columns import Floats

HOLE = "\0"  # stands for a number in a shape
MOST_PARTS = 12
_MOST_LETTERS = 20  # more make a sentence
_SHARE = 0.95  # of the words have the shape
_LOOKED_AT = 300  # words
_LAST_DIGITS = 12  # of a long whole number
_LONGEST = 200  # characters of a word
_RUN = re.compile(r"[0-9]+(?:\.[0-9]+)+|[0-9]+|\.[0-9]+")
_SIGN_AFTER = frozenset("([{<;,:=x×/|* ")  # a hyphen behind one of these is a minus
_AFFIXED = re.compile(
    r"(?P<before>\D*?)(?P<core>(?:(?<![A-Za-z])[-+])?\.?[0-9](?:[0-9.,' \u00a0\u202f]*[0-9])?)(?P<behind>\D*)"
)
_SWAP = str.maketrans(",.", ".,")


@dataclass(frozen=True)
class Shape:
    """What words have in common.

    Parameters
    ----------
    text : str
        A word with `HOLE` in place of each number; of one number, what stands before and behind it.
    comma : bool
        Whether the comma is the decimal sign.
    """

    text: str
    comma: bool = False

    @property
    def n_parts(self) -> int:
        """How many numbers a word becomes."""
        return 2 if self.is_long else self.text.count(HOLE)

    @property
    def is_long(self) -> bool:
        """Whether words are whole numbers too long for a float, which are cut in two."""
        return self.text == HOLE

    def shown(self) -> str:
        r"""Return the shape for people.

        >>> Shape("POINT(\0 \0)").shown()
        'POINT(# #)'
        """
        return self.text.replace(HOLE, "#")

    def parse(self, words: Sequence[str]) -> npt.NDArray[np.float64]:
        r"""Return the numbers in each word, NaN where it has another shape.

        >>> Shape("\0/\0").parse(["120/80", "n/a"]).tolist()
        [[120.0, 80.0], [nan, nan]]
        >>> Shape("\0 kg").parse(["1,200 kg", "3"]).tolist()
        [[1200.0], [3.0]]
        """
        if self.is_long:
            return np.array([_halves(word) for word in words], np.float64).reshape(len(words), 2)
        if self.n_parts == 1:
            return self._one(words)[:, None]
        found = np.full((len(words), self.n_parts), np.nan)
        for place, word in enumerate(words):
            text, parts = split(word, comma=self.comma)
            if text == self.text:
                found[place] = parts
        return found

    def _one(self, words: Sequence[str]) -> Floats:
        before, _, behind = self.text.partition(HOLE)
        wanted = before.strip().casefold(), behind.strip().casefold()
        cores = []
        for word in words:
            match = _AFFIXED.fullmatch(word[:_LONGEST])
            same = match is not None and affixes(match) == wanted
            cores.append(match["core"] if match is not None and same else word)
        return numbers.parse(cores, comma=self.comma, marks=True).values


def _halves(word: str) -> tuple[float, float]:
    """A whole number's first and its last digits.

    >>> _halves("9007199254740993")
    (9007.0, 199254740993.0)
    """
    digits = word.strip().removeprefix("+")
    if not digits.removeprefix("-").isdecimal():
        return np.nan, np.nan
    first, last = divmod(int(digits), 10**_LAST_DIGITS)
    return float(first), float(last)


def affixes(match: re.Match[str]) -> tuple[str, str]:
    """Return what stands before and behind a number."""
    return match["before"].strip().casefold(), match["behind"].strip().casefold()


def split(word: str, *, comma: bool = False) -> tuple[str, list[float]]:
    r"""Return a word's shape and its numbers; several points in a row separate whole numbers.

    >>> split("12.1x-30.2"), split("155.205.41.0")[1]
    (('\x00x\x00', [12.1, -30.2]), [155.0, 205.0, 41.0, 0.0])
    """
    text = (word.translate(_SWAP) if comma else word)[:_LONGEST]
    shape: list[str] = []
    found: list[float] = []
    end = 0
    for match in _RUN.finditer(text):
        start = match.start()
        pieces = match[0].split(".") if match[0].count(".") > 1 else [match[0]]
        sign = ""
        if text[start - 1 : start] in ("-", "−") and start > end and _is_sign(text, start - 1):
            start, sign = start - 1, "-"
        shape += [text[end:start], ".".join(HOLE for _ in pieces)]
        found += [float(sign + pieces[0]), *map(float, pieces[1:])]
        end = match.end()
    return "".join([*shape, text[end:]]), found


def _is_sign(text: str, place: int) -> bool:
    return place == 0 or text[place - 1] in _SIGN_AFTER


def shape_of(words: Sequence[str], *, comma: bool = False) -> Shape | None:
    """Return the shape that nearly all words have, or None.

    Examples
    --------
    >>> shape_of(["1.5 kg", "2 kg", "3.25 kg"]).shown(), shape_of(["120/80", "95/60"]).shown()
    ('# kg', '#/#')
    >>> shape_of(["a1", "b2"]), shape_of(["K0001", "K0002"]), shape_of(["12", "13"])
    (None, None, None)
    """
    sample = words[:: max(1, len(words) // _LOOKED_AT)]
    if not sample or any(len(word) > _LONGEST for word in sample):
        return None
    return _of_one(sample, comma) or _of_several(sample, comma)


def _of_one(sample: Sequence[str], comma: bool) -> Shape | None:
    matches = [match for word in sample if (match := _AFFIXED.fullmatch(word)) is not None]
    if len(matches) < _SHARE * len(sample):
        return None
    around, count = Counter(map(affixes, matches)).most_common(1)[0]
    if count < _SHARE * len(sample) or not any(around) or not _is_short("".join(around)):
        return None
    cores = [match["core"] for match in matches if affixes(match) == around]
    if numbers.parse(cores, comma=comma).readable.mean() < _SHARE or numbers.are_codes(cores):
        return None
    typical = next(match for match in matches if affixes(match) == around)
    return Shape(f"{typical['before']}{HOLE}{typical['behind']}", comma)


def _of_several(sample: Sequence[str], comma: bool) -> Shape | None:
    texts = Counter(split(word, comma=comma)[0] for word in sample)
    text, count = texts.most_common(1)[0]
    if (
        count < _SHARE * len(sample)
        or not 2 <= text.count(HOLE) <= MOST_PARTS
        or not _is_short(text)
    ):
        return None
    return Shape(text, comma)


def _is_short(text: str) -> bool:
    return sum(map(str.isalpha, text)) <= _MOST_LETTERS
