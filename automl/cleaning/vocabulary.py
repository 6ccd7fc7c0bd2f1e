"""The distinct words of a column with their counts, and findings about them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from automl.arrays import Bools
from automl.cleaning import dates
from automl.cleaning.cells import MISSING_WORDS_AMONG_NUMBERS, Codes, Spelled
from automl.cleaning.findings import pick_examples
from automl.finding import Finding

SAMPLE_WORDS = 200  # of a column; text is known from a few
MIN_SAMPLE_SHARE = 0.5  # of the sample's words are readable, or the others are not looked at
MAX_STRAYS_KEPT = 200

_MAX_STRAY_SHARE = 0.05  # of the rows may hold other words in a column of numbers
_MIN_NUMBERS_WITH_STRAYS = 10  # different ones; with fewer (1, 2, 3+) they are categories
_MAX_FREQUENT_STRAYS = 5  # different words without a digit may be far more frequent
_MAX_FREQUENT_STRAY_SHARE = 0.5
_MIN_NUMBERS_A_STRAY = 4  # different numbers for each word: S, M, L, 1, 2 are categories


@dataclass(frozen=True)
class Vocabulary:
    """The distinct words of a column, or some of them.

    Parameters
    ----------
    name : str
        The column's name.
    words : list of str
        All are different, and none is missing.
    counts : ndarray of shape (n_words,), int64
        Number of rows that hold each word.
    """

    name: str
    words: list[str]
    counts: Codes

    @classmethod
    def of(cls, name: str, cells: Spelled) -> Vocabulary:
        """Return the words of a column's cells."""
        return cls(name, cells.words.tolist(), cells.counts())

    @property
    def n_rows(self) -> int:
        """Number of rows that hold one of the words."""
        return int(self.counts.sum())

    def sample(self, size: int) -> list[str]:
        """Return about this number of words, evenly spaced."""
        step = max(1, len(self.words) // size)
        return self.words[::step]

    def first(self, limit: int) -> tuple[str, ...]:
        """Return the first words, at most this number of them."""
        return tuple(self.words[:limit])

    def mask(self, predicate: Callable[[str], bool]) -> Bools:
        """Return for each word whether a predicate holds."""
        return np.array([predicate(word) for word in self.words], bool)

    def select(self, mask: Bools) -> Vocabulary:
        """Return the words that a mask of shape (n_words,) chooses."""
        pairs = zip(self.words, mask, strict=True)
        words = [word for word, is_chosen in pairs if is_chosen]
        return Vocabulary(self.name, words, self.counts[mask])

    @property
    def category_option(self) -> str:
        """The option that makes the column a category."""
        setting = f"clean.kinds.{self.name}=category"
        return f"--set {shlex.quote(setting)}"

    def finding(self, code: str, action: str, *, count: int) -> Finding:
        """Return a finding about these words that choosing the kind "category" overrides."""
        return Finding(
            code,
            (self.name,),
            "info",
            count,
            examples=pick_examples(self.words),
            action=action,
            override=self.category_option,
        )


def find_strays(column: Vocabulary, readable: Bools) -> Vocabulary | None:
    """Return the words that are not of a column's kind; None if they are too many for this kind."""
    strays = column.select(~readable)
    is_missing = strays.mask(lambda word: word.casefold() in MISSING_WORDS_AMONG_NUMBERS)
    unknown = strays.select(~is_missing)
    if not unknown.words:
        return strays
    n_readable = int(readable.sum())
    if n_readable < _MIN_NUMBERS_WITH_STRAYS:
        return None
    share = unknown.n_rows / column.n_rows
    if share <= _MAX_STRAY_SHARE:
        return strays
    if share > _MAX_FREQUENT_STRAY_SHARE:
        return None
    n_allowed = min(_MAX_FREQUENT_STRAYS, n_readable // _MIN_NUMBERS_A_STRAY)
    if len(unknown.words) > n_allowed:
        return None
    if any(map(has_digit, unknown.words)):
        return None
    return strays


def has_digit(word: str) -> bool:
    """Return whether there is a digit in a word."""
    return any(map(str.isdigit, word))


def is_missing_word(word: str) -> bool:
    """Return whether a word among numbers or dates stands for a missing value."""
    return word.casefold() in MISSING_WORDS_AMONG_NUMBERS or dates.is_zero_date(word)


def stray_findings(strays: Vocabulary, kind: str) -> list[Finding]:
    """Return findings about words that are not of their column's kind.

    Parameters
    ----------
    strays : Vocabulary
    kind : str
        The kind in the plural: numbers, dates or durations.
    """
    is_missing = strays.mask(is_missing_word)
    missing = strays.select(is_missing)
    others = strays.select(~is_missing)
    findings: list[Finding] = []
    if others.words:
        action = f"other words among the {kind} count as missing"
        finding = others.finding("stray", action, count=others.n_rows)
        findings.append(replace(finding, severity="warning"))
    if missing.words:
        action = f"words among {kind} that stand for a missing value"
        finding = missing.finding("missing_words", action, count=missing.n_rows)
        findings.append(replace(finding, override=""))
    return findings
