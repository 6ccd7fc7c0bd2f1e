"""Candidate entities: columns that identify them, their rows, and columns that describe them."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from automl.arrays import Bools, Floats, Rows
from automl.cleaning.groups import (
    CONSTANT_SHARE,
    constancy,
    sample_whole_groups,
    variance_between_groups,
)
from automl.folds import HasTime

Names = tuple[str, ...]

MIN_ROWS_PER_ENTITY = 1.5  # on average
MIN_ENTITIES = 8  # fewer cannot be held out several times
MIN_SHARED_ROWS_SHARE = 0.5  # of the rows belong to an entity with several
MAX_ENTITY_SHARE = 0.3  # of the rows belong to one entity
MIN_TARGET_SHARE = 0.1  # of the target's variance lies between entities
MIN_STANDARD_ERRORS = 4.0  # above chance
MIN_PROFILE_COLUMNS = 2  # descriptive columns that are constant within an entity
MIN_PROFILE_SHARE = 0.5  # of a column's cells, for it to belong to a profile
MAX_PROFILE_CELLS = 100_000  # rows x columns that are searched for constant columns
MIN_PROFILE_ROWS = 800

_ENTITY_WORDS = (
    "patient|subject|person|people|host|customer|client|user|player|member|student|employee"
    "|worker|driver|owner|household|family|account|device|machine|sensor|animal|participant"
    "|respondent|club|team|store|shop|hospital|clinic|farm|school|company|firm|site|plant|unit"
    "|batch|vehicle|property|listing|guest|author|seller|visitor|donor"
)
_ENTITY_NAME = re.compile(
    rf"(^|[\s_\-.])({_ENTITY_WORDS})s?"
    r"([\s_\-.]?(id|no|nr|num|number|name|key|code|uid|ref))?$",
    re.IGNORECASE,
)
_KEY_NAME = re.compile(
    r"(^|[\s_\-.])(id|ids|uid|uuid|guid|key|mrn)$|[a-z](Id|ID|Key)$", re.IGNORECASE
)
_CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Entity:
    """Columns that identify the owners of rows, and how alike the targets of an owner are.

    Parameters
    ----------
    columns : tuple of str
        One key, or columns that identify an entity together.
    profile : tuple of str
        Other columns that are constant within an entity.
    groups : ndarray of shape (n_rows,), int64
        The entity of each row of the table.
    target_share : float
        The part of the target's variance that lies between entities, less the part that chance
        explains.
    n_entities : int
    """

    columns: Names
    profile: Names
    groups: Rows
    target_share: float
    n_entities: int

    @property
    def has_entity_name(self) -> bool:
        """Whether the key's name says an entity, such as a patient."""
        return len(self.columns) == 1 and is_entity_name(self.columns[0])

    @property
    def has_key_name(self) -> bool:
        """Whether the name of the one column says that it is a key."""
        return len(self.columns) == 1 and is_key_name(self.columns[0])

    @property
    def is_described(self) -> bool:
        """Whether enough columns that describe an entity are constant within it."""
        n_further_keys = len(self.columns) - 1
        return len(self.profile) >= MIN_PROFILE_COLUMNS - n_further_keys


def is_entity_name(name: str) -> bool:
    """Return whether a column has a name that people give to entities.

    >>> [is_entity_name(name) for name in ("patient_id", "Host Name", "store")]
    [True, True, True]
    >>> [is_entity_name(name) for name in ("brand", "unit_price", "age")]
    [False, False, False]
    """
    words = _CAMEL_CASE.sub("_", name)
    return bool(_ENTITY_NAME.search(words))


def is_key_name(name: str) -> bool:
    """Return whether a column's name says that it is a key."""
    return bool(_KEY_NAME.search(name))


def has_entity_sizes(groups: Rows) -> bool:
    """Return whether groups may be entities by their sizes.

    There are several of them, most rows belong to one with several rows, and none owns most rows.
    """
    sizes = np.bincount(groups)
    sizes = sizes[sizes > 0]
    n_rows = len(groups)
    n_entities = len(sizes)
    if n_entities < MIN_ENTITIES:
        return False
    if n_rows < MIN_ROWS_PER_ENTITY * n_entities:
        return False
    n_shared_rows = sizes[sizes > 1].sum()
    if n_shared_rows < MIN_SHARED_ROWS_SHARE * n_rows:
        return False
    return bool(sizes.max() <= MAX_ENTITY_SHARE * n_rows)


@dataclass(frozen=True)
class EntitySample:
    """Rows of a table in which entities are searched for.

    Parameters
    ----------
    codes : dict of str to ndarray of shape (n_rows,), int64
        The exact values of each column.
    outputs : ndarray of shape (n_rows, n_outputs), float64
        The target.
    filled : dict of str to ndarray of shape (n_rows,), bool
        Which cells are not missing, of each column that may describe an entity.
    dates : collection of str
        Columns that may describe an entity, and are no key.
    seed : int
    has_time : callable
        Whether there is time for another column.
    """

    codes: dict[str, Rows]
    outputs: Floats
    filled: dict[str, Bools]
    dates: Collection[str]
    seed: int
    has_time: HasTime

    @property
    def n_rows(self) -> int:
        """Number of rows in the sample."""
        return len(self.outputs)

    @property
    def descriptive(self) -> list[str]:
        """The columns that may describe an entity, sorted by name."""
        return sorted(self.filled)

    def known_codes(self, name: str, rows: Rows) -> Rows:
        """Return the codes of some rows of a descriptive column, -1 where missing."""
        is_filled = self.filled[name][rows]
        codes = self.codes[name][rows]
        codes[~is_filled] = -1
        return codes

    def similarity(self, groups: Rows) -> float:
        """Return how alike targets within groups are; 0 if chance may explain it."""
        between = variance_between_groups(groups, self.outputs)
        if between.standard_errors < MIN_STANDARD_ERRORS:
            return 0.0
        if between.share < MIN_TARGET_SHARE:
            return 0.0
        return between.share

    def profile_rows(self, groups: Rows) -> Rows:
        """Return rows enough to see which columns are constant within groups."""
        max_rows = MAX_PROFILE_CELLS // len(self.codes)
        return sample_whole_groups(groups, max(MIN_PROFILE_ROWS, max_rows), self.seed)

    def is_constant(self, name: str, groups: Rows, rows: Rows) -> bool:
        """Return whether a descriptive column is constant within groups, where it is known."""
        is_filled = self.filled[name][rows]
        known = rows[is_filled]
        if len(known) < MIN_PROFILE_SHARE * len(rows):
            return False
        codes = self.codes[name][known]
        return constancy(groups[known], codes, self.seed) >= CONSTANT_SHARE


def candidate(names: Names, groups: Rows, sample: EntitySample) -> Entity:
    """Return the entity that columns identify in a sample, with the columns that describe it."""
    rows = sample.profile_rows(groups)
    others = [name for name in sample.descriptive if name not in names]
    profile = tuple(name for name in others if sample.is_constant(name, groups, rows))
    n_entities = int(groups.max()) + 1
    between = variance_between_groups(groups, sample.outputs)
    return Entity(names, profile, groups, between.share, n_entities)
