"""The first part of a network: a row becomes the numbers that it computes with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from automl.arrays import Integers, Matrix
from automl.models.network.number_inputs import (
    Angles,
    Pieces,
    Waves,
    continuous_columns,
    fit_pieces,
    initial_waves,
    soft_clip,
)
from automl.models.network.vectors import Vectors, initial_vectors


@dataclass(frozen=True)
class InputLayer:
    """All that a row becomes before the first product.

    Parameters
    ----------
    numbers : ndarray of shape (n_numbers,), int64
        Columns that hold numbers.
    waves : Waves
    pieces : Pieces
    vectors : Vectors
    """

    numbers: Integers
    waves: Waves
    pieces: Pieces
    vectors: Vectors

    @property
    def width(self) -> int:
        """Number of values that a row becomes."""
        _, _, start = self._starts
        return start + self.vectors.width

    @property
    def _starts(self) -> tuple[int, int, int]:
        """Where the values of waves, pieces and vectors begin."""
        waves = len(self.numbers)
        pieces = waves + self.waves.width
        return waves, pieces, pieces + self.pieces.width

    def prepare(self, X: Matrix) -> Matrix:
        """Return squashed numbers, and categories as rows of the vectors' table."""
        squashed = soft_clip(X)
        rows = self.vectors.find_rows(X)
        squashed[:, self.vectors.columns] = rows
        return squashed

    def values(self, X: Matrix) -> tuple[Matrix, Angles]:
        """Return the values of prepared rows, of shape (n_rows, width), and the waves' angles."""
        angles = self.waves.angles(X)
        parts = [
            X[:, self.numbers],
            self.waves.values(angles),
            self.pieces.values(X),
            self.vectors.values(X),
        ]
        values = np.concatenate(parts, axis=1)
        return values, angles

    @property
    def learnt(self) -> list[Matrix]:
        """The arrays that are learnt: those of the waves, and the vectors' table."""
        return [*self.waves.learnt, self.vectors.table]

    def gradients(
        self,
        X: Matrix,
        by_values: Matrix,
        angles: Angles,
    ) -> list[Matrix]:
        """Return the gradients by `learnt`, in their order, from that by the values."""
        waves, pieces, vectors = self._starts
        by_waves = by_values[:, waves:pieces]
        by_vectors = by_values[:, vectors:]
        gradients = self.waves.gradients(X, by_waves, angles)
        gradients.append(self.vectors.gradient(X, by_vectors))
        return gradients

    def copy(self, dtype: Any = np.float32) -> InputLayer:
        """Return a layer with independent arrays of a type."""
        return InputLayer(
            self.numbers,
            self.waves.copy(dtype),
            self.pieces.copy(dtype),
            self.vectors.copy(dtype),
        )


@dataclass(frozen=True)
class InputSizes:
    """How a network takes its inputs in.

    Parameters
    ----------
    cosines : int
        Of each periodic embedding; 0 for none.
    frequency : float
        Standard deviation of the frequencies, in turns per standard deviation of a column.
    pieces : int
        Of each piecewise linear encoding; 0 for none.
    vector : int
        Numbers of each level's vector.
    """

    cosines: int
    frequency: float
    pieces: int
    vector: int


def initial_input_layer(
    X: Matrix,
    levels: tuple[int, ...],
    sizes: InputSizes,
    rng: np.random.Generator,
) -> InputLayer:
    """Return an input layer of random learnt values.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features), float32
        Training rows: numbers, and codes of categories, NaN where missing.
    levels : tuple of int
        Of each column, 0 where it holds numbers.
    sizes : InputSizes
    rng : Generator
    """
    has_levels = np.array(levels, np.int64)
    numbers = np.flatnonzero(has_levels == 0)
    squashed = soft_clip(X)
    continuous = continuous_columns(squashed, numbers)
    return InputLayer(
        numbers,
        initial_waves(continuous, sizes.cosines, sizes.frequency, rng),
        fit_pieces(squashed, continuous, sizes.pieces),
        initial_vectors(X, levels, sizes.vector, rng),
    )
