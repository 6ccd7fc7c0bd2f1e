"""Split texts into words or character n-grams, and weigh them by TF-IDF."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Matrix
from automl.columns import Texts
from automl.features._base import Names

Indices = npt.NDArray[np.int32]
Strings = list[str]

WORD = re.compile(r"\w+")
NGRAM_SIZES = (3, 4)  # letters
MAX_VOCABULARY = 5_000
MAX_SAMPLED_TEXTS = 20_000  # from which the vocabulary and the components are learnt
MAX_SAMPLED_CHARACTERS = 10_000_000  # of all these texts together: two seconds' reading
MIN_MEDIAN_WORDS = 3  # texts of fewer words are names or codes, and split into n-grams
MAX_LETTERS_PER_WORD = 15  # on average; longer words are a script without spaces
BLOCK_TEXTS = 4_096  # texts that are held as tokens at a time

# The weight of how often a word occurs; a table, so that equal counts give equal bits.
MAX_COUNT = 4096
COUNTS = np.arange(1, MAX_COUNT + 1)
SUBLINEAR_COUNTS = 1 + np.log(COUNTS)


def words(text: str) -> Strings:
    """Return the words of a text, and its pairs of neighbouring words.

    >>> words("Red wine, dry")
    ['red', 'wine', 'dry', 'red wine', 'wine dry']
    """
    lowered = text.lower()
    singles = WORD.findall(lowered)
    neighbours = pairwise(singles)
    pairs = [f"{first} {second}" for first, second in neighbours]
    return singles + pairs


def letters(text: str) -> Strings:
    """Return the three and four neighbouring letters of a text, with a space around each word.

    >>> letters("Ann B")
    [' an', 'ann', 'nn ', ' ann', 'ann ', ' b ']
    """
    ngrams = []
    lowered = text.lower()
    for word in WORD.findall(lowered):
        padded = f" {word} "
        for size in NGRAM_SIZES:
            n_starts = len(padded) - size + 1
            ngrams += [padded[start : start + size] for start in range(n_starts)]
    return ngrams


ANALYZERS = {"words": words, "letters": letters}


@dataclass(frozen=True, eq=False)
class Weighed:
    """The words of a column's distinct texts with their weights, and the text of each row.

    Parameters
    ----------
    texts, words : ndarray of shape (n_entries,), int32
        Indices of distinct texts and of words of the vocabulary, ordered by text and word.
    weights : ndarray of shape (n_entries,), float32
        Those of each text are a vector of length 1.
    n_texts : int
        Number of distinct texts.
    rows : ndarray of shape (n_rows,), int32
        The distinct text of each row.
    """

    texts: Indices
    words: Indices
    weights: Matrix
    n_texts: int
    rows: Indices

    def sums(self, components: Matrix) -> Floats:
        """Return sums of the weights times each component, as (n_components, n_rows), float64.

        `bincount` adds in the order of a text's words, one after the other, so a row's sums don't
        depend on the other rows.
        """
        n_components = len(components)
        if self.n_texts == 1:
            sums = self._sums_of_one_text(components)
            return sums[:, self.rows]
        shape = (n_components, self.n_texts)
        sums = np.empty(shape)
        for index, component in enumerate(components):
            word_values = component[self.words]
            weighted = self.weights * word_values
            sums_of_texts = np.bincount(self.texts, weighted, self.n_texts)
            sums[index] = sums_of_texts
        return sums[:, self.rows]

    def _sums_of_one_text(self, components: Matrix) -> Floats:
        """Return the sums of shape (n_components, 1): all components in one step."""
        n_components = len(components)
        if not len(self.words):
            return np.zeros((n_components, 1))
        word_values = components[:, self.words]
        weighted = self.weights * word_values
        running = np.add.accumulate(weighted, axis=1, dtype=np.float64)
        totals = running[:, -1:]
        positive_zero = 0.0  # that `bincount` begins with: no sum is a negative zero
        return totals + positive_zero

    def matrix(self, n_words: int) -> Any:
        """Return the weights as a sparse float32 matrix of shape (n_texts, n_words).

        It needs SciPy, which predicting does not.
        """
        from scipy.sparse import csr_array

        n_boundaries = self.n_texts + 1
        boundaries = np.arange(n_boundaries)
        starts = np.searchsorted(self.texts, boundaries)
        starts = starts.astype(np.int32)
        entries = (self.weights, self.words, starts)
        shape = (self.n_texts, n_words)
        return csr_array(entries, shape=shape)


@dataclass
class _Entries:
    """The text, the word and the weight of each entry of a block of texts."""

    texts: Indices
    words: Indices
    weights: Matrix


@dataclass(frozen=True, eq=False)
class WordVocabulary:
    """Words, and how rare they are.

    Parameters
    ----------
    analyzer : {"words", "letters"}
    words : tuple of str
    rarity : ndarray of shape (n_words,), float64
        The inverse document frequency.
    reads : int
        Number of characters of a text that are read.
    """

    analyzer: str
    words: Names
    rarity: Floats
    reads: int

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words)}

    def weigh(self, column: Texts) -> Weighed:
        """Return the TF-IDF weights of the known words of a column.

        They are computed once per vocabulary, as long as the column lives.
        """
        return column.cached(self._key, partial(self._weigh, column))

    @cached_property
    def _key(self) -> str:
        """What is equal for equal vocabularies alone."""
        settings = [self.analyzer, self.reads, *self.words]
        text = json.dumps(settings)
        digest = hashlib.sha256(text.encode())
        digest.update(self.rarity.tobytes())
        return digest.hexdigest()

    def _weigh(self, column: Texts) -> Weighed:
        strings = [string[: self.reads] for string in column]
        distinct = list(dict.fromkeys(strings))
        index_of = {string: index for index, string in enumerate(distinct)}
        rows = [index_of[string] for string in strings]
        n_texts = len(distinct)
        blocks = []
        stop = max(1, n_texts)
        for start in range(0, stop, BLOCK_TEXTS):
            end = start + BLOCK_TEXTS
            block_strings = distinct[start:end]
            block = self._weigh_block(block_strings)
            block.texts += start
            blocks.append(block)
        texts = [block.texts for block in blocks]
        words = [block.words for block in blocks]
        weights = [block.weights for block in blocks]
        return Weighed(
            np.concatenate(texts),
            np.concatenate(words),
            np.concatenate(weights),
            n_texts,
            np.array(rows, np.int32),
        )

    def _weigh_block(self, strings: Strings) -> _Entries:
        """Return the weights of the words of distinct texts."""
        n_texts = len(strings)
        known = [self._known_words(string) for string in strings]
        counts = [len(indices) for indices in known]
        n_known = np.array(counts, np.int64)
        text_indices = np.arange(n_texts)
        texts = np.repeat(text_indices, n_known)
        n_entries = len(texts)
        indices = chain.from_iterable(known)
        words = np.fromiter(indices, np.int64, n_entries)
        n_words = len(self.words)
        n_words = max(1, n_words)
        pairs = texts * n_words + words
        distinct_pairs, occurrences = np.unique(pairs, return_counts=True)
        texts, words = np.divmod(distinct_pairs, n_words)
        occurrences = np.minimum(occurrences, MAX_COUNT)
        count_weights = SUBLINEAR_COUNTS[occurrences - 1]
        weights = count_weights * self.rarity[words]
        squares = weights * weights
        squared_lengths = np.bincount(texts, squares, n_texts)
        lengths = np.sqrt(squared_lengths)
        unit_weights = weights / lengths[texts]
        return _Entries(
            texts.astype(np.int32),
            words.astype(np.int32),
            unit_weights.astype(np.float32),
        )

    def _known_words(self, string: str) -> list[int]:
        """Return the indices of a text's words, without those that the vocabulary lacks."""
        index = self._index
        analyze = ANALYZERS[self.analyzer]
        return [index[word] for word in analyze(string) if word in index]


def fit_vocabulary(column: Texts, reads: int, seed: int) -> WordVocabulary:
    """Find the most frequent words of a sample of texts; without words if they hold none.

    Parameters
    ----------
    column : Texts
    reads : int
        Number of characters of each text that are read.
    seed : int
    """

    def fit() -> WordVocabulary:
        strings = [string[:reads] for string in column if string]
        return _fit_vocabulary(strings, reads, seed)

    key = ("vocabulary", reads, seed)
    return column.cached(key, fit)


def _fit_vocabulary(strings: Strings, reads: int, seed: int) -> WordVocabulary:
    sample = sample_texts(strings, seed)
    analyzer = "words"
    if sample:
        analyzer = choose_analyzer(sample)
    analyze = ANALYZERS[analyzer]
    counts: Counter[str] = Counter()
    for string in sample:
        distinct_words = set(analyze(string))
        counts.update(distinct_words)
    known = sorted(_most_frequent(counts))
    n_texts = [counts[word] for word in known]
    frequencies = np.array(n_texts, np.float64)
    n_sampled = 1 + len(sample)
    ratios = n_sampled / (1 + frequencies)
    rarity = np.log(ratios) + 1
    return WordVocabulary(analyzer, tuple(known), rarity, reads)


def _most_frequent(counts: Counter[str]) -> Strings:
    """Return the words that occur in most texts; those of one text only if there are no others."""
    recurring = [word for word in counts if counts[word] > 1]
    candidates = sorted(recurring or counts)
    candidates.sort(key=counts.__getitem__, reverse=True)
    return candidates[:MAX_VOCABULARY]


def sample_texts(strings: Strings, seed: int) -> Strings:
    """Return a random sample of texts in their order, limited in texts and in characters."""
    rng = np.random.default_rng(seed)
    n_texts = len(strings)
    shuffled = rng.permutation(n_texts)
    drawn = shuffled[:MAX_SAMPLED_TEXTS]
    lengths = [len(strings[row]) for row in drawn]
    n_characters = np.cumsum(lengths)
    fits = n_characters <= MAX_SAMPLED_CHARACTERS
    fitting = drawn[fits]
    rows = np.sort(fitting)
    return [strings[row] for row in rows]


def choose_analyzer(strings: Strings) -> str:
    """Return whether texts are split into "words" or "letters"."""
    n_words = []
    n_letters = 0
    for string in strings:
        found = WORD.findall(string)
        n_words.append(len(found))
        n_letters += sum(map(len, found))
    if np.median(n_words) < MIN_MEDIAN_WORDS:
        return "letters"
    total_words = sum(n_words)
    if n_letters > MAX_LETTERS_PER_WORD * total_words:
        return "letters"
    return "words"
