"""Turn a raw table into a tuned, serialized predictor and a leaderboard, within a time budget.

>>> import automl
>>> sorted(automl.__all__)
['AutoMLClassifier', 'AutoMLError', 'AutoMLRegressor', 'InputError', 'load']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from automl.errors import AutoMLError, InputError
    from automl.estimator import AutoMLClassifier, AutoMLRegressor, load

__all__ = ["AutoMLClassifier", "AutoMLError", "AutoMLRegressor", "InputError", "load"]

_MODULES = {
    "AutoMLClassifier": "automl.estimator",
    "AutoMLRegressor": "automl.estimator",
    "load": "automl.estimator",
    "AutoMLError": "automl.errors",
    "InputError": "automl.errors",
}


def __getattr__(name: str) -> Any:
    """Import a public name at its first use, so that `import automl` itself loads nothing."""
    if name == "__version__":
        from importlib.metadata import version

        return version("automl-tabular")
    if name not in _MODULES:
        raise AttributeError(f"module 'automl' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
