"""Numbers and flags: one feature each, and one that says where values were missing if the recipe fills them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from automl.columns import Column, Numbers
from automl.features._base import (
    Encoder,
    Matrix,
    OfOne,
    Plan,
    numbers_of,
    read,
    refuse_unless,
    side_by_side,
)
from automl.features.feature import Feature
from automl.features.piecewise import fit_pieces
from automl.features.scaling import Plain, Scaler, fit_scaler, scalers_from_state, scalers_to_state
from automl.state import State

HALF = Plain(fill=0.5)  # a flag that is neither set nor not set


@dataclass(frozen=True)
class Number(OfOne):
    """The encoder of a number or flag column.

    Parameters
    ----------
    source : str
    scaler : Scaler
    shows_missing : bool
        Whether a second feature is 1 where the value is missing.

    Examples
    --------
    >>> encoder = Number("open", HALF, shows_missing=True)
    >>> encoder.transform(Numbers(np.array([1.0, np.nan]), "flag")).tolist()
    [[1.0, 0.0], [0.5, 1.0]]
    """

    kind: ClassVar[str] = "number"
    source: str
    scaler: Scaler
    shows_missing: bool

    @cached_property
    def features(self) -> tuple[Feature, ...]:
        """The value, and where it is missing."""
        return (
            Feature(self.source, self.source),
            *missing_feature(self.source, self.shows_missing),
        )

    def transform(self, column: Column) -> Matrix:
        """Features of shape (n_rows, 1 or 2), float32."""
        values = numbers_of(column, self.source)
        parts = [self.scaler.apply(values)]
        if self.shows_missing:
            parts.append(np.isnan(values).astype(np.float32))
        return side_by_side(parts, len(values))

    def to_state(self) -> State:
        """All that `from_state` needs."""
        return {
            "source": self.source,
            "scaler": scalers_to_state([self.scaler]),
            "shows_missing": self.shows_missing,
        }

    @classmethod
    def from_state(cls, state: State) -> Number:
        """The encoder that `to_state` described."""
        scalers = scalers_from_state(state, "scaler")
        refuse_unless(len(scalers) == 1, "a number has one scaler")
        return cls(read(state, "source", str), scalers[0], read(state, "shows_missing", bool))


def missing_feature(source: str, shows_missing: bool) -> tuple[Feature, ...]:
    """The feature that says where a column is missing, if there is one."""
    return (Feature(f"{source} (missing)", source),) if shows_missing else ()


def fit_number(source: str, column: Numbers, plan: Plan) -> tuple[Encoder, ...]:
    """The encoder of a number or flag column; none if all values are missing."""
    values = numbers_of(column, source)
    missing = np.isnan(values)
    if missing.all():
        return ()
    fills = plan.recipe.numbers != "plain"
    scaler = HALF if fills and column.kind == "flag" else fit_scaler(plan.recipe.numbers, values)
    pieces = (
        fit_pieces(source, values, plan.pieces)
        if plan.recipe.numbers == "pieces" and column.kind == "number"
        else ()
    )
    return (Number(source, scaler, fills and bool(missing.any())), *pieces)
