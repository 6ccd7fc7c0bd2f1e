"""`load`: a predictor's file as an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from automl import predictor as archive
from automl.estimator._base import own_families
from automl.estimator.classifier import AutoMLClassifier
from automl.estimator.regressor import AutoMLRegressor
from automl.estimator.wording import pythons_words
from automl.models import Family
from automl.store import LOG, replay


def load(
    path: str | Path, expect_sha256: str | None = None, families: Sequence[Family] = ()
) -> AutoMLClassifier | AutoMLRegressor:
    """The estimator of a predictor's file, or of the one in a run's folder, as `save` and `automl fit` write it.

    Of a run's folder it has the leaderboard and the findings, too.

    It predicts tables that hold the columns the model needs, by name; others may stand beside them. Labels come back as the
    file has them: text from a CSV, y's numbers or truth values from Python.

    Parameters
    ----------
    path : str or Path
    expect_sha256 : str, optional
        Refuse any other file.
    families : sequence of Family, optional
        Families of your own that the predictor may have been made with. The file holds what they learnt and no code.

    Raises
    ------
    InputError
        There is no such file, it is damaged, it is not the expected one, or it was made with a family that is not known here.
    """
    with pythons_words({}):
        predictor = archive.load(Path(path), expect_sha256, own_families(families))
        study = replay(Path(path)) if (Path(path) / LOG).exists() else None
    kind = AutoMLRegressor if predictor.task.is_regression else AutoMLClassifier
    model: AutoMLClassifier | AutoMLRegressor = kind(
        metric=predictor.task.metric, families=tuple(families)
    )
    model.feature_names_in_ = np.array(predictor.cleaner.inputs, object)
    model.n_features_in_ = len(predictor.cleaner.inputs)
    model._take(predictor)
    return model if study is None else model._take_study(study)
