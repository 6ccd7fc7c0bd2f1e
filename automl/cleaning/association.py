"""Tests of whether a column is associated with the target: p-values of its order and groups."""

from __future__ import annotations

import math

import numpy as np

from automl.arrays import Floats, Rows

MIN_GROUP_ROWS = 5
_MAX_TESTED_CLASSES = 5
_N_BINS = 10  # of neighbouring values


def target_columns(y: Floats, n_classes: int) -> list[Floats]:
    """Return the target's ranks, or indicators of its most frequent classes.

    `n_classes` is 0 for a regression.
    """
    if not n_classes:
        return [mean_ranks(y)]
    labels = y.astype(np.int64)
    counts = np.bincount(labels, minlength=n_classes)
    by_frequency = np.argsort(-counts, kind="stable")
    n_tested = _MAX_TESTED_CLASSES if n_classes > 2 else 1
    indicators = []
    for label in by_frequency[:n_tested]:
        is_class = y == label
        indicators.append(is_class.astype(np.float64))
    return indicators


def mean_ranks(values: Floats) -> Floats:
    """Return ranks from 1 on; equal values share their mean."""
    _, codes = np.unique(values, return_inverse=True)
    counts = np.bincount(codes)
    ends = np.cumsum(counts)
    half_ties = (counts - 1) / 2
    ranks: Floats = ends - half_ties
    return ranks[codes]


def rank_bins(values: Floats) -> Rows:
    """Return bins of neighbouring values, with about equally many rows."""
    ranks = mean_ranks(values) - 1
    bins = ranks * _N_BINS // len(values)
    bins = np.minimum(bins, _N_BINS - 1)
    return bins.astype(np.int64)


def spearman_p_value(values: Floats, target: Floats) -> float:
    """Return the p-value of Spearman's correlation."""
    n_rows = len(values)
    if n_rows < 3:
        return 1.0
    ranks = mean_ranks(values)
    deviations = (ranks.std(), target.std())
    if 0 in deviations:
        return 1.0
    correlations = np.corrcoef(ranks, target)
    strength = abs(float(correlations[0, 1]))
    half_freedom = (n_rows - 1) / 2
    root = math.sqrt(half_freedom)
    return math.erfc(strength * root)


def kruskal_wallis_p_value(codes: Rows, target: Floats) -> float:
    """Return the p-value of Kruskal and Wallis' test that groups differ in the target."""
    counts = np.bincount(codes)
    is_large = counts >= MIN_GROUP_ROWS
    n_groups = int(is_large.sum())
    is_tested = is_large[codes]
    codes = codes[is_tested]
    target = target[is_tested]
    if n_groups < 2:
        return 1.0
    if target.std() == 0:
        return 1.0
    centred = target - target.mean()
    sums = np.bincount(codes, centred)
    sizes = np.bincount(codes)
    is_present = sizes > 0
    sums = sums[is_present]
    sizes = sizes[is_present]
    squares = sums**2 / sizes
    between = float(squares.sum())
    variance = float(target.var(ddof=1))
    return _chi_squared_p_value(between / variance, n_groups - 1)


def _chi_squared_p_value(value: float, freedom: int) -> float:
    """Return the probability of a larger chi squared (Wilson and Hilferty 1931)."""
    variance = 2 / (9 * freedom)
    mean = 1 - variance
    root = (value / freedom) ** (1 / 3)
    difference = root - mean
    deviation = math.sqrt(2 * variance)
    return 0.5 * math.erfc(difference / deviation)
