"""clean: from a raw table to typed columns, the task and the folds. Everything it does is a finding."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from automl import folds as held_out
from automl.budget import Budget
from automl.cleaning import Cleaned, CleanOptions, Finding, clean
from automl.cleaning.duplicates import Copies, copied_rows, repeated
from automl.dataset import Dataset
from automl.errors import InputError
from automl.features.categorical_integers import coded
from automl.features.encoding import width
from automl.features.keys import entity_keys
from automl.features.target import MOST_CLASSES, targets
from automl.lab.lab import Lab
from automl.metrics import METRICS, metric_for, metric_of
from automl.models import How, Sample, family
from automl.models.constant import constant
from automl.problem import NOTHING, Problem
from automl.stages._base import option
from automl.stages._score_warnings import warnings_of
from automl.stages._suspects import Given
from automl.stages.wide import (
    FEW_COLUMNS,
    FEWEST_COLUMNS,
    PROBED_COLUMNS,
    Narrowed,
    features_of,
    narrowed,
    some_columns,
)
from automl.task import Task
from automl.trial import Plan, Study, Together

PROBED = 4_000  # rows at most, by which the rate of cleaning is measured
PROBED_CELLS = 400_000  # and cells
FEWEST_PROBED = 200  # rows, however many columns there are
AROUND_CLEANING = (
    2.5  # times the seconds that cleaning a column takes does a run spend on it in its main process
)
LOOKING = 0.15  # of the seconds that cleaning a column takes does it take to look at it
CLEANING = 0.25  # of the time that is left may go into it
TRAINING = 0.5  # of the time that is left may one fit of LightGBM take that is not cut short, by its own formula
TRAINABLE = (
    4_000  # rows, however many columns there are: linear models and networks are quick there
)
NEARLY = 0.9  # of the rows are as good as all
MOST_OUTPUTS = 6.0  # times as long as two classes take many of them, where it is not known yet how many there are
MANY_CLASSES = 20
LOOKED_AT, FEWEST_LOOKED_AT = (
    50_000,
    500,
)  # rows at most, and at least if they are there, to find numbers that are codes
LOOKED_AT_CELLS = 1_000_000  # and cells x outputs, which take about a second: no clock decides, so that resume and reproduce find the same
MANY_FOLDS, MANY_FITS, MANY_NETWORKS = (
    8,
    36,
    7,
)  # so many folds where the time is enough for so many fits of LightGBM and of a network
SOME_FOLDS, SOME_FITS = 3, 20  # else so many, else a single holdout
MANY_ROWS = 10_000  # from there on folds want far more fits
FEW_ROWS, FEW_FITS = (
    3_000,
    8,
)  # of so few rows a holdout tells too little: the best of many models is lucky on it; more rows want more fits
MOST_TIME_FOLDS = (
    3  # as long as a sixth of the rows each: what later rows come to shows in long blocks alone
)
LARGE = 2_000_000  # cells x outputs from which on a fit gets several threads


@dataclass(frozen=True)
class Clean:
    """Find and mend what is wrong with a raw table, and decide how rows are held out."""

    missing_words: bool = option(True, "Take words such as NA, none and ? as missing.")
    sentinels: bool = option(
        True, "Take numbers such as -999 that stand for a missing value as missing."
    )
    ids: bool = option(True, "Drop columns that only number the rows.")
    copies: bool = option(True, "Drop columns that equal another one.")
    kinds: Mapping[str, str] = option(
        {},
        "The kind of a column, where another was found: number, category, flag, date or text (clean.kinds.COLUMN=KIND).",
    )
    twins: bool = option(
        True, "Read names as text, too, and texts that stand in several rows as categories."
    )
    codes: bool = option(
        True,
        "Take whole numbers that stand for something, such as a department's number, as categories, too; a host's key as one alone.",
    )
    rows: int = option(
        0,
        "At most so many rows, drawn at random; 0: as many as a quarter of the time cleans and half of it fits.",
    )
    columns: int = option(
        0,
        "At most so many columns, those that tell most of the target; 0: as many as can be cleaned in a part of the time.",
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
        "Hold copies of a row out together; auto: rows equal in all features and target, where chance can't explain how many.",
    )
    warn: bool = option(
        True,
        "Look for leaks, for entities that own several rows, and for drift, which make the score untrue.",
    )
    new_groups: bool = option(
        False,
        "With --time and --group: hold out later rows of groups that weren't trained on at all.",
    )

    def run(self, study: Study, lab: Lab, budget: Budget) -> Study:
        """Clean the table, tell every finding, and lay the data down for the workers."""
        whole = lab.problem
        narrow = self._narrowed(whole, lab, study.seed)
        problem = narrow.problem.draw(
            self.rows or self._affordable(narrow.problem, lab, study.seed), study.seed
        )
        narrow = narrow.drawn(problem, study.seed)
        cleaned = self._clean(problem)
        task = Task(
            cleaned.kind,
            problem.target,
            metric_for(problem.metric, cleaned.kind).name,
            cleaned.labels,
            cleaned.dtype,
            cleaned.comma,
        )
        _check_metric(task, cleaned)
        known = np.flatnonzero(_is_known(cleaned, problem))
        amounts = {
            *(name for name, kind in self.kinds.items() if kind == "number"),
            problem.time_column,
        }
        cleaned = with_codes(cleaned, task, study.seed, known, amounts) if self.codes else cleaned
        self._check_new_groups(cleaned)
        copies = copied_rows(
            cleaned.columns, cleaned.y, task.is_regression, study.seed, cleaned.duplicates
        )
        units = self._units(cleaned, copies)
        made = narrow.held_apart(
            self._folds(cleaned, task, problem, study.seed, lab, units), cleaned
        )
        _check_folds(made, cleaned, problem)
        dataset = Dataset(
            task, cleaned.columns, cleaned.y, made, cleaned.weight, study.seed, units, cleaned.times
        )
        lab.keep(
            dataset, replace(cleaned.cleaner, unused=(*cleaned.cleaner.unused, *narrow.dropped))
        )
        is_whole = problem.table.n_rows == whole.table.n_rows
        if is_whole and (
            problem.groups is not None or problem.times is not None
        ):  # no file of the table has them
            made.spread(cleaned.rows, problem.table.n_rows).save(lab.store.folder)
        lab.problem = (
            NOTHING  # the raw table may go: freeing its strings takes time that is short at the end
        )
        drawn = 0 if is_whole else problem.table.n_rows
        untrue = self._untrue(dataset, copies, cleaned, problem, lab)
        left_out = (*_drawn(drawn, whole, asked=self.rows > 0), *narrow.findings(self.columns > 0))
        others = [
            one
            for one in cleaned.findings
            if one.code != "duplicate_rows" or not copies.is_beyond_chance
        ]
        found = (*untrue, *left_out, *_groups_and_times(cleaned, made, problem), *others)
        for finding in sorted(found, key=lambda one: one.severity != "warning"):
            study = lab.tell(study, {"kind": "finding", "finding": finding.to_json()})
        facts = self._facts(
            dataset, made, self._repeated(cleaned, units), _together(cleaned, units)
        )
        return lab.tell(study, facts | {"drawn": drawn, "narrowed": narrow.kept})

    def _untrue(
        self, data: Dataset, copies: Copies, cleaned: Cleaned, problem: Problem, lab: Lab
    ) -> list[Finding]:
        """What makes the score untrue."""
        if not self.warn:
            return []
        has_holdout = problem.n_validation > 0 or problem.folds is not None
        asked = Given(
            cleaned.groups is not None,
            cleaned.times is not None,
            has_holdout,
            tuple(cleaned.cleaner.codes),
        )
        return warnings_of(data, copies, asked, lab, lab.whole)

    def _units(self, cleaned: Cleaned, copies: Copies) -> npt.NDArray[np.int64] | None:
        """What is held out together: the user's groups, or copies of a row."""
        if cleaned.groups is not None:
            return cleaned.groups.astype(np.int64)
        if self.keep_duplicates_together == "auto":
            return copies.units if copies.is_beyond_chance else None
        return cleaned.duplicates if self.keep_duplicates_together else None

    def _clean(self, problem: Problem) -> Cleaned:
        target = problem.target if problem.y is None else problem.y
        return clean(
            problem.table,
            target,
            self._options(problem),
            weight=problem.weight,
            groups=problem.groups,
            times=problem.times,
        )

    def _narrowed(self, problem: Problem, lab: Lab, seed: int) -> Narrowed:
        """The problem with as many columns as were asked for, or as there is time for."""
        names = features_of(problem)
        if self.columns or not lab.whole.timed or len(names) <= FEW_COLUMNS:
            return narrowed(problem, self.columns or len(names), seed, tuple(self.kinds))
        seconds = self._seconds_a_column(problem, lab, seed)
        left = lab.whole.remaining()
        most = max(FEWEST_COLUMNS, int(CLEANING * left / (AROUND_CLEANING * seconds)))
        has_time = LOOKING * seconds * len(names) <= CLEANING * left
        return narrowed(problem, most, seed, tuple(self.kinds), looks=has_time)

    def _seconds_a_column(self, problem: Problem, lab: Lab, seed: int) -> float:
        """How long it takes to clean a column, by a few of them."""
        few = some_columns(problem, PROBED_COLUMNS, seed).sample(PROBED, seed)
        left = lab.whole.remaining()
        with suppress(
            InputError
        ):  # these few can't be learnt from; whether others can, shows when they are cleaned
            self._clean(few)
        return max(1e-5, left - lab.whole.remaining()) / PROBED_COLUMNS

    def _affordable(self, problem: Problem, lab: Lab, seed: int) -> int:
        """The rows that can be cleaned and trained on in a part of what is left, by what a few of them show; all without a clock."""
        n_rows, n_columns, left = (
            problem.table.n_rows,
            len(problem.table.columns),
            lab.whole.remaining(),
        )
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
        except (
            InputError
        ):  # so few rows can't be learnt from; whether all can, shows when all are cleaned
            pass
        rows = min(
            rows,
            max(TRAINABLE, n_rows * TRAINING * left / _training(n_rows, features, outputs, lab)),
        )
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

    def _repeated(self, cleaned: Cleaned, units: npt.NDArray[np.int64] | None) -> int:
        """Rows that equal an earlier one and need not be in its fold."""
        return repeated(cleaned.duplicates) if units is None else 0

    def _facts(
        self, dataset: Dataset, made: held_out.Folds, repeated: int, together: Together
    ) -> dict[str, object]:
        plan = Plan(made.kind, made.n_folds, len(made.blocks), together)
        names = dataset.columns.names
        size = {
            "rows": len(dataset.y),
            "columns": len(names()),
            "repeated": repeated,
            "categories": len(names("category")),
        }
        size["features"] = width(dataset.columns)
        size["others"] = len(dataset.y) - (
            0 if dataset.task.is_regression else int(np.bincount(dataset.y.astype(np.int64)).max())
        )
        plain = asdict(plan)
        return {
            "kind": "stage",
            "stage": "clean",
            "task": dataset.task.to_json(),
            "data": dataset.digest(),
            "size": size,
            "plan": plain,
        }

    def _folds(
        self,
        cleaned: Cleaned,
        task: Task,
        problem: Problem,
        seed: int,
        lab: Lab,
        together: npt.NDArray[np.int64] | None,
    ) -> held_out.Folds:
        """The user's own holdout, time order, or what rows and budget allow."""
        n_rows = len(cleaned.y)
        if problem.folds is not None:
            return problem.folds.take(cleaned.rows)
        if problem.n_validation:
            return held_out.given(~_is_known(cleaned, problem))
        units: npt.NDArray[np.int64] = np.arange(n_rows) if together is None else together
        plan = self._plan(n_rows, width(cleaned.columns), task, lab)
        n_units = len(np.unique(units))
        if cleaned.times is not None:
            return self._by_time(
                cleaned.times, units, plan.folds, seed, has_groups=cleaned.groups is not None
            )
        if plan.folds == 1:
            return held_out.holdout(cleaned.y, units, self.holdout, seed)
        return held_out.kfold(cleaned.y, units, min(plan.folds, n_units), plan.repeats, seed)

    def _by_time(
        self,
        times: npt.NDArray[np.float64],
        units: npt.NDArray[np.int64],
        n_folds: int,
        seed: int,
        has_groups: bool,
    ) -> held_out.Folds:
        """Later rows; groups that run through the times stand on both sides, unless new ones are asked for."""
        n_folds = min(n_folds, MOST_TIME_FOLDS)
        if has_groups and self.new_groups:
            return held_out.panel(times, units, max(2, n_folds), seed)
        if has_groups and held_out.spans_times(times, units, n_folds):
            units = np.arange(len(times))
        return held_out.by_time(times, units, n_folds)

    def _check_new_groups(self, cleaned: Cleaned) -> None:
        if self.new_groups and cleaned.groups is None:
            raise InputError(
                "clean.new_groups: holds out groups that are new. Say with --group which column has them."
            )

    def _plan(self, rows: int, columns: int, task: Task, lab: Lab) -> Plan:
        """As many folds as leave time for some candidates, networks among them; without a clock, by the table alone."""
        seconds = (
            0.6 * lab.whole.remaining() * lab.executor.workers if lab.whole.timed else math.inf
        )
        once, network = _costs(rows, columns, task.n_outputs)
        fits = seconds / once if lab.whole.timed else 5 * 10**6 / max(1, rows)
        larger = (
            max(1.0, rows / FEW_ROWS) * max(1.0, rows / MANY_ROWS) ** 2 if lab.whole.timed else 1.0
        )  # held-out rows are many there
        enough = FEW_FITS if rows <= FEW_ROWS else SOME_FITS * larger
        many = (
            MANY_FOLDS
            if fits >= MANY_FITS * larger and seconds >= MANY_NETWORKS * network
            else SOME_FOLDS
            if fits >= enough
            else 1
        )
        n_folds = self.folds or many
        n_folds = min(n_folds, rows // 2)
        repeats = self.repeats or (_repeats(rows, fits) if lab.whole.timed else 1)
        return Plan("kfold" if n_folds > 1 else "holdout", n_folds, repeats if n_folds > 1 else 1)


def _repeats(rows: int, fits: float) -> int:
    """How often folds are drawn anew, where there is time for so many fits."""
    if rows <= 600 and fits >= 1600:
        return 3
    return 2 if rows <= 1500 and fits >= 1000 else 1


def _is_known(cleaned: Cleaned, problem: Problem) -> npt.NDArray[np.bool_]:
    """Which rows are not those that the user gave to be held out."""
    is_known: npt.NDArray[np.bool_] = cleaned.rows < problem.table.n_rows - problem.n_validation
    return is_known


def _together(cleaned: Cleaned, units: npt.NDArray[np.int64] | None) -> Together:
    """What is held out together."""
    if cleaned.groups is not None:
        return "groups"
    return "" if units is None else "copies"


def with_codes(
    cleaned: Cleaned,
    task: Task,
    seed: int,
    known: npt.NDArray[np.int64],
    amounts: Collection[str | None] = (),
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
    """
    many = len(cleaned.columns.names("number")) * min(task.n_outputs, MOST_CLASSES)
    most = min(LOOKED_AT, LOOKED_AT_CELLS // max(1, many))
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
    return replace(
        cleaned, cleaner=cleaner, columns=cleaner.coded(cleaned.columns), findings=findings
    )


def _key_finding(name: str) -> Finding:
    action = (
        "a key that rows share, whose order says nothing: taken as a category, not as an amount"
    )
    override = f"--set {shlex.quote(f'clean.kinds.{name}=number')}, or --group {shlex.quote(name)} to hold out whole entities"
    return Finding("key", (name,), "info", 1, action=action, override=override)


def _code_findings(names: tuple[str, ...]) -> list[Finding]:
    action = "whole numbers that stand for something and are no amounts: taken as categories, too"
    return (
        [
            Finding(
                "codes",
                names,
                "info",
                len(names),
                action=action,
                override="--set clean.codes=false",
            )
        ]
        if names
        else []
    )


def _costs(rows: int, columns: int, outputs: int) -> tuple[float, float]:
    """Seconds of one fit of LightGBM and of a network."""
    return family("lightgbm").cost(rows, columns, outputs), family("mlp").cost(
        rows, columns, outputs
    )


def _training(rows: int, columns: int, outputs: int, lab: Lab) -> float:
    """Seconds of one fit of LightGBM with all cores; of many classes, where it is slow and seldom wins, of four networks at most."""
    lightgbm, network = _costs(rows, columns, outputs)
    return (
        min(lightgbm, 4 * network) if outputs >= MANY_CLASSES else lightgbm
    ) / lab.executor.workers


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
        raise InputError(
            f"--metric: {task.metric} fails for the constant prediction: {type(error).__name__}: {error}"
        ) from error
    if not np.isfinite(loss):
        raise InputError(
            f"--metric: {task.metric} is {metric.score(loss)} for the constant prediction, not a number to compare by."
        )


def _check_folds(made: held_out.Folds, cleaned: Cleaned, problem: Problem) -> None:
    """Refuse folds that leave nothing to train on or to hold out."""
    splits = [(repeat, fold) for repeat in range(len(made.blocks)) for fold in range(made.n_folds)]
    empty = next(
        (split for split in splits if not len(made.train(*split)) or not len(made.held(*split))),
        None,
    )
    if splits and empty is None:
        return
    if problem.folds is not None:
        nth = 1 if empty is None else splits.index(empty) + 1
        raise InputError(
            f"cv: split {nth} has no row to train on or none to hold out, once rows without a target are left out."
        )
    if made.kind == "panel":
        raise InputError(
            f"clean.new_groups: no group of {problem.group_column!r} is left to train on before others are held out later."
        )
    if cleaned.times is not None:
        name = f"{problem.time_column!r} holds" if problem.time_column else "there is"
        raise InputError(f"--time: {name} one time only: no row is later than another.")
    if cleaned.groups is not None:
        name = f"{problem.group_column!r} holds" if problem.group_column else "there is"
        raise InputError(f"--group: {name} one group only: no other one can be held out.")
    raise InputError(
        "no rows can be held out: all are equal, or too few; clean.keep_duplicates_together=false splits equal ones."
    )


def _groups_and_times(cleaned: Cleaned, made: held_out.Folds, problem: Problem) -> list[Finding]:
    """What is told where groups stand on both sides of the times."""
    if cleaned.groups is None or made.kind != "time":
        return []
    groups = cleaned.groups
    is_shared = any(
        np.isin(groups[made.held(0, fold)], groups[made.train(0, fold)]).any()
        for fold in range(made.n_folds)
    )
    if not is_shared:
        return []
    columns = tuple(name for name in (problem.group_column, problem.time_column) if name)
    action = "groups run through the times: later rows are held out, of groups that were trained on, too; the score is that of known groups"
    override = "--set clean.new_groups=true"
    return [
        Finding(
            "groups_and_times",
            columns,
            "warning",
            len(np.unique(groups)),
            action=action,
            override=override,
        )
    ]


def _drawn(count: int, whole: Problem, asked: bool) -> list[Finding]:
    """What is told of rows that were drawn."""
    if not count:
        return []
    why = "as asked" if asked else "all take more time than there is for them"
    action = f"{count} of {whole.table.n_rows} rows were drawn at random: {why}"
    return [Finding("drawn", (), "warning", count, action=action, override="--set clean.rows=N")]
