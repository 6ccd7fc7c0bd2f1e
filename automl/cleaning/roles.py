"""Read the target, weights, groups and times, from columns of a table or from arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.arrays import Floats, Rows
from automl.cleaning.cells import normalize_cells, read_cells
from automl.cleaning.decimals import DecimalSign
from automl.cleaning.drift import times_from_parts
from automl.cleaning.kinds import RawColumn, infer
from automl.cleaning.options import split_names
from automl.columns import Numbers
from automl.errors import InputError
from automl.table import Table, as_series
from automl.table.frames import with_escapes

Series: TypeAlias = "pd.Series[Any]"
Array: TypeAlias = npt.NDArray[Any]


def target_series(table: Table, target: Any) -> tuple[str, Series]:
    """Return the target's name and its values, one a row."""
    if isinstance(target, str):
        return target, as_series(table[target])
    series = _as_series(target, "y", table.n_rows)
    if series.name is None:
        return "target", series
    return str(series.name), series


@dataclass(frozen=True)
class RoleReader:
    """Reads weights, groups and times for the rows that have a target.

    Parameters
    ----------
    table : Table
    rows : ndarray of shape (n_kept,), int64
        The rows of the table that are kept.
    sign : DecimalSign
        The decimal sign of the table.
    """

    table: Table
    rows: Rows
    sign: DecimalSign

    def weights(self, source: Any) -> Floats | None:
        """Return the weights of the kept rows, from a column's name or an array.

        Raises
        ------
        InputError
            If a weight is negative or not finite, or all are zero.
        """
        if source is None:
            return None
        series, where = self._read(source, "weight")
        values = self._numbers(series, where, "number", "flag")
        is_negative = values < 0
        is_bad = is_negative | ~np.isfinite(values)
        if is_bad.any():
            row = self._first_row(is_bad)
            value = str(series.iloc[row])
            raise InputError(
                f"{where}: {value!r} in row {row + 1} is not a weight; weights are finite numbers "
                "and not negative"
            )
        total = values.sum()
        if not total > 0:
            raise InputError(f"{where}: all weights are zero")
        return values

    def groups(self, source: Any) -> Rows | None:
        """Return a number for the group of each kept row, from one or several columns or an array.

        Rows without a group are one group.
        """
        if source is None:
            return None
        parts = self._split(source)
        if parts:
            columns = [self._group_codes(part) for part in parts]
            codes = np.stack(columns)
            _, combined = np.unique(codes, axis=1, return_inverse=True)
            combined = combined.ravel()
            return combined.astype(np.int64)
        return self._group_codes(source)

    def _group_codes(self, source: Any) -> Rows:
        series, _ = self._read(source, "group")
        kept = series.iloc[self.rows]
        codes, _ = pd.factorize(kept, use_na_sentinel=False)
        return np.asarray(codes, np.int64)

    def times(self, source: Any) -> Floats | None:
        """Return the time of each kept row, from one or several columns or an array.

        Raises
        ------
        InputError
            If a time is neither a date nor a number.
        """
        if source is None:
            return None
        parts = self._split(source)
        if parts:
            columns = [self._times(part) for part in parts]
            return times_from_parts(columns)
        return self._times(source)

    def _times(self, source: Any) -> Floats:
        series, where = self._read(source, "time")
        values = self._numbers(series, where)
        is_bad = ~np.isfinite(values)
        if is_bad.any():
            row = self._first_row(is_bad)
            value = str(series.iloc[row])
            raise InputError(f"{where}: {value!r} in row {row + 1} is neither a date nor a number")
        return values

    def _split(self, source: Any) -> tuple[str, ...]:
        if not isinstance(source, str):
            return ()
        return split_names(source, self.table)

    def _read(self, source: Any, role: str) -> tuple[Series, str]:
        """Return the values of a role in all rows, and a description for messages."""
        if isinstance(source, str):
            where = f"{self.table.source}: {role} column {source!r}"
            column = self.table[source]
            return as_series(column), where
        series = _as_series(source, role, self.table.n_rows)
        return series, role

    def _numbers(self, series: Series, where: str, *kinds: str) -> Floats:
        """Read numbers and dates, or columns of these kinds only."""
        kept = series.iloc[self.rows]
        cells = normalize_cells(read_cells(kept))
        inferred = infer(RawColumn(where, cells, self.sign))
        column = inferred.rule.read(cells).column
        is_allowed = not kinds or column.kind in kinds
        if is_allowed and isinstance(column, Numbers):
            return column.values
        problem = "no numbers" if kinds else "neither numbers nor dates"
        raise InputError(f"{where} holds {problem}")

    def _first_row(self, mask: Array) -> int:
        """Return the first row of the table that a mask of the kept rows chooses."""
        first = np.argmax(mask)
        return int(self.rows[first])


def _as_series(values: Any, role: str, n_rows: int) -> Series:
    """Return one value a row, whatever holds them."""
    if values is None:
        raise InputError(f"{role} is None: requires {role} to be passed")
    if isinstance(values, pd.DataFrame):
        if values.shape[1] == 1:
            values = values.iloc[:, 0]
        else:
            values = values.to_numpy()
    if not isinstance(values, pd.Series):
        name = getattr(values, "name", None)
        array = _as_array(values, role)
        values = pd.Series(array, name=name or None)
    if len(values) != n_rows:
        raise InputError(
            f"{role}: Found input variables with inconsistent numbers of samples: "
            f"[{n_rows}, {len(values)}]"
        )
    return with_escapes(values.reset_index(drop=True))


def _as_array(values: Any, role: str) -> Array:
    """Return values as an array of one dimension."""
    package, _, _ = type(values).__module__.partition(".")
    is_foreign = package in ("polars", "pyarrow")
    if is_foreign:
        if hasattr(values, "to_list"):
            values = values.to_list()
        else:
            values = values.to_pylist()
    if isinstance(values, (list, tuple)):
        array = _array_of_sequence(values)
    else:
        array = np.asarray(values)
    is_column = array.ndim == 2 and array.shape[1] == 1
    if is_column:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{role}: y should be a 1d array, got an array of shape {array.shape} instead."
        )
    if array.dtype.kind == "c":
        raise InputError(f"{role}: Complex data not supported")
    return array


def _array_of_sequence(values: Sequence[Any]) -> Array:
    """Return an array in which mixed values keep their types: numpy makes text of [1, "a"]."""
    types = (list, tuple, np.ndarray)
    are_lists = all(isinstance(value, types) for value in values)
    if values and are_lists:
        lengths = set(map(len, values))
        if len(lengths) > 1:
            raise InputError("y should be a 1d array, got lists of different lengths instead.")
        return np.array(list(map(list, values)))
    n_rows = len(values)
    array = np.empty(n_rows, dtype=object)
    array[:] = list(values)
    inferred = pd.Series(array).infer_objects()
    return np.asarray(inferred)
