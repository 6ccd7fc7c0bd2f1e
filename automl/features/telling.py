"""Which columns tell most of the target by themselves: a quick ranking on a bounded sample of rows, in NumPy alone."""

from __future__ import annotations

import numpy as np

from automl.columns import Categories, Columns, Floats, Numbers, Rows
from automl.features.category import known_codes
from automl.features.target import Places, Targets
from automl.folds import some

RANKED_ROWS = 2_000  # rows that the ranking looks at
BLOCK_COLUMNS = 256  # numbers that are correlated at a time
FARTHEST = 4.0  # standard deviations: values beyond count as so far


def most_telling(columns: Columns, targets: Targets, most: int) -> tuple[str, ...]:
    """Rank columns by how much of the target each explains alone, and give the best ones in the table's order.

    Parameters
    ----------
    columns : Columns
    targets : Targets
        The rows to learn from, and what is predicted there.
    most : int
        How many columns are wanted; texts come last.

    Examples
    --------
    >>> values = {"noise": Numbers(np.array([1.0, -1.0] * 10)), "signal": Numbers(np.arange(20.0))}
    >>> rows = np.arange(20)
    >>> what = Targets(rows, rows[:, None] * 2.0, ("mean",), rows % 5)
    >>> most_telling(Columns(values, 20), what, 1)
    ('signal',)
    """
    names = columns.names()
    if len(names) <= most:
        return names
    picked = some(len(targets.rows), RANKED_ROWS, len(targets.rows))
    scores = explained(columns, targets.rows[picked], targets.values[picked])
    best = sorted(names, key=lambda name: -scores.get(name, -1.0))[:most]
    return tuple(name for name in names if name in set(best))


def explained(columns: Columns, rows: Rows, values: Floats) -> dict[str, float]:
    """The part of the target's variance that each number or category explains linearly, the largest over the target's columns."""
    spread = values.std(axis=0)
    centred = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    numbers = [name for name, column in columns.by_name.items() if isinstance(column, Numbers)]
    scores: dict[str, float] = {}
    for start in range(0, len(numbers), BLOCK_COLUMNS):
        block = numbers[start : start + BLOCK_COLUMNS]
        scores |= dict(
            zip(block, _squared_correlations(columns, block, rows, centred).tolist(), strict=True)
        )
    for name, column in columns.by_name.items():
        if isinstance(column, Categories):
            codes = known_codes(column, name, len(column.levels))[rows]
            scores[name] = _between(codes, len(column.levels) + 1, centred)
    return scores


def _squared_correlations(
    columns: Columns, names: list[str], rows: Rows, centred: Floats
) -> Floats:
    """The largest squared correlation of each number with a column of the target; missing values count as the mean."""
    block = np.empty((len(rows), len(names)))
    for place, name in enumerate(names):
        column = columns[name]
        assert isinstance(column, Numbers)
        block[:, place] = column.values[rows]
    return squared_correlations(block, centred)


def squared_correlations(block: Floats, centred: Floats) -> Floats:
    """The largest squared correlation of each column with a column of the standardised target.

    Parameters
    ----------
    block : ndarray of shape (n_rows, n_columns)
        NaN where missing, which counts as the mean; values far outside count as less far.
    centred : ndarray of shape (n_rows, n_outputs)

    Examples
    --------
    >>> squared_correlations(np.array([[1.0, 1.0], [2.0, 1.0]]), np.array([[-1.0], [1.0]])).tolist()
    [1.0, 0.0]
    """
    known = np.isfinite(block)
    count = np.maximum(1, known.sum(axis=0))
    filled = np.where(known, block, 0.0)
    largest = np.abs(filled).max(axis=0)
    filled = filled / np.where(largest > 0, largest, 1.0)  # no square overflows
    mean = filled.sum(axis=0) / count
    apart = np.where(known, filled - mean, 0.0)
    deviation = np.sqrt((apart**2).sum(axis=0) / count)
    varies = deviation > 1e-12
    scaled = np.clip(apart / np.where(varies, deviation, 1.0), -FARTHEST, FARTHEST)
    norm = (scaled**2).sum(axis=0)
    products = scaled.T @ centred
    found: Floats = (products**2).max(axis=1) / (np.maximum(norm, 1e-12) * len(block))
    return np.where(varies, np.minimum(1.0, found), 0.0)


def _between(codes: Places, n_levels: int, centred: Floats) -> float:
    """The part of the target's variance between levels, less what chance puts there."""
    counts = np.bincount(codes, minlength=n_levels)
    seen = counts > 0
    free = len(codes) - int(seen.sum())
    if free < 1:
        return 0.0
    parts = []
    for values in centred.T:
        sums = np.bincount(codes, values, n_levels)
        apart = float((sums[seen] ** 2 / counts[seen]).sum())
        noise = (float((values**2).sum()) - apart) / free
        parts.append((apart - (int(seen.sum()) - 1) * noise) / len(codes))
    return max(parts)
