"""An encoding: the fitted encoders of a table, in order, and the functions that fit it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from automl.arrays import Floats, Matrix, Rows
from automl.columns import Categories, Column, Columns, Texts
from automl.errors import InputError, UnsafeModel
from automl.features._base import Encoder, EncoderPlan, Encoders, read_states, read_value
from automl.features.category import Lookup, Native, OneHot, fit_category, has_target_means
from automl.features.column_ranking import most_predictive_columns
from automl.features.date import Date, fit_date
from automl.features.feature import Features
from automl.features.number import Number, fit_number
from automl.features.number_group import MAX_ROWS, NumberGroup
from automl.features.pairs import Arithmetic, Cross, fit_cross
from automl.features.piecewise import PiecewiseLinear
from automl.features.recipe import Recipe
from automl.features.screening import screen
from automl.features.target import TargetColumns, encode_targets, fit_target
from automl.features.text import (
    TextNumbers,
    TextSums,
    fit_text_numbers,
    fit_text_scores,
    fit_text_topics,
)
from automl.folds import sample_rows
from automl.state import State
from automl.task import Task

ENCODERS = {
    encoder.kind: encoder
    for encoder in (
        Number,
        PiecewiseLinear,
        Date,
        Native,
        OneHot,
        Lookup,
        TextNumbers,
        TextSums,
        Arithmetic,
        Cross,
    )
}

# What fits the encoders that a column gets by default, by the column's `kind`.
FITTERS: Mapping[str, Callable[[str, Any, EncoderPlan], Encoders]] = {
    "number": fit_number,
    "flag": fit_number,
    "date": fit_date,
    "category": fit_category,
    "text": fit_text_numbers,
}

# One-hot features: of one category column, and of all of them together if that is possible.
MAX_ONE_HOT_LEVELS = 50
MIN_LEVELS = 5
MAX_ALL_LEVELS = 500

# Pieces of the piecewise linear encoding: of one number column, and of all of them together.
MAX_PIECES = 16
MAX_ALL_PIECES = 800

# Topics: of one text column, and of all of them together if that is possible.
MAX_TOPICS = 32
MIN_TOPICS = 4
MAX_ALL_TOPICS = 160

# Bounded recipes.
MAX_BOUNDED_ROWS = 10_000  # from which they learn
MAX_BOUNDED_COLUMNS = 120  # that they use
ROWS_PER_BOUNDED_COLUMN = 5  # at least, but for the first 15 columns
MIN_BOUNDED_COLUMNS = 15
MAX_BOUNDED_LEVELS = 20  # one-hot features of one category column
MIN_BOUNDED_LEVELS = 3
MAX_ALL_BOUNDED_LEVELS = 120  # one-hot features of all category columns, but for 3 of each

FittedEncoder = tuple[Encoder, Matrix]  # with its cross-fitted features of the rows to learn from


@dataclass(frozen=True, eq=False)
class Encoding:
    """Fitted encoders in order: typed columns in, a model's input out.

    Parameters
    ----------
    encoders : tuple of Encoder

    Examples
    --------
    >>> from automl.columns import Numbers
    >>> age = Numbers(np.array([30.0, np.nan]))
    >>> city = Categories(np.array([0, -1], np.int32), ("Rome",))
    >>> columns = Columns({"age": age, "city": city}, 2)
    >>> encoding = fit_shared(Recipe("native"), columns, seed=0)
    >>> encoding.features
    (Feature(name='age', source='age', levels=0), Feature(name='city', source='city', levels=1))
    >>> encoding.transform(columns).tolist()
    [[30.0, 0.0], [nan, nan]]
    """

    encoders: Encoders = ()

    @cached_property
    def features(self) -> Features:
        """The features that the columns of a transformed table are."""
        return tuple(feature for encoder in self.encoders for feature in encoder.features)

    def transform(self, columns: Columns) -> Matrix:
        """Encode a table, which must have the columns that the encoding was fitted on.

        Returns
        -------
        X : ndarray of shape (n_rows, n_features), float32
            In C order, NaN where missing. A row depends on nothing but itself, bit for bit.

        Raises
        ------
        InputError
            If a column is missing or of another kind.
        """
        X = np.empty((columns.n_rows, len(self.features)), np.float32)
        found = {}
        for encoder in self.encoders:
            for source in encoder.sources:
                found[source] = _find_column(columns, source)
        numbers, others = self._together
        if columns.n_rows > MAX_ROWS:
            others = self._places
        else:
            numbers.write(X, found)
        for start, encoder in others:
            end = start + len(encoder.features)
            sources = [found[source] for source in encoder.sources]
            X[:, start:end] = encoder.transform(*sources)
        return X

    @cached_property
    def _places(self) -> Sequence[tuple[int, Encoder]]:
        """The encoders, each with the position of its first feature."""
        places = []
        start = 0
        for encoder in self.encoders:
            places.append((start, encoder))
            start += len(encoder.features)
        return places

    @cached_property
    def _together(self) -> tuple[NumberGroup, Sequence[tuple[int, Encoder]]]:
        """The encoders of numbers, which are applied together, and the others."""
        numbers = []
        starts = []
        others = []
        for start, encoder in self._places:
            if isinstance(encoder, Number):
                numbers.append(encoder)
                starts.append(start)
            else:
                others.append((start, encoder))
        return NumberGroup(tuple(numbers), np.array(starts, np.int64)), others

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        states = []
        for encoder in self.encoders:
            kind = {"kind": encoder.kind}
            states.append(kind | encoder.to_state())
        return {"encoders": states}

    @classmethod
    def from_state(cls, state: State) -> Encoding:
        """Return the encoding that `to_state` described.

        Raises
        ------
        UnsafeModel
            If the state names an unknown encoder, or its values don't fit together.
        """
        states = read_states(state, "encoders")
        return cls(tuple(map(_encoder_from_state, states)))


def _find_column(columns: Columns, source: str) -> Column:
    if source not in columns.by_name:
        raise InputError(
            f"no column {source!r}; the table needs the columns that the model was fitted on"
        )
    return columns[source]


def _encoder_from_state(state: State) -> Encoder:
    kind = read_value(state, "kind", str)
    if kind not in ENCODERS:
        known = ", ".join(ENCODERS)
        raise UnsafeModel(f"the encoders' state: no encoder {kind!r}; known are {known}")
    encoder_class = ENCODERS[kind]
    return encoder_class.from_state(state)


def fit_shared(recipe: Recipe, columns: Columns, seed: int) -> Encoding:
    """Fit every encoder that doesn't read the target, on all rows.

    Parameters
    ----------
    recipe : Recipe
        Topics of texts are left to the recipe `TOPICS_RECIPE`.
    columns : Columns
    seed : int
        Not negative. Equal seeds give equal encodings.
    """
    return _fit_columns(columns, _plan(recipe, columns, seed))


def _plan(recipe: Recipe, columns: Columns, seed: int) -> EncoderPlan:
    n_categories = len(columns.names("category"))
    n_numbers = len(columns.names("number"))
    n_texts = len(columns.names("text"))
    levels = MAX_ALL_LEVELS // max(n_categories, 1)
    levels = min(max(levels, MIN_LEVELS), MAX_ONE_HOT_LEVELS)
    return EncoderPlan(recipe, seed, levels, max_pieces_per_column(n_numbers), _max_topics(n_texts))


def estimate_n_features(columns: Columns) -> int:
    """Estimate the number of features that the columns become.

    Categories are counted as one feature each, texts as their topics and one more.

    >>> from automl.columns import Numbers
    >>> estimate_n_features(Columns({"age": Numbers(np.array([30.0]))}, 1))
    1
    """
    n_columns = len(columns.names())
    n_texts = len(columns.names("text"))
    return n_columns + n_texts * _max_topics(n_texts)


def max_pieces_per_column(numbers: int) -> int:
    """Return the maximum number of pieces per number column, if there are `numbers` of them.

    Fewer than two pieces are none.
    """
    share = MAX_ALL_PIECES // max(numbers, 1)
    return min(MAX_PIECES, share)


def _max_topics(n_texts: int) -> int:
    """Return the maximum number of topics per text column."""
    share = MAX_ALL_TOPICS // max(n_texts, 1)
    return min(MAX_TOPICS, max(MIN_TOPICS, share))


def _fit_columns(columns: Columns, plan: EncoderPlan) -> Encoding:
    encoders: list[Encoder] = []
    for name, column in columns.by_name.items():
        encoders += _fit_column(name, column, plan)
    return Encoding(tuple(encoders))


def _fit_column(name: str, column: Column, plan: EncoderPlan) -> Encoders:
    if not plan.recipe.makes_topics:
        return FITTERS[column.kind](name, column, plan)
    if isinstance(column, Texts):
        return fit_text_topics(name, column, plan)
    return ()


def fit_targeted(
    recipe: Recipe,
    columns: Columns,
    task: Task,
    y: Floats,
    train: Rows,
    seed: int,
    weight: Floats | None = None,
) -> tuple[Encoding, Matrix]:
    """Fit the encoders that read the target, on some rows.

    Parameters
    ----------
    recipe : Recipe
    columns : Columns
    task : Task
    y : ndarray of shape (n_rows,), float64
        Class codes or values; read at `train` only.
    train : ndarray of shape (n_train,), int64
        The rows to learn from, each once.
    seed : int
        Not negative.
    weight : ndarray of shape (n_rows,), float64, or None
        How much rows count in means of the target.

    Returns
    -------
    encoding : Encoding
        Fitted on all of `train`; without encoders if the recipe has none that read the target.
    X : ndarray of shape (n_rows, n_features), float32
        At `train`, cross-fitted values: a row's own target is never used. Elsewhere the output of
        `encoding` for the row. Without rows for a bounded recipe, for which only some rows are
        encoded.
    """
    if recipe.bounded:
        encoding = fit_bounded(recipe, columns, task, y, train, seed)
        return encoding, np.empty((0, 0), np.float32)
    known = encode_targets(task, y, train, seed, weight)
    plan = EncoderPlan(recipe, seed)
    fitted = [
        *_fit_means(columns, plan, known),
        *_fit_pairs(columns, plan, known),
        *_fit_scores(columns, plan, known),
    ]
    if not fitted:
        return Encoding(), np.empty((columns.n_rows, 0), np.float32)
    encoders = [encoder for encoder, _ in fitted]
    crossed = [features for _, features in fitted]
    encoding = Encoding(tuple(encoders))
    X = encoding.transform(columns)
    X[train] = np.column_stack(crossed)
    return encoding, X


def fit_bounded(
    recipe: Recipe, columns: Columns, task: Task, y: Floats, train: Rows, seed: int
) -> Encoding:
    """Fit the encoders of a bounded number of columns on a bounded sample of the rows.

    The columns are those that explain most of the target alone.
    """
    rows = train[sample_rows(len(train), MAX_BOUNDED_ROWS, seed)]
    affordable = len(rows) // ROWS_PER_BOUNDED_COLUMN
    max_columns = min(MAX_BOUNDED_COLUMNS, max(MIN_BOUNDED_COLUMNS, affordable))
    sample = encode_targets(task, y, rows, seed)
    names = most_predictive_columns(columns, sample, max_columns)
    chosen = Columns({name: columns[name] for name in names}, columns.n_rows)
    n_categories = len(chosen.names("category"))
    levels = MAX_ALL_BOUNDED_LEVELS // max(1, n_categories)
    levels = max(MIN_BOUNDED_LEVELS, min(MAX_BOUNDED_LEVELS, levels))
    plan = EncoderPlan(recipe, seed, levels, max_pieces=0, max_topics=0)
    return _fit_columns(chosen.take(rows), plan)


def _fit_means(
    columns: Columns, plan: EncoderPlan, known: TargetColumns
) -> Iterator[FittedEncoder]:
    """Yield means of the target by category."""
    for name in columns.names("category"):
        column = _categories(columns, name)
        if has_target_means(column, plan.recipe):
            yield fit_target(name, column, plan, known)


def _fit_scores(
    columns: Columns, plan: EncoderPlan, known: TargetColumns
) -> Iterator[FittedEncoder]:
    """Yield scores of the target by the words of texts."""
    if not plan.recipe.makes_topics:
        return
    for name in columns.names("text"):
        column = columns[name]
        assert isinstance(column, Texts)
        fitted = fit_text_scores(name, column, plan, known)
        if fitted is not None:
            yield fitted


def _fit_pairs(
    columns: Columns, plan: EncoderPlan, known: TargetColumns
) -> Iterator[FittedEncoder]:
    """Yield features of those pairs of columns that promise to explain the target."""
    if not plan.recipe.pairs:
        return
    chosen = screen(columns, known)
    for operation, first, second in chosen.arithmetic:
        encoder = Arithmetic((first, second), operation)
        X = encoder.transform(columns[first], columns[second])
        yield encoder, X[known.rows]
    scaling = plan.recipe.numbers
    for pair in chosen.crosses:
        first_column = _categories(columns, pair[0])
        second_column = _categories(columns, pair[1])
        yield fit_cross(first_column, second_column, pair, scaling, known)


def _categories(columns: Columns, name: str) -> Categories:
    column = columns[name]
    assert isinstance(column, Categories)
    return column


def hstack(matrices: Sequence[Matrix]) -> Matrix:
    """Return the features that encodings made of the same rows, as one matrix.

    It is not a copy where only one of them has columns.

    >>> hstack([np.zeros((2, 0), np.float32), np.ones((2, 3), np.float32)]).shape
    (2, 3)
    """
    parts = [matrix for matrix in matrices if matrix.shape[1]]
    if not parts:
        parts = list(matrices[:1])
    if len(parts) == 1:
        return parts[0]
    return np.concatenate(parts, axis=1)


def join(first: Encoding, second: Encoding) -> Encoding:
    """Return an encoding with both encodings' features.

    >>> join(Encoding(), Encoding()).features
    ()
    """
    return Encoding(first.encoders + second.encoders)
