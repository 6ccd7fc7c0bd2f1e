"""Find and mend the faults of a raw table; every step is reported as a finding."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from automl.cleaning.cleaner import Cleaner, Transformed, UnknownCounts

if TYPE_CHECKING:
    from automl.cleaning.fitting import Cleaned, clean
    from automl.cleaning.options import CleanOptions
    from automl.finding import Finding

__all__ = [
    "CleanOptions",
    "Cleaned",
    "Cleaner",
    "Finding",
    "Transformed",
    "UnknownCounts",
    "clean",
]

_MODULES = {
    "CleanOptions": "automl.cleaning.options",
    "Cleaned": "automl.cleaning.fitting",
    "clean": "automl.cleaning.fitting",
    "Finding": "automl.finding",
}


def __getattr__(name: str) -> Any:
    """Import what cleans at fit at its first use: a predictor needs none of it, nor pandas."""
    if name not in _MODULES:
        raise AttributeError(f"module 'automl.cleaning' has no attribute {name!r}")
    return getattr(importlib.import_module(_MODULES[name]), name)
