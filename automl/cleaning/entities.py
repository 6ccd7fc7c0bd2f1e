"""Entities that own several rows: patients, hosts, players, found by a key or by columns that are constant within them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from automl.cleaning.leaks import Bools, filled_cells
from automl.columns import Categories, Column, Columns, Floats, Numbers, Rows, Texts
from automl.folds import GoOn, always, some

MAX_ROWS = 20_000  # looked at for alike targets
MAX_LOOKED_AT = 1_000_000  # rows x columns looked at at all
MAX_COUNTED = 200_000  # combinations that are counted without sorting
MAX_CELLS = 100_000  # rows x columns looked at for constant columns
MAX_KEYS = 6  # single columns, and combinations, that are looked at closely
MAX_PARTS = 20  # columns among which combinations are looked for
MIN_ROWS = 40
MIN_ENTITIES = 8  # fewer can't be held out several times
MOST_GROUPS = 200  # for which there must be room where groups are large
MIN_GROUP_ROWS = 20  # of a group that are kept
MIN_ROWS_AN_ENTITY = 1.5
MIN_REPEATED = 0.5  # of the rows belong to an entity with several
MAX_ENTITY_SHARE = 0.3  # of the rows belong to one
MAX_SHOWN = 40  # columns among which constant ones are looked for
MAX_PAIRED_ROWS = 1_200  # looked at for pairs of columns that hold others constant
NEARLY_CONSTANT = 0.8  # of what a column varies by, between two rows of a pair of values
CONSTANT = (
    0.9  # of what a column varies by is told by the entity: it belongs to the entity's profile
)
MIN_KNOWN = 0.5  # of a column's cells, for it to belong to a profile
MAX_PAIR_SHARE = 0.6  # of the combinations that there would be by chance
MIN_ALIKE = 0.1  # of the target's variance lies between entities
MIN_ERRORS = 4.0  # standard errors above chance
MIN_PROFILE = 2  # descriptive columns that are constant within an entity
MAX_DESCRIBING_CODES = 100  # values of a whole number that stands for something: an age may look so, where patients own several rows
MAX_DESCRIBING_LEVELS = 50  # of a category that describes; one of more is a key itself
ENTITY_NAME = re.compile(
    r"(^|[\s_\-.])(patient|subject|person|people|host|customer|client|user|player|member|student|employee|worker|driver|owner"
    r"|household|family|account|device|machine|sensor|animal|participant|respondent|club|team|store|shop|hospital|clinic|farm"
    r"|school|company|firm|site|plant|unit|batch|vehicle|property|listing|guest|author|seller|visitor|donor)s?"
    r"([\s_\-.]?(id|no|nr|num|number|name|key|code|uid|ref))?$",
    re.IGNORECASE,
)
KEY_NAME = re.compile(
    r"(^|[\s_\-.])(id|ids|uid|uuid|guid|key|mrn)$|[a-z](Id|ID|Key)$", re.IGNORECASE
)


@dataclass(frozen=True)
class Entity:
    """What tells entities apart, and how alike their rows are.

    Parameters
    ----------
    columns : tuple of str
        One key, or columns that together tell entities apart.
    profile : tuple of str
        Other columns that are constant within an entity.
    groups : ndarray of shape (n_rows,), int64
        The entity of each row of the table.
    alike : float
        The part of the target's variance that lies between entities, less what chance brings.
    count : int
        How many entities there are.
    """

    columns: tuple[str, ...]
    profile: tuple[str, ...]
    groups: Rows
    alike: float
    count: int

    @property
    def is_named(self) -> bool:
        """Whether the key is called as people call entities."""
        return len(self.columns) == 1 and is_entity_name(self.columns[0])

    @property
    def is_key(self) -> bool:
        """Whether the column is called a key."""
        return len(self.columns) == 1 and bool(KEY_NAME.search(self.columns[0]))

    @property
    def is_described(self) -> bool:
        """Whether columns that describe an entity are constant within it."""
        return len(self.profile) >= (
            MIN_PROFILE if len(self.columns) == 1 else MIN_PROFILE + 1 - len(self.columns)
        )


def find_entities(
    columns: Columns,
    y: Floats,
    is_regression: bool,
    seed: int = 0,
    codes: Collection[str] = (),
    go_on: GoOn = always,
) -> tuple[Entity, ...]:
    """Find what may tell entities apart that own several rows with alike targets, likeliest first.

    Whether a model can make use of it, a probe has to show.

    Parameters
    ----------
    columns : Columns
        Without copies of rows: a copy is no other row of the entity.
    y : ndarray of shape (n_rows,), float64
    is_regression : bool
    seed : int
    codes : collection of str
        Numbers that stand for something; of many values, they describe nothing.
    go_on : callable
        Whether there is time for another column.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> patient = np.repeat(np.arange(30.0), 5)
    >>> table = Columns({"patient_id": Numbers(patient), "x": Numbers(rng.normal(size=150))}, 150)
    >>> [found.columns for found in find_entities(table, np.repeat(rng.normal(size=30), 5), is_regression=True)]
    [('patient_id',)]
    """
    if columns.n_rows < MIN_ROWS:
        return ()
    rows = some(columns.n_rows, MAX_ROWS, (seed, 7))
    names = [name for name in columns.names() if not _is_twin(name, columns)]
    names = names[: max(MAX_PARTS, MAX_LOOKED_AT // len(rows))]
    taken = {name: columns[name].take(rows) for name in names}
    coded = {name: exact_codes(column) for name, column in taken.items()}
    coded = {name: values for name, values in coded.items() if values.max(initial=0) > 0}
    few = {
        name
        for name, values in coded.items()
        if name not in codes or int(values.max()) < MAX_DESCRIBING_CODES
    }
    describing = {name for name in coded if name in few and _describes(columns[name])}
    filled = {name: filled_cells(taken[name]) for name in describing}
    dates = {name for name in coded if columns[name].kind == "date"}
    look = _Look(coded, outputs_of(y[rows], is_regression), filled, dates, seed, go_on)
    found = [*_keys(look), *_combined(look)]
    whole = [
        replace(one, groups=together([exact_codes(columns[name]) for name in one.columns]))
        for one in _distinct(found)
    ]
    return tuple(replace(one, count=int(one.groups.max()) + 1) for one in whole)


@dataclass(frozen=True)
class _Look:
    """What is looked at: codes of the columns, the target, and which columns describe.

    Parameters
    ----------
    coded : dict of str to ndarray of shape (n_rows,), int64
    outputs : ndarray of shape (n_rows, n_outputs), float64
    filled : dict of str to ndarray of shape (n_rows,), bool
        Which cells hold something, of each column that may describe an entity.
    dates : collection of str
        Columns that may describe an entity, and are no key.
    seed : int
    go_on : callable
    """

    coded: dict[str, Rows]
    outputs: Floats
    filled: dict[str, Bools]
    dates: Collection[str]
    seed: int
    go_on: GoOn

    @property
    def describing(self) -> list[str]:
        """The columns that may describe an entity, in the order of their names."""
        return sorted(self.filled)

    def known_codes(self, name: str, rows: Rows) -> Rows:
        """Codes of some rows of a column that describes; -1 where nothing is known."""
        codes: Rows = np.where(self.filled[name][rows], self.coded[name][rows], -1)
        return codes


def _is_twin(name: str, columns: Columns) -> bool:
    """Whether a column is another one read a second time."""
    stem, _, how = name.rpartition(" (")
    return how in ("code)", "spelling)") and stem in columns.by_name


def _describes(column: Column) -> bool:
    """Whether a column may describe an entity: a number, or one of a few words."""
    if isinstance(column, Categories):
        return len(column.levels) <= MAX_DESCRIBING_LEVELS
    return isinstance(column, Numbers)


def exact_codes(column: Column) -> Rows:
    """Codes of the values themselves; a missing cell is a value."""
    if isinstance(column, Categories):
        return _compact(column.codes.astype(np.int64))
    if isinstance(column, Texts):
        return np.unique(np.array(list(column), dtype=object), return_inverse=True)[1].astype(
            np.int64
        )
    return np.unique(column.values, return_inverse=True)[1].astype(np.int64)


def _compact(codes: Rows) -> Rows:
    """The same codes without gaps, from 0 on."""
    return np.unique(codes, return_inverse=True)[1].astype(np.int64)


def outputs_of(y: Floats, is_regression: bool) -> Floats:
    """Give what should be alike: ranks of a regression target, which large values don't dominate, or one column a class."""
    if is_regression:
        order = np.argsort(np.argsort(y, kind="stable"), kind="stable")
        return (order / max(1, len(y) - 1))[:, None]
    classes = np.unique(y)
    shown: Floats = (y[:, None] == classes[: 1 if len(classes) == 2 else 30]).astype(np.float64)
    return shown


# ------------------------------------------------------------ single columns


def _keys(look: _Look) -> Iterator[Entity]:
    """Single columns under whose values targets are alike."""
    likely: list[tuple[float, str]] = []
    for name, codes in look.coded.items():
        if name not in look.dates and tells_entities(codes):
            alike, errors = likeness(codes, look.outputs)
            if alike >= MIN_ALIKE and errors >= MIN_ERRORS:
                likely.append(
                    (alike + 2 * is_entity_name(name) + bool(KEY_NAME.search(name)), name)
                )
    for _, name in sorted(likely, reverse=True)[:MAX_KEYS]:
        if look.go_on():
            yield _entity((name,), look.coded[name], look)


def is_entity_name(name: str) -> bool:
    """Whether a column is called as people call entities.

    >>> [is_entity_name(name) for name in ("patient_id", "Host Name", "store", "brand", "unit_price", "age")]
    [True, True, True, False, False, False]
    """
    return bool(ENTITY_NAME.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)))


def tells_entities(codes: Rows) -> bool:
    """Whether there are several entities, most rows belong to one with several rows, and none owns most."""
    sizes = np.bincount(codes)
    sizes = sizes[sizes > 0]
    n_rows, count = len(codes), len(sizes)
    many = count >= MIN_ENTITIES and n_rows >= MIN_ROWS_AN_ENTITY * count
    return bool(
        many
        and sizes[sizes > 1].sum() >= MIN_REPEATED * n_rows
        and sizes.max() <= MAX_ENTITY_SHARE * n_rows
    )


def likeness(codes: Rows, outputs: Floats) -> tuple[float, float]:
    """Find the part of the target's variance that lies between groups, less chance's part, and how sure it is.

    Returns
    -------
    alike : float
        omega squared, at most 1.
    errors : float
        Standard errors of the F statistic above 1.
    """
    sizes = np.bincount(codes)
    count, n_rows = int((sizes > 0).sum()), len(codes)
    if count < 2 or n_rows <= count:
        return 0.0, 0.0
    total = between = 0.0
    for values in outputs.T - outputs.mean(axis=0)[:, None]:
        sums = np.bincount(codes, values)
        between += float((sums**2 / np.maximum(1, sizes)).sum())
        total += float((values**2).sum())
    if total <= 0:
        return 0.0, 0.0
    within = max(1e-12 * total, total - between) / (n_rows - count)
    statistic = between / (count - 1) / within
    alike = (between - (count - 1) * within) / (total + within)
    error = np.sqrt(2 / (count - 1) + 2 / (n_rows - count))
    return float(alike), float((statistic - 1) / error)


def _entity(names: tuple[str, ...], groups: Rows, look: _Look) -> Entity:
    rows = _looked_at(groups, look)
    others = [name for name in look.describing if name not in names]
    profile = tuple(name for name in others if _is_constant(name, groups, rows, look))
    return Entity(names, profile, groups, likeness(groups, look.outputs)[0], int(groups.max()) + 1)


def _is_constant(name: str, groups: Rows, rows: Rows, look: _Look) -> bool:
    """Whether a column stays the same within groups, where it is known."""
    known = rows[look.filled[name][rows]]
    if len(known) < MIN_KNOWN * len(rows):
        return False
    return constancy(groups[known], look.coded[name][known], look.seed) >= CONSTANT


def _looked_at(groups: Rows, look: _Look) -> Rows:
    """Rows enough to see which columns are constant within groups."""
    return whole_groups(groups, max(800, MAX_CELLS // len(look.coded)), look.seed)


def whole_groups(groups: Rows, most: int, seed: int) -> Rows:
    """About so many rows, drawn group by group and left in their order; of large groups, some of their rows."""
    if len(groups) <= most:
        return np.arange(len(groups))
    sizes = np.bincount(groups)
    few = max(
        MIN_GROUP_ROWS, most // min(MOST_GROUPS, int((sizes > 0).sum()))
    )  # rows of one group: there must be room for many
    rng = np.random.default_rng((seed, most))
    shuffled = rng.permutation(len(groups))
    order = shuffled[np.argsort(groups[shuffled], kind="stable")]
    starts = np.cumsum(sizes) - sizes
    place = np.arange(len(groups)) - np.repeat(starts, sizes)
    order = order[place < few]
    sizes = np.minimum(sizes, few)
    drawn = rng.permutation(len(sizes))
    kept = np.zeros(len(sizes), np.bool_)
    kept[drawn[np.cumsum(sizes[drawn]) <= most]] = True
    return np.sort(order[kept[groups[order]]])


def constancy(groups: Rows, codes: Rows, seed: int = 0) -> float:
    """Find how constant a column is within groups: 1 if it always is, 0 if it is as if shuffled, or not nearly constant.

    >>> groups = np.repeat(np.arange(50), 4)
    >>> constancy(groups, groups % 7), round(constancy(groups, np.arange(200) % 3)) <= 0
    (1.0, True)
    """
    sizes = np.bincount(groups)
    several = sizes[groups] > 1
    if several.sum() < MIN_ROWS // 2:
        return 0.0
    groups, codes = groups[several], codes[several]
    if (codes == codes[0]).all():
        return 0.0
    there = _same(groups, codes)
    if there < CONSTANT:
        return 0.0
    by_chance = _same(groups, np.random.default_rng((seed, len(codes))).permutation(codes))
    return float((there - by_chance) / max(1e-9, 1 - by_chance)) if by_chance < 0.98 else 0.0


def _same(groups: Rows, codes: Rows) -> float:
    """Which part of the rows has the most frequent value of its group, the first row of each left out."""
    n_codes = int(codes.max()) + 1
    pairs, counts = np.unique(groups * n_codes + codes, return_counts=True)
    most = np.zeros(int(groups.max()) + 1, np.int64)
    np.maximum.at(most, pairs // n_codes, counts)
    there = most > 0
    return float((most[there] - 1).sum() / max(1, len(codes) - there.sum()))


# ------------------------------------------------------------ several columns together


def _combined(look: _Look) -> Iterator[Entity]:
    """Columns that together repeat far more often than chance would have it, and so tell entities apart."""
    n_rows = len(look.outputs)
    keys = [name for name in look.describing if name not in look.dates]
    counts = {name: int(look.coded[name].max()) + 1 for name in keys}
    parts = [name for name, count in counts.items() if count <= n_rows / MIN_ROWS_AN_ENTITY]
    parts = sorted(parts, key=lambda name: (-counts[name], name))[:MAX_PARTS]
    seen: set[tuple[str, ...]] = set()
    pairs = [*sorted(_determining(parts, look))[:MAX_KEYS], *sorted(_pairs(parts, look))[:MAX_KEYS]]
    for _, first, second in pairs:
        names = _closed((first, second), parts, look) if look.go_on() else ()
        if not names or names in seen:
            continue
        seen.add(names)
        groups = together([look.coded[name] for name in names])
        alike, errors = likeness(groups, look.outputs)
        if tells_entities(groups) and alike >= MIN_ALIKE and errors >= MIN_ERRORS:
            shown = _fewest(names, look)
            yield _entity(shown, together([look.coded[name] for name in shown]), look)


def _pairs(parts: Sequence[str], look: _Look) -> Iterator[tuple[float, str, str]]:
    """Pairs of columns with far fewer combinations than by chance, and how many of those there are."""
    rng = np.random.default_rng((look.seed, 11))
    n_rows = len(look.outputs)
    for first, second in combinations(parts, 2):
        one, two = look.coded[first], look.coded[second]
        there = _combinations(one, two)
        if not look.go_on() or there > n_rows / MIN_ROWS_AN_ENTITY or there < MIN_ENTITIES:
            continue
        chance = _combinations(one, rng.permutation(two))
        if there <= MAX_PAIR_SHARE * chance:
            yield there / chance, first, second


def _determining(parts: Sequence[str], look: _Look) -> Iterator[tuple[float, str, str]]:
    """Pairs within which columns stay the same that change within either: depot and number.

    The first value is how many columns they are, as a negative number.
    """
    most = len(look.outputs) / MIN_ROWS_AN_ENTITY
    shown = {name: _Shown.of(name, look) for name in parts if look.go_on()}
    for first, second in combinations(shown, 2):
        one, two = look.coded[first], look.coded[second]
        if not look.go_on() or not MIN_ENTITIES <= _combinations(one, two) <= most:
            continue
        rows = shown[first].rows
        both = shown[first].stays(together([one[rows], two[rows]]))
        changes = np.maximum(shown[first].alone, shown[second].alone) < NEARLY_CONSTANT
        count = int(((both >= NEARLY_CONSTANT) & changes).sum())
        if count >= MIN_PROFILE:
            yield -count, first, second


@dataclass(frozen=True)
class _Shown:
    """Codes of the columns that describe, side by side, of rows that are drawn by one column.

    Parameters
    ----------
    rows : ndarray of shape (n_drawn,), int64
    codes : ndarray of shape (n_drawn, n_columns), int64
        -1 where nothing is known.
    chance : ndarray of shape (n_columns,), float64
        How often two rows have the same value.
    alone : ndarray of shape (n_columns,), float64
        How constant each column is where that one column stays the same.
    """

    rows: Rows
    codes: Rows
    chance: Floats
    alone: Floats

    @classmethod
    def of(cls, name: str, look: _Look) -> _Shown:
        rows = whole_groups(look.coded[name], MAX_PAIRED_ROWS, look.seed)
        rows = np.random.default_rng((look.seed, 19)).permutation(rows)  # entities may lie in order
        others = look.describing[:MAX_SHOWN]
        known = [look.known_codes(other, rows) for other in others]
        chance = np.array([_repeats_by_chance(codes[codes >= 0]) for codes in known])
        whole = cls(rows, np.stack(known, axis=1), chance, np.zeros(len(others)))
        return replace(whole, alone=whole.stays(look.coded[name][rows]))

    def stays(self, groups: Rows) -> Floats:
        """How constant each column is within groups: 1 if always, 0 as by chance or unknown."""
        order = np.argsort(groups, kind="stable")
        is_next = groups[order][1:] == groups[order][:-1]
        one, other = self.codes[order[:-1][is_next]], self.codes[order[1:][is_next]]
        known = (one >= 0) & (other >= 0)
        n_known = known.sum(axis=0)
        there = ((one == other) & known).sum(axis=0) / np.maximum(1, n_known)
        found: Floats = (there - self.chance) / np.maximum(1e-9, 1 - self.chance)
        return np.where(n_known >= MIN_ROWS / 2, found, 0.0)


def _repeats_by_chance(codes: Rows) -> float:
    """How often two rows drawn at random have the same value."""
    shares = np.bincount(codes) / max(1, len(codes))
    return float((shares**2).sum())


def _combinations(one: Rows, two: Rows) -> int:
    """How many combinations of two columns' values there are."""
    n_codes = int(two.max()) + 1
    if (int(one.max()) + 1) * n_codes > MAX_COUNTED:
        return len(np.unique(one * n_codes + two))
    return int(np.count_nonzero(np.bincount(one * n_codes + two)))


def _closed(names: tuple[str, ...], parts: Sequence[str], look: _Look) -> tuple[str, ...]:
    """The columns, and all others that are constant within their combinations."""
    groups = together([look.coded[name] for name in names])
    for name in parts:
        if name not in names and _is_constant(name, groups, _looked_at(groups, look), look):
            names = (*names, name)
            groups = together([groups, look.coded[name]])
    return tuple(sorted(names))


def _fewest(names: tuple[str, ...], look: _Look) -> tuple[str, ...]:
    """As few of the columns as tell nearly as many entities apart."""
    whole = int(together([look.coded[name] for name in names]).max()) + 1
    chosen: tuple[str, ...] = ()
    groups = np.zeros(len(look.outputs), np.int64)
    while int(groups.max()) + 1 < 0.98 * whole and len(chosen) < len(names):
        rest = [name for name in names if name not in chosen]
        best = max(rest, key=lambda name: int(together([groups, look.coded[name]]).max()))
        chosen, groups = (*chosen, best), together([groups, look.coded[best]])
    return chosen


def together(codes: Sequence[Rows]) -> Rows:
    """Codes of combinations."""
    total = codes[0]
    for other in codes[1:]:
        total = _compact(total * (int(other.max()) + 1) + other)
    return total


def _distinct(found: Sequence[Entity]) -> Iterator[Entity]:
    """One entity of those that are the same rows apart by nearly the same groups: named keys first, then single columns."""
    kept: list[Entity] = []
    for one in sorted(found, key=_rank):
        if not any(_is_same(one, other) for other in kept):
            kept.append(one)
            yield one


def _is_same(one: Entity, other: Entity) -> bool:
    """Whether one tells of the entities that the other does, if only by what describes them."""
    is_description = set(one.columns) <= {*other.columns, *other.profile}
    return is_description or _same_groups(one.groups, other.groups)


def _rank(entity: Entity) -> tuple[bool, bool, bool, int, float]:
    """The likeliest entity first."""
    return (
        not entity.is_named,
        not entity.is_described,
        not entity.is_key,
        len(entity.columns),
        -entity.alike,
    )


def _same_groups(one: Rows, other: Rows) -> bool:
    """Whether two partitions of the rows hardly differ."""
    both = int(together([one, other]).max()) + 1
    return both <= 1.1 * min(int(one.max()) + 1, int(other.max()) + 1)
