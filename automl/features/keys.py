"""Whole numbers that are keys of entities (a host, a patient): they recur, and their order says nothing about another entity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from automl.columns import Columns, Floats
from automl.features._base import numbers_of
from automl.features.categorical_integers import explained
from automl.features.target import N_FOLDS, Places, Targets

FEWEST_ENTITIES = 25
FEWEST_RECURRING = 0.2  # share of the rows whose entity has another row
LARGEST_ENTITY = 0.2  # share of the rows; a count's zeros are more
LEAST_OWN = 0.01  # part of the target's variance that the entity tells
LEAST_OWN_ROWS = 20.0  # ... and at least as much as so many rows are of all
MOST_ORDER = 0.1  # part of what the entity tells that its neighbours in order tell of it
WIDTHS = (
    24,
    6,
    96,
    12,
    3,
    48,
    384,
    192,
)  # neighbouring entities that are taken together, the most telling first
SEED = 0x6B65


def entity_keys(columns: Columns, targets: Targets) -> tuple[str, ...]:
    """Find the number columns that are keys of entities.

    An entity's own rows tell of the target, and the entities beside it in the order of keys tell (nearly) nothing.
    Both are measured on rows that were held out: own means on rows, means of neighbours on whole entities.
    An amount fails, however it acts on the target: what its values tell, their neighbours tell as well.

    Parameters
    ----------
    columns : Columns
    targets : Targets
        The rows, what is predicted there, and inner folds.

    Returns
    -------
    tuple of str
        In the order of the columns.
    """
    scales = [targets, _ranked(targets)] if targets.names == ("mean",) else [targets]
    return tuple(
        name
        for name in columns.names("number")
        if _is_key(numbers_of(columns[name], name)[targets.rows], scales)
    )


def _ranked(targets: Targets) -> Targets:
    """The same with the ranks of values, among which a few enormous ones don't decide."""
    _, places, counts = np.unique(targets.values[:, 0], return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - counts / 2
    return replace(targets, values=middles[places][:, None])


def _is_key(values: Floats, scales: list[Targets]) -> bool:
    entities = _Entities.of(values)
    if entities is None:
        return False
    views = [_View.of(entities, scale) for scale in scales]
    view = max(views, key=lambda one: one.own)
    least = max(LEAST_OWN, LEAST_OWN_ROWS / len(entities.rows))
    if view.own < least:
        return False
    if any(
        one.between(groups) > MOST_ORDER * view.own
        for groups in entities.neighbourhoods
        for one in views
    ):
        return False
    return all(view.within(groups) < view.own - least for groups in entities.neighbourhoods)


@dataclass(frozen=True)
class _Entities:
    """Rows with a key, and which of the distinct keys, in increasing order, each of them has."""

    rows: Places
    places: Places
    n_entities: int

    @classmethod
    def of(cls, values: Floats) -> _Entities | None:
        """Find the entities; None if the values are no whole numbers, are few, or seldom recur."""
        rows = np.flatnonzero(~np.isnan(values))
        present = values[rows]
        if (
            not len(present)
            or (present != np.floor(present)).any()
            or np.abs(present).max() > 2**53
        ):
            return None
        seen, places, counts = np.unique(present, return_inverse=True, return_counts=True)
        recurring, largest = counts[counts > 1].sum() / len(present), counts.max() / len(present)
        if len(seen) < FEWEST_ENTITIES or recurring < FEWEST_RECURRING or largest > LARGEST_ENTITY:
            return None
        return cls(rows, places.astype(np.int64), len(seen))

    @cached_property
    def folds(self) -> Places:
        """A fold for each row, the same for all rows of an entity."""
        shuffled = np.random.default_rng(SEED).permutation(self.n_entities)
        return (shuffled % N_FOLDS)[self.places]

    @cached_property
    def neighbourhoods(self) -> tuple[Places, ...]:
        """For each entity, the number of its group of neighbours, in groups of several sizes."""
        return tuple(
            np.arange(self.n_entities) // width for width in WIDTHS if 2 * width <= self.n_entities
        )


@dataclass(frozen=True)
class _View:
    """What entities tell of the target on one scale.

    The entity that tells most is left out: an amount may have one value that is special, such as 0 or 999.

    Parameters
    ----------
    targets : Targets
        Of the rows of the other entities.
    places : ndarray of int64
        The entity of each of these rows.
    entity_folds : ndarray of int64
        Folds that keep entities whole.
    n_entities : int
    """

    targets: Targets
    places: Places
    entity_folds: Places
    n_entities: int

    @classmethod
    def of(cls, entities: _Entities, targets: Targets) -> _View:
        """Look at the entities' rows, but for those of the most telling one."""
        values = targets.values[entities.rows]
        counts = np.bincount(entities.places, minlength=entities.n_entities)
        off = [
            np.bincount(entities.places, column, entities.n_entities)
            for column in (values - values.mean(axis=0)).T
        ]
        kept = np.flatnonzero(
            entities.places != int(np.argmax(np.square(off).sum(axis=0) / counts))
        )
        known = replace(targets, values=values[kept], folds=targets.folds[entities.rows][kept])
        return cls(known, entities.places[kept], entities.folds[kept], entities.n_entities)

    @cached_property
    def own(self) -> float:
        """The part of the target's variance that entities tell of their own other rows."""
        return explained(self.places, self.n_entities, self.targets)

    def within(self, groups: Places) -> float:
        """The part that groups of neighbours tell of their own other rows."""
        return explained(groups[self.places], int(groups[-1]) + 1, self.targets)

    def between(self, groups: Places) -> float:
        """The part that groups of neighbours tell of other entities."""
        return explained(
            groups[self.places], int(groups[-1]) + 1, replace(self.targets, folds=self.entity_folds)
        )
