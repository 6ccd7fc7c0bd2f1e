"""What `fit` is given, as arrays of equal length."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.utils.validation import column_or_1d

from automl.errors import InputError
from automl.lab.problem import Problem
from automl.table import Table

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Rows:
    """What `fit` was given, as arrays of equal length."""

    table: Table
    y: Array
    name: str
    weight: Array | None = None
    groups: Array | None = None
    n_validation: int = 0

    def __post_init__(self) -> None:
        for array in (self.y, self.weight, self.groups):
            if array is not None and len(array) != self.table.n_rows:
                lengths = [self.table.n_rows, len(array)]
                raise InputError(f"{self.table.source}: Found input variables with inconsistent numbers of samples: {lengths}")

    def weighing(self, weight: Any, groups: Any) -> Rows:
        """These rows with weights and groups; rows of weight 0 are as if they weren't there."""
        groups = None if groups is None else column(groups, "groups")
        if weight is None:
            return replace(self, groups=groups)
        try:
            weight = column(weight, "sample_weight").astype(np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(f"sample_weight: {error}") from None
        whole = replace(self, weight=weight, groups=groups)
        kept = np.flatnonzero(weight != 0)
        if not len(kept):
            raise InputError("sample_weight: all weights are zero.")
        fewer = None if groups is None else groups[kept]
        return whole if len(kept) == len(weight) else Rows(self.table.take(kept), self.y[kept], self.name, weight[kept], fewer)

    def judged_on(self, table: Table, y: Array) -> Rows:
        """These rows, and others behind them that are the holdout; each of those weighs as much as a row does on average."""
        judges = Rows(table, y, self.name)
        if (y.dtype.kind in "biuf") != (self.y.dtype.kind in "biuf"):
            raise InputError(f"y and y_val hold different things: {self.y.dtype} and {y.dtype}.")
        weight = None if self.weight is None else np.append(self.weight, np.full(table.n_rows, self.weight.mean()))
        frame = pd.concat([self.table.to_frame(), judges.table.to_frame()], ignore_index=True)
        both = replace(self.table, columns={str(name): frame[name] for name in frame}, n_rows=len(frame))
        return Rows(both, np.concatenate([self.y, y]), self.name, weight, n_validation=table.n_rows)

    def problem(self, task: str, metric: str | None) -> Problem:
        """As a run takes it."""
        y = pd.Series(self.y, name=self.name)
        return Problem(self.table, self.name, y, self.weight, self.groups, task, metric, n_validation=self.n_validation)


def column(values: Any, name: str) -> Array:
    """One value a row, of their own dtype; a column vector is taken with scikit-learn's warning."""
    array: Array = column_or_1d(np.asarray(values), warn=name.startswith("y"), input_name=name)  # pandas' Int64 would become float64 there
    return array


def named(X: Any, table: Table) -> Any:
    """What scikit-learn reads names and width from: X itself, or the table as a frame where X is nothing that it knows.

    It refuses names of which some are text and some are not; the table has them as text.
    """
    texts = {isinstance(name, str) for name in X.columns} if isinstance(X, pd.DataFrame) else set[bool]()
    if len(texts) > 1:
        return table.to_frame()
    rows = isinstance(X, (list, tuple)) and not isinstance(X[0], Mapping)
    bare = hasattr(X, "__array__") and not hasattr(X, "shape")
    return X if rows or bare or len(getattr(X, "shape", ())) == 2 else table.to_frame()
