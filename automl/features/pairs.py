"""Encode pairs of columns: arithmetic of two numbers, and target means by two categories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from automl.arrays import Floats, Integers, Matrix
from automl.columns import Categories, Column
from automl.errors import UnsafeModel
from automl.features._base import (
    Names,
    number_values,
    read_array,
    read_strings,
    read_value,
    refuse_unless,
)
from automl.features.category import MAX_INT32_LEVELS, known_codes
from automl.features.feature import Feature, Features, features_of
from automl.features.scaling import NoScaling
from automl.features.target import TargetColumns, fit_means
from automl.state import State

Operation = Callable[[Floats, Floats], Floats]


def _ratio(first: Floats, second: Floats) -> Floats:
    """Return first / second, missing where second is 0."""
    ratio = np.full(len(first), np.nan)
    np.divide(first, second, out=ratio, where=second != 0)
    return ratio


OPERATIONS: dict[str, Operation] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": _ratio,
}


@dataclass(frozen=True)
class Arithmetic:
    """Combine two numbers into one.

    Parameters
    ----------
    sources : tuple of str
        Two columns.
    operation : {"+", "-", "*", "/"}

    Examples
    --------
    >>> from automl.columns import Numbers
    >>> encoder = Arithmetic(("weight", "height"), "/")
    >>> weight, height = Numbers(np.array([6.0, 1.0])), Numbers(np.array([2.0, 0.0]))
    >>> encoder.transform(weight, height).ravel().tolist()
    [3.0, nan]
    """

    kind: ClassVar[str] = "arithmetic"
    sources: Names
    operation: str

    @cached_property
    def features(self) -> Features:
        """A single feature."""
        first, second = self.sources
        name = f"{first} {self.operation} {second}"
        return (Feature(name, first),)

    def transform(self, first: Column, second: Column) -> Matrix:
        """Return the result of shape (n_rows, 1), float32."""
        first_source, second_source = self.sources
        first_values = number_values(first, first_source)
        second_values = number_values(second, second_source)
        result = apply_operation(self.operation, first_values, second_values)
        singles = NoScaling().apply(result)
        return singles[:, None]

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {"sources": list(self.sources), "operation": self.operation}

    @classmethod
    def from_state(cls, state: State) -> Arithmetic:
        """Return the encoder that `to_state` described."""
        operation = read_value(state, "operation", str)
        if operation not in OPERATIONS:
            known = ", ".join(OPERATIONS)
            raise UnsafeModel(f"the encoders' state: no operation {operation!r}; known are {known}")
        return cls(_read_two_sources(state), operation)


def apply_operation(operation: str, first: Floats, second: Floats) -> Floats:
    """Return the result of an operation, without warnings of infinite or missing values."""
    function = OPERATIONS[operation]
    with np.errstate(all="ignore"):
        return function(first, second)


@dataclass(frozen=True, eq=False)
class Cross:
    """Replace each known pair of levels with a row of a table of numbers.

    Parameters
    ----------
    sources : tuple of str
        Two columns.
    names : tuple of str
        The features' names.
    levels : tuple of int
        Number of levels of each column.
    keys : ndarray of shape (n_pairs,), int64
        The pairs in the training rows, increasing: the first one's code times one more than the
        number of the second one's levels, plus the second one's code.
    table : ndarray of shape (n_pairs + 1, n_features), float32
        The last row is for other pairs.

    Examples
    --------
    >>> pairs, table = np.array([0, 5]), np.array([[0.25], [0.75], [0.5]], np.float32)
    >>> encoder = Cross(("city", "sex"), ("city & sex (mean)",), (2, 2), pairs, table)
    >>> city = Categories(np.array([0, 1, 1], np.int32), ("Bonn", "Rome"))
    >>> sex = Categories(np.array([0, -1, 0], np.int32), ("f", "m"))
    >>> encoder.transform(city, sex).ravel().tolist()
    [0.25, 0.75, 0.5]
    """

    kind: ClassVar[str] = "cross"
    sources: Names
    names: Names
    levels: tuple[int, ...]
    keys: Integers
    table: Matrix

    @cached_property
    def features(self) -> Features:
        """One feature per column of the table."""
        return features_of(self.sources[0], self.names)

    def transform(self, first: Column, second: Column) -> Matrix:
        """Return rows of the table, of shape (n_rows, n_features), float32."""
        keys = pair_keys(first, second, self.sources, self.levels)
        last_row = len(self.keys)
        rows = np.full(len(keys), last_row)
        if last_row > 0:
            indices = np.searchsorted(self.keys, keys)
            indices[indices == last_row] = 0
            is_known = self.keys[indices] == keys
            rows[is_known] = indices[is_known]
        values: Matrix = self.table[rows]
        return values

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {
            "sources": list(self.sources),
            "names": list(self.names),
            "levels": list(self.levels),
            "keys": self.keys,
            "table": self.table,
        }

    @classmethod
    def from_state(cls, state: State) -> Cross:
        """Return the encoder that `to_state` described."""
        sources = _read_two_sources(state)
        names = read_strings(state, "names")
        levels = _read_level_counts(state)
        keys = read_array(state, "keys", np.int64, 1)
        table = read_array(state, "table", np.float32, 2)
        shape = (len(keys) + 1, len(names))
        refuse_unless(
            table.shape == shape,
            "a table should have a row per pair, one more, and a column per name",
        )
        steps = np.diff(keys)
        refuse_unless((steps > 0).all(), "pairs should increase")
        return cls(sources, names, levels, keys, table)


def _read_two_sources(state: State) -> Names:
    sources = read_strings(state, "sources")
    refuse_unless(len(sources) == 2, "there should be two columns")
    return sources


def _read_level_counts(state: State) -> tuple[int, ...]:
    counts = read_value(state, "levels", list)
    requirement = "a pair of categories should have two numbers of levels"
    refuse_unless(len(counts) == 2, requirement)
    for count in counts:
        refuse_unless(type(count) is int, requirement)
        refuse_unless(0 < count <= MAX_INT32_LEVELS, requirement)
    return tuple(counts)


def pair_keys(first: Column, second: Column, sources: Names, levels: tuple[int, ...]) -> Integers:
    """Return one integer per pair of levels; missing and unseen are a level like the others."""
    first_source, second_source = sources
    n_first, n_second = levels
    first_codes = known_codes(first, first_source, n_first)
    second_codes = known_codes(second, second_source, n_second)
    keys: Integers = first_codes.astype(np.int64) * (n_second + 1)
    keys += second_codes
    return keys


def fit_cross(
    first: Categories,
    second: Categories,
    sources: tuple[str, str],
    scaling: str,
    targets: TargetColumns,
) -> tuple[Cross, Matrix]:
    """Fit the means of a pair of columns, as `target.fit_target` does for one column.

    Returns
    -------
    encoder : Cross
    crossed : ndarray of shape (n_train, n_outputs), float32
        For the rows to learn from: each row's value learnt from the other inner folds.
    """
    levels = (len(first.levels), len(second.levels))
    all_keys = pair_keys(first, second, sources, levels)
    train_keys = all_keys[targets.rows]
    keys, codes = np.unique(train_keys, return_inverse=True)
    table, crossed = fit_means(codes, len(keys) + 1, scaling, targets)
    pair = " & ".join(sources)
    names = tuple(f"{pair} ({name})" for name in targets.names)
    encoder = Cross(sources, names, levels, keys, table)
    return encoder, crossed
