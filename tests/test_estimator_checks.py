"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from automl import AutoMLClassifier, AutoMLRegressor

CANNOT: dict[str, str] = {}
QUICK: dict[str, Any] = {"pipeline": "linear", "trials": 2, "engine": "inline"}


@parametrize_with_checks(
    [AutoMLClassifier(**QUICK), AutoMLRegressor(**QUICK)], expected_failed_checks=lambda estimator: CANNOT
)
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)
