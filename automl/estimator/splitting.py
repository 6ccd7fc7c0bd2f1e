"""Convert `cv` to the folds of a run: a number, a splitter of scikit-learn, or pairs of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from automl.arrays import Array
from automl.errors import InputError, one_line
from automl.estimator.rows import Positions, Rows, is_missing
from automl.folds import Folds, folds_from_splits

MAX_SPLITS = 100  # each is a fit of every candidate
MIN_FOLDS = 2


def number_of_folds(cv: Any) -> int | None:
    """Return the number of folds if `cv` is a number, otherwise None.

    Raises
    ------
    InputError
        The number is too small or too large.
    """
    is_integer = isinstance(cv, (int, np.integer))
    if not is_integer or isinstance(cv, bool):
        return None
    if not MIN_FOLDS <= cv <= MAX_SPLITS:
        raise InputError(f"cv={cv}: give from {MIN_FOLDS} to {MAX_SPLITS} folds.")
    return int(cv)


def is_splitter(cv: Any) -> bool:
    """Whether `cv` has scikit-learn's method `split`; a string has one of its own."""
    return hasattr(cv, "split") and not isinstance(cv, str)


def has_pairs(cv: Any) -> bool:
    """Whether `cv` must be pairs of rows, since it is neither absent, a number nor a splitter."""
    if cv is None or number_of_folds(cv) is not None:
        return False
    return not is_splitter(cv)


def folds_of_pairs(cv: Any, n_rows: int) -> Folds:
    """Return the folds of (train, test) pairs of positions in the table."""
    is_iterable = isinstance(cv, Iterable)
    is_other = isinstance(cv, (str, bytes, dict))
    if not is_iterable or is_other:
        raise InputError(
            f"cv={cv!r}: give a number of folds, a splitter of scikit-learn, "
            "or pairs of row numbers (train, test)."
        )
    positions = np.arange(n_rows)
    return _folds(list(cv), positions, n_rows)


def folds_of_splitter(cv: Any, X: Any, rows: Rows) -> Folds:
    """Return the folds that a splitter makes of the rows with a target."""
    n_rows = rows.table.n_rows
    has_target = ~is_missing(rows.y)
    positions = np.flatnonzero(has_target)
    y = rows.y[positions]
    frame = X
    is_frame = isinstance(X, pd.DataFrame)
    if not is_frame or len(X) != n_rows:
        frame = rows.table.to_frame()
    frame = frame.iloc[positions]
    groups = rows.group_values()
    if groups is not None:
        groups = groups[positions]
    try:
        splits = cv.split(frame, y, groups)
        splits = list(splits)
    except (ValueError, TypeError) as error:
        raise InputError(f"cv={cv!r}: {one_line(error)}.") from error
    return _folds(splits, positions, n_rows)


def _folds(
    splits: Sequence[Any],
    positions: Positions,
    n_rows: int,
) -> Folds:
    """Return the folds of splits.

    Parameters
    ----------
    splits : sequence of (train, test)
        Indices of `positions`.
    positions : ndarray of shape (n_split_rows,)
        Positions of the split rows in the table.
    n_rows : int
        Number of rows of the table.
    """
    if not 0 < len(splits) <= MAX_SPLITS:
        raise InputError(f"cv: there are {len(splits)} splits. Give from 1 to {MAX_SPLITS}.")
    pairs = []
    for number, split in enumerate(splits, 1):
        pair = _split(split, number, positions)
        pairs.append(pair)
    return folds_from_splits(pairs, n_rows)


def _split(
    split: Any,
    number: int,
    positions: Positions,
) -> tuple[Positions, Positions]:
    """Check a split, and return its training and test rows as positions in the table."""
    is_sequence = isinstance(split, (tuple, list))
    if not is_sequence or len(split) != 2:
        shown = one_line(repr(split))[:80]
        raise InputError(f"cv: split {number} is {shown}, no pair of row numbers (train, test).")
    train = _positions(split[0], number, positions)
    test = _positions(split[1], number, positions)
    if not len(train):
        raise InputError(f"cv: split {number} has no row to train on.")
    if not len(test):
        raise InputError(f"cv: split {number} has no row to hold out.")
    common = np.intersect1d(train, test)
    if len(common):
        raise InputError(f"cv: split {number} trains on row {common[0]} and holds it out, too.")
    return train, test


def _positions(rows: Any, number: int, positions: Positions) -> Positions:
    """Convert row numbers, or a boolean for each row, to positions in the table."""
    array: Array = np.asarray(rows)
    is_mask = array.dtype == bool
    if is_mask and array.shape == positions.shape:
        return positions[array]
    if array.size == 0:
        return np.empty(0, np.int64)
    is_integer = array.dtype.kind in "iu"
    if array.ndim != 1 or not is_integer:
        raise InputError(
            f"cv: split {number} holds {array.dtype} of shape {array.shape}, no row numbers."
        )
    last = len(positions) - 1
    is_outside = (array < 0) | (array > last)
    outside = array[is_outside]
    if len(outside):
        row = outside[0]
        raise InputError(f"cv: split {number} names row {row}; the rows are 0 to {last}.")
    return positions[array]
