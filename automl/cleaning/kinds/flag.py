"""Flags: true and false in any of their usual spellings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.cleaning.cells import Cells, Spelled, Typed
from automl.cleaning.kinds.kind import Inferred, Kind, RawColumn, Rule
from automl.cleaning.reading import ReadColumn, count_known, read_words
from automl.cleaning.saved_values import SavedState, saved_texts
from automl.columns import Numbers
from automl.state import State

TRUE_WORDS = frozenset(
    [
        "true",
        "yes",
        "t",
        "y",
        "1",
        "1.0",
    ]
)
FALSE_WORDS = frozenset(
    [
        "false",
        "no",
        "f",
        "n",
        "0",
        "0.0",
    ]
)

_MAX_SPELLINGS = 6  # no, No, NO, yes, Yes, YES
_PAIRS = (
    {"false", "true"},
    {"no", "yes"},
    {"f", "t"},
    {"n", "y"},
)


@dataclass(frozen=True)
class FlagRule(Rule):
    """True and false in any of their usual spellings.

    Parameters
    ----------
    words : tuple of str
        The two spellings of this column, false first.
    """

    words: tuple[str, ...] = ("False", "True")

    kind = "flag"
    none_found = "neither true nor false"

    def read(self, cells: Cells) -> ReadColumn:
        """Return 1.0 for true, 0.0 for false, NaN where missing or neither."""
        if isinstance(cells, Spelled):
            flags = list(map(_flag, cells.words))
            table = np.array(flags, np.float64)
            return read_words(cells, table, kind="flag")
        is_flag = np.isin(cells.values, (0.0, 1.0))
        if cells.kind == "date":
            is_flag[:] = False
        values = np.where(is_flag, cells.values, np.nan)
        present = count_known(cells.values)
        unreadable = present - count_known(values)
        return ReadColumn(Numbers(values, "flag"), present, unreadable)

    def describe(self) -> dict[str, Any]:
        """Return the two spellings."""
        return {"examples": list(self.words)}

    def to_state(self) -> State:
        """Return plain values."""
        return {"words": list(self.words)}

    @classmethod
    def from_state(cls, state: SavedState) -> FlagRule:
        """Return the rule that `to_state` wrote."""
        words = saved_texts(state["words"])
        return cls(words)


def _flag(word: str) -> float:
    folded = word.casefold()
    if folded in TRUE_WORDS:
        return 1.0
    if folded in FALSE_WORDS:
        return 0.0
    return np.nan


def infer(raw: RawColumn) -> Inferred | None:
    """Return the rule of a column with a boolean type, or with two words that say true and false.

    >>> from automl.cleaning.cells import Spelled
    >>> codes = np.array([0, 1])
    >>> yes_no = Spelled(codes, np.array(["Yes", "No"], object))
    >>> infer(RawColumn("left", yes_no)).rule.words
    ('No', 'Yes')
    """
    if isinstance(raw.cells, Typed):
        return Inferred(FlagRule()) if raw.cells.kind == "flag" else None
    words = raw.vocabulary.words
    if not is_flag(words):
        return None
    return Inferred(_rule_of(words))


def is_flag(words: list[str]) -> bool:
    """Return whether these distinct words are spellings of true and false, or of yes and no.

    >>> is_flag(["Yes", "No"]), is_flag(["yes", "false"]), is_flag(["0", "1"])
    (True, False, False)
    """
    if len(words) > _MAX_SPELLINGS:
        return False
    folded = {word.casefold() for word in words}
    return folded in _PAIRS


def _rule_of(words: Sequence[str]) -> FlagRule:
    false = [word for word in words if word.casefold() in FALSE_WORDS]
    true = [word for word in words if word.casefold() in TRUE_WORDS]
    return FlagRule((false[0], true[0]))


def force(raw: RawColumn) -> FlagRule:
    """Return the rule of any column."""
    return FlagRule()


FLAG = Kind(
    FlagRule,
    layout=Numbers,
    encoders="flag",
    infer=infer,
    force=force,
)
