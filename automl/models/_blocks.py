"""Predictions in blocks of a fixed number of rows, and checked access to the arrays of a state.

BLAS gives other last bits for other shapes (measured: in 241 of 300 rows), and a row's prediction
must not depend on the other rows of its table. So products are computed in blocks of one size,
the last one padded with zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.errors import InputError, UnsafeModel
from automl.models._base import Floats, Integers, Matrix
from automl.state import State

BLOCK_ROWS = 256
_MAX_MAGNITUDE = np.float32(1e15)


def map_blocks(function: Callable[[Any], Any], X: Matrix, block_rows: int = BLOCK_ROWS) -> Floats:
    """Apply a function to each block of rows and concatenate the results.

    Parameters
    ----------
    function : callable
        Takes an array of shape (block_rows, n_features) and returns one of `block_rows` rows.
    X : ndarray of shape (n_rows, n_features)

    Examples
    --------
    >>> ones = np.ones((3, 2), np.float32)
    >>> map_blocks(lambda block: block.sum(axis=1), ones, block_rows=2).tolist()
    [2.0, 2.0, 2.0]
    """
    results = []
    block = np.zeros((block_rows, X.shape[1]), X.dtype)
    for start in range(0, max(1, len(X)), block_rows):
        rows = X[start : start + block_rows]
        block[: len(rows)] = rows
        block[len(rows) :] = 0
        result = np.array(function(block), np.float64)
        results.append(result[: len(rows)])
    return np.concatenate(results)


def fill_missing(X: Matrix) -> Matrix:
    """Return rows in C order with missing values as 0 and magnitudes whose squares stay finite.

    Where recipes standardise, 0 is the mean.
    """
    known = np.nan_to_num(X, nan=0.0)
    clipped = np.clip(known, -_MAX_MAGNITUDE, _MAX_MAGNITUDE)
    return np.ascontiguousarray(clipped, np.float32)


def clip_infinite(X: Matrix) -> Matrix:
    """Return rows in C order with infinite values as the largest numbers; NaN stays."""
    largest = np.finfo(np.float32).max
    return np.ascontiguousarray(np.clip(X, -largest, largest), np.float32)


def check_width(X: Matrix, features: int) -> None:
    """Refuse rows that do not have as many columns as the model was trained on."""
    if X.ndim != 2 or X.shape[1] != features:
        raise InputError(f"the model takes {features} columns, and the rows have shape {X.shape}.")


def read_array(
    state: State, name: str, dtype: npt.DTypeLike, ndim: int, *, infinite: bool = False
) -> npt.NDArray[Any]:
    """Return an array of a state after checking its dtype, dimensions and values.

    Parameters
    ----------
    infinite : bool
        Whether infinite values are allowed. NaN never is.

    Raises
    ------
    UnsafeModel
        The array is missing or different.
    """
    array = state.get(name)
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype) or array.ndim != ndim:
        raise UnsafeModel(
            f"the model file's {name!r} is not an array of {np.dtype(dtype)} with {ndim} dimensions"
        )
    if array.dtype.kind == "f":
        is_bad = np.isnan(array) if infinite else ~np.isfinite(array)
        if is_bad.any():
            raise UnsafeModel(f"the model file's {name!r} holds values that are not finite")
    return np.ascontiguousarray(array)


def is_outside(values: Integers, limit: Any) -> bool:
    """Return whether a value is not in 0..limit-1."""
    return bool(((values < 0) | (values >= limit)).any())


def read_state(state: State, name: str) -> State:
    """Return the state of a part, or raise `UnsafeModel`."""
    value = state.get(name)
    if not isinstance(value, dict):
        raise UnsafeModel(f"the model file's {name!r} is missing")
    return value


def read_bytes(state: State, name: str) -> bytes:
    """Return bytes of a state, or raise `UnsafeModel`."""
    value = state.get(name)
    if not isinstance(value, bytes) or not value:
        raise UnsafeModel(f"the model file's {name!r} is missing or empty")
    return value


def read_integer(state: State, name: str, minimum: int = 0) -> int:
    """Return an integer of a state that is not below a minimum, or raise `UnsafeModel`."""
    value = state.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
        raise UnsafeModel(
            f"the model file's {name!r} is not a whole number of {minimum} or more: {value!r}"
        )
    return value
