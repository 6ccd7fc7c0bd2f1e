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

from automl.arrays import Floats, Matrix
from automl.errors import InputError, UnsafeModel
from automl.state import State

BlockFunction = Callable[[Any], Any]

# A single row costs as much as a block, and many rows 1.2 times as much as in blocks of 256.
BLOCK_ROWS = 32
MAX_MAGNITUDE = np.float32(1e15)


def map_blocks(function: BlockFunction, X: Matrix, block_rows: int = BLOCK_ROWS) -> Floats:
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
    n_rows, n_features = X.shape
    results = []
    shape = (block_rows, n_features)
    block = np.zeros(shape, X.dtype)
    starts = range(0, max(1, n_rows), block_rows)
    for start in starts:
        rows = X[start : start + block_rows]
        size = len(rows)
        block[:size] = rows
        block[size:] = 0
        output = function(block)
        result = np.array(output, np.float64)
        used = result[:size]
        results.append(used)
    return np.concatenate(results)


def fill_missing(X: Matrix) -> Matrix:
    """Return rows in C order with missing values as 0 and magnitudes whose squares stay finite.

    Where recipes standardise, 0 is the mean.
    """
    limit = MAX_MAGNITUDE
    known = np.nan_to_num(X, nan=0.0)
    clipped = np.clip(known, -limit, limit)
    return np.ascontiguousarray(clipped, np.float32)


def clip_infinite(X: Matrix) -> Matrix:
    """Return rows in C order with infinite values as the largest numbers; NaN stays."""
    largest = np.finfo(np.float32).max
    clipped = np.clip(X, -largest, largest)
    return np.ascontiguousarray(clipped, np.float32)


def check_width(X: Matrix, features: int) -> None:
    """Refuse rows that do not have as many columns as the model was trained on."""
    has_width = X.shape[1:] == (features,)
    if not has_width:
        raise InputError(f"the model takes {features} columns, and the rows have shape {X.shape}.")


def read_array(
    state: State,
    name: str,
    dtype: npt.DTypeLike,
    ndim: int,
    *,
    infinite: bool = False,
    missing: bool = False,
) -> npt.NDArray[Any]:
    """Return an array of a state after checking its dtype, dimensions and values.

    Parameters
    ----------
    infinite : bool
        Whether infinite values are allowed.
    missing : bool
        Whether NaN is.

    Raises
    ------
    UnsafeModel
        The array is missing or different.
    """
    expected = np.dtype(dtype)
    array = state.get(name)
    error = UnsafeModel(
        f"the model file's {name!r} is not an array of {expected} with {ndim} dimensions"
    )
    if not isinstance(array, np.ndarray):
        raise error
    if array.dtype != expected or array.ndim != ndim:
        raise error
    if expected.kind == "f":
        is_allowed = np.isfinite(array)
        if infinite:
            is_allowed |= np.isinf(array)
        if missing:
            is_allowed |= np.isnan(array)
        if not is_allowed.all():
            raise UnsafeModel(f"the model file's {name!r} holds values that are not finite")
    return np.ascontiguousarray(array)


def read_vector(
    state: State, name: str, dtype: npt.DTypeLike, *, infinite: bool = False
) -> npt.NDArray[Any]:
    """Return a one-dimensional array of a state, checked as by `read_array`."""
    return read_array(state, name, dtype, 1, infinite=infinite)


def is_outside(values: npt.NDArray[np.integer[Any]], limit: Any) -> bool:
    """Return whether a value is not in 0..limit-1."""
    is_inside = values >= 0
    is_inside &= values < limit
    return not is_inside.all()


def read_state(state: State, name: str) -> State:
    """Return the state of a part, or raise `UnsafeModel`."""
    value = state.get(name)
    if not isinstance(value, dict):
        raise UnsafeModel(f"the model file's {name!r} is missing")
    return value


def read_bytes(state: State, name: str) -> bytes:
    """Return bytes of a state, or raise `UnsafeModel`."""
    value = state.get(name)
    if isinstance(value, bytes) and value:
        return value
    raise UnsafeModel(f"the model file's {name!r} is missing or empty")


def read_integer(state: State, name: str, minimum: int = 0) -> int:
    """Return an integer of a state that is not below a minimum, or raise `UnsafeModel`."""
    value = state.get(name)
    error = UnsafeModel(
        f"the model file's {name!r} is not a whole number of {minimum} or more: {value!r}"
    )
    if type(value) is not int:
        raise error
    if value < minimum:
        raise error
    return value
