"""What the two estimators have in common: parameters, `fit`, `save`, pickling."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from automl import run
from automl.budget import free_memory, parse_duration, parse_memory, too_short, usable_cores
from automl.cleaning import Finding
from automl.errors import InputError
from automl.estimator.rows import Array, Rows, column, named
from automl.leaderboard import leaderboard, nothing_judged
from automl.metrics import named as known_metric
from automl.metrics import register
from automl.models import Family, everybody
from automl.models import give as give_family
from automl.pipeline import Pipeline, read_pipeline
from automl.predictor import Predictor, archive
from automl.table import Table, from_frame
from automl.trial import Study

if TYPE_CHECKING:
    from automl.track.tracker import Tracker

_COSTS_ROWS = ("target_missing", "rare_class")  # findings that Python's users are warned of


class AutoML(BaseEstimator):
    """What the two estimators have in common."""

    _columns: tuple[str, ...] | None = None  # the table's names at fit; None for a loaded file, which knows only what it needs

    def __init__(
        self,
        *,
        budget: str | float = "10m",
        trials: int | None = None,
        metric: str | Callable[..., Any] | None = None,
        pipeline: str | Pipeline = "default",
        options: Mapping[str, Any] | Sequence[str] = (),
        families: Sequence[str | Family] | None = (),
        output: str | Path | None = None,
        track: str | Tracker | Sequence[str | Tracker] | None = (),
        n_jobs: int | None = None,
        memory: str | int | None = None,
        engine: Literal["local", "inline"] = "local",
        random_state: Any = 0,
    ) -> None:
        self.budget = budget
        self.trials = trials
        self.metric = metric
        self.pipeline = pipeline
        self.options = options
        self.families = families
        self.output = output
        self.track = track
        self.n_jobs = n_jobs
        self.memory = memory
        self.engine = engine
        self.random_state = random_state

    def fit(self, X: Any, y: Any, *, sample_weight: Any = None, groups: Any = None, X_val: Any = None, y_val: Any = None) -> Self:
        """Search for the best predictor within the budget, which counts from this call to its return.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            A pandas, polars or Arrow table, NumPy array, SciPy sparse matrix, dictionary of columns or list of rows. Raw:
            missing values, text, dates and categories as they are.
        y : array-like of shape (n_rows,)
            Rows without a value are left out, with a warning.
        sample_weight : array-like of shape (n_rows,), optional
            Not negative. Rows of weight 0 are left out.
        groups : array-like of shape (n_rows,), optional
            Rows of one group are held out together.
        X_val, y_val : like X and y, optional
            Candidates are judged on these rows instead of by cross-validation. At the end the members are trained on all rows.

        Returns
        -------
        self : the fitted estimator

        Raises
        ------
        InputError
            The table or a parameter is wrong. It is a ValueError.
        """
        started = time.monotonic()
        with _one_kind_of_error():
            rows = self._rows(X, y, sample_weight, groups, X_val, y_val)
            problem = rows.problem(self._prepare(rows.y), self._metric_name())
        with self._folder() as folder:
            asked = self._settings(folder, started)
            if warning := too_short(asked.seconds, "budget"):
                warnings.warn(warning, UserWarning, stacklevel=2)
            with self._followed(asked) as observers:
                result = run.fit(lambda budget: problem, asked, run.Audience(observers, self._finishers(asked)))
        _warn_of_lost_rows(result.study)
        if warning := nothing_judged(result.study):
            warnings.warn(warning, UserWarning, stacklevel=2)
        self.leaderboard_ = pd.DataFrame(leaderboard(result.study))
        return self._take(result.predictor)

    def save(self, path: str | Path) -> str:
        """Write the predictor's file, for `automl.load` and `automl predict`, and give its SHA-256."""
        check_is_fitted(self, "predictor_")
        return archive.save(self.predictor_, Path(path))

    # ------------------------------------------------------------ what goes in

    def _metric_name(self) -> str | None:
        """The metric by name: a function is made known under one."""
        if callable(self.metric):
            return register(self.metric)
        return None if self.metric is None else known_metric(self.metric)

    def _rows(self, X: Any, y: Any, weight: Any, groups: Any, X_val: Any, y_val: Any) -> Rows:
        """All that `fit` was given, checked."""
        if y is None:
            raise InputError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        if (X_val is None) != (y_val is None):
            raise InputError("X_val and y_val: give both or neither.")
        if X_val is not None and groups is not None:
            raise InputError("groups and X_val: give one of them; rows that are given for validation need no folds.")
        table = self._table(X, first=True)
        rows = Rows(table, column(y, "y"), name=str(getattr(y, "name", None) or "target"))
        rows = rows.weighing(weight, groups)
        return rows if X_val is None else rows.judged_on(self._table(X_val, source="X_val"), column(y_val, "y_val"))

    def _table(self, X: Any, *, first: bool = False, source: str = "X") -> Table:
        """X as a table with the names of the table at fit; scikit-learn compares names and their number."""
        table = from_frame(X, source=source)
        if first:
            self._columns = table.names
        elif self._columns is None:
            return table
        validate_data(self, named(X, table), reset=first, skip_check_array=True)
        return replace(table, columns=dict(zip(self._columns, table.columns.values(), strict=True)))

    def _prepare(self, y: Array) -> str:
        """Look at the target, and say what kind of task it is."""
        raise NotImplementedError

    # ------------------------------------------------------------ the run

    def _settings(self, folder: Path, started: float) -> run.Settings:
        """The parameters as a run takes them."""
        if self.engine not in ("local", "inline"):
            raise InputError(f"engine={self.engine!r}: is to be 'local' or 'inline'.")
        given: Any = self.trials, self.budget  # whatever they are annotated with
        if given[0] is not None and (not isinstance(given[0], (int, np.integer)) or given[0] < 1):
            raise InputError(f"trials={given[0]!r}: give a whole number, at least 1; the baseline counts.")
        if not isinstance(given[1], (str, int, float, np.number)) or isinstance(given[1], bool):
            raise InputError(f"budget={given[1]!r}: give seconds, or text such as '90s', '10m', '1h30m'.")
        budget = self.budget if isinstance(self.budget, str) else f"{self.budget:f}"
        return run.Settings(
            pipeline=self._chain(),
            output=folder,
            seconds=None if self.trials is not None else parse_duration(budget, "budget"),
            trials=self.trials,
            seed=_seed(self.random_state),
            jobs=_cores(self.n_jobs),
            memory=free_memory() if self.memory is None else parse_memory(str(self.memory), "memory"),
            engine=self.engine,
            started=started,
            lasting=self.output is not None,
        )

    def _chain(self) -> Pipeline:
        """The pipeline with the options and families that were given."""
        pipeline: Any = self.pipeline
        if not isinstance(pipeline, (str, Path, Pipeline)):
            raise InputError(f"pipeline={pipeline!r}: is to be a name, a file's path, or what automl.extend.read_pipeline gives.")
        chain = pipeline if isinstance(pipeline, Pipeline) else read_pipeline(str(pipeline))
        own = make_known(self.families)
        chain = chain.with_options(_settings_of(self.options))
        if not self.families:
            return chain
        named = [one for one in self.families if isinstance(one, str)]
        return chain.with_options([f"select.families={json.dumps([*(named or chain.families or everybody()), *own])}"])

    @contextmanager
    def _followed(self, asked: run.Settings) -> Iterator[Sequence[Callable[..., None]]]:
        """Observers that tell the trackers, who hear of the end, too."""
        if not self.track:
            yield []
            return
        if self.output is None:
            raise InputError("track: needs output, the folder that the run is followed in.")
        from automl.track.follow import Followers

        followers = Followers.asked_for(self.track, asked.output)
        try:
            yield [followers]
        finally:
            if not followers.wait(asked.budget.remaining()):
                warnings.warn("the trackers had not taken in the whole run when its time was over; they go on.", UserWarning, stacklevel=4)

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """The run's folder: the one asked for, or one for the time of the fit."""
        if self.output is not None:
            yield Path(self.output)
            return
        with tempfile.TemporaryDirectory(prefix="automl-") as folder:
            yield Path(folder)

    def _finishers(self, asked: run.Settings) -> list[run.chain.Finisher]:
        """The report, if the folder stays."""
        if self.output is None:
            return []
        from automl.report import Reporter

        return [Reporter(asked.budget)]

    # ------------------------------------------------------------ the predictor

    def _take(self, predictor: Predictor) -> Self:
        """Become what a predictor says."""
        self.predictor_ = predictor
        expected = predictor.facts.get("expected", {})
        self.expected_score_ = expected.get("loss", float("nan"))
        self.expected_interval_ = tuple(sorted(expected[end] for end in ("low", "high"))) if expected else (float("nan"), float("nan"))
        return self

    def _raw(self, X: Any) -> npt.NDArray[np.float64]:
        """The predictor's probabilities or values."""
        check_is_fitted(self, "predictor_")
        with _one_kind_of_error():
            table = self._table(X)
        return self.predictor_.raw(self.predictor_.read(table).columns)

    def __getstate__(self) -> dict[str, Any]:
        """The parameters, and the predictor as the bytes of its file."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "predictor_" in state:
            state["predictor_"] = archive.dumps(state["predictor_"])
            state["metric"], state["track"] = self._metric_name(), ()  # a lambda and an open file have no pickle, and predicting needs none
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "predictor_" in state:
            make_known(state.get("families"))
            state = state | {"predictor_": archive.loads(state["predictor_"])}
        super().__setstate__(state)

    def __sklearn_tags__(self) -> Any:
        """Raw tables are welcome; a clock decides what is tried, so results differ unless `trials` is given."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.string = True
        tags.input_tags.sparse = True
        tags.non_deterministic = self.trials is None
        return tags


def make_known(families: Any) -> list[str]:
    """Make the families of a list that are objects known, and give their names.

    Raises
    ------
    InputError
        It is no list, or holds what is no family.
    """
    if families is None:
        return []
    if isinstance(families, str) or not isinstance(families, Sequence):
        raise InputError(f"families={families!r}: is to be a list of names and objects.")
    return [give_family(one) for one in families if not isinstance(one, str)]


def _settings_of(options: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Options as `--set` takes them; JSON's values are TOML's."""
    if isinstance(options, Mapping):
        return [f"{name}={json.dumps(value)}" for name, value in options.items()]
    return [options] if isinstance(options, str) else list(options)


def _cores(n_jobs: int | None) -> int:
    if n_jobs is None or n_jobs == -1:
        return usable_cores()
    if n_jobs < 1:
        raise InputError(f"n_jobs={n_jobs}: give at least 1 core, or -1 for all.")
    return n_jobs


def _seed(random_state: Any) -> int:
    """A run's seed: the number given, or one drawn."""
    if not isinstance(random_state, (int, np.integer)):
        return int(check_random_state(random_state).randint(2**31 - 1))
    if not 0 <= random_state < 2**31:
        raise InputError(f"random_state={random_state}: give a whole number from 0 to {2**31 - 1}.")
    return int(random_state)


@contextmanager
def _one_kind_of_error() -> Iterator[None]:
    """scikit-learn's ValueErrors as ours: `except AutoMLError` catches them, too."""
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from None


def _warn_of_lost_rows(study: Study) -> None:
    told = [one for one in study.findings if one["code"] in _COSTS_ROWS or one in study.alarms]
    for text in (Finding.from_json(finding).text() for finding in told):
        warnings.warn(text, UserWarning, stacklevel=3)
