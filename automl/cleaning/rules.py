"""How one raw column becomes a typed one: a rule for each kind, fixed at fit, so that a cell's value never depends on other rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from automl.cleaning import dates, durations, numbers
from automl.cleaning.cells import MISSING_NUMBERS, Cells, Spelled, Typed, as_words
from automl.cleaning.shapes import MOST_PARTS, Shape
from automl.columns import Categories, Column, Floats, Numbers, Texts
from automl.errors import UnsafeModel
from automl.state import State

TRUE_WORDS = frozenset(["true", "yes", "t", "y", "1", "1.0"])
FALSE_WORDS = frozenset(["false", "no", "f", "n", "0", "0.0"])


@dataclass(frozen=True)
class Read:
    """A column that a rule made, and how many cells it could make nothing of."""

    column: Column
    present: int  # cells that weren't missing
    unreadable: int = 0
    unseen: int = 0
    more: tuple[Column, ...] = ()  # further columns, of rules that make several

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns that were made."""
        return (self.column, *self.more)


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
        Decimal logarithms between which values lay at fit: what decides where 1,234 has two readings.
    """

    comma: bool = False
    sentinels: tuple[float, ...] = ()
    strays: tuple[str, ...] = ()
    sizes: tuple[float, float] | None = None

    kind = "number"

    def read(self, cells: Cells) -> Read:
        """Float64, NaN where missing or unreadable."""
        if isinstance(cells, Typed):
            wrong = cells.form == "date"
            values = np.full(len(cells.values), np.nan) if wrong else cells.values
            present = int((~np.isnan(cells.values)).sum())
            return Read(Numbers(self._without_sentinels(values)), present, present if wrong else 0)
        table = numbers.read(cells.words.tolist(), comma=self.comma)
        present, unreadable = _unreadable(cells, table, self.strays)
        return Read(Numbers(self._without_sentinels(cells.spread(table))), present, unreadable)

    def _without_sentinels(self, values: Floats) -> Floats:
        return (
            np.where(np.isin(values, self.sentinels), np.nan, values) if self.sentinels else values
        )

    def to_state(self) -> State:
        """Plain values."""
        state = {
            "comma": self.comma,
            "sentinels": list(self.sentinels),
            "strays": list(self.strays),
        }
        return state if self.sizes is None else {**state, "sizes": list(self.sizes)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> NumberRule:
        """The rule that `to_state` wrote."""
        sentinels = tuple(float(value) for value in state["sentinels"])
        return cls(
            bool(state["comma"]), sentinels, _texts(state["strays"]), _sizes(state.get("sizes"))
        )


@dataclass(frozen=True)
class DurationRule:
    """Durations and times of day, as seconds; `minutes` says that 4:03 is four minutes."""

    minutes: bool = False
    strays: tuple[str, ...] = ()

    kind = "duration"

    def read(self, cells: Cells) -> Read:
        """Float64, NaN where missing or unreadable; plain numbers are seconds already."""
        if isinstance(cells, Typed):
            return NumberRule().read(cells)
        words = cells.words.tolist()
        table = durations.parse(words, minutes=self.minutes)
        plain = numbers.parse(words).values
        table = np.where(np.isnan(table), plain, table)
        return Read(Numbers(cells.spread(table)), *_unreadable(cells, table, self.strays))

    def to_state(self) -> State:
        """Plain values."""
        return {"minutes": self.minutes, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> DurationRule:
        """The rule that `to_state` wrote."""
        return cls(bool(state["minutes"]), _texts(state["strays"]))


@dataclass(frozen=True)
class PartsRule:
    """The numbers in words of one shape, a column each."""

    shape: Shape
    strays: tuple[str, ...] = ()

    kind = "parts"

    def read(self, cells: Cells) -> Read:
        """One or several columns of float64, NaN where missing or of another shape."""
        spelled = as_words(cells)
        table = self.shape.parse(spelled.words.tolist())
        columns = [Numbers(spelled.spread(part)) for part in table.T]
        return Read(
            columns[0], *_unreadable(spelled, table[:, 0], self.strays), more=tuple(columns[1:])
        )

    def to_state(self) -> State:
        """Plain values."""
        return {"shape": self.shape.text, "comma": self.shape.comma, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> PartsRule:
        """The rule that `to_state` wrote."""
        (text,) = _texts([state["shape"]])
        shape = Shape(text, bool(state["comma"]))
        if not 1 <= shape.n_parts <= MOST_PARTS:
            raise UnsafeModel("the model file holds a shape without numbers, or with too many")
        return cls(shape, _texts(state["strays"]))


@dataclass(frozen=True)
class FlagRule:
    """True and false in any of their usual spellings; `words` are the two of this column, false first."""

    words: tuple[str, ...] = ("False", "True")

    kind = "flag"

    def read(self, cells: Cells) -> Read:
        """1.0 for true, 0.0 for false, NaN where missing or neither."""
        if isinstance(cells, Typed):
            values = np.where(
                np.isin(cells.values, (0.0, 1.0)) & (cells.form != "date"), cells.values, np.nan
            )
            present = int((~np.isnan(cells.values)).sum())
            return Read(Numbers(values, "flag"), present, present - int((~np.isnan(values)).sum()))
        table = np.array([_truth(word) for word in cells.words], np.float64)
        return Read(Numbers(cells.spread(table), "flag"), *_unreadable(cells, table, ()))

    def to_state(self) -> State:
        """Plain values."""
        return {"words": list(self.words)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> FlagRule:
        """The rule that `to_state` wrote."""
        return cls(_texts(state["words"]))


@dataclass(frozen=True)
class DateRule:
    """Dates of one format."""

    layout: str = dates.ISO
    strays: tuple[str, ...] = ()

    kind = "date"

    def read(self, cells: Cells) -> Read:
        """Seconds since 1970-01-01 UTC, NaN where missing or unreadable."""
        if isinstance(cells, Typed) and cells.form == "date":
            return Read(Numbers(cells.values, "date"), int((~np.isnan(cells.values)).sum()))
        spelled = as_words(cells)
        table = dates.read(spelled.words.tolist(), self.layout)
        return Read(
            Numbers(spelled.spread(table), "date"), *_unreadable(spelled, table, self.strays)
        )

    def to_state(self) -> State:
        """Plain values."""
        return {"layout": self.layout, "strays": list(self.strays)}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> DateRule:
        """The rule that `to_state` wrote."""
        if state["layout"] not in dates.FORMATS:
            raise UnsafeModel(
                f"the model file holds an unknown date format {str(state['layout'])[:40]!r}"
            )
        return cls(state["layout"], _texts(state["strays"]))


@dataclass(frozen=True)
class CategoryRule:
    """Codes into the levels seen at fit.

    A number finds the one level that spells it (1.0 is "1", 1234 is "01234"): whether a file was read as text or by pandas makes
    no difference.
    """

    levels: tuple[str, ...] = ()
    is_open: bool = False  # whether new levels keep coming, so that one at predict is no surprise
    _codes: dict[str, int] = field(init=False, repr=False, compare=False)

    kind = "category"

    def __post_init__(self) -> None:
        object.__setattr__(self, "_codes", {level: code for code, level in enumerate(self.levels)})

    @cached_property
    def _by_number(self) -> dict[float, int]:
        """The level of each number that exactly one level spells."""
        values = numbers.parse(self.levels).values
        found: dict[float, int] = {}
        for code, value in enumerate(values.tolist()):
            if value == value:
                found[value] = -1 if value in found else code
        return found

    @cached_property
    def _by_case(self) -> dict[str, int]:
        return {level.casefold(): code for code, level in enumerate(self.levels)}

    def read(self, cells: Cells) -> Read:
        """Int32 codes, -1 where missing or unseen."""
        flags = isinstance(cells, Typed) and cells.form == "flag"
        spelled = as_words(cells)
        words = spelled.words.tolist()
        table = np.array([self._codes.get(word, -1) for word in words], np.int32)
        unknown = np.flatnonzero(table < 0)
        if flags and len(unknown):  # pandas made True of true
            table[unknown] = [self._by_case.get(words[place].casefold(), -1) for place in unknown]
        elif len(unknown) and self._by_number:
            values = numbers.parse([words[place] for place in unknown]).values
            table[unknown] = [self._by_number.get(value, -1) for value in values.tolist()]
        codes = np.append(table, np.int32(-1))[spelled.codes].astype(np.int32, copy=False)
        present = int((spelled.codes >= 0).sum())
        unseen = 0 if self.is_open else present - int((codes >= 0).sum())
        return Read(Categories(codes, self.levels), present, unseen=unseen)

    def to_state(self) -> State:
        """Plain values."""
        return {"levels": list(self.levels)} | ({"open": True} if self.is_open else {})

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> CategoryRule:
        """The rule that `to_state` wrote."""
        levels = _texts(state["levels"])
        if len(set(levels)) != len(levels):
            raise UnsafeModel("the model file holds a category twice")
        return cls(levels, bool(state.get("open", False)))


@dataclass(frozen=True)
class TextRule:
    """Free text as it stands."""

    kind = "text"

    def read(self, cells: Cells) -> Read:
        """UTF-8 text, empty where missing."""
        spelled = as_words(cells)
        words = [*spelled.words.tolist(), ""]
        return Read(
            Texts.of([words[code] for code in spelled.codes.tolist()]),
            int((spelled.codes >= 0).sum()),
        )

    def to_state(self) -> State:
        """Plain values: none."""
        return {}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TextRule:
        """The rule that `to_state` wrote."""
        return cls()


Rule = NumberRule | DurationRule | PartsRule | FlagRule | DateRule | CategoryRule | TextRule

_KINDS: dict[str, Callable[[Mapping[str, Any]], Rule]] = {
    "number": NumberRule.from_state,
    "duration": DurationRule.from_state,
    "parts": PartsRule.from_state,
    "flag": FlagRule.from_state,
    "date": DateRule.from_state,
    "category": CategoryRule.from_state,
    "text": TextRule.from_state,
}


def rule_from_state(state: Mapping[str, Any]) -> Rule:
    """The rule whose `to_state`, with its `kind`, this is."""
    if not isinstance(state, dict) or str(state.get("kind")) not in _KINDS:
        raise UnsafeModel("the model file holds a column of an unknown kind")
    try:
        return _KINDS[str(state["kind"])](state)
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, UnsafeModel):
            raise
        raise UnsafeModel(
            f"the model file holds a damaged {state['kind']} column: {error!r}"
        ) from None


def _truth(word: str) -> float:
    folded = word.casefold()
    return 1.0 if folded in TRUE_WORDS else 0.0 if folded in FALSE_WORDS else np.nan


def _unreadable(cells: Spelled, table: Floats, strays: Sequence[str]) -> tuple[int, int]:
    """Count cells that are not missing, and those that gave nothing; strays of fit are missing."""
    counts = cells.counts()
    bad = np.isnan(table)
    if not bad.any():
        return int(counts.sum()), 0
    known = set(strays)
    stray = np.array(
        [
            is_bad and _is_missing(word, known)
            for word, is_bad in zip(cells.words, bad, strict=True)
        ],
        bool,
    )
    return int(counts[~stray].sum()), int(counts[bad & ~stray].sum())


def _is_missing(word: str, known: set[str]) -> bool:
    return word in known or word.casefold() in MISSING_NUMBERS or dates.is_nil(word)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        raise UnsafeModel("the model file holds something else where words are expected")
    return tuple(values)


def _sizes(values: Any) -> tuple[float, float] | None:
    if values is None:
        return None
    low, high = map(float, values)
    if not low <= high:
        raise UnsafeModel("the model file holds a column whose sizes do not increase")
    return low, high
