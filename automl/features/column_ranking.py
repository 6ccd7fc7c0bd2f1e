"""Rank columns quickly by how much of the target each explains alone, on a sample of rows.

The ranking needs nothing but NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from automl.arrays import Floats, Integers, Rows
from automl.columns import Categories, Columns, Numbers
from automl.features.category import known_codes
from automl.features.target import TargetColumns
from automl.folds import sample_rows

MAX_RANKED_ROWS = 2_000
BLOCK_COLUMNS = 256  # numbers that are correlated at a time
MAX_DEVIATIONS = 4.0  # standard deviations to which farther values are clipped
MIN_DEVIATION = 1e-12  # of a column that varies, with the largest magnitude scaled to 1


def most_predictive_columns(
    columns: Columns, targets: TargetColumns, max_columns: int
) -> tuple[str, ...]:
    """Return the columns that explain most of the target alone, in the table's order.

    Parameters
    ----------
    columns : Columns
    targets : TargetColumns
        The rows to learn from, and their target values.
    max_columns : int
        Number of columns that are wanted; texts are ranked last.

    Examples
    --------
    >>> values = {"noise": Numbers(np.array([1.0, -1.0] * 10)), "signal": Numbers(np.arange(20.0))}
    >>> rows = np.arange(20)
    >>> targets = TargetColumns(rows, rows[:, None] * 2.0, ("mean",), rows % 5)
    >>> most_predictive_columns(Columns(values, 20), targets, 1)
    ('signal',)
    """
    names = columns.names()
    if len(names) <= max_columns:
        return names
    n_rows = len(targets.rows)
    sample = sample_rows(n_rows, MAX_RANKED_ROWS, n_rows)
    sampled = targets.take(sample)
    scores = linearly_explained_variance(columns, sampled.rows, sampled.values)

    def rank(name: str) -> float:
        return -scores.get(name, -1.0)

    ranked = sorted(names, key=rank)
    ranked = ranked[:max_columns]
    best = set(ranked)
    return tuple(name for name in names if name in best)


def linearly_explained_variance(
    columns: Columns, rows: Rows, target_values: Floats
) -> dict[str, float]:
    """Return the part of the target's variance that each number or category explains linearly.

    It is the largest part over the target's columns.
    """
    standardised = _standardise(target_values)
    scores: dict[str, float] = {}
    numbers = []
    for name, column in columns.by_name.items():
        if isinstance(column, Numbers):
            numbers.append(name)
        elif isinstance(column, Categories):
            missing_code = len(column.levels)
            codes = known_codes(column, name, missing_code)
            n_codes = missing_code + 1
            scores[name] = _explained_between_levels(codes[rows], n_codes, standardised)
    for start in range(0, len(numbers), BLOCK_COLUMNS):
        end = start + BLOCK_COLUMNS
        names = numbers[start:end]
        block = _number_block(columns, names, rows)
        squared = squared_correlations(block, standardised)
        score_list = squared.tolist()
        scores.update(zip(names, score_list, strict=True))
    return scores


def _standardise(values: Floats) -> Floats:
    """Return the columns with mean 0 and deviation 1, or 0 where a column is constant."""
    deviations = values.std(axis=0)
    means = values.mean(axis=0)
    centred = values - means
    divisors = _nonzero(deviations)
    standardised: Floats = centred / divisors
    return standardised


def _number_block(columns: Columns, names: Sequence[str], rows: Rows) -> Floats:
    """Return number columns as a matrix of shape (n_rows, n_columns)."""
    n_rows = len(rows)
    block = np.empty((n_rows, len(names)))
    for index, name in enumerate(names):
        column = columns[name]
        assert isinstance(column, Numbers)
        block[:, index] = column.values[rows]
    return block


def squared_correlations(block: Floats, centred: Floats) -> Floats:
    """Return the largest squared correlation of each column with a standardised target column.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_columns)
        NaN where missing, which counts as the mean; values farther than 4 deviations from the
        mean count as 4 deviations.
    centred : ndarray of shape (n_rows, n_outputs)
        The standardised target.

    Examples
    --------
    >>> squared_correlations(np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([[-1.0], [1.0]])).tolist()
    [1.0, 0.0]
    """
    is_finite = np.isfinite(block)
    counts = is_finite.sum(axis=0)
    counts = np.maximum(1, counts)
    filled = np.where(is_finite, block, 0.0)
    magnitudes = np.abs(filled)
    largest = magnitudes.max(axis=0)
    divisors = _nonzero(largest)
    filled = filled / divisors  # so that no square overflows
    totals = filled.sum(axis=0)
    means = totals / counts
    deviations = filled - means
    deviations = np.where(is_finite, deviations, 0.0)
    squares = deviations**2
    totals = squares.sum(axis=0)
    spreads = np.sqrt(totals / counts)
    divisors = _nonzero(spreads, MIN_DEVIATION)
    scaled = deviations / divisors
    scaled = np.clip(scaled, -MAX_DEVIATIONS, MAX_DEVIATIONS)
    squares = scaled**2
    norms = squares.sum(axis=0)
    norms = np.maximum(norms, MIN_DEVIATION)
    products = scaled.T @ centred
    squared_products = products**2
    best = squared_products.max(axis=1)
    n_rows = len(block)
    correlations = best / (norms * n_rows)
    correlations = np.minimum(1.0, correlations)
    varies = spreads > MIN_DEVIATION
    return np.where(varies, correlations, 0.0)


def _nonzero(values: Floats, minimum: float = 0.0) -> Floats:
    """Return the values as divisors, with 1 in place of those that are not above a minimum."""
    is_usable = values > minimum
    return np.where(is_usable, values, 1.0)


def _explained_between_levels(
    codes: Integers, n_levels: int, standardised_targets: Floats
) -> float:
    """Return the part of the target's variance between levels, less the part expected by chance."""
    n_rows = len(codes)
    counts = np.bincount(codes, minlength=n_levels)
    has_rows = counts > 0
    n_present = int(has_rows.sum())
    degrees_of_freedom = n_rows - n_present
    if degrees_of_freedom < 1:
        return 0.0
    parts = []
    for values in standardised_targets.T:
        sums = np.bincount(codes, values, n_levels)
        squared_sums = sums[has_rows] ** 2
        squares_between = squared_sums / counts[has_rows]
        between = float(squares_between.sum())
        squares = values**2
        total = float(squares.sum())
        within = total - between
        noise = within / degrees_of_freedom
        by_chance = (n_present - 1) * noise
        above_chance = between - by_chance
        parts.append(above_chance / n_rows)
    return max(parts)
