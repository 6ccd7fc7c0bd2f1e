"""Encode texts: their length, their topics, and scores of the target by their words.

Topics are the TF-IDF weights of a text's words or letters, reduced by a singular value
decomposition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from automl.arrays import Floats, Integers, Matrix, Rows
from automl.columns import Column, Texts
from automl.features._base import (
    EncoderPlan,
    Encoders,
    Names,
    SingleColumn,
    as_texts,
    read_array,
    read_source,
    read_strings,
    read_value,
    refuse_unless,
    text_strings,
)
from automl.features.feature import Features, features_of
from automl.features.joint_scaling import JointScaler
from automl.features.scaling import (
    Scalers,
    fit_scaler,
    scalers_from_state,
    scalers_to_state,
)
from automl.features.target import N_CROSS_FITTING_FOLDS, TargetColumns
from automl.features.words import ANALYZERS, Weighed, WordVocabulary, fit_vocabulary
from automl.folds import sample_rows
from automl.state import State

MAX_TOPIC_ROWS = 20_000  # from whose texts topics are learnt
MIN_RELATIVE_STRENGTH = 1e-6  # of a topic to the first one; weaker ones only fit rounding errors
RIDGE_PENALTY = 1.0  # on weights of length 1
RIDGE_TOLERANCE = 1e-3  # of the solver; with a smaller one the words explain no more
MAX_RIDGE_ROWS = 100_000  # from which the words' scores are learnt
MEASURES: dict[str, Callable[[str], int]] = {
    "length": len,
    "words": lambda text: len(text.split()),
}


@dataclass(frozen=True)
class TextNumbers(SingleColumn):
    """Measure a text: its length in characters and its number of words.

    Examples
    --------
    >>> from automl.features.recipe import Recipe
    >>> column = Texts.of(["red wine", ""])
    >>> (encoder,) = fit_text_numbers("label", column, EncoderPlan(Recipe("native")))
    >>> encoder.transform(column).tolist()
    [[8.0, 2.0], [0.0, 0.0]]
    """

    kind: ClassVar[str] = "text_numbers"
    source: str
    measures: Names
    scalers: Scalers

    @cached_property
    def features(self) -> Features:
        """One feature per measure."""
        names = [f"{self.source} ({measure})" for measure in self.measures]
        return features_of(self.source, names)

    def transform(self, column: Column) -> Matrix:
        """Return features of shape (n_rows, n_measures), float32."""
        strings = text_strings(column, self.source)
        measured = [_measure(measure, strings) for measure in self.measures]
        values = np.array(measured).reshape(len(measured), len(strings))
        return self._scaler.apply(values).T

    @cached_property
    def _scaler(self) -> JointScaler:
        return JointScaler(self.scalers)

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {
            "source": self.source,
            "measures": list(self.measures),
            "scalers": scalers_to_state(self.scalers),
        }

    @classmethod
    def from_state(cls, state: State) -> TextNumbers:
        """Return the encoder that `to_state` described."""
        measures = read_strings(state, "measures")
        scalers = scalers_from_state(state, "scalers")
        are_known = set(measures) <= set(MEASURES)
        refuse_unless(are_known, "an unknown measure of a text")
        refuse_unless(len(measures) == len(scalers), "a text should have one scaler per measure")
        return cls(read_source(state), measures, scalers)


def _measure(measure: str, strings: Sequence[str]) -> Floats:
    function = MEASURES[measure]
    values = map(function, strings)
    return np.fromiter(values, np.float64, len(strings))


@dataclass(frozen=True, eq=False)
class TextSums(SingleColumn):
    """Sum a component over a text's words, each with its TF-IDF weight.

    A component is a topic, or the share of each word in a score of the target.

    Parameters
    ----------
    source : str
    names : tuple of str
        One per sum.
    vocabulary : Vocabulary
    components : ndarray of shape (n_sums, n_words), float32
    scalers : tuple of Scaler
        One per sum.
    """

    kind: ClassVar[str] = "text_sums"
    source: str
    names: Names
    vocabulary: WordVocabulary
    components: Matrix
    scalers: Scalers

    @cached_property
    def features(self) -> Features:
        """One feature per sum."""
        names = [f"{self.source} ({name})" for name in self.names]
        return features_of(self.source, names)

    def transform(self, column: Column) -> Matrix:
        """Return features of shape (n_rows, n_sums), float32."""
        texts = as_texts(column, self.source)
        weighed = self.vocabulary.weigh(texts)
        sums = weighed.sums(self.components)
        return self._scaler.apply(sums).T

    @cached_property
    def _scaler(self) -> JointScaler:
        return JointScaler(self.scalers)

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
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
        """Return the encoder that `to_state` described."""
        source = read_source(state)
        names = read_strings(state, "names")
        vocabulary = _read_vocabulary(state)
        components = read_array(state, "components", np.float32, 2)
        scalers = scalers_from_state(state, "scalers")
        n_sums, n_words = components.shape
        refuse_unless(n_sums == len(scalers), "sums should have a scaler each")
        refuse_unless(n_sums == len(names), "sums should have a name each")
        n_known_words = len(vocabulary.words)
        refuse_unless(n_words == n_known_words, "components should fit the vocabulary")
        return cls(source, names, vocabulary, components, scalers)


def _read_vocabulary(state: State) -> WordVocabulary:
    analyzer = read_value(state, "analyzer", str)
    words = read_strings(state, "vocabulary")
    rarity = read_array(state, "rarity", np.float64, 1)
    reads = read_value(state, "reads", int)
    refuse_unless(analyzer in ANALYZERS, f"no analyzer {analyzer!r}")
    refuse_unless(len(rarity) == len(words), "rarity should fit the vocabulary")
    return WordVocabulary(analyzer, words, rarity, reads)


def fit_text_numbers(
    source: str,
    column: Texts,
    plan: EncoderPlan,
) -> Encoders:
    """Fit the encoder of a text's measures; return none if all texts are empty."""
    strings = text_strings(column, source)
    if not any(strings):
        return ()
    measures = tuple(MEASURES)
    measured = [_measure(measure, strings) for measure in measures]
    scalers = _fit_scalers(plan.recipe.numbers, measured)
    encoder = TextNumbers(source, measures, scalers)
    return (encoder,)


def fit_text_topics(
    source: str,
    column: Texts,
    plan: EncoderPlan,
) -> Encoders:
    """Fit the encoder of texts' topics; return none if the texts hold no word."""
    seed = plan.column_seed(source)
    vocabulary = fit_vocabulary(column, plan.recipe.reads, seed)
    n_words = len(vocabulary.words)
    if not n_words:
        return ()
    weighed = vocabulary.weigh(column)
    topics = _fit_topics(weighed, n_words, plan.max_topics, seed)
    sums = weighed.sums(topics)
    scalers = _fit_scalers(plan.recipe.numbers, sums)
    numbers = range(1, len(topics) + 1)
    names = tuple(f"topic {number}" for number in numbers)
    encoder = TextSums(source, names, vocabulary, topics, scalers)
    return (encoder,)


def fit_text_scores(
    source: str,
    column: Texts,
    plan: EncoderPlan,
    targets: TargetColumns,
) -> tuple[TextSums, Matrix] | None:
    """Fit scores of the target by a text's words, with ridge regression on their weights.

    Returns
    -------
    encoder : TextSums
        Fitted on all rows to learn from.
    crossed : ndarray of shape (n_train, n_outputs), float32
        For the rows to learn from: each row's value learnt from the other inner folds.
    """
    seed = plan.column_seed(source)
    vocabulary = fit_vocabulary(column, plan.recipe.reads, seed)
    n_words = len(vocabulary.words)
    if not n_words:
        return None
    weighed = vocabulary.weigh(column)
    train_texts = weighed.rows[targets.rows]
    word_weights = weighed.matrix(n_words)[train_texts]
    ridge = _Ridge.of(word_weights, targets, plan.seed)
    all_rows = np.arange(len(train_texts))
    components = ridge.fit(all_rows)
    crossed = ridge.cross_fit(targets.folds)
    scores = crossed.T
    scalers = _fit_scalers(plan.recipe.numbers, scores)
    names = tuple(f"words' {name}" for name in targets.names)
    encoder = TextSums(source, names, vocabulary, components, scalers)
    scaled = JointScaler(scalers).apply(scores)
    return encoder, scaled.T


def _fit_scalers(method: str, parts: Iterable[Floats]) -> Scalers:
    return tuple(fit_scaler(method, part) for part in parts)


def _fit_topics(
    weighed: Weighed,
    n_words: int,
    max_topics: int,
    seed: int,
) -> Matrix:
    """Return the first right singular vectors, without those that only fit rounding errors.

    One thread computes them, so that bits don't vary.
    """
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits  # comes with scikit-learn

    n_rows = len(weighed.rows)
    sample = sample_rows(n_rows, MAX_TOPIC_ROWS, seed)
    texts = weighed.rows[sample]
    matrix = weighed.matrix(n_words)[texts]
    matrix = matrix.astype(np.float64)
    n_topics = min(max_topics, *matrix.shape)
    with threadpool_limits(1):
        _, strengths, components = randomized_svd(matrix, n_topics, n_iter=4, random_state=seed)
    is_strong = strengths > MIN_RELATIVE_STRENGTH * strengths[0]
    topics: Matrix = components[is_strong].astype(np.float32)
    return np.ascontiguousarray(topics)


@dataclass(frozen=True, eq=False)
class _Ridge:
    """Ridge regression of the target on the weights of words.

    Parameters
    ----------
    word_weights : sparse array of shape (n_train, n_words), float32
    targets : ndarray of shape (n_train, n_outputs), float64
        Centred.
    row_weights : ndarray of shape (n_train,), float64
    seed : int
    """

    word_weights: Any
    targets: Floats
    row_weights: Floats
    seed: int

    @classmethod
    def of(
        cls,
        word_weights: Any,
        targets: TargetColumns,
        seed: int,
    ) -> _Ridge:
        """Centre the target values."""
        values = targets.values
        means = np.average(values, axis=0, weights=targets.weights)
        centred = values - means
        row_weights = targets.weights
        if row_weights is None:
            row_weights = np.ones(len(values))
        return cls(word_weights, centred, row_weights, seed)

    def fit(self, rows: Rows) -> Matrix:
        """Return the coefficient of each word for each output, learnt from a sample of the rows.

        Their shape is (n_outputs, n_words). Without rows, they are 0.
        """
        n_outputs = self.targets.shape[1]
        n_words = self.word_weights.shape[1]
        if not len(rows):
            return np.zeros((n_outputs, n_words), np.float32)
        from sklearn.linear_model import ridge_regression
        from threadpoolctl import threadpool_limits

        indices = sample_rows(len(rows), MAX_RIDGE_ROWS, self.seed)
        sample = rows[indices]
        X = self.word_weights[sample].astype(np.float64)
        with threadpool_limits(1):
            coefficients: Any = ridge_regression(
                X,
                self.targets[sample],
                RIDGE_PENALTY,
                sample_weight=self.row_weights[sample],
                solver="sparse_cg",
                tol=RIDGE_TOLERANCE,
            )
        return np.atleast_2d(coefficients).astype(np.float32)

    def cross_fit(self, folds: Integers) -> Floats:
        """Return predictions of shape (n_train, n_outputs), each learnt from the other folds."""
        crossed = np.zeros_like(self.targets)
        for fold in range(N_CROSS_FITTING_FOLDS):
            is_held_out = folds == fold
            others = np.flatnonzero(~is_held_out)
            components = self.fit(others)
            held_out = self.word_weights[is_held_out]
            crossed[is_held_out] = held_out @ components.T
        return crossed
