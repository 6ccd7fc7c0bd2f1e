"""Values in a model file, checked before they become part of a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from automl.errors import UnsafeModel

SavedState = Mapping[str, Any]


def saved_texts(values: Any) -> tuple[str, ...]:
    """Return a list of texts as a tuple.

    Raises
    ------
    UnsafeModel
        If it is something else.
    """
    is_list = isinstance(values, (list, tuple))
    if not is_list or not all(isinstance(value, str) for value in values):
        raise UnsafeModel("the model file holds something else where words are expected")
    return tuple(values)


def saved_sizes(values: Any) -> tuple[float, float] | None:
    """Return two numbers, the lower one first; None is left as it is.

    Raises
    ------
    UnsafeModel
        If they are not sorted.
    """
    if values is None:
        return None
    low, high = map(float, values)
    if not low <= high:
        raise UnsafeModel("the model file holds a column whose sizes do not increase")
    return low, high
