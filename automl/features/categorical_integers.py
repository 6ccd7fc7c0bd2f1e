"""Whole numbers that stand for something (a department, a place) and are no amounts: their order tells less than they do themselves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from automl.columns import Columns, Floats
from automl.features._base import numbers_of
from automl.features.target import Places, Targets, cross_fit

FEWEST, MOST = 25, 50_000  # different values; fewer are easily told apart by their order
REPEATS = 3.0  # rows for each different value, on average
BINS = (192, 96, 48, 24, 12, 8)  # of neighbouring values that are taken together
GAIN, ROWS = (
    0.003,
    10.0,
)  # part of the target's variance that they have to explain more; of few rows, so many rows' part
TIMES = 1.1  # what bins explain


def coded(columns: Columns, targets: Targets) -> tuple[str, ...]:
    """Number columns that are codes.

    Each value's own mean of the target, learnt from other rows, explains more of the target than means over neighbouring values do,
    however many of them are taken together.

    Parameters
    ----------
    columns : Columns
    targets : Targets
        The rows, what is predicted there, and inner folds.
    """
    return tuple(
        name
        for name in columns.names("number")
        if _is_coded(numbers_of(columns[name], name)[targets.rows], targets)
    )


def _repeated(values: Floats) -> Floats | None:
    """The different values, if they are whole, many, and stand several times each."""
    present = values[~np.isnan(values)]
    if not len(present) or (present != np.floor(present)).any() or np.abs(present).max() > 2**53:
        return None
    seen = np.unique(present)
    return seen if FEWEST <= len(seen) <= min(MOST, len(present) / REPEATS) else None


def _is_coded(values: Floats, targets: Targets) -> bool:
    seen = _repeated(values)
    if seen is None:
        return False
    rows = np.flatnonzero(~np.isnan(values))
    places, known = (
        np.searchsorted(seen, values[rows]),
        replace(targets, values=targets.values[rows], folds=targets.folds[rows]),
    )
    own, least = explained(places, len(seen), known), max(GAIN, ROWS / len(rows))
    if own < least:
        return False
    together = (
        explained(bins[places], len(seen), known)
        for bins in _bins(np.bincount(places, minlength=len(seen)))
    )
    return all(own > least + TIMES * explained for explained in together)


def _bins(counts: Places) -> Iterator[Places]:
    """Bins of neighbouring values, at least two in each on average: with equally many rows or with equally many values."""
    n_values, before = len(counts), np.cumsum(counts) - counts
    for n_bins in BINS:
        if 2 * n_bins <= n_values:
            yield before * n_bins // counts.sum()
            yield np.arange(n_values) * n_bins // n_values


def explained(codes: Places, n_levels: int, targets: Targets) -> float:
    """The part of the target's variance that means by these codes explain, learnt from other folds."""
    means = np.column_stack(
        [cross_fit(codes, y, targets.folds, n_levels)[1] for y in targets.values.T]
    )
    whole = float(((targets.values - targets.values.mean(axis=0)) ** 2).sum())
    return 1.0 - float(((targets.values - means) ** 2).sum()) / whole if whole > 0 else 0.0
