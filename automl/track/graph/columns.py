"""The graph's inputs: one for each typed column, as numbers or as strings."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.cleaning import Cleaner
from automl.columns import Categories, Columns, Numbers
from automl.table import Table
from automl.track.graph.builder import ML_DOMAIN, Graph, Value

_MAX_KEY = 2.0**53
_NO_KEY = _MAX_KEY  # a number that is none of the values


class NoOperator(Exception):
    """A step has no operator in ONNX.

    Parameters
    ----------
    step : str
    cure : str
        The sentence that says how to fit without it.
    """

    def __init__(self, step: str, cure: str) -> None:
        super().__init__(step)
        self.cure = cure


class InputColumns:
    """The typed columns that a graph reads.

    Numbers, flags (0 or 1), durations (seconds) and dates (seconds since 1970-01-01 UTC) are
    doubles, NaN where missing. Categories are strings; any string that is not one of the levels
    is missing. A category that is made of a number's values has the number as its input.

    Parameters
    ----------
    graph : Graph
    cleaner : Cleaner
    """

    def __init__(self, graph: Graph, cleaner: Cleaner) -> None:
        self._graph = graph
        self._columns = empty_columns(cleaner)
        self._raw_of_code = numbers_of_codes(cleaner, self._columns)
        self._values = cleaner.category_values
        self.codes = cache(self._codes)
        self.code_or_last = cache(self._code_or_last)

    def numbers(self, name: str) -> Value:
        """Return a number column, of shape (n_rows, 1), double."""
        return self._graph.add_input(name, "DOUBLE")

    def _codes(self, name: str) -> Value:
        """Return the codes of a category column, of shape (n_rows,), int64; -1 is missing."""
        if name in self._raw_of_code:
            raw = self._raw_of_code[name]
            return _codes_of_numbers(self.numbers(raw), self._values[raw])
        column = self._columns[name]
        if not isinstance(column, Categories):
            raise NoOperator(f"the column {name!r}", f"Fit with --ignore {name!r}.")
        codes = self._graph.op(
            "LabelEncoder",
            self._graph.add_input(name, "STRING"),
            domain=ML_DOMAIN,
            dtype="INT64",
            keys_strings=list(column.levels),
            values_int64s=list(range(len(column.levels))),
            default_int64=-1,
        )
        return codes.reshape(-1)

    def _code_or_last(
        self,
        name: str,
        n_levels: int,
    ) -> Value:
        """Return codes of shape (n_rows,), int64, with `n_levels` for missing and unseen levels."""
        codes = self.codes(name)
        is_known = (codes >= 0) & (codes < n_levels)
        return codes.choose(n_levels, is_known)


def _codes_of_numbers(
    numbers: Value,
    values: tuple[float, ...],
) -> Value:
    """Return the place of each number among increasing whole numbers; -1 for others."""
    if not all(value.is_integer() for value in values):
        step = "a category of numbers that are not whole"
        raise NoOperator(step, "Fit with --set clean.categorical_integers=false.")
    filled = numbers.fill_missing(_NO_KEY)
    is_whole = filled.equals(filled.apply("Floor"))
    whole = filled.choose(_NO_KEY, is_whole)
    bounded = whole.clip(-_MAX_KEY, _MAX_KEY)
    keys = list(map(int, values))
    places = bounded.cast("INT64").places_in(keys, -1)
    return places.reshape(-1)


def empty_columns(cleaner: Cleaner) -> Columns:
    """Return the typed columns that a cleaner makes, without rows."""
    import pandas as pd

    names = {name: pd.Series([], dtype=object) for name in cleaner.rules}
    return cleaner.transform(Table(names, 0, "")).columns


def numbers_of_codes(
    cleaner: Cleaner,
    columns: Columns,
) -> dict[str, str]:
    """Return the number column of each category that is made of a number's values."""
    found: dict[str, str] = {}
    for raw in cleaner.category_values:
        if raw in cleaner.key_columns:
            found[raw] = raw
            continue
        name = f"{raw} (code)"
        while name in columns.by_name and not isinstance(columns[name], Categories):
            name += " (code)"
        found[name] = raw
    return found


def input_arrays(
    columns: Columns, cleaner: Cleaner, names: tuple[str, ...]
) -> dict[str, npt.NDArray[Any]]:
    """Return the inputs of a graph for typed columns."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for name in names:
        column = columns[name]
        if isinstance(column, Numbers):
            values: npt.NDArray[Any] = column.values
        else:
            assert isinstance(column, Categories)
            values = _words(column, cleaner.category_values.get(name))
        arrays[name] = values[:, None]
    return arrays


def _words(
    column: Categories,
    numbers: tuple[float, ...] | None,
) -> npt.NDArray[Any]:
    """Return the strings of categories, or the numbers that they stand for."""
    if numbers is None:
        words = [*column.levels, ""]
        return np.array(words, object)[column.codes]
    known = [*numbers, np.nan]
    return np.array(known)[column.codes]
