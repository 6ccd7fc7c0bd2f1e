"""Infer numbers, dates, durations and numbers within words from a column's distinct words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from automl.cleaning import dates, durations, numbers
from automl.cleaning.decimals import DecimalSign, weigh
from automl.cleaning.drops import has_id_name
from automl.cleaning.rules import (
    DateRule,
    DurationRule,
    NumberRule,
    PartsRule,
    Rule,
)
from automl.cleaning.shapes import HOLE, Shape, shape_of
from automl.cleaning.signs import sizes_of
from automl.cleaning.vocabulary import (
    Vocabulary,
    find_strays,
    has_digit,
    is_missing_word,
    stray_findings,
)
from automl.columns import Floats
from automl.finding import Finding

_MIN_INEXACT_INTEGER = 2.0**53  # from here on whole numbers lose digits as float64
_SAMPLE_WORDS = 200  # of a column; text is known from a few
_MIN_SAMPLE_SHARE = 0.5  # of the sample's words are readable, or the others are not looked at
_MIN_NUMBERS_WITH_MARKS = 10  # different ones, if marks such as K and < are to count
_MAX_BOUND_SHARE = 0.5  # of different words may be bounds such as <1000
_MIN_DURATIONS = 10  # different words; fewer are categories
_MAX_WORDS_AMONG_DATES = 5  # different words without a digit
_MIN_WORDS_OF_SHAPE = 20  # different words of one shape; fewer are categories
_MIN_ROWS_A_WORD = 3.0  # on average, from which on words of one shape stay categories, too
_MAX_OTHER_SHAPE_SHARE = 0.05  # of the rows may hold words of another shape
_MAX_STRAYS_KEPT = 200
_DATE_NAME = re.compile(r"date|day|time|(^|_)dt($|_)", re.IGNORECASE)


@dataclass(frozen=True)
class Inferred:
    """The rule that was inferred for a column, and the findings about it."""

    rule: Rule
    findings: tuple[Finding, ...] = ()


def has_date_name(name: str) -> bool:
    """Return whether a column is named like a date or a time.

    >>> has_date_name("order_date"), has_date_name("price")
    (True, False)
    """
    return _DATE_NAME.search(name) is not None


def infer_numbers(column: Vocabulary, sign: DecimalSign) -> Inferred | None:
    """Return the rule for a column of numbers, or of moments written as numbers."""
    words = column.words
    if not _is_worth_parsing(column) or numbers.are_codes(words):
        return None
    comma = sign.of(weigh(words))
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
            digits = PartsRule(Shape(HOLE), _first_strays(strays))
            return Inferred(digits, tuple(findings))
        findings.append(_lost_digits_finding(column, n_lost))
    unusable = column.select(~is_number)
    rule = NumberRule(
        comma,
        strays=_first_strays(unusable),
        sizes=sizes_of(values),
    )
    return Inferred(rule, tuple(findings))


def _first_strays(strays: Vocabulary) -> tuple[str, ...]:
    return tuple(strays.words[:_MAX_STRAYS_KEPT])


def _is_worth_parsing(column: Vocabulary) -> bool:
    """Return whether a sample of the words holds numbers: text is known from a few."""
    sample = column.sample(_SAMPLE_WORDS)
    for comma in (False, True):
        parsed = numbers.parse(sample, comma=comma, marks=True)
        if parsed.readable.mean() >= _MIN_SAMPLE_SHARE:
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


def infer_moments(column: Vocabulary, strays: Sequence[str] = ()) -> Inferred | None:
    """Return the rule for numbers that are moments.

    These are 20201231 in a column named like a date, 20201231235959, and epochs.
    """
    words = column.words
    is_named_date = has_date_name(column.name)
    layout: str | None = None
    if is_named_date and dates.are_compact(words):
        layout = dates.COMPACT
    if layout is None:
        layout = dates.find_digit_format(words, short=is_named_date)
    if layout is None and not has_id_name(column.name):
        layout = dates.find_epoch(words, column.name)
    if layout is None:
        return None
    kept = tuple(strays[:_MAX_STRAYS_KEPT])
    finding = _date_finding(column, layout)
    return Inferred(DateRule(layout, kept), (finding,))


def _date_finding(column: Vocabulary, layout: str) -> Finding:
    action = f"read as dates of the format {layout}"
    return column.finding("date", action, count=column.n_rows)


def infer_dates(column: Vocabulary) -> Inferred | None:
    """Return the rule for a column of dates."""
    is_missing = column.mask(is_missing_word)
    present = column.select(~is_missing)
    layout = _find_format(present.words)
    if layout is None:
        return None
    seconds = dates.read(column.words, layout)
    is_date = ~np.isnan(seconds) & ~is_missing
    readable = is_date | is_missing
    if find_strays(column, readable) is None:
        return None
    strays = column.select(~is_date)
    findings = [_date_finding(column, layout)]
    findings += stray_findings(strays, "dates")
    rule = DateRule(layout, _first_strays(strays))
    return Inferred(rule, tuple(findings))


def _find_format(words: list[str]) -> str | None:
    """Return the format of dates, leaving a few other words aside."""
    layout = dates.find_format(words)
    if layout is not None:
        return layout
    if not any(map(has_digit, words[:_SAMPLE_WORDS])):
        return None
    with_digits = [word for word in words if has_digit(word)]
    n_others = len(words) - len(with_digits)
    if n_others > _MAX_WORDS_AMONG_DATES:
        return None
    return dates.find_format(with_digits)


def infer_durations(column: Vocabulary) -> Inferred | None:
    """Return the rule for a column of durations or times of day."""
    words = column.words
    if len(words) < _MIN_DURATIONS:
        return None
    sample = durations.parse(column.sample(_SAMPLE_WORDS))
    if np.isnan(sample).mean() > 1 - _MIN_SAMPLE_SHARE:
        return None
    minutes = durations.minutes_first(words)
    seconds = durations.parse(words, minutes=minutes)
    readable = ~np.isnan(seconds)
    strays = find_strays(column, readable)
    if strays is None or readable.sum() < _MIN_DURATIONS:
        return None
    action = "read as durations or times of day, in seconds"
    if minutes:
        action += " (4:03 is four minutes)"
    good = column.select(readable)
    findings = [good.finding("duration", action, count=good.n_rows)]
    findings += stray_findings(strays, "durations")
    rule = DurationRule(minutes, _first_strays(strays))
    return Inferred(rule, tuple(findings))


def infer_parts(column: Vocabulary, sign: DecimalSign) -> Inferred | None:
    """Return the rule for words that differ in their numbers alone, unless they stay categories."""
    shape = find_number_shape(column.words, sign.comma)
    if shape is None or _stays_category(shape, column):
        return None
    first_numbers = shape.parse(column.words)[:, 0]
    has_other_shape = np.isnan(first_numbers)
    others = column.select(has_other_shape)
    if others.n_rows > _MAX_OTHER_SHAPE_SHARE * column.n_rows:
        return None
    findings = [_parts_finding(column, shape)]
    findings += stray_findings(others, "numbers")
    rule = PartsRule(shape, _first_strays(others))
    return Inferred(rule, tuple(findings))


def find_number_shape(words: list[str], comma: bool = False) -> Shape | None:
    """Return the shape of words that differ in their numbers alone, if they are many.

    >>> find_number_shape([f"{number}/80" for number in range(90, 120)]).shown()
    '#/#'
    """
    if len(words) < _MIN_WORDS_OF_SHAPE:
        return None
    return shape_of(words, comma=comma)


def _stays_category(shape: Shape, column: Vocabulary) -> bool:
    """Return whether words of a shape repeat and are more than an amount with its unit."""
    if column.n_rows < _MIN_ROWS_A_WORD * len(column.words):
        return False
    if shape.n_parts != 1 or "#" in shape.text:
        return True
    before_number, _, _ = shape.text.partition(HOLE)
    return any(map(str.isalpha, before_number))


def _parts_finding(column: Vocabulary, shape: Shape) -> Finding:
    if shape.n_parts == 1:
        result = "its number was read"
    else:
        result = f"its {shape.n_parts} numbers became columns"
    action = f"words of the shape {shape.shown()!r}: {result}"
    return column.finding("parts", action, count=len(column.words))
