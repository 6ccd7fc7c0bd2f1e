"""Leaks: columns that nearly give the target away alone, and may be known only after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from automl.arrays import Bools, Floats, Rows
from automl.cleaning.single_feature import SampledTarget, explained_variance, filled_cells, recall
from automl.columns import Column, Columns
from automl.folds import HasTime, sample_rows, unlimited

LeakKind = Literal["values", "cells"]
Side = Literal["", "filled", "empty"]

MAX_SAMPLED_ROWS = 20_000
MIN_SAMPLED_ROWS = 1_000
MAX_LEAK_CELLS = 10_000_000  # rows x columns
MAX_COLUMNS = 3_000
MIN_ROWS_FOR_LEAKS = 60  # of fewer, a strong feature may explain as much
# The highest mean recall of the classes by one column of 59 real tables is 0.944.
MIN_LEAK_RECALL = 0.96
MIN_LEAK_RANKS_R2 = 0.98  # of the target's ranks; the highest of 59 real tables is 0.961
MIN_LEAK_VALUES_R2 = 0.9  # of its values, of which a few large ones count more
# Probability that a row with a filled cell has the greater target than one with an empty cell.
MIN_LEAK_SUPERIORITY = 0.995
MIN_SIDE_ROWS = 20  # rows with a filled cell, and rows with an empty one
MIN_SIDE_SHARE = 0.02
MIN_PURITY = 0.98  # of the rows with a filled (or an empty) cell are of one class
MAX_SHARE_ELSEWHERE = 0.6  # of the other rows may be of that class
MIN_COVERED_SHARE = 0.15  # of the rows of that class, if there are two classes
MIN_COVERED_SHARE_OF_MANY = 0.5  # if there are more: a part of a class may be of its own kind
MAX_CHANCE = 1e-6  # that rows of one class are drawn by chance
_SEED = 0x1EA4


@dataclass(frozen=True)
class Leak:
    """A column that nearly gives the target away alone.

    Parameters
    ----------
    column : str
    kind : {"values", "cells"}
        By its values, or by which of its cells are filled.
    strength : float
        Mean recall, R² of ranks, or purity: 1 predicts without error.
    side : {"", "filled", "empty"}
        The cells that give it away.
    label : int or None
        The class of the rows with those cells.
    """

    column: str
    kind: LeakKind
    strength: float
    side: Side = ""
    label: int | None = None


def find_leaks(
    columns: Columns,
    y: Floats,
    is_regression: bool,
    seed: int = 0,
    has_time: HasTime = unlimited,
) -> tuple[Leak, ...]:
    """Find columns that predict the target alone, by their values or by which cells are filled.

    Parameters
    ----------
    columns : Columns
    y : ndarray of shape (n_rows,), float64
        Class codes, or the target's values.
    is_regression : bool
    seed : int
    has_time : callable
        Whether there is time for another column.

    Examples
    --------
    >>> from automl.columns import Numbers
    >>> y = np.arange(100.0) % 2
    >>> table = Columns({"status": Numbers(7 - 3 * y), "age": Numbers(np.arange(100.0) % 7)}, 100)
    >>> [leak.column for leak in find_leaks(table, y, is_regression=False)]
    ['status']
    """
    names = columns.names()[:MAX_COLUMNS]
    if columns.n_rows < MIN_ROWS_FOR_LEAKS or not names:
        return ()
    affordable = min(MAX_SAMPLED_ROWS, MAX_LEAK_CELLS // len(names))
    rows = sample_rows(len(y), max(MIN_SAMPLED_ROWS, affordable), (seed, _SEED))
    rng = np.random.default_rng((seed, _SEED))
    rows = rng.permutation(rows)  # the order of rows must not count as evidence
    target = SampledTarget.of(y[rows], is_regression)
    leaks = []
    for name in names:
        if not has_time():
            continue
        leak = _leak(name, columns[name].take(rows), target)
        if leak is not None:
            leaks.append(leak)
    return tuple(leaks)


def _leak(
    name: str,
    column: Column,
    target: SampledTarget,
) -> Leak | None:
    """Return how a column gives the target away; None if it does not."""
    if not target.is_regression:
        strength = recall(column, target)
        if strength >= MIN_LEAK_RECALL:
            return Leak(name, "values", strength)
        return _leak_of_one_class(name, filled_cells(column), target)
    explained = explained_variance(column, target)
    has_ranks = explained.of_ranks >= MIN_LEAK_RANKS_R2
    if has_ranks and explained.of_values >= MIN_LEAK_VALUES_R2:
        return Leak(name, "values", explained.of_ranks)
    return _leak_of_greater_values(name, filled_cells(column), target)


def _leak_of_greater_values(
    name: str,
    is_filled: Bools,
    target: SampledTarget,
) -> Leak | None:
    """Return a leak if nearly all rows with a filled cell have the greater, or lesser, target."""
    n_rows = len(is_filled)
    n_filled = int(is_filled.sum())
    n_fewer = min(n_filled, n_rows - n_filled)
    if n_fewer < max(MIN_SIDE_ROWS, MIN_SIDE_SHARE * n_rows):
        return None
    difference = target.ranks[is_filled].mean() - target.ranks[~is_filled].mean()
    superiority = 0.5 + float(difference) * (n_rows - 1) / n_rows  # Mann-Whitney by mean ranks
    strength = max(superiority, 1 - superiority)
    if strength < MIN_LEAK_SUPERIORITY:
        return None
    return Leak(name, "cells", strength, "filled" if superiority > 0.5 else "empty")


def _leak_of_one_class(
    name: str,
    is_filled: Bools,
    target: SampledTarget,
) -> Leak | None:
    """Return a leak if nearly all rows with a filled, or empty, cell are of one class.

    That class must not be frequent among the other rows.
    """
    sides: dict[Side, Bools] = {"filled": is_filled, "empty": ~is_filled}
    for side, is_inside in sides.items():
        inside = _class_counts(is_inside, target)
        outside = _class_counts(~is_inside, target)
        n_inside = inside.sum()
        n_outside = outside.sum()
        if min(n_inside, n_outside) < MIN_SIDE_ROWS:
            continue
        label = int(inside.argmax())
        n_label = inside[label]
        if (n_label - 0.5) / n_inside < MIN_PURITY:
            continue
        if outside[label] / n_outside > MAX_SHARE_ELSEWHERE:
            continue
        covered = _min_covered_share(target) * target.class_counts[label]
        if n_label >= covered and _is_surprising(n_inside, label, target):
            return Leak(name, "cells", float(n_label / n_inside), side, label)
    return None


def _class_counts(is_chosen: Bools, target: SampledTarget) -> Rows:
    classes = target.classes[is_chosen]
    return np.bincount(classes, minlength=target.n_classes)


def _min_covered_share(target: SampledTarget) -> float:
    if target.n_classes == 2:
        return MIN_COVERED_SHARE
    return MIN_COVERED_SHARE_OF_MANY


def _is_surprising(
    n_rows: int,
    label: int,
    target: SampledTarget,
) -> bool:
    """Return whether rows that are all of one class are hardly drawn by chance."""
    share = target.class_counts[label] / target.class_counts.sum()
    log_chance = n_rows * math.log(max(share, 1e-12))
    return bool(log_chance < math.log(MAX_CHANCE))
