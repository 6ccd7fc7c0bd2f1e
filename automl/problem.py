"""What the user asks: a table, which column is to be predicted, and what is known about the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.folds import Folds, some
from automl.table import Table


@dataclass(frozen=True)
class Problem:
    """A table and what is to be predicted from it.

    Parameters
    ----------
    table : Table
    target : str
        The target column, or the name of `y`.
    y, weight, groups, times : array-like of shape (n_rows,) or None
        Given beside the table from Python; otherwise columns of it.
    kind, metric, positive : str or None
        The kind of task, the metric and the positive class, where the user says them.
    weight_column, group_column, time_column : str or None
    ignore : tuple of str
        Columns that are not looked at.
    n_validation : int
        So many last rows are the holdout that the user gave.
    folds : Folds or None
        The folds that the user gave, over the table's rows.
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

    def take(self, rows: npt.NDArray[np.int64]) -> Problem:
        """The same with some of the rows, which have to hold all rows for validation."""
        arrays = {name: getattr(self, name) for name in ("y", "weight", "groups", "times")}
        taken: dict[str, Any] = {
            name: None if array is None else pd.Series(array).iloc[rows].reset_index(drop=True)
            for name, array in arrays.items()
        }
        folds = None if self.folds is None else self.folds.take(rows)
        return replace(self, table=self.table.take(rows), folds=folds, **taken)

    @property
    def n_free(self) -> int:
        """How many rows are not for validation: the first ones."""
        return self.table.n_rows - self.n_validation

    def draw(self, count: int, seed: int) -> Problem:
        """At most so many rows, drawn at random and left in their order; rows for validation are not drawn from."""
        return self if self.n_free <= count else self.take(self.drawn(count, seed))

    def drawn(self, count: int, seed: int) -> npt.NDArray[np.int64]:
        """The rows that `draw` takes."""
        return np.concatenate(
            [some(self.n_free, count, (seed, count)), np.arange(self.n_free, self.table.n_rows)]
        )

    def sample(self, count: int, seed: int) -> Problem:
        """At most so many of the rows that are not for validation, to find out what they are like."""
        return replace(self.take(some(self.n_free, count, (seed, count))), n_validation=0)


NOTHING = Problem(Table({}, 0, ""), "")
