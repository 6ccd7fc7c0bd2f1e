"""What the two estimators have in common: parameters, `fit`, `save`, pickling."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
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
from automl.cleaning.cleaner import Counts
from automl.errors import InputError
from automl.estimator.output import place_of
from automl.estimator.progress import progress
from automl.estimator.readiness import Importer, restore_in_time
from automl.estimator.rows import Array, Rows, column, has_names, named
from automl.estimator.splitting import (
    folds_of_pairs,
    folds_of_splitter,
    is_splitter,
    number_of_folds,
)
from automl.estimator.wording import finding_in_python, in_python, pythons_words
from automl.extensions import Extensions
from automl.leaderboard import HEADINGS, leaderboard, nothing_judged
from automl.metrics import named as known_metric
from automl.metrics import register
from automl.models import Family, everybody, family, given, is_known
from automl.pipeline import Pipeline, read_pipeline
from automl.predictor import Predictor, archive
from automl.table import Table, from_frame
from automl.trial import Study

if TYPE_CHECKING:
    from automl.track.tracker import Tracker

_COSTS_ROWS = ("target_missing", "rare_class")  # findings that Python's users are warned of


@dataclass(frozen=True)
class _Given:
    """What `fit` was given beside X and y."""

    weight: Any
    groups: Any
    time: Any
    X_val: Any
    y_val: Any

    def names(self) -> dict[str, str]:
        """Those that are names of columns, as `fit` calls them."""
        given = {"sample_weight": self.weight, "groups": self.groups, "time": self.time}
        return {name: value for name, value in given.items() if isinstance(value, str)}

    def check(self, cv: Any) -> None:
        """Refuse what contradicts each other."""
        if (self.X_val is None) != (self.y_val is None):
            raise InputError("X_val and y_val: give both or neither.")
        ways = {"groups": self.groups, "time": self.time, "cv": cv}
        for name, value in ways.items() if self.X_val is not None else ():
            if value is not None:
                raise InputError(
                    f"{name} and X_val: give one of them; rows that are given for validation need no folds."
                )
        if self.time is not None and cv is not None and number_of_folds(cv) is None:
            raise InputError(
                "time and cv: give one of them; cv says which rows are held out, in whatever order."
            )


class AutoML(BaseEstimator):
    """What the two estimators have in common."""

    _told: frozenset[tuple[str, ...]] = (
        frozenset()
    )  # columns that no fit knew, of which predictions have warned
    _columns: tuple[str, ...] | None = (
        None  # the table's names at fit; None for a loaded file, which knows only what it needs
    )

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
        engine: Literal["local", "inline"] = "local",
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
        """Search for the best predictor within the budget, which counts from this call to its return.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            A pandas, polars or Arrow table, NumPy array, SciPy sparse matrix, dictionary of columns or list of rows. Raw:
            missing values, text, dates and categories as they are.
        y : array-like of shape (n_rows,)
            Rows without a value are left out, with a warning.
        sample_weight : array-like of shape (n_rows,), or str, optional
            Not negative. Rows of weight 0 are left out. A text is the name of a column of X, which is no feature then.
        groups : array-like of shape (n_rows,), or str, optional
            Rows of one group are held out together. A text is the name of a column of X, which is no feature then.
        time : array-like of shape (n_rows,), or str, optional
            Dates or numbers by whose order rows are held out: the past predicts the future. A text is the name of a column of X,
            which stays a feature.
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
        started = monotonic()
        given = _Given(sample_weight, groups, time, X_val, y_val)
        with pythons_words(self.get_params(deep=False) | given.names()):
            return self._fit(X, y, given, started)

    def _fit(self, X: Any, y: Any, given: _Given, started: float) -> Self:
        with _one_kind_of_error():
            rows = self._rows(X, y, given)
            problem = rows.problem(self._prepare(rows.y), self._metric_name())
        with place_of(self.output, self.overwrite) as folder:
            asked = self._settings(folder, started)
            if warning := too_short(asked.seconds, "budget"):
                warnings.warn(warning, UserWarning, stacklevel=3)
            with progress(self.verbose, asked) as shown, self._followed(asked) as followers:
                callbacks = run.Callbacks(
                    [*shown.observers, *followers, Importer(asked.budget)], self._finishers(asked)
                )
                result = run.fit(lambda budget: problem, asked, callbacks)
                restore_in_time(result.predictor, asked.budget)
        self._warn(result.study, asked)
        self._take(result.predictor)
        return self._take_study(result.study)

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

    def _rows(self, X: Any, y: Any, given: _Given) -> Rows:
        """All that `fit` was given, checked."""
        if y is None:
            raise InputError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y is None."
            )
        given.check(self.cv)
        table = self._table_at_fit(X)
        rows = Rows(table, column(y, "y"), name=str(getattr(y, "name", None) or "target"))
        if self.cv is not None and number_of_folds(self.cv) is None and not is_splitter(self.cv):
            rows = replace(rows, folds=folds_of_pairs(self.cv, table.n_rows))
        rows = rows.with_roles(given.weight, given.groups, given.time)
        if is_splitter(self.cv):
            rows = replace(rows, folds=folds_of_splitter(self.cv, X, rows))
        return (
            rows
            if given.X_val is None
            else rows.judged_on(self._validation(given.X_val), column(given.y_val, "y_val"))
        )

    def _table_at_fit(self, X: Any) -> Table:
        """X as a table, whose names and width scikit-learn takes down."""
        table = from_frame(X, source="X")
        self._columns, self._told = table.names, frozenset()
        validate_data(self, named(X, table), reset=True, skip_check_array=True)
        return table

    def _table(self, X: Any, source: str = "X") -> Table:
        """X as a table with the names that columns had at fit.

        Columns are found by their names, wherever they stand and whatever stands beside them, or, where X or the table at fit has
        none, by their places, whose number scikit-learn compares.
        """
        table = from_frame(X, source=source)
        if self._columns is None or (hasattr(self, "feature_names_in_") and has_names(X, table)):
            return table
        validate_data(self, named(X, table), reset=False, skip_check_array=True)
        return replace(table, columns=dict(zip(self._columns, table.columns.values(), strict=True)))

    def _validation(self, X_val: Any) -> Table:
        """The rows that judge, with the columns of X in their order."""
        table = self._table(X_val, source="X_val")
        return replace(table, columns={name: table[name] for name in self._columns or ()})

    def _prepare(self, y: Array) -> str:
        """Look at the target, and say what kind of task it is."""
        raise NotImplementedError

    # ------------------------------------------------------------ the run

    def _settings(self, folder: Path, started: float) -> run.Settings:
        """The parameters as a run takes them."""
        if self.engine not in ("local", "inline"):
            raise InputError(f"engine={self.engine!r}: must be 'local' or 'inline'.")
        given: Any = self.trials, self.budget  # whatever they are annotated with
        if given[0] is not None and (not isinstance(given[0], (int, np.integer)) or given[0] < 1):
            raise InputError(
                f"trials={given[0]!r}: give a whole number, at least 1; the baseline counts."
            )
        if not isinstance(given[1], (str, int, float, np.number)) or isinstance(given[1], bool):
            raise InputError(
                f"budget={given[1]!r}: give seconds, or text such as '90s', '10m', '1h30m'."
            )
        budget = (
            self.budget
            if isinstance(self.budget, str)
            else np.format_float_positional(self.budget, trim="-")
        )
        own = own_families(self.families)
        return run.Settings(
            pipeline=self._chain(own),
            output=folder,
            seconds=None if self.trials is not None else parse_duration(budget, "budget"),
            trials=self.trials,
            seed=_seed(self.random_state),
            jobs=_cores(self.n_jobs),
            memory=free_memory()
            if self.memory is None
            else parse_memory(str(self.memory), "memory"),
            engine=self.engine,
            started=started,
            lasting=self.output is not None,
            extensions=own,
        )

    def _chain(self, own: Extensions) -> Pipeline:
        """The pipeline with the options and families that were given."""
        pipeline: Any = self.pipeline
        if not isinstance(pipeline, (str, Path, Pipeline)):
            raise InputError(
                f"pipeline={pipeline!r}: must be a name, a file's path, or what automl.extend.read_pipeline gives."
            )
        chain = pipeline if isinstance(pipeline, Pipeline) else read_pipeline(str(pipeline))
        chain = chain.with_options(_settings_of(self.options))
        if (n_folds := number_of_folds(self.cv)) is not None:
            chain = chain.with_options([f"clean.folds={n_folds}"])
        if not self.families:
            return chain
        named = [one for one in self.families if isinstance(one, str)]
        return chain.with_options(
            [
                f"select.families={json.dumps([*(named or chain.families or everybody()), *own.families])}"
            ]
        )

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
                warnings.warn(
                    "the trackers had not taken in the whole run when its time was over; they go on.",
                    UserWarning,
                    stacklevel=5,
                )

    def _finishers(self, asked: run.Settings) -> list[run.chain.Finisher]:
        """The report, if the folder stays."""
        if self.output is None:
            return []
        from automl.report import Reporter

        return [Reporter(asked.budget, Path(self.output))]

    def _warn(self, study: Study, asked: run.Settings) -> None:
        """Tell of rows that were left out, and of a run in which no model could be judged."""
        told = [
            one
            for one in study.findings
            if one["code"] in _COSTS_ROWS or one in study.score_warnings
        ]
        texts = [Finding.from_json(finding).text() for finding in told]
        if asked.trials != 1 and (lacking := nothing_judged(study)):
            texts.append(lacking)
        for text in texts:
            warnings.warn(in_python(text), UserWarning, stacklevel=4)

    # ------------------------------------------------------------ the predictor

    def _take(self, predictor: Predictor) -> Self:
        """Become what a predictor says."""
        self.predictor_ = predictor
        expected = predictor.facts.get("expected", {})
        self.expected_score_ = expected.get("loss", float("nan"))
        self.expected_interval_ = (
            tuple(sorted(expected[end] for end in ("low", "high")))
            if expected
            else (float("nan"), float("nan"))
        )
        return self

    def _take_study(self, study: Study) -> Self:
        """Tell what a run's study tells: its leaderboard and its findings."""
        self.leaderboard_ = pd.DataFrame(
            leaderboard(study) or [_untried(study, self.predictor_)], columns=list(HEADINGS)
        )
        self.findings_ = [
            finding_in_python(Finding.from_json(finding)) for finding in study.findings
        ]
        return self

    def _raw(self, X: Any) -> npt.NDArray[np.float64]:
        """The predictor's probabilities or values."""
        check_is_fitted(self, "predictor_")
        with pythons_words({}), _one_kind_of_error():
            applied = self.predictor_.read(self._table(X))
        unknown = tuple(
            name for name in applied.counts.extra if name != self.predictor_.task.target
        )
        if unknown and unknown not in self._told:
            self._told |= {unknown}
            warnings.warn(f"X: {Counts(extra=unknown).text()}", UserWarning, stacklevel=3)
        return self.predictor_.raw(applied.columns)

    def __getstate__(self) -> dict[str, Any]:
        """The parameters, and the predictor as the bytes of its file."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "predictor_" in state:
            state["_own_families"] = _own(self.predictor_)
            state["predictor_"] = archive.dumps(state["predictor_"])
            state["metric"], state["track"] = (
                self._metric_name(),
                (),
            )  # a lambda and an open file have no pickle, and predicting needs none
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "predictor_" in state:
            state = dict(state)
            kept = state.pop("_own_families", None)  # earlier versions had but the parameter
            own = own_families(state.get("families")) if kept is None else Extensions(kept)
            state["predictor_"] = archive.loads(state["predictor_"], own=own)
            state = {**_defaults(type(self)), **state}  # earlier versions had fewer parameters
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


def _defaults(kind: type[AutoML]) -> dict[str, Any]:
    """The parameters that an estimator has where none is given."""
    parameters: dict[str, Any] = kind().get_params(deep=False)
    return parameters


def own_families(families: Any) -> Extensions:
    """Take the objects of a list of families, which may hold names, too.

    Raises
    ------
    InputError
        It is no list, or holds what is no family.
    """
    if families is None:
        return Extensions()
    if isinstance(families, str) or not isinstance(families, Sequence):
        raise InputError(f"families={families!r}: must be a list of names and objects.")
    return given(one for one in families if not isinstance(one, str))


def _own(predictor: Predictor) -> dict[str, Family]:
    """The families of a predictor's members that were given to it, which nobody else knows."""
    kinds = {member.family: member.kind for member in predictor.members}
    return {
        name: kind for name, kind in kinds.items() if not is_known(name) or family(name) is not kind
    }


def _settings_of(options: Mapping[str, Any] | Sequence[str]) -> list[str]:
    """Options as `--set` takes them; JSON's values are TOML's."""
    if isinstance(options, Mapping):
        return [
            f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in options.items()
        ]
    if isinstance(options, str):
        return [options]
    given: Any = options
    if not isinstance(given, Sequence) or not all(isinstance(one, str) for one in given):
        raise InputError(
            f"options={given!r}: give a dictionary of options, or a list of texts such as 'tune.method=random'."
        )
    return list(options)


def _cores(n_jobs: int | None) -> int:
    given: Any = n_jobs  # whatever it is annotated with
    if given is None or given == -1:
        return usable_cores()
    if isinstance(given, bool) or not isinstance(given, (int, np.integer)):
        raise InputError(f"n_jobs={given!r}: give a whole number of cores, or -1 for all.")
    if given < 1:
        raise InputError(f"n_jobs={given}: give at least 1 core, or -1 for all.")
    return int(given)


def _seed(random_state: Any) -> int:
    """A run's seed: the number given, or one drawn."""
    if not isinstance(random_state, (int, np.integer)):
        try:
            return int(check_random_state(random_state).randint(2**31 - 1))
        except ValueError:
            raise InputError(
                f"random_state={random_state!r}: give a whole number, a RandomState of NumPy, or None."
            ) from None
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


def _untried(study: Study, predictor: Predictor) -> dict[str, Any]:
    """The leaderboard's line of a predictor that was never judged: the constant one that answers where there was no time."""
    row: dict[str, Any] = dict.fromkeys(HEADINGS)
    member = predictor.members[0]
    told = {
        "rank": 1,
        "id": member.id,
        "family": member.family,
        "recipe": "",
        "stage": "clean",
        "metric": study.the_task.metric,
    }
    return (
        row
        | told
        | {
            "seconds": 0.0,
            "size_mb": 0.0,
            "weight": 1.0,
            "status": "not judged: there was no time to try a candidate",
        }
    )
