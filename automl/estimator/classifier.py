"""AutoMLClassifier: labels go in and come back in y's own dtype."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite
from sklearn.utils.multiclass import check_classification_targets

from automl.errors import InputError
from automl.estimator._base import AutoML
from automl.estimator.rows import Array, is_missing
from automl.estimator.scoring import answered
from automl.predictor import Predictor

_EXACT = 2**53  # whole numbers beyond it lose digits as float64


class AutoMLClassifier(ClassifierMixin, AutoML):
    """The best classifier that a budget finds.

    Parameters
    ----------
    budget : str or float, default="10m"
        Wall-clock time from the call of `fit` to its return: seconds, or text such as "90s", "10m", "1h30m".
    trials : int, optional
        So many candidates, the constant baseline included, instead of `budget`; equal calls then give equal models.
    metric : str or callable, optional
        What is optimised: a name (`automl metrics`), that of any of scikit-learn's scorers, a function of (y_true, y_pred) whose value
        is greater for better predictions, or what `sklearn.metrics.make_scorer` makes of one. Default: roc_auc for two classes,
        log_loss for more, rmse for numbers.
    cv : int, splitter or iterable of (train, test), optional
        Which rows are held out: a number of folds (stratified, groups whole), any splitter of scikit-learn, or pairs of row numbers. At
        most 100 splits. The run keeps the folds as numbers. Default: as rows and budget allow.
    pipeline : str or Pipeline, default="default"
        A bundled pipeline (`automl pipelines`), a pipeline file's path, or what `automl.extend.read_pipeline` makes of one.
    options : mapping or sequence of str, default=()
        Options of its stages (`automl stages`): {"tune.method": "random"} or ["tune.method=random"].
    families : sequence of str or Family, default=()
        Model families that take part (`automl families`); none: all. One of your own is an object (`automl.extend.SimpleFamily`),
        which takes part beside those named; if none is, beside all of ours.
    output : str or Path, optional
        The run's folder, absent or empty, which is kept with its report. By default nothing stays on disk.
    overwrite : bool, default=False
        Whether a run that lies in `output` is replaced. The new one is made beside it and takes its place at the end; if it fails, the old
        one stays.
    track : str, Tracker or sequence of them, default=()
        Who follows the run live: "tensorboard", "wandb", "mlflow", or objects of your own with the methods begin(one), trial(one, trial)
        and end(one). Needs `output`.
    n_jobs : int, optional
        Cores to use. None and -1 are all that this process may use.
    memory : str or int, optional
        What the workers may hold: "8GB", or bytes. Default: 80% of what is free.
    engine : {"local", "inline"}, default="local"
        Worker processes; or everything in this process, for tiny tables.
    random_state : int, RandomState or None, default=0
    verbose : {0, 1, 2}, default=0
        Nothing, one line of progress (drawn anew on a terminal and in a notebook, written now and then elsewhere), or a line for every fit;
        on standard error.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The sorted labels, in y's own dtype. One with a single row is never predicted.
    predictor_ : Predictor
    leaderboard_ : DataFrame
        One row a candidate, best first. Not there after `load` of a predictor's file; a run's folder has it.
    findings_ : list of Finding
        What was found in the table and done about it, with the option that changes it. There where `leaderboard_` is.
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
        labels: Array = self.classes_[self._places[self.predictor_.codes(raw)]]
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

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of rows whose class is predicted.

        Labels are read as at fit: 0.0 is the label 0, "TRUE" is True, blanks around them don't count.
        Rows without a label, or with one that the model doesn't know, are left out, these with a warning.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
        """
        codes = self.predictor_.codes(self._raw(X))
        known = answered(self.predictor_.task, codes, y, sample_weight)
        return float(np.average(known.y == known.predicted, weights=known.weight))

    def _prepare(self, y: Array) -> str:
        present = y[~is_missing(y)]
        present = (
            pd.Series(present).infer_objects().to_numpy() if present.dtype == object else present
        )
        if any(isinstance(label, bytes) for label in present[:1]):
            raise InputError(
                "y: labels are bytes, which are no text. Give np.char.decode(y.astype(bytes))."
            )
        assert_all_finite(present, input_name="y")
        check_classification_targets(present)
        if (
            present.dtype.kind in "iu"
            and len(present)
            and max(-int(present.min()), int(present.max())) > _EXACT
        ):
            raise InputError(
                f"y: whole numbers beyond {_EXACT} can't be told apart as labels. Give them as text."
            )
        self.classes_ = np.unique(present)
        if len(self.classes_) == 1:
            raise InputError(
                f"y has only one class, {self.classes_[0]!r}: there is nothing to learn."
            )
        return "classification"

    def _take(self, predictor: Predictor) -> Self:
        labels = np.array(predictor.task.typed_labels)
        if not hasattr(self, "classes_"):
            self.classes_ = np.unique(labels)
        self._places = _places(labels, self.classes_)
        return super()._take(predictor)


def _places(labels: Array, classes: Array) -> npt.NDArray[np.intp]:
    """Where a predictor's labels stand among the classes; it knows a timedelta by its seconds."""
    if classes.dtype.kind == "m":
        return np.searchsorted(pd.TimedeltaIndex(classes).total_seconds().to_numpy(), labels)
    return np.searchsorted(classes, labels.astype(classes.dtype))


def _is_missing(y: Array) -> npt.NDArray[np.bool_]:
    """Labels that are None, NaN or blank."""
    missing = np.asarray(pd.isna(y))
    if y.dtype.kind in "OU":
        missing = missing | np.array(
            [isinstance(label, str) and not label.strip() for label in y], bool
        )
    return missing
