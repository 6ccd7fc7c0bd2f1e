"""Means of the target by category, smoothed, and cross-fitted for the rows they are learnt from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from automl.columns import Categories, Floats, Rows
from automl.features._base import Matrix, Plan
from automl.features.category import Lookup, by_frequency, known_codes
from automl.features.scaling import fit_scaler
from automl.task import Task

Places = npt.NDArray[np.int64]

N_FOLDS = 5
MOST_CLASSES = 10


@dataclass(frozen=True, eq=False)
class Targets:
    """What the means are taken of, on the rows to learn from.

    Parameters
    ----------
    rows : ndarray of shape (n_train,), int64
        Rows of the table.
    values : ndarray of shape (n_train, n_outputs), float64
        The target, or for classes 1 where a row is of the class.
    names : tuple of str
        One an output: "mean", or the class.
    folds : ndarray of shape (n_train,), int64
        The inner folds, 0 to 4.
    weights : ndarray of shape (n_train,), float64, or None
        How much each row counts, 1 on average.
    """

    rows: Rows
    values: Floats
    names: tuple[str, ...]
    folds: Places
    weights: Floats | None = None


def targets(task: Task, y: Floats, rows: Rows, seed: int, weight: Floats | None = None) -> Targets:
    """The target as columns to take means of: itself, its positive class, or its (at most 10 most frequent) classes."""
    chosen = y[rows]
    folds = inner_folds(chosen, seed)
    weights = None if weight is None else weight[rows] / max(1e-300, float(weight[rows].mean()))
    if task.is_regression:
        return Targets(rows, chosen[:, None], ("mean",), folds, weights)
    counts = np.bincount(chosen.astype(np.int64), minlength=len(task.labels))
    classes = (
        np.sort(by_frequency(counts)[:MOST_CLASSES]) if len(task.labels) > 2 else np.array([1])
    )
    names = tuple(f"mean of {task.labels[place]}" for place in classes)
    return Targets(rows, (chosen[:, None] == classes).astype(np.float64), names, folds, weights)


def inner_folds(y: Floats, seed: int) -> Places:
    """Folds with nearly equal means of y: were they unequal, a fold's mean would tell on its rows.

    >>> folds = inner_folds(np.array([0.0, 1.0] * 10), seed=0)
    >>> np.bincount(folds).tolist(), np.bincount(folds[::2]).tolist()
    ([4, 4, 4, 4, 4], [2, 2, 2, 2, 2])
    """
    random = np.random.default_rng([seed, 0x7A46])
    shuffled = random.permutation(len(y))
    order = shuffled[np.argsort(y[shuffled], kind="stable")]
    blocks = np.tile(np.arange(N_FOLDS), (-(-len(y) // N_FOLDS), 1))
    folds = np.empty(len(y), np.int64)
    folds[order] = random.permuted(blocks, axis=1).ravel()[: len(y)]
    return folds


def fit_target(
    source: str, column: Categories, plan: Plan, targets: Targets
) -> tuple[Lookup, Matrix]:
    """Fit the means of one column.

    Returns
    -------
    encoder : Lookup
        Fitted on all rows to learn from.
    crossed : ndarray of shape (n_train, n_outputs), float32
        For the rows to learn from: each row's value learnt from the other inner folds.
    """
    n_levels = len(column.levels)
    table, crossed = fit_means(
        known_codes(column, source, n_levels)[targets.rows],
        n_levels + 1,
        plan.recipe.numbers,
        targets,
    )
    return Lookup(source, tuple(f"{source} ({name})" for name in targets.names), table), crossed


def fit_means(
    codes: Places, n_levels: int, scaling: str, targets: Targets
) -> tuple[Matrix, Matrix]:
    """Scaled means of every output by code.

    Parameters
    ----------
    codes : ndarray of shape (n_train,), int64
        Below n_levels.
    scaling : str
        As `fit_scaler` takes it.

    Returns
    -------
    table : ndarray of shape (n_levels, n_outputs), float32
    crossed : ndarray of shape (n_train, n_outputs), float32
        Each row's values, learnt from the other inner folds.
    """
    fitted, crossed = [], []
    for values in targets.values.T:
        table, held_out = cross_fit(codes, values, targets.folds, n_levels, targets.weights)
        scaler = fit_scaler(scaling, held_out)
        fitted.append(scaler.apply(table))
        crossed.append(scaler.apply(held_out))
    return np.column_stack(fitted), np.column_stack(crossed)


def cross_fit(
    codes: Places, y: Floats, folds: Places, n_levels: int, weights: Floats | None = None
) -> tuple[Floats, Floats]:
    """Smoothed means learnt from all rows, and for each row those learnt from the other folds.

    Parameters
    ----------
    codes : ndarray of shape (n_rows,), int64
        Below n_levels; missing is a level like the others.
    y : ndarray of shape (n_rows,), float64
    folds : ndarray of shape (n_rows,), int64
    weights : ndarray of shape (n_rows,), float64, or None
        As many rows as each one counts for.

    Returns
    -------
    table : ndarray of shape (n_levels,), float64
    crossed : ndarray of shape (n_rows,), float64

    Examples
    --------
    >>> codes, y = np.repeat([0, 1], 10), np.repeat([0.0, 1.0], 10)
    >>> table, crossed = cross_fit(codes, y, np.arange(20) % 5, 3)
    >>> table.round(2).tolist()
    [0.0, 1.0, 0.5]
    """
    pivot = float(y.mean()) if len(y) else 0.0  # keeps squares small; the means don't depend on it
    counts = np.ones(len(y)) if weights is None else weights
    sums = _sums(folds * n_levels + codes, y - pivot, counts, N_FOLDS * n_levels)
    sums = sums.reshape(3, N_FOLDS, n_levels).swapaxes(0, 1)
    others = (np.delete(sums, fold, axis=0).sum(axis=0) for fold in range(N_FOLDS))
    crossed = np.stack([smoothed_means(other) for other in others])[folds, codes]
    return smoothed_means(sums.sum(axis=0)) + pivot, crossed + pivot


def _sums(codes: Places, y: Floats, counts: Floats, n_levels: int) -> Floats:
    """Of each level: rows, sum and sum of squares; shape (3, n_levels)."""
    return np.stack(
        [np.bincount(codes, counts * power, n_levels) for power in (np.ones_like(y), y, y * y)]
    )


def smoothed_means(sums: Floats) -> Floats:
    """Means of levels drawn towards the mean of all, the more the fewer rows a level has and the less levels differ.

    Empirical Bayes: the variance within levels and the variance between them are estimated by the moments of a one-way random
    effects model (Searle, Casella and McCulloch, Variance Components, 1992, section 3.6). Unlike scikit-learn's
    `TargetEncoder(smooth="auto")`, the variance within is pooled: a level of one row has none of its own. Measured on 2 000
    simulated rows with 1 000 levels, as squared error of the encoded means: 0.080 against 0.479 (levels' deviation 0.3 of the
    noise), 0.493 against 0.686 (equal to the noise), and with 50 levels 0.031 against 0.031.

    Parameters
    ----------
    sums : ndarray of shape (3, n_levels), float64
        Of each level: rows, sum of y, and sum of squares.

    Examples
    --------
    >>> smoothed_means(np.array([[1.0, 1.0, 0.0], [0.0, 2.0, 0.0], [0.0, 4.0, 0.0]])).tolist()
    [1.0, 1.0, 1.0]
    """
    counts, totals, squares = sums
    n_rows, seen = counts.sum(), counts > 0
    if n_rows < 1:
        return np.zeros(len(counts))
    prior = totals.sum() / n_rows
    means = np.divide(totals, counts, out=np.full(len(counts), prior), where=seen)
    n_seen = int(seen.sum())
    within = max(0.0, float((squares - means * totals).sum()))
    apart = float((counts * (means - prior) ** 2).sum())
    noise = within / (n_rows - n_seen) if n_rows > n_seen else (within + apart) / max(n_rows - 1, 1)
    spread = (apart - (n_seen - 1) * noise) / max(n_rows - float((counts**2).sum()) / n_rows, 1e-9)
    if spread <= 0:
        return np.full(len(counts), prior)
    trust = counts * spread / (counts * spread + noise + np.finfo(np.float64).tiny)
    smoothed: Floats = prior + trust * (means - prior)
    return smoothed
