"""Everything that fits import of this package, for the worker server: its forks then have it."""

from __future__ import annotations

import importlib

from automl import models

FAMILIES = models.FAMILIES
READERS = (
    "from_catboost",
    "from_lightgbm",
    "from_sklearn",
    "from_xgboost",
    "pruning",
)

for _name in READERS:
    importlib.import_module(f"automl.models.trees.{_name}")
