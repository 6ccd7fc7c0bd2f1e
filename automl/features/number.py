"""Encode numbers and flags: one feature each, and an indicator of filled missing values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

from automl.arrays import Matrix
from automl.columns import Column, Numbers
from automl.features._base import (
    EncoderPlan,
    Encoders,
    SingleColumn,
    column_stack,
    number_values,
    read_source,
    read_value,
    refuse_unless,
)
from automl.features.feature import Feature, Features
from automl.features.piecewise import fit_piecewise_linear
from automl.features.scaling import (
    NoScaling,
    Scaler,
    fit_scaler,
    scalers_from_state,
    scalers_to_state,
)
from automl.state import State

FLAG_SCALER = NoScaling(fill=0.5)  # a missing flag lies halfway between unset and set


@dataclass(frozen=True)
class Number(SingleColumn):
    """The encoder of a number or flag column.

    Parameters
    ----------
    source : str
    scaler : Scaler
    shows_missing : bool
        Whether a second feature is 1 where the value is missing.

    Examples
    --------
    >>> encoder = Number("open", FLAG_SCALER, shows_missing=True)
    >>> encoder.transform(Numbers(np.array([1.0, np.nan]), "flag")).tolist()
    [[1.0, 0.0], [0.5, 1.0]]
    """

    kind: ClassVar[str] = "number"
    source: str
    scaler: Scaler
    shows_missing: bool

    @cached_property
    def features(self) -> Features:
        """The scaled value, and the indicator of missing values if there is one."""
        value = Feature(self.source, self.source)
        return (value, *missing_indicator(self.source, self.shows_missing))

    def transform(self, column: Column) -> Matrix:
        """Return features of shape (n_rows, 1 or 2), float32."""
        values = number_values(column, self.source)
        parts = [self.scaler.apply(values)]
        if self.shows_missing:
            parts.append(np.isnan(values).astype(np.float32))
        return column_stack(parts, len(values))

    def to_state(self) -> State:
        """Return everything that `from_state` needs."""
        return {
            "source": self.source,
            "scaler": scalers_to_state([self.scaler]),
            "shows_missing": self.shows_missing,
        }

    @classmethod
    def from_state(cls, state: State) -> Number:
        """Return the encoder that `to_state` described."""
        scalers = scalers_from_state(state, "scaler")
        shows_missing = read_value(state, "shows_missing", bool)
        refuse_unless(len(scalers) == 1, "a number has one scaler")
        return cls(read_source(state), scalers[0], shows_missing)


def missing_indicator(source: str, shows_missing: bool) -> Features:
    """Return the feature that says where a column is missing, if there is one."""
    if not shows_missing:
        return ()
    return (Feature(f"{source} (missing)", source),)


def fit_number(source: str, column: Numbers, plan: EncoderPlan) -> Encoders:
    """Fit the encoders of a number or flag column; return none if all values are missing."""
    values = number_values(column, source)
    missing = np.isnan(values)
    if missing.all():
        return ()
    method = plan.recipe.numbers
    fills_missing = method != "plain"
    if fills_missing and column.kind == "flag":
        scaler: Scaler = FLAG_SCALER
    else:
        scaler = fit_scaler(method, values)
    number = Number(source, scaler, fills_missing and bool(missing.any()))
    if method != "pieces" or column.kind != "number":
        return (number,)
    return (number, *fit_piecewise_linear(source, values, plan.max_pieces))
