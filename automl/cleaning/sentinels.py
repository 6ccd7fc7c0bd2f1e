"""Numbers such as -999 that stand for a missing value."""

from __future__ import annotations

import numpy as np

from automl.columns import Floats

CANDIDATES = (-99999.0, -9999.0, -999.0, -99.0, 999.0, 9999.0)
_FEWEST = 3
_SHARE = 0.002


def sentinels(values: Floats) -> tuple[float, ...]:
    """Those of the usual sentinels that are frequent and lie far outside of what the other values span.

    Far is more than the whole span of the others below or above them; a negative one among values that are never negative is
    far already.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
        NaN where missing.

    Examples
    --------
    >>> sentinels(np.array([20.0, 30, 25, -999, 31, -999, 22, -999])), sentinels(np.array([900.0, 999, 999, 999, 1100]))
    ((-999.0,), ())
    """
    present = values[~np.isnan(values)]
    fewest = max(_FEWEST, _SHARE * len(present))
    found = [value for value in CANDIDATES if (present == value).sum() >= fewest]
    if not found:
        return ()
    others = present[~np.isin(present, found)]
    if len(np.unique(others)) < 2:
        return ()
    low, high = float(others.min()), float(others.max())
    return tuple(value for value in found if _far(value, low, high))


def _far(value: float, low: float, high: float) -> bool:
    span = high - low
    if value < low:
        return low - value > span or low >= 0
    return value - high > span
