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
        self._raw_of_code = _numbers_of_codes(cleaner, self._columns)
        self._values = cleaner.category_values
        self.numbers = cache(self._numbers)
        self.codes = cache(self._codes)
        self.code_or_last = cache(self._code_or_last)

    def _numbers(self, name: str) -> Value:
        """Return a number column, of shape (n_rows, 1), double."""
        return self._graph.add_input(name, "DOUBLE")

    def _codes(self, name: str) -> Value:
        """Return the codes of a category column, of shape (n_rows,), int64; -1 is missing."""
        graph = self._graph
        if name in self._raw_of_code:
            raw = self._raw_of_code[name]
            return self._codes_of_numbers(graph.add_input(raw, "DOUBLE"), self._values[raw])
        column = self._columns[name]
        if not isinstance(column, Categories):
            raise NoOperator(f"the column {name!r}", f"Fit with --ignore {name!r}.")
        looked_up = graph.op(
            "LabelEncoder",
            graph.add_input(name, "STRING"),
            domain=ML_DOMAIN,
            keys_strings=list(column.levels),
            values_int64s=list(range(len(column.levels))),
            default_int64=-1,
        )
        return self._flat(looked_up)

    def _codes_of_numbers(self, numbers: Value, values: tuple[float, ...]) -> Value:
        """Return the place of each number among increasing whole numbers; -1 for others."""
        graph = self._graph
        if not all(value.is_integer() for value in values):
            raise NoOperator(
                "a category of numbers that are not whole",
                "Fit with --set clean.categorical_integers=false.",
            )
        filled = graph.fill_missing(numbers, _NO_KEY)
        is_whole = graph.op("Equal", filled, graph.op("Floor", filled))
        whole = graph.op("Where", is_whole, filled, graph.constant(_NO_KEY))
        bounded = graph.clip(whole, -_MAX_KEY, _MAX_KEY)
        return self._flat(
            graph.op(
                "LabelEncoder",
                graph.cast(bounded, "INT64"),
                domain=ML_DOMAIN,
                keys_int64s=list(map(int, values)),
                values_int64s=list(range(len(values))),
                default_int64=-1,
            )
        )

    def _code_or_last(self, name: str, n_levels: int) -> Value:
        """Return codes of shape (n_rows,), int64, with `n_levels` for missing and unseen levels."""
        graph = self._graph
        codes = self.codes(name)
        is_known = graph.op(
            "And",
            graph.op("GreaterOrEqual", codes, graph.constant(0, np.int64)),
            graph.op("Less", codes, graph.constant(n_levels, np.int64)),
        )
        return graph.op("Where", is_known, codes, graph.constant(n_levels, np.int64))

    def _flat(self, value: Value) -> Value:
        return self._graph.op("Reshape", value, self._graph.constant([-1], np.int64))


def empty_columns(cleaner: Cleaner) -> Columns:
    """Return the typed columns that a cleaner makes, without rows."""
    import pandas as pd

    names = {name: pd.Series([], dtype=object) for name in cleaner.rules}
    return cleaner.transform(Table(names, 0, "")).columns


def _numbers_of_codes(cleaner: Cleaner, columns: Columns) -> dict[str, str]:
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
            arrays[name] = np.asarray(column.values, np.float64)[:, None]
        elif isinstance(column, Categories):
            if name in cleaner.key_columns:
                known: npt.NDArray[Any] = np.array([*cleaner.category_values[name], np.nan])
            else:
                known = np.array([*column.levels, ""], object)
            arrays[name] = known[column.codes][:, None]
    return arrays
