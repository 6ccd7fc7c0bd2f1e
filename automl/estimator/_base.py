"""The common base of the two estimators: parameters, `fit`, `save` and pickling."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from automl import run
from automl.arrays import Array
from automl.budget import free_memory, parse_duration, parse_memory, short_budget_warning
from automl.cleaning.cleaner import UnknownCounts
from automl.errors import InputError
from automl.estimator.output import run_folder
from automl.estimator.parameters import (
    FitArguments,
    budget_text,
    build_pipeline,
    check_bound,
    check_engine,
    check_trials,
    number_of_cores,
    own_families,
    seed_of,
    value_errors_as_input_errors,
)
from automl.estimator.progress import Observer, progress
from automl.estimator.readiness import restore_in_time
from automl.estimator.rows import Rows, as_column, has_names, input_for_sklearn
from automl.estimator.splitting import (
    folds_of_pairs,
    folds_of_splitter,
    has_pairs,
    is_splitter,
)
from automl.estimator.wording import finding_in_python, in_python, python_wording
from automl.executor.engines import Engine
from automl.extensions import Extensions
from automl.leaderboard import LEADERBOARD_HEADINGS, leaderboard, missed_price_text, no_model_text
from automl.metrics import register_function
from automl.metrics import resolve_metric_name as known_metric
from automl.models import Family, find_family, is_known
from automl.pipeline import Pipeline
from automl.predictor import Predictor, archive
from automl.run.settings import EndCallback
from automl.study import Study
from automl.table import Table, from_frame

if TYPE_CHECKING:
    from automl.track.tracker import Tracker

ROW_LOSS_CODES = ("target_missing", "rare_class")  # findings that users of Python are warned about


class AutoML(BaseEstimator):
    """The common base of AutoMLClassifier and AutoMLRegressor."""

    # Both are part of pickles under these names. The first holds the columns unknown to fit that
    # predictions have warned about; the second the table's columns at fit, or None for a loaded
    # file, which knows only those that it needs.
    _told: frozenset[tuple[str, ...]] = frozenset()
    _columns: tuple[str, ...] | None = None

    def __init__(
        self,
        *,
        budget: str | float = "10m",
        trials: int | None = None,
        metric: str | Callable[..., Any] | None = None,
        cv: Any = None,
        pipeline: str | Pipeline = "default",
        options: Mapping[str, Any] | Sequence[str] = (),
        families: Sequence[str | Family] | None = (),
        output: str | Path | None = None,
        overwrite: bool = False,
        track: str | Tracker | Sequence[str | Tracker] | None = (),
        n_jobs: int | None = None,
        memory: str | int | None = None,
        max_ms: float | None = None,
        max_mb: float | None = None,
        engine: str | Engine = "local",
        random_state: Any = 0,
        verbose: int = 0,
    ) -> None:
        self.budget = budget
        self.trials = trials
        self.metric = metric
        self.cv = cv
        self.pipeline = pipeline
        self.options = options
        self.families = families
        self.output = output
        self.overwrite = overwrite
        self.track = track
        self.n_jobs = n_jobs
        self.memory = memory
        self.max_ms = max_ms
        self.max_mb = max_mb
        self.engine = engine
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        time: Any = None,
        X_val: Any = None,
        y_val: Any = None,
    ) -> Self:
        """Search for the best predictor within the budget, which counts until this call returns.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            A pandas, polars or Arrow table, NumPy array, SciPy sparse matrix, dictionary of columns
            or list of rows. Raw: missing values, text, dates and categories as they are.
        y : array-like of shape (n_rows,)
            Rows without a value are left out, with a warning.
        sample_weight : array-like of shape (n_rows,), or str, optional
            Not negative. Rows of weight 0 are left out. A string names a column of X, which is then
            not a feature.
        groups : array-like of shape (n_rows,), or str, optional
            Rows of a group are held out together. A string names a column of X, which is then not a
            feature.
        time : array-like of shape (n_rows,), or str, optional
            Dates or numbers by whose order rows are held out: the past predicts the future. A
            string names a column of X, which stays a feature.
        X_val, y_val : like X and y, optional
            Candidates are evaluated on these rows instead of by cross-validation. At the end the
            members are trained on all rows.

        Returns
        -------
        self : the fitted estimator

        Raises
        ------
        InputError
            The table or a parameter is wrong. It is a ValueError.
        """
        started = monotonic()
        arguments = FitArguments(sample_weight, groups, time, X_val, y_val)
        shown = self.get_params(deep=False) | arguments.column_names()
        with python_wording(shown):
            return self._fit(X, y, arguments, started)

    def _fit(self, X: Any, y: Any, arguments: FitArguments, started: float) -> Self:
        with value_errors_as_input_errors():
            rows = self._rows(X, y, arguments)
            task_kind = self._prepare(rows.y)
            problem = rows.to_problem(task_kind, self._metric_name())
        with run_folder(self.output, self.overwrite) as folder:
            settings = self._settings(folder, started)
            if warning := short_budget_warning(settings.seconds, "budget"):
                warnings.warn(warning, UserWarning, stacklevel=3)
            display = progress(self.verbose, settings)
            with display, self._trackers(settings) as trackers:
                observers: list[Observer] = [*display.observers, *trackers]
                callbacks = run.Callbacks(observers, self._end_callbacks(settings))
                result = run.fit(lambda budget: problem, settings, callbacks)
                restore_in_time(result.predictor, settings.budget)
        self._warn(result.study, settings)
        self._set_predictor(result.predictor)
        return self._set_study(result.study)

    def save(self, path: str | Path) -> str:
        """Write the predictor's file, for `automl.load` and `automl predict`.

        Returns
        -------
        str
            Its SHA-256.
        """
        check_is_fitted(self, "predictor_")
        return archive.save(self.predictor_, Path(path))

    # ------------------------------------------------------------ input

    def _metric_name(self) -> str | None:
        """Return the metric's name; a function is registered under one."""
        if callable(self.metric):
            return register_function(self.metric)
        if self.metric is None:
            return None
        return known_metric(self.metric)

    def _rows(self, X: Any, y: Any, arguments: FitArguments) -> Rows:
        """Check the arguments of `fit`, and return them as arrays of equal length."""
        if y is None:
            name = type(self).__name__
            raise InputError(
                f"This {name} estimator requires y to be passed, but the target y is None."
            )
        arguments.check(self.cv)
        table = self._table_at_fit(X)
        target = str(getattr(y, "name", None) or "target")
        column = as_column(y, "y")
        rows = Rows(table, column, name=target)
        cv = self.cv
        if has_pairs(cv):
            folds = folds_of_pairs(cv, table.n_rows)
            rows = replace(rows, folds=folds)
        rows = rows.with_roles(
            arguments.sample_weight,
            arguments.groups,
            arguments.time,
        )
        if is_splitter(cv):
            folds = folds_of_splitter(cv, X, rows)
            rows = replace(rows, folds=folds)
        if arguments.X_val is None:
            return rows
        validation = self._validation_table(arguments.X_val)
        column = as_column(arguments.y_val, "y_val")
        return rows.with_validation(validation, column)

    def _table_at_fit(self, X: Any) -> Table:
        """Convert X to a table; scikit-learn records its names and width."""
        table = from_frame(X, source="X")
        self._columns = table.names
        self._told = frozenset()
        shown = input_for_sklearn(X, table)
        validate_data(self, shown, reset=True, skip_check_array=True)
        return table

    def _table(self, X: Any, source: str = "X") -> Table:
        """Convert X to a table with the names that columns had at fit.

        Columns are found by their names, in any order and among others. Where X or the table at fit
        has no names, they are found by their positions; scikit-learn compares their number.
        """
        table = from_frame(X, source=source)
        if self._columns is None:
            return table
        if hasattr(self, "feature_names_in_") and has_names(X, table):
            return table
        shown = input_for_sklearn(X, table)
        validate_data(self, shown, reset=False, skip_check_array=True)
        values = table.columns.values()
        columns = dict(zip(self._columns, values, strict=True))
        return replace(table, columns=columns)

    def _validation_table(self, X_val: Any) -> Table:
        """Convert X_val to a table with the columns of X in their order."""
        table = self._table(X_val, source="X_val")
        names = self._columns or ()
        columns = {name: table[name] for name in names}
        return replace(table, columns=columns)

    def _prepare(self, y: Array) -> str:
        """Check the target, and return the kind of task."""
        raise NotImplementedError

    # ------------------------------------------------------------ the run

    def _settings(self, folder: Path, started: float) -> run.Settings:
        """Check the parameters, and convert them to the settings of a run."""
        check_engine(self.engine)
        check_trials(self.trials)
        budget = budget_text(self.budget)
        extensions = own_families(self.families)
        pipeline = build_pipeline(
            self.pipeline,
            self.options,
            self.cv,
            self.families,
            extensions,
        )
        check_bound("max_ms", self.max_ms)
        check_bound("max_mb", self.max_mb)
        pipeline = pipeline.with_price(self.max_ms, self.max_mb)
        seconds = None
        if self.trials is None:
            seconds = parse_duration(budget, "budget")
        return run.Settings(
            pipeline=pipeline,
            output=folder,
            seconds=seconds,
            trials=self.trials,
            seed=seed_of(self.random_state),
            jobs=number_of_cores(self.n_jobs),
            memory=self._memory_bytes(),
            engine=self.engine,
            started=started,
            lasting=self.output is not None,
            extensions=extensions,
        )

    def _memory_bytes(self) -> int | None:
        if self.memory is None:
            return free_memory()
        return parse_memory(str(self.memory), "memory")

    @contextmanager
    def _trackers(self, settings: run.Settings) -> Iterator[list[Observer]]:
        """Start the trackers, yield the observers that inform them, and wait for their end."""
        if not self.track:
            yield []
            return
        if self.output is None:
            raise InputError("track: needs output, the folder that the run is followed in.")
        from automl.track.follow import Followers

        followers = Followers.from_option(self.track, settings.output)
        try:
            yield [followers]
        finally:
            if not followers.wait(settings.budget.remaining()):
                warnings.warn(
                    "the trackers had not recorded the whole run when its time was over; "
                    "they continue.",
                    UserWarning,
                    stacklevel=5,
                )

    def _end_callbacks(self, settings: run.Settings) -> list[EndCallback]:
        """Return the report's writer if the run's folder is kept."""
        if self.output is None:
            return []
        from automl.report import Reporter

        return [Reporter(settings.budget, Path(self.output))]

    def _warn(self, study: Study, settings: run.Settings) -> None:
        """Warn of rows that were left out, an untrue score, and a run without a model."""
        texts = []
        for finding in study.findings:
            is_row_loss = finding.code in ROW_LOSS_CODES
            if is_row_loss or finding in study.score_warnings:
                texts.append(finding.text())
        if settings.trials != 1 and (no_model := no_model_text(study)):
            texts.append(no_model)
        if missed_price := missed_price_text(study):
            texts.append(missed_price)
        for text in texts:
            warnings.warn(in_python(text), UserWarning, stacklevel=4)

    # ------------------------------------------------------------ the predictor

    def _set_predictor(self, predictor: Predictor) -> Self:
        """Set the attributes that a predictor determines."""
        self.predictor_ = predictor
        expected = predictor.facts.get("expected", {})
        self.expected_score_ = expected.get("loss", float("nan"))
        self.expected_interval_ = (float("nan"), float("nan"))
        if expected:
            ends = (expected["low"], expected["high"])
            self.expected_interval_ = tuple(sorted(ends))
        return self

    def _set_study(self, study: Study) -> Self:
        """Set the attributes that a run's study determines: its leaderboard and findings."""
        rows = leaderboard(study)
        if not rows:
            rows = [_unevaluated_row(study, self.predictor_)]
        self.leaderboard_ = pd.DataFrame(rows, columns=list(LEADERBOARD_HEADINGS))
        self.findings_ = [finding_in_python(finding) for finding in study.findings]
        return self

    def _predict_raw(self, X: Any) -> npt.NDArray[np.float64]:
        """Predict probabilities or values."""
        check_is_fitted(self, "predictor_")
        with python_wording({}), value_errors_as_input_errors():
            applied = self.predictor_.to_columns(self._table(X))
        target = self.predictor_.task.target
        extra = applied.counts.extra
        unknown = tuple(name for name in extra if name != target)
        if unknown and unknown not in self._told:
            self._told |= {unknown}
            text = UnknownCounts(extra=unknown).text()
            warnings.warn(f"X: {text}", UserWarning, stacklevel=3)
        return self.predictor_.predict_raw(applied.columns)

    def __getstate__(self) -> dict[str, Any]:
        """Return the parameters, and the predictor as the bytes of its file."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "predictor_" in state:
            state["_own_families"] = _user_families(self.predictor_)
            state["predictor_"] = archive.dumps(state["predictor_"])
            # A lambda or an open file can't be pickled, and predicting needs neither.
            state["metric"] = self._metric_name()
            state["track"] = ()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "predictor_" in state:
            state = dict(state)
            # Earlier versions stored only the parameter `families`, and had fewer parameters.
            families = state.pop("_own_families", None)
            if families is None:
                extensions = own_families(state.get("families"))
            else:
                extensions = Extensions(families)
            blob = state["predictor_"]
            state["predictor_"] = archive.loads(blob, extra_families=extensions)
            state = _default_parameters(type(self)) | state
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """Describe the estimator to scikit-learn.

        It takes raw tables. A clock decides how much is tried, so results differ unless `trials` is
        set.
        """
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.non_deterministic = self.trials is None
        return tags


def _default_parameters(kind: type[AutoML]) -> dict[str, Any]:
    """Return the parameters of an estimator that is made without any."""
    estimator = kind()
    parameters: dict[str, Any] = estimator.get_params(deep=False)
    return parameters


def _user_families(predictor: Predictor) -> dict[str, Family]:
    """Return the families of a predictor's members that are neither built in nor installed."""
    families = {}
    for member in predictor.members:
        name = member.family_name
        if is_known(name) and find_family(name) is member.family:
            continue
        families[name] = member.family
    return families


def _unevaluated_row(study: Study, predictor: Predictor) -> dict[str, Any]:
    """Return the leaderboard's row of the constant predictor of a run without time for more."""
    member = predictor.members[0]
    row: dict[str, Any] = dict.fromkeys(LEADERBOARD_HEADINGS)
    row["rank"] = 1
    row["id"] = member.id
    row["family"] = member.family_name
    row["recipe"] = ""
    row["stage"] = "clean"
    row["metric"] = study.known_task.metric
    row["seconds"] = 0.0
    row["size_mb"] = 0.0
    row["row_ms"] = 0.0
    row["weight"] = 1.0
    row["status"] = "not judged: there was no time to try a candidate"
    return row
