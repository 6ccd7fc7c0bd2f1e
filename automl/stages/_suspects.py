"""Suspects: reasons why the score may be untrue, each with folds that show the score without it.

Statistics name leaks, copies of rows, entities that own several rows, and drift with time. Whether
they change the score is then measured by probes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from automl import folds as held_out
from automl.arrays import Rows
from automl.budget import Budget
from automl.cleaning.column_names import is_made_of
from automl.cleaning.drift import Drift, find_drift, time_blocks
from automl.cleaning.duplicates import Copies
from automl.cleaning.entities import find_entities
from automl.cleaning.entity_candidates import Entity
from automl.cleaning.groups import compact_codes, sample_whole_groups
from automl.cleaning.leaks import find_leaks
from automl.columns import Categories
from automl.dataset import Dataset
from automl.executor.probes import ProbeFolds
from automl.finding import Finding
from automl.stages._score_findings import (
    copies_finding,
    drift_finding,
    entity_finding,
    leak_finding,
)

Names = tuple[str, ...]
SuspectKind = Literal["leak", "copied_rows", "entity", "drift", "faint_drift"]

N_PROBE_FOLDS = 3
MIN_PROBE_ROWS = 300
MAX_PROBE_ROWS = 4_000
MAX_HASTY_PROBE_ROWS = 2_000  # where there is less time than the next constant for statistics
HASTY_SECONDS = 0.9
MAX_PROBE_CELLS = 1_000_000  # rows x columns x classes
MAX_PROBED_ENTITIES = 3
N_TIME_BLOCKS = 24  # of rows whose errors go together

MIN_NAMED_ENTITIES = 15  # under an entity's name: a dozen families of products recur
MIN_BARE_ENTITIES = 40  # that are words, and nothing else is known of them
MAX_ROWS_PER_WORD = 15  # on average; brands and towns have more
MIN_DESCRIBED_SHARE = 0.45  # of the target's variance between entities: of suburbs it is a third
# Of the target's variance between entities, from where on they are reported without a probe.
SURE_NAMED_SHARE = 0.5
SURE_DESCRIBED_SHARE = 0.9
SURE_LEVEL_SHARE = 0.2  # of the target's variance between tenths of the time: reported in any case
MIN_RELATION_ERRORS = 4.0  # standard errors by which relations change with time


@dataclass(frozen=True)
class HoldoutOptions:
    """The user's settings of how rows are held out, and the integers that are categories."""

    has_groups: bool = False
    has_times: bool = False
    has_holdout: bool = False
    codes: Collection[str] = ()


@dataclass(frozen=True)
class Thresholds:
    """From where on entities are reported.

    Parameters
    ----------
    skill_loss : float
        The part of their skill that models must lose on new entities.
    standard_errors : float
        How many standard errors the loss must be.
    """

    skill_loss: float = 0.0
    standard_errors: float = 0.0


# A key that is called patient, host, player, ...: twenty clubs cannot show much more.
NAMED_ENTITY = Thresholds(0.2, 2.0)
# A described key of words, of which none lies between two others.
LABELLED_ENTITY = Thresholds(0.15, 3.5)
# A key, or several columns, with other columns that are constant within them.
DESCRIBED_ENTITY = Thresholds(0.3, 3.5)
# Words, or a column that is called a key, and nothing else is known of it.
BARE_ENTITY = Thresholds(0.5, 5.0)


@dataclass(frozen=True)
class Suspect:
    """Something that may raise the score, and two ways of holding rows out that show by how much.

    Parameters
    ----------
    finding : Finding
        As it is reported without a probe.
    default, corrected : ProbeFolds
        As rows are held out by default, and as they should be.
    groups : ndarray of shape (n_probed,), int64
        Rows whose errors go together.
    kind : {"leak", "copied_rows", "entity", "drift", "faint_drift"}
        A drift is faint if neither the level nor relations move beyond chance.
    entity : Entity or None
    is_sure : bool
        Whether it is reported without a probe.
    thresholds : Thresholds
        Of an entity.
    level_share : float
        The part of the target's variance by which its level moves with time.
    """

    finding: Finding
    default: ProbeFolds
    corrected: ProbeFolds
    groups: Rows
    kind: SuspectKind
    entity: Entity | None = None
    is_sure: bool = True
    thresholds: Thresholds = Thresholds()
    level_share: float = 0.0

    @property
    def is_drift(self) -> bool:
        """Whether it is a drift, clear or faint."""
        return self.kind in ("drift", "faint_drift")


def find_suspects(
    data: Dataset, copies: Copies, given: HoldoutOptions, budget: Budget
) -> list[Suspect]:
    """Return the suspects that statistics find, the most important first.

    Parameters
    ----------
    data : Dataset
    copies : Copies
    given : Given
    budget : Budget
        The time for statistics.
    """
    max_rows = _max_probe_rows(data, budget)

    def has_time() -> bool:
        return budget.remaining() > 0

    leaks = find_leaks(data.columns, data.y, data.task.is_regression, data.seed, has_time)
    leaking = [leak.column for leak in leaks]
    ignored = _with_second_readings(leaking, data)
    search = _Search(data, copies, given.codes, ignored, max_rows, has_time)
    suspects: list[Suspect] = []
    if leaks:
        finding = leak_finding(leaks, data.task)
        suspects.append(search.leak(finding))
    has_default_units = not (given.has_groups or given.has_holdout)
    if copies.is_beyond_chance and has_default_units:
        suspects.append(search.copied_rows())
    drifts: list[Suspect] = []
    if not (given.has_times or given.has_holdout):
        drifts = search.drifts()  # before entities, because it takes the least time
    if has_default_units:
        suspects += search.entities()
    return suspects + drifts


def _max_probe_rows(data: Dataset, budget: Budget) -> int:
    most = MAX_PROBE_ROWS
    if budget.remaining() < HASTY_SECONDS:
        most = MAX_HASTY_PROBE_ROWS
    n_columns = len(data.columns.names())
    cells_per_row = max(1, n_columns * data.task.n_outputs)
    affordable = MAX_PROBE_CELLS // cells_per_row
    return max(MIN_PROBE_ROWS, min(most, affordable))


def _with_second_readings(names: Sequence[str], data: Dataset) -> Names:
    """Return columns, and those that were read from them a second time."""
    readings = list(names)
    for other in data.columns.names():
        if other in names:
            continue
        if any(is_made_of(other, name) for name in names):
            readings.append(other)
    return tuple(readings)


@dataclass(frozen=True)
class _Search:
    """A table in which suspects are searched.

    Parameters
    ----------
    data : Dataset
    copies : Copies
    categorical_integers : collection of str
        Numbers that stand for categories.
    ignored : tuple of str
        Columns that leak, which no probe uses.
    max_rows : int
        Of a probe.
    has_time : callable
        Whether there is time for another column.
    """

    data: Dataset
    copies: Copies
    categorical_integers: Collection[str]
    ignored: Names
    max_rows: int
    has_time: held_out.HasTime

    def leak(self, finding: Finding) -> Suspect:
        """Return the suspect of columns that leak: probes with them, and without."""
        data = self.data
        stream = (data.seed, 1)
        rows = held_out.sample_rows(len(data.y), self.max_rows, stream)
        units = _default_units(data)[rows]
        folds = _random_folds(data, rows, units)
        default = ProbeFolds(rows, folds)
        corrected = replace(default, ignore=self.ignored)
        single_rows = np.arange(len(rows))
        return Suspect(finding, default, corrected, single_rows, "leak")

    def copied_rows(self) -> Suspect:
        """Return the suspect of copies of rows: probes with copies apart, and together."""
        data = self.data
        rows = sample_whole_groups(self.copies.units, self.max_rows, data.seed)
        units = self.copies.units[rows]
        apart = _random_folds(data, rows, rows)
        together = _random_folds(data, rows, units)
        default = ProbeFolds(rows, apart, self.ignored, "deep trees")
        corrected = replace(default, folds=together)
        are_kept_together = data.units is not None
        finding = copies_finding(self.copies, are_kept_together)
        groups = compact_codes(units)
        return Suspect(finding, default, corrected, groups, "copied_rows")

    def drifts(self) -> list[Suspect]:
        """Return the time with which the target drifts, if there is one."""
        data = self.data
        first = _first_copies(self.copies)
        columns = data.columns.take(first)
        drift = find_drift(columns, data.y[first], data.task.is_regression, data.seed)
        if drift is None or not set(drift.columns).isdisjoint(self.ignored):
            return []
        return [self._drift(drift, first)]

    def _drift(self, drift: Drift, first: Rows) -> Suspect:
        """Return the suspect of a drift: probes on random rows, and on later ones.

        `first` are rows of which each stands once, those that the drift was found in: the time of
        a copy is not an other time.
        """
        data = self.data
        is_known = ~np.isnan(drift.times)
        known = np.flatnonzero(is_known)
        max_rows = min(MAX_PROBE_ROWS, 2 * self.max_rows)  # folds by time train on half of them
        sampled = held_out.sample_rows(len(known), max_rows, (data.seed, 2))
        drawn = known[sampled]
        rows = first[drawn]
        times = drift.times[drawn]
        units = _default_units(data)[rows]
        later = held_out.by_time(times, units, N_PROBE_FOLDS)
        shuffled = _shuffled_folds(later, units, data.seed)
        is_clear = drift.is_level_sure or drift.relation_errors >= MIN_RELATION_ERRORS
        if len(np.unique(units)) < len(units):
            is_clear = False  # statistics take rows of a group for independent
        is_moving = is_clear and drift.is_level_sure
        is_sure = drift.is_level_sure and drift.level_share >= SURE_LEVEL_SHARE
        return Suspect(
            finding=drift_finding(drift),
            default=ProbeFolds(rows, shuffled, self.ignored),
            corrected=ProbeFolds(rows, later, self.ignored),
            groups=time_blocks(times, N_TIME_BLOCKS),
            kind="drift" if is_clear else "faint_drift",
            is_sure=is_sure,
            level_share=drift.level_share if is_moving else 0.0,
        )

    def entities(self) -> Iterator[Suspect]:
        """Yield entities that may own several rows."""
        data = self.data
        first = _first_copies(self.copies)
        columns = data.columns
        if len(first) < len(data.y):
            columns = columns.take(first)
        items = columns.by_name.items()
        used = {name: column for name, column in items if name not in self.ignored}
        entities = find_entities(
            replace(columns, by_name=used),
            data.y[first],
            data.task.is_regression,
            data.seed,
            self.categorical_integers,
            self.has_time,
        )
        n_probed = 0
        for entity in entities:
            thresholds = _thresholds(entity, data)
            if thresholds is not None and n_probed < MAX_PROBED_ENTITIES:
                n_probed += 1
                yield self._entity(entity, thresholds, first)

    def _entity(self, entity: Entity, thresholds: Thresholds, first: Rows) -> Suspect:
        """Return the suspect of an entity: probes on random rows, and on new entities."""
        data = self.data
        sampled = sample_whole_groups(entity.groups, self.max_rows, data.seed)
        rows = first[sampled]
        groups = compact_codes(entity.groups[sampled])
        units = _default_units(data)[rows]
        random = _random_folds(data, rows, units)
        by_entity = _random_folds(data, rows, groups)
        ignored = self.ignored
        if len(entity.columns) == 1:  # --group takes a key from the features
            ignored += _with_second_readings(entity.columns, data)
        return Suspect(
            finding=entity_finding(entity),
            default=ProbeFolds(rows, random, self.ignored),
            corrected=ProbeFolds(rows, by_entity, ignored),
            groups=groups,
            kind="entity",
            entity=entity,
            is_sure=_is_sure(entity),
            thresholds=thresholds,
        )


def _first_copies(copies: Copies) -> Rows:
    """Return one row of each that has copies: the time of a copy is not an other time."""
    _, first = np.unique(copies.units, return_index=True)
    return np.sort(first)


def _default_units(data: Dataset) -> Rows:
    """Return numbers that rows share if they are held out together by default."""
    if data.units is None:
        return np.arange(len(data.y))
    return data.units


def _random_folds(data: Dataset, rows: Rows, units: Rows) -> held_out.Folds:
    """Return random folds of the rows of a probe, which keep units whole."""
    y = data.y[rows]
    n_units = len(np.unique(units))
    n_folds = min(N_PROBE_FOLDS, n_units)
    return held_out.kfold(y, units, n_folds, 1, data.seed)


def _shuffled_folds(folds: held_out.Folds, units: Rows, seed: int) -> held_out.Folds:
    """Return folds of the same sizes that have nothing to do with time, and keep units whole."""
    unit_of_row = compact_codes(units)
    _, first = np.unique(units, return_index=True)
    rng = np.random.default_rng((seed, 3))
    unit_blocks = folds.blocks[:, first]
    shuffled = rng.permutation(unit_blocks, axis=1)
    blocks = shuffled[:, unit_of_row]
    return held_out.Folds("time", blocks)


def _is_sure(entity: Entity) -> bool:
    """Return whether an entity is reported without a probe."""
    if entity.has_entity_name:
        return entity.target_share >= SURE_NAMED_SHARE
    return bool(entity.profile) and entity.target_share >= SURE_DESCRIBED_SHARE


def _thresholds(entity: Entity, data: Dataset) -> Thresholds | None:
    """Return from where on an entity is reported; None if it is not an entity."""
    names = entity.columns
    is_single = len(names) == 1
    if not is_single and any("," in name for name in names):
        return None  # --group could not name them
    if entity.has_entity_name and entity.n_entities >= MIN_NAMED_ENTITIES:
        return NAMED_ENTITY
    is_word = is_single and isinstance(data.columns[names[0]], Categories)
    is_small = len(entity.groups) <= MAX_ROWS_PER_WORD * entity.n_entities
    is_label = is_word and is_small and entity.n_entities >= MIN_BARE_ENTITIES
    if entity.is_described:
        if is_label:
            return LABELLED_ENTITY
        if is_small or entity.target_share >= MIN_DESCRIBED_SHARE:
            return DESCRIBED_ENTITY
    is_bare = is_label and entity.target_share >= SURE_NAMED_SHARE
    if entity.has_key_name or is_bare:
        return BARE_ENTITY
    return None
