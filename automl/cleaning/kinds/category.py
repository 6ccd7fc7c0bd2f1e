"""Categories: the levels that were there at fit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from automl.cleaning import numbers
from automl.cleaning.cells import Cells, Typed, as_words
from automl.cleaning.kinds.kind import (
    Inferred,
    Kind,
    RawColumn,
    Rule,
)
from automl.cleaning.reading import ReadColumn, count_known_codes
from automl.cleaning.saved_values import SavedState, saved_texts
from automl.cleaning.vocabulary import Vocabulary
from automl.columns import Categories
from automl.errors import UnsafeModel
from automl.finding import Finding
from automl.state import State

_MAX_LEVELS = 1_000_000
_SCHEMA_EXAMPLES = 5
_MAX_NEW_LEVEL_SHARE = 0.05  # of the rows with a category of their own; more, and none surprises

Codes = dict[Any, int]


@dataclass(frozen=True)
class CategoryRule(Rule):
    """Codes of the levels that were there at fit.

    A number finds the one level that spells it (1.0 is "1", 1234 is "01234"), so that it makes no
    difference whether a file was read as text or by pandas.

    Parameters
    ----------
    levels : tuple of str
    is_open : bool
        Whether new levels keep coming, so that one at predict is not reported.
    """

    levels: tuple[str, ...] = ()
    is_open: bool = False
    _codes: Codes = field(init=False, repr=False, compare=False)

    kind = "category"

    def __post_init__(self) -> None:
        codes = _codes(self.levels)
        object.__setattr__(self, "_codes", codes)

    @cached_property
    def _codes_by_number(self) -> Codes:
        """The code of each number that exactly one level spells; -1 if several do."""
        parsed = numbers.parse(self.levels)
        values = parsed.values.tolist()
        codes: Codes = {}
        for code, value in enumerate(values):
            if np.isnan(value):
                continue
            is_repeated = value in codes
            codes[value] = -1 if is_repeated else code
        return codes

    @cached_property
    def _codes_by_case(self) -> Codes:
        folded = map(str.casefold, self.levels)
        return _codes(folded)

    def read(self, cells: Cells) -> ReadColumn:
        """Return int32 codes, -1 where missing or unseen."""
        spelled = as_words(cells)
        words = spelled.words.tolist()
        word_codes = _look_up(words, self._codes)
        word_codes.append(-1)  # of missing cells
        table = np.array(word_codes, np.int32)
        is_unknown = table[:-1] < 0
        unknown = np.flatnonzero(is_unknown)
        if len(unknown):
            others = [words[index] for index in unknown]
            respelled = self._respelled(others, cells)
            table[unknown] = respelled
        word_ids = spelled.codes
        codes = table[word_ids]
        column = Categories(codes, self.levels)
        present = count_known_codes(word_ids)
        if self.is_open:
            return ReadColumn(column, present)
        n_known = count_known_codes(codes)
        unseen = present - n_known
        return ReadColumn(column, present, n_unseen=unseen)

    def _respelled(self, words: list[str], cells: Cells) -> list[int]:
        """Return the codes of words that are spelled otherwise than the levels; -1 if unseen."""
        if _are_flags(cells):  # pandas made True of true
            folded = map(str.casefold, words)
            return _look_up(folded, self._codes_by_case)
        codes = self._codes_by_number
        if not codes:
            return [-1] * len(words)
        parsed = numbers.parse(words)
        values = parsed.values.tolist()
        return _look_up(values, codes)

    def describe(self) -> dict[str, Any]:
        """Return the number of levels, and examples of them."""
        examples = list(self.levels[:_SCHEMA_EXAMPLES])
        return {"levels": len(self.levels), "examples": examples}

    def to_state(self) -> State:
        """Return plain values."""
        levels = list(self.levels)
        if self.is_open:
            return {"levels": levels, "open": True}
        return {"levels": levels}

    @classmethod
    def from_state(cls, state: SavedState) -> CategoryRule:
        """Return the rule that `to_state` wrote."""
        levels = saved_texts(state["levels"])
        distinct = set(levels)
        if len(distinct) != len(levels):
            raise UnsafeModel("the model file holds a category twice")
        is_open = state.get("open", False)
        return cls(levels, bool(is_open))


def _are_flags(cells: Cells) -> bool:
    if isinstance(cells, Typed):
        return cells.kind == "flag"
    return False


def _codes(levels: Iterable[str]) -> Codes:
    return {level: code for code, level in enumerate(levels)}


def _look_up(keys: Iterable[Any], codes: Codes) -> list[int]:
    return [codes.get(key, -1) for key in keys]


def infer(raw: RawColumn) -> Inferred:
    """Return the rule of any column, with its most frequent levels."""
    column = raw.vocabulary
    n_words = len(column.words)
    rule = _rule_of(column)
    if len(rule.levels) == n_words:
        return Inferred(rule)
    action = f"only the {_MAX_LEVELS} most frequent of its categories are kept"
    columns = (column.name,)
    finding = Finding("levels", columns, "warning", n_words, action=action)
    return Inferred(rule, (finding,))


def _rule_of(column: Vocabulary) -> CategoryRule:
    words = column.words
    if len(words) > _MAX_LEVELS:
        by_count = np.argsort(-column.counts, kind="stable")
        words = [words[index] for index in by_count[:_MAX_LEVELS]]
    n_alone = (column.counts == 1).sum()
    is_open = bool(n_alone > _MAX_NEW_LEVEL_SHARE * column.n_rows)
    return CategoryRule(tuple(sorted(words)), is_open)


def force(raw: RawColumn) -> CategoryRule:
    """Return the rule of any column."""
    return _rule_of(raw.vocabulary)


CATEGORY = Kind(
    CategoryRule,
    layout=Categories,
    encoders="category",
    infer=infer,
    force=force,
)
