"""Blocks of a fixed number of rows, and what arrays of a state have to look like.

BLAS gives other last bits for other shapes (measured: in 241 of 300 rows), and a row's prediction must not depend on the rows
beside it. So products are taken in blocks of one size, the last one filled up with zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import InputError, UnsafeModel
from automl.models._base import Floats, Matrix

BLOCK = 256
_LARGE = np.float32(1e15)


def by_blocks(function: Callable[[Any], Any], X: Matrix, rows: int = BLOCK) -> Floats:
    """`function` of each block of `rows` rows, put together again.

    Parameters
    ----------
    function : callable
        Takes an array of shape (rows, n_features) and gives one of `rows` rows.
    X : ndarray of shape (n_rows, n_features)

    Examples
    --------
    >>> by_blocks(lambda block: block.sum(axis=1), np.ones((3, 2), np.float32), rows=2).tolist()
    [2.0, 2.0, 2.0]
    """
    parts = []
    block = np.zeros((rows, X.shape[1]), X.dtype)
    for start in range(0, max(1, len(X)), rows):
        some = X[start : start + rows]
        block[: len(some)] = some
        block[len(some) :] = 0
        parts.append(np.array(function(block), np.float64)[: len(some)])
    return np.concatenate(parts)


def filled(X: Matrix) -> Matrix:
    """Rows in C order with missing values as 0 (the mean, where recipes standardise), and nothing so large that squares overflow."""
    return np.ascontiguousarray(np.clip(np.nan_to_num(X, nan=0.0), -_LARGE, _LARGE), np.float32)


def bounded(X: Matrix) -> Matrix:
    """Rows in C order, infinite values as the largest numbers; missing ones stay missing."""
    most = np.finfo(np.float32).max
    return np.ascontiguousarray(np.clip(X, -most, most), np.float32)


def check_width(X: Matrix, features: int) -> None:
    """Refuse rows that do not have as many columns as the model was trained on."""
    if X.ndim != 2 or X.shape[1] != features:
        raise InputError(f"the model takes {features} columns, and the rows have shape {X.shape}.")


def array_of(
    state: Mapping[str, Any], name: str, dtype: npt.DTypeLike, ndim: int, *, infinite: bool = False
) -> npt.NDArray[Any]:
    """An array of a state, held to its type and number of dimensions, and to hold no NaN and, unless allowed, nothing infinite."""
    array = state.get(name)
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise UnsafeModel(
            f"the model file's {name!r} is not an array of {np.dtype(dtype)} with {ndim} dimensions"
        )
    if array.dtype.kind == "f" and (np.isnan(array) | (np.isinf(array) & (not infinite))).any():
        raise UnsafeModel(f"the model file's {name!r} holds values that are not finite")
    return np.ascontiguousarray(array)


def part_of(state: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The state of a part."""
    value = state.get(name)
    if not isinstance(value, Mapping):
        raise UnsafeModel(f"the model file's {name!r} is missing")
    return value


def bytes_of(state: Mapping[str, Any], name: str) -> bytes:
    """The bytes of a state."""
    value = state.get(name)
    if not isinstance(value, bytes) or not value:
        raise UnsafeModel(f"the model file's {name!r} is missing or empty")
    return value


def whole_of(state: Mapping[str, Any], name: str, least: int = 0) -> int:
    """A whole number of a state."""
    value = state.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise UnsafeModel(
            f"the model file's {name!r} is not a whole number of {least} or more: {value!r}"
        )
    return value
