"""Make rows that could have been: rows of a table with some values of other rows.

A teacher's predictions for them show more of what it has learnt than those for the rows that there
are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Rows
from automl.columns import Column, Columns

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
    def of(
        cls,
        rows: Rows,
        names: Sequence[str],
    ) -> MixedRows:
        """Return rows of the table as they are."""
        sources = dict.fromkeys(names, rows)
        return cls(rows, sources)

    def take(
        self,
        rows: Rows,
    ) -> MixedRows:
        """Return some of the rows, by position."""
        sources = {}
        for name, source in self.sources.items():
            sources[name] = source[rows]
        return MixedRows(self.base[rows], sources)

    def join(
        self,
        others: MixedRows,
    ) -> MixedRows:
        """Return these rows followed by others."""
        base = np.concatenate([self.base, others.base])
        sources = {}
        for name, source in self.sources.items():
            sources[name] = np.concatenate([source, others.sources[name]])
        return MixedRows(base, sources)

    def columns(
        self,
        table: Columns,
    ) -> Columns:
        """Return the rows' values, taken from the table."""
        by_name: dict[str, Column] = {}
        for name, source in self.sources.items():
            by_name[name] = table[name].take(source)
        return Columns(by_name, len(self.base))


def perturb(
    names: Sequence[str],
    rows: Rows,
    count: int,
    rng: np.random.Generator,
) -> MixedRows:
    """Make rows by replacing some values of rows by those of others.

    Each row has a share of replaced values of its own, so that some are near the rows that there
    are, and others far. Each given row is used about equally often.

    Parameters
    ----------
    names : sequence of str
        Of the columns.
    rows : ndarray of int64
        The rows of the table that values come from.
    count : int
        How many rows to make.
    rng : Generator

    References
    ----------
    Buciluă, Caruana, Niculescu-Mizil 2006, "Model compression" (MUNGE); Fakoor et al. 2020,
    "Fast, accurate, and simple models for tabular data via augmented distillation" (FAST-DAD).

    Examples
    --------
    >>> made = perturb(["a", "b"], np.array([4, 7]), 6, np.random.default_rng(0))
    >>> len(made.base), sorted(set(made.sources["a"].tolist()))
    (6, [4, 7])
    """
    base = np.resize(rng.permutation(rows), count)
    shares = rng.uniform(0, MAX_REPLACED_SHARE, count)
    sources = {}
    for name in names:
        is_replaced = rng.random(count) < shares
        donors = rng.choice(rows, count)
        sources[name] = np.where(is_replaced, donors, base)
    return MixedRows(base, sources)
