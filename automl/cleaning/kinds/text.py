"""Free text."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from automl.cleaning.cells import Cells, Typed, as_words
from automl.cleaning.kinds.kind import Inferred, Kind, RawColumn, Rule
from automl.cleaning.reading import ReadColumn, count_known_codes
from automl.cleaning.vocabulary import Vocabulary
from automl.columns import Texts

_MIN_TEXTS = 20  # different words; fewer are categories
_SAMPLE_TEXTS = 2_000
# Scripts without spaces. A pattern takes two milliseconds to compile, and predicting needs none.
_UNSPACED = "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]"


@dataclass(frozen=True)
class TextRule(Rule):
    """Free text as it is."""

    kind = "text"

    def read(self, cells: Cells) -> ReadColumn:
        """Return UTF-8 text, empty where missing."""
        spelled = as_words(cells)
        words = [*spelled.words.tolist(), ""]
        codes = spelled.codes.tolist()
        texts = [words[code] for code in codes]
        column = Texts.of(texts)
        return ReadColumn(column, count_known_codes(spelled.codes))


def infer(raw: RawColumn) -> Inferred | None:
    """Return the rule for cells of many words that mostly differ."""
    if isinstance(raw.cells, Typed) or not _is_text(raw.vocabulary):
        return None
    column = raw.vocabulary
    finding = column.finding("text", "taken as free text", count=len(column.words))
    return Inferred(TextRule(), (finding,))


def _is_text(column: Vocabulary) -> bool:
    """Return whether cells have many words and mostly differ.

    Few long answers that repeat are categories.
    """
    if len(column.words) < _MIN_TEXTS:
        return False
    sample = column.sample(_SAMPLE_TEXTS)
    n_words = _mean(list(map(_count_words, sample)))
    length = _mean(list(map(len, sample)))
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
    unspaced = re.findall(_UNSPACED, text)
    spaced = text.split()
    return len(spaced) + len(unspaced) // 2


def force(raw: RawColumn) -> TextRule:
    """Return the rule of any column."""
    return TextRule()


TEXT = Kind(
    TextRule,
    layout=Texts,
    encoders="text",
    infer=infer,
    force=force,
)
