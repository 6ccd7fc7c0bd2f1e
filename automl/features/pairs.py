"""Features of two columns: arithmetic with two numbers, and means of the target by the levels of two categories together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from automl.columns import Categories, Column, Floats
from automl.errors import UnsafeModel
from automl.features._base import Matrix, numbers_of, read, read_array, read_strings, refuse_unless
from automl.features.category import known_codes
from automl.features.feature import Feature
from automl.features.scaling import Plain
from automl.features.target import Targets, fit_means
from automl.state import State

Keys = npt.NDArray[np.int64]


def _ratio(first: Floats, second: Floats) -> Floats:
    """Missing where it would be divided by nothing."""
    ratio: Floats = np.divide(first, second, out=np.full(len(first), np.nan), where=second != 0)
    return ratio


OPERATIONS: dict[str, Callable[[Floats, Floats], Floats]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _ratio,
}


@dataclass(frozen=True)
class Arithmetic:
    """Two numbers put together.

    Parameters
    ----------
    sources : tuple of str
        Two columns.
    operation : {"+", "-", "*", "/"}

    Examples
    --------
    >>> from automl.columns import Numbers
    >>> encoder = Arithmetic(("weight", "height"), "/")
    >>> encoder.transform(Numbers(np.array([6.0, 1.0])), Numbers(np.array([2.0, 0.0]))).ravel().tolist()
    [3.0, nan]
    """

    kind: ClassVar[str] = "arithmetic"
    sources: tuple[str, ...]
    operation: str

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One."""
        first, second = self.sources
        return (Feature(f"{first} {self.operation} {second}", first),)

    def transform(self, first: Column, second: Column) -> Matrix:
        """The result of shape (n_rows, 1), float32."""
        return Plain().apply(
            combined(
                self.operation,
                numbers_of(first, self.sources[0]),
                numbers_of(second, self.sources[1]),
            )
        )[:, None]

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"sources": list(self.sources), "operation": self.operation}

    @classmethod
    def from_state(cls, state: State) -> Arithmetic:
        """The encoder that `to_state` described."""
        operation = read(state, "operation", str)
        if operation not in OPERATIONS:
            raise UnsafeModel(
                f"the encoders' state: no operation {operation!r}; known are {', '.join(OPERATIONS)}"
            )
        return cls(_two(state), operation)


def combined(operation: str, first: Floats, second: Floats) -> Floats:
    """The result of an operation; infinite and missing values go through it without a word."""
    with np.errstate(all="ignore"):
        return OPERATIONS[operation](first, second)


@dataclass(frozen=True, eq=False)
class Cross:
    """Some numbers for each pair of levels that was seen.

    Parameters
    ----------
    sources : tuple of str
        Two columns.
    names : tuple of str
        The features' names.
    levels : tuple of int
        How many levels each column has.
    keys : ndarray of shape (n_pairs,), int64
        The pairs that were seen, increasing: the first one's code times one more than the second one's levels, plus its code.
    table : ndarray of shape (n_pairs + 1, n_features), float32
        The last row is for other pairs.

    Examples
    --------
    >>> pairs, table = np.array([0, 5]), np.array([[0.25], [0.75], [0.5]], np.float32)
    >>> encoder = Cross(("city", "sex"), ("city & sex (mean)",), (2, 2), pairs, table)
    >>> city, sex = Categories(np.array([0, 1, 1], np.int32), ("Bonn", "Rome")), Categories(np.array([0, -1, 0], np.int32), ("f", "m"))
    >>> encoder.transform(city, sex).ravel().tolist()
    [0.25, 0.75, 0.5]
    """

    kind: ClassVar[str] = "cross"
    sources: tuple[str, ...]
    names: tuple[str, ...]
    levels: tuple[int, ...]
    keys: Keys
    table: Matrix

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a column of the table."""
        return tuple(Feature(name, self.sources[0]) for name in self.names)

    def transform(self, first: Column, second: Column) -> Matrix:
        """Rows of the table, of shape (n_rows, n_features), float32."""
        keys = pair_keys(first, second, self.sources, self.levels)
        places = np.searchsorted(self.keys, keys)
        places[places == len(self.keys)] = 0
        seen = self.keys[places] == keys if len(self.keys) else np.zeros(len(keys), bool)
        found: Matrix = self.table[np.where(seen, places, len(self.keys))]
        return found

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {
            "sources": list(self.sources),
            "names": list(self.names),
            "levels": list(self.levels),
            "keys": self.keys,
            "table": self.table,
        }

    @classmethod
    def from_state(cls, state: State) -> Cross:
        """The encoder that `to_state` described."""
        names, keys = read_strings(state, "names"), read_array(state, "keys", np.int64, 1)
        table, levels = read_array(state, "table", np.float32, 2), read(state, "levels", list)
        fits = len(levels) == 2 and all(
            type(count) is int and 0 < count < 2**31 for count in levels
        )
        refuse_unless(fits, "a pair of categories should have two numbers of levels")
        refuse_unless(
            table.shape == (len(keys) + 1, len(names)),
            "a table should have a row a pair and a column a name",
        )
        refuse_unless((np.diff(keys) > 0).all(), "pairs should increase")
        return cls(_two(state), names, tuple(levels), keys, table)


def _two(state: State) -> tuple[str, ...]:
    sources = read_strings(state, "sources")
    refuse_unless(len(sources) == 2, "there should be two columns")
    return sources


def pair_keys(
    first: Column, second: Column, sources: tuple[str, ...], levels: tuple[int, ...]
) -> Keys:
    """One number a pair of levels, missing and unseen ones being levels like the others."""
    codes = [
        known_codes(column, source, count)
        for column, source, count in zip((first, second), sources, levels, strict=True)
    ]
    keys: Keys = codes[0].astype(np.int64) * (levels[1] + 1) + codes[1]
    return keys


def fit_cross(
    first: Categories, second: Categories, sources: tuple[str, str], scaling: str, targets: Targets
) -> tuple[Cross, Matrix]:
    """Fit the means of a pair of columns, as `target.fit_target` does of one.

    Returns
    -------
    encoder : Cross
    crossed : ndarray of shape (n_train, n_outputs), float32
        For the rows to learn from: each row's value learnt from the other inner folds.
    """
    levels = (len(first.levels), len(second.levels))
    keys, codes = np.unique(
        pair_keys(first, second, sources, levels)[targets.rows], return_inverse=True
    )
    table, crossed = fit_means(codes, len(keys) + 1, scaling, targets)
    names = tuple(f"{sources[0]} & {sources[1]} ({name})" for name in targets.names)
    return Cross(sources, names, levels, keys, table), crossed
