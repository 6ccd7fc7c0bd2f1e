"""Rows that are equal in all features get one number, so that folds can keep them together."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.columns import Categories, Column, Columns, Numbers, Rows

Hashes = npt.NDArray[np.uint64]

_PRIME = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


def duplicate_rows(columns: Columns) -> Rows:
    """A number a row; rows with identical values share it.

    Parameters
    ----------
    columns : Columns
        Missing values count as equal.

    Returns
    -------
    ndarray of shape (n_rows,), int64

    Examples
    --------
    >>> duplicate_rows(Columns({"a": Numbers(np.array([1.0, np.nan, 1.0, np.nan]))}, 4)).tolist()
    [0, 1, 0, 1]
    """
    total: Hashes = np.zeros(columns.n_rows, np.uint64)
    for name in columns.names():
        total = _mixed(total * _PRIME + _hashes(columns[name]))
    return np.asarray(pd.factorize(total)[0], np.int64)


def repeated(duplicates: Rows) -> int:
    """How many rows equal an earlier one, by the numbers of `duplicate_rows`.

    >>> repeated(np.array([0, 1, 0, 3]))
    1
    """
    return len(duplicates) - len(np.unique(duplicates))


def _hashes(column: Column) -> Hashes:
    if isinstance(column, Numbers):
        values = np.where(np.isnan(column.values), np.nan, column.values + 0.0)  # one NaN, one zero
        return _mixed(values.view(np.uint64))
    if isinstance(column, Categories):
        return _mixed(column.codes.astype(np.int64).view(np.uint64))
    return pd.util.hash_array(np.array(list(column), dtype=object), categorize=True)


def _mixed(values: Hashes) -> Hashes:
    with np.errstate(over="ignore"):
        mixed: Hashes = (values ^ (values >> _SHIFT)) * _PRIME
    return mixed ^ (mixed >> _SHIFT)
