"""`cv=`: a number, a splitter of scikit-learn, or pairs of row numbers, as the folds of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.errors import InputError, one_line
from automl.estimator.rows import Array, Rows, is_missing
from automl.folds import Folds, from_splits

Positions = npt.NDArray[np.int64]

MOST_SPLITS = 100  # each is a fit of every candidate
FEWEST_FOLDS = 2


def number_of_folds(cv: Any) -> int | None:
    """The number of folds that `cv` asks for; None if it is no number.

    Raises
    ------
    InputError
        It is a number that can't be.
    """
    if not isinstance(cv, (int, np.integer)) or isinstance(cv, bool):
        return None
    if not FEWEST_FOLDS <= cv <= MOST_SPLITS:
        raise InputError(f"cv={cv}: give from {FEWEST_FOLDS} to {MOST_SPLITS} folds.")
    return int(cv)


def is_splitter(cv: Any) -> bool:
    """Whether `cv` has scikit-learn's `split`; text has one, too."""
    return hasattr(cv, "split") and not isinstance(cv, str)


def folds_of_pairs(cv: Any, n_rows: int) -> Folds:
    """The folds of (train, test) pairs of positions in the table."""
    if isinstance(cv, (str, bytes, dict)) or not isinstance(cv, Iterable):
        raise InputError(
            f"cv={cv!r}: give a number of folds, a splitter of scikit-learn, or pairs of row numbers (train, test)."
        )
    return _folds(list(cv), np.arange(n_rows), n_rows)


def folds_of_splitter(cv: Any, X: Any, rows: Rows) -> Folds:
    """The folds that a splitter makes of the rows that have a target."""
    kept = np.flatnonzero(~is_missing(rows.y))
    frame = (
        X if isinstance(X, pd.DataFrame) and len(X) == rows.table.n_rows else rows.table.to_frame()
    )
    groups = rows.grouping()
    try:
        splits = list(
            cv.split(frame.iloc[kept], rows.y[kept], None if groups is None else groups[kept])
        )
    except (ValueError, TypeError) as error:
        raise InputError(f"cv={cv!r}: {one_line(error)}.") from error
    return _folds(splits, kept, rows.table.n_rows)


def _folds(splits: Sequence[Any], kept: Positions, n_rows: int) -> Folds:
    """The folds of splits of the rows `kept`, of which the table has `n_rows`."""
    if not 0 < len(splits) <= MOST_SPLITS:
        raise InputError(f"cv: there are {len(splits)} splits. Give from 1 to {MOST_SPLITS}.")
    return from_splits([_split(split, nth, kept) for nth, split in enumerate(splits, 1)], n_rows)


def _split(split: Any, nth: int, kept: Positions) -> tuple[Positions, Positions]:
    """One split's rows to train on and to hold out, checked."""
    if not isinstance(split, (tuple, list)) or len(split) != 2:
        raise InputError(
            f"cv: split {nth} is {one_line(repr(split))[:80]}, no pair of row numbers (train, test)."
        )
    train, held = (_positions(rows, nth, kept) for rows in split)
    if not len(train) or not len(held):
        raise InputError(
            f"cv: split {nth} has no row to {'hold out' if len(train) else 'train on'}."
        )
    if len(both := np.intersect1d(train, held)):
        raise InputError(f"cv: split {nth} trains on row {both[0]} and holds it out, too.")
    return train, held


def _positions(rows: Any, nth: int, kept: Positions) -> Positions:
    """Row numbers, or a truth value a row, as row numbers of the table."""
    array: Array = np.asarray(rows)
    if array.dtype == bool and array.shape == kept.shape:
        return kept[array]
    if array.size == 0:
        return np.empty(0, np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise InputError(
            f"cv: split {nth} holds {array.dtype} of shape {array.shape}, no row numbers."
        )
    if array.min() < 0 or array.max() >= len(kept):
        wrong = array[(array < 0) | (array >= len(kept))][0]
        raise InputError(f"cv: split {nth} names row {wrong}; the rows are 0 to {len(kept) - 1}.")
    return kept[array]
