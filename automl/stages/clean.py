"""The clean stage: from a raw table to typed columns, the task and the folds.

Everything it does to the table is recorded as a finding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from automl.budget import Budget
from automl.cleaning import Cleaned, CleanOptions, clean
from automl.cleaning.duplicates import Copies, find_copied_rows
from automl.dataset import Dataset
from automl.errors import InputError
from automl.events import FindingRecorded
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.metrics import METRICS, metric_for, metric_of
from automl.models import FitContext, Sample
from automl.models.constant import fit_constant
from automl.problem import Problem
from automl.stages._affordable import Limits, TableLimits
from automl.stages._base import option
from automl.stages._categorical_integers import with_categorical_integers
from automl.stages._holding_out import (
    Splitter,
    check_folds,
    check_new_groups,
    is_not_validation,
    shared_groups_findings,
)
from automl.stages._prepared import PreparedTable
from automl.stages._score_warnings import find_score_warnings
from automl.stages._suspects import HoldoutOptions
from automl.stages.wide import MAX_COLUMNS_UNNARROWED, Narrowed, features_of, with_fewer_columns
from automl.study import Study
from automl.task import Task


@dataclass(frozen=True)
class Clean:
    """Find and repair faults of a raw table, and decide how rows are held out."""

    missing_words: bool = option(True, "Take words such as NA, none and ? as missing.")
    sentinels: bool = option(
        True, "Take numbers such as -999 that stand for a missing value as missing."
    )
    ids: bool = option(True, "Drop columns that only number the rows.")
    copies: bool = option(True, "Drop columns that equal another one.")
    kinds: Mapping[str, str] = option(
        {},
        "The kind of a column, where another was found: number, category, flag, date or text "
        "(clean.kinds.COLUMN=KIND).",
    )
    dual_typed: bool = option(
        True,
        "Read names as text, too, and texts that occur in several rows as categories.",
        formerly="twins",
    )
    categorical_integers: bool = option(
        True,
        "Take whole numbers that stand for something, such as a department's number, as "
        "categories, too; a host's key as a category only.",
        formerly="codes",
    )
    rows: int = option(
        0,
        "The most rows to use, drawn at random; 0: as many as can be cleaned in a quarter of the "
        "time and trained on in half of it.",
    )
    columns: int = option(
        0,
        "The most columns to use, those that say most about the target; 0: as many as can be "
        "cleaned in a part of the time.",
    )
    folds: int = option(
        0,
        "Folds of the cross-validation; 0 chooses by rows and budget, 1 is a single holdout.",
        most=100,
    )
    repeats: int = option(
        0, "How often the folds are drawn anew; 0 chooses by rows and budget.", most=100
    )
    holdout: float = option(
        0.2, "Share of the rows that a single holdout keeps back.", least=0.01, most=0.5
    )
    keep_duplicates_together: Literal["auto", True, False] = option(
        "auto",
        "Hold copies of a row out together; auto: rows equal in all features and target, where "
        "there are more than chance can explain.",
    )
    warn: bool = option(
        True,
        "Look for leaks, for entities that own several rows, and for drift, which make the score "
        "untrue.",
    )
    new_groups: bool = option(
        False,
        "With --time and --group: hold out later rows of groups that weren't trained on at all.",
    )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Clean the table, record every finding, and store the data for the workers."""
        original = lab.data.problem
        limits = Limits(lab.budget, lab.workers)
        prepared = self.prepare(original, limits, study.seed)
        lab.data.save(prepared.dataset, prepared.cleaner)
        lab.data.keep_example_rows()
        is_drawn = prepared.n_rows < original.table.n_rows
        # Arrays of groups or times, unlike columns, are in no file: their folds are saved instead.
        if not is_drawn and (original.groups is not None or original.times is not None):
            folds = prepared.dataset.folds.embed(prepared.cleaned.rows, prepared.n_rows)
            folds.save(lab.data.store.folder)
        # Discard the raw table now: freeing its strings takes time, which is short at the end.
        lab.data.release_problem()
        findings = [*self._score_warnings(prepared, lab), *prepared.findings]
        findings.sort(key=lambda finding: finding.severity != "warning")
        for finding in findings:
            study = lab.record(study, FindingRecorded(finding))
        return lab.record(study, prepared.event(original))

    def prepare(self, problem: Problem, limits: Limits, seed: int) -> PreparedTable:
        """Return the data that models are trained on, and what was found out on the way.

        Nothing is recorded or written.

        Parameters
        ----------
        problem : Problem
        limits : Limits
            Of a table that is too large for them, some columns and rows are taken.
        seed : int
            Not negative.

        Raises
        ------
        InputError
            Nothing can be learnt from the table, or an option does not fit it.
        """
        narrow = self._with_fewer_columns(problem, limits, seed)
        drawn = self._with_fewer_rows(narrow.problem, limits, seed)
        narrow = narrow.drawn(drawn, seed)
        cleaned = self._clean(drawn)
        task = _task(cleaned, drawn)
        _check_metric(task, cleaned)
        if self.categorical_integers:
            cleaned = self._with_categorical_integers(cleaned, task, drawn, seed)
        check_new_groups(self.new_groups, cleaned)
        copies = find_copied_rows(
            cleaned.columns, cleaned.y, task.is_regression, seed, cleaned.duplicates
        )
        units = self._units(cleaned, copies)
        folds = self._splitter().split(cleaned, task, drawn, units, limits, seed)
        folds = narrow.without_seen_rows(folds, cleaned)
        check_folds(folds, cleaned, drawn)
        dataset = Dataset(
            task,
            cleaned.columns,
            cleaned.y,
            folds,
            cleaned.weight,
            seed,
            units,
            cleaned.times,
        )
        findings = [
            *_drawn_findings(drawn, problem, is_requested=self.rows > 0),
            *narrow.findings(self.columns > 0),
            *shared_groups_findings(cleaned, folds, drawn),
            *_findings_of_cleaning(cleaned, copies),
        ]
        return PreparedTable(dataset, cleaned, copies, narrow, tuple(findings))

    def _with_fewer_columns(self, problem: Problem, limits: Limits, seed: int) -> Narrowed:
        """Return the problem with the requested number of columns, or as many as are affordable."""
        always = tuple(self.kinds)
        n_columns = len(features_of(problem))
        if self.columns or not limits.budget.is_timed or n_columns <= MAX_COLUMNS_UNNARROWED:
            return with_fewer_columns(problem, self.columns or n_columns, seed, always)
        limit = TableLimits(self._clean, limits, seed).columns(problem)
        return with_fewer_columns(
            problem, limit.count, seed, always, has_time=limit.has_time_to_look
        )

    def _with_fewer_rows(self, problem: Problem, limits: Limits, seed: int) -> Problem:
        """Return the problem with the requested number of rows, or as many as are affordable."""
        count = self.rows
        if not count:
            count = TableLimits(self._clean, limits, seed).rows(problem)
        return problem.draw(count, seed)

    def _clean(self, problem: Problem) -> Cleaned:
        return clean(
            problem.table,
            problem.target if problem.y is None else problem.y,
            self._options(problem),
            weight=problem.weight,
            groups=problem.groups,
            times=problem.times,
        )

    def _options(self, problem: Problem) -> CleanOptions:
        return CleanOptions(
            task=problem.kind,
            positive=problem.positive,
            weight=problem.weight_column,
            group=problem.group_column,
            time=problem.time_column,
            ignore=problem.ignore,
            kinds=self.kinds,
            missing_words=self.missing_words,
            sentinels=self.sentinels,
            ids=self.ids,
            copies=self.copies,
            dual_typed=self.dual_typed,
        )

    def _with_categorical_integers(
        self, cleaned: Cleaned, task: Task, problem: Problem, seed: int
    ) -> Cleaned:
        known = np.flatnonzero(is_not_validation(cleaned, problem))
        amounts = {problem.time_column}
        amounts.update(name for name, kind in self.kinds.items() if kind == "number")
        return with_categorical_integers(cleaned, task, seed, known, amounts)

    def _units(self, cleaned: Cleaned, copies: Copies) -> npt.NDArray[np.int64] | None:
        """Number the rows by the user's groups, or by copies of a row; None for no units."""
        if cleaned.groups is not None:
            return cleaned.groups.astype(np.int64)
        if self.keep_duplicates_together == "auto":
            return copies.units if copies.is_beyond_chance else None
        return cleaned.duplicates if self.keep_duplicates_together else None

    def _splitter(self) -> Splitter:
        return Splitter(self.folds, self.repeats, self.holdout, self.new_groups)

    def _score_warnings(self, prepared: PreparedTable, lab: Lab) -> list[Finding]:
        """Find out why the score might not be true."""
        if not self.warn:
            return []
        cleaned = prepared.cleaned
        problem = prepared.problem
        options = HoldoutOptions(
            cleaned.groups is not None,
            cleaned.times is not None,
            problem.n_validation > 0 or problem.folds is not None,
            tuple(cleaned.cleaner.category_values),
        )
        return find_score_warnings(prepared.dataset, prepared.copies, options, lab, lab.budget)


def _task(cleaned: Cleaned, problem: Problem) -> Task:
    metric = metric_for(problem.metric, cleaned.kind)
    return Task(
        cleaned.kind,
        problem.target,
        metric.name,
        cleaned.labels,
        cleaned.dtype,
        cleaned.has_decimal_comma,
    )


def _check_metric(task: Task, cleaned: Cleaned) -> None:
    """Refuse a user's metric that fails for these labels and weights.

    Otherwise the user would learn it from a hundred failed fits.
    """
    if task.metric in METRICS:
        return
    metric = metric_of(task)
    no_features = np.empty((len(cleaned.y), 0), np.float32)
    sample = Sample(no_features, (), cleaned.y, cleaned.weight)
    prediction = fit_constant(sample, FitContext(task, metric, seed=0)).predict(no_features)
    try:
        loss = metric.loss_of_output(cleaned.y, prediction, cleaned.weight)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"--metric: {task.metric} fails for the constant prediction: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not np.isfinite(loss):
        raise InputError(
            f"--metric: {task.metric} is {metric.score(loss)} for the constant prediction, "
            "not a number to compare by."
        )


def _findings_of_cleaning(cleaned: Cleaned, copies: Copies) -> list[Finding]:
    """Return the findings of cleaning, without duplicate rows if there is a warning of copies."""
    if not copies.is_beyond_chance:
        return list(cleaned.findings)
    return [finding for finding in cleaned.findings if finding.code != "duplicate_rows"]


def _drawn_findings(drawn: Problem, original: Problem, is_requested: bool) -> list[Finding]:
    """Report that some of the rows were drawn; nothing if all are used."""
    count = drawn.table.n_rows
    if count == original.table.n_rows:
        return []
    why = "as asked" if is_requested else "all take more time than there is for them"
    action = f"{count} of {original.table.n_rows} rows were drawn at random: {why}"
    override = "--set clean.rows=N"
    return [Finding("drawn", (), "warning", count, action=action, override=override)]
