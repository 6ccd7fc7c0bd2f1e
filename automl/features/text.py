"""Text: how long it is, and what it is about (TF-IDF of its words or letters, reduced by a singular value decomposition)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from automl.columns import Column, Floats, Texts
from automl.features._base import Encoder, Matrix, OfOne, Plan, read, read_array, read_strings, refuse_unless, side_by_side, strings_of
from automl.features.feature import Feature
from automl.features.scaling import Scaler, fit_scaler, scalers_from_state, scalers_to_state
from automl.state import State

Indices = npt.NDArray[np.int64]

_WORD = re.compile(r"\w+")
_LONGEST = 4_000  # characters of a text that are read
_VOCABULARY = 5_000
_SAMPLE = 20_000  # texts the vocabulary and the components are learnt from
_CHARACTERS = 10_000_000  # all of these together: two seconds' reading
_BLOCK = 4_096  # texts held as tokens at a time
_SHORT = 3  # words; texts of fewer are names or codes, and read by letters
_LONG_WORD = 15  # letters; longer ones on average are a script without spaces
_DAMPED = 1 + np.log(np.arange(1, 4097))  # of how often a word occurs; a table, so that equal counts give equal bits


def words(text: str) -> list[str]:
    """Words and pairs of words.

    >>> words("Red wine, dry")
    ['red', 'wine', 'dry', 'red wine', 'wine dry']
    """
    found = _WORD.findall(text[:_LONGEST].lower())
    return found + [f"{first} {second}" for first, second in pairwise(found)]


def letters(text: str) -> list[str]:
    """Three and four letters in a row, a space at each word's ends.

    >>> letters("Ann B")
    [' an', 'ann', 'nn ', ' ann', 'ann ', ' b ']
    """
    found = []
    for word in _WORD.findall(text[:_LONGEST].lower()):
        padded = f" {word} "
        for size in (3, 4):
            found += [padded[start : start + size] for start in range(len(padded) - size + 1)]
    return found


_ANALYZERS: dict[str, Callable[[str], list[str]]] = {"words": words, "letters": letters}
_MEASURES: dict[str, Callable[[str], int]] = {"length": len, "words": lambda text: len(text.split())}


@dataclass(frozen=True)
class TextNumbers(OfOne):
    """Plain numbers about a text: its length in characters and its number of words.

    Examples
    --------
    >>> from automl.features.recipe import Recipe
    >>> column = Texts.of(["red wine", ""])
    >>> (encoder,) = fit_text_numbers("label", column, Plan(Recipe("native")))
    >>> encoder.transform(column).tolist()
    [[8.0, 2.0], [0.0, 0.0]]
    """

    kind: ClassVar[str] = "text_numbers"
    source: str
    measures: tuple[str, ...]
    scalers: tuple[Scaler, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a measure."""
        return tuple(Feature(f"{self.source} ({measure})", self.source) for measure in self.measures)

    def transform(self, column: Column) -> Matrix:
        """Features of shape (n_rows, n_measures), float32."""
        strings = strings_of(column, self.source)
        pairs = zip(self.measures, self.scalers, strict=True)
        return side_by_side([scaler.apply(_measured(measure, strings)) for measure, scaler in pairs], len(strings))

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"source": self.source, "measures": list(self.measures), "scalers": scalers_to_state(self.scalers)}

    @classmethod
    def from_state(cls, state: State) -> TextNumbers:
        """The encoder that `to_state` described."""
        measures, scalers = read_strings(state, "measures"), scalers_from_state(state, "scalers")
        refuse_unless(set(measures) <= set(_MEASURES), "an unknown measure of a text")
        refuse_unless(len(measures) == len(scalers), "a text should have one scaler a measure")
        return cls(read(state, "source", str), measures, scalers)


def _measured(measure: str, strings: Sequence[str]) -> Floats:
    return np.fromiter(map(_MEASURES[measure], strings), np.float64, len(strings))


@dataclass(frozen=True, eq=False)
class TextTopics(OfOne):
    """What a text is about: weights of its words by TF-IDF, multiplied by components.

    Parameters
    ----------
    source : str
    analyzer : {"words", "letters"}
    vocabulary : tuple of str
    rarity : ndarray of shape (n_words,), float64
        The inverse document frequency.
    components : ndarray of shape (n_components, n_words), float32
    scalers : tuple of Scaler
        One a component.
    """

    kind: ClassVar[str] = "text_topics"
    source: str
    analyzer: str
    vocabulary: tuple[str, ...]
    rarity: Floats
    components: Matrix
    scalers: tuple[Scaler, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a component."""
        return tuple(Feature(f"{self.source} (topic {place})", self.source) for place in range(1, len(self.scalers) + 1))

    @cached_property
    def _index(self) -> dict[str, int]:
        return {word: place for place, word in enumerate(self.vocabulary)}

    def transform(self, column: Column) -> Matrix:
        """Features of shape (n_rows, n_components), float32."""
        strings = strings_of(column, self.source)
        places = {string: place for place, string in enumerate(dict.fromkeys(strings))}
        raw = self.project(list(places))[:, np.fromiter((places[string] for string in strings), np.int64, len(strings))]
        return side_by_side([scaler.apply(part) for scaler, part in zip(self.scalers, raw, strict=True)], len(strings))

    def project(self, strings: Sequence[str]) -> Floats:
        """Components of shape (n_components, n_rows), float64, before they are scaled.

        `bincount` adds in order of the rows' words, one after the other: a row's sums don't depend on its neighbours.
        """
        raw = np.empty((len(self.components), len(strings)))
        for start in range(0, len(strings), _BLOCK):
            block = strings[start : start + _BLOCK]
            rows, places, weights = weigh(block, self.analyzer, self._index, self.rarity)
            for component, out in zip(self.components, raw, strict=True):
                out[start : start + len(block)] = np.bincount(rows, weights * component[places], len(block))
        return raw

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {
            "source": self.source,
            "analyzer": self.analyzer,
            "vocabulary": list(self.vocabulary),
            "rarity": self.rarity,
            "components": self.components,
            "scalers": scalers_to_state(self.scalers),
        }

    @classmethod
    def from_state(cls, state: State) -> TextTopics:
        """The encoder that `to_state` described."""
        analyzer, vocabulary = read(state, "analyzer", str), read_strings(state, "vocabulary")
        rarity, components = read_array(state, "rarity", np.float64, 1), read_array(state, "components", np.float32, 2)
        scalers = scalers_from_state(state, "scalers")
        refuse_unless(analyzer in _ANALYZERS, f"no analyzer {analyzer!r}")
        refuse_unless(components.shape == (len(scalers), len(vocabulary)), "components should fit the vocabulary")
        refuse_unless(len(rarity) == len(vocabulary), "rarity should fit the vocabulary")
        return cls(read(state, "source", str), analyzer, vocabulary, rarity, components, scalers)


def weigh(strings: Sequence[str], analyzer: str, index: dict[str, int], rarity: Floats) -> tuple[Indices, Indices, Floats]:
    """TF-IDF weights of the known words, each row's of length 1: rows, words and weights, ordered by row and word."""
    known = [[index[word] for word in _ANALYZERS[analyzer](string) if word in index] for string in strings]
    rows = np.repeat(np.arange(len(known)), [len(found) for found in known])
    places = np.fromiter((place for found in known for place in found), np.int64, len(rows))
    pairs, counts = np.unique(rows * max(len(index), 1) + places, return_counts=True)
    rows, places = np.divmod(pairs, max(len(index), 1))
    weights = _DAMPED[np.minimum(counts, len(_DAMPED)) - 1] * rarity[places]
    return rows, places, weights / np.sqrt(np.bincount(rows, weights * weights, len(known)))[rows]


def fit_text_numbers(source: str, column: Texts, plan: Plan) -> tuple[Encoder, ...]:
    """The encoder of a text's measures; none if all texts are empty."""
    strings = strings_of(column, source)
    if not any(strings):
        return ()
    scalers = (fit_scaler(plan.recipe.numbers, _measured(measure, strings)) for measure in _MEASURES)
    return (TextNumbers(source, tuple(_MEASURES), tuple(scalers)),)


def fit_text_topics(source: str, column: Texts, plan: Plan) -> tuple[Encoder, ...]:
    """The encoder of what texts are about; none if they hold no word."""
    seed = plan.seed_of(source)
    strings = _sample([string for string in strings_of(column, source) if string], seed)
    if not strings:
        return ()
    analyzer = _analyzer(strings)
    vocabulary, rarity = _vocabulary(strings, analyzer)
    if not vocabulary:
        return ()
    index = {word: place for place, word in enumerate(vocabulary)}
    components = _decompose(weigh(strings, analyzer, index, rarity), (len(strings), len(vocabulary)), plan.topics, seed)
    bare = TextTopics(source, analyzer, vocabulary, rarity, components, ())
    scalers = tuple(fit_scaler(plan.recipe.numbers, part) for part in bare.project(strings))
    return (TextTopics(source, analyzer, vocabulary, rarity, components, scalers),)


def _sample(strings: list[str], seed: int) -> list[str]:
    """Some of the texts in their order: at most so many, and so many characters."""
    rows = np.random.default_rng(seed).permutation(len(strings))[:_SAMPLE]
    read = np.cumsum([min(len(strings[row]), _LONGEST) for row in rows])
    return [strings[row] for row in np.sort(rows[read <= _CHARACTERS])]


def _analyzer(strings: Sequence[str]) -> str:
    found = [_WORD.findall(string[:_LONGEST]) for string in strings]
    n_words = [len(words) for words in found]
    n_letters = sum(len(word) for words in found for word in words)
    return "letters" if np.median(n_words) < _SHORT or n_letters > _LONG_WORD * sum(n_words) else "words"


def _vocabulary(strings: Sequence[str], analyzer: str) -> tuple[tuple[str, ...], Floats]:
    """The words that most texts hold, at least two of them if any is in two, and their inverse document frequencies."""
    counts: Counter[str] = Counter()
    for string in strings:
        counts.update(set(_ANALYZERS[analyzer](string)))
    common: Iterable[str] = [word for word, count in counts.items() if count > 1] or counts
    chosen = tuple(sorted(sorted(common, key=lambda word: (-counts[word], word))[:_VOCABULARY]))
    frequency = np.array([counts[word] for word in chosen], np.float64)
    return chosen, np.log((1 + len(strings)) / (1 + frequency)) + 1


def _decompose(weights: tuple[Indices, Indices, Floats], shape: tuple[int, int], most: int, seed: int) -> Matrix:
    """The first right singular vectors, those that only fit rounding errors left out; with one thread, so that bits don't vary."""
    from scipy.sparse import csr_array
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    rows, places, values = weights
    matrix: Any = csr_array((values, (rows, places)), shape=shape)
    with threadpool_limits(1):
        _, strengths, components = randomized_svd(matrix, min(most, *shape), n_iter=4, random_state=seed)
    kept: Matrix = components[strengths > 1e-6 * strengths[0]].astype(np.float32)
    return np.ascontiguousarray(kept)
