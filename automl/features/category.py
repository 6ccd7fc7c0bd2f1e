"""Categories: codes for models that know categories, one column a level, ranks by frequency, counts, and means of the target."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from automl.columns import Categories, Column, Floats
from automl.features._base import (
    Codes,
    Encoder,
    Matrix,
    OfOne,
    Plan,
    codes_of,
    read,
    read_array,
    read_strings,
    refuse_unless,
)
from automl.features.feature import Feature
from automl.features.number import HALF
from automl.features.recipe import Recipe
from automl.features.scaling import Plain, Scaler, fit_scaler
from automl.state import State

_FEW = 2  # up to this many levels a column is a flag
SEVERAL = 32  # up to this many a mixed recipe leaves a column to models that know categories
_MANY = 20  # from more levels on, how frequent a level is tells something


@dataclass(frozen=True)
class Native(OfOne):
    """Codes as they are, for models that know categories; missing and unseen are NaN.

    Examples
    --------
    >>> Native("city", 2).transform(Categories(np.array([1, -1, 0], np.int32), ("Paris", "Rome"))).ravel().tolist()
    [1.0, nan, 0.0]
    """

    kind: ClassVar[str] = "native"
    source: str
    levels: int

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One, with levels."""
        return (Feature(self.source, self.source, self.levels),)

    def transform(self, column: Column) -> Matrix:
        """Codes of shape (n_rows, 1), float32."""
        codes = codes_of(column, self.source)
        known = (codes >= 0) & (codes < self.levels)
        return np.where(known, codes, np.nan).astype(np.float32)[:, None]

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"source": self.source, "levels": self.levels}

    @classmethod
    def from_state(cls, state: State) -> Native:
        """The encoder that `to_state` described."""
        levels = read(state, "levels", int)
        refuse_unless(0 < levels < 2**31, "a category should have levels")
        return cls(read(state, "source", str), levels)


@dataclass(frozen=True, eq=False)
class OneHot(OfOne):
    """One feature a level, the rare ones together; where none is 1, the value is missing or unseen.

    Parameters
    ----------
    source : str
    names : tuple of str
        The features' names.
    places : ndarray of shape (n_levels + 1,), int32
        Which feature is 1 for a level, the last one for missing; -1 for none.

    Examples
    --------
    >>> encoder = OneHot("city", ("city = Paris", "city (other)"), np.array([0, 1, 1, -1], np.int32))
    >>> encoder.transform(Categories(np.array([2, -1, 0], np.int32), ("Paris", "Rome", "Bonn"))).tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    """

    kind: ClassVar[str] = "onehot"
    source: str
    names: tuple[str, ...]
    places: Codes

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a kept level, and perhaps one for other levels and one for missing."""
        return tuple(Feature(name, self.source) for name in self.names)

    def transform(self, column: Column) -> Matrix:
        """Zeros and ones of shape (n_rows, n_features), float32."""
        places = self.places[known_codes(column, self.source, len(self.places) - 1)]
        (rows,) = np.nonzero(places >= 0)
        matrix = np.zeros((len(places), len(self.names)), np.float32)
        matrix[rows, places[rows]] = 1.0
        return matrix

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"source": self.source, "names": list(self.names), "places": self.places}

    @classmethod
    def from_state(cls, state: State) -> OneHot:
        """The encoder that `to_state` described."""
        names, places = read_strings(state, "names"), read_array(state, "places", np.int32, 1)
        fits = len(places) > 0 and places.min() >= -1 and places.max() < len(names)
        refuse_unless(fits, "places should be features")
        return cls(read(state, "source", str), names, places)


@dataclass(frozen=True, eq=False)
class Lookup(OfOne):
    """Some numbers for each level, and some for missing and unseen ones.

    Parameters
    ----------
    source : str
    names : tuple of str
        The features' names.
    table : ndarray of shape (n_levels + 1, n_features), float32
        The last row is for missing and unseen.

    Examples
    --------
    >>> encoder = Lookup("city", ("city (count)",), np.array([[7], [3], [0]], np.float32))
    >>> encoder.transform(Categories(np.array([1, -1, 0], np.int32), ("Paris", "Rome"))).ravel().tolist()
    [3.0, 0.0, 7.0]
    """

    kind: ClassVar[str] = "lookup"
    source: str
    names: tuple[str, ...]
    table: Matrix

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a column of the table."""
        return tuple(Feature(name, self.source) for name in self.names)

    def transform(self, column: Column) -> Matrix:
        """Rows of the table, of shape (n_rows, n_features), float32."""
        found: Matrix = self.table[known_codes(column, self.source, len(self.table) - 1)]
        return found

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"source": self.source, "names": list(self.names), "table": self.table}

    @classmethod
    def from_state(cls, state: State) -> Lookup:
        """The encoder that `to_state` described."""
        names, table = read_strings(state, "names"), read_array(state, "table", np.float32, 2)
        refuse_unless(
            table.shape[0] > 0 and table.shape[1] == len(names),
            "a table should have a column a name",
        )
        return cls(read(state, "source", str), names, table)


def known_codes(column: Column, source: str, n_levels: int) -> npt.NDArray[Any]:
    """Codes with `n_levels` for missing and unseen.

    >>> known_codes(Categories(np.array([1, -1, 5], np.int32), ("a", "b")), "x", 2).tolist()
    [1, 2, 2]
    """
    codes = codes_of(column, source)
    return np.where((codes >= 0) & (codes < n_levels), codes, n_levels)


def fit_category(source: str, column: Categories, plan: Plan) -> tuple[Encoder, ...]:
    """The encoders of a category column that don't read the target; none for a column without levels."""
    n_levels, how = len(column.levels), plan.recipe.categories
    if not n_levels:
        return ()
    if how == "native" or (how == "mixed" and n_levels <= SEVERAL):
        return (Native(source, n_levels),)
    if how in ("codes", "mixed"):
        return (_fit_codes(source, column, plan),)
    if n_levels <= _FEW:
        return (_fit_flag(source, column, plan),)
    if how == "onehot":
        return _fit_onehot(source, column, plan.widest)
    return (_fit_count(source, column, plan),) if n_levels > _MANY else ()


def is_targeted(column: Categories, recipe: Recipe) -> bool:
    """Whether a column is worth means of the target, and a recipe has them for it."""
    fewest = (
        _FEW
        if recipe.categories == "target" or recipe.means
        else SEVERAL
        if recipe.categories == "mixed"
        else math.inf
    )
    return len(column.levels) > fewest


def _counts(source: str, column: Categories) -> npt.NDArray[np.int64]:
    """Rows of each level, and last of missing."""
    n_levels = len(column.levels)
    return np.bincount(known_codes(column, source, n_levels), minlength=n_levels + 1)


def by_frequency(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Places ordered from the most to the least frequent, equal ones by place.

    >>> by_frequency(np.array([1, 5, 1])).tolist()
    [1, 0, 2]
    """
    return np.argsort(-counts, kind="stable")


def _fit_codes(source: str, column: Categories, plan: Plan) -> Lookup:
    """Ranks by frequency, the most frequent level 0."""
    counts = _counts(source, column)
    ranks = np.full(len(counts), np.nan)
    ranks[by_frequency(counts[:-1])] = np.arange(len(counts) - 1)
    scaler = fit_scaler(plan.recipe.numbers, ranks[known_codes(column, source, len(counts) - 1)])
    return _scaled(source, source, ranks, counts, scaler, plan)


def _fit_flag(source: str, column: Categories, plan: Plan) -> Lookup:
    """A column of one or two levels as 0 and 1."""
    values = np.append(np.arange(len(column.levels), dtype=np.float64), np.nan)
    name = f"{source} = {column.levels[-1]}"
    return _scaled(
        source, name, values, _counts(source, column), HALF if _fills(plan) else Plain(), plan
    )


def _fit_count(source: str, column: Categories, plan: Plan) -> Lookup:
    """How many rows have the level."""
    counts = _counts(source, column)
    values = counts.astype(np.float64)
    scaler = fit_scaler(plan.recipe.numbers, values[known_codes(column, source, len(counts) - 1)])
    return Lookup(source, (f"{source} (count)",), scaler.apply(values)[:, None])


def _scaled(
    source: str,
    name: str,
    values: Floats,
    counts: npt.NDArray[np.int64],
    scaler: Scaler,
    plan: Plan,
) -> Lookup:
    """A table of scaled values, with a second feature for missing if the recipe fills it and it occurs."""
    table = scaler.apply(values)[:, None]
    if not (_fills(plan) and counts[-1]):
        return Lookup(source, (name,), table)
    missing = np.arange(len(values)) == len(values) - 1
    return Lookup(
        source, (name, f"{source} (missing)"), np.column_stack([table, missing.astype(np.float32)])
    )


def _fills(plan: Plan) -> bool:
    return plan.recipe.numbers != "plain" or plan.recipe.categories == "onehot"


def _fit_onehot(source: str, column: Categories, widest: int) -> tuple[Encoder, ...]:
    counts = _counts(source, column)
    n_rows, n_levels = len(column.codes), len(column.levels)
    fewest = max(1, min(5, n_rows // 20), n_rows // 1000)
    kept = [int(level) for level in by_frequency(counts[:-1])[:widest] if counts[level] >= fewest]
    names = [f"{source} = {column.levels[level]}" for level in kept]
    places = np.full(n_levels + 1, -1, np.int32)
    if len(kept) < n_levels:
        places[:-1] = len(names)
        names.append(f"{source} (other)")
    places[kept] = np.arange(len(kept))
    if counts[-1]:
        places[-1] = len(names)
        names.append(f"{source} (missing)")
    return (OneHot(source, tuple(names), places),)
