"""Tables of more columns than can be cleaned in time: those that tell most of the target are kept, and the score stays honest.

Which columns tell most is found out on rows that are never held out afterwards: chosen by all rows, the best of 20 000 columns of noise
would look like a finding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.cleaning import Cleaned, Finding
from automl.features.telling import squared_correlations
from automl.folds import Folds, some
from automl.problem import Problem

FEW_COLUMNS = 400  # that are never too many
FEWEST_COLUMNS = 60  # that are kept, however little time there is
PROBED_COLUMNS = 40  # by which the seconds of one are measured
LOOKED_AT_ROWS = 2_000  # at most, and half of all
FEWEST_ROWS = 40  # of fewer, half tells nothing
BLOCK_CELLS = 1_000_000  # that are turned into numbers at a time
MOST_CLASSES = 10  # whose indicators are correlated with the columns
NUMBERS_FROM = 20  # different numbers make a target that is none of classes

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Narrowed:
    """A problem with fewer columns.

    Parameters
    ----------
    problem : Problem
    dropped : tuple of str
        The columns that were left out.
    seen : ndarray of shape (n_rows,), bool, or None
        The rows that the choice was made on, which must not be held out; None where no target was looked at.
    """

    problem: Problem
    dropped: tuple[str, ...] = ()
    seen: Bools | None = None

    @property
    def kept(self) -> int:
        """How many columns are left; 0 if none was dropped."""
        return len(features_of(self.problem)) if self.dropped else 0

    def drawn(self, problem: Problem, seed: int) -> Narrowed:
        """The same for a problem that was drawn from it."""
        count = problem.table.n_rows
        if self.seen is None or count == self.problem.table.n_rows:
            return replace(self, problem=problem)
        return Narrowed(
            problem, self.dropped, self.seen[self.problem.drawn(count - problem.n_validation, seed)]
        )

    def held_apart(self, folds: Folds, cleaned: Cleaned) -> Folds:
        """Folds in which no row is held out that the columns were chosen on."""
        if self.seen is None or self.problem.n_validation:
            return folds
        return never_held(folds, self.seen[cleaned.rows], cleaned.duplicates)

    def findings(self, asked: bool) -> list[Finding]:
        """What is told of the choice; nothing where all columns are used."""
        if not self.dropped:
            return []
        kept = self.kept
        why = "as asked" if asked else "all take more time than there is for them"
        how = (
            "drawn at random"
            if self.seen is None
            else f"those that tell most of the target on {int(self.seen.sum())} rows"
        )
        action = f"{kept} of {kept + len(self.dropped)} columns are used, {how}: {why}"
        return [
            Finding(
                "screened",
                (),
                "warning",
                len(self.dropped),
                action=action,
                override="--set clean.columns=N",
            )
        ]


def features_of(problem: Problem) -> list[str]:
    """The columns that are neither the target nor have another role."""
    roles = {
        problem.target if problem.y is None else None,
        problem.weight_column,
        problem.group_column,
        problem.time_column,
    }
    return [
        name for name in problem.table.names if name not in roles and name not in problem.ignore
    ]


def some_columns(problem: Problem, count: int, seed: int) -> Problem:
    """The problem with so many of its features, drawn at random."""
    names = features_of(problem)
    kept = {names[index] for index in some(len(names), count, seed).tolist()}
    return replace(problem, table=problem.table.drop(name for name in names if name not in kept))


def narrowed(
    problem: Problem, most: int, seed: int, always: tuple[str, ...] = (), looks: bool = True
) -> Narrowed:
    """The problem with at most so many of its features, those that tell most of the target.

    Where rows are held out by group or time, the columns are drawn at random: which rows will be held out is not known yet.
    So they are where there is no time to look at them.
    """
    names = features_of(problem)
    if len(names) <= most:
        return Narrowed(problem)
    seen = _seen_rows(problem, seed) if looks else None
    if seen is None:
        order = np.random.default_rng((seed, len(names))).permutation(len(names))
    else:
        order = np.argsort(-_scores(problem, names, np.flatnonzero(seen)), kind="stable")
    kept = {names[index] for index in order[:most].tolist()} | set(always)
    dropped = tuple(name for name in names if name not in kept)
    return Narrowed(replace(problem, table=problem.table.drop(dropped)), dropped, seen)


def never_held(folds: Folds, is_seen: Bools, duplicates: npt.NDArray[np.int64]) -> Folds:
    """Folds that never hold out the rows that columns were chosen on, nor their duplicates: they are always trained on."""
    known = is_seen | np.isin(duplicates, duplicates[is_seen])
    return replace(folds, blocks=np.where(known, np.int16(-1), folds.blocks))


def _seen_rows(problem: Problem, seed: int) -> Bools | None:
    """The rows that the choice may look at: half of them, or those that are not the user's holdout; None where it may look at none."""
    n_rows = problem.table.n_rows
    if (
        problem.time_column is not None
        or problem.group_column is not None
        or problem.groups is not None
    ):
        return None
    free = problem.n_free
    rows = some(
        free, min(LOOKED_AT_ROWS, free if problem.n_validation else free // 2), (seed, free)
    )
    if len(rows) < FEWEST_ROWS // 2:
        return None
    is_seen = np.zeros(n_rows, bool)
    is_seen[rows] = True
    return is_seen


def _scores(problem: Problem, names: list[str], rows: npt.NDArray[np.int64]) -> Floats:
    """How much each column tells of the target on some rows, linearly and alone; words tell nothing here."""
    centred = _target(problem, rows)
    parallel_map = max(1, BLOCK_CELLS // len(rows))
    parts = []
    for start in range(0, len(names), parallel_map):
        columns = [
            _cells(problem.table.columns[name], rows)
            for name in names[start : start + parallel_map]
        ]
        parts.append(squared_correlations(_numbers(columns), centred))
    return np.concatenate(parts)


def _cells(column: pd.Series[Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """Some cells of a column."""
    values = column.to_numpy()[rows]
    return values if values.dtype.kind in "fiub" else values.astype(object)


def _numbers(columns: list[npt.NDArray[Any]]) -> Floats:
    """Cells as numbers, of shape (n_rows, n_columns), NaN where they are none."""
    block = np.empty((len(columns[0]), len(columns)))
    textual = [index for index, column in enumerate(columns) if column.dtype.kind == "O"]
    for index, column in enumerate(columns):
        if column.dtype.kind != "O":
            block[:, index] = column
    if textual:
        flat = pd.Series(np.concatenate([columns[index] for index in textual]), dtype=object)
        block[:, textual] = (
            pd.to_numeric(flat, errors="coerce")
            .to_numpy(np.float64, na_value=np.nan)
            .reshape(len(textual), -1)
            .T
        )
    return block


def _target(problem: Problem, rows: npt.NDArray[np.int64]) -> Floats:
    """The target at some rows as standardised columns: itself, or one a class."""
    whole: pd.Series[Any] = (
        problem.table[problem.target] if problem.y is None else pd.Series(problem.y)
    )
    cells = whole.iloc[rows]
    numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    known = np.isfinite(numbers)
    is_amount = problem.kind == "regression" or (
        problem.kind is None and len(np.unique(numbers[known])) > NUMBERS_FROM
    )
    if is_amount and known.any():
        values = np.where(known, numbers, numbers[known].mean())[:, None]
    else:
        codes = pd.factorize(cells.astype(str))[0]
        frequent = np.argsort(-np.bincount(codes), kind="stable")[:MOST_CLASSES]
        values = (codes[:, None] == frequent).astype(np.float64)
    spread = values.std(axis=0)
    centred: Floats = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return centred
