"""Make the data set that a small model, the student, is taught on by a larger one, the teacher."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from automl.arrays import Floats, Integers, Rows
from automl.dataset import Dataset
from automl.folds import UNUSED_BLOCK, Folds
from automl.search.perturbing import MixedRows

MIN_PROBABILITY = 0.02  # of a class, for which a row is repeated
HELD_OUT_BLOCK = 0
TRAINED_BLOCK = -1
EVERY_SPLIT = -1
FoldSplit = tuple[int, int]  # repeat and fold


@dataclass(frozen=True, eq=False)
class SoftLabels:
    """What a teacher says of rows, as rows that may occur several times.

    Parameters
    ----------
    rows : ndarray of shape (n_labels,), int64
        The rows, by position.
    y : ndarray of shape (n_labels,), float64
        A value, or one of the classes that the row may have.
    share : ndarray of shape (n_labels,), float64
        The class's probability; those of a row sum to one.
    """

    rows: Rows
    y: Floats
    share: Floats


def soften(prediction: Floats) -> SoftLabels:
    """Return a teacher's predictions as labels with weights.

    Parameters
    ----------
    prediction : ndarray of shape (n_rows,) or (n_rows, n_classes)

    Examples
    --------
    >>> labels = soften(np.array([[0.75, 0.25, 0.0], [0.0, 0.0, 1.0]]))
    >>> labels.rows.tolist(), labels.y.tolist(), labels.share.tolist()
    ([0, 0, 1], [0.0, 1.0, 2.0], [0.75, 0.25, 1.0])
    """
    n_rows = len(prediction)
    if prediction.ndim == 1:
        return SoftLabels(np.arange(n_rows), prediction, np.ones(n_rows))
    # Of very many classes, none may be that likely.
    least = np.minimum(MIN_PROBABILITY, prediction.max(axis=1, keepdims=True))
    likely = np.where(prediction >= least, prediction, 0.0)
    shares = likely / likely.sum(axis=1, keepdims=True)
    rows, classes = np.nonzero(shares)
    return SoftLabels(rows, classes.astype(np.float64), shares[rows, classes])


def rows_with_labels(prediction: Floats, max_labels: int) -> int:
    """Return how many first rows have no more labels together than a bound.

    Examples
    --------
    >>> rows_with_labels(np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]]), 4)
    2
    """
    labels = soften(prediction)
    counts = np.bincount(labels.rows, minlength=len(prediction))
    return int(np.searchsorted(np.cumsum(counts), max_labels, side="right"))


@dataclass(frozen=True, eq=False)
class Lesson:
    """Rows with a teacher's predictions for them.

    Parameters
    ----------
    rows : MixedRows
    prediction : ndarray of shape (n_rows,) or (n_rows, n_classes)
    weight : float
        What all of them together count for, as a multiple of the table's own rows.
    split : int
        Number of the only split in which they are trained on; `EVERY_SPLIT` for those in which the
        rows that they were made from are.
    """

    rows: MixedRows
    prediction: Floats
    weight: float
    split: int = EVERY_SPLIT


@dataclass(frozen=True, eq=False)
class _Labelled:
    """Rows of a data set with targets, weights, and the only split that each is for."""

    rows: MixedRows
    y: Floats
    weight: Floats
    split: Integers

    def join(
        self,
        others: _Labelled,
    ) -> _Labelled:
        """Return these rows followed by others."""
        return _Labelled(
            self.rows.join(others.rows),
            np.concatenate([self.y, others.y]),
            np.concatenate([self.weight, others.weight]),
            np.concatenate([self.split, others.split]),
        )


def teaching_data(
    data: Dataset,
    splits: Sequence[FoldSplit],
    lessons: Sequence[Lesson],
) -> Dataset:
    """Return the data set that students are trained and judged on.

    Its first rows are those of the table, with their true targets: they alone are held out. The
    others are what the teacher says. Each split becomes a holdout of its own, for which no row is
    trained on that was made from one of its held-out rows.

    Parameters
    ----------
    data : Dataset
        The run's.
    splits : sequence of (int, int)
        Of the run's folds.
    lessons : sequence of Lesson
    """
    n_rows = len(data.y)
    own = data.weight
    if own is None:
        own = np.ones(n_rows)
    labelled = _Labelled(
        MixedRows.of(np.arange(n_rows), data.columns.names()),
        data.y,
        own,
        np.full(n_rows, EVERY_SPLIT),
    )
    for lesson in lessons:
        labelled = labelled.join(_labelled(lesson, own))
    base = labelled.rows.base
    return replace(
        data,
        columns=labelled.rows.columns(data.columns),
        y=labelled.y,
        weight=labelled.weight,
        folds=holdouts(
            data.folds,
            splits,
            base,
            n_rows,
            labelled.split,
        ),
        units=None if data.units is None else data.units[base],
        times=None if data.times is None else data.times[base],
    )


def _labelled(
    lesson: Lesson,
    own: Floats,
) -> _Labelled:
    """Return a lesson's rows with their soft labels, weighted as the rows they were made from.

    Parameters
    ----------
    own : ndarray of shape (n_rows,)
        Weights of the table's rows.
    """
    labels = soften(lesson.prediction)
    rows = lesson.rows.take(labels.rows)
    weight = labels.share * own[rows.base]
    scale = lesson.weight * own.sum() / weight.sum()
    split = np.full(len(labels.y), lesson.split)
    return _Labelled(
        rows,
        labels.y,
        weight * scale,
        split,
    )


def holdouts(
    folds: Folds,
    splits: Sequence[FoldSplit],
    base: Rows,
    n_own: int,
    split: Integers,
) -> Folds:
    """Return a holdout for each of some splits, over rows made from the folds' rows.

    Parameters
    ----------
    folds : Folds
    splits : sequence of (int, int)
        Each a repeat and a fold.
    base : ndarray of shape (n_made,), int64
        The row that each was made from.
    n_own : int
        How many of them, the first ones, are rows as they are, which may be held out.
    split : ndarray of shape (n_made,), int64
        The only split in which each is used, or `EVERY_SPLIT`.

    Examples
    --------
    >>> folds = Folds("kfold", np.array([[0, 1]], np.int16))
    >>> base = np.array([0, 1, 0, 1])
    >>> made = holdouts(folds, [(0, 0), (0, 1)], base, 2, np.full(4, EVERY_SPLIT))
    >>> made.held_out(0, 0).tolist(), made.train(0, 0).tolist(), made.train(1, 0).tolist()
    ([0], [1, 3], [0, 2])
    """
    n_rows = folds.blocks.shape[1]
    is_made = np.arange(len(base)) >= n_own
    blocks = []
    for number, (repeat, fold) in enumerate(splits):
        of_row = np.full(n_rows, UNUSED_BLOCK, np.int16)
        of_row[folds.train(repeat, fold)] = TRAINED_BLOCK
        of_row[folds.held_out(repeat, fold)] = HELD_OUT_BLOCK
        made = of_row[base]
        is_hidden = is_made & (made == HELD_OUT_BLOCK)
        is_for_other = (split != EVERY_SPLIT) & (split != number)
        made[is_hidden | is_for_other] = UNUSED_BLOCK
        blocks.append(made)
    return Folds("holdout", np.stack(blocks))
