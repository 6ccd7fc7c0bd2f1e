"""Numbers such as -999 that stand for a missing value."""

from __future__ import annotations

import numpy as np

from automl.arrays import Floats

CANDIDATES = (-99999.0, -9999.0, -999.0, -99.0, 999.0, 9999.0)
_MIN_CELLS = 3
_MIN_CELLS_SHARE = 0.002


def find_sentinels(values: Floats) -> tuple[float, ...]:
    """Return the usual sentinels that are frequent and far outside the range of other values.

    Far means farther below or above the others than their whole range; a negative value among
    values that are never negative is far, too.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
        NaN where missing.

    Examples
    --------
    >>> find_sentinels(np.array([20.0, 30, 25, -999, 31, -999, 22, -999]))
    (-999.0,)
    >>> find_sentinels(np.array([900.0, 999, 999, 999, 1100]))
    ()
    """
    present = values[~np.isnan(values)]
    min_cells = max(_MIN_CELLS, _MIN_CELLS_SHARE * len(present))
    frequent = []
    for value in CANDIDATES:
        n_cells = np.count_nonzero(present == value)
        if n_cells >= min_cells:
            frequent.append(value)
    if not frequent:
        return ()
    is_frequent = np.isin(present, frequent)
    others = present[~is_frequent]
    distinct = np.unique(others)
    if len(distinct) < 2:
        return ()
    low = float(others.min())
    high = float(others.max())
    return tuple(value for value in frequent if _is_far(value, low, high))


def _is_far(value: float, low: float, high: float) -> bool:
    span = high - low
    if value >= low:
        return value - high > span
    if low >= 0:
        return True
    return low - value > span
