"""CatBoost's statistics of combinations of categories as nodes.

Hashes are sums of products of 64 bits, which overflow here as they do in NumPy.
"""

from __future__ import annotations

import numpy as np

from automl.arrays import Array
from automl.models.trees.statistics import Statistics
from automl.track.graph.builder import Value, total
from automl.track.graph.sets import category_codes, memberships

_WORD_BITS = 64


def further_columns(
    statistics: Statistics,
    X: Value,
) -> list[Value]:
    """Return the further columns, each of shape (n_rows, 1), double.

    Parameters
    ----------
    statistics : Statistics
    X : Value
        The features, double.
    """
    sources = [
        *_hashes(statistics, X),
        *_flags(
            statistics,
            X,
        ),
    ]
    places: dict[int, Value] = {}
    columns = []
    for column, combination in enumerate(statistics.combination.tolist()):
        if combination not in places:
            places[combination] = _places(statistics, sources, combination)
        values = _values(statistics, column)
        columns.append(places[combination].look_up(values))
    return columns


def _hashes(
    statistics: Statistics,
    X: Value,
) -> list[Value]:
    """Return the hashes of categories, each of shape (n_rows, 1), int64."""
    found = []
    offsets = statistics.hash_offsets
    for number, column in enumerate(statistics.hash_column.tolist()):
        start = offsets[number]
        end = offsets[number + 1]
        hashes = statistics.hashes[start:end]
        chosen = X.take_columns([column])
        codes = chosen.fill_missing(-1.0)
        n_levels = len(hashes) - 2
        bounded = codes.clip(-1.0, n_levels)
        places = bounded.cast("INT64") + 1
        found.append(places.look_up(hashes, "INT64"))
    return found


def _flags(
    statistics: Statistics,
    X: Value,
) -> list[Value]:
    """Return 1 where a number is above a border, or a category in a set; else 0; int64."""
    conditions = statistics.conditions
    flags = []
    for number, column in enumerate(conditions.column.tolist()):
        values = X.take_columns([column])
        if number >= conditions.n_numeric:
            table = memberships(conditions, [number - conditions.n_numeric])
            codes = category_codes(values, len(table) - 2)
            flags.append(codes.look_up(table[:, 0], "INT64"))
            continue
        is_missing = values.is_missing()
        known = values.replace(0.0, is_missing)
        is_above = known > float(conditions.threshold[number])
        is_right = not conditions.missing_left[number]
        flag = is_above.replace(is_right, is_missing)
        flags.append(flag.cast("INT64"))
    return flags


def _places(
    statistics: Statistics,
    sources: list[Value],
    combination: int,
) -> Value:
    """Return where rows' hashes are among a combination's keys; their count for unknown ones."""
    start, end = statistics.part_offsets[combination : combination + 2].tolist()
    factors = statistics.factors.view(np.int64)
    parts = []
    for part in range(start, end):
        source = sources[int(statistics.part_source[part])]
        parts.append(source * factors[part, 0])
    hashes = total(parts)
    n_bits = statistics.number_bits
    shifted = _shifted(hashes, n_bits)
    first, last = statistics.first_key[combination : combination + 2].tolist()
    mask = np.uint64(2 ** (_WORD_BITS - n_bits) - 1)
    keys = statistics.keys[first:last] & mask
    if not len(keys):
        return shifted * 0
    signed = keys.astype(np.int64)
    return shifted.places_in(signed.tolist(), len(keys))


def _shifted(
    hashes: Value,
    n_bits: int,
) -> Value:
    """Return the upper bits of hashes."""
    words = hashes.cast("UINT64")
    shift = words.like(n_bits)
    shifted = words.graph.op("BitShift", words, shift, direction="RIGHT")
    return shifted.cast("INT64")


def _values(
    statistics: Statistics,
    column: int,
) -> Array:
    """Return a column's value for each key of its combination, and at last for other hashes."""
    first = statistics.first_value[column, 0]
    combination = statistics.combination[column]
    n_keys = np.diff(statistics.first_key)[combination]
    return statistics.values[first : first + n_keys + 1]
