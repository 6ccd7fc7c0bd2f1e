"""Make rows that could have been: rows of a table with some values of other rows.

A teacher's predictions for them show more of what it has learnt than those for the rows that there
are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Integers, Rows
from automl.columns import Column, Columns
from automl.folds import Folds

MAX_REPLACED_SHARE = 0.5  # of a row's values, at most, on average


@dataclass(frozen=True, eq=False)
class MixedRows:
    """Rows whose values come from several rows of a table.

    Parameters
    ----------
    base : ndarray of shape (n_rows,), int64
        The row of the table that each row was made from.
    sources : mapping of str to ndarray of shape (n_rows,), int64
        For each column, the row of the table that the value comes from.
    """

    base: Rows
    sources: Mapping[str, Rows]

    @classmethod
    def of(cls, rows: Rows, names: Sequence[str]) -> MixedRows:
        """Return rows of the table as they are."""
        sources = dict.fromkeys(names, rows)
        return cls(rows, sources)

    def take(self, rows: Rows) -> MixedRows:
        """Return some of the rows, by position."""
        sources = {}
        for name, source in self.sources.items():
            sources[name] = source[rows]
        return MixedRows(self.base[rows], sources)

    def join(self, others: MixedRows) -> MixedRows:
        """Return these rows followed by others."""
        base = np.concatenate([self.base, others.base])
        sources = {}
        for name, source in self.sources.items():
            sources[name] = np.concatenate([source, others.sources[name]])
        return MixedRows(base, sources)

    def columns(self, table: Columns) -> Columns:
        """Return the rows' values, taken from the table."""
        by_name: dict[str, Column] = {}
        for name, source in self.sources.items():
            by_name[name] = table[name].take(source)
        return Columns(by_name, len(self.base))


def fold_groups(folds: Folds) -> Integers:
    """Return a number for each row: rows of equal numbers are held out at the same times.

    Values may pass from one such row to another without any held-out value being trained on.

    Examples
    --------
    >>> fold_groups(Folds("kfold", np.array([[0, 1, 0, 1], [0, 0, 1, 0]], np.int16))).tolist()
    [0, 2, 1, 2]
    """
    _, groups = np.unique(folds.blocks, axis=1, return_inverse=True)
    numbers: Integers = groups.reshape(-1).astype(np.int64)
    return numbers


def perturb(
    names: Sequence[str],
    groups: Integers,
    count: int,
    rng: np.random.Generator,
) -> MixedRows:
    """Make rows by replacing some values of random rows by those of other rows of their group.

    Each row has a share of replaced values of its own, so that some are near the rows that there
    are, and others far. Every row of the table is used about equally often.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    groups : ndarray of shape (n_rows,), int64
        Values stay within a group.
    count : int
        How many rows to make.
    rng : Generator

    References
    ----------
    Buciluă, Caruana, Niculescu-Mizil 2006, "Model compression" (MUNGE); Fakoor et al. 2020,
    "Fast, accurate, and simple models for tabular data via augmented distillation" (FAST-DAD).

    Examples
    --------
    >>> rows = perturb(["a", "b"], np.array([0, 0, 1]), 6, np.random.default_rng(0))
    >>> rows.sources["a"][rows.base == 2].tolist()
    [2, 2]
    """
    n_rows = len(groups)
    base = np.resize(rng.permutation(n_rows), count)
    shares = rng.uniform(0, MAX_REPLACED_SHARE, count)
    donors = _Donors.of(groups)
    sources = {}
    for name in names:
        is_replaced = rng.random(count) < shares
        donor = donors.draw(base, rng)
        sources[name] = np.where(is_replaced, donor, base)
    return MixedRows(base, sources)


@dataclass(frozen=True, eq=False)
class _Donors:
    """The rows of each group.

    Parameters
    ----------
    order : ndarray of shape (n_rows,), int64
        All rows, group by group.
    first, size : ndarray of shape (n_rows,), int64
        For each row, the position in `order` of its group's first row, and the group's size.
    """

    order: Rows
    first: Rows
    size: Rows

    @classmethod
    def of(cls, groups: Integers) -> _Donors:
        """Collect the rows with equal numbers."""
        _, group, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        order = np.argsort(group, kind="stable")
        starts = np.cumsum(sizes) - sizes
        return cls(order, starts[group], sizes[group])

    def draw(self, rows: Rows, rng: np.random.Generator) -> Rows:
        """Return a random row of each row's group."""
        size = self.size[rows]
        drawn = rng.random(len(rows)) * size
        place = np.minimum(drawn.astype(np.int64), size - 1)
        donors: Rows = self.order[self.first[rows] + place]
        return donors
