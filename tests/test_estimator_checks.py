"""scikit-learn's own checks of an estimator."""

from __future__ import annotations

from typing import Any

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from automl import AutoMLClassifier, AutoMLRegressor

QUICK: dict[str, Any] = {"pipeline": "linear", "trials": 2, "engine": "inline"}

WEIGHTS = (
    "of its 15 rows 9 have a weight and a run needs 10; besides, the number of rows decides "
    "which are held out, so that a row of weight 2 and the same row twice lead to other folds"
)
CANNOT = {
    "check_sample_weight_equivalence_on_dense_data": WEIGHTS,
    "check_sample_weight_equivalence_on_sparse_data": WEIGHTS,
}


@parametrize_with_checks(
    [AutoMLClassifier(**QUICK), AutoMLRegressor(**QUICK)],
    expected_failed_checks=lambda estimator: CANNOT,
)
@pytest.mark.filterwarnings(
    "ignore:target. classes with a single row were left out:UserWarning"
)  # some checks draw such a target
def test_scikit_learn_finds_no_fault(estimator, check):
    check(estimator)
