"""A small table, and estimators that are quick on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from automl import AutoMLClassifier, AutoMLRegressor

QUICK: dict[str, Any] = {"pipeline": "linear", "trials": 2, "engine": "inline"}
ROWS = 60
_RNG = np.random.default_rng(0)
X = pd.DataFrame({"width": _RNG.normal(size=ROWS), "height": _RNG.normal(size=ROWS)})
IS_WIDE = (X["width"] > 0).to_numpy()


def classifier(**parameters: Any) -> AutoMLClassifier:
    """A classifier that tries the baseline and a linear model."""
    return AutoMLClassifier(**QUICK | parameters)


def regressor(**parameters: Any) -> AutoMLRegressor:
    """A regressor that tries the baseline and a linear model."""
    return AutoMLRegressor(**QUICK | parameters)
