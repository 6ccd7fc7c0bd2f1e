"""Twins: columns worth reading twice: names as text, repeated texts and words among numbers as categories."""

from __future__ import annotations

import numpy as np

from automl.cleaning.cells import Cells, Spelled, as_words
from automl.cleaning.kinds import numbers_within
from automl.cleaning.rules import (
    CategoryRule,
    DateRule,
    DurationRule,
    NumberRule,
    PartsRule,
    Rule,
    TextRule,
)
from automl.columns import Categories, Column

FEWEST_ROWS = 10  # with a word among numbers, to be a category of its own
SHARE = 0.95  # of the categories have the same shape
FEWEST = 40  # categories; of fewer, each is known by itself
ROWS = (
    5.0  # of each category on average, above which its spelling tells no more than it does itself
)
SHORTEST = 3.0  # characters on average: shorter ones have no spelling
AGAIN = 0.15  # of the rows that hold a text have one that an earlier row holds
LONGEST = (
    1_000  # characters of a text that may stand as a category: it lies in the predictor's file
)
MOST = 10_000  # such texts, the most frequent ones


def twin(rule: Rule, cells: Cells) -> Rule | None:
    """The second rule by which a column is worth reading; None for most.

    Categories that are many and rare (names, products, places as people write them) are alike where their letters are, which a code
    doesn't say; and a text that stands in many rows, such as a title, says by itself what its words don't.

    Examples
    --------
    >>> import pandas as pd
    >>> from automl.cleaning.cells import read_cells
    >>> towns = read_cells(pd.Series([f"{place} street {number}" for place in ("Elm", "Oak") for number in range(30)]))
    >>> twin(CategoryRule(tuple(towns.words)), towns).kind
    'text'
    >>> stories = read_cells(pd.Series(["the same old story", "another one", "the same old story"]))
    >>> twin(TextRule(), stories).levels
    ('the same old story',)
    >>> amounts = read_cells(pd.Series(["1", *["x"] * 10, *["none"] * 10]))
    >>> twin(NumberRule(strays=("x", "none")), amounts).levels
    ('none', 'x')
    """
    if not isinstance(cells, Spelled):
        return None
    if isinstance(rule, (NumberRule, DateRule, DurationRule)):
        return _words_among(rule.strays, cells)
    if isinstance(rule, CategoryRule):
        return _parts(cells) or (TextRule() if _is_spelled(cells) else None)
    return _again(cells) if isinstance(rule, TextRule) else None


def read_twin(rule: Rule, cells: Cells, first: Column) -> tuple[Column, ...]:
    """A column as its twin reads it; a known category is spelled as at fit, however the cells are: pandas makes 1234 of 01234.

    >>> import pandas as pd
    >>> from automl.cleaning.cells import read_cells
    >>> cells = read_cells(pd.Series([1234, 77]))
    >>> list(*read_twin(TextRule(), cells, CategoryRule(("01234", "abc")).read(cells).column))
    ['01234', '77']
    """
    if not isinstance(first, Categories):
        return rule.read(cells).columns
    spelled = as_words(cells)
    known = first.codes >= 0
    levels = np.full(len(spelled.words), -1)
    levels[spelled.codes[known]] = first.codes[known]
    words = [
        first.levels[level] if level >= 0 else word
        for level, word in zip(levels.tolist(), spelled.words.tolist(), strict=True)
    ]
    return rule.read(Spelled(spelled.codes, np.array(words, dtype=object))).columns


def _words_among(strays: tuple[str, ...], cells: Spelled) -> CategoryRule | None:
    """Return the frequent words among numbers, unless they only say that a number is missing."""
    if not strays:
        return None
    known = set(strays)
    counts = zip(cells.words, cells.counts().tolist(), strict=True)
    frequent = sorted(str(word) for word, count in counts if word in known and count >= FEWEST_ROWS)
    also_blank = bool((cells.codes < 0).any())
    return CategoryRule(tuple(frequent)) if len(frequent) > 1 - also_blank else None


def _parts(cells: Spelled) -> PartsRule | None:
    """The numbers in categories that differ in nothing else."""
    if cells.fixed:
        return None
    words, counts = cells.words.tolist(), cells.counts()
    shape = numbers_within(words, counts)
    if shape is None or shape.n_parts < 2:
        return None
    return PartsRule(shape) if (~np.isnan(shape.parse(words)[:, 0])).mean() >= SHARE else None


def _is_spelled(cells: Spelled) -> bool:
    n_words = len(cells.words)
    if n_words < FEWEST or cells.counts().sum() > ROWS * n_words:
        return False
    return float(np.mean([len(word) for word in cells.words])) >= SHORTEST


def _again(cells: Spelled) -> CategoryRule | None:
    """The texts that stand in several rows, if those are many."""
    counts = cells.counts()
    if counts.sum() - len(counts) < AGAIN * counts.sum():
        return None
    found = [
        (count, str(word))
        for word, count in zip(cells.words, counts.tolist(), strict=True)
        if count > 1 and len(word) <= LONGEST
    ]
    most = sorted(found, key=lambda one: (-one[0], one[1]))[:MOST]
    return CategoryRule(tuple(sorted(word for _, word in most)))
