"""Entities that own several rows: patients, hosts, players, found by one column or several."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from automl.arrays import Floats, Rows
from automl.cleaning.composite_keys import MAX_KEY_PARTS, find_composite_keys
from automl.cleaning.entity_candidates import (
    Entity,
    EntitySample,
    candidate,
    has_entity_sizes,
    is_entity_name,
    is_key_name,
)
from automl.cleaning.groups import combine_codes, exact_codes, target_outputs
from automl.cleaning.single_feature import filled_cells
from automl.columns import Categories, Column, Columns, Numbers
from automl.folds import HasTime, sample_rows, unlimited

MAX_SAMPLED_ROWS = 20_000
MAX_ENTITY_CELLS = 1_000_000  # rows x columns
MIN_ROWS_FOR_ENTITIES = 40
MAX_KEYS = 6  # single columns that are examined closely
MAX_EQUAL_GROUPS_RATIO = 1.1  # combinations of two partitions, over the fewer of their groups
# Values of a categorical integer that describes: an age may look like one where patients own
# several rows.
MAX_DESCRIPTIVE_INTEGERS = 100
MAX_DESCRIPTIVE_LEVELS = 50  # of a category; one with more is a key itself


def find_entities(
    columns: Columns,
    y: Floats,
    is_regression: bool,
    seed: int = 0,
    categorical_integers: Collection[str] = (),
    has_time: HasTime = unlimited,
) -> tuple[Entity, ...]:
    """Find columns that may identify entities with several rows and alike targets.

    Whether a model benefits from knowing the entity must be measured by a probe.

    Parameters
    ----------
    columns : Columns
        Without copies of rows, because a copy is not another row of the entity.
    y : ndarray of shape (n_rows,), float64
    is_regression : bool
    seed : int
    categorical_integers : collection of str
        Columns of numbers that stand for categories; if they have many values, they describe
        nothing.
    has_time : callable
        Whether there is time for another column.

    Returns
    -------
    tuple of Entity
        The likeliest first.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> patient = np.repeat(np.arange(30.0), 5)
    >>> table = Columns({"patient_id": Numbers(patient), "x": Numbers(rng.normal(size=150))}, 150)
    >>> target = np.repeat(rng.normal(size=30), 5)
    >>> [entity.columns for entity in find_entities(table, target, is_regression=True)]
    [('patient_id',)]
    """
    if columns.n_rows < MIN_ROWS_FOR_ENTITIES:
        return ()
    stream = (seed, 7)
    rows = sample_rows(columns.n_rows, MAX_SAMPLED_ROWS, stream)
    affordable = MAX_ENTITY_CELLS // len(rows)
    max_columns = max(MAX_KEY_PARTS, affordable)
    names = [name for name in columns.names() if not _is_second_reading(name, columns)]
    codes = {}
    filled = {}
    for name in names[:max_columns]:
        column = columns[name].take(rows)
        values = exact_codes(column)
        n_values = values.max(initial=0) + 1
        if n_values == 1:
            continue
        codes[name] = values
        if name in categorical_integers and n_values > MAX_DESCRIPTIVE_INTEGERS:
            continue
        if _is_descriptive(column):
            filled[name] = filled_cells(column)
    dates = {name for name in codes if columns[name].kind == "date"}
    outputs = target_outputs(y[rows], is_regression)
    sample = EntitySample(codes, outputs, filled, dates, seed, has_time)
    candidates = list(_single_keys(sample))
    candidates += find_composite_keys(sample)
    entities = _distinct(candidates)
    return tuple(_of_all_rows(entity, columns) for entity in entities)


def _is_second_reading(name: str, columns: Columns) -> bool:
    """Return whether a column is another one that was read a second time."""
    stem, _, reading = name.rpartition(" (")
    return reading in ("code)", "spelling)") and stem in columns.by_name


def _is_descriptive(column: Column) -> bool:
    """Return whether a column may describe an entity: a number, or one of a few words."""
    if isinstance(column, Categories):
        return len(column.levels) <= MAX_DESCRIPTIVE_LEVELS
    return isinstance(column, Numbers)


def _single_keys(sample: EntitySample) -> Iterator[Entity]:
    """Yield entities of single columns under whose values targets are alike."""
    ranked: list[tuple[float, str]] = []
    for name, codes in sample.codes.items():
        if name in sample.dates or not has_entity_sizes(codes):
            continue
        similarity = sample.similarity(codes)
        if similarity:
            bonus = 2 * is_entity_name(name)
            score = similarity + bonus + is_key_name(name)
            ranked.append((score, name))
    ranked.sort(reverse=True)
    for _, name in ranked[:MAX_KEYS]:
        if sample.has_time():
            codes = sample.codes[name]
            yield candidate((name,), codes, sample)


def _of_all_rows(entity: Entity, columns: Columns) -> Entity:
    """Return an entity that was found in a sample, with the groups of the whole table."""
    codes = [exact_codes(columns[name]) for name in entity.columns]
    groups = combine_codes(codes)
    n_entities = _count_groups(groups)
    return replace(entity, groups=groups, n_entities=n_entities)


def _distinct(entities: Sequence[Entity]) -> Iterator[Entity]:
    """Yield one entity of those that separate nearly the same rows, the likeliest first."""
    distinct: list[Entity] = []
    for entity in sorted(entities, key=_rank):
        if any(_is_same(entity, other) for other in distinct):
            continue
        distinct.append(entity)
        yield entity


def _rank(entity: Entity) -> tuple[bool, bool, bool, int, float]:
    """Return a sort key: named keys come first, then described ones, then single columns."""
    return (
        not entity.has_entity_name,
        not entity.is_described,
        not entity.has_key_name,
        len(entity.columns),
        -entity.target_share,
    )


def _is_same(entity: Entity, other: Entity) -> bool:
    """Return whether an entity is another one, perhaps by the columns that describe it."""
    described = {*other.columns, *other.profile}
    if described.issuperset(entity.columns):
        return True
    return _has_same_groups(entity.groups, other.groups)


def _has_same_groups(groups: Rows, others: Rows) -> bool:
    """Return whether two partitions of the rows hardly differ."""
    combined = combine_codes([groups, others])
    n_groups = _count_groups(groups)
    n_fewer = min(n_groups, _count_groups(others))
    return _count_groups(combined) <= MAX_EQUAL_GROUPS_RATIO * n_fewer


def _count_groups(groups: Rows) -> int:
    return int(groups.max()) + 1
