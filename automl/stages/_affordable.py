"""How many rows and columns of a table a run has time to clean and to train on.

The time that cleaning takes is measured on samples of the table. Without a clock every row and
column is affordable.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from automl.budget import Budget
from automl.cleaning import Cleaned
from automl.errors import InputError
from automl.features.encoding import estimate_n_features
from automl.models import find_family
from automl.problem import Problem
from automl.stages.wide import MIN_USED_COLUMNS, N_TIMED_COLUMNS, features_of, sample_columns

MAX_PROBED_ROWS = 4_000  # of a sample on which the speed of cleaning is measured
MAX_PROBED_CELLS = 400_000  # of the same sample
MIN_PROBED_ROWS = 200  # however many columns there are
MAIN_PROCESS_FACTOR = 2.5  # seconds of the main process for every second of cleaning a column
LOOKING_FACTOR = 0.15  # seconds of looking at a column for every second of cleaning it
CLEANING_TIME_SHARE = 0.25  # of the time that is left
FIT_TIME_SHARE = 0.5  # of the time that is left, for one LightGBM fit by its own formula
MIN_TRAINING_ROWS = 4_000  # linear models and networks are quick there, whatever the columns
ALL_ROWS_SHARE = 0.9  # from this share on, all rows are used
MAX_OUTPUTS_FACTOR = 6.0  # how much longer many classes take than two, while they are not counted
MANY_CLASSES = 20
MAX_NETWORK_FITS = 4  # of many classes, one LightGBM fit counts for no more than these


@dataclass(frozen=True)
class Limits:
    """What there is for a table.

    Parameters
    ----------
    budget : Budget
        The clock of the whole run.
    workers : int
        Number of fits that can run at the same time.
    """

    budget: Budget
    workers: int = 1


def fit_seconds(rows: int, columns: int, outputs: int) -> tuple[float, float]:
    """Return the expected seconds of one fit of LightGBM and of one fit of a network."""
    lightgbm = find_family("lightgbm").cost(rows, columns, outputs)
    network = find_family("mlp").cost(rows, columns, outputs)
    return lightgbm, network


def _probed_rows(n_columns: int) -> int:
    """Return the number of rows on which the speed of cleaning is measured."""
    rows = min(MAX_PROBED_ROWS, MAX_PROBED_CELLS // n_columns)
    return max(MIN_PROBED_ROWS, rows)


@dataclass(frozen=True)
class ColumnLimit:
    """How many columns can be cleaned, and whether there is time to look at all of them first."""

    count: int
    has_time_to_look: bool


@dataclass(frozen=True)
class TableLimits:
    """Find out how much of a table there is time for.

    Parameters
    ----------
    clean : callable
        Cleans a problem.
    limits : Limits
    seed : int
        Of the samples that are drawn.
    """

    clean: Callable[[Problem], Cleaned]
    limits: Limits
    seed: int

    def _seconds_left(self) -> float:
        return self.limits.budget.remaining()

    def columns(self, problem: Problem) -> ColumnLimit:
        """Return the number of columns that can be cleaned in time."""
        n_columns = len(features_of(problem))
        seconds = self._seconds_per_column(problem)
        affordable_seconds = CLEANING_TIME_SHARE * self._seconds_left()
        count = int(affordable_seconds / (MAIN_PROCESS_FACTOR * seconds))
        looking_seconds = LOOKING_FACTOR * seconds * n_columns
        has_time_to_look = looking_seconds <= affordable_seconds
        return ColumnLimit(max(MIN_USED_COLUMNS, count), has_time_to_look)

    def _seconds_per_column(self, problem: Problem) -> float:
        """Measure how long cleaning a column takes, on a sample of columns and rows."""
        columns = sample_columns(problem, N_TIMED_COLUMNS, self.seed)
        sample = columns.sample(MAX_PROBED_ROWS, self.seed)
        before = self._seconds_left()
        # The sample may be unfit to learn from; cleaning the table will show whether that is, too.
        with suppress(InputError):
            self.clean(sample)
        elapsed = before - self._seconds_left()
        return max(1e-5, elapsed) / N_TIMED_COLUMNS

    def rows(self, problem: Problem) -> int:
        """Return the number of rows that can be cleaned and trained on in time."""
        n_rows = problem.table.n_rows
        n_columns = len(problem.table.columns)
        seconds_left = self._seconds_left()
        probed_rows = _probed_rows(n_columns)
        if not self.limits.budget.is_timed:
            return n_rows
        if n_rows < 2 * probed_rows:
            return n_rows
        if self._is_quick(n_rows, n_columns, seconds_left):
            return n_rows
        rows = float(n_rows)
        outputs = 1
        features = n_columns
        # The sample may be unfit to learn from; cleaning the table will show whether that is, too.
        with suppress(InputError):
            sample = problem.sample(probed_rows, self.seed)
            sample_seconds, cleaned = self._timed_clean(sample)
            outputs = len(cleaned.labels)
            features = estimate_n_features(cleaned.columns)
            table_seconds = sample_seconds * n_rows / probed_rows
            if table_seconds > CLEANING_TIME_SHARE * seconds_left:
                rows = self._cleanable_rows(problem, probed_rows, sample_seconds)
        training_seconds = self._training_seconds(n_rows, features, outputs)
        trainable = n_rows * FIT_TIME_SHARE * seconds_left / training_seconds
        rows = min(rows, max(MIN_TRAINING_ROWS, trainable))
        if rows > ALL_ROWS_SHARE * n_rows:
            return n_rows
        return max(probed_rows, int(rows))

    def _is_quick(self, n_rows: int, n_columns: int, seconds_left: float) -> bool:
        """Whether a table is so small that no rate has to be measured."""
        binary_seconds = self._training_seconds(n_rows, n_columns, 1)
        if MAX_OUTPUTS_FACTOR * binary_seconds >= FIT_TIME_SHARE * seconds_left:
            return False
        if n_rows >= 8 * MAX_PROBED_ROWS:
            return False
        return n_rows * n_columns < 8 * MAX_PROBED_CELLS

    def _cleanable_rows(self, problem: Problem, probed_rows: int, seconds: float) -> float:
        """Return the rows that can be cleaned in time.

        Parameters
        ----------
        probed_rows : int
            Rows of a sample.
        seconds : float
            Seconds that cleaning the sample took.
        """
        seconds_left = self._seconds_left()
        more_rows = min(4 * probed_rows, problem.n_free)
        expected_seconds = seconds * more_rows / probed_rows
        has_time = expected_seconds <= CLEANING_TIME_SHARE * seconds_left
        if more_rows <= probed_rows or not has_time:
            return probed_rows * CLEANING_TIME_SHARE * seconds_left / seconds
        larger_sample = problem.sample(more_rows, self.seed)
        more_seconds, _ = self._timed_clean(larger_sample)
        # Words that recur cost little: twice the rows take less than twice as long.
        power = math.log(more_seconds / seconds, more_rows / probed_rows)
        power = min(1.0, max(0.3, power))
        growth = CLEANING_TIME_SHARE * self._seconds_left() / more_seconds
        return more_rows * float(growth ** (1 / power))

    def _timed_clean(self, problem: Problem) -> tuple[float, Cleaned]:
        """Return the seconds that cleaning a table took, and the cleaned table."""
        before = self._seconds_left()
        cleaned = self.clean(problem)
        elapsed = before - self._seconds_left()
        return max(1e-3, elapsed), cleaned

    def _training_seconds(self, rows: int, columns: int, outputs: int) -> float:
        """Return the seconds of one LightGBM fit on all cores.

        With many classes, where LightGBM is slow and seldom wins, it counts for no more than a
        few networks.
        """
        seconds, network_seconds = fit_seconds(rows, columns, outputs)
        if outputs >= MANY_CLASSES:
            seconds = min(seconds, MAX_NETWORK_FITS * network_seconds)
        return seconds / self.limits.workers
