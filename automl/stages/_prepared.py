"""A prepared table: what the clean stage makes of a problem, before anything is recorded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from automl.cleaning import Cleaned, Cleaner
from automl.cleaning.duplicates import Copies, count_repeated
from automl.dataset import Dataset
from automl.events import DataPrepared
from automl.features.encoding import estimate_n_features
from automl.finding import Finding
from automl.problem import Problem
from automl.stages._holding_out import kept_together
from automl.stages.wide import Narrowed
from automl.study import Plan, Size


@dataclass(frozen=True)
class PreparedTable:
    """A table that models can be trained on.

    Parameters
    ----------
    dataset : Dataset
    cleaned : Cleaned
    copies : Copies
        Rows that equal others.
    narrowed : Narrowed
        The problem with the columns and rows that are used.
    findings : tuple of Finding
        What was done to the table.
    """

    dataset: Dataset
    cleaned: Cleaned
    copies: Copies
    narrowed: Narrowed
    findings: tuple[Finding, ...]

    @property
    def problem(self) -> Problem:
        """The problem with the columns and rows that are used."""
        return self.narrowed.problem

    @property
    def n_rows(self) -> int:
        """Number of rows that are used, before those without a target are left out."""
        return self.problem.table.n_rows

    @property
    def cleaner(self) -> Cleaner:
        """The Cleaner, which knows of the columns that are not used, too."""
        cleaner = self.cleaned.cleaner
        return replace(cleaner, unused=(*cleaner.unused, *self.narrowed.dropped))

    def event(self, original: Problem) -> DataPrepared:
        """Return the event with the task, the size of the table and the folds."""
        data = self.dataset
        folds = data.folds
        together = kept_together(self.cleaned, data.units)
        plan = Plan(folds.kind, folds.n_folds, len(folds.blocks), together)
        n_drawn = 0 if self.n_rows == original.table.n_rows else self.n_rows
        return DataPrepared(
            data.task,
            data.digest(),
            self._size(),
            plan,
            drawn=n_drawn,
            narrowed=self.narrowed.n_kept,
        )

    def _size(self) -> Size:
        data = self.dataset
        names = data.columns.names
        n_rows = len(data.y)
        most_frequent = 0
        if not data.task.is_regression:
            most_frequent = int(np.bincount(data.y.astype(np.int64)).max())
        n_repeated = 0
        if data.units is None:
            n_repeated = count_repeated(self.cleaned.duplicates)
        return Size(
            rows=n_rows,
            columns=len(names()),
            repeated=n_repeated,
            categories=len(names("category")),
            features=estimate_n_features(data.columns),
            others=n_rows - most_frequent,
        )
