"""Find whole numbers that are keys of entities, such as hosts or patients.

Keys recur, and their order says nothing about another entity.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from automl.arrays import Floats, Integers
from automl.columns import Columns
from automl.features._base import Names, select_numbers
from automl.features.categorical_integers import are_integers, explained_variance
from automl.features.target import N_CROSS_FITTING_FOLDS, TargetColumns

MIN_KEY_ENTITIES = 25
MIN_RECURRING_SHARE = 0.2  # of the rows: those whose entity has another row
MAX_KEY_SHARE = 0.2  # of the rows; the zeros of a count are a larger share
MIN_OWN_VARIANCE = 0.01  # part of the target's variance that the entity explains
MIN_OWN_ROWS = 20.0  # ... and at least the part that this many of all rows are
MAX_NEIGHBOUR_RATIO = 0.1  # of the variance that neighbours in order explain, to the entity's own
GROUP_SIZES = (24, 6, 96, 12, 3, 48, 384, 192)  # neighbouring entities; the most telling size first
SEED = 0x6B65


def find_entity_keys(columns: Columns, targets: TargetColumns) -> Names:
    """Find the number columns that are keys of entities.

    An entity's own rows explain the target, and the entities next to it in the order of keys
    explain (nearly) nothing of it. Both are measured on rows that were held out: own means on
    rows, means of neighbours on whole entities. An amount fails, however it acts on the target:
    whatever its values explain, their neighbours explain as well.

    Parameters
    ----------
    columns : Columns
    targets : TargetColumns
        The rows, their target values, and inner folds.

    Returns
    -------
    tuple of str
        In the order of the columns.
    """
    scales = [targets]
    if targets.names == ("mean",):
        scales.append(_by_rank(targets))
    is_key = partial(_is_key, scales=scales)
    return select_numbers(columns, targets.rows, is_key)


def _by_rank(targets: TargetColumns) -> TargetColumns:
    """Replace target values with their ranks, among which a few enormous ones don't decide."""
    values = targets.values[:, 0]
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle_ranks = np.cumsum(counts) - counts / 2
    ranks = middle_ranks[codes]
    return replace(targets, values=ranks[:, None])


def _is_key(values: Floats, scales: list[TargetColumns]) -> bool:
    entities = _Entities.of(values)
    if entities is None:
        return False
    views = [_Explained.of(entities, scale) for scale in scales]
    best = max(views, key=lambda view: view.by_entity)
    share_of_rows = MIN_OWN_ROWS / len(entities.rows)
    min_variance = max(MIN_OWN_VARIANCE, share_of_rows)
    if best.by_entity < min_variance:
        return False
    max_by_neighbours = MAX_NEIGHBOUR_RATIO * best.by_entity
    for groups in entities.neighbourhoods:
        for view in views:
            if view.by_other_entities(groups) > max_by_neighbours:
                return False
    for groups in entities.neighbourhoods:
        if best.by_group(groups) >= best.by_entity - min_variance:
            return False
    return True


@dataclass(frozen=True)
class _Entities:
    """Rows that have a key.

    Parameters
    ----------
    rows : ndarray of shape (n_present,), int64
    codes : ndarray of shape (n_present,), int64
        The entity of each row, numbered in increasing order of their keys.
    n_entities : int
    """

    rows: Integers
    codes: Integers
    n_entities: int

    @classmethod
    def of(cls, values: Floats) -> _Entities | None:
        """Find the entities; None if the values aren't whole numbers, are few, or seldom recur."""
        rows = np.flatnonzero(~np.isnan(values))
        present = values[rows]
        if not are_integers(present):
            return None
        distinct_keys, codes, rows_per_key = np.unique(
            present, return_inverse=True, return_counts=True
        )
        if len(distinct_keys) < MIN_KEY_ENTITIES:
            return None
        recurring = rows_per_key[rows_per_key > 1]
        recurring_share = recurring.sum() / len(present)
        if recurring_share < MIN_RECURRING_SHARE:
            return None
        largest_share = rows_per_key.max() / len(present)
        if largest_share > MAX_KEY_SHARE:
            return None
        codes = codes.astype(np.int64)
        return cls(rows, codes, len(distinct_keys))

    @cached_property
    def folds(self) -> Integers:
        """The fold of each row, the same for all rows of an entity."""
        rng = np.random.default_rng(SEED)
        shuffled = rng.permutation(self.n_entities)
        fold_of_entity = shuffled % N_CROSS_FITTING_FOLDS
        return fold_of_entity[self.codes]

    @cached_property
    def neighbourhoods(self) -> tuple[Integers, ...]:
        """For several group sizes, the number of each entity's group of neighbours."""
        entities = np.arange(self.n_entities)
        sizes = [size for size in GROUP_SIZES if 2 * size <= self.n_entities]
        return tuple(entities // size for size in sizes)


@dataclass(frozen=True)
class _Explained:
    """Parts of the target's variance that entities and their neighbours explain, on one scale.

    The entity that explains most is left out: an amount may have one value that is special, such
    as 0 or 999.

    Parameters
    ----------
    targets : TargetColumns
        Of the rows of the other entities.
    codes : ndarray of int64
        The entity of each of these rows.
    entity_folds : ndarray of int64
        Folds that keep entities whole.
    n_entities : int
    """

    targets: TargetColumns
    codes: Integers
    entity_folds: Integers
    n_entities: int

    @classmethod
    def of(cls, entities: _Entities, targets: TargetColumns) -> _Explained:
        """Collect the entities' rows, but for those of the entity that explains most."""
        present = targets.take(entities.rows)
        special = _most_special(present.values, entities)
        kept = np.flatnonzero(entities.codes != special)
        others = present.take(kept)
        codes = entities.codes[kept]
        entity_folds = entities.folds[kept]
        return cls(others, codes, entity_folds, entities.n_entities)

    @cached_property
    def by_entity(self) -> float:
        """The part that entities explain on their own other rows."""
        return explained_variance(self.codes, self.n_entities, self.targets)

    def by_group(self, groups: Integers) -> float:
        """Return the part that groups of neighbours explain on their own other rows."""
        group_of_row = groups[self.codes]
        n_groups = int(groups[-1]) + 1
        return explained_variance(group_of_row, n_groups, self.targets)

    def by_other_entities(self, groups: Integers) -> float:
        """Return the part that groups of neighbours explain on other entities."""
        targets = replace(self.targets, folds=self.entity_folds)
        group_of_row = groups[self.codes]
        n_groups = int(groups[-1]) + 1
        return explained_variance(group_of_row, n_groups, targets)


def _most_special(values: Floats, entities: _Entities) -> int:
    """Return the entity whose mean lies farthest from the mean of all, weighted by its rows."""
    n_entities = entities.n_entities
    counts = np.bincount(entities.codes, minlength=n_entities)
    centred = values - values.mean(axis=0)
    totals = []
    for output in centred.T:
        total = np.bincount(entities.codes, output, n_entities)
        totals.append(total)
    squares = np.square(totals)
    squares = squares.sum(axis=0)
    return int(np.argmax(squares / counts))
