"""What an encoder is, what it is fitted with, and how it reads its column and its state: strictly, with one clear error."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from automl.columns import Categories, Column, Floats, Numbers, Texts
from automl.errors import InputError, UnsafeModel
from automl.features.feature import Feature
from automl.features.recipe import Recipe
from automl.state import State

Matrix = npt.NDArray[np.float32]
Codes = npt.NDArray[np.int32]
Value = TypeVar("Value")


class Encoder(Protocol):
    """A fitted encoder: some features from one column or two. Equal values get equal features, whatever rows stand beside them."""

    kind: ClassVar[str]

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns it reads."""
        ...

    @property
    def features(self) -> tuple[Feature, ...]:
        """What it makes."""
        ...

    @property
    def transform(self) -> Callable[..., Matrix]:
        """Features of shape (n_rows, n_features), float32, from the columns it reads; imports nothing but numpy."""
        ...

    def to_state(self) -> State:
        """All that the class's `from_state` needs."""
        ...


class OfOne:
    """What encoders of one column have in common: the field `source` names it."""

    source: str

    @property
    def sources(self) -> tuple[str, ...]:
        """The column."""
        return (self.source,)


@dataclass(frozen=True)
class Plan:
    """What the encoders of a table are fitted with.

    Parameters
    ----------
    recipe : Recipe
    seed : int
        Not negative.
    widest : int
        The most columns that one category column may become.
    pieces : int
        The most pieces that a number may be cut into.
    topics : int
        The most topics of a text.
    """

    recipe: Recipe
    seed: int = 0
    widest: int = 50
    pieces: int = 16
    topics: int = 32

    def seed_of(self, source: str) -> int:
        """A column's own seed: it depends neither on the column's place nor on the columns beside it."""
        return int(
            np.random.SeedSequence(
                [self.seed, zlib.crc32(source.encode("utf-8", "replace"))]
            ).generate_state(1)[0]
        )


def numbers_of(column: Column, source: str) -> Floats:
    """The values of a number column: contiguous, because some of numpy's functions round strided ones differently."""
    if not isinstance(column, Numbers):
        raise _wrong(column, source, "numbers")
    return np.ascontiguousarray(column.values, np.float64)


def codes_of(column: Column, source: str) -> Codes:
    """The codes of a category column."""
    if not isinstance(column, Categories):
        raise _wrong(column, source, "categories")
    return np.asarray(column.codes)


def texts_of(column: Column, source: str) -> Texts:
    """A text column."""
    if not isinstance(column, Texts):
        raise _wrong(column, source, "text")
    return column


def strings_of(column: Column, source: str) -> list[str]:
    """The strings of a text column."""
    return list(texts_of(column, source))


def _wrong(column: Column, source: str, expected: str) -> InputError:
    return InputError(
        f"column {source!r}: expected {expected}, found the kind {column.kind!r}; give the kind it had when it was fitted"
    )


def side_by_side(parts: Sequence[npt.NDArray[np.float32]], n_rows: int) -> Matrix:
    """A matrix from its columns, of which there may be none.

    >>> side_by_side([], 2).shape
    (2, 0)
    """
    matrix = np.empty((n_rows, len(parts)), np.float32)
    for place, part in enumerate(parts):
        matrix[:, place] = part
    return matrix


def read(state: State, key: str, kind: type[Value]) -> Value:
    """A value of a state, of exactly this type.

    >>> read({"center": 1.5}, "center", float)
    1.5
    >>> read({"center": "1.5"}, "center", float)
    Traceback (most recent call last):
    ...
    automl.errors.UnsafeModel: the encoders' state: 'center' should be float, is str
    """
    if key not in state:
        raise UnsafeModel(f"the encoders' state lacks {key!r}")
    value = state[key]
    if type(value) is not kind:
        raise UnsafeModel(
            f"the encoders' state: {key!r} should be {kind.__name__}, is {type(value).__name__}"
        )
    return value


def read_strings(state: State, key: str) -> tuple[str, ...]:
    """A list of strings of a state."""
    value = read(state, key, list)
    if not all(isinstance(item, str) for item in value):
        raise UnsafeModel(f"the encoders' state: {key!r} should hold strings only")
    return tuple(value)


def read_states(state: State, key: str) -> tuple[State, ...]:
    """A list of states within a state."""
    value = read(state, key, list)
    if not all(isinstance(item, dict) for item in value):
        raise UnsafeModel(f"the encoders' state: {key!r} should hold states only")
    return tuple(value)


def read_array(state: State, key: str, dtype: npt.DTypeLike, n_dims: int) -> npt.NDArray[Any]:
    """An array of a state, of exactly this type and number of dimensions."""
    value = state.get(key)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.ndim != n_dims:
        shape = (
            f"{value.dtype} {value.shape}"
            if isinstance(value, np.ndarray)
            else type(value).__name__
        )
        raise UnsafeModel(
            f"the encoders' state: {key!r} should be an array of {np.dtype(dtype)} with {n_dims} dimensions, is {shape}"
        )
    return value


def refuse_unless(fits: bool | np.bool_, what: str) -> None:
    """Refuse a state whose parts don't fit together."""
    if not fits:
        raise UnsafeModel(f"the encoders' state: {what}")
