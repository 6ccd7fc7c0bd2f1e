"""`load`: read a predictor's file as an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from automl import predictor as archive
from automl.estimator.classifier import AutoMLClassifier
from automl.estimator.parameters import own_families
from automl.estimator.regressor import AutoMLRegressor
from automl.estimator.wording import python_wording
from automl.event_log import replay
from automl.models import Family
from automl.run_files import LOG


def load(
    path: str | Path,
    expect_sha256: str | None = None,
    families: Sequence[Family] = (),
) -> AutoMLClassifier | AutoMLRegressor:
    """Read an estimator from a predictor's file, or from a run's folder.

    `save` and `automl fit` write such files. From a run's folder, the estimator has the leaderboard
    and the findings, too.

    It predicts tables that hold the columns that the model needs, by name; they may hold others.
    Labels are returned as the file has them: text from a CSV, y's numbers or booleans from Python.

    Parameters
    ----------
    path : str or Path
    expect_sha256 : str, optional
        Refuse any other file.
    families : sequence of Family, optional
        Families of your own that the predictor may use. The file holds their fitted models, but no
        code.

    Raises
    ------
    InputError
        There is no such file, it is damaged, it is not the expected one, or it was made with a
        family that is not known here.
    """
    path = Path(path)
    with python_wording({}):
        extensions = own_families(families)
        predictor = archive.load(path, expect_sha256, extensions)
        is_run = (path / LOG).exists()
        study = replay(path) if is_run else None
    task = predictor.task
    kind = AutoMLRegressor if task.is_regression else AutoMLClassifier
    model: AutoMLClassifier | AutoMLRegressor
    model = kind(metric=task.metric, families=tuple(families))
    names = predictor.cleaner.inputs
    model.feature_names_in_ = np.array(names, object)
    model.n_features_in_ = len(names)
    model._set_predictor(predictor)
    if study is not None:
        model._set_study(study)
    return model
