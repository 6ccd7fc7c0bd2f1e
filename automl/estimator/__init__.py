"""AutoMLClassifier and AutoMLRegressor: scikit-learn's conventions over `run.fit`; `load` brings a saved model back."""

from automl.estimator.classifier import AutoMLClassifier
from automl.estimator.loading import load
from automl.estimator.regressor import AutoMLRegressor

__all__ = ["AutoMLClassifier", "AutoMLRegressor", "load"]
