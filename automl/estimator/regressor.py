"""AutoMLRegressor: numbers go in and come back."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import RegressorMixin

from automl.estimator._base import AutoML
from automl.estimator.rows import Array


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

    def _prepare(self, y: Array) -> str:
        return "regression"
