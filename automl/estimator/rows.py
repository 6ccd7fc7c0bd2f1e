"""What `fit` is given, as arrays of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import column_or_1d

from automl.errors import InputError, suggestion
from automl.folds import Folds
from automl.problem import Problem
from automl.table import Table

Array = npt.NDArray[Any]


Given = Array | str | None  # an array, or the name of a column of X
_PARAMETERS = {"weight": "sample_weight", "times": "time"}  # what `fit` calls them


@dataclass(frozen=True)
class Rows:
    """What `fit` was given, as arrays of equal length, or, of weights, groups and times, the names of columns."""

    table: Table
    y: Array
    name: str
    weight: Given = None
    groups: Given = None
    times: Given = None
    n_validation: int = 0
    folds: Folds | None = None

    def __post_init__(self) -> None:
        for name, array in {"y": self.y, **self._arrays()}.items():
            if len(array) != self.table.n_rows:
                shown = f"{self.table.source} and {_PARAMETERS.get(name, name)}"
                lengths = [self.table.n_rows, len(array)]
                raise InputError(
                    f"{shown}: Found input variables with inconsistent numbers of samples: {lengths}"
                )

    def _arrays(self) -> dict[str, Array]:
        """Weights, groups and times, as far as they are arrays."""
        given = {"weight": self.weight, "groups": self.groups, "times": self.times}
        return {
            name: value
            for name, value in given.items()
            if value is not None and not isinstance(value, str)
        }

    def with_roles(self, weight: Any, groups: Any, times: Any) -> Rows:
        """These rows with weights, groups and times; rows of weight 0 are as if they weren't there."""
        given: dict[str, Any] = {"groups": _role(groups, "groups"), "times": _role(times, "time")}
        if weight is None or isinstance(weight, str):
            return replace(self, weight=weight, **given)
        try:
            numbers = column(weight, "sample_weight").astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"sample_weight: {error}") from None
        whole = replace(self, weight=numbers, **given)
        kept = np.flatnonzero(numbers != 0)
        if not len(kept):
            raise InputError("sample_weight: all weights are zero.")
        return whole if len(kept) == len(numbers) else whole.take(kept)

    def take(self, kept: npt.NDArray[np.int64]) -> Rows:
        """Some of these rows."""
        arrays: dict[str, Any] = {name: array[kept] for name, array in self._arrays().items()}
        folds = None if self.folds is None else self.folds.take(kept)
        return replace(self, table=self.table.take(kept), y=self.y[kept], folds=folds, **arrays)

    def grouping(self) -> Array | None:
        """The group of each row; names with commas are columns whose combinations are the groups."""
        if not isinstance(self.groups, str):
            return self.groups
        columns = self.table.columns
        names = (
            [self.groups]
            if self.groups in columns
            else [name.strip() for name in self.groups.split(",")]
        )
        if unknown := [name for name in names if name not in columns]:
            raise InputError(
                f"--group: {self.table.source} has no column {unknown[0]!r}.{suggestion(unknown[0], self.table.names)}"
            )
        numbers = (
            pd.DataFrame({name: columns[name] for name in names})
            .groupby(names, dropna=False, sort=False)
            .ngroup()
        )
        return np.asarray(numbers)

    def judged_on(self, table: Table, y: Array) -> Rows:
        """These rows, and others behind them that are the holdout; each of those weighs as much as a row does on average."""
        judges = Rows(table, y, self.name)
        if (y.dtype.kind in "biuf") != (self.y.dtype.kind in "biuf"):
            raise InputError(f"y and y_val hold different things: {self.y.dtype} and {y.dtype}.")
        weight = self.weight
        if weight is not None and not isinstance(weight, str):
            weight = np.append(weight, np.full(table.n_rows, weight.mean()))
        frame = pd.concat([self.table.to_frame(), judges.table.to_frame()], ignore_index=True)
        both = replace(
            self.table, columns={str(name): frame[name] for name in frame}, n_rows=len(frame)
        )
        return Rows(both, np.concatenate([self.y, y]), self.name, weight, n_validation=table.n_rows)

    def problem(self, task: str, metric: str | None) -> Problem:
        """As a run takes it."""
        given = {"weight": self.weight, "group": self.groups, "time": self.times}
        arrays: dict[str, Any] = dict(self._arrays())
        names: dict[str, Any] = {
            f"{role}_column": value for role, value in given.items() if isinstance(value, str)
        }
        return Problem(
            self.table,
            self.name,
            pd.Series(self.y, name=self.name),
            kind=task,
            metric=metric,
            n_validation=self.n_validation,
            folds=self.folds,
            **names,
            **arrays,
        )


def _role(values: Any, name: str) -> Given:
    """Groups or times: an array, or a column's name."""
    return values if values is None or isinstance(values, str) else column(values, name)


def is_missing(y: Array) -> npt.NDArray[np.bool_]:
    """Which labels are None, NaN or blank."""
    missing = np.asarray(pd.isna(y))
    if y.dtype.kind in "OU":
        missing = missing | np.array(
            [isinstance(label, str) and not label.strip() for label in y], bool
        )
    return missing


def column(values: Any, name: str) -> Array:
    """One value a row, of their own dtype; a column vector is taken with scikit-learn's warning."""
    array: Array = column_or_1d(
        np.asarray(values), warn=name.startswith("y"), input_name=name
    )  # pandas' Int64 would become float64 there
    return array


def named(X: Any, table: Table) -> Any:
    """What scikit-learn reads names and width from: X itself, or the table as a frame where X is nothing that it knows.

    It refuses names of which some are text and some are not; the table has them as text.
    """
    texts = (
        {isinstance(name, str) for name in X.columns}
        if isinstance(X, pd.DataFrame)
        else set[bool]()
    )
    if len(texts) > 1:
        return table.to_frame()
    rows = isinstance(X, (list, tuple)) and not isinstance(X[0], Mapping)
    bare = hasattr(X, "__array__") and not hasattr(X, "shape")
    return X if rows or bare or len(getattr(X, "shape", ())) == 2 else table.to_frame()


def has_names(X: Any, table: Table) -> bool:
    """Whether all of X's columns have names that are text, as scikit-learn counts them."""
    shown = named(X, table)
    columns = getattr(shown, "column_names", getattr(shown, "columns", None))
    return columns is not None and all(isinstance(name, str) for name in columns)
