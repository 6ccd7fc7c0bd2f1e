"""What a column kind is: how its cells are recognised, read, laid out and encoded."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

from automl.cleaning.cells import Cells, as_words
from automl.cleaning.decimals import UNKNOWN, DecimalSign
from automl.cleaning.reading import ReadColumn
from automl.cleaning.saved_values import SavedState
from automl.cleaning.vocabulary import Vocabulary
from automl.columns import Categories, Numbers, Texts
from automl.finding import Finding
from automl.state import State


@dataclass(frozen=True)
class RawColumn:
    """A raw column, as the kinds look at it.

    Parameters
    ----------
    name : str
        The column's name: it helps to tell moments from other numbers.
    cells : Cells
        The cells, without missing words and blanks around them.
    sign : DecimalSign, optional
        The decimal sign of the file.
    """

    name: str
    cells: Cells
    sign: DecimalSign = UNKNOWN

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The distinct words of the column, as a CSV file would hold them."""
        return Vocabulary.of(self.name, as_words(self.cells))


class Rule(ABC):
    """How the cells of a column are read, fixed at fit.

    A cell's value never depends on other rows. Rules are frozen dataclasses.
    """

    kind: ClassVar[str]
    none_found: ClassVar[str] = ""
    """What an error says of a column of which no cell can be read; without it, all can be."""

    @abstractmethod
    def read(self, cells: Cells) -> ReadColumn:
        """Return the typed column of cells, row for row, and how many could not be read."""

    def to_state(self) -> State:
        """Return plain values that `from_state` reads."""
        return {}

    @classmethod
    def from_state(cls, state: SavedState) -> Self:
        """Return the rule that `to_state` wrote; UnsafeModel, KeyError or ValueError otherwise."""
        return cls()

    def describe(self) -> dict[str, Any]:
        """Return what the schema says of the column beyond its name and kind, as plain values."""
        return {}


@dataclass(frozen=True)
class Inferred:
    """The rule that was inferred for a column, and the findings about it."""

    rule: Rule
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of column.

    Parameters
    ----------
    rule : type of Rule
    layout : type of column
        How the values that a rule reads lie in memory.
    encoders : str
        The encoders that the values get by default: a name in `features.encoding.FITTERS`, which
        the columns that a rule reads carry as their `kind`.
    infer : callable
        Return the rule of a raw column and findings about it, or None to leave the column to the
        next kind.
    force : callable, optional
        Return the rule of a raw column for which the user chose this kind. Without it, users
        can't choose it.
    """

    rule: type[Rule]
    layout: type[Numbers] | type[Categories] | type[Texts]
    encoders: str
    infer: Callable[[RawColumn], Inferred | None]
    force: Callable[[RawColumn], Rule] | None = None

    @property
    def name(self) -> str:
        """The kind's name, in the schema and in the predictor's file."""
        return self.rule.kind
