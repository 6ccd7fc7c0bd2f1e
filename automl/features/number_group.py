"""All number columns of an encoding, transformed together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from automl.arrays import Floats, Matrix, Rows
from automl.columns import Column
from automl.features._base import number_values
from automl.features.joint_scaling import JointScaler
from automl.features.number import Number

# Rows up to which it is quicker to transform columns together. With more of them, their numbers
# take most of the time, and a copy of all columns most of the memory.
MAX_ROWS = 64


@dataclass(frozen=True, eq=False)
class NumberGroup:
    """The encoders of number columns, and where in a matrix their features belong.

    Parameters
    ----------
    encoders : tuple of Number
    starts : ndarray of shape (n_encoders,), int64
        The position of each one's first feature.
    """

    encoders: tuple[Number, ...]
    starts: Rows

    def write(
        self,
        X: Matrix,
        columns: Mapping[str, Column],
    ) -> None:
        """Write the features of all these columns into a matrix.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float32
        columns : mapping of str to Column
            By name.
        """
        shape = (len(self.encoders), len(X))
        values: Floats = np.empty(shape)
        for index, encoder in enumerate(self.encoders):
            source = encoder.source
            column = columns[source]
            values[index] = number_values(column, source)
        scaled = self._scaler.apply(values)
        X[:, self.starts] = scaled.T
        is_missing = np.isnan(values)
        shown = self._shown
        indicators = self.starts[shown] + 1
        X[:, indicators] = is_missing[shown].T

    @cached_property
    def _scaler(self) -> JointScaler:
        scalers = [encoder.scaler for encoder in self.encoders]
        return JointScaler(tuple(scalers))

    @cached_property
    def _shown(self) -> Rows:
        """The positions of the encoders that show missing values in a feature of its own."""
        shown = [encoder.shows_missing for encoder in self.encoders]
        return np.flatnonzero(shown)
