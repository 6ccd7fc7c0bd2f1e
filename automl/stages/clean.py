"""clean: from a raw table to typed columns, the task and the folds. Everything it does is a finding."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from automl import folds as held_out
from automl.budget import Budget
from automl.cleaning import Cleaned, CleanOptions, Finding, clean
from automl.cleaning.duplicates import repeated
from automl.errors import InputError
from automl.features.codes import coded
from automl.features.encoding import width
from automl.features.keys import entity_keys
from automl.features.target import MOST_CLASSES, targets
from automl.lab.dataset import Dataset
from automl.lab.lab import Lab
from automl.lab.problem import NOTHING, Problem
from automl.metrics import METRICS, metric_for, metric_of
from automl.models import How, Sample, family
from automl.models.constant import constant
from automl.stages._base import option
from automl.task import Task
from automl.trial import Plan, Study

PROBED = 4_000  # rows at most, by which the rate of cleaning is measured
PROBED_CELLS = 400_000  # and cells
FEWEST_PROBED = 200  # rows, however many columns there are
CLEANING = 0.25  # of the time that is left may go into it
TRAINING = 0.5  # of the time that is left may one fit of LightGBM take that is not cut short, by its own formula
TRAINABLE = 4_000  # rows, however many columns there are: linear models and networks are quick there
NEARLY = 0.9  # of the rows are as good as all
MOST_OUTPUTS = 6.0  # times as long as two classes take many of them, where it is not known yet how many there are
MANY_CLASSES = 20
LOOKED_AT, FEWEST_LOOKED_AT = 50_000, 500  # rows at most, and at least if they are there, to find numbers that are codes
LOOKED_AT_CELLS = 4_000_000  # and cells x outputs, for tables of many columns
LOOKED_AT_SHARE, SECONDS_A_CELL = 0.05, 1e-6  # of the time that is left goes into looking; a cell takes so long
MANY_FOLDS, MANY_FITS, MANY_NETWORKS = 8, 36, 7  # so many folds where the time is enough for so many fits of LightGBM and of a network
SOME_FOLDS, SOME_FITS = 3, 20  # else so many, else a single holdout
MANY_ROWS = 10_000  # from there on folds want far more fits
FEW_ROWS, FEW_FITS = 3_000, 8  # of so few rows a holdout tells too little: the best of many models is lucky on it; more rows want more fits
LARGE = 2_000_000  # cells x outputs from which on a fit gets several threads


@dataclass(frozen=True)
class Clean:
    """Find and mend what is wrong with a raw table, and decide how rows are held out."""

    missing_words: bool = option(True, "Take words such as NA, none and ? as missing.")
    sentinels: bool = option(True, "Take numbers such as -999 that stand for a missing value as missing.")
    ids: bool = option(True, "Drop columns that only number the rows.")
    copies: bool = option(True, "Drop columns that equal another one.")
    kinds: Mapping[str, str] = option(
        {}, "The kind of a column, where another was found: number, category, flag, date or text (clean.kinds.COLUMN=KIND)."
    )
    twins: bool = option(True, "Read names as text, too, and texts that stand in several rows as categories.")
    codes: bool = option(
        True, "Take whole numbers that stand for something, such as a department's number, as categories, too; a host's key as one alone."
    )
    rows: int = option(0, "At most so many rows, drawn at random; 0: as many as a quarter of the time cleans and half of it fits.")
    folds: int = option(0, "Folds of the cross-validation; 0 chooses by rows and budget, 1 is a single holdout.", most=100)
    repeats: int = option(0, "How often the folds are drawn anew; 0 chooses by rows and budget.", most=100)
    holdout: float = option(0.2, "Share of the rows that a single holdout keeps back.", least=0.01, most=0.5)
    keep_duplicates_together: bool = option(False, "Hold identical rows out together, for tables whose duplicates are copies by mistake.")

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Clean the table, tell every finding, and lay the data down for the workers."""
        whole = lab.problem
        problem = whole.draw(self.rows or self._affordable(whole, lab, study.seed), study.seed)
        cleaned = self._clean(problem)
        task = Task(
            cleaned.kind, problem.target, metric_for(problem.metric, cleaned.kind).name, cleaned.labels, cleaned.dtype, cleaned.comma
        )
        _check_metric(task, cleaned)
        known = np.flatnonzero(_is_known(cleaned, problem))
        amounts = {*(name for name, kind in self.kinds.items() if kind == "number"), problem.time_column}
        cells = min(LOOKED_AT_CELLS, LOOKED_AT_SHARE * lab.whole.remaining() / SECONDS_A_CELL) if lab.whole.timed else LOOKED_AT_CELLS
        cleaned = with_codes(cleaned, task, study.seed, known, amounts, int(cells)) if self.codes else cleaned
        made = self._folds(cleaned, task, problem, study.seed, lab)
        _check_folds(made, cleaned, problem)
        dataset = Dataset(task, cleaned.columns, cleaned.y, made, cleaned.weight, study.seed)
        lab.keep(dataset, cleaned.cleaner)
        lab.problem = NOTHING  # the raw table may go: freeing its strings takes time that is short at the end
        drawn = problem.table.n_rows if problem is not whole else 0
        for finding in (*_drawn(drawn, whole, asked=self.rows > 0), *cleaned.findings):
            study = lab.tell(study, {"kind": "finding", "finding": finding.to_json()})
        return lab.tell(study, self._facts(dataset, made, self._repeated(cleaned)) | {"drawn": drawn})

    def _clean(self, problem: Problem) -> Cleaned:
        target = problem.target if problem.y is None else problem.y
        return clean(problem.table, target, self._options(problem), weight=problem.weight, groups=problem.groups)

    def _affordable(self, problem: Problem, lab: Lab, seed: int) -> int:
        """The rows that can be cleaned and trained on in a part of what is left, by what a few of them show; all without a clock."""
        n_rows, n_columns, left = problem.table.n_rows, len(problem.table.columns), lab.whole.remaining()
        probed = max(FEWEST_PROBED, min(PROBED, PROBED_CELLS // n_columns))
        if not lab.whole.timed or n_rows < 2 * probed:
            return n_rows
        quick = MOST_OUTPUTS * _training(n_rows, n_columns, 1, lab) < TRAINING * left
        if quick and n_rows < 8 * PROBED and n_rows * n_columns < 8 * PROBED_CELLS:
            return n_rows
        outputs, features, rows = 1, n_columns, float(n_rows)
        try:
            few, cleaned = self._tried(problem.sample(probed, seed), lab)
            outputs, features = len(cleaned.labels), width(cleaned.columns)
            if few * n_rows / probed > CLEANING * left:
                rows = self._cleanable(problem, lab, seed, probed, few)
        except InputError:  # so few rows can't be learnt from; whether all can, shows when all are cleaned
            pass
        rows = min(rows, max(TRAINABLE, n_rows * TRAINING * left / _training(n_rows, features, outputs, lab)))
        return n_rows if rows > NEARLY * n_rows else max(probed, int(rows))

    def _cleanable(self, problem: Problem, lab: Lab, seed: int, probed: int, few: float) -> float:
        """The rows that can be cleaned in time, where so many took `few` seconds."""
        left = lab.whole.remaining()
        more_rows = min(4 * probed, problem.n_free)
        if more_rows <= probed or few * more_rows / probed > CLEANING * left:
            return probed * CLEANING * left / few
        more, _ = self._tried(problem.sample(more_rows, seed), lab)
        # words that stand again cost little: less than twice for twice the rows
        power = min(1.0, max(0.3, math.log(more / few, more_rows / probed)))
        return more_rows * float((CLEANING * lab.whole.remaining() / more) ** (1 / power))

    def _tried(self, problem: Problem, lab: Lab) -> tuple[float, Cleaned]:
        """How long it takes to clean a table, and what comes of it."""
        left = lab.whole.remaining()
        cleaned = self._clean(problem)
        return max(1e-3, left - lab.whole.remaining()), cleaned

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
            twins=self.twins,
        )

    def _repeated(self, cleaned: Cleaned) -> int:
        """Rows that equal an earlier one and need not be in its fold."""
        apart = cleaned.groups is None and not self.keep_duplicates_together
        return repeated(cleaned.duplicates) if apart else 0

    def _facts(self, dataset: Dataset, made: held_out.Folds, repeated: int) -> dict[str, object]:
        plan = Plan(made.kind, made.n_folds, len(made.blocks))
        names = dataset.columns.names
        size = {"rows": len(dataset.y), "columns": len(names()), "repeated": repeated, "categories": len(names("category"))}
        size["features"] = width(dataset.columns)
        size["others"] = len(dataset.y) - (0 if dataset.task.is_regression else int(np.bincount(dataset.y.astype(np.int64)).max()))
        plain = {"kind": plan.kind, "folds": plan.folds, "repeats": plan.repeats}
        return {"kind": "stage", "stage": "clean", "task": dataset.task.to_json(), "data": dataset.digest(), "size": size, "plan": plain}

    def _folds(self, cleaned: Cleaned, task: Task, problem: Problem, seed: int, lab: Lab) -> held_out.Folds:
        """The user's own holdout, time order, or what rows and budget allow."""
        n_rows = len(cleaned.y)
        if problem.n_validation:
            return held_out.given(~_is_known(cleaned, problem))
        units: npt.NDArray[np.int64] = np.arange(n_rows)
        if cleaned.groups is not None:
            units = cleaned.groups.astype(np.int64)
        elif self.keep_duplicates_together:
            units = cleaned.duplicates
        plan = self._plan(n_rows, width(cleaned.columns), task, lab)
        n_units = len(np.unique(units))
        if cleaned.times is not None:
            return held_out.by_time(cleaned.times, units, min(plan.folds, 5) if plan.folds > 1 else 1)
        if plan.folds == 1:
            return held_out.holdout(cleaned.y, units, self.holdout, seed)
        return held_out.kfold(cleaned.y, units, min(plan.folds, n_units), plan.repeats, seed)

    def _plan(self, rows: int, columns: int, task: Task, lab: Lab) -> Plan:
        """As many folds as leave time for some candidates, networks among them; without a clock, by the table alone."""
        seconds = 0.6 * lab.whole.remaining() * lab.bench.workers if lab.whole.timed else math.inf
        once, network = _costs(rows, columns, task.n_outputs)
        fits = seconds / once if lab.whole.timed else 5 * 10**6 / max(1, rows)
        larger = max(1.0, rows / FEW_ROWS) * max(1.0, rows / MANY_ROWS) ** 2 if lab.whole.timed else 1.0  # held-out rows are many there
        enough = FEW_FITS if rows <= FEW_ROWS else SOME_FITS * larger
        many = MANY_FOLDS if fits >= MANY_FITS * larger and seconds >= MANY_NETWORKS * network else SOME_FOLDS if fits >= enough else 1
        n_folds = self.folds or many
        n_folds = min(n_folds, rows // 2)
        repeats = self.repeats or (3 if rows <= 600 and fits >= 1600 else 2 if rows <= 1500 and fits >= 1000 else 1)
        return Plan("kfold" if n_folds > 1 else "holdout", n_folds, repeats if n_folds > 1 else 1)


def _is_known(cleaned: Cleaned, problem: Problem) -> npt.NDArray[np.bool_]:
    """Which rows are not those that the user gave to be held out."""
    is_known: npt.NDArray[np.bool_] = cleaned.rows < problem.table.n_rows - problem.n_validation
    return is_known


def with_codes(
    cleaned: Cleaned,
    task: Task,
    seed: int,
    known: npt.NDArray[np.int64],
    amounts: Collection[str | None] = (),
    cells: int = LOOKED_AT_CELLS,
) -> Cleaned:
    """A cleaned table with numbers that are codes as categories, too, and with keys of entities as categories only.

    Parameters
    ----------
    cleaned : Cleaned
    task : Task
    seed : int
    known : ndarray of int64
        The rows that may be looked at.
    amounts : collection of str
        Columns that are no keys, whatever they look like.
    cells : int
        So many cells times outputs are looked at, at most.
    """
    many = len(cleaned.columns.names("number")) * min(task.n_outputs, MOST_CLASSES)
    most = min(LOOKED_AT, cells // max(1, many))
    if most < min(FEWEST_LOOKED_AT, len(known)):
        return cleaned
    rows = known[held_out.some(len(known), most, seed)]
    learnt = targets(task, cleaned.y, rows, seed)
    keys = tuple(name for name in entity_keys(cleaned.columns, learnt) if name not in amounts)
    codes = tuple(name for name in coded(cleaned.columns, learnt) if name not in keys)
    if not keys and not codes:
        return cleaned
    cleaner = cleaned.cleaner.with_codes(codes, cleaned.columns, keys)
    findings = (*cleaned.findings, *map(_key_finding, keys), *_code_findings(codes))
    return replace(cleaned, cleaner=cleaner, columns=cleaner.coded(cleaned.columns), findings=findings)


def _key_finding(name: str) -> Finding:
    action = "a key that rows share, whose order says nothing: taken as a category, not as an amount"
    override = f"--set {shlex.quote(f'clean.kinds.{name}=number')}, or --group {shlex.quote(name)} to hold out whole entities"
    return Finding("key", (name,), "info", 1, action=action, override=override)


def _code_findings(names: tuple[str, ...]) -> list[Finding]:
    action = "whole numbers that stand for something and are no amounts: taken as categories, too"
    return [Finding("codes", names, "info", len(names), action=action, override="--set clean.codes=false")] if names else []


def _costs(rows: int, columns: int, outputs: int) -> tuple[float, float]:
    """Seconds of one fit of LightGBM and of a network."""
    return family("lightgbm").cost(rows, columns, outputs), family("mlp").cost(rows, columns, outputs)


def _training(rows: int, columns: int, outputs: int, lab: Lab) -> float:
    """Seconds of one fit of LightGBM with all cores; of many classes, where it is slow and seldom wins, of four networks at most."""
    lightgbm, network = _costs(rows, columns, outputs)
    return (min(lightgbm, 4 * network) if outputs >= MANY_CLASSES else lightgbm) / lab.bench.workers


def _check_metric(task: Task, cleaned: Cleaned) -> None:
    """Whoever brings a metric learns at once that it can't be had for these labels and weights, not from a hundred failed fits."""
    if task.metric in METRICS:
        return
    metric = metric_of(task)
    rows = Sample(np.empty((len(cleaned.y), 0), np.float32), (), cleaned.y, cleaned.weight)
    answer = constant(rows, How(task, metric, 0, 1)).predict(rows.X)
    try:
        loss = metric.of(cleaned.y, answer, cleaned.weight)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"--metric: {task.metric} fails for the constant prediction: {type(error).__name__}: {error}") from error
    if not np.isfinite(loss):
        raise InputError(f"--metric: {task.metric} is {metric.score(loss)} for the constant prediction, not a number to compare by.")


def _check_folds(made: held_out.Folds, cleaned: Cleaned, problem: Problem) -> None:
    """Refuse folds that leave nothing to train on or to hold out."""
    if made.n_folds and all(len(made.train(0, fold)) and len(made.held(0, fold)) for fold in range(made.n_folds)):
        return
    if cleaned.times is not None:
        raise InputError(f"--time: {problem.time_column!r} holds one time only (a group counts by its last one): none is later.")
    if cleaned.groups is not None:
        name = f"{problem.group_column!r} holds" if problem.group_column else "there is"
        raise InputError(f"--group: {name} one group only: no other one can be held out.")
    raise InputError("no rows can be held out: all are equal, or too few; clean.keep_duplicates_together=false splits equal ones.")


def _drawn(count: int, whole: Problem, asked: bool) -> list[Finding]:
    """What is told of rows that were drawn."""
    if not count:
        return []
    why = "as asked" if asked else "all take more time than there is for them"
    action = f"{count} of {whole.table.n_rows} rows were drawn at random: {why}"
    return [Finding("drawn", (), "warning", count, action=action, override="--set clean.rows=N")]
