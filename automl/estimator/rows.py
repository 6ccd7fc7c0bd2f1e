"""The arguments of `fit` as arrays of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import column_or_1d

from automl.arrays import Array, Bools
from automl.errors import InputError, suggestion
from automl.folds import Folds
from automl.problem import Problem
from automl.table import Table

Positions = npt.NDArray[np.int64]  # of rows in a table
ArrayOrName = Array | str | None  # values, or the name of a column of X

# The names of the attributes of `Rows` in `fit`, where they differ.
PARAMETER_NAMES = {"weight": "sample_weight", "times": "time"}


@dataclass(frozen=True)
class Rows:
    """The arguments of `fit`.

    Parameters
    ----------
    table : Table
    y : ndarray of shape (n_rows,)
    name : str
        The target's name.
    weight, groups, times : ndarray of shape (n_rows,), str or None
        Values, or the name of a column of the table.
    n_validation : int
        Number of rows at the end that are the holdout.
    folds : Folds, optional
    """

    table: Table
    y: Array
    name: str
    weight: ArrayOrName = None
    groups: ArrayOrName = None
    times: ArrayOrName = None
    n_validation: int = 0
    folds: Folds | None = None

    def __post_init__(self) -> None:
        arrays = {"y": self.y}
        arrays.update(self._arrays())
        for name, array in arrays.items():
            if len(array) == self.table.n_rows:
                continue
            parameter = PARAMETER_NAMES.get(name, name)
            lengths = [self.table.n_rows, len(array)]
            raise InputError(
                f"{self.table.source} and {parameter}: "
                f"Found input variables with inconsistent numbers of samples: {lengths}"
            )

    def _arrays(self) -> dict[str, Array]:
        """Return those of weight, groups and times that are arrays."""
        arrays = {}
        for name in ("weight", "groups", "times"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, str):
                arrays[name] = value
        return arrays

    def with_roles(self, weight: Any, groups: Any, times: Any) -> Rows:
        """Add weights, groups and times, and leave out rows of weight 0."""
        roles: dict[str, Any] = {
            "groups": _array_or_name(groups, "groups"),
            "times": _array_or_name(times, "time"),
        }
        if weight is None or isinstance(weight, str):
            return replace(self, weight=weight, **roles)
        try:
            column = as_column(weight, "sample_weight")
            numbers = column.astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"sample_weight: {error}") from None
        rows = replace(self, weight=numbers, **roles)
        positions = np.flatnonzero(numbers != 0)
        if not len(positions):
            raise InputError("sample_weight: all weights are zero.")
        if len(positions) == len(numbers):
            return rows
        return rows.take(positions)

    def take(self, positions: Positions) -> Rows:
        """Select rows by their positions."""
        arrays: dict[str, Any] = self._arrays()
        for name, array in arrays.items():
            arrays[name] = array[positions]
        if self.folds is not None:
            arrays["folds"] = self.folds.take(positions)
        return replace(
            self,
            table=self.table.take(positions),
            y=self.y[positions],
            **arrays,
        )

    def group_values(self) -> Array | None:
        """Return the group of each row.

        A name with commas stands for several columns, whose combinations are the groups.
        """
        if not isinstance(self.groups, str):
            return self.groups
        columns = self.table.columns
        names = [self.groups]
        if self.groups not in columns:  # then it must be several names
            parts = self.groups.split(",")
            names = [part.strip() for part in parts]
        values = {}
        for name in names:
            if name not in columns:
                hint = suggestion(name, self.table.names)
                raise InputError(f"--group: {self.table.source} has no column {name!r}.{hint}")
            values[name] = columns[name]
        groups = pd.DataFrame(values).groupby(
            names,
            dropna=False,
            sort=False,
        )
        return np.asarray(groups.ngroup())

    def with_validation(self, table: Table, y: Array) -> Rows:
        """Append rows that are the holdout, each with the mean weight of these rows."""
        validation = Rows(table, y, self.name)
        is_numeric = self.y.dtype.kind in "biuf"
        if is_numeric != (y.dtype.kind in "biuf"):
            raise InputError(f"y and y_val hold different things: {self.y.dtype} and {y.dtype}.")
        weight = self.weight
        if weight is not None and not isinstance(weight, str):
            mean = weight.mean()
            added = np.full(table.n_rows, mean)
            weight = np.append(weight, added)
        return Rows(
            table=_append(self.table, validation.table),
            y=np.concatenate([self.y, y]),
            name=self.name,
            weight=weight,
            n_validation=table.n_rows,
        )

    def to_problem(self, task: str, metric: str | None) -> Problem:
        """Return these rows as the problem of a run."""
        roles: dict[str, Any] = self._arrays()
        if isinstance(self.weight, str):
            roles["weight_column"] = self.weight
        if isinstance(self.groups, str):
            roles["group_column"] = self.groups
        if isinstance(self.times, str):
            roles["time_column"] = self.times
        target = pd.Series(self.y, name=self.name)
        return Problem(
            self.table,
            self.name,
            target,
            kind=task,
            metric=metric,
            n_validation=self.n_validation,
            folds=self.folds,
            **roles,
        )


def _append(table: Table, added: Table) -> Table:
    """Append the rows of another table."""
    frames = [table.to_frame(), added.to_frame()]
    frame = pd.concat(frames, ignore_index=True)
    columns = {}
    for name in frame:
        columns[str(name)] = frame[name]
    n_rows = len(frame)
    return replace(table, columns=columns, n_rows=n_rows)


def _array_or_name(values: Any, name: str) -> ArrayOrName:
    """Convert groups or times to an array, unless they are a column's name."""
    if values is None or isinstance(values, str):
        return values
    return as_column(values, name)


def is_missing(y: Array) -> Bools:
    """Return which labels are None, NaN or blank."""
    missing: Bools = np.asarray(pd.isna(y))
    if y.dtype.kind not in "OU":
        return missing
    blank = [_is_blank(label) for label in y]
    missing |= np.array(blank, bool)
    return missing


def _is_blank(label: Any) -> bool:
    return isinstance(label, str) and not label.strip()


def as_column(values: Any, name: str) -> Array:
    """Convert values to an array with one value a row, of their own dtype.

    A column vector is accepted with scikit-learn's warning.
    """
    array = np.asarray(values)  # scikit-learn would convert pandas' Int64 to float64
    is_target = name.startswith("y")
    column: Array = column_or_1d(
        array,
        warn=is_target,
        input_name=name,
    )
    return column


def input_for_sklearn(X: Any, table: Table) -> Any:
    """Return the object from which scikit-learn reads names and width.

    That is X itself if scikit-learn knows its type, otherwise the table as a frame. scikit-learn
    refuses names of which only some are strings; in the frame all are.
    """
    if isinstance(X, pd.DataFrame):
        are_strings = {isinstance(name, str) for name in X.columns}
        if len(are_strings) > 1:
            return table.to_frame()
    if isinstance(X, (list, tuple)):
        is_known = not isinstance(X[0], Mapping)
    elif hasattr(X, "shape"):
        is_known = len(X.shape) == 2
    else:
        is_known = hasattr(X, "__array__")
    return X if is_known else table.to_frame()


def has_names(X: Any, table: Table) -> bool:
    """Whether scikit-learn considers the columns of X named: all names are strings."""
    shown = input_for_sklearn(X, table)
    names = getattr(shown, "columns", None)
    names = getattr(shown, "column_names", names)
    if names is None:
        return False
    return all(isinstance(name, str) for name in names)
