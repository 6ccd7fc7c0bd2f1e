"""Errors about boosters that can't be read, in the same words for all libraries."""

from __future__ import annotations

from automl.errors import UnsafeModel

_MAX_REASON_LENGTH = 100


def damaged(library: str, defect: str) -> UnsafeModel:
    """Return the error about a booster of a library that has a defect.

    >>> str(damaged("LightGBM", "no end"))
    "the model file's LightGBM booster is damaged: no end"
    """
    return UnsafeModel(f"the model file's {library} booster is damaged: {defect}")


def damaged_by(library: str, error: Exception) -> UnsafeModel:
    """Return the error about a booster whose reader failed with another error.

    >>> str(damaged_by("XGBoost", KeyError("learner")))
    "the model file's XGBoost booster is damaged: KeyError: 'learner'"
    """
    kind = type(error).__name__
    reason = str(error)[:_MAX_REASON_LENGTH]
    return damaged(library, f"{kind}: {reason}")
