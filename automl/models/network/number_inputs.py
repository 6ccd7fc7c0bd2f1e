"""How a network takes numbers in: squashed, next to cosines of them and shares of pieces.

The cosines' frequencies are learnt, and so is how they are mixed (a periodic embedding, as in
RealMLP, Holzmüller et al. 2024). The pieces lie between quantiles (a piecewise linear encoding,
Gorishniy et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from automl.arrays import Integers, Matrix
from automl.models._blocks import fill_missing

INPUT_BOUND = 3.0  # standard deviations that a number stays within
MAX_DISCRETE_VALUES = 8  # columns of more different values are continuous
_INSPECTED_ROWS = 1000  # that these values are counted in
_MIN_ROWS_PER_PIECE = 16
_MIN_WIDTH = 1e-6  # of a piece
_MIXTURES = 4  # numbers that the periodic embedding of a column consists of
_FULL_TURN = 2 * np.pi


def soft_clip(X: Matrix) -> Matrix:
    """Return numbers squashed into three standard deviations (as in RealMLP), without missing ones.

    >>> soft_clip(np.array([[0.0, 0.3, 3.0, 1e9, np.nan]], np.float32)).round(2).tolist()
    [[0.0, 0.30000001192092896, 2.119999885559082, 3.0, 0.0]]
    """
    known = fill_missing(X)
    return squash(known)


def squash(values: Matrix) -> Matrix:
    """Return numbers of any size squashed into three standard deviations."""
    ratio = values / np.float32(INPUT_BOUND)
    divisor = np.sqrt(1 + np.square(ratio))
    squashed: Matrix = values / divisor
    return squashed


@dataclass(frozen=True)
class Angles:
    """Angles and their cosines, which scores and gradients share.

    Parameters
    ----------
    values, cosines : ndarray of shape (n_columns, n_rows, n_cosines)
    """

    values: Matrix
    cosines: Matrix


@dataclass(frozen=True)
class Waves:
    """The periodic embedding of some columns.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,), int64
    turns : ndarray of shape (2, n_columns, n_cosines), float32
        Frequencies and phases.
    mixing : ndarray of shape (n_columns, n_cosines, n_mixtures), float32
        What each number of a column's embedding takes of its cosines.
    offsets : ndarray of shape (n_columns, n_mixtures), float32
    """

    columns: Integers
    turns: Matrix
    mixing: Matrix
    offsets: Matrix

    @property
    def width(self) -> int:
        """Number of values that a row's embeddings consist of."""
        return int(self.offsets.size)

    @property
    def learnt(self) -> list[Matrix]:
        """The arrays that are learnt."""
        return [self.turns, self.mixing, self.offsets]

    def angles(self, X: Matrix) -> Angles:
        """Return the angles of rows, with their cosines."""
        frequencies, phases = self.turns
        numbers = self._numbers(X)
        angles: Matrix = numbers * frequencies[:, None]
        angles += phases[:, None]
        return Angles(angles, np.cos(angles))

    def values(self, angles: Angles) -> Matrix:
        """Return the embeddings, of shape (n_rows, n_columns * n_mixtures)."""
        mixed = angles.cosines @ self.mixing
        mixed += self.offsets[:, None]
        by_row = mixed.transpose(1, 0, 2)
        n_rows = len(by_row)
        return by_row.reshape(n_rows, self.width)

    def gradients(
        self,
        X: Matrix,
        by_values: Matrix,
        angles: Angles,
    ) -> list[Matrix]:
        """Return the gradients by `learnt`, in their order, from that by the embeddings."""
        n_rows = len(X)
        by_row = by_values.reshape(n_rows, *self.offsets.shape)
        by_mixed = by_row.transpose(1, 0, 2)
        by_mixing = angles.cosines.mT @ by_mixed
        by_cosines = by_mixed @ self.mixing.mT
        slopes = -np.sin(angles.values)
        by_angles = by_cosines * slopes
        by_phases = by_angles.sum(axis=1)
        by_angles *= self._numbers(X)
        by_frequencies = by_angles.sum(axis=1)
        by_turns = np.stack([by_frequencies, by_phases])
        by_offsets = by_mixed.sum(axis=1)
        return [by_turns, by_mixing, by_offsets]

    def _numbers(self, X: Matrix) -> Matrix:
        columns = X[:, self.columns].T
        numbers: Matrix = columns[:, :, None]
        return numbers

    def copy(self, dtype: Any) -> Waves:
        """Return an independent embedding with equal numbers of a type."""
        return Waves(
            self.columns,
            self.turns.astype(dtype),
            self.mixing.astype(dtype),
            self.offsets.astype(dtype),
        )


@dataclass(frozen=True)
class Pieces:
    """The pieces of some columns' ranges.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,), int64
    starts, steepness : ndarray of shape (n_columns, n_pieces), float32
        A number's share of a piece is (number - start) * steepness, within 0 and 1. A column of
        fewer pieces has a steepness of 0 in the others.
    """

    columns: Integers
    starts: Matrix
    steepness: Matrix

    @property
    def width(self) -> int:
        """Number of shares of a row."""
        return int(self.starts.size)

    def values(self, X: Matrix) -> Matrix:
        """Return shares of shape (n_rows, n_columns * n_pieces)."""
        numbers = X[:, self.columns, None]
        distances = numbers - self.starts
        shares = distances * self.steepness
        np.clip(shares, 0, 1, out=shares)
        n_rows = len(X)
        return shares.reshape(n_rows, self.width)

    def copy(self, dtype: Any) -> Pieces:
        """Return equal pieces in numbers of a type."""
        return replace(
            self,
            starts=self.starts.astype(dtype),
            steepness=self.steepness.astype(dtype),
        )


def continuous_columns(X: Matrix, numbers: Integers) -> Integers:
    """Return those of the columns that have more than a few different values."""
    step = -(-len(X) // _INSPECTED_ROWS)  # from one end to the other, in case rows are sorted
    inspected = X[::step]
    columns = []
    for column in numbers:
        values = np.unique(inspected[:, column])
        if len(values) > MAX_DISCRETE_VALUES:
            columns.append(column)
    return np.array(columns, np.int64)


def initial_waves(
    columns: Integers,
    n_cosines: int,
    frequency: float,
    rng: np.random.Generator,
) -> Waves:
    """Return random frequencies, phases and mixtures.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,), int64
    n_cosines : int
        Of each column; 0 embeds none.
    frequency : float
        Standard deviation of the frequencies, in turns per standard deviation of a column.
    rng : Generator
    """
    if not n_cosines:
        columns = columns[:0]
    n_columns = len(columns)
    shape = (n_columns, n_cosines)
    draws = rng.normal(size=shape)
    frequencies = draws * frequency
    phases = rng.random(shape)
    turns = np.stack([frequencies, phases])
    turns *= _FULL_TURN
    mixing = rng.normal(size=(*shape, _MIXTURES))
    mixing /= np.sqrt(max(1, n_cosines))
    offsets: Matrix = np.zeros((n_columns, _MIXTURES), np.float32)
    return Waves(
        columns,
        turns.astype(np.float32),
        mixing.astype(np.float32),
        offsets,
    )


def fit_pieces(X: Matrix, columns: Integers, n_pieces: int) -> Pieces:
    """Return pieces that hold about equally many of the (squashed) rows."""
    affordable = len(X) // _MIN_ROWS_PER_PIECE
    n_pieces = min(n_pieces, affordable)
    if n_pieces < 2:
        columns = columns[:0]
        n_pieces = 0
    n_edges = n_pieces + 1
    ranks = np.linspace(0, 1, n_edges)
    shape = (len(columns), n_pieces)
    starts: Matrix = np.zeros(shape, np.float32)
    steepness: Matrix = np.zeros(shape, np.float32)
    for index, column in enumerate(columns):
        quantiles = np.quantile(X[:, column], ranks)
        edges = np.unique(quantiles)
        widths = np.diff(edges)
        count = len(widths)
        starts[index, :count] = edges[:-1]
        steepness[index, :count] = 1 / np.maximum(widths, _MIN_WIDTH)
    return Pieces(columns, starts, steepness)
