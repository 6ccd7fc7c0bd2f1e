"""Encode numbers piecewise linearly, so that a linear model can follow any curve of a column."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from automl.arrays import Floats, Matrix
from automl.columns import Column
from automl.features._base import (
    Encoders,
    SingleColumn,
    number_values,
    read_array,
    read_source,
    read_value,
    refuse_unless,
)
from automl.features.feature import Features, features_of
from automl.state import State

MIN_ROWS_PER_PIECE = 50
MAX_MAGNITUDE = 1e100  # larger values are left out when the edges are chosen
MIN_RELATIVE_WIDTH = 1e-9  # of a piece, as a share of the distance between the outer edges


@dataclass(frozen=True, eq=False)
class PiecewiseLinear(SingleColumn):
    """Encode a number as the share of each piece between two edges that lies below it.

    The share is 0 for a number before the piece and 1 for one behind it (Gorishniy et al. 2022).

    Parameters
    ----------
    source : str
    edges : ndarray of shape (n_pieces + 1,), float64
        Increasing.
    fill : float
        Replaces missing values.

    Examples
    --------
    >>> from automl.columns import Numbers
    >>> encoder = PiecewiseLinear("age", np.array([0.0, 10.0, 20.0]), 10.0)
    >>> encoder.transform(Numbers(np.array([15.0, np.nan, -3.0]))).tolist()
    [[1.0, 0.5], [1.0, 0.0], [0.0, 0.0]]
    """

    kind: ClassVar[str] = "pieces"
    source: str
    edges: Floats
    fill: float

    @cached_property
    def features(self) -> Features:
        """One feature per piece."""
        numbers = range(1, len(self.edges))
        names = [f"{self.source} (piece {number})" for number in numbers]
        return features_of(self.source, names)

    def transform(self, column: Column) -> Matrix:
        """Return shares of shape (n_rows, n_pieces), float32."""
        values = number_values(column, self.source)
        is_missing = np.isnan(values)
        filled = np.where(is_missing, self.fill, values)
        first = self.edges[0]
        last = self.edges[-1]
        clipped = np.clip(filled, first, last)
        starts = self.edges[:-1]
        widths = np.diff(self.edges)
        shares = (clipped[:, None] - starts) / widths
        clipped_shares = np.clip(shares, 0.0, 1.0)
        return clipped_shares.astype(np.float32)

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {"source": self.source, "edges": self.edges, "fill": self.fill}

    @classmethod
    def from_state(cls, state: State) -> PiecewiseLinear:
        """Return the encoder that `to_state` described."""
        edges = read_array(state, "edges", np.float64, 1)
        fill = read_value(state, "fill", float)
        refuse_unless(len(edges) > 1, "edges should be at least two")
        are_finite = np.isfinite([*edges, fill])
        refuse_unless(are_finite.all(), "edges should be finite numbers")
        widths = np.diff(edges)
        are_positive = (widths > 0) & np.isfinite(widths)
        refuse_unless(are_positive.all(), "edges should increase")
        return cls(read_source(state), edges, fill)


def fit_piecewise_linear(source: str, values: Floats, max_pieces: int) -> Encoders:
    """Fit pieces with about equally many rows.

    Return no encoder for a column that has too few values for two pieces.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64
        NaN where missing.
    max_pieces : int
        Maximum number of pieces; each has at least 50 rows.
    """
    magnitudes = np.abs(values)
    is_usable = np.isfinite(values)
    is_usable &= magnitudes < MAX_MAGNITUDE
    present = values[is_usable]
    max_pieces = min(max_pieces, len(present) // MIN_ROWS_PER_PIECE)
    if max_pieces < 2:
        return ()
    edges = _fit_edges(present, max_pieces)
    if len(edges) <= 2:
        return ()
    median = float(np.median(present))
    return (PiecewiseLinear(source, edges, median),)


def _fit_edges(present: Floats, n_pieces: int) -> Floats:
    """Return quantiles of the values, without those that nearly equal the one before."""
    shares = np.linspace(0, 1, n_pieces + 1)
    quantiles = np.quantile(present, shares, method="lower")
    edges: Floats = np.unique(quantiles)
    if len(edges) == 1:
        return edges
    distance = edges[-1] - edges[0]
    is_apart = np.diff(edges) > MIN_RELATIVE_WIDTH * distance
    is_kept = np.concatenate([[True], is_apart])
    kept: Floats = edges[is_kept]
    return kept
