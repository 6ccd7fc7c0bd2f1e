"""An encoding: the fitted encoders of a table, in order, and how they are fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.columns import Categories, Column, Columns, Floats, Numbers, Rows, Texts
from automl.errors import InputError, UnsafeModel
from automl.features._base import Encoder, Matrix, Plan, read, read_states
from automl.features.category import Lookup, Native, OneHot, fit_category, is_targeted
from automl.features.date import Date, fit_date
from automl.features.feature import Feature
from automl.features.number import Number, fit_number
from automl.features.pairs import Arithmetic, Cross, fit_cross
from automl.features.piecewise import Pieces
from automl.features.recipe import Recipe
from automl.features.screening import screen
from automl.features.target import Targets, fit_target, targets
from automl.features.telling import most_telling
from automl.features.text import (
    TextNumbers,
    TextSums,
    fit_text_numbers,
    fit_text_scores,
    fit_text_topics,
)
from automl.folds import some
from automl.state import State
from automl.task import Task

_KINDS = {
    encoder.kind: encoder
    for encoder in (
        Number,
        Pieces,
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
_WIDEST, _NARROWEST, _ALL_LEVELS = (
    50,
    5,
    500,
)  # columns of one category column, and of all of them together if they can
_PIECES, _ALL_PIECES = 16, 800  # of one number column, and of all of them together
BOUNDED_ROWS = 10_000  # that a bounded recipe learns from
BOUNDED_COLUMNS = 120  # that it uses
ROWS_A_COLUMN = 5  # that it needs at least, but so many columns come what may
FEWEST_BOUNDED = 15
BOUNDED_LEVELS = 120  # columns of all categories together, but three of each
_TOPICS, _FEWEST_TOPICS, _ALL_TOPICS = (
    32,
    4,
    160,
)  # of one text, and of all of them together if they can


@dataclass(frozen=True, eq=False)
class Encoding:
    """Fitted encoders in order: typed columns in, a model's input out.

    Parameters
    ----------
    encoders : tuple of Encoder

    Examples
    --------
    >>> columns = Columns({"age": Numbers(np.array([30.0, np.nan])), "city": Categories(np.array([0, -1], np.int32), ("Rome",))}, 2)
    >>> encoding = fit_shared(Recipe("native"), columns, seed=0)
    >>> encoding.features
    (Feature(name='age', source='age', levels=0), Feature(name='city', source='city', levels=1))
    >>> encoding.transform(columns).tolist()
    [[30.0, 0.0], [nan, nan]]
    """

    encoders: tuple[Encoder, ...] = ()

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """What the columns of a transformed table are."""
        return tuple(feature for encoder in self.encoders for feature in encoder.features)

    def transform(self, columns: Columns) -> Matrix:
        """Encode a table, which needs the columns it was fitted on.

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
        start = 0
        for encoder in self.encoders:
            for source in encoder.sources:
                if source not in columns.by_name:
                    raise InputError(
                        f"no column {source!r}; the table needs the columns that the model was fitted on"
                    )
            end = start + len(encoder.features)
            X[:, start:end] = encoder.transform(*(columns[source] for source in encoder.sources))
            start = end
        return X

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {
            "encoders": [{"kind": encoder.kind} | encoder.to_state() for encoder in self.encoders]
        }

    @classmethod
    def from_state(cls, state: State) -> Encoding:
        """The encoding that `to_state` described.

        Raises
        ------
        UnsafeModel
            If the state names an unknown encoder, or its values don't fit together.
        """
        return cls(tuple(_encoder(item) for item in read_states(state, "encoders")))


def _encoder(state: State) -> Encoder:
    kind = read(state, "kind", str)
    if kind not in _KINDS:
        raise UnsafeModel(
            f"the encoders' state: no encoder {kind!r}; known are {', '.join(_KINDS)}"
        )
    return _KINDS[kind].from_state(state)


def fit_shared(recipe: Recipe, columns: Columns, seed: int) -> Encoding:
    """Fit every encoder that doesn't read the target, on all rows.

    Parameters
    ----------
    recipe : Recipe
        What texts are about is left to `TOPICS`.
    columns : Columns
    seed : int
        Not negative. Equal seeds give equal encodings.
    """
    plan = _plan(recipe, columns, seed)
    return Encoding(
        tuple(
            encoder
            for name in columns.names()
            for encoder in _fit_column(name, columns[name], plan)
        )
    )


def _plan(recipe: Recipe, columns: Columns, seed: int) -> Plan:
    share = _ALL_LEVELS // max(len(columns.names("category")), 1)
    pieces = pieces_of(len(columns.names("number")))
    return Plan(
        recipe,
        seed,
        min(max(share, _NARROWEST), _WIDEST),
        pieces,
        _topics(len(columns.names("text"))),
    )


def width(columns: Columns) -> int:
    """About how many features the columns become, as long as categories stay one each: a text becomes its topics.

    >>> width(Columns({"age": Numbers(np.array([30.0]))}, 1))
    1
    """
    texts = len(columns.names("text"))
    return len(columns.names()) + texts * _topics(texts)


def pieces_of(numbers: int) -> int:
    """The most pieces of each of so many number columns; less than two are none."""
    return min(_PIECES, _ALL_PIECES // max(numbers, 1))


def _topics(texts: int) -> int:
    """The most topics of each of so many texts."""
    return min(_TOPICS, max(_FEWEST_TOPICS, _ALL_TOPICS // max(texts, 1)))


def _fit_column(name: str, column: Column, plan: Plan) -> tuple[Encoder, ...]:
    if isinstance(column, Texts):
        return (fit_text_topics if plan.recipe.makes_topics else fit_text_numbers)(
            name, column, plan
        )
    if plan.recipe.makes_topics:
        return ()
    if isinstance(column, Numbers):
        return (fit_date if column.kind == "date" else fit_number)(name, column, plan)
    return fit_category(name, column, plan)


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
        At `train`, cross-fitted values: a row's own target is never used. Elsewhere what `encoding` makes of the row. Without rows
        for a bounded recipe, which is asked for some rows alone.
    """
    if recipe.bounded:
        return fit_bounded(recipe, columns, task, y, train, seed), np.empty((0, 0), np.float32)
    what = targets(task, y, train, seed, weight)
    fitted = [
        *_means(recipe, columns, what, seed),
        *_pairs(recipe, columns, what),
        *_scores(recipe, columns, what, seed),
    ]
    if not fitted:
        return Encoding(), np.empty((columns.n_rows, 0), np.float32)
    encoding = Encoding(tuple(encoder for encoder, _ in fitted))
    X = encoding.transform(columns)
    X[train] = np.column_stack([crossed for _, crossed in fitted])
    return encoding, X


def fit_bounded(
    recipe: Recipe, columns: Columns, task: Task, y: Floats, train: Rows, seed: int
) -> Encoding:
    """Fit the encoders of a bounded number of columns, those that tell most, on a bounded sample of the rows to learn from."""
    rows = train[some(len(train), BOUNDED_ROWS, seed)]
    most = min(BOUNDED_COLUMNS, max(FEWEST_BOUNDED, len(rows) // ROWS_A_COLUMN))
    names = most_telling(columns, targets(task, y, rows, seed), most)
    taken = Columns({name: columns[name] for name in names}, columns.n_rows).take(rows)
    widest = max(3, min(20, BOUNDED_LEVELS // max(1, len(taken.names("category")))))
    plan = Plan(recipe, seed, widest, 0, 0)
    return Encoding(
        tuple(encoder for name in names for encoder in _fit_column(name, taken[name], plan))
    )


def _means(
    recipe: Recipe, columns: Columns, what: Targets, seed: int
) -> Iterator[tuple[Encoder, Matrix]]:
    """Means of the target by category, with the values of the rows to learn from."""
    for name in columns.names("category"):
        if is_targeted(column := _categories(columns, name), recipe):
            yield fit_target(name, column, Plan(recipe, seed), what)


def _scores(
    recipe: Recipe, columns: Columns, what: Targets, seed: int
) -> Iterator[tuple[Encoder, Matrix]]:
    """What the words of texts tell of the target."""
    if recipe.makes_topics:
        for name in columns.names("text"):
            column = columns[name]
            assert isinstance(column, Texts)
            if (fitted := fit_text_scores(name, column, Plan(recipe, seed), what)) is not None:
                yield fitted


def _pairs(recipe: Recipe, columns: Columns, what: Targets) -> Iterator[tuple[Encoder, Matrix]]:
    """Features of two columns that promise something, with the values of the rows to learn from."""
    if not recipe.pairs:
        return
    chosen = screen(columns, what)
    for operation, first, second in chosen.arithmetic:
        encoder = Arithmetic((first, second), operation)
        yield encoder, encoder.transform(columns[first], columns[second])[what.rows]
    for first, second in chosen.crosses:
        yield fit_cross(
            _categories(columns, first),
            _categories(columns, second),
            (first, second),
            recipe.numbers,
            what,
        )


def _categories(columns: Columns, name: str) -> Categories:
    column = columns[name]
    assert isinstance(column, Categories)
    return column


def hstack(matrices: Sequence[Matrix]) -> Matrix:
    """What encodings made of the same rows, as one matrix; not copied where only one has columns.

    >>> hstack([np.zeros((2, 0), np.float32), np.ones((2, 3), np.float32)]).shape
    (2, 3)
    """
    parts = [matrix for matrix in matrices if matrix.shape[1]] or list(matrices[:1])
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)


def join(first: Encoding, second: Encoding) -> Encoding:
    """Both encodings' features side by side.

    >>> join(Encoding(), Encoding()).features
    ()
    """
    return Encoding(first.encoders + second.encoders)
