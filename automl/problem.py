"""The user's request: a table, the column to predict, and facts on the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl.arrays import Rows
from automl.folds import Folds, sample_rows
from automl.table import Table

_ARRAY_FIELDS = ("y", "weight", "groups", "times")


@dataclass(frozen=True)
class Problem:
    """A table and the target to predict from it.

    Parameters
    ----------
    table : Table
    target : str
        The target column, or the name of `y`.
    y, weight, groups, times : array-like of shape (n_rows,) or None
        Passed next to the table from Python; otherwise they are columns of it.
    kind, metric, positive : str or None
        The kind of task, the metric and the positive class, where the user names them.
    weight_column, group_column, time_column : str or None
    ignore : tuple of str
        Columns that are left out.
    n_validation : int
        Number of rows, the last of the table, that are the user's own holdout.
    folds : Folds or None
        The user's own folds, over the table's rows.
    """

    table: Table
    target: str
    y: Any = None
    weight: Any = None
    groups: Any = None
    times: Any = None
    kind: str | None = None
    metric: str | None = None
    positive: str | None = None
    weight_column: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    ignore: tuple[str, ...] = ()
    n_validation: int = 0
    folds: Folds | None = None

    def take(self, rows: Rows) -> Problem:
        """Return the problem of some rows, which must include all rows for validation."""
        arrays: dict[str, Any] = {}
        for name in _ARRAY_FIELDS:
            array = getattr(self, name)
            if array is not None:
                taken = pd.Series(array).iloc[rows]
                array = taken.reset_index(drop=True)
            arrays[name] = array
        folds = self.folds
        if folds is not None:
            folds = folds.take(rows)
        table = self.table.take(rows)
        return replace(self, table=table, folds=folds, **arrays)

    @property
    def n_free(self) -> int:
        """Number of rows that are not for validation: the first ones."""
        return self.table.n_rows - self.n_validation

    def draw(self, count: int, seed: int) -> Problem:
        """Return the problem of at most `count` random rows in their order.

        Rows for validation are kept and do not count.
        """
        if self.n_free <= count:
            return self
        rows = self.draw_rows(count, seed)
        return self.take(rows)

    def draw_rows(self, count: int, seed: int) -> Rows:
        """Return the positions of the rows that `draw` takes."""
        n_rows = self.table.n_rows
        seeds = (seed, count)
        free_rows = sample_rows(self.n_free, count, seeds)
        validation_rows = np.arange(self.n_free, n_rows)
        return np.concatenate([free_rows, validation_rows])

    def sample(self, count: int, seed: int) -> Problem:
        """Return the problem of at most `count` random rows, none of them for validation."""
        seeds = (seed, count)
        rows = sample_rows(self.n_free, count, seeds)
        sampled = self.take(rows)
        return replace(sampled, n_validation=0)


_EMPTY_TABLE = Table({}, n_rows=0, source="")
EMPTY_PROBLEM = Problem(_EMPTY_TABLE, target="")
