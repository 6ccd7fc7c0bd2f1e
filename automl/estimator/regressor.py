"""AutoMLRegressor: numbers are passed and returned."""

from __future__ import annotations

from typing import Any

from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from automl.arrays import Array, Floats
from automl.estimator._base import AutoML
from automl.estimator.scoring import select_known


class AutoMLRegressor(RegressorMixin, AutoML):
    """The best regressor that a budget finds.

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
    >>> import numpy as np
    >>> X = np.arange(40.0).reshape(-1, 1) % 7
    >>> model = AutoMLRegressor(metric="mae", pipeline="linear", trials=2, engine="inline")
    >>> model = model.fit(X, 3 * X[:, 0])
    >>> model.predict(X[:3]).round(1).tolist(), model.expected_score_ < 0.1
    ([0.0, 3.0, 6.0], True)
    """

    def predict(self, X: Any) -> Floats:
        """Predict the values of rows.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
            Of any type that `fit` takes, with the same columns in the same order.

        Returns
        -------
        values : ndarray of shape (n_rows,), float64
        """
        return self._predict_raw(X)

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the coefficient of determination, R².

        The target is read as at fit: "$1,234" is 1234. Rows without a number are left out, with a
        warning if they hold something else.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
        """
        values = self._predict_raw(X)
        task = self.predictor_.task
        known = select_known(task, values, y, sample_weight)
        score = r2_score(
            known.y,
            known.predicted,
            sample_weight=known.weight,
        )
        return float(score)

    def _prepare(self, y: Array) -> str:
        return "regression"
