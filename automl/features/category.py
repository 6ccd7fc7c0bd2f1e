"""Encode categories: natively, one-hot, as ranks by frequency, or as counts.

Means of the target by category are in `target`; they use the encoder `Lookup` of this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from automl.arrays import Integers, Matrix
from automl.columns import Categories, Column
from automl.features._base import (
    CategoryCodes,
    Encoder,
    EncoderPlan,
    Encoders,
    Names,
    SingleColumn,
    category_codes,
    read_array,
    read_source,
    read_strings,
    read_value,
    refuse_unless,
)
from automl.features.feature import Feature, Features, features_of
from automl.features.number import FLAG_SCALER
from automl.features.recipe import Recipe
from automl.features.scaling import NoScaling, fit_scaler
from automl.state import State

MAX_FLAG_LEVELS = 2  # a column with at most this many levels is encoded as a flag
MAX_NATIVE_LEVELS = (
    32  # levels up to which a mixed recipe leaves a column to models that know categories
)
MAX_UNCOUNTED_LEVELS = 20  # with more levels, how frequent a level is says something
MAX_INT32_LEVELS = 2**31 - 1  # codes are int32


@dataclass(frozen=True)
class Native(SingleColumn):
    """Pass codes on to models that know categories; missing and unseen levels are NaN.

    Examples
    --------
    >>> city = Categories(np.array([1, -1, 0], np.int32), ("Paris", "Rome"))
    >>> Native("city", 2).transform(city).ravel().tolist()
    [1.0, nan, 0.0]
    """

    kind: ClassVar[str] = "native"
    source: str
    levels: int

    @cached_property
    def features(self) -> Features:
        """A single categorical feature."""
        feature = Feature(self.source, self.source, self.levels)
        return (feature,)

    def transform(self, column: Column) -> Matrix:
        """Return codes of shape (n_rows, 1), float32."""
        codes = category_codes(column, self.source)
        is_known = (codes >= 0) & (codes < self.levels)
        known = np.where(is_known, codes, np.nan)
        return known.astype(np.float32)[:, None]

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {"source": self.source, "levels": self.levels}

    @classmethod
    def from_state(cls, state: State) -> Native:
        """Return the encoder that `to_state` described."""
        levels = read_value(state, "levels", int)
        refuse_unless(0 < levels <= MAX_INT32_LEVELS, "a category should have levels")
        return cls(read_source(state), levels)


@dataclass(frozen=True, eq=False)
class OneHot(SingleColumn):
    """Encode each level as a feature of its own, rare levels as a common one.

    Where no feature is 1, the value is missing or unseen.

    Parameters
    ----------
    source : str
    names : tuple of str
        The features' names.
    feature_index_of_level : ndarray of shape (n_levels + 1,), int32
        Index of the feature that is 1 for each level, and last for missing; -1 for none.

    Examples
    --------
    >>> feature_index_of_level = np.array([0, 1, 1, -1], np.int32)
    >>> encoder = OneHot("city", ("city = Paris", "city (other)"), feature_index_of_level)
    >>> city = Categories(np.array([2, -1, 0], np.int32), ("Paris", "Rome", "Bonn"))
    >>> encoder.transform(city).tolist()
    [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    """

    kind: ClassVar[str] = "onehot"
    source: str
    names: Names
    feature_index_of_level: CategoryCodes

    @cached_property
    def features(self) -> Features:
        """One feature per kept level, and perhaps one for other levels and one for missing."""
        return features_of(self.source, self.names)

    def transform(self, column: Column) -> Matrix:
        """Return zeros and ones of shape (n_rows, n_features), float32."""
        n_levels = len(self.feature_index_of_level) - 1
        codes = known_codes(column, self.source, n_levels)
        indices = self.feature_index_of_level[codes]
        (rows,) = np.nonzero(indices >= 0)
        shape = (len(indices), len(self.names))
        matrix = np.zeros(shape, np.float32)
        matrix[rows, indices[rows]] = 1.0
        return matrix

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {
            "source": self.source,
            "names": list(self.names),
            "places": self.feature_index_of_level,
        }

    @classmethod
    def from_state(cls, state: State) -> OneHot:
        """Return the encoder that `to_state` described."""
        names = read_strings(state, "names")
        indices = read_array(state, "places", np.int32, 1)
        refuse_unless(len(indices) > 0, "places should not be empty")
        are_features = indices >= -1
        are_features &= indices < len(names)
        refuse_unless(are_features.all(), "places should be features")
        return cls(read_source(state), names, indices)


@dataclass(frozen=True, eq=False)
class Lookup(SingleColumn):
    """Replace each level with a row of a table of numbers.

    Parameters
    ----------
    source : str
    names : tuple of str
        The features' names.
    table : ndarray of shape (n_levels + 1, n_features), float32
        The last row is for missing and unseen levels.

    Examples
    --------
    >>> table = np.array([[7], [3], [0]], np.float32)
    >>> encoder = Lookup("city", ("city (count)",), table)
    >>> city = Categories(np.array([1, -1, 0], np.int32), ("Paris", "Rome"))
    >>> encoder.transform(city).ravel().tolist()
    [3.0, 0.0, 7.0]
    """

    kind: ClassVar[str] = "lookup"
    source: str
    names: Names
    table: Matrix

    @cached_property
    def features(self) -> Features:
        """One feature per column of the table."""
        return features_of(self.source, self.names)

    def transform(self, column: Column) -> Matrix:
        """Return rows of the table, of shape (n_rows, n_features), float32."""
        n_levels = len(self.table) - 1
        codes = known_codes(column, self.source, n_levels)
        rows: Matrix = self.table[codes]
        return rows

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        names = list(self.names)
        return {"source": self.source, "names": names, "table": self.table}

    @classmethod
    def from_state(cls, state: State) -> Lookup:
        """Return the encoder that `to_state` described."""
        names = read_strings(state, "names")
        table = read_array(state, "table", np.float32, 2)
        n_rows, n_columns = table.shape
        refuse_unless(n_rows > 0, "a table should have a row")
        refuse_unless(n_columns == len(names), "a table should have a column per name")
        return cls(read_source(state), names, table)


def known_codes(column: Column, source: str, n_levels: int) -> npt.NDArray[Any]:
    """Return the codes of a column, with `n_levels` for missing and unseen levels.

    >>> column = Categories(np.array([1, -1, 5], np.int32), ("a", "b"))
    >>> known_codes(column, "x", 2).tolist()
    [1, 2, 2]
    """
    codes = category_codes(column, source)
    is_known = (codes >= 0) & (codes < n_levels)
    return np.where(is_known, codes, n_levels)


def fit_category(source: str, column: Categories, plan: EncoderPlan) -> Encoders:
    """Fit the encoders of a category column that don't read the target.

    Return none for a column without levels.
    """
    if not column.levels:
        return ()
    encoder = _Fitter(source, column, plan).fit()
    if encoder is None:
        return ()
    return (encoder,)


def has_target_means(column: Categories, recipe: Recipe) -> bool:
    """Return whether a recipe encodes a column by means of the target."""
    n_levels = len(column.levels)
    if recipe.categories == "target" or recipe.means:
        return n_levels > MAX_FLAG_LEVELS
    if recipe.categories == "mixed":
        return n_levels > MAX_NATIVE_LEVELS
    return False


def by_frequency(counts: Integers) -> Integers:
    """Return indices from the largest to the smallest count, those of equal counts in order.

    >>> by_frequency(np.array([1, 5, 1])).tolist()
    [1, 0, 2]
    """
    return np.argsort(-counts, kind="stable")


@dataclass(frozen=True)
class _Fitter:
    """Fit the encoder of one category column; each method but `fit` fits one type of encoder."""

    source: str
    column: Categories
    plan: EncoderPlan

    def fit(self) -> Encoder | None:
        """Fit the encoder that the recipe asks for, if the column is worth one."""
        n_levels = self.n_levels
        method = self.plan.recipe.categories
        if method == "native":
            return Native(self.source, n_levels)
        if method == "mixed" and n_levels <= MAX_NATIVE_LEVELS:
            return Native(self.source, n_levels)
        if method in ("codes", "mixed"):
            return self.fit_ranks()
        if n_levels <= MAX_FLAG_LEVELS:
            return self.fit_flag()
        if method == "embedded":
            return Native(self.source, n_levels)
        if method == "onehot":
            return self.fit_onehot()
        if n_levels > MAX_UNCOUNTED_LEVELS:
            return self.fit_count()
        return None

    def fit_ranks(self) -> Lookup:
        """Encode levels by their rank by frequency; the most frequent level has rank 0."""
        order = by_frequency(self.level_counts)
        ranks = np.full(self.n_levels + 1, np.nan)
        ranks[order] = np.arange(self.n_levels)
        scaler = fit_scaler(self.plan.recipe.numbers, ranks[self.codes])
        scaled = scaler.apply(ranks)
        return self._with_missing_indicator(self.source, scaled)

    def fit_flag(self) -> Lookup:
        """Encode a column of one or two levels as 0 and 1."""
        last_level = self.column.levels[-1]
        name = f"{self.source} = {last_level}"
        flags = np.arange(self.n_levels + 1.0)
        flags[-1] = np.nan
        scaler = NoScaling()
        if self.fills_missing:
            scaler = FLAG_SCALER
        scaled = scaler.apply(flags)
        return self._with_missing_indicator(name, scaled)

    def fit_count(self) -> Lookup:
        """Encode levels by the number of rows that have them."""
        counts = self.counts.astype(np.float64)
        scaler = fit_scaler(self.plan.recipe.numbers, counts[self.codes])
        scaled = scaler.apply(counts)
        name = f"{self.source} (count)"
        return Lookup(self.source, (name,), scaled[:, None])

    def fit_onehot(self) -> OneHot:
        """Encode frequent levels as a feature each, and all others as a common one."""
        kept = self._frequent_levels()
        levels = self.column.levels
        names = [f"{self.source} = {levels[code]}" for code in kept]
        feature_index_of_level = np.full(self.n_levels + 1, -1, np.int32)
        if len(kept) < self.n_levels:
            feature_index_of_level[:-1] = len(names)
            names.append(f"{self.source} (other)")
        feature_index_of_level[kept] = np.arange(len(kept))
        if self.n_missing:
            feature_index_of_level[-1] = len(names)
            names.append(f"{self.source} (missing)")
        return OneHot(self.source, tuple(names), feature_index_of_level)

    @property
    def n_levels(self) -> int:
        """Number of levels, without missing."""
        return len(self.column.levels)

    @cached_property
    def codes(self) -> npt.NDArray[Any]:
        """Codes of shape (n_rows,), where `n_levels` stands for missing."""
        return known_codes(self.column, self.source, self.n_levels)

    @cached_property
    def counts(self) -> Integers:
        """Number of rows of each level, and last that of missing."""
        return np.bincount(self.codes, minlength=self.n_levels + 1)

    @property
    def level_counts(self) -> Integers:
        """Number of rows of each level, without missing."""
        return self.counts[:-1]

    @property
    def n_missing(self) -> int:
        """Number of rows where the value is missing."""
        return int(self.counts[-1])

    @property
    def fills_missing(self) -> bool:
        """Whether the recipe replaces missing values."""
        recipe = self.plan.recipe
        return recipe.numbers != "plain" or recipe.categories == "onehot"

    def _frequent_levels(self) -> Integers:
        """Return the levels that get a feature of their own, the most frequent first."""
        n_rows = len(self.codes)
        min_rows = min(5, n_rows // 20)
        min_rows = max(1, min_rows, n_rows // 1000)
        order = by_frequency(self.level_counts)
        candidates = order[: self.plan.max_levels]
        is_frequent = self.counts[candidates] >= min_rows
        return candidates[is_frequent]

    def _with_missing_indicator(self, name: str, scaled: Matrix) -> Lookup:
        """Return the encoder of scaled values of levels, of which the last is for missing.

        A second feature indicates missing values if the recipe fills them and some occur.
        """
        if not self.n_missing or not self.fills_missing:
            return Lookup(self.source, (name,), scaled[:, None])
        is_missing = np.zeros_like(scaled)
        is_missing[-1] = 1.0
        table = np.column_stack([scaled, is_missing])
        names = (name, f"{self.source} (missing)")
        return Lookup(self.source, names, table)
