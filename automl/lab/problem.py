"""What the user asks: a table, which column is to be predicted, and what is known about the others."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.folds import some
from automl.table import Table


@dataclass(frozen=True)
class Problem:
    """A table and what is to be predicted from it.

    Parameters
    ----------
    table : Table
    target : str
        The target column, or the name of `y`.
    y, weight, groups : array-like of shape (n_rows,) or None
        Given beside the table from Python; otherwise columns of it.
    kind, metric, positive : str or None
        The kind of task, the metric and the positive class, where the user says them.
    weight_column, group_column, time_column : str or None
    ignore : tuple of str
        Columns that are not looked at.
    n_validation : int
        So many last rows are the holdout that the user gave.
    """

    table: Table
    target: str
    y: Any = None
    weight: Any = None
    groups: Any = None
    kind: str | None = None
    metric: str | None = None
    positive: str | None = None
    weight_column: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    ignore: tuple[str, ...] = ()
    n_validation: int = 0

    def take(self, rows: npt.NDArray[np.int64]) -> Problem:
        """The same with some of the rows, which have to hold all rows for validation."""
        y, weight, groups = (
            None if a is None else pd.Series(a).iloc[rows].reset_index(drop=True) for a in (self.y, self.weight, self.groups)
        )
        return replace(self, table=self.table.take(rows), y=y, weight=weight, groups=groups)

    @property
    def n_free(self) -> int:
        """How many rows are not for validation: the first ones."""
        return self.table.n_rows - self.n_validation

    def draw(self, count: int, seed: int) -> Problem:
        """At most so many rows, drawn at random and left in their order; rows for validation are not drawn from."""
        return self if self.n_free <= count else self.take(self.drawn(count, seed))

    def drawn(self, count: int, seed: int) -> npt.NDArray[np.int64]:
        """The rows that `draw` takes."""
        return np.concatenate([some(self.n_free, count, (seed, count)), np.arange(self.n_free, self.table.n_rows)])

    def sample(self, count: int, seed: int) -> Problem:
        """At most so many of the rows that are not for validation, to find out what they are like."""
        return replace(self.take(some(self.n_free, count, (seed, count))), n_validation=0)


NOTHING = Problem(Table({}, 0, ""), "")
