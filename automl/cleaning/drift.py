"""Columns that say when a row was made, and whether the target drifts with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from automl.arrays import Floats, Rows
from automl.cleaning.groups import GroupVariance, target_outputs, variance_between_groups
from automl.columns import Columns, Numbers
from automl.folds import sample_rows

DAY_SECONDS = 86_400
MAX_SAMPLED_ROWS = 20_000
MIN_ROWS_FOR_DRIFT = 60
MIN_TIMED_SHARE = 0.8  # of the rows have a time
MIN_DISTINCT_TIMES = 6
N_BLOCKS = 10  # of equally many rows, in order of time
MIN_LEVEL_SHARE = 0.01  # of the target's variance lies between the blocks
MIN_STANDARD_ERRORS = 4.0  # above chance
MAX_LOCAL_BLOCKS = 40  # of a running number, along which the target's level may rise and fall
MIN_LOCAL_BLOCK_ROWS = 20
MAX_PRODUCTS = 400_000  # rows x features x outputs that are searched for changing relations
MIN_DISTINCT_SHARE = 0.98  # of the values of a running number
MAX_UNEVENNESS = 0.05  # distance of a running number from a line over its ranks, over its range
MIN_RUNNING_ROWS = 200
MIN_ORDERED_SHARE = 0.98  # of the steps between rows in order of a number
MIN_ORDERED_KNOWN_SHARE = 0.9
# A date column that spans more says when people were born or houses were built.
MAX_DATE_SPAN_SECONDS = 10_000 * DAY_SECONDS
_INNER_LEVELS = (0.05, 0.95)  # quantiles of dates between which the span is measured

Names = tuple[str, ...]

DATE_PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_LARGE_PARTS = frozenset(["year", "month", "week"])  # one of them makes several parts a date
_SYNONYMS = {  # short forms, and the words of German, French, Spanish, Italian and Dutch
    "year": ("yr", "jahr", "jaar", "année", "annee", "año", "anio", "anno"),
    "quarter": ("qtr", "quartal", "kwartaal", "trimestre"),
    "month": ("mnth", "mth", "mon", "mo", "monat", "maand", "mois", "mes", "mese"),
    "week": ("wk", "woche", "semaine", "semana", "settimana"),
    "day": ("dag", "jour", "día", "dia", "giorno"),
    "hour": ("hr", "stunde", "uur", "heure", "hora"),
}
_PART_OF_SYNONYM = {word: part for part, words in _SYNONYMS.items() for word in words}
_PART_WORDS = "|".join((*DATE_PARTS, *_PART_OF_SYNONYM))
_DATE_PART = re.compile(rf"(^|[\s_\-.])({_PART_WORDS})s?$", re.IGNORECASE)
_TIMESTAMP = re.compile(
    r"(^|[\s_\-.])(date|time|timestamp|datetime|epoch|period|time[\s_\-.]?(step|index))$",
    re.IGNORECASE,
)
_OTHER_TIME = re.compile(  # when something began, was made or will end, or how long it takes
    r"birth|born|dob|built|blt|remod|renov|construct|found|establish|manufact|model|made|release"
    r"|launch|expir|due|valid|geburt|gebaut|gründ|errichtet|naiss|constru|nacim|nascit"
    r"|hire|hiring|join|signup|regist|since|start_of|age|elapsed|duration|remaining|until"
    r"|per[\s_\-.]",
    re.IGNORECASE,
)
_COUNTED_TIME = re.compile(  # counts from the first row to the last if it exceeds its cycle
    r"^(quarter|month|week|day)([\s_\-.]?(no|nr|num|number|index|idx|id))?$"
    r"|^(timestamp|datetime|date|epoch|time[\s_\-.]?(step|index))$",
    re.IGNORECASE,
)
# Weeks within one year are a time, too: as far as they go.
_CYCLES = {"quarter": 4, "month": 12, "week": 12}
_LONGEST_CYCLE = 366  # of days and steps
CAMEL_CASE = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Drift:
    """Columns that say when a row was made, and how the target changes with them.

    Parameters
    ----------
    columns : tuple of str
        One column, or the parts of a date, the largest unit first.
    times : ndarray of shape (n_rows,), float64
        Numbers that put rows in order; NaN where the time is unknown.
    level_share : float
        The part of the target's variance that lies between tenths of the time.
    is_level_sure : bool
        Whether chance cannot explain how the level moves.
    relation_errors : float
        Standard errors, above chance, by which the target's relations to other columns change.
    """

    columns: tuple[str, ...]
    times: Floats
    level_share: float
    is_level_sure: bool
    relation_errors: float = 0.0


@dataclass(frozen=True)
class _LabelledTable:
    """A table's columns and its target."""

    columns: Columns
    y: Floats
    is_regression: bool
    seed: int

    def values(self, name: str) -> Floats:
        """Return the values of a column of numbers, flags or dates."""
        column = self.columns[name]
        assert isinstance(column, Numbers)
        return column.values

    def outputs(self, rows: Rows) -> Floats:
        """Return the target of some rows as outputs whose variance can be compared."""
        y = self.y[rows]
        return target_outputs(y, self.is_regression)


def find_drift(columns: Columns, y: Floats, is_regression: bool, seed: int = 0) -> Drift | None:
    """Find the columns that put rows in order of time, and how the target drifts with them.

    Parameters
    ----------
    columns : Columns
    y : ndarray of shape (n_rows,), float64
    is_regression : bool
    seed : int

    Returns
    -------
    Drift or None
        The clearest one; None if no column says a time.

    Examples
    --------
    >>> day = np.arange(100.0) * 86_400
    >>> table = Columns({"sold_on": Numbers(day, "date")}, 100)
    >>> find_drift(table, np.arange(100.0), is_regression=True).columns
    ('sold_on',)
    """
    if columns.n_rows < MIN_ROWS_FOR_DRIFT:
        return None
    table = _LabelledTable(columns, y, is_regression, seed)
    candidates = _candidates(table)
    drifts = [_drift(names, table) for names in candidates]
    for name in _running_numbers(table):
        drifts += [_local_drift(name, table)]
    present = [drift for drift in drifts if drift]
    return max(present, key=_clarity, default=None)


def _clarity(drift: Drift) -> tuple[bool, bool, float, float]:
    """Return a sort key: certain drift is clearest, and one column before parts of a date."""
    has_relations = drift.relation_errors >= MIN_STANDARD_ERRORS
    return (
        drift.is_level_sure or has_relations,
        len(drift.columns) == 1,
        drift.level_share,
        drift.relation_errors,
    )


# ------------------------------------------------------------ columns that say a time


def _candidates(table: _LabelledTable) -> list[Names]:
    """Return columns, or parts of a date together, that may say when a row was made."""
    dates = _names(table, "date")
    numbers = _names(table, "number", "flag")
    by_part: dict[str, str] = {}
    for name in reversed(numbers):
        part = _date_part(name)
        if part:
            by_part[part] = name
    known_parts = [part for part in DATE_PARTS if part in by_part]
    large_parts = _LARGE_PARTS.intersection(known_parts)
    if len(known_parts) > 1 and large_parts:
        date_parts = tuple(by_part[part] for part in known_parts)
        return [*_singles(dates), date_parts]
    if dates:
        return _singles(dates)
    ordered = [name for name in numbers if _is_ordered_time(name, table)]
    if ordered:
        return _singles(ordered)
    counted = [name for name in numbers if _is_counted_time(name, table)]
    return _singles(counted)


def _names(table: _LabelledTable, *kinds: str) -> list[str]:
    """Return the columns of some kinds whose name does not say another time than the row's."""
    names = []
    for name in table.columns.names(*kinds):
        words = _split_camel_case(name)
        if not _OTHER_TIME.search(words):
            names.append(name)
    return names


def _singles(names: list[str]) -> list[Names]:
    return [(name,) for name in names]


def _split_camel_case(name: str) -> str:
    return CAMEL_CASE.sub("_", name)


def _date_part(name: str) -> str:
    """Return the part of a date that a column's name says, or an empty text.

    >>> _date_part("YrSold"), _date_part("sale_month"), _date_part("hr"), _date_part("price")
    ('', 'month', 'hour', '')
    """
    match = _DATE_PART.search(_split_camel_case(name))
    if match is None:
        return ""
    word = match[2].lower()
    return _PART_OF_SYNONYM.get(word, word)


def _is_ordered_time(name: str, table: _LabelledTable) -> bool:
    """Return whether a number is named as a time, and the table's rows are in its order."""
    words = _split_camel_case(name)
    is_named_time = _TIMESTAMP.search(words) or _date_part(name)
    if not is_named_time:
        return False
    values = table.values(name)
    known = _known(values)
    if len(known) <= MIN_ORDERED_KNOWN_SHARE * len(values):
        return False
    steps = np.diff(known)
    rising = (steps >= 0).mean()
    falling = (steps <= 0).mean()
    return bool(max(rising, falling) > MIN_ORDERED_SHARE)


def _is_counted_time(name: str, table: _LabelledTable) -> bool:
    """Return whether a number counts weeks or steps beyond a calendar's cycle."""
    words = _split_camel_case(name)
    match = _COUNTED_TIME.search(words)
    if match is None:
        return False
    values = table.values(name)
    largest = np.nanmax(values)
    unit = match[1] or ""
    unit = unit.lower()
    cycle = _CYCLES.get(unit, _LONGEST_CYCLE)
    return bool(largest > cycle)


def _running_numbers(table: _LabelledTable) -> list[str]:
    """Return columns of running whole numbers: of a lot, an order, a run."""
    names = []
    for name in _names(table, "number"):
        values = table.values(name)
        if is_running_number(values):
            names.append(name)
    return names


def _known(values: Floats) -> Floats:
    return values[~np.isnan(values)]


def _known_rows(values: Floats) -> Rows:
    return np.flatnonzero(~np.isnan(values))


def is_running_number(values: Floats) -> bool:
    """Return whether values are whole, distinct and even, as if numbered one after the other.

    >>> is_running_number(np.random.default_rng(0).permutation(500) * 3.0 + 7_000)
    True
    >>> is_running_number(np.random.default_rng(0).normal(500, 100, 500).round())
    False
    """
    known = _known(values)
    known.sort()
    n_known = len(known)
    min_known = MIN_DISTINCT_SHARE * len(values)
    if n_known < max(MIN_RUNNING_ROWS, min_known):
        return False
    is_whole = known == np.round(known)
    if not is_whole.all():
        return False
    is_new = np.diff(known) > 0
    if is_new.mean() < MIN_DISTINCT_SHARE:
        return False
    first = known[0]
    span = known[-1] - first
    scaled = (known - first) / span
    line = np.linspace(0, 1, n_known)
    distances = np.abs(scaled - line)
    return bool(distances.max() <= MAX_UNEVENNESS)


def _spans_decades(names: Names, columns: Columns) -> bool:
    """Return whether dates lie decades apart, as dates of birth do."""
    column = columns[names[0]]
    if len(names) > 1:
        return False
    if column.kind != "date":
        return False
    assert isinstance(column, Numbers)
    known = _known(column.values)
    low, high = np.quantile(known, _INNER_LEVELS)
    return bool(high - low > MAX_DATE_SPAN_SECONDS)


# ------------------------------------------------------------ how the target moves with it


def _drift(names: Names, table: _LabelledTable) -> Drift | None:
    """Return how the target drifts with the time that some columns say; None if they say none."""
    parts = [table.values(name) for name in names]
    times = times_from_parts(parts)
    known = _known_rows(times)
    min_known = MIN_TIMED_SHARE * len(times)
    if len(known) < max(MIN_ROWS_FOR_DRIFT, min_known):
        return None
    distinct = np.unique(times[known])
    if len(distinct) < MIN_DISTINCT_TIMES:
        return None
    if _spans_decades(names, table.columns):
        return None
    stream = (table.seed, 13)
    sampled = sample_rows(len(known), MAX_SAMPLED_ROWS, stream)
    rows = known[sampled]
    blocks = time_blocks(times[rows])
    outputs = table.outputs(rows)
    level = variance_between_groups(blocks, outputs)
    features = _ranked_features(names, table, rows)
    relation_errors = _relation_errors(blocks, outputs, features)
    is_sure = _is_sure(level)
    return Drift(names, times, level.share, is_sure, relation_errors)


def _is_sure(level: GroupVariance) -> bool:
    is_large = level.share >= MIN_LEVEL_SHARE
    return is_large and level.standard_errors >= MIN_STANDARD_ERRORS


def _local_drift(name: str, table: _LabelledTable) -> Drift | None:
    """Return how the level rises and falls along a running number; None if it may be chance."""
    times = table.values(name)
    known = _known_rows(times)
    full_blocks = len(known) // MIN_LOCAL_BLOCK_ROWS
    n_blocks = min(MAX_LOCAL_BLOCKS, full_blocks)
    blocks = time_blocks(times[known], n_blocks)
    outputs = table.outputs(known)
    level = variance_between_groups(blocks, outputs)
    if not _is_sure(level):
        return None
    return Drift((name,), times, level.share, is_level_sure=True)


def _ranked_features(names: Names, table: _LabelledTable, rows: Rows) -> Floats:
    """Return the ranks of the other numbers, centred at 0; a missing cell is 0, too."""
    features = []
    for name in table.columns.names("number", "flag"):
        if name in names:
            continue
        values = table.values(name)[rows]
        ranks = target_outputs(values, is_regression=True)
        centred = ranks[:, 0] - 0.5
        centred[np.isnan(values)] = 0.0
        features.append(centred)
    if not features:
        return np.zeros((len(rows), 0))
    return np.stack(features, axis=1)


def _relation_errors(blocks: Rows, outputs: Floats, features: Floats) -> float:
    """Return by how many standard errors the target's relations to features change with time."""
    n_features = features.shape[1]
    n_products = n_features * outputs.shape[1]
    max_rows = MAX_PRODUCTS // max(1, n_products)
    if not n_features or max_rows < MIN_ROWS_FOR_DRIFT:
        return 0.0
    n_rows = len(blocks)
    stream = (n_rows, 17)
    rows = sample_rows(n_rows, max_rows, stream)
    outputs = outputs[rows]
    centred = outputs - outputs.mean(axis=0)
    products = features[rows, :, None] * centred[:, None, :]
    flat = products.reshape(len(rows), -1)
    relations = variance_between_groups(blocks[rows], flat)
    return relations.standard_errors


def times_from_parts(parts: list[Floats]) -> Floats:
    """Return one number a row that orders rows by the first part, then by the next ones.

    It is NaN where a part is missing.

    >>> times_from_parts([np.array([2021.0, 2020.0]), np.array([1.0, 12.0])]).tolist()
    [1.0, 0.0]
    """
    if len(parts) == 1:
        return parts[0]
    table = np.stack(parts, axis=1)
    filled = np.nan_to_num(table)
    _, ranks = np.unique(filled, axis=0, return_inverse=True)
    ranks = ranks.ravel()
    times = ranks.astype(np.float64)
    is_nan = np.isnan(table)
    is_missing = is_nan.any(axis=1)
    times[is_missing] = np.nan
    return times


def time_blocks(times: Floats, n_blocks: int = N_BLOCKS) -> Rows:
    """Return the block of each row: about equally many, in order of time; ties share one."""
    levels = np.linspace(0, 1, n_blocks + 1)
    inner = levels[1:-1]
    thresholds = np.quantile(times, inner)
    distinct = np.unique(thresholds)
    blocks = np.searchsorted(distinct, times, side="right")
    return np.asarray(blocks, np.int64)
