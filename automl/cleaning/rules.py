"""Rules by which raw columns are read, fixed at fit: a cell's value never depends on other rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from automl.cleaning import dates, durations, numbers
from automl.cleaning.category_rule import CategoryRule
from automl.cleaning.cells import Cells, Spelled, Typed, as_words
from automl.cleaning.reading import (
    Read,
    count_known,
    count_known_codes,
    count_unreadable,
    read_words,
)
from automl.cleaning.saved_values import SavedState, saved_sizes, saved_texts
from automl.cleaning.shapes import MOST_PARTS, Shape
from automl.columns import Floats, Numbers, Texts
from automl.errors import UnsafeModel
from automl.state import State

__all__ = [
    "FALSE_WORDS",
    "TRUE_WORDS",
    "CategoryRule",
    "DateRule",
    "DurationRule",
    "FlagRule",
    "NumberRule",
    "PartsRule",
    "Read",
    "Rule",
    "TextRule",
    "rule_from_state",
]

TRUE_WORDS = frozenset(["true", "yes", "t", "y", "1", "1.0"])
FALSE_WORDS = frozenset(["false", "no", "f", "n", "0", "0.0"])
_MAX_SHOWN_FORMAT = 40  # characters


@dataclass(frozen=True)
class NumberRule:
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

    def read(self, cells: Cells) -> Read:
        """Return float64, NaN where missing or unreadable."""
        if isinstance(cells, Spelled):
            words = cells.words.tolist()
            parsed = numbers.read(words, comma=self.comma)
            column = self._column(cells.spread(parsed))
            counts = count_unreadable(cells, parsed, self.strays)
            return Read(column, *counts)
        present = count_known(cells.values)
        if cells.form == "date":
            nothing = np.full_like(cells.values, np.nan)
            return Read(Numbers(nothing), present, unreadable=present)
        column = self._column(cells.values)
        return Read(column, present)

    def _column(self, values: Floats) -> Numbers:
        """Return a column in which sentinels are missing."""
        if not self.sentinels:
            return Numbers(values)
        is_sentinel = np.isin(values, self.sentinels)
        present = np.where(is_sentinel, np.nan, values)
        return Numbers(present)

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


@dataclass(frozen=True)
class DurationRule:
    """Durations and times of day, as seconds.

    Parameters
    ----------
    minutes : bool
        Whether 4:03 means four minutes.
    strays : tuple of str
        Words that were no durations at fit.
    """

    minutes: bool = False
    strays: tuple[str, ...] = ()

    kind = "duration"

    def read(self, cells: Cells) -> Read:
        """Return float64, NaN where missing or unreadable; plain numbers are seconds already."""
        if isinstance(cells, Typed):
            return NumberRule().read(cells)
        words = cells.words.tolist()
        seconds = durations.parse(words, minutes=self.minutes)
        plain = numbers.parse(words).values
        is_plain = np.isnan(seconds)
        seconds[is_plain] = plain[is_plain]
        return read_words(cells, seconds, self.strays)

    def to_state(self) -> State:
        """Return plain values."""
        return {"minutes": self.minutes, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: SavedState) -> DurationRule:
        """Return the rule that `to_state` wrote."""
        strays = saved_texts(state["strays"])
        return cls(bool(state["minutes"]), strays)


@dataclass(frozen=True)
class PartsRule:
    """The numbers in words of one shape, one column each."""

    shape: Shape
    strays: tuple[str, ...] = ()

    kind = "parts"

    def read(self, cells: Cells) -> Read:
        """Return one or several columns of float64, NaN where missing or of another shape."""
        spelled = as_words(cells)
        words = spelled.words.tolist()
        table = self.shape.parse(words)
        counts = count_unreadable(spelled, table[:, 0], self.strays)
        columns = [Numbers(spelled.spread(part)) for part in table.T]
        more = tuple(columns[1:])
        return Read(columns[0], *counts, more=more)

    def to_state(self) -> State:
        """Return plain values."""
        return {
            "shape": self.shape.text,
            "comma": self.shape.comma,
            "strays": list(self.strays),
        }

    @classmethod
    def from_state(cls, state: SavedState) -> PartsRule:
        """Return the rule that `to_state` wrote."""
        (text,) = saved_texts([state["shape"]])
        comma = bool(state["comma"])
        shape = Shape(text, comma)
        if not 1 <= shape.n_parts <= MOST_PARTS:
            raise UnsafeModel("the model file holds a shape without numbers, or with too many")
        strays = saved_texts(state["strays"])
        return cls(shape, strays)


@dataclass(frozen=True)
class FlagRule:
    """True and false in any of their usual spellings.

    Parameters
    ----------
    words : tuple of str
        The two spellings of this column, false first.
    """

    words: tuple[str, ...] = ("False", "True")

    kind = "flag"

    def read(self, cells: Cells) -> Read:
        """Return 1.0 for true, 0.0 for false, NaN where missing or neither."""
        if isinstance(cells, Spelled):
            flags = list(map(_flag, cells.words))
            table = np.array(flags, np.float64)
            return read_words(cells, table, kind="flag")
        is_flag = np.isin(cells.values, (0.0, 1.0))
        if cells.form == "date":
            is_flag[:] = False
        values = np.where(is_flag, cells.values, np.nan)
        present = count_known(cells.values)
        unreadable = present - count_known(values)
        return Read(Numbers(values, "flag"), present, unreadable)

    def to_state(self) -> State:
        """Return plain values."""
        return {"words": list(self.words)}

    @classmethod
    def from_state(cls, state: SavedState) -> FlagRule:
        """Return the rule that `to_state` wrote."""
        words = saved_texts(state["words"])
        return cls(words)


@dataclass(frozen=True)
class DateRule:
    """Dates of one format."""

    layout: str = dates.ISO
    strays: tuple[str, ...] = ()

    kind = "date"

    def read(self, cells: Cells) -> Read:
        """Return seconds since 1970-01-01 UTC, NaN where missing or unreadable."""
        if isinstance(cells, Typed) and cells.form == "date":
            column = Numbers(cells.values, "date")
            present = count_known(cells.values)
            return Read(column, present)
        spelled = as_words(cells)
        words = spelled.words.tolist()
        table = dates.read(words, self.layout)
        return read_words(spelled, table, self.strays, kind="date")

    def to_state(self) -> State:
        """Return plain values."""
        return {"layout": self.layout, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: SavedState) -> DateRule:
        """Return the rule that `to_state` wrote."""
        layout = state["layout"]
        if layout not in dates.FORMATS:
            shown = str(layout)[:_MAX_SHOWN_FORMAT]
            raise UnsafeModel(f"the model file holds an unknown date format {shown!r}")
        strays = saved_texts(state["strays"])
        return cls(layout, strays)


@dataclass(frozen=True)
class TextRule:
    """Free text as it is."""

    kind = "text"

    def read(self, cells: Cells) -> Read:
        """Return UTF-8 text, empty where missing."""
        spelled = as_words(cells)
        words = [*spelled.words.tolist(), ""]
        codes = spelled.codes.tolist()
        texts = [words[code] for code in codes]
        column = Texts.of(texts)
        return Read(column, count_known_codes(spelled.codes))

    def to_state(self) -> State:
        """Return plain values: none."""
        return {}

    @classmethod
    def from_state(cls, state: SavedState) -> TextRule:
        """Return the rule that `to_state` wrote."""
        return cls()


Rule = NumberRule | DurationRule | PartsRule | FlagRule | DateRule | CategoryRule | TextRule

_READERS: dict[str, Callable[[SavedState], Rule]] = {
    "number": NumberRule.from_state,
    "duration": DurationRule.from_state,
    "parts": PartsRule.from_state,
    "flag": FlagRule.from_state,
    "date": DateRule.from_state,
    "category": CategoryRule.from_state,
    "text": TextRule.from_state,
}


def rule_from_state(state: SavedState) -> Rule:
    """Return the rule that was saved by `to_state`, together with its `kind`.

    Raises
    ------
    UnsafeModel
        If the state is not one of a rule.
    """
    kind = ""
    if isinstance(state, dict):
        kind = str(state.get("kind"))
    if kind not in _READERS:
        raise UnsafeModel("the model file holds a column of an unknown kind")
    try:
        return _READERS[kind](state)
    except UnsafeModel:
        raise
    except (KeyError, TypeError, ValueError) as error:
        message = f"the model file holds a damaged {kind} column: {error!r}"
        raise UnsafeModel(message) from None


def _flag(word: str) -> float:
    folded = word.casefold()
    if folded in TRUE_WORDS:
        return 1.0
    if folded in FALSE_WORDS:
        return 0.0
    return np.nan
