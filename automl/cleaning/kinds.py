"""Infer the kind of a raw column: number, category, flag, date or text."""

from __future__ import annotations

import re

import numpy as np

from automl.cleaning import dates, durations, numbers
from automl.cleaning.cells import Cells, Spelled, Typed, as_words
from automl.cleaning.decimals import UNKNOWN, DecimalSign, weigh
from automl.cleaning.quantities import (
    Inferred,
    has_date_name,
    infer_dates,
    infer_durations,
    infer_moments,
    infer_numbers,
    infer_parts,
)
from automl.cleaning.rules import (
    FALSE_WORDS,
    TRUE_WORDS,
    CategoryRule,
    DateRule,
    DurationRule,
    FlagRule,
    NumberRule,
    PartsRule,
    Rule,
    TextRule,
)
from automl.cleaning.shapes import shape_of
from automl.cleaning.signs import sizes_of
from automl.cleaning.vocabulary import Vocabulary
from automl.columns import Floats
from automl.finding import Finding

KINDS = ("number", "category", "flag", "date", "text")
MAX_LEVELS = 1_000_000

_MAX_NEW_LEVEL_SHARE = 0.05  # of the rows with a category of their own; more, and none surprises
_MAX_FLAG_SPELLINGS = 6  # no, No, NO, yes, Yes, YES
_FLAG_WORDS = (
    {"false", "true"},
    {"no", "yes"},
    {"f", "t"},
    {"n", "y"},
)
_MIN_UNNAMED_EPOCH = 9e11  # in milliseconds: less is no epoch unless the name is a date's
_MIN_TEXTS = 20  # different words; fewer are categories
_TEXT_SAMPLE_WORDS = 2_000
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"
)  # scripts without spaces


def infer(name: str, cells: Cells, sign: DecimalSign = UNKNOWN) -> Inferred:
    """Infer the kind of a column from its cells.

    Parameters
    ----------
    name : str
        The column's name: it helps to tell moments from other numbers.
    cells : Cells
        The cells, without missing words and blanks around them.
    sign : DecimalSign, optional
        The decimal sign of the file.

    Examples
    --------
    >>> from automl.cleaning.cells import read_cells, tidy
    >>> import pandas as pd
    >>> columns = (["$1", "2"], ["no", "yes"], ["01234", "9"])
    >>> [infer("a", tidy(read_cells(pd.Series(words)))).rule.kind for words in columns]
    ['number', 'flag', 'category']
    """
    if isinstance(cells, Typed):
        return _infer_typed(name, cells)
    column = Vocabulary.of(name, cells)
    if cells.fixed:
        return Inferred(_category_rule(column))
    if not column.words:
        return Inferred(CategoryRule())
    if is_flag(column.words):
        return Inferred(_flag_rule(column.words))
    return (
        infer_numbers(column, sign)
        or infer_dates(column)
        or infer_durations(column)
        or infer_parts(column, sign)
        or _infer_words(column)
    )


def force(name: str, cells: Cells, kind: str, sign: DecimalSign = UNKNOWN) -> Inferred:
    """Return the rule of the kind that the user chose, fitted to the cells of a column."""
    if kind == "text":
        return Inferred(TextRule())
    if kind == "flag":
        return Inferred(FlagRule())
    if kind == "number":
        return Inferred(_forced_number_rule(cells, sign))
    spelled = as_words(cells)
    if kind == "date":
        return Inferred(_forced_date_rule(spelled))
    column = Vocabulary.of(name, spelled)
    return Inferred(_category_rule(column))


def _forced_date_rule(cells: Spelled) -> DateRule:
    words = cells.words.tolist()
    if dates.are_compact(words):
        return DateRule(dates.COMPACT)
    layout = (
        dates.find_digit_format(words, short=True)
        or dates.find_format(words)
        or dates.find_epoch(words, "date")
        or dates.ISO
    )
    return DateRule(layout)


def _forced_number_rule(cells: Cells, sign: DecimalSign) -> Rule:
    if isinstance(cells, Typed):
        if cells.form == "duration":
            return DurationRule()
        return NumberRule(sizes=sizes_of(cells.values))
    words = cells.words.tolist()
    comma = sign.of(weigh(words))
    values = numbers.read(words, comma=comma)
    n_unread = _count_missing(values)
    if n_unread > _count_missing(durations.parse(words)):
        return DurationRule(durations.minutes_first(words))
    rule = NumberRule(comma, sizes=sizes_of(values))
    if not n_unread:
        return rule
    shape = shape_of(words, comma=comma)
    if shape is None or shape.n_parts != 1:
        return rule
    values = shape.parse(words)
    return PartsRule(shape) if _count_missing(values) < n_unread else rule


def _count_missing(values: Floats) -> int:
    return int(np.isnan(values).sum())


def _infer_typed(name: str, cells: Typed) -> Inferred:
    if cells.form == "flag":
        return Inferred(FlagRule())
    if cells.form == "date":
        return Inferred(DateRule())
    if cells.form == "duration":
        return Inferred(DurationRule())
    moments = None
    if _may_be_moments(name, cells):
        column = Vocabulary.of(name, as_words(Typed(cells.values)))
        moments = infer_moments(column)
    if moments is not None:
        return moments
    return Inferred(NumberRule(sizes=sizes_of(cells.values)))


def _may_be_moments(name: str, cells: Typed) -> bool:
    present = cells.values[np.isfinite(cells.values)]
    if not len(present):
        return False
    is_named = has_date_name(name) or dates.is_moment_name(name)
    if not is_named and present.min() <= _MIN_UNNAMED_EPOCH:
        return False
    return bool((present == np.floor(present)).all())


def is_flag(words: list[str]) -> bool:
    """Return whether these distinct words are spellings of true and false, or of yes and no.

    >>> is_flag(["Yes", "No"]), is_flag(["yes", "false"]), is_flag(["0", "1"])
    (True, False, False)
    """
    if len(words) > _MAX_FLAG_SPELLINGS:
        return False
    folded = {word.casefold() for word in words}
    return folded in _FLAG_WORDS


def _flag_rule(words: list[str]) -> FlagRule:
    false = [word for word in words if word.casefold() in FALSE_WORDS]
    true = [word for word in words if word.casefold() in TRUE_WORDS]
    return FlagRule((false[0], true[0]))


def _infer_words(column: Vocabulary) -> Inferred:
    """Return the rule for free text or categories."""
    n_words = len(column.words)
    if _is_text(column):
        finding = column.finding("text", "taken as free text", count=n_words)
        return Inferred(TextRule(), (finding,))
    rule = _category_rule(column)
    if len(rule.levels) == n_words:
        return Inferred(rule)
    action = f"only the {MAX_LEVELS} most frequent of its categories are kept"
    columns = (column.name,)
    finding = Finding("levels", columns, "warning", n_words, action=action)
    return Inferred(rule, (finding,))


def _category_rule(column: Vocabulary) -> CategoryRule:
    words = column.words
    if len(words) > MAX_LEVELS:
        by_count = np.argsort(-column.counts, kind="stable")
        words = [words[index] for index in by_count[:MAX_LEVELS]]
    n_alone = (column.counts == 1).sum()
    is_open = bool(n_alone > _MAX_NEW_LEVEL_SHARE * column.n_rows)
    return CategoryRule(tuple(sorted(words)), is_open)


def _is_text(column: Vocabulary) -> bool:
    """Return whether cells have many words and mostly differ.

    Few long answers that repeat are categories.
    """
    if len(column.words) < _MIN_TEXTS:
        return False
    sample = column.sample(_TEXT_SAMPLE_WORDS)
    n_words = _mean([_count_words(text) for text in sample])
    length = _mean([len(text) for text in sample])
    distinct = len(column.words) / column.n_rows
    return (
        (n_words >= 3 and distinct >= 0.3)
        or (n_words >= 1.8 and distinct >= 0.8)
        or (n_words >= 2 and length >= 50 and distinct >= 0.2)
    )


def _mean(counts: list[int]) -> float:
    return float(np.mean(counts))


def _count_words(text: str) -> int:
    """Return the number of words, where two characters of a script without spaces are one."""
    unspaced = _UNSPACED.findall(text)
    return len(text.split()) + len(unspaced) // 2
