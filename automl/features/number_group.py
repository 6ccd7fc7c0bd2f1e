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

    def write(self, X: Matrix, columns: Mapping[str, Column]) -> None:
        """Write the features of all these columns into a matrix.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_features), float32
        columns : mapping of str to Column
            By name.
        """
        n_rows = len(X)
        shape = (len(self.encoders), n_rows)
        values: Floats = np.empty(shape)
        for index, encoder in enumerate(self.encoders):
            values[index] = number_values(columns[encoder.source], encoder.source)
        X[:, self.starts] = self._scaler.apply(values).T
        shown = self._shown
        X[:, self.starts[shown] + 1] = np.isnan(values[shown]).T

    @cached_property
    def _scaler(self) -> JointScaler:
        return JointScaler(tuple(encoder.scaler for encoder in self.encoders))

    @cached_property
    def _shown(self) -> Rows:
        """The positions of the encoders that show missing values in a feature of its own."""
        return np.flatnonzero([encoder.shows_missing for encoder in self.encoders])


NO_NUMBERS = NumberGroup((), np.zeros(0, np.int64))
