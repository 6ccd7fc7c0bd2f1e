"""AutoMLRegressor: numbers are passed and returned."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from automl.estimator._base import AutoML
from automl.estimator.rows import Array
from automl.estimator.scoring import select_known

Floats = npt.NDArray[np.float64]


class AutoMLRegressor(RegressorMixin, AutoML):
    """The best regressor that a budget finds.

    Parameters and attributes are those of AutoMLClassifier, except `classes_`.

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
