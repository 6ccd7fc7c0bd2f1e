"""Scale several columns of numbers in one step, as each of their scalers does alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from automl.arrays import Floats, Matrix, Rows
from automl.features.scaling import (
    NoScaling,
    Scaler,
    Scalers,
    Standard,
    bend,
    clip_to_float32,
    shift,
    standardise,
)

Scaling = Callable[[Floats], Matrix]


@dataclass(frozen=True, eq=False)
class JointScaler:
    """Scales columns together: of a few rows, a call for each column would take most of the time.

    Parameters
    ----------
    scalers : tuple of Scaler
        One per column.

    Examples
    --------
    >>> scaler = JointScaler((NoScaling(), Standard(center=1.0, scale=2.0)))
    >>> scaler.apply(np.array([[1.0, 2.0], [3.0, 5.0]])).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """

    scalers: Scalers

    def apply(self, values: Floats) -> Matrix:
        """Return scaled columns.

        Parameters
        ----------
        values : ndarray of shape (n_columns, n_rows), float64

        Returns
        -------
        ndarray of shape (n_columns, n_rows), float32
        """
        scaled: Matrix = np.empty(values.shape, np.float32)
        for columns, scale in self._groups:
            scaled[columns] = scale(values[columns])
        return scaled

    @cached_property
    def _groups(self) -> list[tuple[Rows, Scaling]]:
        """Return what scales some of the columns, with their positions."""
        plain = []
        straight = []
        bent = []
        groups: list[tuple[Rows, Scaling]] = []
        for position, scaler in enumerate(self.scalers):
            if isinstance(scaler, NoScaling):
                plain.append(position)
            elif not isinstance(scaler, Standard):
                groups.append((np.array([position]), scaler.apply))
            elif scaler.linear_threshold:
                bent.append(position)
            else:
                straight.append(position)
        for positions, make in ((plain, _plain), (straight, _straight), (bent, _bent)):
            if positions:
                members = [self.scalers[position] for position in positions]
                groups.append((np.array(positions), make(members)))
        return groups


def _plain(scalers: Sequence[Scaler]) -> Scaling:
    return partial(
        shift,
        offset=_parameters(scalers, "offset"),
        fill=_parameters(scalers, "fill"),
    )


def _straight(scalers: Sequence[Scaler]) -> Scaling:
    standard = _standard(scalers)

    def scale(values: Floats) -> Matrix:
        return standard(clip_to_float32(values))

    return scale


def _bent(scalers: Sequence[Scaler]) -> Scaling:
    standard = _standard(scalers)
    thresholds = _parameters(scalers, "linear_threshold")

    def scale(values: Floats) -> Matrix:
        return standard(bend(clip_to_float32(values), thresholds))

    return scale


def _standard(scalers: Sequence[Scaler]) -> Scaling:
    return partial(
        standardise,
        center=_parameters(scalers, "center"),
        scale=_parameters(scalers, "scale"),
        fill=_parameters(scalers, "fill"),
    )


def _parameters(scalers: Sequence[Scaler], name: str) -> Floats:
    """Return a parameter of each scaler, of shape (n_scalers, 1)."""
    values = [[getattr(scaler, name)] for scaler in scalers]
    return np.array(values, np.float64)
