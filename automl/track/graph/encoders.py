"""Encoders as nodes: typed columns in, float32 features out."""

from __future__ import annotations

import operator
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
from automl.track.graph.builder import Value
from automl.track.graph.columns import InputColumns, NoOperator
from automl.track.graph.dates import DateParts
from automl.track.graph.scalers import scaled

SPELLING = " (spelling)"  # ends the names of categories that are also read as text


def encoded(columns: InputColumns, encoding: Encoding) -> list[Value]:
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
        features += make(columns, encoder)
    return features


def _without_operator(encoder: Encoder) -> NoOperator:
    """Return the error of an encoder that has no operator: one of texts."""
    name = encoder.sources[0]
    cure = f"Fit with --ignore {name!r}."
    if name.endswith(SPELLING):
        cure = "Fit with --set clean.dual_typed=false."
    step = f"the encoder {encoder.kind!r} of the column {name!r}"
    return NoOperator(step, cure)


def _number(columns: InputColumns, encoder: Number) -> list[Value]:
    values = columns.numbers(encoder.source)
    feature = scaled(encoder.scaler, values)
    if not encoder.shows_missing:
        return [feature]
    return [feature, _missing(values)]


def _missing(values: Value) -> Value:
    is_missing = values.is_missing()
    return is_missing.cast("FLOAT")


def _pieces(columns: InputColumns, encoder: PiecewiseLinear) -> list[Value]:
    edges = encoder.edges
    first = float(edges[0])
    last = float(edges[-1])
    values = columns.numbers(encoder.source)
    filled = values.fill_missing(encoder.fill)
    clipped = filled.clip(first, last)
    starts = edges[None, :-1]
    widths = np.diff(edges)
    distance = clipped - starts
    shares = distance / widths[None, :]
    clipped_shares = shares.clip(0.0, 1.0)
    return [clipped_shares.cast("FLOAT")]


def _date(columns: InputColumns, encoder: Date) -> list[Value]:
    seconds = columns.numbers(encoder.source)
    dates = DateParts(seconds)
    features = []
    scaler_of_part = zip(encoder.parts, encoder.scalers, strict=True)
    for name, scaler in scaler_of_part:
        part = dates.part(name)
        features.append(scaled(scaler, part))
    if encoder.shows_missing:
        features.append(_missing(seconds))
    return features


def _native(columns: InputColumns, encoder: Native) -> list[Value]:
    codes = np.arange(encoder.levels + 1.0)
    codes[-1] = np.nan
    return _rows(columns, encoder.source, codes[:, None])


def _onehot(
    columns: InputColumns,
    encoder: OneHot,
) -> list[Value]:
    indices = encoder.feature_index_of_level
    shape = (len(indices), len(encoder.names))
    table = np.zeros(shape)
    (known,) = np.nonzero(indices >= 0)
    table[known, indices[known]] = 1.0
    return _rows(columns, encoder.source, table)


def _lookup(
    columns: InputColumns,
    encoder: Lookup,
) -> list[Value]:
    return _rows(columns, encoder.source, encoder.table)


def _rows(
    columns: InputColumns,
    source: str,
    table: Any,
) -> list[Value]:
    """Return rows of a table by code; the last one is for missing and unseen levels."""
    n_levels = len(table) - 1
    codes = columns.code_or_last(source, n_levels)
    return [codes.look_up(table, "FLOAT")]


def _arithmetic(
    columns: InputColumns,
    encoder: Arithmetic,
) -> list[Value]:
    first, second = map(columns.numbers, encoder.sources)
    if encoder.operation == "/":
        is_zero = second.equals(0.0)
        second = second.replace(np.nan, is_zero)
    combine = _OPERATIONS[encoder.operation]
    result = combine(first, second)
    return [scaled(NoScaling(), result)]


def _cross(
    columns: InputColumns,
    encoder: Cross,
) -> list[Value]:
    first_source, second_source = encoder.sources
    n_first, n_second = encoder.levels
    first = columns.code_or_last(first_source, n_first)
    second = columns.code_or_last(second_source, n_second)
    keys = first * (n_second + 1) + second
    n_keys = len(encoder.keys)
    places = first * 0
    if n_keys:
        places = keys.places_in(encoder.keys.tolist(), n_keys)
    return [places.look_up(encoder.table, "FLOAT")]


_OPERATIONS: Mapping[str, Callable[[Value, Value], Value]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_MAKERS: Mapping[str, Callable[[InputColumns, Any], list[Value]]] = {
    Number.kind: _number,
    PiecewiseLinear.kind: _pieces,
    Date.kind: _date,
    Native.kind: _native,
    OneHot.kind: _onehot,
    Lookup.kind: _lookup,
    Arithmetic.kind: _arithmetic,
    Cross.kind: _cross,
}
