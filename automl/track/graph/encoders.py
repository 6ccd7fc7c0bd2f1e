"""Encoders as nodes: typed columns in, float32 features out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from automl.features._base import Encoder
from automl.features.category import Lookup, Native, OneHot
from automl.features.date import Date
from automl.features.encoding import Encoding
from automl.features.number import Number
from automl.features.pairs import Arithmetic, Cross
from automl.features.piecewise import PiecewiseLinear
from automl.features.scaling import NoScaling
from automl.track.graph.builder import ML_DOMAIN, Graph, Value
from automl.track.graph.columns import InputColumns, NoOperator
from automl.track.graph.dates import DateParts
from automl.track.graph.scalers import scaled

SPELLING = " (spelling)"  # ends the names of categories that are also read as text
_OPERATORS = {"+": "Add", "-": "Sub", "*": "Mul", "/": "Div"}


def encoded(graph: Graph, columns: InputColumns, encoding: Encoding) -> list[Value]:
    """Return the features of an encoding's encoders, matrices of float32.

    Raises
    ------
    NoOperator
        An encoder has none.
    """
    features = []
    for encoder in encoding.encoders:
        make = _MAKERS.get(encoder.kind)
        if make is None:
            raise _without_operator(encoder)
        features.append(make(graph, columns, encoder))
    return features


def _without_operator(encoder: Encoder) -> NoOperator:
    """Return the error of an encoder that has no operator: one of texts."""
    (name, *_) = encoder.sources
    cure = f"Fit with --ignore {name!r}."
    if name.endswith(SPELLING):
        cure = "Fit with --set clean.dual_typed=false."
    return NoOperator(f"the encoder {encoder.kind!r} of the column {name!r}", cure)


def _number(graph: Graph, columns: InputColumns, encoder: Number) -> Value:
    values = columns.numbers(encoder.source)
    parts = [scaled(graph, encoder.scaler, values)]
    if encoder.shows_missing:
        parts.append(_missing(graph, values))
    return graph.concat(parts)


def _missing(graph: Graph, values: Value) -> Value:
    return graph.cast(graph.op("IsNaN", values), "FLOAT")


def _pieces(graph: Graph, columns: InputColumns, encoder: PiecewiseLinear) -> Value:
    values = graph.fill_missing(columns.numbers(encoder.source), encoder.fill)
    edges = encoder.edges
    clipped = graph.clip(values, float(edges[0]), float(edges[-1]))
    distance = graph.op("Sub", clipped, graph.constant(edges[None, :-1]))
    shares = graph.op("Div", distance, graph.constant(np.diff(edges)[None, :]))
    return graph.cast(graph.clip(shares, 0.0, 1.0), "FLOAT")


def _date(graph: Graph, columns: InputColumns, encoder: Date) -> Value:
    seconds = columns.numbers(encoder.source)
    dates = DateParts(graph, seconds)
    parts = []
    for name, scaler in zip(encoder.parts, encoder.scalers, strict=True):
        parts.append(scaled(graph, scaler, dates.part(name)))
    if encoder.shows_missing:
        parts.append(_missing(graph, seconds))
    return graph.concat(parts)


def _native(graph: Graph, columns: InputColumns, encoder: Native) -> Value:
    codes = np.append(np.arange(encoder.levels, dtype=np.float32), np.float32(np.nan))
    return _gather(graph, columns, encoder.source, codes[:, None])


def _onehot(graph: Graph, columns: InputColumns, encoder: OneHot) -> Value:
    indices = encoder.feature_index_of_level
    table = np.zeros((len(indices), len(encoder.names)), np.float32)
    (known,) = np.nonzero(indices >= 0)
    table[known, indices[known]] = 1.0
    return _gather(graph, columns, encoder.source, table)


def _lookup(graph: Graph, columns: InputColumns, encoder: Lookup) -> Value:
    return _gather(graph, columns, encoder.source, encoder.table)


def _gather(graph: Graph, columns: InputColumns, source: str, table: Any) -> Value:
    """Return rows of a table by code; the last one is for missing and unseen levels."""
    codes = columns.code_or_last(source, len(table) - 1)
    return graph.op("Gather", graph.constant(table, np.float32), codes, axis=0)


def _arithmetic(graph: Graph, columns: InputColumns, encoder: Arithmetic) -> Value:
    first, second = map(columns.numbers, encoder.sources)
    if encoder.operation == "/":
        zero = graph.constant(0.0)
        is_zero = graph.op("Equal", second, zero)
        second = graph.op("Where", is_zero, graph.constant(np.nan), second)
    result = graph.op(_OPERATORS[encoder.operation], first, second)
    return scaled(graph, NoScaling(), result)


def _cross(graph: Graph, columns: InputColumns, encoder: Cross) -> Value:
    n_first, n_second = encoder.levels
    first = columns.code_or_last(encoder.sources[0], n_first)
    second = columns.code_or_last(encoder.sources[1], n_second)
    width = graph.constant(n_second + 1, np.int64)
    keys = graph.op("Add", graph.op("Mul", first, width), second)
    places = graph.constant(np.full(1, len(encoder.keys)), np.int64)
    if len(encoder.keys):
        places = graph.op(
            "LabelEncoder",
            keys,
            domain=ML_DOMAIN,
            keys_int64s=encoder.keys.tolist(),
            values_int64s=list(range(len(encoder.keys))),
            default_int64=len(encoder.keys),
        )
    return graph.op("Gather", graph.constant(encoder.table, np.float32), places, axis=0)


_MAKERS: Mapping[str, Callable[[Graph, InputColumns, Any], Value]] = {
    Number.kind: _number,
    PiecewiseLinear.kind: _pieces,
    Date.kind: _date,
    Native.kind: _native,
    OneHot.kind: _onehot,
    Lookup.kind: _lookup,
    Arithmetic.kind: _arithmetic,
    Cross.kind: _cross,
}
