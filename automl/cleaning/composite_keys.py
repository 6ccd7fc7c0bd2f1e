"""Composite keys: columns that identify entities only together, such as depot and number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from automl.arrays import Floats, Rows
from automl.cleaning.entity_candidates import (
    MIN_ENTITIES,
    MIN_PROFILE_COLUMNS,
    MIN_ROWS_PER_ENTITY,
    Entity,
    EntitySample,
    Names,
    candidate,
    has_entity_sizes,
)
from automl.cleaning.groups import combine_codes, sample_whole_groups

MAX_KEY_PARTS = 20  # columns whose combinations are searched
MAX_PAIRS = 6  # of each kind that are examined closely
MAX_DESCRIPTIVE_COLUMNS = 40  # that are compared within pairs
MAX_PAIR_ROWS = 1_200
MAX_COUNTED_COMBINATIONS = 200_000  # that are counted without sorting
MIN_KNOWN_NEIGHBOURS = 20  # pairs of rows with both cells known, to see how constant a column is
NEARLY_CONSTANT_SHARE = 0.8  # of a column's variation is explained by a pair of values
MAX_PAIR_SHARE = 0.6  # of the combinations that there would be by chance
SUFFICIENT_SHARE = 0.98  # of the entities must be told apart by the fewest columns


@dataclass(frozen=True, order=True)
class _Pair:
    """Two columns that may identify entities together; the smaller the score, the likelier."""

    score: float
    first: str
    second: str


def find_composite_keys(sample: EntitySample) -> Iterator[Entity]:
    """Yield entities of columns whose combinations recur far more often than by chance."""
    parts = _key_parts(sample)
    pairs = _best(_determining_pairs(parts, sample))
    pairs += _best(_rare_pairs(parts, sample))
    examined: set[Names] = set()
    for pair in pairs:
        if not sample.has_time():
            continue
        names = _with_constant_columns(pair, parts, sample)
        if names in examined:
            continue
        examined.add(names)
        groups = _combined(names, sample)
        if has_entity_sizes(groups) and sample.similarity(groups):
            fewest = _fewest_columns(names, sample)
            groups = _combined(fewest, sample)
            yield candidate(fewest, groups, sample)


def _key_parts(sample: EntitySample) -> list[str]:
    """Return the columns that may be a part of a key, those with most values first."""
    max_values = sample.n_rows / MIN_ROWS_PER_ENTITY
    ranked = []
    for name in sample.descriptive:
        n_values = _n_codes(sample.codes[name])
        if name not in sample.dates and n_values <= max_values:
            ranked.append((-n_values, name))
    ranked.sort()
    parts = [name for _, name in ranked]
    return parts[:MAX_KEY_PARTS]


def _best(pairs: Iterable[_Pair]) -> list[_Pair]:
    ranked = sorted(pairs)
    return ranked[:MAX_PAIRS]


def _rare_pairs(parts: Sequence[str], sample: EntitySample) -> Iterator[_Pair]:
    """Yield pairs of columns with far fewer combinations than by chance, with the ratio of both."""
    rng = np.random.default_rng((sample.seed, 11))
    max_combinations = sample.n_rows / MIN_ROWS_PER_ENTITY
    for first, second in combinations(parts, 2):
        codes = sample.codes[first]
        others = sample.codes[second]
        n_combinations = _count_combinations(codes, others)
        if not sample.has_time():
            continue
        if not MIN_ENTITIES <= n_combinations <= max_combinations:
            continue
        shuffled = rng.permutation(others)
        n_by_chance = _count_combinations(codes, shuffled)
        if n_combinations <= MAX_PAIR_SHARE * n_by_chance:
            yield _Pair(n_combinations / n_by_chance, first, second)


def _determining_pairs(parts: Sequence[str], sample: EntitySample) -> Iterator[_Pair]:
    """Yield pairs of columns that determine others which neither does alone.

    The score is the number of those others, as a negative number.
    """
    max_combinations = sample.n_rows / MIN_ROWS_PER_ENTITY
    described = {}
    for name in parts:
        if sample.has_time():
            described[name] = _DescribedRows.of(name, sample)
    for first, second in combinations(described, 2):
        if not sample.has_time():
            continue
        codes = sample.codes[first]
        others = sample.codes[second]
        n_combinations = _count_combinations(codes, others)
        if not MIN_ENTITIES <= n_combinations <= max_combinations:
            continue
        rows = described[first].rows
        pairs = combine_codes([codes[rows], others[rows]])
        is_determined = described[first].constancy(pairs) >= NEARLY_CONSTANT_SHARE
        is_determined &= described[first].alone < NEARLY_CONSTANT_SHARE
        is_determined &= described[second].alone < NEARLY_CONSTANT_SHARE
        n_determined = int(is_determined.sum())
        if n_determined >= MIN_PROFILE_COLUMNS:
            yield _Pair(-n_determined, first, second)


@dataclass(frozen=True)
class _DescribedRows:
    """The descriptive columns of rows that are drawn group by group of one column.

    Parameters
    ----------
    rows : ndarray of shape (n_drawn,), int64
    codes : ndarray of shape (n_drawn, n_columns), int64
        -1 where missing.
    chance : ndarray of shape (n_columns,), float64
        The probability that two rows have the same value.
    alone : ndarray of shape (n_columns,), float64
        How constant each column is within the values of the one column alone.
    """

    rows: Rows
    codes: Rows
    chance: Floats
    alone: Floats

    @classmethod
    def of(cls, name: str, sample: EntitySample) -> _DescribedRows:
        """Draw the rows of whole groups of a column."""
        groups = sample.codes[name]
        rows = sample_whole_groups(groups, MAX_PAIR_ROWS, sample.seed)
        rng = np.random.default_rng((sample.seed, 19))
        rows = rng.permutation(rows)  # entities may be sorted in the table
        columns = []
        chances = []
        for other in sample.descriptive[:MAX_DESCRIPTIVE_COLUMNS]:
            codes = sample.known_codes(other, rows)
            columns.append(codes)
            known = codes[codes >= 0]
            chances.append(_chance_of_equality(known))
        chance = np.array(chances)
        table = np.stack(columns, axis=1)
        described = cls(rows, table, chance, alone=chance)
        alone = described.constancy(groups[rows])
        return replace(described, alone=alone)

    def constancy(self, groups: Rows) -> Floats:
        """Return how constant each column is within groups.

        1 means always, 0 no more than by chance, or that too little is known.
        """
        order = np.argsort(groups, kind="stable")
        sorted_groups = groups[order]
        is_same_group = sorted_groups[1:] == sorted_groups[:-1]
        rows = order[:-1][is_same_group]
        next_rows = order[1:][is_same_group]
        codes = self.codes[rows]
        following = self.codes[next_rows]
        is_known = (codes >= 0) & (following >= 0)
        n_known = is_known.sum(axis=0)
        is_equal = (codes == following) & is_known
        n_equal = is_equal.sum(axis=0)
        share = n_equal / np.maximum(1, n_known)
        possible = np.maximum(1e-9, 1 - self.chance)
        constancy: Floats = (share - self.chance) / possible
        constancy[n_known < MIN_KNOWN_NEIGHBOURS] = 0.0
        return constancy


def _chance_of_equality(codes: Rows) -> float:
    """Return the probability that two rows drawn at random have the same value."""
    shares = np.bincount(codes) / max(1, len(codes))
    squares = shares**2
    return float(squares.sum())


def _n_codes(codes: Rows) -> int:
    return int(codes.max()) + 1


def _count_combinations(codes: Rows, others: Rows) -> int:
    """Return the number of different combinations of two columns' values."""
    n_others = _n_codes(others)
    flat = codes * n_others + others
    if _n_codes(codes) * n_others > MAX_COUNTED_COMBINATIONS:
        return len(np.unique(flat))
    counts = np.bincount(flat)
    return int(np.count_nonzero(counts))


def _combined(names: Sequence[str], sample: EntitySample) -> Rows:
    codes = [sample.codes[name] for name in names]
    return combine_codes(codes)


def _with_constant_columns(pair: _Pair, parts: Sequence[str], sample: EntitySample) -> Names:
    """Return the pair's columns and all others that are constant within their combinations."""
    names = [pair.first, pair.second]
    groups = _combined(names, sample)
    for name in parts:
        if name in names:
            continue
        rows = sample.profile_rows(groups)
        if sample.is_constant(name, groups, rows):
            names.append(name)
            codes = sample.codes[name]
            groups = combine_codes([groups, codes])
    return tuple(sorted(names))


def _fewest_columns(names: Names, sample: EntitySample) -> Names:
    """Return as few of the columns as tell nearly as many entities apart."""
    finest = _combined(names, sample)
    enough = SUFFICIENT_SHARE * _n_codes(finest)
    remaining = list(names)
    chosen: list[str] = []
    groups = np.zeros(sample.n_rows, np.int64)
    while remaining and _n_codes(groups) < enough:
        refined = {}
        for name in remaining:
            codes = sample.codes[name]
            refined[name] = combine_codes([groups, codes])
        best = max(remaining, key=lambda name: _n_codes(refined[name]))
        groups = refined[best]
        chosen.append(best)
        remaining.remove(best)
    return tuple(chosen)
