"""Scalers of numbers as nodes, in double precision as they are in NumPy."""

from __future__ import annotations

import numpy as np

from automl.arrays import Floats
from automl.features.scaling import (
    FLOAT32_MAX,
    MAX_SCALED,
    NoScaling,
    Quantile,
    Scaler,
    Standard,
)
from automl.track.graph.builder import Value
from automl.track.graph.columns import NoOperator


def scaled(scaler: Scaler, values: Value) -> Value:
    """Return scaled values, float32.

    Parameters
    ----------
    scaler : Scaler
    values : Value
        Doubles of shape (n_rows, 1), NaN where missing.
    """
    is_missing = values.is_missing()
    known = values.replace(0.0, is_missing)
    clipped = known.clip(-FLOAT32_MAX, FLOAT32_MAX)
    fill = 0.0
    if isinstance(scaler, NoScaling):
        fill = scaler.fill
        made = clipped
        if scaler.offset:
            shifted = clipped - scaler.offset
            made = shifted.clip(-FLOAT32_MAX, FLOAT32_MAX)
    elif isinstance(scaler, Standard):
        fill = scaler.fill
        made = _standardised(scaler, clipped)
    elif isinstance(scaler, Quantile):
        made = _interpolated(scaler.knots, clipped)
    else:
        step = f"the scaler {scaler.kind!r}"
        raise NoOperator(step, "Fit with other recipes.")
    filled = made.replace(fill, is_missing)
    return filled.cast("FLOAT")


def _standardised(scaler: Standard, values: Value) -> Value:
    bent = values
    threshold = scaler.linear_threshold
    if threshold:
        magnitudes = values.apply("Abs")
        ratio = magnitudes / threshold
        logs = (ratio + 1.0).apply("Log")
        bent = values.apply("Sign") * logs
    centred = bent - scaler.center
    divided = centred / scaler.scale
    return divided.clip(-MAX_SCALED, MAX_SCALED)


def _interpolated(knots: Floats, values: Value) -> Value:
    """Return the scores of values, between knots on a straight line."""
    places, scores = knots
    first = float(scores[0])
    if len(places) == 1:
        return values * 0.0 + first
    lowest = float(places[0])
    highest = float(places[-1])
    bounded = values.clip(lowest, highest)
    inner = places[None, 1:-1]
    is_behind: Value = bounded >= inner
    piece = is_behind.cast("INT64").row_sums()
    slopes = np.diff(scores) / np.diff(places)
    distance = bounded - piece.look_up(places[:-1])
    rise = piece.look_up(slopes) * distance
    start = piece.look_up(scores[:-1])
    return start + rise
