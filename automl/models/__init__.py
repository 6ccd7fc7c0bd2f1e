"""Models: what can be trained. One file a family, one explicit tuple; libraries are imported when a family is used."""

from __future__ import annotations

from automl.errors import InputError, suggestion
from automl.features.feature import Feature
from automl.models._base import Family, Fitted, How, Model, Sample
from automl.models.catboost import CatBoost
from automl.models.constant import Constant
from automl.models.forest import EXTRA_TREES, RANDOM_FOREST
from automl.models.knn import KNN
from automl.models.lightgbm import LightGBM
from automl.models.linear import Linear
from automl.models.mlp import MLP
from automl.models.xgboost import XGBoost

__all__ = ["FAMILIES", "Family", "Feature", "Fitted", "How", "Model", "Sample", "family"]

FAMILIES: tuple[Family, ...] = (LightGBM(), CatBoost(), XGBoost(), EXTRA_TREES, RANDOM_FOREST, Linear(), KNN(), MLP(), Constant())


def family(name: str) -> Family:
    """The family of this name.

    Raises
    ------
    InputError
        There is none.

    Examples
    --------
    >>> family("lightgbm").recipes[0]
    'mixed'
    """
    for candidate in FAMILIES:
        if candidate.name == name:
            return candidate
    names = [candidate.name for candidate in FAMILIES]
    raise InputError(f"no model family {name!r}.{suggestion(name, names)} There are {', '.join(names)}.")
