"""Scalers of numbers as nodes, in double precision as they are in NumPy."""

from __future__ import annotations

import math

import numpy as np

from automl.features.scaling import (
    FLOAT32_MAX,
    MAX_SCALED,
    NoScaling,
    Quantile,
    Scaler,
    Standard,
)
from automl.track.graph.builder import Graph, Value
from automl.track.graph.columns import NoOperator


def scaled(graph: Graph, scaler: Scaler, values: Value) -> Value:
    """Return scaled values, float32.

    Parameters
    ----------
    graph : Graph
    scaler : Scaler
    values : str
        Doubles of shape (n_rows, 1), NaN where missing.
    """
    is_missing = graph.op("IsNaN", values)
    known = graph.op("Where", is_missing, graph.constant(0.0), values)
    clipped = graph.clip(known, -FLOAT32_MAX, FLOAT32_MAX)
    if isinstance(scaler, NoScaling):
        shifted = clipped
        if scaler.offset:
            shifted = graph.op("Sub", clipped, graph.constant(scaler.offset))
            shifted = graph.clip(shifted, -FLOAT32_MAX, FLOAT32_MAX)
        fill = scaler.fill
    elif isinstance(scaler, Standard):
        shifted = _standardised(graph, scaler, clipped)
        fill = scaler.fill
    elif isinstance(scaler, Quantile):
        shifted = interpolated(graph, clipped, scaler.knots[0], scaler.knots[1])
        fill = 0.0
    else:
        raise NoOperator(f"the scaler {scaler.kind!r}", "Fit with other recipes.")
    filled = graph.op("Where", is_missing, graph.constant(fill), shifted)
    return graph.cast(filled, "FLOAT")


def _standardised(graph: Graph, scaler: Standard, values: Value) -> Value:
    bent = values
    if scaler.linear_threshold:
        magnitudes = graph.op("Abs", values)
        ratio = graph.op("Div", magnitudes, graph.constant(scaler.linear_threshold))
        logs = graph.op("Log", graph.op("Add", ratio, graph.constant(1.0)))
        bent = graph.op("Mul", graph.op("Sign", values), logs)
    centred = graph.op("Sub", bent, graph.constant(scaler.center))
    divided = graph.op("Div", centred, graph.constant(scaler.scale))
    return graph.clip(divided, -MAX_SCALED, MAX_SCALED)


def interpolated(graph: Graph, values: Value, knots: np.ndarray, scores: np.ndarray) -> Value:
    """Return the scores of values, between knots on a straight line."""
    low, high = float(knots[0]), float(knots[-1])
    if len(knots) == 1 or not math.isfinite(high - low):
        constant = graph.constant(float(scores[0]))
        return graph.op("Add", graph.op("Mul", values, graph.constant(0.0)), constant)
    bounded = graph.clip(values, low, high)
    inner = graph.constant(knots[None, 1:-1])
    is_above = graph.op("GreaterOrEqual", bounded, inner)
    counted = graph.cast(is_above, "INT64")
    axis = graph.constant([1], np.int64)
    piece = graph.op("ReduceSum", counted, axis, keepdims=1)
    slopes = np.diff(scores) / np.diff(knots)
    start = graph.op("Gather", graph.constant(knots[:-1]), piece)
    score = graph.op("Gather", graph.constant(scores[:-1]), piece)
    slope = graph.op("Gather", graph.constant(slopes), piece)
    distance = graph.op("Sub", bounded, start)
    return graph.op("Add", score, graph.op("Mul", slope, distance))
