"""Define an encoder, the settings it is fitted with, and how it reads its columns and its state.

Reading is strict: a column of the wrong kind or a malformed state raises one clear error.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from automl.arrays import Floats, Matrix, Rows
from automl.columns import Categories, Column, Columns, Numbers, Texts
from automl.errors import InputError, UnsafeModel
from automl.features.feature import Features
from automl.features.recipe import Recipe
from automl.state import State

Names = tuple[str, ...]
CategoryCodes = npt.NDArray[np.int32]
Value = TypeVar("Value")


class Encoder(Protocol):
    """A fitted encoder: turns one or two columns into features.

    Equal values get equal features, whatever the other rows of the table are.
    """

    kind: ClassVar[str]

    @property
    def sources(self) -> Names:
        """Names of the columns that the encoder reads."""
        ...

    @property
    def features(self) -> Features:
        """The features that the encoder makes."""
        ...

    @property
    def transform(self) -> Callable[..., Matrix]:
        """Function from the encoder's columns to float32 features of shape (n_rows, n_features).

        It imports nothing but NumPy.
        """
        ...

    def to_state(self) -> State:
        """Return everything that the class's `from_state` needs."""
        ...


Encoders = tuple[Encoder, ...]


class SingleColumn:
    """Mixin of the encoders that read one column, which the field `source` names."""

    source: str

    @property
    def sources(self) -> Names:
        """The column, as the only one."""
        return (self.source,)


@dataclass(frozen=True)
class EncoderPlan:
    """Settings with which the encoders of a table are fitted.

    Parameters
    ----------
    recipe : Recipe
    seed : int
        Not negative.
    max_levels : int
        Maximum number of levels of one category column that get a one-hot feature each.
    max_pieces : int
        Maximum number of pieces of the piecewise linear encoding of one number column.
    max_topics : int
        Maximum number of topics of one text column.
    """

    recipe: Recipe
    seed: int = 0
    max_levels: int = 50
    max_pieces: int = 16
    max_topics: int = 32

    def column_seed(self, source: str) -> int:
        """Return a seed for one column, whatever its position and the other columns are."""
        name_hash = zlib.crc32(source.encode("utf-8", "replace"))
        sequence = np.random.SeedSequence([self.seed, name_hash])
        return int(sequence.generate_state(1)[0])


def number_values(column: Column, source: str) -> Floats:
    """Return the values of a number column as a contiguous float64 array.

    Contiguous because some of NumPy's functions round strided values differently.
    """
    if not isinstance(column, Numbers):
        raise _wrong_kind(column, source, "numbers")
    return np.ascontiguousarray(column.values, np.float64)


def select_numbers(columns: Columns, rows: Rows, holds: Callable[[Floats], bool]) -> Names:
    """Return the names of the number columns of whose values at some rows a predicate holds."""
    names = []
    for name in columns.names("number"):
        values = number_values(columns[name], name)
        if holds(values[rows]):
            names.append(name)
    return tuple(names)


def category_codes(column: Column, source: str) -> CategoryCodes:
    """Return the codes of a category column."""
    if not isinstance(column, Categories):
        raise _wrong_kind(column, source, "categories")
    return np.asarray(column.codes)


def as_texts(column: Column, source: str) -> Texts:
    """Return the column, checked to be a text column."""
    if not isinstance(column, Texts):
        raise _wrong_kind(column, source, "text")
    return column


def text_strings(column: Column, source: str) -> list[str]:
    """Return the strings of a text column."""
    return list(as_texts(column, source))


def _wrong_kind(column: Column, source: str, expected: str) -> InputError:
    return InputError(
        f"column {source!r}: expected {expected}, found the kind {column.kind!r}; "
        "give the kind it had when it was fitted"
    )


def column_stack(parts: Sequence[Matrix], n_rows: int) -> Matrix:
    """Return a float32 matrix with the given columns, of which there may be none.

    >>> column_stack([], 2).shape
    (2, 0)
    """
    matrix = np.empty((n_rows, len(parts)), np.float32)
    for index, part in enumerate(parts):
        matrix[:, index] = part
    return matrix


def read_value(state: State, key: str, kind: type[Value]) -> Value:
    """Return a value of a state, which must have exactly this type.

    >>> read_value({"center": 1.5}, "center", float)
    1.5
    >>> read_value({"center": "1.5"}, "center", float)
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


def read_source(state: State) -> str:
    """Return the name of the column that an encoder of one column reads."""
    return read_value(state, "source", str)


def read_strings(state: State, key: str) -> Names:
    """Return a list of strings of a state."""
    return _read_list(state, key, str, "strings")


def read_states(state: State, key: str) -> tuple[State, ...]:
    """Return a list of states within a state."""
    return _read_list(state, key, dict, "states")


def _read_list(state: State, key: str, kind: type, items: str) -> tuple[Any, ...]:
    value = read_value(state, key, list)
    for item in value:
        if not isinstance(item, kind):
            raise UnsafeModel(f"the encoders' state: {key!r} should hold {items} only")
    return tuple(value)


def read_array(state: State, key: str, dtype: npt.DTypeLike, n_dimensions: int) -> npt.NDArray[Any]:
    """Return an array of a state, which must have this dtype and number of dimensions."""
    value = state.get(key)
    if not isinstance(value, np.ndarray):
        actual = type(value).__name__
    elif value.dtype != dtype or value.ndim != n_dimensions:
        actual = f"{value.dtype} {value.shape}"
    else:
        return value
    raise UnsafeModel(
        f"the encoders' state: {key!r} should be an array of {np.dtype(dtype)} "
        f"with {n_dimensions} dimensions, is {actual}"
    )


def refuse_unless(is_valid: bool | np.bool_, requirement: str) -> None:
    """Raise UnsafeModel with the requirement that a state does not meet, unless it is valid."""
    if not is_valid:
        raise UnsafeModel(f"the encoders' state: {requirement}")
