"""CatBoost's tables of statistics as columns of ours: every value is computed once, here."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from automl.arrays import Array, Integers
from automl.models.trees._catboost_columns import (
    CategoryTest,
    Columns,
    NumberTest,
    conditions_of,
)
from automl.models.trees._catboost_counts import Counts, values_of
from automl.models.trees._catboost_file import (
    Combination,
    Source,
    StatisticFeature,
    Tables,
)
from automl.models.trees.conditions import Indices
from automl.models.trees.statistics import Singles, Statistics, Words, make_keys

Part = int | NumberTest | CategoryTest  # a column of categories, or a test


def convert_statistics(
    features: Sequence[StatisticFeature],
    tables: Tables,
    columns: Columns,
    max_values: int,
) -> Statistics:
    """Return columns of statistics.

    Parameters
    ----------
    features : sequence of StatisticFeature
        One or more.
    tables : mapping of Source to StatisticTable
    columns : Columns
        The columns that combinations read.
    max_values : int
        Number of values that all columns may have together.

    Raises
    ------
    ValueError, LookupError
        A table is missing or damaged, or there are too many values.
    """
    readable: dict[Source, Counts] = {}
    for feature in features:
        source = feature.source
        if source not in readable:
            readable[source] = Counts.of(tables[source])
    known = _known_hashes(readable)
    numbers = dict(zip(known, range(len(known)), strict=True))
    chosen = []
    values = []
    n_values = 0
    for feature in features:
        combination = feature.source.combination
        hashes = known[combination]
        n_values += len(hashes) + 1
        if n_values > max_values:
            raise ValueError("more values than a file of its size can have")
        counts = readable[feature.source]
        of_feature = values_of(feature, counts, hashes)
        values.append(of_feature)
        chosen.append(numbers[combination])
    return _assemble(
        known,
        columns,
        combination=np.array(chosen, np.int32),
        values=np.concatenate(values),
    )


def _known_hashes(
    readable: Mapping[Source, Counts],
) -> dict[Combination, Words]:
    """Return the hashes that any table of a combination knows, in ascending order."""
    known: dict[Combination, Words] = {}
    for source, counts in readable.items():
        combination = source.combination
        hashes = counts.hashes
        others = known.get(combination, hashes)
        known[combination] = np.union1d(others, hashes)
    return known


def _assemble(
    known: Mapping[Combination, Words],
    columns: Columns,
    combination: Indices,
    values: Singles,
) -> Statistics:
    """Return the columns that have these values, after checking them."""
    parts = _Parts.of(known, columns)
    hashes = []
    for column in parts.hashed:
        hashed = columns.hashed(column)
        hashes.append(hashed.hashes)
    statistics = Statistics(
        conditions=conditions_of(parts.numbers, parts.categories),
        hash_column=np.array(parts.hashed, np.int32),
        hash_offsets=_offsets(hashes),
        hashes=_concatenate(hashes),
        part_offsets=_offsets(parts.sources),
        part_source=_concatenate(parts.sources),
        keys=_keys(list(known.values())),
        combination=combination,
        values=values,
    )
    statistics.check(columns.count)
    return statistics


def _offsets(pieces: Sequence[Array]) -> Integers:
    """Return where each piece begins, and where the last one ends."""
    sizes = map(len, pieces)
    offsets = np.cumsum([0, *sizes])
    return offsets.astype(np.int64)


def _concatenate(pieces: Sequence[Indices]) -> Indices:
    """Return all pieces in one; there may be none."""
    nothing = np.empty(0, np.int32)
    return np.concatenate([nothing, *pieces])


def _keys(known: Sequence[Words]) -> Words:
    """Return the keys of all combinations' hashes."""
    sizes = list(map(len, known))
    numbers = np.arange(len(known), dtype=np.uint64)
    return make_keys(
        np.concatenate(known),
        np.repeat(numbers, sizes),
        len(known),
    )


@dataclass(frozen=True)
class _Parts:
    """What combinations are made of, each once, and the parts of each.

    Parameters
    ----------
    hashed : list of int
        Columns whose categories' hashes are parts.
    numbers : list of NumberTest
    categories : list of CategoryTest
    sources : list of ndarray of int32
        The parts of each combination, as `Statistics.part_source` has them.
    """

    hashed: list[int]
    numbers: list[NumberTest]
    categories: list[CategoryTest]
    sources: list[Indices]

    @classmethod
    def of(cls, combinations: Iterable[Combination], columns: Columns) -> _Parts:
        """Return the parts of combinations, in CatBoost's order."""
        drawn = [_draw(combination, columns) for combination in combinations]
        parts = dict.fromkeys(itertools.chain(*drawn))
        hashed = [part for part in parts if isinstance(part, int)]
        numbers = [part for part in parts if isinstance(part, NumberTest)]
        categories = [part for part in parts if isinstance(part, CategoryTest)]
        places: dict[Part, int] = {}
        ordered: list[Part] = [*hashed, *numbers, *categories]
        for part in ordered:
            places[part] = len(places)
        sources = []
        for each in drawn:
            chosen = [places[part] for part in each]
            indices = np.array(chosen, np.int32)
            sources.append(indices)
        return cls(hashed, numbers, categories, sources)


def _draw(combination: Combination, columns: Columns) -> list[Part]:
    """Return a combination's parts."""
    parts: list[Part] = []
    for category in combination.categories:
        column = columns.categories[category]
        parts.append(column)
    for number, border in combination.above:
        above = columns.number_test(number, border)
        parts.append(above)
    for category, value in combination.equal:
        equal = columns.category_test(category, int(value))
        parts.append(equal)
    return parts
