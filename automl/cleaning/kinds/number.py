"""Numbers, with signs of currency, percent or thousands, too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats
from automl.cleaning import durations, numbers
from automl.cleaning.cells import Cells, Spelled, Typed
from automl.cleaning.decimals import DecimalSign, weigh_words
from automl.cleaning.kinds.date import infer_moments, infer_typed_moments
from automl.cleaning.kinds.duration import DurationRule
from automl.cleaning.kinds.kind import Inferred, Kind, RawColumn, Rule
from automl.cleaning.kinds.parts import PartsRule
from automl.cleaning.reading import ReadColumn, count_unreadable, read_typed, without_sentinels
from automl.cleaning.saved_values import SavedState, saved_sizes, saved_texts
from automl.cleaning.shapes import HOLE, Shape, find_shape
from automl.cleaning.signs import log_range
from automl.cleaning.vocabulary import (
    MAX_STRAYS_KEPT,
    MIN_SAMPLE_SHARE,
    SAMPLE_WORDS,
    Vocabulary,
    find_strays,
    stray_findings,
)
from automl.columns import Numbers
from automl.finding import Finding
from automl.state import State

_MIN_INEXACT_INTEGER = 2.0**53  # from here on whole numbers lose digits as float64
_MIN_NUMBERS_WITH_MARKS = 10  # different ones, if marks such as K and < are to count
_MAX_BOUND_SHARE = 0.5  # of different words may be bounds such as <1000


@dataclass(frozen=True)
class NumberRule(Rule):
    """Numbers.

    Parameters
    ----------
    comma : bool
        Whether the comma is the decimal sign.
    sentinels : tuple of float
        Values that mean missing.
    strays : tuple of str
        Words that were no numbers at fit.
    sizes : tuple of float, optional
        Decimal logarithms between which values lay at fit: they decide where 1,234 has two
        readings.
    """

    comma: bool = False
    sentinels: tuple[float, ...] = ()
    strays: tuple[str, ...] = ()
    sizes: tuple[float, float] | None = None

    kind = "number"
    none_found = "no number"

    def read(self, cells: Cells) -> ReadColumn:
        """Return float64, NaN where missing or unreadable."""
        if isinstance(cells, Spelled):
            words = cells.words.tolist()
            parsed = numbers.read(words, comma=self.comma)
            column = without_sentinels(cells.per_row(parsed), self.sentinels)
            counts = count_unreadable(cells, parsed, self.strays)
            return ReadColumn(column, *counts)
        return read_typed(cells, self.sentinels)

    def to_state(self) -> State:
        """Return plain values."""
        state = {
            "comma": self.comma,
            "sentinels": list(self.sentinels),
            "strays": list(self.strays),
        }
        if self.sizes is not None:
            state["sizes"] = list(self.sizes)
        return state

    @classmethod
    def from_state(cls, state: SavedState) -> NumberRule:
        """Return the rule that `to_state` wrote."""
        return cls(
            comma=bool(state["comma"]),
            sentinels=tuple(map(float, state["sentinels"])),
            strays=saved_texts(state["strays"]),
            sizes=saved_sizes(state.get("sizes")),
        )


def infer(raw: RawColumn) -> Inferred | None:
    """Return the rule for a column of numbers, or of moments written as numbers."""
    if isinstance(raw.cells, Typed):
        return _infer_typed(raw.name, raw.cells)
    return _infer_words(raw.vocabulary, raw.sign)


def _infer_typed(name: str, cells: Typed) -> Inferred | None:
    if cells.kind != "number":
        return None
    moments = infer_typed_moments(name, cells)
    if moments is not None:
        return moments
    return Inferred(NumberRule(sizes=log_range(cells.values)))


def _infer_words(column: Vocabulary, sign: DecimalSign) -> Inferred | None:
    words = column.words
    if not _is_worth_parsing(column) or numbers.have_leading_zeros(words):
        return None
    comma = sign.is_comma_in(weigh_words(words))
    plain = numbers.parse(words, comma=comma)
    values = _read_values(words, plain, comma)
    is_number = ~np.isnan(values)
    readable = is_number.copy()
    for index in np.flatnonzero(~is_number):
        readable[index] = numbers.is_infinite(words[index])
    strays = find_strays(column, readable)
    if strays is None or not is_number.any():
        return None
    good = column.select(readable)
    moments = infer_moments(good, strays.words)
    if moments is not None:
        return moments
    findings: list[Finding] = []
    n_numbers = is_number.sum()
    if plain.odd or plain.readable.sum() != n_numbers:
        findings += _odd_findings(column.select(is_number), comma)
    findings += stray_findings(strays, "numbers")
    n_lost = _count_lost(words, values)
    if n_lost:
        is_finite = len(good.words) == n_numbers
        if is_finite and all(map(_is_whole, good.words)):
            findings.append(_split_finding(column))
            digits = PartsRule(Shape(HOLE), strays.first(MAX_STRAYS_KEPT))
            return Inferred(digits, tuple(findings))
        findings.append(_lost_digits_finding(column, n_lost))
    unusable = column.select(~is_number)
    rule = NumberRule(
        comma,
        strays=unusable.first(MAX_STRAYS_KEPT),
        sizes=log_range(values),
    )
    return Inferred(rule, tuple(findings))


def _is_worth_parsing(column: Vocabulary) -> bool:
    """Return whether a sample of the words holds numbers: text is known from a few."""
    sample = column.sample(SAMPLE_WORDS)
    for comma in (False, True):
        parsed = numbers.parse(sample, comma=comma, marks=True)
        if parsed.readable.mean() >= MIN_SAMPLE_SHARE:
            return True
    return False


def _read_values(words: list[str], plain: numbers.Parsed, comma: bool) -> Floats:
    """Return the numbers; marks such as K and < count only if there are many different numbers."""
    if plain.readable.all():
        return plain.values
    values = numbers.read(words, comma=comma)
    if _count_distinct(values) < _MIN_NUMBERS_WITH_MARKS:
        return plain.values
    n_bounds = 0
    for word in words:
        first = word.lstrip()[:1]
        n_bounds += first in numbers.BOUNDS
    if n_bounds > _MAX_BOUND_SHARE * len(words):
        return plain.values
    return values


def _count_distinct(values: Floats) -> int:
    present = values[~np.isnan(values)]
    return len(np.unique(present))


def _odd_findings(column: Vocabulary, comma: bool) -> list[Finding]:
    """Report numbers that are not written as a programming language would."""

    def is_odd(word: str) -> bool:
        has_thousands = comma and "." in word
        return has_thousands or not _is_plain(word)

    odd = column.select(column.mask(is_odd))
    if not odd.words:
        return []
    action = "numbers written with signs of currency, percent or thousands were read"
    if comma:
        action += " (decimal comma)"
    return [odd.finding("number_text", action, count=odd.n_rows)]


def _is_plain(word: str) -> bool:
    if "_" in word:
        return False
    try:
        return bool(np.isfinite(float(word)))
    except ValueError:
        return False


def _is_whole(word: str) -> bool:
    if word.startswith(("-", "+")):
        word = word[1:]
    return word.isdecimal()


def _count_lost(words: list[str], values: Floats) -> int:
    """Return how many different words floats no longer tell apart, if there are long numbers."""
    is_inexact = np.abs(values) >= _MIN_INEXACT_INTEGER
    if not is_inexact.any():
        return 0
    return len(words) - _count_distinct(values)


def _lost_digits_finding(column: Vocabulary, n_lost: int) -> Finding:
    action = (
        f"numbers beyond 2^53 lost their last digits: {n_lost} of {len(column.words)} different "
        "ones are no longer told apart"
    )
    columns = (column.name,)
    override = column.category_option
    return Finding("digits_lost", columns, "warning", n_lost, (), action, override)


def _split_finding(column: Vocabulary) -> Finding:
    action = "whole numbers beyond 2^53: their first and their last digits became a column each"
    return column.finding("parts", action, count=len(column.words))


def force(raw: RawColumn) -> Rule:
    """Return the rule of numbers, durations or numbers in words: the one that reads most cells."""
    cells = raw.cells
    if isinstance(cells, Typed):
        if cells.kind == "duration":
            return DurationRule()
        return NumberRule(sizes=log_range(cells.values))
    words = cells.words.tolist()
    comma = raw.sign.is_comma_in(weigh_words(words))
    values = numbers.read(words, comma=comma)
    n_unread = _count_missing(values)
    if n_unread > _count_missing(durations.parse(words)):
        return DurationRule(durations.minutes_first(words))
    rule = NumberRule(comma, sizes=log_range(values))
    if not n_unread:
        return rule
    shape = find_shape(words, comma=comma)
    if shape is None or shape.n_parts != 1:
        return rule
    values = shape.parse(words)
    return PartsRule(shape) if _count_missing(values) < n_unread else rule


def _count_missing(values: Floats) -> int:
    return int(np.isnan(values).sum())


NUMBER = Kind(
    NumberRule,
    layout=Numbers,
    encoders="number",
    infer=infer,
    force=force,
)
