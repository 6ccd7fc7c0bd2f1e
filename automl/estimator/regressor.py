"""AutoMLRegressor: numbers go in and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score

from automl.estimator._base import AutoML
from automl.estimator.rows import Array
from automl.estimator.scoring import answered


class AutoMLRegressor(RegressorMixin, AutoML):
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

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination, R².

        The target is read as at fit: "$1,234" is 1234.
        Rows without a number are left out, with a warning if something else stands there.

        Parameters
        ----------
        X : table of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
        sample_weight : array-like of shape (n_rows,), optional
        """
        predicted = self._raw(X)
        known = answered(self.predictor_.task, predicted, y, sample_weight)
        return float(r2_score(known.y, known.predicted, sample_weight=known.weight))

    def _prepare(self, y: Array) -> str:
        return "regression"
