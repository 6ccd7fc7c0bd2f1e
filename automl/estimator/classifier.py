"""AutoMLClassifier: labels are passed and returned in y's own dtype."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets

from automl.arrays import Array, Floats
from automl.errors import InputError
from automl.estimator._base import AutoML
from automl.estimator.rows import is_missing
from automl.estimator.scoring import select_known
from automl.predictor import Predictor

Indices = npt.NDArray[np.intp]

MAX_EXACT_INTEGER = 2**53  # larger whole numbers lose digits as float64


class AutoMLClassifier(ClassifierMixin, AutoML):
    """The best classifier that a budget finds.

    Parameters
    ----------
    budget : str or float, default="10m"
        Wall-clock time from the call of `fit` to its return: seconds, or text such as "90s", "10m",
        "1h30m".
    trials : int, optional
        Number of candidates, including the constant baseline, instead of `budget`; equal calls then
        give equal models.
    metric : str or callable, optional
        The metric to optimise: a name (`automl metrics`), the name of any of scikit-learn's
        scorers, a function of (y_true, y_pred) whose value is greater for better predictions, or
        the result of `sklearn.metrics.make_scorer`. Default: roc_auc for two classes, log_loss for
        more, rmse for numbers.
    cv : int, splitter or iterable of (train, test), optional
        Which rows are held out: a number of folds (stratified, groups whole), any splitter of
        scikit-learn, or pairs of row numbers. At most 100 splits. The run stores the folds as
        numbers. Default: as rows and budget allow.
    pipeline : str or Pipeline, default="default"
        A bundled pipeline (`automl pipelines`), a pipeline file's path, or the result of
        `automl.extend.read_pipeline`.
    options : mapping or sequence of str, default=()
        Options of its stages (`automl stages`): {"tune.method": "random"} or
        ["tune.method=random"].
    families : sequence of str or Family, default=()
        Model families to train (`automl families`); if empty, all. A family of your own is an
        object (`automl.extend.SimpleFamily`), which is trained in addition to the named ones, or in
        addition to all built-in ones if none is named.
    output : str or Path, optional
        The run's folder, absent or empty, which is kept with its report. By default nothing stays
        on disk.
    overwrite : bool, default=False
        Whether to replace a run in `output`. The new run is made next to the old one and replaces
        it at the end; if it fails, the old one stays.
    track : str, Tracker or sequence of them, default=()
        Trackers that follow the run live: "tensorboard", "wandb", "mlflow", or objects of your own
        with the methods begin(experiment), trial(experiment, trial) and end(experiment). Needs
        `output`.
    n_jobs : int, optional
        Cores to use. None and -1 stand for all that this process may use.
    memory : str or int, optional
        Memory that the workers may use: "8GB", or bytes. Default: 80% of free memory.
    max_ms : float, optional
        The most milliseconds that predicting one row may take, in a process that has predicted
        others. The ensemble is chosen to fit, and measured.
    max_mb : float, optional
        The most megabytes that the predictor's file may have. The ensemble is chosen to fit.
    engine : {"local", "inline"} or Engine, default="local"
        Worker processes; or everything in this process, for tiny tables, which ignores `n_jobs` and
        `memory`; or an engine of your own (`automl.executor.engines.Engine`).
    random_state : int, RandomState or None, default=0
    verbose : {0, 1, 2}, default=0
        Nothing, one line of progress (redrawn on a terminal and in a notebook, written from time to
        time elsewhere), or a line for every fit; on standard error.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels, in y's own dtype. One with a single row is never predicted.
    predictor_ : Predictor
    leaderboard_ : DataFrame
        One row a candidate, best first. Absent after `load` of a predictor's file; a run's folder
        has it.
    findings_ : list of Finding
        Findings about the table and their consequences, with the option that changes each. Present
        where `leaderboard_` is.
    expected_score_ : float
        The expected score on new rows, in the metric's natural sign.
    expected_interval_ : tuple of (float, float)
        Its 95% interval.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Present if the names of all columns of X are strings.

    Examples
    --------
    >>> import pandas as pd
    >>> prices = ["$5", "$7", "$6", "n/a"]
    >>> X = pd.DataFrame({"size": ["S", "M", None, "L"] * 8, "price": prices * 8})
    >>> y = ["no", "yes", "no", "yes"] * 8
    >>> model = AutoMLClassifier(pipeline="linear", trials=2, engine="inline").fit(X, y)
    >>> model.classes_.tolist(), model.predict(X)[:4].tolist(), model.predict_proba(X).shape
    (['no', 'yes'], ['no', 'yes', 'no', 'yes'], (32, 2))
    >>> model.leaderboard_["family"].tolist()
    ['linear', 'constant']
    """

    def predict(self, X: Any) -> Array:
        """Predict the classes of rows.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Of any type that `fit` takes, with the same columns in the same order.

        Returns
        -------
        labels : ndarray of shape (n_rows,), of y's dtype
        """
        raw = self._predict_raw(X)
        classes = self.predictor_.predict_classes(raw)
        indices = self._places[classes]
        labels: Array = self.classes_[indices]
        return labels

    def predict_proba(self, X: Any) -> Floats:
        """Predict the probabilities of the classes.

        Returns
        -------
        proba : ndarray of shape (n_rows, n_classes), float64
            In the order of `classes_`.
        """
        raw = self._predict_raw(X)
        n_classes = len(self.classes_)
        n_rows = len(raw)
        proba = np.zeros((n_rows, n_classes))
        proba[:, self._places] = raw
        return proba

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy: the share of rows whose class is predicted.

        Labels are read as at fit: 0.0 is the label 0, "TRUE" is True, blanks around them don't
        count. Rows without a label are left out; so are rows with one that the model doesn't know,
        with a warning.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
        """
        raw = self._predict_raw(X)
        classes = self.predictor_.predict_classes(raw)
        task = self.predictor_.task
        known = select_known(task, classes, y, sample_weight)
        is_right = known.y == known.predicted
        accuracy = np.average(is_right, weights=known.weight)
        return float(accuracy)

    def _prepare(self, y: Array) -> str:
        is_present = ~is_missing(y)
        present = y[is_present]
        if present.dtype == object:
            series = pd.Series(present).infer_objects()
            present = series.to_numpy()
        first = next(iter(present), None)
        if isinstance(first, bytes):
            raise InputError(
                "y: labels are bytes, which are no text. Give np.char.decode(y.astype(bytes))."
            )
        assert_all_finite(present, input_name="y")
        check_classification_targets(present)
        is_integer = present.dtype.kind in "iu"
        if is_integer and len(present):
            lowest = int(present.min())
            highest = int(present.max())
            if max(-lowest, highest) > MAX_EXACT_INTEGER:
                raise InputError(
                    f"y: whole numbers beyond {MAX_EXACT_INTEGER} can't be told apart as labels. "
                    "Give them as text."
                )
        self.classes_ = np.unique(present)
        if len(self.classes_) == 1:
            label = self.classes_[0]
            raise InputError(f"y has only one class, {label!r}: there is nothing to learn.")
        return "classification"

    def _set_predictor(self, predictor: Predictor) -> Self:
        labels = np.array(predictor.task.typed_labels)
        if not hasattr(self, "classes_"):
            self.classes_ = np.unique(labels)
        self._places = _indices_of(labels, self.classes_)  # pickled under this name
        return super()._set_predictor(predictor)


def _indices_of(labels: Array, classes: Array) -> Indices:
    """Return the indices of a predictor's labels among the classes."""
    if classes.dtype.kind == "m":  # a predictor stores a timedelta in seconds
        timedeltas = pd.TimedeltaIndex(classes)
        seconds = timedeltas.total_seconds().to_numpy()
        return np.searchsorted(seconds, labels)
    labels = labels.astype(classes.dtype)
    return np.searchsorted(classes, labels)
