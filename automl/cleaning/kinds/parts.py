"""Words that differ in their numbers alone, such as 12/80: each number is a column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.cleaning.cells import Cells, Typed, as_words
from automl.cleaning.kinds.kind import (
    Inferred,
    Kind,
    RawColumn,
    Rule,
)
from automl.cleaning.reading import ReadColumn, count_unreadable
from automl.cleaning.saved_values import SavedState, saved_texts
from automl.cleaning.shapes import (
    HOLE,
    MAX_PARTS,
    Shape,
    find_shape,
)
from automl.cleaning.vocabulary import (
    MAX_STRAYS_KEPT,
    Vocabulary,
    stray_findings,
)
from automl.columns import Numbers
from automl.errors import UnsafeModel
from automl.finding import Finding
from automl.state import State

_MIN_WORDS_OF_SHAPE = 20  # different words of one shape; fewer are categories
_MIN_ROWS_A_WORD = 3.0  # on average, from which on words of one shape stay categories, too
_MAX_OTHER_SHAPE_SHARE = 0.05  # of the rows may hold words of another shape


@dataclass(frozen=True)
class PartsRule(Rule):
    """The numbers in words of one shape, one column each."""

    shape: Shape
    strays: tuple[str, ...] = ()

    kind = "parts"

    def read(self, cells: Cells) -> ReadColumn:
        """Return one or several columns of float64, NaN where missing or of another shape."""
        spelled = as_words(cells)
        words = spelled.words.tolist()
        table = self.shape.parse(words)
        counts = count_unreadable(spelled, table[:, 0], self.strays)
        columns = [Numbers(spelled.per_row(part)) for part in table.T]
        more = tuple(columns[1:])
        return ReadColumn(columns[0], *counts, further_columns=more)

    def describe(self) -> dict[str, Any]:
        """Return the shape, with # for each number, and how many numbers there are."""
        return {
            "shape": self.shape.for_people(),
            "parts": self.shape.n_parts,
        }

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
        if not 1 <= shape.n_parts <= MAX_PARTS:
            raise UnsafeModel("the model file holds a shape without numbers, or with too many")
        strays = saved_texts(state["strays"])
        return cls(shape, strays)


def infer(raw: RawColumn) -> Inferred | None:
    """Return the rule for words that differ in their numbers alone, unless they stay categories."""
    if isinstance(raw.cells, Typed):
        return None
    column = raw.vocabulary
    shape = find_number_shape(column.words, raw.sign.comma)
    if shape is None or _stays_category(shape, column):
        return None
    first_numbers = shape.parse(column.words)[:, 0]
    has_other_shape = np.isnan(first_numbers)
    others = column.select(has_other_shape)
    if others.n_rows > _MAX_OTHER_SHAPE_SHARE * column.n_rows:
        return None
    findings = [_parts_finding(column, shape)]
    findings += stray_findings(others, "numbers")
    rule = PartsRule(shape, others.first(MAX_STRAYS_KEPT))
    return Inferred(rule, tuple(findings))


def find_number_shape(words: list[str], comma: bool = False) -> Shape | None:
    """Return the shape of words that differ in their numbers alone, if they are many.

    >>> find_number_shape([f"{number}/80" for number in range(90, 120)]).for_people()
    '#/#'
    """
    if len(words) < _MIN_WORDS_OF_SHAPE:
        return None
    return find_shape(words, comma=comma)


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
    action = f"words of the shape {shape.for_people()!r}: {result}"
    return column.finding("parts", action, count=len(column.words))


PARTS = Kind(
    PartsRule,
    layout=Numbers,
    encoders="number",
    infer=infer,
)
