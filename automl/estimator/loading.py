"""`load`: a predictor's file as an estimator."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from automl import predictor as archive
from automl.estimator.classifier import AutoMLClassifier
from automl.estimator.regressor import AutoMLRegressor


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
