"""Text: how long it is, what it is about (TF-IDF of its words or letters, reduced), and what its words tell of the target."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from automl.columns import Column, Floats, Rows, Texts
from automl.features._base import (
    Encoder,
    Matrix,
    OfOne,
    Plan,
    read,
    read_array,
    read_strings,
    refuse_unless,
    side_by_side,
    strings_of,
    texts_of,
)
from automl.features.feature import Feature
from automl.features.scaling import Scaler, fit_scaler, scalers_from_state, scalers_to_state
from automl.features.target import N_FOLDS, Targets
from automl.features.words import ANALYZERS, Vocabulary, Weighed, vocabulary_of
from automl.folds import some
from automl.state import State

_SOME = 20_000  # rows whose texts components are learnt from
_PENALTY = 1.0  # of ridge regression on weights of length 1
_EXACT = 1e-3  # of the solver: more exactly known, words tell no more
_MOST = 100_000  # rows that words are learnt from
_MEASURES: dict[str, Callable[[str], int]] = {
    "length": len,
    "words": lambda text: len(text.split()),
}


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
        return tuple(
            Feature(f"{self.source} ({measure})", self.source) for measure in self.measures
        )

    def transform(self, column: Column) -> Matrix:
        """Features of shape (n_rows, n_measures), float32."""
        strings = strings_of(column, self.source)
        return _scaled(
            self.scalers, [_measured(measure, strings) for measure in self.measures], len(strings)
        )

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {
            "source": self.source,
            "measures": list(self.measures),
            "scalers": scalers_to_state(self.scalers),
        }

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
class TextSums(OfOne):
    """Sums over a text's words, each by its TF-IDF weight: of a topic's components, or of what words tell of the target.

    Parameters
    ----------
    source : str
    names : tuple of str
        One a sum.
    vocabulary : Vocabulary
    components : ndarray of shape (n_sums, n_words), float32
    scalers : tuple of Scaler
        One a sum.
    """

    kind: ClassVar[str] = "text_sums"
    source: str
    names: tuple[str, ...]
    vocabulary: Vocabulary
    components: Matrix
    scalers: tuple[Scaler, ...]

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a sum."""
        return tuple(Feature(f"{self.source} ({name})", self.source) for name in self.names)

    def transform(self, column: Column) -> Matrix:
        """Features of shape (n_rows, n_sums), float32."""
        raw = self.vocabulary.weigh(texts_of(column, self.source)).sums(self.components)
        return _scaled(self.scalers, raw, raw.shape[1])

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {
            "source": self.source,
            "names": list(self.names),
            "analyzer": self.vocabulary.analyzer,
            "vocabulary": list(self.vocabulary.words),
            "rarity": self.vocabulary.rarity,
            "reads": self.vocabulary.reads,
            "components": self.components,
            "scalers": scalers_to_state(self.scalers),
        }

    @classmethod
    def from_state(cls, state: State) -> TextSums:
        """The encoder that `to_state` described."""
        analyzer, words, names = (
            read(state, "analyzer", str),
            read_strings(state, "vocabulary"),
            read_strings(state, "names"),
        )
        rarity, components = (
            read_array(state, "rarity", np.float64, 1),
            read_array(state, "components", np.float32, 2),
        )
        scalers = scalers_from_state(state, "scalers")
        refuse_unless(analyzer in ANALYZERS, f"no analyzer {analyzer!r}")
        refuse_unless(
            components.shape == (len(scalers), len(words)), "components should fit the vocabulary"
        )
        refuse_unless(len(rarity) == len(words), "rarity should fit the vocabulary")
        refuse_unless(len(names) == len(scalers), "sums should have a name each")
        return cls(
            read(state, "source", str),
            names,
            Vocabulary(analyzer, words, rarity, read(state, "reads", int)),
            components,
            scalers,
        )


def fit_text_numbers(source: str, column: Texts, plan: Plan) -> tuple[Encoder, ...]:
    """The encoder of a text's measures; none if all texts are empty."""
    strings = strings_of(column, source)
    if not any(strings):
        return ()
    scalers = (
        fit_scaler(plan.recipe.numbers, _measured(measure, strings)) for measure in _MEASURES
    )
    return (TextNumbers(source, tuple(_MEASURES), tuple(scalers)),)


def fit_text_topics(source: str, column: Texts, plan: Plan) -> tuple[Encoder, ...]:
    """The encoder of what texts are about; none if they hold no word."""
    seed = plan.seed_of(source)
    vocabulary = vocabulary_of(column, plan.recipe.reads, seed)
    if not vocabulary.words:
        return ()
    weighed = vocabulary.weigh(column)
    components = _decompose(weighed, len(vocabulary.words), plan.topics, seed)
    names = tuple(f"topic {place}" for place in range(1, len(components) + 1))
    scalers = tuple(fit_scaler(plan.recipe.numbers, part) for part in weighed.sums(components))
    return (TextSums(source, names, vocabulary, components, scalers),)


def fit_text_scores(
    source: str, column: Texts, plan: Plan, targets: Targets
) -> tuple[TextSums, Matrix] | None:
    """What a text's words tell of the target: ridge regression on their weights.

    Returns
    -------
    encoder : TextSums
        Fitted on all rows to learn from.
    crossed : ndarray of shape (n_train, n_outputs), float32
        For the rows to learn from: each row's value learnt from the other inner folds.
    """
    vocabulary = vocabulary_of(column, plan.recipe.reads, plan.seed_of(source))
    if not vocabulary.words:
        return None
    weighed = vocabulary.weigh(column)
    matrix = weighed.matrix(len(vocabulary.words))[weighed.rows[targets.rows]]
    values = targets.values - np.average(targets.values, axis=0, weights=targets.weights)
    counts = np.ones(len(values)) if targets.weights is None else targets.weights
    crossed = np.zeros_like(values)
    for fold in range(N_FOLDS):
        others = targets.folds != fold
        crossed[~others] = (
            matrix[~others] @ _ridge(matrix, values, counts, np.flatnonzero(others), plan.seed).T
        )
    components = _ridge(matrix, values, counts, np.arange(len(values)), plan.seed)
    scalers = tuple(fit_scaler(plan.recipe.numbers, part) for part in crossed.T)
    names = tuple(f"words' {name}" for name in targets.names)
    return TextSums(source, names, vocabulary, components, scalers), _scaled(
        scalers, crossed.T, len(crossed)
    )


def _scaled(scalers: Sequence[Scaler], parts: Iterable[Floats], n_rows: int) -> Matrix:
    """Features side by side, each scaled by its own."""
    return side_by_side(
        [scaler.apply(part) for scaler, part in zip(scalers, parts, strict=True)], n_rows
    )


def _decompose(weighed: Weighed, n_words: int, most: int, seed: int) -> Matrix:
    """The first right singular vectors, those that only fit rounding errors left out; with one thread, so that bits don't vary."""
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    matrix = weighed.matrix(n_words)[weighed.rows[some(len(weighed.rows), _SOME, seed)]].astype(
        np.float64
    )
    with threadpool_limits(1):
        _, strengths, components = randomized_svd(
            matrix, min(most, *matrix.shape), n_iter=4, random_state=seed
        )
    kept: Matrix = components[strengths > 1e-6 * strengths[0]].astype(np.float32)
    return np.ascontiguousarray(kept)


def _ridge(matrix: Any, values: Floats, counts: Floats, rows: Rows, seed: int) -> Matrix:
    """What each word adds, learnt from some of these rows; of shape (n_outputs, n_words), nothing where there are no rows."""
    if not len(rows):
        return np.zeros((values.shape[1], matrix.shape[1]), np.float32)
    from sklearn.linear_model import ridge_regression
    from threadpoolctl import threadpool_limits

    rows = rows[some(len(rows), _MOST, seed)]
    chosen = matrix[rows].astype(np.float64)
    with threadpool_limits(1):
        found: Any = ridge_regression(
            chosen,
            values[rows],
            _PENALTY,
            sample_weight=counts[rows],
            solver="sparse_cg",
            tol=_EXACT,
        )
    return np.atleast_2d(found).astype(np.float32)
