"""Numbers in pieces: what lets a linear model follow any curve of one column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from automl.columns import Column, Floats
from automl.features._base import Matrix, OfOne, numbers_of, read, read_array, refuse_unless
from automl.features.feature import Feature
from automl.state import State


@dataclass(frozen=True, eq=False)
class Pieces(OfOne):
    """A number as how much of each piece between edges lies below it: 0 before the piece, 1 behind it (Gorishniy et al. 2022).

    Parameters
    ----------
    source : str
    edges : ndarray of shape (n_pieces + 1,), float64
        Increasing.
    fill : float
        What stands for a missing value.

    Examples
    --------
    >>> from automl.columns import Numbers
    >>> Pieces("age", np.array([0.0, 10.0, 20.0]), 10.0).transform(Numbers(np.array([15.0, np.nan, -3.0]))).tolist()
    [[1.0, 0.5], [1.0, 0.0], [0.0, 0.0]]
    """

    kind: ClassVar[str] = "pieces"
    source: str
    edges: Floats
    fill: float

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """One a piece."""
        return tuple(
            Feature(f"{self.source} (piece {place + 1})", self.source)
            for place in range(len(self.edges) - 1)
        )

    def transform(self, column: Column) -> Matrix:
        """Shares of shape (n_rows, n_pieces), float32."""
        values = numbers_of(column, self.source)
        there = np.clip(
            np.where(np.isnan(values), self.fill, values), self.edges[0], self.edges[-1]
        )
        shares = (there[:, None] - self.edges[:-1]) / np.diff(self.edges)
        return np.clip(shares, 0.0, 1.0).astype(np.float32)

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {"source": self.source, "edges": self.edges, "fill": self.fill}

    @classmethod
    def from_state(cls, state: State) -> Pieces:
        """The encoder that `to_state` described."""
        edges, fill = read_array(state, "edges", np.float64, 1), read(state, "fill", float)
        widths = np.diff(edges)
        refuse_unless(
            len(widths) > 0 and np.isfinite(edges).all() and np.isfinite(fill),
            "edges should be finite numbers",
        )
        refuse_unless((widths > 0).all() and np.isfinite(widths).all(), "edges should increase")
        return cls(read(state, "source", str), edges, fill)


def fit_pieces(source: str, values: Floats, most: int) -> tuple[Pieces, ...]:
    """Pieces with about equally many rows; none for a column that has too few values for two of them.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
        NaN where missing.
    most : int
        So many pieces at most; a piece has 50 rows at least.
    """
    seen = values[np.isfinite(values) & (np.abs(values) < 1e100)]
    count = min(most, len(seen) // 50)
    if count < 2:
        return ()
    edges = np.unique(np.quantile(seen, np.linspace(0, 1, count + 1), method="lower"))
    wide = (
        edges[np.concatenate([[True], np.diff(edges) > 1e-9 * (edges[-1] - edges[0])])]
        if len(edges) > 1
        else edges
    )
    return (Pieces(source, wide, float(np.median(seen))),) if len(wide) > 2 else ()
