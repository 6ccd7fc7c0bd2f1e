"""Shapes: words that are equal except for their numbers: 120/80, POINT(13.7 52.7), 19 years."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats
from automl.cleaning import numbers

HOLE = "\0"  # stands for a number in a shape
MAX_PARTS = 12
_MAX_LETTERS = 20  # more make a sentence
_MIN_SHARE = 0.95  # of the words have the shape
_MAX_SAMPLED_WORDS = 300
_N_LAST_DIGITS = 12  # of a long whole number
_MAX_WORD_LENGTH = 200  # characters
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)+|[0-9]+|\.[0-9]+")
_MINUS_SIGNS = ("-", "−")
_BEFORE_MINUS = frozenset("([{<;,:=x×/|* ")  # a hyphen after one of these is a minus
_AFFIXED_NUMBER = re.compile(
    r"(?P<before>\D*?)"
    r"(?P<core>(?:(?<![A-Za-z])[-+])?\.?[0-9](?:[0-9.,' \u00a0\u202f]*[0-9])?)"
    r"(?P<behind>\D*)"
)
_SWAPPED_SIGNS = str.maketrans(",.", ".,")


@dataclass(frozen=True)
class Shape:
    """The text that words have in common, around their numbers.

    Parameters
    ----------
    text : str
        A word with `HOLE` in place of each number; if there is one number, the text before it,
        `HOLE`, and the text after it.
    comma : bool
        Whether the comma is the decimal sign.
    """

    text: str
    comma: bool = False

    @property
    def n_parts(self) -> int:
        """Number of columns that the words become."""
        if self.is_long:
            return 2
        return self.text.count(HOLE)

    @property
    def is_long(self) -> bool:
        """Whether words are whole numbers too long for a float, which are split in two."""
        return self.text == HOLE

    def for_people(self) -> str:
        r"""Return the shape for people.

        >>> Shape("POINT(\0 \0)").for_people()
        'POINT(# #)'
        """
        return self.text.replace(HOLE, "#")

    def parse(self, words: Sequence[str]) -> Floats:
        r"""Return the numbers in each word, NaN where it has another shape.

        Returns
        -------
        ndarray of shape (n_words, n_parts), float64

        Examples
        --------
        >>> Shape("\0/\0").parse(["120/80", "n/a"]).tolist()
        [[120.0, 80.0], [nan, nan]]
        >>> Shape("\0 kg").parse(["1,200 kg", "3"]).tolist()
        [[1200.0], [3.0]]
        """
        if self.n_parts == 1:
            return self._parse_one(words)[:, None]
        size = (len(words), self.n_parts)
        parsed = np.full(size, np.nan)
        for index, word in enumerate(words):
            if self.is_long:
                parsed[index] = _halves(word)
                continue
            text, parts = split(word, comma=self.comma)
            if text == self.text:
                parsed[index] = parts
        return parsed

    def _parse_one(self, words: Sequence[str]) -> Floats:
        before, _, behind = self.text.partition(HOLE)
        expected = (_fold(before), _fold(behind))
        cores = []
        for word in words:
            match = _AFFIXED_NUMBER.fullmatch(word[:_MAX_WORD_LENGTH])
            if match is None or affixes(match) != expected:
                cores.append(word)
            else:
                cores.append(match["core"])
        parsed = numbers.parse(cores, comma=self.comma, marks=True)
        return parsed.values


def _halves(word: str) -> tuple[float, float]:
    """Return a whole number's first digits and its last ones.

    >>> _halves("9007199254740993")
    (9007.0, 199254740993.0)
    """
    digits = word.strip().removeprefix("+")
    if not digits.removeprefix("-").isdecimal():
        return np.nan, np.nan
    first, last = divmod(int(digits), 10**_N_LAST_DIGITS)
    return float(first), float(last)


def _fold(text: str) -> str:
    return text.strip().casefold()


def affixes(match: re.Match[str]) -> tuple[str, str]:
    """Return the text before and after a number."""
    before = _fold(match["before"])
    behind = _fold(match["behind"])
    return before, behind


def split(word: str, *, comma: bool = False) -> tuple[str, list[float]]:
    r"""Return a word's shape and its numbers; several points in a row separate whole numbers.

    >>> split("12.1x-30.2"), split("155.205.41.0")[1]
    (('\x00x\x00', [12.1, -30.2]), [155.0, 205.0, 41.0, 0.0])
    """
    if comma:
        word = word.translate(_SWAPPED_SIGNS)
    word = word[:_MAX_WORD_LENGTH]
    shape = ""
    values: list[float] = []
    end = 0
    for match in _NUMBER.finditer(word):
        start = match.start()
        digits = [match[0]]
        if match[0].count(".") > 1:
            digits = match[0].split(".")
        if start > end and _is_minus(word, start - 1):
            start -= 1
            digits[0] = "-" + digits[0]
        holes = [HOLE] * len(digits)
        shape += word[end:start]
        shape += ".".join(holes)
        values += map(float, digits)
        end = match.end()
    return shape + word[end:], values


def _is_minus(word: str, index: int) -> bool:
    if word[index] not in _MINUS_SIGNS:
        return False
    return index == 0 or word[index - 1] in _BEFORE_MINUS


def find_shape(words: Sequence[str], *, comma: bool = False) -> Shape | None:
    """Return the shape that nearly all words have, or None.

    Examples
    --------
    >>> find_shape(["1.5 kg", "2 kg", "3.25 kg"]).for_people()
    '# kg'
    >>> find_shape(["a1", "b2"]), find_shape(["K0001", "K0002"]), find_shape(["12", "13"])
    (None, None, None)
    """
    step = max(1, len(words) // _MAX_SAMPLED_WORDS)
    sample = words[::step]
    longest = max(map(len, sample), default=0)
    if not sample or longest > _MAX_WORD_LENGTH:
        return None
    shape = _shape_of_one(sample, comma)
    return shape or _shape_of_several(sample, comma)


def _shape_of_one(sample: Sequence[str], comma: bool) -> Shape | None:
    """Return the shape of words with one number each."""
    matches = []
    for word in sample:
        match = _AFFIXED_NUMBER.fullmatch(word)
        if match is not None:
            matches.append(match)
    min_words = _MIN_SHARE * len(sample)
    if len(matches) < min_words:
        return None
    counts = Counter(map(affixes, matches))
    usual, count = counts.most_common(1)[0]
    text = "".join(usual)
    if count < min_words or not text:
        return None
    if not _is_short(text):
        return None
    matches = [match for match in matches if affixes(match) == usual]
    cores = [match["core"] for match in matches]
    parsed = numbers.parse(cores, comma=comma)
    if parsed.readable.mean() < _MIN_SHARE:
        return None
    if numbers.have_leading_zeros(cores):
        return None
    typical = matches[0]
    return Shape(f"{typical['before']}{HOLE}{typical['behind']}", comma)


def _shape_of_several(sample: Sequence[str], comma: bool) -> Shape | None:
    """Return the shape of words with several numbers each."""
    texts: Counter[str] = Counter()
    for word in sample:
        text, _ = split(word, comma=comma)
        texts[text] += 1
    text, count = texts.most_common(1)[0]
    if count < _MIN_SHARE * len(sample):
        return None
    n_parts = text.count(HOLE)
    if not 2 <= n_parts <= MAX_PARTS:
        return None
    return Shape(text, comma) if _is_short(text) else None


def _is_short(text: str) -> bool:
    n_letters = sum(map(str.isalpha, text))
    return n_letters <= _MAX_LETTERS
