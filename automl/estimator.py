"""AutoMLClassifier and AutoMLRegressor: scikit-learn's conventions over `run.fit`; `load` brings a saved model back."""

from __future__ import annotations

import json
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data
from threadpoolctl import threadpool_limits

from automl import predictor as archive
from automl import run
from automl.budget import free_memory, parse_duration, parse_memory, usable_cores
from automl.cleaning import Finding
from automl.ensemble import decide
from automl.errors import InputError
from automl.lab.problem import Problem
from automl.leaderboard import leaderboard
from automl.pipeline import read_pipeline
from automl.predictor import Predictor
from automl.table import Table, from_frame
from automl.task import Task
from automl.trial import Study

Array = npt.NDArray[Any]

_COSTS_ROWS = ("target_missing", "rare_class")  # findings that Python's users are warned of
_EXACT = 2**53  # whole numbers beyond it lose digits as float64


class _AutoML(BaseEstimator):
    """What the two estimators have in common."""

    _task: str
    _columns: tuple[str, ...] | None = None  # the table's names at fit; None for a loaded file, which knows only what it needs

    def __init__(
        self,
        *,
        budget: str | float = "10m",
        trials: int | None = None,
        metric: str | None = None,
        pipeline: str = "default",
        options: Mapping[str, Any] | Sequence[str] = (),
        output: str | Path | None = None,
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
        self.output = output
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
            problem = rows.problem(self._prepare(rows.y), self.metric)
        with self._folder() as folder, threadpool_limits(1, user_api="blas"):  # idle BLAS threads spin: a tiny fit took 0.7 s, not 0.2
            result = run.fit(lambda budget: problem, self._settings(folder, started), finishers=self._finishers())
        _warn_of_lost_rows(result.study)
        self.leaderboard_ = pd.DataFrame(leaderboard(result.study))
        return self._take(result.predictor)

    def save(self, path: str | Path) -> str:
        """Write the predictor's file, for `automl.load` and `automl predict`, and give its SHA-256."""
        check_is_fitted(self)
        return archive.save(self.predictor_, Path(path))

    # ------------------------------------------------------------ what goes in

    def _rows(self, X: Any, y: Any, weight: Any, groups: Any, X_val: Any, y_val: Any) -> _Rows:
        """All that `fit` was given, checked."""
        if y is None:
            raise InputError(f"This {type(self).__name__} estimator requires y to be passed, but the target y is None.")
        if (X_val is None) != (y_val is None):
            raise InputError("X_val and y_val: give both or neither.")
        if X_val is not None and groups is not None:
            raise InputError("groups and X_val: give one of them; rows that are given for validation need no folds.")
        table = self._table(X, first=True)
        rows = _Rows(table, column_or_1d(y, warn=True), name=str(getattr(y, "name", None) or "target"))
        rows = rows.weighing(weight, groups)
        return rows if X_val is None else rows.judged_on(self._table(X_val, source="X_val"), column_or_1d(y_val, warn=True))

    def _table(self, X: Any, *, first: bool = False, source: str = "X") -> Table:
        """X as a table with the names of the table at fit; scikit-learn compares names and their number."""
        table = from_frame(X, source=source)
        if first:
            self._columns = table.names
        elif self._columns is None:
            return table
        validate_data(self, _named(X, table), reset=first, skip_check_array=True)
        return replace(table, columns=dict(zip(self._columns, table.columns.values(), strict=True)))

    def _prepare(self, y: Array) -> str:
        """Look at the target, and say what kind of task it is."""
        raise NotImplementedError

    # ------------------------------------------------------------ the run

    def _settings(self, folder: Path, started: float) -> run.Settings:
        """The parameters as a run takes them."""
        if self.engine not in ("local", "inline"):
            raise InputError(f"engine={self.engine!r}: is to be 'local' or 'inline'.")
        if self.trials is not None and self.trials < 1:
            raise InputError(f"trials={self.trials}: give at least 1; the baseline counts.")
        budget = self.budget if isinstance(self.budget, str) else f"{self.budget:f}"
        is_seed = isinstance(self.random_state, (int, np.integer))
        return run.Settings(
            pipeline=read_pipeline(self.pipeline).with_options(_settings_of(self.options)),
            output=folder,
            seconds=None if self.trials is not None else parse_duration(budget),
            trials=self.trials,
            seed=int(self.random_state if is_seed else check_random_state(self.random_state).randint(2**31 - 1)),
            jobs=_cores(self.n_jobs),
            memory=free_memory() if self.memory is None else parse_memory(str(self.memory)),
            engine=self.engine,
            started=started,
            lasting=self.output is not None,
        )

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        """The run's folder: the one asked for, or one for the time of the fit."""
        if self.output is not None:
            yield Path(self.output)
            return
        with tempfile.TemporaryDirectory(prefix="automl-") as folder:
            yield Path(folder)

    def _finishers(self) -> list[run.chain.Finisher]:
        """The report, if the folder stays."""
        if self.output is None:
            return []
        from automl.report import write_report

        return [write_report]

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
        check_is_fitted(self)
        with _one_kind_of_error():
            table = self._table(X)
        return self.predictor_.raw(self.predictor_.read(table).columns)

    def __getstate__(self) -> dict[str, Any]:
        """The parameters, and the predictor as the bytes of its file."""
        state: dict[str, Any] = dict(super().__getstate__())
        if "predictor_" in state:
            with tempfile.TemporaryDirectory(prefix="automl-") as folder:
                path = Path(folder) / "predictor.automl"
                archive.save(state["predictor_"], path)
                state["predictor_"] = path.read_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        if "predictor_" in state:
            with tempfile.TemporaryDirectory(prefix="automl-") as folder:
                path = Path(folder) / "predictor.automl"
                path.write_bytes(state["predictor_"])
                state = state | {"predictor_": archive.load(path)}
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


class AutoMLClassifier(ClassifierMixin, _AutoML):
    """The best classifier that a budget finds.

    Parameters
    ----------
    budget : str or float, default="10m"
        Wall-clock time from the call of `fit` to its return: seconds, or text such as "90s", "10m", "1h30m".
    trials : int, optional
        So many candidates, the constant baseline included, instead of `budget`; equal calls then give equal models.
    metric : str, optional
        What is optimised (`automl metrics`). Default: roc_auc for two classes, log_loss for more, rmse for numbers.
    pipeline : str, default="default"
        A bundled pipeline (`automl pipelines`) or a pipeline file's path.
    options : mapping or sequence of str, default=()
        Options of its stages (`automl stages`): {"tune.method": "random"} or ["tune.method=random"].
    output : str or Path, optional
        The run's folder, absent or empty, which is kept with its report. By default nothing stays on disk.
    n_jobs : int, optional
        Cores to use. None and -1 are all that this process may use.
    memory : str or int, optional
        What the workers may hold: "8GB", or bytes. Default: 80% of what is free.
    engine : {"local", "inline"}, default="local"
        Worker processes; or everything in this process, for tiny tables.
    random_state : int, RandomState or None, default=0

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels, in y's own dtype. One with a single row is never predicted.
    predictor_ : Predictor
    leaderboard_ : DataFrame
        One row a candidate, best first. Not there after `load`.
    expected_score_ : float
        The metric, in its natural sign, that new rows can be expected to give.
    expected_interval_ : tuple of (float, float)
        Its 95% interval.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        If all of X's columns are named by text.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"size": ["S", "M", None, "L"] * 8, "price": ["$5", "$7", "$6", "n/a"] * 8})
    >>> y = ["no", "yes", "no", "yes"] * 8
    >>> model = AutoMLClassifier(pipeline="linear", trials=2, engine="inline").fit(X, y)
    >>> model.classes_.tolist(), model.predict(X)[:4].tolist(), model.predict_proba(X).shape
    (['no', 'yes'], ['no', 'yes', 'no', 'yes'], (32, 2))
    >>> model.leaderboard_["family"].tolist()
    ['linear', 'constant']
    """

    _task = "classification"

    def predict(self, X: Any) -> Array:
        """The classes of rows.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Of any type that `fit` takes, with the same columns in the same order.

        Returns
        -------
        labels : ndarray of shape (n_rows,), of y's dtype
        """
        raw = self._raw(X)
        labels: Array = self.classes_[self._places[decide(raw, self.predictor_.threshold)]]
        return labels

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the classes.

        Returns
        -------
        proba : ndarray of shape (n_rows, n_classes), float64
            In the order of `classes_`.
        """
        raw = self._raw(X)
        proba = np.zeros((len(raw), len(self.classes_)))
        proba[:, self._places] = raw
        return proba

    def _prepare(self, y: Array) -> str:
        present = y[~_is_missing(y)]
        present = pd.Series(present).infer_objects().to_numpy() if present.dtype == object else present
        check_classification_targets(present)
        if present.dtype.kind in "iu" and len(present) and max(-int(present.min()), int(present.max())) > _EXACT:
            raise InputError(f"y: whole numbers beyond {_EXACT} can't be told apart as labels. Give them as text.")
        self.classes_ = np.unique(present)
        if len(self.classes_) == 1:
            raise InputError(f"y has only one class, {self.classes_[0]!r}: there is nothing to learn.")
        return "classification"

    def _take(self, predictor: Predictor) -> Self:
        labels = _labels(predictor.task)
        if not hasattr(self, "classes_"):
            self.classes_ = np.unique(labels)
        self._places = np.searchsorted(self.classes_, labels.astype(self.classes_.dtype))
        return super()._take(predictor)


class AutoMLRegressor(RegressorMixin, _AutoML):
    """The best regressor that a budget finds. Parameters and attributes are those of AutoMLClassifier, but for `classes_`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.arange(40.0).reshape(-1, 1) % 7
    >>> model = AutoMLRegressor(metric="mae", pipeline="linear", trials=2, engine="inline").fit(X, 3 * X[:, 0])
    >>> model.predict(X[:3]).round(1).tolist(), model.expected_score_ < 0.1
    ([0.0, 3.0, 6.0], True)
    """

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """The values of rows.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Of any type that `fit` takes, with the same columns in the same order.

        Returns
        -------
        values : ndarray of shape (n_rows,), float64
        """
        return self._raw(X)

    def _prepare(self, y: Array) -> str:
        return "regression"


def load(path: str | Path, expect_sha256: str | None = None) -> AutoMLClassifier | AutoMLRegressor:
    """The estimator of a predictor's file, as `save` and `automl fit` write it.

    It predicts tables that hold the columns the model needs, by name; others may stand beside them. Labels come back as the
    file has them: text from a CSV, y's numbers or truth values from Python.

    Parameters
    ----------
    path : str or Path
    expect_sha256 : str, optional
        Refuse any other file.

    Raises
    ------
    InputError
        There is no such file, it is damaged, or it is not the expected one.
    """
    predictor = archive.load(Path(path), expect_sha256)
    kind = AutoMLRegressor if predictor.task.is_regression else AutoMLClassifier
    model: AutoMLClassifier | AutoMLRegressor = kind(metric=predictor.task.metric)
    model.feature_names_in_ = np.array(predictor.cleaner.inputs, object)
    model.n_features_in_ = len(predictor.cleaner.inputs)
    return model._take(predictor)


# --- rows -------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Rows:
    """What `fit` was given, as arrays of equal length."""

    table: Table
    y: Array
    name: str
    weight: Array | None = None
    groups: Array | None = None
    n_validation: int = 0

    def __post_init__(self) -> None:
        for array in (self.y, self.weight, self.groups):
            if array is not None and len(array) != self.table.n_rows:
                lengths = [self.table.n_rows, len(array)]
                raise InputError(f"{self.table.source}: Found input variables with inconsistent numbers of samples: {lengths}")

    def weighing(self, weight: Any, groups: Any) -> _Rows:
        """These rows with weights and groups; rows of weight 0 are as if they weren't there."""
        groups = None if groups is None else column_or_1d(groups, input_name="groups")
        if weight is None:
            return replace(self, groups=groups)
        weight = column_or_1d(weight, dtype=np.float64, input_name="sample_weight")
        whole = replace(self, weight=weight, groups=groups)
        kept = np.flatnonzero(weight != 0)
        if not len(kept):
            raise InputError("sample_weight: all weights are zero.")
        fewer = None if groups is None else groups[kept]
        return whole if len(kept) == len(weight) else _Rows(self.table.take(kept), self.y[kept], self.name, weight[kept], fewer)

    def judged_on(self, table: Table, y: Array) -> _Rows:
        """These rows, and others behind them that are the holdout; each of those weighs as much as a row does on average."""
        judges = _Rows(table, y, self.name)
        weight = None if self.weight is None else np.append(self.weight, np.full(table.n_rows, self.weight.mean()))
        frame = pd.concat([self.table.to_frame(), judges.table.to_frame()], ignore_index=True)
        both = replace(self.table, columns={str(name): frame[name] for name in frame}, n_rows=len(frame))
        return _Rows(both, np.concatenate([self.y, y]), self.name, weight, n_validation=table.n_rows)

    def problem(self, task: str, metric: str | None) -> Problem:
        """As a run takes it."""
        y = pd.Series(self.y, name=self.name)
        return Problem(self.table, self.name, y, self.weight, self.groups, task, metric, n_validation=self.n_validation)


def _named(X: Any, table: Table) -> Any:
    """What scikit-learn reads names and width from: X itself, or the table as a frame where X is nothing that it knows."""
    rows = isinstance(X, (list, tuple)) and not isinstance(X[0], Mapping)
    bare = hasattr(X, "__array__") and not hasattr(X, "shape")
    return X if rows or bare or len(getattr(X, "shape", ())) == 2 else table.to_frame()


def _is_missing(y: Array) -> npt.NDArray[np.bool_]:
    """Labels that are None, NaN or blank."""
    missing = np.asarray(pd.isna(y))
    if y.dtype.kind in "OU":
        missing = missing | np.array([isinstance(label, str) and not label.strip() for label in y], bool)
    return missing


def _labels(task: Task) -> Array:
    """A task's labels, in its order, as what they were."""
    make: dict[str, Any] = {"int": int, "float": float, "bool": lambda label: label == "True", "text": str}
    return np.array([make[task.dtype](label) for label in task.labels])


# --- parameters and errors --------------------------------------------------------------------------------------------------------


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
    lost = [Finding.from_json(finding).text() for finding in study.findings if finding["code"] in _COSTS_ROWS]
    for text in lost:
        warnings.warn(text, UserWarning, stacklevel=3)
