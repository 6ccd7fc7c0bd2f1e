"""Columns that nearly give the target away alone: what may be known only after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from automl.columns import Categories, Column, Columns, Floats, Numbers, Rows, Texts
from automl.folds import GoOn, always, some

Bools = npt.NDArray[np.bool_]
LeakKind = Literal["values", "cells"]

MAX_ROWS = 20_000
MAX_CELLS = 10_000_000  # rows x columns
MAX_COLUMNS = 3_000
MIN_ROWS = 60  # of fewer, a strong feature may tell as much
MAX_MISSING = 0.1  # cells of a number whose cut is looked for
TELLING_RECALL = (
    0.96  # mean recall of the classes by one column alone; 0.944 is the most of 59 real tables
)
MAX_MIDWAY = 0.1  # of the rows lie in the middle half between two classes' medians; a quarter of a normal column's that was cut
TELLING_AREA = 0.995  # under the curve of one number alone
TELLING_R2 = 0.98  # of the target's ranks by one column alone; 0.961 is the most of 59 real tables
TELLING_VALUES_R2 = 0.9  # of its values: few large ones count more there
TELLING_SIDE = 0.995  # probability that a row with a filled cell has the greater target than one with an empty one
MIN_SIDE = 20  # rows with a filled cell, and with an empty one
PURE = 0.98  # of the rows with a filled (or an empty) cell are of one class
MAX_SHARE_ELSEWHERE = 0.6  # of the other rows may be of that class
MIN_CLASS_COVERED = {
    2: 0.15
}  # of the rows of that class; of one among many classes, half: a part may be of its own kind
MIN_ONE_OF_MANY_COVERED = 0.5
MIN_CLASS_ROWS = 10
MAX_BINS = 100  # ranges of a number
MIN_BIN_ROWS = 20
MAX_WORDS, WORDS_A_CLASS = 20, 3  # values that stand for classes
MAX_STEPS, MIN_STEP_ROWS = 200, 20  # values that stand for a number, and rows of each on average
MAX_LEVELS = 2_000
FOLDS = 5


@dataclass(frozen=True)
class Leak:
    """A column that nearly tells the target alone.

    Parameters
    ----------
    column : str
    kind : {"values", "cells"}
        By its values, or by which of its cells are filled.
    strength : float
        Mean recall, R² of ranks, or purity: 1 tells without error.
    side : {"", "filled", "empty"}
        Which cells tell it.
    label : int or None
        The class that those cells are of.
    """

    column: str
    kind: LeakKind
    strength: float
    side: Literal["", "filled", "empty"] = ""
    label: int | None = None


def find_leaks(
    columns: Columns, y: Floats, is_regression: bool, seed: int = 0, go_on: GoOn = always
) -> tuple[Leak, ...]:
    """Look at each column alone, and at which of its cells are filled.

    Parameters
    ----------
    columns : Columns
    y : ndarray of shape (n_rows,), float64
        Class codes, or the target's values.
    is_regression : bool
    seed : int
    go_on : callable
        Whether there is time for another column.

    Examples
    --------
    >>> y = np.arange(100.0) % 2
    >>> table = Columns({"status": Numbers(7 - 3 * y), "age": Numbers(np.arange(100.0) % 7)}, 100)
    >>> [leak.column for leak in find_leaks(table, y, is_regression=False)]
    ['status']
    """
    names = columns.names()[:MAX_COLUMNS]
    if columns.n_rows < MIN_ROWS or not names:
        return ()
    rows = some(len(y), max(1_000, min(MAX_ROWS, MAX_CELLS // len(names))), (seed, 0x1EA4))
    rows = np.random.default_rng((seed, 0x1EA4)).permutation(rows)  # rows in order are no evidence
    target = _Target.of(y[rows], is_regression)
    found = [_leak(name, columns[name].take(rows), target) for name in names if go_on()]
    return tuple(leak for leak in found if leak is not None)


@dataclass(frozen=True)
class _Target:
    """The target of the rows looked at: class codes, or values and their ranks."""

    y: Floats
    ranks: Floats
    counts: Rows
    is_regression: bool

    @classmethod
    def of(cls, y: Floats, is_regression: bool) -> _Target:
        counts = np.zeros(0, np.int64) if is_regression else np.bincount(y.astype(np.int64))
        return cls(y, _ranks(y), counts, is_regression)


def _ranks(values: Floats) -> Floats:
    """Mean ranks from 0 to 1: equal values share theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    middle: Floats = (ends - (counts + 1) / 2) / max(1, len(values) - 1)
    return middle[inverse]


def _leak(name: str, column: Column, target: _Target) -> Leak | None:
    """What a column tells, if it tells nearly all."""
    filled = filled_cells(column)
    if target.is_regression:
        strength, of_values = explained(column, filled, target)
        if strength >= TELLING_R2 and of_values >= TELLING_VALUES_R2:
            return Leak(name, "values", strength)
        return _one_side_of_numbers(name, filled, target)
    strength = recall(column, target)
    if strength >= TELLING_RECALL:
        return Leak(name, "values", strength)
    return _one_side_of_classes(name, filled, target)


def filled_cells(column: Column) -> Bools:
    """Which cells hold something."""
    if isinstance(column, Numbers):
        return ~np.isnan(column.values)
    if isinstance(column, Categories):
        return column.codes >= 0
    return np.diff(column.offsets) > 0


def recall(column: Column, target: _Target) -> float:
    """Find the mean recall of the classes by a column alone: by its values, or by ranges of a number."""
    codes = codes_of(column)
    found = _recall(codes, target) if _are_words(codes, len(target.counts)) else 0.0
    if not isinstance(column, Numbers) or not _lie_apart(column, target):
        return found
    return max(found, _recall(_ranges(column), target), _split(column, target))


def _lie_apart(column: Numbers, target: _Target) -> bool:
    """Whether few rows lie midway between two classes: what is made after the target does so, a target cut from a number does not."""
    if len(target.counts) != 2:
        return True
    sides = [column.values[(target.y == label) & ~np.isnan(column.values)] for label in (0, 1)]
    if min(map(len, sides)) < MIN_CLASS_ROWS:
        return False
    if any(np.unique(side, return_counts=True)[1].max() > len(side) / 2 for side in sides):
        return True  # one class has one value, as an amount that only the other one has
    first, second = sorted(float(np.median(side)) for side in sides)
    quarter = (second - first) / 4
    known = np.concatenate(sides)
    midway = (known > first + quarter) & (known < second - quarter)
    return bool(midway.mean() <= MAX_MIDWAY)


def _split(column: Numbers, target: _Target) -> float:
    """How well one cut of a number tells two classes apart: the area under the curve, where that is as good as all."""
    if (
        len(target.counts) != 2
        or np.isnan(column.values).mean() > MAX_MISSING
        or target.counts.min() < MIN_CLASS_ROWS
    ):
        return 0.0
    ranks = _ranks(np.nan_to_num(column.values, nan=float(np.nanmedian(column.values))))
    above = ranks[target.y == 1].mean() - ranks[target.y == 0].mean()
    area = 0.5 + abs(float(above)) * (len(ranks) - 1) / len(ranks)
    return area if area >= TELLING_AREA else 0.0


def _are_words(codes: Rows, n_classes: int) -> bool:
    """Whether there are as few values as words for the target, and not as many as keys of entities that keep theirs."""
    return int(codes.max()) < MAX_WORDS + WORDS_A_CLASS * n_classes


def codes_of(column: Column) -> Rows:
    """Codes of a column's values; -1 where missing."""
    if isinstance(column, Categories):
        return column.codes.astype(np.int64)
    if isinstance(column, Texts):
        words, codes = np.unique(np.array(list(column), dtype=object), return_inverse=True)
        return np.where(words[codes] == "", -1, codes).astype(np.int64)
    missing = np.isnan(column.values)
    _, codes = np.unique(column.values[~missing], return_inverse=True)
    whole = np.full(len(missing), -1, np.int64)
    whole[~missing] = codes
    return whole


def _ranges(column: Numbers) -> Rows:
    """Codes of ranges of a number with about equally many rows; -1 where missing."""
    missing = np.isnan(column.values)
    known = column.values[~missing]
    if not len(known):
        return np.full(len(missing), -1, np.int64)
    count = max(2, min(MAX_BINS, len(known) // MIN_BIN_ROWS))
    ends = np.quantile(known, np.linspace(0, 1, count + 1)[:-1])
    frequent = ends[1:][np.diff(ends) == 0]  # values of many rows are ranges of their own
    ends = np.unique(np.concatenate([ends, frequent, np.nextafter(frequent, np.inf)]))
    codes = np.searchsorted(ends, column.values, side="right") - 1
    return np.where(missing, -1, codes)


def _recall(codes: Rows, target: _Target) -> float:
    """Mean recall of the classes, each row predicted by the other folds' rows with its code."""
    y, n_classes = target.y.astype(np.int64), len(target.counts)
    codes = codes + 1
    n_codes = int(codes.max()) + 1
    if n_codes < 2 or n_codes > MAX_LEVELS or n_classes < 2:
        return 0.0
    folds = np.arange(len(y)) % FOLDS
    flat = codes * n_classes + y
    total = np.bincount(flat, minlength=n_codes * n_classes).reshape(n_codes, n_classes)
    weights = 1 / np.maximum(1, target.counts)
    right = np.zeros(len(y), np.bool_)
    for fold in range(FOLDS):
        held = folds == fold
        inside = np.bincount(flat[held], minlength=n_codes * n_classes).reshape(n_codes, n_classes)
        answer = ((total - inside) * weights + 1e-9 * target.counts).argmax(axis=1)
        right[held] = answer[codes[held]] == y[held]
    hits = np.bincount(y[right], minlength=n_classes)
    judged = target.counts >= MIN_CLASS_ROWS
    return float((hits[judged] / target.counts[judged]).mean()) if judged.sum() >= 2 else 0.0


def explained(column: Column, filled: Bools, target: _Target) -> tuple[float, float]:
    """Find the part of a number's ranks, and of its values, that a column explains where it is filled."""
    rows = np.flatnonzero(filled)
    if len(rows) < max(MIN_ROWS, 0.1 * len(filled)):
        return 0.0, 0.0
    codes = codes_of(column)[rows]
    n_codes = int(codes.max()) + 1
    if n_codes <= min(MAX_STEPS, len(rows) / MIN_STEP_ROWS):
        return _by_means(codes, target.ranks[rows]), _by_means(codes, target.y[rows])
    if not isinstance(column, Numbers) or n_codes < MIN_ROWS:
        return 0.0, 0.0
    order = rows[
        np.unique(column.values[rows], return_index=True)[1]
    ]  # one row of each value: a key has the same for all its rows
    return _smooth(target.ranks[order]), _smooth(target.y[order])


def _smooth(values: Floats) -> float:
    """The part of the variance that the mean of both neighbours explains."""
    variance = float(values.var())
    if variance <= 0:
        return 0.0
    apart = values[1:-1] - (values[:-2] + values[2:]) / 2
    return 1 - float((apart**2).mean()) / 1.5 / variance


def _by_means(codes: Rows, values: Floats) -> float:
    """The part of the variance that the means of the other folds by code explain."""
    variance = float(values.var())
    n_codes = int(codes.max()) + 1
    if variance <= 0 or n_codes < 2 or n_codes > MAX_LEVELS:
        return 0.0
    sums, counts = np.bincount(codes, values, n_codes), np.bincount(codes, minlength=n_codes)
    folds = np.arange(len(values)) % FOLDS
    error = 0.0
    for fold in range(FOLDS):
        held = folds == fold
        inside, many = (
            np.bincount(codes[held], values[held], n_codes),
            np.bincount(codes[held], minlength=n_codes),
        )
        means = (sums - inside + values.mean()) / (counts - many + 1)
        error += float(((values[held] - means[codes[held]]) ** 2).sum())
    return 1 - error / len(values) / variance


def _one_side_of_numbers(name: str, filled: Bools, target: _Target) -> Leak | None:
    """Whether nearly all rows with a filled cell have the greater, or the lesser, target."""
    n_filled, n_empty = int(filled.sum()), int((~filled).sum())
    if min(n_filled, n_empty) < max(MIN_SIDE, 0.02 * len(filled)):
        return None
    mean = float(target.ranks[filled].mean() - target.ranks[~filled].mean())
    above = 0.5 + mean * (len(filled) - 1) / len(filled)  # Mann-Whitney by mean ranks
    side = max(above, 1 - above)
    return (
        Leak(name, "cells", side, "filled" if above > 0.5 else "empty")
        if side >= TELLING_SIDE
        else None
    )


def _one_side_of_classes(name: str, filled: Bools, target: _Target) -> Leak | None:
    """Whether nearly all rows with a filled (or an empty) cell are of one class that is not frequent elsewhere."""
    y = target.y.astype(np.int64)
    n_classes = len(target.counts)
    sides: tuple[tuple[Literal["filled", "empty"], Bools], ...] = (
        ("filled", filled),
        ("empty", ~filled),
    )
    for side, chosen in sides:
        inside, outside = (
            np.bincount(y[chosen], minlength=n_classes),
            np.bincount(y[~chosen], minlength=n_classes),
        )
        if inside.sum() < MIN_SIDE or outside.sum() < MIN_SIDE:
            continue
        label = int(inside.argmax())
        is_pure = (inside[label] - 0.5) / inside.sum() >= PURE and outside[
            label
        ] / outside.sum() <= MAX_SHARE_ELSEWHERE
        is_part = (
            inside[label]
            >= MIN_CLASS_COVERED.get(n_classes, MIN_ONE_OF_MANY_COVERED) * target.counts[label]
        )
        if is_pure and is_part and _surprises(inside, target, label):
            return Leak(name, "cells", float(inside[label] / inside.sum()), side, label)
    return None


def _surprises(inside: Rows, target: _Target, label: int) -> bool:
    """Whether so many rows of one class are not drawn by chance once in a million times."""
    share = target.counts[label] / target.counts.sum()
    return bool(inside.sum() * math.log(max(share, 1e-12)) < math.log(1e-6))
