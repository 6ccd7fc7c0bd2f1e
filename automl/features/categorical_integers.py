"""Find whole numbers that name something, such as a department, instead of measuring an amount.

Their own values say more about the target than their order does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from automl.arrays import Floats, Integers
from automl.columns import Columns
from automl.features._base import Names, select_numbers
from automl.features.target import TargetColumns, cross_fit

MIN_DISTINCT_VALUES = 25  # trees tell fewer values apart easily by their order
MAX_DISTINCT_VALUES = 50_000
MIN_ROWS_PER_VALUE = 3.0  # on average
BIN_COUNTS = (192, 96, 48, 24, 12, 8)  # numbers of bins of neighbouring values that are tried
MIN_EXPLAINED_VARIANCE = 0.003  # part of the target's variance that the values must explain
MIN_ROWS_EXPLAINED_BY_CATEGORIES = 10.0  # ... and at least the part that this many of all rows are
MIN_RATIO_TO_BINS = 1.1  # the values must explain this many times as much as bins do
LARGEST_EXACT_INTEGER = 2**53  # of float64


def find_categorical_integers(columns: Columns, targets: TargetColumns) -> Names:
    """Find the number columns that are categorical integers.

    In such a column each value's own mean of the target, learnt from other rows, explains more of
    the target than means over neighbouring values do, however many neighbours share a bin.

    Parameters
    ----------
    columns : Columns
    targets : TargetColumns
        The rows, their target values, and inner folds.

    Returns
    -------
    tuple of str
        Names in the order of the columns.
    """
    is_categorical = partial(_is_categorical, targets=targets)
    return select_numbers(columns, targets.rows, is_categorical)


def are_integers(values: Floats) -> bool:
    """Return whether there are values, and all are whole numbers that float64 holds exactly.

    >>> are_integers(np.array([1.0, 2.0])), are_integers(np.array([0.5]))
    (True, False)
    """
    if not len(values):
        return False
    has_fraction = values != np.floor(values)
    if has_fraction.any():
        return False
    largest = np.abs(values).max()
    return bool(largest <= LARGEST_EXACT_INTEGER)


def _recurring_values(present: Floats) -> Floats | None:
    """Return the distinct values if they are whole, many, and recur several times each."""
    if not are_integers(present):
        return None
    distinct = np.unique(present)
    max_values = min(MAX_DISTINCT_VALUES, len(present) / MIN_ROWS_PER_VALUE)
    if not MIN_DISTINCT_VALUES <= len(distinct) <= max_values:
        return None
    return distinct


def _is_categorical(values: Floats, targets: TargetColumns) -> bool:
    rows = np.flatnonzero(~np.isnan(values))
    present = values[rows]
    distinct = _recurring_values(present)
    if distinct is None:
        return False
    known = targets.take(rows)
    codes = np.searchsorted(distinct, present)
    n_values = len(distinct)
    by_value = explained_variance(codes, n_values, known)
    minimum = max(MIN_EXPLAINED_VARIANCE, MIN_ROWS_EXPLAINED_BY_CATEGORIES / len(present))
    if by_value < minimum:
        return False
    for bins in _bins(np.bincount(codes, minlength=n_values)):
        by_bin = explained_variance(bins[codes], n_values, known)
        if by_value <= minimum + MIN_RATIO_TO_BINS * by_bin:
            return False
    return True


def _bins(counts: Integers) -> Iterator[Integers]:
    """Yield the bin of each value: bins with equally many rows, or with equally many values.

    A bin holds at least two values on average.
    """
    n_values = len(counts)
    rows_before = np.cumsum(counts) - counts
    for n_bins in BIN_COUNTS:
        if 2 * n_bins <= n_values:
            yield rows_before * n_bins // counts.sum()
            yield np.arange(n_values) * n_bins // n_values


def explained_variance(codes: Integers, n_levels: int, targets: TargetColumns) -> float:
    """Return the part of the target's variance that means by code explain.

    The means are learnt from other folds.
    """
    held_out = []
    for y in targets.values.T:
        _, crossed = cross_fit(codes, y, targets.folds, n_levels)
        held_out.append(crossed)
    means = np.column_stack(held_out)
    mean = targets.values.mean(axis=0)
    total = _sum_of_squares(targets.values - mean)
    if total <= 0:
        return 0.0
    residual = _sum_of_squares(targets.values - means)
    return 1.0 - residual / total


def _sum_of_squares(values: Floats) -> float:
    squares = values**2
    return float(squares.sum())
