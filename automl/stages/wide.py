"""Tables with more columns than can be cleaned in time: the most informative ones are used.

Which columns are informative is found out on rows that are never held out afterwards, so that the
score stays true: chosen by all rows, the best of 20 000 columns of noise would look like a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl.arrays import Array, Bools, Floats, Rows
from automl.cleaning import Cleaned
from automl.features.column_ranking import squared_correlations
from automl.finding import Finding
from automl.folds import Folds, sample_rows
from automl.problem import Problem
from automl.table import TableColumn, TextColumn, as_series

MAX_COLUMNS_UNNARROWED = 400  # that are never too many
MIN_USED_COLUMNS = 60  # that are used, however little time there is
N_TIMED_COLUMNS = 40  # by which the seconds of one are measured
MAX_SEEN_ROWS = 2_000  # and at most half of all
MIN_SEEN_ROWS = 20
BLOCK_CELLS = 1_000_000  # that are turned into numbers at a time
MAX_CLASSES = 10  # whose indicators are correlated with the columns
MAX_CLASS_NUMBERS = 20  # a target of more different numbers is not one of classes


@dataclass(frozen=True)
class Narrowed:
    """A problem with fewer columns.

    Parameters
    ----------
    problem : Problem
    dropped : tuple of str
        The columns that were left out.
    is_seen : ndarray of shape (n_rows,), bool, or None
        The rows that the choice was made on, which must not be held out; None if it was made
        without the target.
    """

    problem: Problem
    dropped: tuple[str, ...] = ()
    is_seen: Bools | None = None

    @property
    def n_kept(self) -> int:
        """Number of columns that are left; 0 if none was dropped."""
        if not self.dropped:
            return 0
        return len(features_of(self.problem))

    def drawn(self, problem: Problem, seed: int) -> Narrowed:
        """Return the same for a problem that was drawn from this one's rows."""
        n_rows = problem.table.n_rows
        if self.is_seen is None:
            return replace(self, problem=problem)
        if n_rows == self.problem.table.n_rows:
            return replace(self, problem=problem)
        n_free = n_rows - problem.n_validation
        rows = self.problem.draw_rows(n_free, seed)
        seen = self.is_seen[rows]
        return replace(self, problem=problem, is_seen=seen)

    def without_seen_rows(self, folds: Folds, cleaned: Cleaned) -> Folds:
        """Return folds in which no row is held out that the columns were chosen on."""
        if self.is_seen is None or self.problem.n_validation:
            return folds
        is_seen = self.is_seen[cleaned.rows]
        return never_held(folds, is_seen, cleaned.duplicates)

    def findings(self, asked: bool) -> list[Finding]:
        """Return the finding of the choice; none where all columns are used.

        `asked` says whether the user set the number of columns.
        """
        if not self.dropped:
            return []
        reason = "all take more time than there is for them"
        if asked:
            reason = "as asked"
        choice = "drawn at random"
        if self.is_seen is not None:
            n_seen = int(self.is_seen.sum())
            choice = f"those that explain most of the target on {n_seen} rows"
        n_dropped = len(self.dropped)
        n_columns = self.n_kept + n_dropped
        finding = Finding(
            "screened",
            (),
            "warning",
            n_dropped,
            action=f"{self.n_kept} of {n_columns} columns are used, {choice}: {reason}",
            override="--set clean.columns=N",
        )
        return [finding]


def features_of(problem: Problem) -> list[str]:
    """Return the columns that are neither the target nor have another role."""
    others = {
        problem.target if problem.y is None else None,
        problem.weight_column,
        problem.group_column,
        problem.time_column,
        *problem.ignore,
    }
    names = problem.table.names
    return [name for name in names if name not in others]


def sample_columns(problem: Problem, count: int, seed: int) -> Problem:
    """Return the problem with a number of its features, drawn at random."""
    names = features_of(problem)
    drawn = sample_rows(len(names), count, seed)
    used = {names[index] for index in drawn}
    dropped = [name for name in names if name not in used]
    table = problem.table.drop(dropped)
    return replace(problem, table=table)


def with_fewer_columns(
    problem: Problem, n_columns: int, seed: int, always: tuple[str, ...] = (), has_time: bool = True
) -> Narrowed:
    """Return the problem with its most informative features.

    Where rows are held out by group or time, the columns are drawn at random, because it is not
    known yet which rows will be held out. They are drawn at random, too, if there is no time to
    look at them.

    Parameters
    ----------
    problem : Problem
    n_columns : int
        Number of features, apart from those of `always`.
    seed : int
    always : tuple of str
        Features that are used in any case.
    has_time : bool
        Whether there is time to look at them.
    """
    names = features_of(problem)
    n_all = len(names)
    if n_all <= n_columns:
        return Narrowed(problem)
    seen = _seen_rows(problem, seed) if has_time else None
    if seen is None:
        rng = np.random.default_rng((seed, n_all))
        order = rng.permutation(n_all)
    else:
        rows = np.flatnonzero(seen)
        scores = _scores(problem, names, rows)
        order = np.argsort(-scores, kind="stable")
    used = set(always)
    used.update(names[index] for index in order[:n_columns])
    dropped = tuple(name for name in names if name not in used)
    table = problem.table.drop(dropped)
    narrow = replace(problem, table=table)
    return Narrowed(narrow, dropped, seen)


def never_held(folds: Folds, is_seen: Bools, duplicates: Rows) -> Folds:
    """Return folds that always train on the rows that columns were chosen on.

    Neither those rows nor their duplicates are held out.
    """
    seen = duplicates[is_seen]
    is_known = is_seen | np.isin(duplicates, seen)
    never = np.int16(-1)
    blocks = np.where(is_known, never, folds.blocks)
    return replace(folds, blocks=blocks)


def _seen_rows(problem: Problem, seed: int) -> Bools | None:
    """Return which rows the choice may be made on, or None if on none of them.

    They are half of all rows, or those that are not the user's holdout.
    """
    if problem.time_column is not None:
        return None
    if problem.group_column is not None:
        return None
    if problem.groups is not None:
        return None
    n_free = problem.n_free
    n_usable = n_free if problem.n_validation else n_free // 2
    n_seen = min(MAX_SEEN_ROWS, n_usable)
    seeds = (seed, n_free)
    rows = sample_rows(n_free, n_seen, seeds)
    if len(rows) < MIN_SEEN_ROWS:
        return None
    n_rows = problem.table.n_rows
    is_seen = np.zeros(n_rows, bool)
    is_seen[rows] = True
    return is_seen


def _scores(problem: Problem, names: list[str], rows: Rows) -> Floats:
    """Return how much of the target each column explains on some rows, linearly and alone.

    Words explain nothing here.
    """
    target = _standardised_target(problem, rows)
    n_columns = max(1, BLOCK_CELLS // len(rows))
    scores = []
    for start in range(0, len(names), n_columns):
        columns = []
        for name in names[start : start + n_columns]:
            column = problem.table.columns[name]
            columns.append(_cells(column, rows))
        block = _as_numbers(columns)
        scores.append(squared_correlations(block, target))
    return np.concatenate(scores)


def _cells(column: TableColumn, rows: Rows) -> Array:
    if isinstance(column, TextColumn):
        return column.cells[rows]
    series = as_series(column)
    values = series.to_numpy()
    values = values[rows]
    if values.dtype.kind in "fiub":
        return values
    return values.astype(object)


def _as_numbers(columns: list[Array]) -> Floats:
    """Return cells as numbers, of shape (n_rows, n_columns); NaN where they are none."""
    n_rows = len(columns[0])
    block = np.empty((n_rows, len(columns)))
    textual = []
    texts = []
    for index, column in enumerate(columns):
        if column.dtype.kind == "O":
            textual.append(index)
            texts.append(column)
        else:
            block[:, index] = column
    if textual:
        cells = np.concatenate(texts)
        values = _parsed(pd.Series(cells, dtype=object))
        by_column = values.reshape(-1, n_rows)
        block[:, textual] = by_column.T
    return block


def _parsed(cells: pd.Series[Any]) -> Floats:
    numbers = pd.to_numeric(cells, errors="coerce")
    return numbers.to_numpy(np.float64, na_value=np.nan)


def _standardised_target(problem: Problem, rows: Rows) -> Floats:
    """Return the target at some rows as standardised columns: itself, or one a class."""
    if problem.y is None:
        target = as_series(problem.table[problem.target])
    else:
        target = pd.Series(problem.y)
    cells = target.iloc[rows]
    numbers = _parsed(cells)
    is_known = np.isfinite(numbers)
    known = numbers[is_known]
    if len(known) and _is_amount(problem, known):
        filled = np.where(is_known, numbers, known.mean())
        values = filled[:, None]
    else:
        words = cells.astype(str)
        codes, _ = pd.factorize(words)
        counts = np.bincount(codes)
        by_frequency = np.argsort(-counts, kind="stable")
        is_class = codes[:, None] == by_frequency[:MAX_CLASSES]
        values = is_class.astype(np.float64)
    deviations = values.std(axis=0)
    divisors = np.where(deviations > 0, deviations, 1.0)
    centred = values - values.mean(axis=0)
    standardised: Floats = centred / divisors
    return standardised


def _is_amount(problem: Problem, known: Floats) -> bool:
    """Return whether a target is a number rather than a class."""
    if problem.kind is not None:
        return problem.kind == "regression"
    distinct = np.unique(known)
    return len(distinct) > MAX_CLASS_NUMBERS
