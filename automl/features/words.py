"""The words of texts, or their letters, and how much each weighs: TF-IDF."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.columns import Floats, Texts

Places = npt.NDArray[np.int32]
Weights = npt.NDArray[np.float32]

_WORD = re.compile(r"\w+")
_VOCABULARY = 5_000
_SAMPLE = 20_000  # texts the vocabulary and the components are learnt from
_CHARACTERS = 10_000_000  # all of these together: two seconds' reading
_SHORT = 3  # words; texts of fewer are names or codes, and read by letters
_LONG_WORD = 15  # letters; longer ones on average are a script without spaces
_DAMPED = 1 + np.log(
    np.arange(1, 4097)
)  # of how often a word occurs; a table, so that equal counts give equal bits
_BLOCK = 4_096  # texts held as tokens at a time


def words(text: str) -> list[str]:
    """Words and pairs of words.

    >>> words("Red wine, dry")
    ['red', 'wine', 'dry', 'red wine', 'wine dry']
    """
    found = _WORD.findall(text.lower())
    return found + [f"{first} {second}" for first, second in pairwise(found)]


def letters(text: str) -> list[str]:
    """Three and four letters in a row, a space at each word's ends.

    >>> letters("Ann B")
    [' an', 'ann', 'nn ', ' ann', 'ann ', ' b ']
    """
    found = []
    for word in _WORD.findall(text.lower()):
        padded = f" {word} "
        for size in (3, 4):
            found += [padded[start : start + size] for start in range(len(padded) - size + 1)]
    return found


ANALYZERS: dict[str, Callable[[str], list[str]]] = {"words": words, "letters": letters}


@dataclass(frozen=True, eq=False)
class Weighed:
    """The words of a column's different texts, and which of these each row holds.

    Parameters
    ----------
    texts, words : ndarray of shape (n_found,), int32
        Ordered by text and word.
    weights : ndarray of shape (n_found,), float32
        Each text's are of length 1.
    count : int
        How many different texts there are.
    rows : ndarray of shape (n_rows,), int32
        The text of each row.
    """

    texts: Places
    words: Places
    weights: Weights
    count: int
    rows: Places

    def sums(self, components: npt.NDArray[np.float32]) -> Floats:
        """Sums of the weights times each component's, of shape (n_components, n_rows), float64.

        `bincount` adds in order of the texts' words, one after the other: a row's sums don't depend on its neighbours.
        """
        raw = np.empty((len(components), self.count))
        for component, out in zip(components, raw, strict=True):
            out[:] = np.bincount(self.texts, self.weights * component[self.words], self.count)
        return raw[:, self.rows]

    def matrix(self, n_words: int) -> Any:
        """The weights as a sparse matrix of shape (n_texts, n_words), float32; needs SciPy, which predicting does not."""
        from scipy.sparse import csr_array

        starts = np.searchsorted(self.texts, np.arange(self.count + 1)).astype(np.int32)
        return csr_array((self.weights, self.words, starts), shape=(self.count, n_words))


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Words, and how rare they are.

    Parameters
    ----------
    analyzer : {"words", "letters"}
    words : tuple of str
    rarity : ndarray of shape (n_words,), float64
        The inverse document frequency.
    reads : int
        Characters of a text that are read.
    """

    analyzer: str
    words: tuple[str, ...]
    rarity: Floats
    reads: int

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.words)}

    def weigh(self, column: Texts) -> Weighed:
        """TF-IDF weights of the known words of a column; made once for each vocabulary, as long as the column lives."""
        return column.derived(
            (self.analyzer, self.words, self.rarity.tobytes(), self.reads),
            lambda: self._weigh(column),
        )

    def _weigh(self, column: Texts) -> Weighed:
        strings = [string[: self.reads] for string in column]
        different = list(dict.fromkeys(strings))
        place_of = {string: place for place, string in enumerate(different)}
        rows = np.fromiter((place_of[string] for string in strings), np.int32, len(strings))
        parts = [
            self._block(different[start : start + _BLOCK], start)
            for start in range(0, len(different), _BLOCK)
        ]
        texts, words, weights = (
            (np.concatenate(part) for part in zip(*parts, strict=True)) if parts else _NONE
        )
        return Weighed(texts, words, weights, len(different), rows)

    def _block(self, strings: Sequence[str], start: int) -> tuple[Places, Places, Weights]:
        known = [
            [self._index[word] for word in ANALYZERS[self.analyzer](string) if word in self._index]
            for string in strings
        ]
        texts = np.repeat(np.arange(len(known)), [len(found) for found in known])
        places = np.fromiter((place for found in known for place in found), np.int64, len(texts))
        pairs, counts = np.unique(texts * max(len(self.words), 1) + places, return_counts=True)
        texts, places = np.divmod(pairs, max(len(self.words), 1))
        weights = _DAMPED[np.minimum(counts, len(_DAMPED)) - 1] * self.rarity[places]
        of_length_1 = weights / np.sqrt(np.bincount(texts, weights * weights, len(known)))[texts]
        return (
            (texts + start).astype(np.int32),
            places.astype(np.int32),
            of_length_1.astype(np.float32),
        )


_NONE = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.float32))


def vocabulary_of(column: Texts, reads: int, seed: int) -> Vocabulary:
    """The words that the first characters of most of some texts hold, so many of each; without words if they hold none."""
    return column.derived(
        ("vocabulary", reads, seed),
        lambda: _vocabulary([string[:reads] for string in column if string], reads, seed),
    )


def _vocabulary(strings: list[str], reads: int, seed: int) -> Vocabulary:
    chosen = sample(strings, seed)
    analyzer = analyzer_of(chosen) if chosen else "words"
    counts: Counter[str] = Counter()
    for string in chosen:
        counts.update(set(ANALYZERS[analyzer](string)))
    common: Iterable[str] = [word for word, count in counts.items() if count > 1] or counts
    most = tuple(sorted(sorted(common, key=lambda word: (-counts[word], word))[:_VOCABULARY]))
    frequency = np.array([counts[word] for word in most], np.float64)
    return Vocabulary(analyzer, most, np.log((1 + len(chosen)) / (1 + frequency)) + 1, reads)


def sample(strings: list[str], seed: int) -> list[str]:
    """Some texts in their order: at most so many, and so many characters."""
    rows = np.random.default_rng(seed).permutation(len(strings))[:_SAMPLE]
    read = np.cumsum([len(strings[row]) for row in rows])
    return [strings[row] for row in np.sort(rows[read <= _CHARACTERS])]


def analyzer_of(strings: Sequence[str]) -> str:
    """Whether texts are read by words or by letters."""
    found = [_WORD.findall(string) for string in strings]
    n_words = [len(words) for words in found]
    n_letters = sum(len(word) for words in found for word in words)
    return (
        "letters"
        if np.median(n_words) < _SHORT or n_letters > _LONG_WORD * sum(n_words)
        else "words"
    )
