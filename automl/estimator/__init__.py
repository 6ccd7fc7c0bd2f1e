"""AutoMLClassifier, AutoMLRegressor and `load`: scikit-learn's conventions over `run.fit`."""

from automl.estimator.classifier import AutoMLClassifier
from automl.estimator.loading import load
from automl.estimator.regressor import AutoMLRegressor

__all__ = [
    "AutoMLClassifier",
    "AutoMLRegressor",
    "load",
]
