"""How well a single column predicts the target: recall of classes, or explained variance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from automl.arrays import Bools, Floats, Rows
from automl.cleaning.groups import compact_codes
from automl.columns import Categories, Column, Numbers, Texts

Shape = tuple[int, int]

N_LEAK_FOLDS = 5
MIN_CLASS_ROWS = 10
MAX_CODES = 2_000  # different values by which a target is predicted
MAX_VALUES = 20  # that may be words for the target,
MAX_VALUES_PER_CLASS = 3  # and further ones for each class
MAX_RANGES = 100  # of a number
MIN_RANGE_ROWS = 20
# Rows that lie in the middle half between the medians of two classes; of a normal column whose
# threshold defines the classes, a quarter does.
MAX_MIDWAY_SHARE = 0.1
MAX_MISSING_SHARE = 0.1  # of a number's cells, to search for its threshold
MIN_TELLING_AREA = 0.995  # under the curve of one number alone
MIN_EXPLAINED_ROWS = 60
MIN_FILLED_SHARE = 0.1
MAX_STEPS = 200  # values of a column that stand for a number
MIN_STEP_ROWS = 20  # of each such value, on average
SMOOTHED_NOISE = 1.5  # variance of a value less the mean of two others, over the variance of one


@dataclass(frozen=True)
class SampledTarget:
    """The target of the rows that are examined.

    Parameters
    ----------
    y : ndarray of shape (n_rows,), float64
        Class codes, or values.
    ranks : ndarray of shape (n_rows,), float64
        From 0 to 1.
    class_counts : ndarray of shape (n_classes,), int64
        Empty for a regression.
    is_regression : bool
    """

    y: Floats
    ranks: Floats
    class_counts: Rows
    is_regression: bool

    @classmethod
    def of(cls, y: Floats, is_regression: bool) -> SampledTarget:
        """Rank a target and count its classes."""
        ranks = scaled_ranks(y)
        classes = y[:0] if is_regression else y
        counts = np.bincount(classes.astype(np.int64))
        return cls(y, ranks, counts, is_regression)

    @property
    def n_classes(self) -> int:
        """Number of classes; 0 for a regression."""
        return len(self.class_counts)

    @property
    def classes(self) -> Rows:
        """The class code of each row."""
        return self.y.astype(np.int64)


def scaled_ranks(values: Floats) -> Floats:
    """Return mean ranks from 0 to 1: equal values share one."""
    codes = compact_codes(values)
    counts = np.bincount(codes)
    ends = np.cumsum(counts)
    middles = ends - (counts + 1) / 2
    last_rank = max(1, len(values) - 1)
    scaled: Floats = middles / last_rank
    return scaled[codes]


def filled_cells(column: Column) -> Bools:
    """Return which cells are not missing."""
    if isinstance(column, Numbers):
        return ~np.isnan(column.values)
    if isinstance(column, Categories):
        return column.codes >= 0
    lengths = np.diff(column.offsets)
    return lengths > 0


def value_codes(column: Column) -> Rows:
    """Return codes of a column's values, -1 where missing."""
    if isinstance(column, Categories):
        return column.codes.astype(np.int64)
    is_filled = filled_cells(column)
    if isinstance(column, Texts):
        texts = list(column)
        codes = compact_codes(np.array(texts, dtype=object))
        codes[~is_filled] = -1
        return codes
    known = column.values[is_filled]
    known_codes = compact_codes(known)
    codes = np.full_like(is_filled, -1, np.int64)
    codes[is_filled] = known_codes
    return codes


# ------------------------------------------------------------ classes


def recall(column: Column, target: SampledTarget) -> float:
    """Return the mean recall of the classes by a column alone.

    They are predicted by its values, and if it is a number, by ranges and by a threshold, too.
    """
    codes = value_codes(column)
    by_values = 0.0
    if _has_few_values(codes, target):
        by_values = _recall_by_codes(codes, target)
    if not isinstance(column, Numbers):
        return by_values
    values = column.values
    if not _lies_apart(values, target):
        return by_values
    ranges = _range_codes(values)
    by_ranges = _recall_by_codes(ranges, target)
    by_threshold = _telling_area(values, target)
    return max(by_values, by_ranges, by_threshold)


def _has_few_values(codes: Rows, target: SampledTarget) -> bool:
    """Return whether values may be words for the target.

    A key of entities that keep their target has more values.
    """
    max_values = MAX_VALUES + MAX_VALUES_PER_CLASS * target.n_classes
    largest = int(codes.max())
    return largest < max_values


def _recall_by_codes(codes: Rows, target: SampledTarget) -> float:
    """Return the mean recall where rows are predicted by the other folds' rows of equal code."""
    codes = codes + 1
    n_codes = int(codes.max()) + 1
    n_classes = target.n_classes
    if n_classes < 2 or not 2 <= n_codes <= MAX_CODES:
        return 0.0
    y = target.classes
    counts = target.class_counts
    flat = codes * n_classes + y
    shape = (n_codes, n_classes)
    total = _count(flat, shape)
    weights = 1 / np.maximum(1, counts)
    ties = 1e-9 * counts
    folds = np.arange(len(y)) % N_LEAK_FOLDS
    predicted = np.zeros_like(y)
    for fold in range(N_LEAK_FOLDS):
        held = folds == fold
        train = total - _count(flat[held], shape)
        scores = train * weights + ties
        likeliest = scores.argmax(axis=1)
        predicted[held] = likeliest[codes[held]]
    is_right = predicted == y
    hits = y[is_right]
    n_hits = np.bincount(hits, minlength=n_classes)
    is_frequent = counts >= MIN_CLASS_ROWS
    if is_frequent.sum() < 2:
        return 0.0
    recalls = n_hits[is_frequent] / counts[is_frequent]
    return float(recalls.mean())


def _count(flat: Rows, shape: Shape) -> Rows:
    n_cells = math.prod(shape)
    counts = np.bincount(flat, minlength=n_cells)
    return counts.reshape(shape)


def _lies_apart(values: Floats, target: SampledTarget) -> bool:
    """Return whether few rows lie midway between two classes.

    So they do in a column that is made after the target, but not in a number whose threshold
    defines the target.
    """
    if target.n_classes != 2:
        return True
    is_known = ~np.isnan(values)
    known = values[is_known]
    classes = target.y[is_known]
    negative = known[classes == 0]
    positive = known[classes == 1]
    n_fewer = min(len(negative), len(positive))
    if n_fewer < MIN_CLASS_ROWS:
        return False
    if _has_main_value(negative) or _has_main_value(positive):
        return True  # as an amount that only the other class has
    medians = [float(np.median(negative)), float(np.median(positive))]
    lower, upper = sorted(medians)
    quarter = (upper - lower) / 4
    is_above = known > lower + quarter
    is_below = known < upper - quarter
    is_midway = is_above & is_below
    return bool(is_midway.mean() <= MAX_MIDWAY_SHARE)


def _has_main_value(values: Floats) -> bool:
    """Return whether more than half of the values are equal."""
    _, counts = np.unique(values, return_counts=True)
    return bool(counts.max() > len(values) / 2)


def _telling_area(values: Floats, target: SampledTarget) -> float:
    """Return the area under the curve of a number that separates two classes; 0 if not nearly 1."""
    if target.n_classes != 2:
        return 0.0
    if target.class_counts.min() < MIN_CLASS_ROWS:
        return 0.0
    missing_share = np.isnan(values).mean()
    if missing_share > MAX_MISSING_SHARE:
        return 0.0
    median = float(np.nanmedian(values))
    filled = np.nan_to_num(values, nan=median)
    ranks = scaled_ranks(filled)
    positive = ranks[target.y == 1].mean()
    negative = ranks[target.y == 0].mean()
    difference = abs(float(positive - negative))
    n_rows = len(ranks)
    area = 0.5 + difference * (n_rows - 1) / n_rows
    return area if area >= MIN_TELLING_AREA else 0.0


def _range_codes(values: Floats) -> Rows:
    """Return codes of ranges with about equally many rows, -1 where missing."""
    is_missing = np.isnan(values)
    known = values[~is_missing]
    if not len(known):
        return np.full_like(is_missing, -1, np.int64)
    n_full = len(known) // MIN_RANGE_ROWS
    n_ranges = max(2, min(MAX_RANGES, n_full))
    levels = np.linspace(0, 1, n_ranges + 1)
    starts = np.quantile(known, levels[:-1])
    is_repeated = np.diff(starts) == 0
    frequent = starts[1:][is_repeated]  # values of many rows are ranges of their own
    after_frequent = np.nextafter(frequent, np.inf)
    starts = np.concatenate([starts, frequent, after_frequent])
    starts = np.unique(starts)
    ranks = np.searchsorted(starts, values, side="right")
    codes = ranks - 1
    codes[is_missing] = -1
    return codes


# ------------------------------------------------------------ numbers


@dataclass(frozen=True)
class ExplainedVariance:
    """The parts of the variance of a target's ranks, and of its values, that a column explains."""

    of_ranks: float = 0.0
    of_values: float = 0.0


def explained_variance(column: Column, target: SampledTarget) -> ExplainedVariance:
    """Return how much of a regression target a column explains where it is filled."""
    is_filled = filled_cells(column)
    rows = np.flatnonzero(is_filled)
    min_rows = MIN_FILLED_SHARE * len(is_filled)
    n_rows = len(rows)
    if n_rows < max(MIN_EXPLAINED_ROWS, min_rows):
        return ExplainedVariance()
    codes = value_codes(column)[rows]
    n_codes = int(codes.max()) + 1
    if n_codes <= min(MAX_STEPS, n_rows / MIN_STEP_ROWS):
        of_ranks = _explained_by_means(codes, target.ranks[rows])
        of_values = _explained_by_means(codes, target.y[rows])
        return ExplainedVariance(of_ranks, of_values)
    if not isinstance(column, Numbers):
        return ExplainedVariance()
    if n_codes < MIN_EXPLAINED_ROWS:
        return ExplainedVariance()
    # One row of each value is enough: a key has the same value in all rows of an entity.
    values = column.values[rows]
    _, first = np.unique(values, return_index=True)
    order = rows[first]
    of_ranks = _explained_by_neighbours(target.ranks[order])
    of_values = _explained_by_neighbours(target.y[order])
    return ExplainedVariance(of_ranks, of_values)


def _explained_by_neighbours(values: Floats) -> float:
    """Return the part of the variance that the mean of both neighbours explains."""
    variance = float(values.var())
    if variance <= 0:
        return 0.0
    neighbours = values[:-2] + values[2:]
    differences = values[1:-1] - neighbours / 2
    squares = differences**2
    error = float(squares.mean())
    return 1 - error / SMOOTHED_NOISE / variance


def _explained_by_means(codes: Rows, values: Floats) -> float:
    """Return the part of the variance that the other folds' means by code explain."""
    variance = float(values.var())
    n_codes = int(codes.max()) + 1
    if variance <= 0 or not 2 <= n_codes <= MAX_CODES:
        return 0.0
    sums = np.bincount(codes, values, n_codes)
    counts = np.bincount(codes, minlength=n_codes)
    mean = values.mean()
    folds = np.arange(len(values)) % N_LEAK_FOLDS
    error = 0.0
    for fold in range(N_LEAK_FOLDS):
        held = folds == fold
        held_codes = codes[held]
        held_values = values[held]
        held_sums = np.bincount(held_codes, held_values, n_codes)
        held_counts = np.bincount(held_codes, minlength=n_codes)
        train_sums = sums - held_sums
        train_counts = counts - held_counts
        means = (train_sums + mean) / (train_counts + 1)
        predicted = means[held_codes]
        squares = (held_values - predicted) ** 2
        error += float(squares.sum())
    return 1 - error / len(values) / variance
