"""How rows of a cleaned table are held out: as the user says, or by rows and budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl import folds as held_out
from automl.cleaning import Cleaned
from automl.errors import InputError
from automl.features.encoding import estimate_n_features
from automl.finding import Finding
from automl.problem import Problem
from automl.stages._affordable import Limits, fit_seconds
from automl.study import KeptTogether, Plan
from automl.task import Task

SEARCH_TIME_SHARE = 0.6  # of the time that is left, on every worker, is there for fits

# Folds that are made if there is time for this number of fits of LightGBM and of a network.
MAX_FOLDS = 8
MIN_FITS_FOR_MAX_FOLDS = 36
MIN_NETWORK_FITS_FOR_MAX_FOLDS = 7

# Folds that are made with fewer fits; with fewer still, there is a single holdout.
FEWER_FOLDS = 3
MIN_FITS_FOR_FEWER_FOLDS = 20

# On small tables a holdout says too little: the best of many models is lucky on it.
SMALL_TABLE_ROWS = 3_000
MIN_FITS_FOR_FEWER_FOLDS_OF_SMALL_TABLE = 8

LARGE_TABLE_ROWS = 10_000  # from here on folds want far more fits: held-out rows are many
UNTIMED_ROW_FITS = 5 * 10**6  # rows x fits that are assumed to be affordable without a clock
MAX_TIME_FOLDS = 3  # of a sixth of the rows each: only long blocks show how later rows differ


@dataclass(frozen=True)
class Splitter:
    """How rows are held out.

    Parameters
    ----------
    folds : int
        Folds of the cross-validation; 0 chooses by rows and budget, 1 is a single holdout.
    repeats : int
        How often the folds are drawn anew; 0 chooses by rows and budget.
    holdout : float
        Share of the rows that a single holdout keeps back.
    new_groups : bool
        Whether groups that later rows are held out of are kept out of training, too.
    """

    folds: int
    repeats: int
    holdout: float
    new_groups: bool

    def split(
        self,
        cleaned: Cleaned,
        task: Task,
        problem: Problem,
        units: npt.NDArray[np.int64] | None,
        limits: Limits,
        seed: int,
    ) -> held_out.Folds:
        """Return the user's folds, folds by time, or folds that suit the rows and the budget.

        Parameters
        ----------
        units : ndarray of shape (n_rows,) or None
            Rows with an equal number are held out together.
        """
        n_rows = len(cleaned.y)
        if problem.folds is not None:
            return problem.folds.take(cleaned.rows)
        if problem.n_validation:
            return held_out.holdout_of(~is_not_validation(cleaned, problem))
        if units is None:
            units = np.arange(n_rows)
        plan = self._plan(n_rows, estimate_n_features(cleaned.columns), task, limits)
        n_units = len(np.unique(units))
        if cleaned.times is not None:
            has_groups = cleaned.groups is not None
            return self._split_by_time(cleaned.times, units, plan.folds, seed, has_groups)
        if plan.folds == 1:
            return held_out.holdout(cleaned.y, units, self.holdout, seed)
        n_folds = min(plan.folds, n_units)
        return held_out.kfold(cleaned.y, units, n_folds, plan.repeats, seed)

    def _split_by_time(
        self,
        times: npt.NDArray[np.float64],
        units: npt.NDArray[np.int64],
        n_folds: int,
        seed: int,
        has_groups: bool,
    ) -> held_out.Folds:
        """Hold later rows out.

        Groups that exist all the time are in both training and held-out rows, unless new groups
        are requested.
        """
        n_folds = min(n_folds, MAX_TIME_FOLDS)
        if has_groups and self.new_groups:
            return held_out.panel(times, units, max(2, n_folds), seed)
        if has_groups and held_out.groups_span_times(times, units, n_folds):
            units = np.arange(len(times))
        return held_out.by_time(times, units, n_folds)

    def _plan(self, rows: int, columns: int, task: Task, limits: Limits) -> Plan:
        """Plan as many folds as leave time for some candidates, networks among them.

        Without a clock, the size of the table alone decides.
        """
        is_timed = limits.budget.is_timed
        lightgbm_seconds, network_seconds = fit_seconds(rows, columns, task.n_outputs)
        if is_timed:
            seconds = SEARCH_TIME_SHARE * limits.budget.remaining() * limits.workers
            fits = seconds / lightgbm_seconds
            has_time_for_networks = seconds >= MIN_NETWORK_FITS_FOR_MAX_FOLDS * network_seconds
        else:
            fits = UNTIMED_ROW_FITS / max(1, rows)
            has_time_for_networks = True
        n_folds = self.folds or _affordable_folds(rows, fits, has_time_for_networks, is_timed)
        n_folds = min(n_folds, rows // 2)
        if n_folds <= 1:
            return Plan("holdout", n_folds, 1)
        repeats = self.repeats
        if not repeats:
            repeats = _affordable_repeats(rows, fits) if is_timed else 1
        return Plan("kfold", n_folds, repeats)


def _affordable_folds(rows: int, fits: float, has_time_for_networks: bool, is_timed: bool) -> int:
    """Return the number of folds, given the number of LightGBM fits that there is time for."""
    factor = 1.0
    if is_timed:
        factor = max(1.0, rows / SMALL_TABLE_ROWS) * max(1.0, rows / LARGE_TABLE_ROWS) ** 2
    if fits >= MIN_FITS_FOR_MAX_FOLDS * factor and has_time_for_networks:
        return MAX_FOLDS
    min_fits = MIN_FITS_FOR_FEWER_FOLDS * factor
    if rows <= SMALL_TABLE_ROWS:
        min_fits = MIN_FITS_FOR_FEWER_FOLDS_OF_SMALL_TABLE
    return FEWER_FOLDS if fits >= min_fits else 1


def _affordable_repeats(rows: int, fits: float) -> int:
    """Return how often folds are drawn anew, given the number of fits that there is time for."""
    if rows <= 600 and fits >= 1600:
        return 3
    if rows <= 1500 and fits >= 1000:
        return 2
    return 1


def is_not_validation(cleaned: Cleaned, problem: Problem) -> npt.NDArray[np.bool_]:
    """Return which rows are not part of the holdout that the user brought."""
    first_validation_row = problem.table.n_rows - problem.n_validation
    is_known: npt.NDArray[np.bool_] = cleaned.rows < first_validation_row
    return is_known


def kept_together(cleaned: Cleaned, units: npt.NDArray[np.int64] | None) -> KeptTogether:
    """Return the kind of rows that are held out together."""
    if cleaned.groups is not None:
        return "groups"
    return "" if units is None else "copies"


def check_new_groups(new_groups: bool, cleaned: Cleaned) -> None:
    """Refuse to hold out new groups of a table that has none."""
    if new_groups and cleaned.groups is None:
        raise InputError(
            "clean.new_groups: holds out groups that are new. "
            "Say with --group which column has them."
        )


def check_folds(folds: held_out.Folds, cleaned: Cleaned, problem: Problem) -> None:
    """Refuse folds that leave nothing to train on or to hold out."""
    splits = [
        (repeat, fold) for repeat in range(len(folds.blocks)) for fold in range(folds.n_folds)
    ]
    empty = _first_empty_split(folds, splits)
    if splits and empty is None:
        return
    if problem.folds is not None:
        number = 1 if empty is None else splits.index(empty) + 1
        raise InputError(
            f"cv: split {number} has no row to train on or none to hold out, "
            "once rows without a target are left out."
        )
    if folds.kind == "panel":
        raise InputError(
            f"clean.new_groups: no group of {problem.group_column!r} is left to train on "
            "before others are held out later."
        )
    if cleaned.times is not None:
        name = f"{problem.time_column!r} holds" if problem.time_column else "there is"
        raise InputError(f"--time: {name} one time only: no row is later than another.")
    if cleaned.groups is not None:
        name = f"{problem.group_column!r} holds" if problem.group_column else "there is"
        raise InputError(f"--group: {name} one group only: no other one can be held out.")
    raise InputError(
        "no rows can be held out: all are equal, or too few; "
        "clean.keep_duplicates_together=false splits equal ones."
    )


def _first_empty_split(
    folds: held_out.Folds, splits: list[tuple[int, int]]
) -> tuple[int, int] | None:
    for split in splits:
        if not len(folds.train(*split)) or not len(folds.held_out(*split)):
            return split
    return None


def shared_groups_findings(
    cleaned: Cleaned, folds: held_out.Folds, problem: Problem
) -> list[Finding]:
    """Warn that groups are in both training and held-out rows of folds by time."""
    if cleaned.groups is None or folds.kind != "time":
        return []
    groups = cleaned.groups
    if not any(_shares_groups(groups, folds, fold) for fold in range(folds.n_folds)):
        return []
    columns = [name for name in (problem.group_column, problem.time_column) if name]
    action = (
        "groups run through the times: later rows are held out, of groups that were trained on, "
        "too; the score is that of known groups"
    )
    finding = Finding(
        "groups_and_times",
        tuple(columns),
        "warning",
        len(np.unique(groups)),
        action=action,
        override="--set clean.new_groups=true",
    )
    return [finding]


def _shares_groups(groups: npt.NDArray[np.int64], folds: held_out.Folds, fold: int) -> bool:
    held = groups[folds.held_out(0, fold)]
    trained = groups[folds.train(0, fold)]
    return bool(np.isin(held, trained).any())
