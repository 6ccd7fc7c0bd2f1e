"""Dual-typed columns: those worth reading by a second rule, too.

Names are also read as text, and repeated texts and frequent words among numbers as categories.
"""

from __future__ import annotations

import numpy as np

from automl.cleaning.cells import Cells, Spelled, as_words
from automl.cleaning.kinds import Rule
from automl.cleaning.kinds.category import CategoryRule
from automl.cleaning.kinds.date import DateRule
from automl.cleaning.kinds.duration import DurationRule
from automl.cleaning.kinds.number import NumberRule
from automl.cleaning.kinds.parts import PartsRule, find_number_shape
from automl.cleaning.kinds.text import TextRule
from automl.columns import Categories, Column

_STRAYS_ARE_CATEGORIES = "its frequent other words are categories, too"
# What is said of a column, by the kinds of its two rules; there are no other pairs.
SECOND_READINGS = {
    ("number", "category"): _STRAYS_ARE_CATEGORIES,
    ("date", "category"): _STRAYS_ARE_CATEGORIES,
    ("duration", "category"): _STRAYS_ARE_CATEGORIES,
    ("category", "text"): "many categories, in few rows each: read as text, too",
    ("category", "parts"): "categories that differ in their numbers alone: read as numbers, too",
    ("text", "category"): "texts that several rows have: categories, too",
}
_MIN_STRAY_ROWS = 10  # with a word among numbers, to make it a category
_MIN_SHAPE_SHARE = 0.95  # of the categories have the same shape
_MIN_SPELLED_LEVELS = 40  # of fewer categories, each is known by itself
# Rows of each category on average; with more, its spelling says no more than the category itself.
_MAX_ROWS_A_LEVEL = 5.0
_MIN_MEAN_LENGTH = 3.0  # characters on average: shorter categories have no spelling
_MIN_REPEATED_SHARE = 0.15  # of the rows with a text have one that an earlier row has
_MAX_TEXT_LENGTH = 1_000  # characters of a text that becomes a category in the predictor's file
_MAX_TEXTS = 10_000  # that become categories, the most frequent ones


def find_second_rule(rule: Rule, cells: Cells) -> Rule | None:
    """Return the second rule by which a column is worth reading; None for most.

    Categories that are many and rare (names, products, places as people write them) are alike where
    their letters are, which a code doesn't say. A text that many rows hold, such as a title, says
    by itself something that its words don't.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.cleaning.cells import read_cells
    >>> names = [f"{name} street {number}" for name in ("Elm", "Oak") for number in range(30)]
    >>> streets = read_cells(pd.Series(names))
    >>> find_second_rule(CategoryRule(tuple(streets.words)), streets).kind
    'text'
    >>> stories = read_cells(pd.Series(["the same old story", "another one", "the same old story"]))
    >>> find_second_rule(TextRule(), stories).levels
    ('the same old story',)
    >>> amounts = read_cells(pd.Series(["1", *["x"] * 10, *["none"] * 10]))
    >>> find_second_rule(NumberRule(strays=("x", "none")), amounts).levels
    ('none', 'x')
    """
    if not isinstance(cells, Spelled):
        return None
    if isinstance(rule, (NumberRule, DateRule, DurationRule)):
        return _rule_of_strays(rule.strays, cells)
    if isinstance(rule, CategoryRule):
        parts = _rule_of_parts(cells)
        if parts is None and _has_telling_spelling(cells):
            return TextRule()
        return parts
    if isinstance(rule, TextRule):
        return _rule_of_repeated_texts(cells)
    return None


def read_second(
    rule: Rule,
    cells: Cells,
    first: Column,
) -> tuple[Column, ...]:
    """Read a column by its second rule.

    A known category is spelled as at fit, however the cells are: pandas makes 1234 of 01234.

    >>> import pandas as pd
    >>> from automl.cleaning.cells import read_cells
    >>> cells = read_cells(pd.Series([1234, 77]))
    >>> first = CategoryRule(("01234", "abc")).read(cells).column
    >>> list(*read_second(TextRule(), cells, first))
    ['01234', '77']
    """
    if not isinstance(first, Categories):
        return rule.read(cells).columns
    spelled = as_words(cells)
    known = first.codes >= 0
    levels = np.full(len(spelled.words), -1)
    levels[spelled.codes[known]] = first.codes[known]
    words = spelled.words.copy()
    for index, level in enumerate(levels.tolist()):
        if level >= 0:
            words[index] = first.levels[level]
    as_at_fit = Spelled(spelled.codes, words)
    return rule.read(as_at_fit).columns


def _rule_of_strays(strays: tuple[str, ...], cells: Spelled) -> CategoryRule | None:
    """Return the frequent words among numbers, unless they only say that a number is missing."""
    if not strays:
        return None
    known = set(strays)
    frequent: list[str] = []
    counts = cells.counts().tolist()
    for word, count in zip(cells.words, counts, strict=True):
        if word in known and count >= _MIN_STRAY_ROWS:
            frequent.append(str(word))
    has_blanks = bool((cells.codes < 0).any())
    n_needed = 1 if has_blanks else 2
    if len(frequent) < n_needed:
        return None
    levels = sorted(frequent)
    return CategoryRule(tuple(levels))


def _rule_of_parts(cells: Spelled) -> PartsRule | None:
    """Return the rule for numbers in categories that differ in nothing else."""
    if cells.is_categorical:
        return None
    words = cells.words.tolist()
    shape = find_number_shape(words)
    if shape is None or shape.n_parts < 2:
        return None
    first_numbers = shape.parse(words)[:, 0]
    has_shape = ~np.isnan(first_numbers)
    if has_shape.mean() < _MIN_SHAPE_SHARE:
        return None
    return PartsRule(shape)


def _has_telling_spelling(cells: Spelled) -> bool:
    n_words = len(cells.words)
    if n_words < _MIN_SPELLED_LEVELS:
        return False
    if cells.counts().sum() > _MAX_ROWS_A_LEVEL * n_words:
        return False
    lengths = [len(word) for word in cells.words]
    return float(np.mean(lengths)) >= _MIN_MEAN_LENGTH


def _rule_of_repeated_texts(cells: Spelled) -> CategoryRule | None:
    """Return the texts that several rows hold, if many rows do."""
    counts = cells.counts()
    n_rows = counts.sum()
    if n_rows - len(counts) < _MIN_REPEATED_SHARE * n_rows:
        return None
    repeated: list[tuple[int, str]] = []
    for word, count in zip(cells.words, counts.tolist(), strict=True):
        if count > 1 and len(word) <= _MAX_TEXT_LENGTH:
            repeated.append((-count, str(word)))
    most_frequent = sorted(repeated)[:_MAX_TEXTS]
    levels = sorted(word for _, word in most_frequent)
    return CategoryRule(tuple(levels))
