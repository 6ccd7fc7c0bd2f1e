"""CatBoost files made by hand: an honest small one, and parts to forge others of."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from automl.arrays import Array
from automl.models.trees._catboost_file import BUCKET, COUNTER
from tests.models.trees.flatbuffer_writer import Fields, f32, i8, i32, write_buffer

LEVELS = (0, 3)  # a number and a category of three levels


def integers(*values: int) -> Array:
    return np.array(values, "<i4")


def singles(*values: float) -> Array:
    return np.array(values, "<f4")


def doubles(*values: float) -> Array:
    return np.array(values, "<f8")


def number(column: int = 0, *borders: float) -> Fields:
    """The fields of the first numeric feature."""
    return {1: i32(0), 2: i32(column), 3: singles(*borders)}


def category(column: int = 1) -> Fields:
    """The fields of the first category."""
    return {0: i32(0), 1: i32(column)}


def source(kind: int = COUNTER, *categories: int) -> Fields:
    """The fields of a source of statistics."""
    return {0: {0: integers(*categories)}, 1: i8(kind)}


def statistic(of: Fields, *borders: float) -> Fields:
    """The fields of a column of statistics."""
    return {0: {0: of, 2: f32(0.5)}, 1: singles(*borders)}


def table(of: Fields, hashes: Array, counts: Array, classes: int = 0) -> Fields:
    """The fields of a table whose hashes have the rows of counts in their order."""
    buckets = np.empty(len(hashes), BUCKET)
    buckets["hash"] = hashes
    buckets["index"] = np.arange(len(hashes))
    return {
        0: of,
        1: buckets.view(np.uint8),
        2: counts.view(np.uint8),
        3: i32(10),
        4: i32(classes),
    }


def trees(**changes: Any) -> Fields:
    """The fields of two trees of one split each by a number, with some changed."""
    fields = {
        "outputs": i32(1),
        "splits": integers(0, 1),
        "sizes": integers(1, 1),
        "categories": [category()],
        "numbers": [number(0, -1.0, 1.0)],
        "one_hot": [],
        "statistics": [],
        "leaves": doubles(1, 2, 3, 4),
        "steps": integers(),
        "leaf_places": integers(),
        "bias": doubles(0.5),
    }
    numbers = (0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 16)
    return dict(zip(numbers, (fields | changes).values(), strict=True))


def file_of(of: Fields, *tables: Fields) -> bytes:
    """The file that holds trees and tables of statistics."""
    core: Fields = {0: b"FlabuffersModel_v1", 1: of}
    if tables:
        core[3] = [b"static_provider_v1"]
    blob = b"CBM1" + _sized(write_buffer(core))
    if tables:
        blob += struct.pack("<I", len(tables))
    for each in tables:
        blob += _sized(write_buffer(each))
    return blob


def _sized(raw: bytes) -> bytes:
    return struct.pack("<I", len(raw)) + raw
