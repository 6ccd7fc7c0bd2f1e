"""CatBoost's binary format (CBM) as values: its schema, and nothing of what it means.

A file is `CBM1` and FlatBuffers, each after its length in bytes: the model's core, and then the
tables of statistics. Their schemas are in CatBoost's catboost/libs/model/flatbuffers, and their
field numbers here are the order there. Nothing in a file is trusted, but what is read here is only
where it says it is: whether indices fit together is checked where they are used.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Floats
from automl.models.trees._flatbuffers import Table, read_root

Borders = npt.NDArray[np.float32]
Integers32 = npt.NDArray[np.int32]
Condition = tuple[int, float]  # a feature's number, and a border or a category's hash

BORDERS, BUCKETS, MEAN, FLOAT_MEAN, COUNTER, FREQUENCY = range(6)  # kinds of statistics
STEP = np.dtype([("left", "<u2"), ("right", "<u2")])
BUCKET = np.dtype([("hash", "<u8"), ("index", "<u4")])
HISTORY = np.dtype([("sum", "<f4"), ("count", "<i4")])

_MAGIC = b"CBM1"
_LENGTH = struct.Struct("<I")
_FORMAT = b"FlabuffersModel_v1"  # with this spelling
_STATISTICS_PART = b"static_provider_v1"
_FLOAT_SPLIT = np.dtype([("feature", "<i4"), ("value", "<f4")])
_ONE_HOT_SPLIT = np.dtype([("feature", "<i4"), ("value", "<i4")])
_NONE_RIGHT, _MISSING_LEFT, _MISSING_RIGHT = range(3)  # treatments of missing numbers
# A split is stored with 16 bits for its feature, so CatBoost itself allows no more.
_MAX_SPLIT_FEATURES = 2**16
_MAX_PARTS = 64  # of a combination; CatBoost makes them of a tree's splits and a few categories
_MAX_OUTPUTS = 100_000


@dataclass(frozen=True)
class NumberFeature:
    """A numeric column and its borders; `missing_left` says where a missing number goes."""

    number: int
    column: int
    borders: Borders
    missing_left: bool


@dataclass(frozen=True)
class OneHotFeature:
    """A category whose hashes are compared with values."""

    category: int
    values: Integers32


@dataclass(frozen=True)
class Combination:
    """Categories, numbers above borders, and categories of certain hashes."""

    categories: tuple[int, ...]
    above: tuple[Condition, ...]
    equal: tuple[Condition, ...]


@dataclass(frozen=True)
class Source:
    """A table of statistics: of which kind, and by which combination they are looked up.

    `classifier` is the number of the borders that the target was cut by.
    """

    kind: int
    combination: Combination
    classifier: int


@dataclass(frozen=True)
class StatisticFeature:
    """A column of statistics and its borders.

    Its value is `(good + prior) / (total + prior_total)`, shifted and scaled.
    """

    source: Source
    target_border: int
    prior: np.float32
    prior_total: np.float32
    shift: np.float32
    scale: np.float32
    borders: Borders


@dataclass(frozen=True)
class StatisticTable:
    """Where each hash's counts are in a table, and the table."""

    buckets: Array
    counts: npt.NDArray[np.uint8]
    denominator: int
    classes: int


Tables = Mapping[Source, StatisticTable]


@dataclass(frozen=True)
class CatBoostFile:
    """What a file holds; trees as CatBoost's `TModelTrees` has them."""

    outputs: int
    splits: Integers32
    sizes: Integers32
    steps: Array
    leaf_places: npt.NDArray[np.uint32]
    leaf_values: Floats
    scale: float
    bias: Floats
    numbers: Sequence[NumberFeature]
    categories: Mapping[int, int]  # a category's number: its column
    one_hot: Sequence[OneHotFeature]
    statistics: Sequence[StatisticFeature]
    tables: Tables


def read_file(blob: bytes, max_features: int) -> CatBoostFile:
    """Return what a file holds.

    Parameters
    ----------
    blob : bytes
    max_features : int
        Number of numeric features, and of categories, that it may have.

    Raises
    ------
    ValueError
        It was cut or lengthened, or holds what none of our fits makes.
    """
    if not blob.startswith(_MAGIC):
        raise ValueError("no mark of CatBoost's at the beginning")
    core_bytes, position = _take_sized(blob, len(_MAGIC))
    core = read_root(core_bytes)
    if core.text(0) != _FORMAT:
        raise ValueError("another format")
    part_names = core.texts(3, limit=1)
    tables: Tables = {}
    if part_names == [_STATISTICS_PART]:
        tables, position = _read_tables(blob, position)
    elif part_names:
        raise ValueError("a part of an unknown kind")
    if position != len(blob):
        raise ValueError("bytes after the end")
    return _read_trees(core.table(1), tables, max_features)


def _take_sized(blob: bytes, start: int) -> tuple[bytes, int]:
    """Return the bytes that follow their length, and where they end."""
    first = start + _LENGTH.size
    if first > len(blob):
        raise ValueError("an end in the middle")
    (size,) = _LENGTH.unpack_from(blob, start)
    end = first + size
    if end > len(blob):
        raise ValueError("an end in the middle")
    return blob[first:end], end


def _read_trees(trees: Table, tables: Tables, max_features: int) -> CatBoostFile:
    for text_or_embedding in (12, 13, 18):
        if trees.tables(text_or_embedding, limit=0):
            raise ValueError("texts")
    outputs = trees.integer(0)
    if not 1 <= outputs <= _MAX_OUTPUTS:
        raise ValueError(f"{outputs} outputs")
    numbers = trees.tables(5, max_features)
    categories = trees.tables(4, max_features)
    one_hot = trees.tables(6, max_features)
    return CatBoostFile(
        outputs=outputs,
        splits=trees.vector(1, "<i4"),
        sizes=trees.vector(2, "<i4"),
        steps=trees.vector(10, STEP),
        leaf_places=trees.vector(11, "<u4"),
        leaf_values=trees.vector(8, "<f8"),
        scale=trees.double(14, default=1.0),
        bias=_read_bias(trees, outputs),
        numbers=list(map(_read_number, numbers)),
        categories=dict(map(_read_category, categories)),
        one_hot=list(map(_read_one_hot, one_hot)),
        statistics=list(_read_statistics(trees)),
        tables=tables,
    )


def _read_bias(trees: Table, outputs: int) -> Floats:
    bias: Floats = trees.vector(16, "<f8")
    if len(bias):
        return bias
    return np.full(outputs, trees.double(15))


def _read_number(table: Table) -> NumberFeature:
    has_missing = table.byte(0) != 0
    treatment = table.byte(5)
    if treatment not in (_NONE_RIGHT, _MISSING_LEFT, _MISSING_RIGHT):
        raise ValueError("an unknown treatment of missing numbers")
    # A missing number is above no border unless CatBoost takes it for an infinite one.
    goes_right = has_missing and treatment == _MISSING_RIGHT
    return NumberFeature(
        number=table.integer(1, default=-1),
        column=table.integer(2, default=-1),
        borders=table.vector(3, "<f4"),
        missing_left=not goes_right,
    )


def _read_category(table: Table) -> tuple[int, int]:
    number = table.integer(0, default=-1)
    column = table.integer(1, default=-1)
    return number, column


def _read_one_hot(table: Table) -> OneHotFeature:
    return OneHotFeature(
        category=table.integer(0, default=-1),
        values=table.vector(1, "<i4"),
    )


def _read_statistics(trees: Table) -> Iterator[StatisticFeature]:
    """Yield the columns of statistics; sources that many of them share are read once."""
    sources: dict[int, Source] = {}
    for table in trees.tables(7, _MAX_SPLIT_FEATURES):
        described = table.table(0)
        base = described.table(0)
        if base.position not in sources:
            sources[base.position] = _read_source(base)
        yield StatisticFeature(
            source=sources[base.position],
            target_border=described.integer(1),
            prior=described.single(2),
            prior_total=described.single(3, default=1.0),
            shift=described.single(4),
            scale=described.single(5, default=1.0),
            borders=table.vector(1, "<f4"),
        )


def _read_source(base: Table) -> Source:
    combined = base.table(0)
    categories = combined.vector(0, "<i4")
    above = combined.vector(1, _FLOAT_SPLIT)
    equal = combined.vector(2, _ONE_HOT_SPLIT)
    n_parts = len(categories) + len(above) + len(equal)
    if n_parts > _MAX_PARTS:
        raise ValueError("a combination of too many parts")
    combination = Combination(
        categories=tuple(categories.tolist()),
        above=tuple(above.tolist()),
        equal=tuple(equal.tolist()),
    )
    return Source(
        kind=base.byte(1),
        combination=combination,
        classifier=base.integer(2),
    )


def _read_tables(blob: bytes, position: int) -> tuple[Tables, int]:
    """Return the tables of statistics by their sources, and where they end."""
    end = position + _LENGTH.size
    if end > len(blob):
        raise ValueError("an end in the middle")
    (count,) = _LENGTH.unpack_from(blob, position)
    if count > _MAX_SPLIT_FEATURES:
        raise ValueError("too many tables")
    tables = {}
    for _ in range(count):
        table_bytes, end = _take_sized(blob, end)
        table = read_root(table_bytes)
        source = _read_source(table.table(0))
        tables[source] = _read_table(table)
    return tables, end


def _read_table(table: Table) -> StatisticTable:
    raw: npt.NDArray[Any] = table.vector(1, np.uint8)
    if len(raw) % BUCKET.itemsize:
        raise ValueError("a table of hashes that was cut")
    return StatisticTable(
        buckets=raw.view(BUCKET),
        counts=table.vector(2, np.uint8),
        denominator=table.integer(3),
        classes=table.integer(4),
    )
