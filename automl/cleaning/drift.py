"""Columns that say when a row was made, and whether the target drifts with them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from automl.cleaning.entities import likeness, outputs_of
from automl.columns import Columns, Floats, Numbers, Rows
from automl.folds import some

MAX_ROWS = 20_000
MIN_ROWS = 60
MIN_TIMES = 6  # different ones
BLOCKS = 10  # of equally many rows, in order of time
MIN_DRIFT = 0.01  # of the target's variance lies between the blocks
MIN_ERRORS = 4.0  # standard errors above chance
LOCAL_BLOCKS, MIN_LOCAL_ROWS = 40, 20  # of a number that only counts: its level may come and go
MAX_PRODUCTS = 400_000  # rows x features x outputs looked at for relations that change
UNIQUE = 0.98  # of the values of a running number differ
EVEN = 0.05  # a running number is nowhere farther from a line over its ranks, in parts of its range
MIN_RUNNING_ROWS = 200
MIN_DAYS = (
    10_000 * 86_400
)  # a date column that reaches back farther from its end says when people were born or houses built

PARTS = ("year", "quarter", "month", "week", "day", "hour", "minute", "second")
_OTHERS = {  # short forms, and the words of German, French, Spanish, Italian and Dutch
    "year": ("yr", "jahr", "jaar", "année", "annee", "año", "anio", "anno"),
    "quarter": ("qtr", "quartal", "kwartaal", "trimestre"),
    "month": ("mnth", "mth", "mon", "mo", "monat", "maand", "mois", "mes", "mese"),
    "week": ("wk", "woche", "semaine", "semana", "settimana"),
    "day": ("dag", "jour", "día", "dia", "giorno"),
    "hour": ("hr", "stunde", "uur", "heure", "hora"),
}
_SHORT = {other: word for word, others in _OTHERS.items() for other in others}
_PART = re.compile(rf"(^|[\s_\-.])({'|'.join((*PARTS, *_SHORT))})s?$", re.IGNORECASE)
_STAMP = re.compile(
    r"(^|[\s_\-.])(date|time|timestamp|datetime|epoch|period|time[\s_\-.]?(step|index))$",
    re.IGNORECASE,
)
_OF_BIRTH = re.compile(
    r"birth|born|dob|built|blt|remod|renov|construct|found|establish|manufact|model|made|release|launch|expir|due|valid"
    r"|geburt|gebaut|gründ|errichtet|naiss|constru|nacim|nascit"
    r"|hire|hiring|join|signup|regist|since|start_of|age|elapsed|duration|remaining|until|per[\s_\-.]",
    re.IGNORECASE,
)
_RUNNING = re.compile(  # what counts on from the first row to the last one, if it goes beyond a calendar's cycle
    r"^(quarter|month|week|day)([\s_\-.]?(no|nr|num|number|index|idx|id))?$|^(timestamp|datetime|date|epoch|time[\s_\-.]?(step|index))$",
    re.IGNORECASE,
)
_CYCLES = {
    "quarter": 4,
    "month": 12,
    "week": 12,
    "day": 366,
}  # weeks within one year are a time, too, as far as they go
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True)
class Drift:
    """Columns that say when a row was made, and how much of the target goes with it.

    Parameters
    ----------
    columns : tuple of str
        One column, or parts of a date, the largest unit first.
    times : ndarray of shape (n_rows,), float64
        Rows in order; NaN where unknown.
    share : float
        The part of the target's variance that lies between tenths of the time.
    is_sure : bool
        Whether chance can't explain how the level moves.
    turns : float
        Standard errors by which relations of the target to other columns change, above chance.
    """

    columns: tuple[str, ...]
    times: Floats
    share: float
    is_sure: bool
    turns: float = 0.0


def find_drift(columns: Columns, y: Floats, is_regression: bool, seed: int = 0) -> Drift | None:
    """Find the columns by which rows are in order of time, and how the target drifts with them.

    Parameters
    ----------
    columns : Columns
    y : ndarray of shape (n_rows,), float64
    is_regression : bool
    seed : int

    Examples
    --------
    >>> day = np.arange(100.0) * 86_400
    >>> found = find_drift(Columns({"sold_on": Numbers(day, "date")}, 100), np.arange(100.0), is_regression=True)
    >>> found.columns
    ('sold_on',)
    """
    if columns.n_rows < MIN_ROWS:
        return None
    found = [_drift(names, columns, y, is_regression, seed) for names in _candidates(columns)]
    found += [_local_drift(name, columns, y, is_regression) for name in _running_numbers(columns)]
    there = [one for one in found if one is not None]
    return max(there, key=_clearness) if there else None


def _clearness(drift: Drift) -> tuple[bool, bool, float, float]:
    """What drifts for certain comes first, and one column before parts of a date."""
    is_certain = drift.is_sure or drift.turns >= MIN_ERRORS
    return is_certain, len(drift.columns) == 1, drift.share, drift.turns


def _running_numbers(columns: Columns) -> list[str]:
    """Whole numbers that count on without saying what: a lot, an order, a run."""
    numbers = (name for name in columns.names("number") if not _OF_BIRTH.search(_words(name)))
    return [name for name in numbers if counts_on(_values(columns, name))]


def counts_on(values: Floats) -> bool:
    """Whether whole numbers are spread evenly and differ, as if given out one after the other.

    >>> counts_on(np.random.default_rng(0).permutation(500) * 3.0 + 7_000)
    True
    >>> counts_on(np.random.default_rng(0).normal(500, 100, 500).round())
    False
    """
    known = np.sort(values[~np.isnan(values)])
    if len(known) < max(MIN_RUNNING_ROWS, UNIQUE * len(values)) or (known != np.round(known)).any():
        return False
    if (np.diff(known) > 0).mean() < UNIQUE:
        return False
    places = (known - known[0]) / (known[-1] - known[0])
    return bool(np.abs(places - np.linspace(0, 1, len(known))).max() <= EVEN)


def _local_drift(name: str, columns: Columns, y: Floats, is_regression: bool) -> Drift | None:
    """How the level comes and goes along a running number; None if not for certain."""
    times = _values(columns, name)
    known = np.flatnonzero(~np.isnan(times))
    outputs = outputs_of(y[known], is_regression)
    blocks = blocks_of(times[known], min(LOCAL_BLOCKS, len(known) // MIN_LOCAL_ROWS))
    share, errors = likeness(blocks, outputs)
    is_sure = share >= MIN_DRIFT and errors >= MIN_ERRORS
    return Drift((name,), times, share, is_sure) if is_sure else None


def _candidates(columns: Columns) -> list[tuple[str, ...]]:
    """Columns that may say when a row was made."""
    dates: list[tuple[str, ...]] = [
        (name,) for name in columns.names("date") if not _OF_BIRTH.search(_words(name))
    ]
    numbers = [
        name for name in columns.names("number", "flag") if not _OF_BIRTH.search(_words(name))
    ]
    parts = {_part(name): name for name in reversed(numbers) if _part(name)}
    together = tuple(parts[part] for part in PARTS if part in parts)
    is_date = len(together) > 1 and ("year" in parts or "month" in parts or "week" in parts)
    stamps: list[tuple[str, ...]] = [
        (name,) for name in numbers if _STAMP.search(_words(name)) or _part(name)
    ]
    in_order = [names for names in stamps if _is_in_order(columns, names[0])]
    if is_date:
        return [*dates, together]
    return dates or in_order or [(name,) for name in numbers if _is_running(columns, name)]


def _words(name: str) -> str:
    return CAMEL.sub("_", name)


def _part(name: str) -> str:
    """Which part of a date a column is called.

    >>> _part("YrSold"), _part("sale_month"), _part("hr"), _part("price")
    ('', 'month', 'hour', '')
    """
    found = _PART.search(_words(name))
    word = found[2].lower() if found else ""
    return _SHORT.get(word, word)


def _is_running(columns: Columns, name: str) -> bool:
    """Whether a number counts weeks or steps on, beyond a calendar's cycle."""
    found = _RUNNING.search(_words(name))
    if found is None:
        return False
    return float(np.nanmax(_values(columns, name))) > _CYCLES.get((found[1] or "").lower(), 366)


def _is_in_order(columns: Columns, name: str) -> bool:
    """Whether the table's rows lie in order of a number."""
    column = columns[name]
    assert isinstance(column, Numbers)
    known = column.values[~np.isnan(column.values)]
    steps = np.diff(known)
    return bool(
        len(known) > 0.9 * columns.n_rows
        and ((steps >= 0).mean() > 0.98 or (steps <= 0).mean() > 0.98)
    )


def _drift(
    names: tuple[str, ...], columns: Columns, y: Floats, is_regression: bool, seed: int
) -> Drift | None:
    """How the target drifts with the time that some columns say; None if they say none."""
    times = in_order([_values(columns, name) for name in names])
    known = np.flatnonzero(~np.isnan(times))
    if (
        len(known) < max(MIN_ROWS, 0.8 * len(times))
        or len(np.unique(times[known])) < MIN_TIMES
        or _reaches_far(names, columns)
    ):
        return None
    rows = known[some(len(known), MAX_ROWS, (seed, 13))]
    blocks, outputs = blocks_of(times[rows]), outputs_of(y[rows], is_regression)
    share, errors = likeness(blocks, outputs)
    turns = _turns(blocks, outputs, _features(names, columns, rows))
    return Drift(names, times, share, share >= MIN_DRIFT and errors >= MIN_ERRORS, turns)


def _features(names: tuple[str, ...], columns: Columns, rows: Rows) -> Floats:
    """Ranks of the other numbers, around 0; a missing cell is there."""
    others = [name for name in columns.names("number", "flag") if name not in names]
    values = [_values(columns, name)[rows] for name in others]
    taken = [outputs_of(column, is_regression=True)[:, 0] - 0.5 for column in values]
    known = [~np.isnan(column) for column in values]
    shown = [np.where(there, ranks, 0.0) for ranks, there in zip(taken, known, strict=True)]
    return np.stack(shown, axis=1) if shown else np.zeros((len(rows), 0))


def _turns(blocks: Rows, outputs: Floats, features: Floats) -> float:
    """How surely relations of the target to other columns change, in standard errors."""
    most = MAX_PRODUCTS // max(1, features.shape[1] * outputs.shape[1])
    if not features.shape[1] or most < MIN_ROWS:
        return 0.0
    rows = some(len(blocks), most, (len(blocks), 17))
    centred = outputs[rows] - outputs[rows].mean(axis=0)
    products = (features[rows, :, None] * centred[:, None, :]).reshape(len(rows), -1)
    return likeness(blocks[rows], products)[1]


def _reaches_far(names: tuple[str, ...], columns: Columns) -> bool:
    """Whether dates lie decades apart, as those of births do."""
    column = columns[names[0]]
    if len(names) > 1 or not isinstance(column, Numbers) or column.kind != "date":
        return False
    known = column.values[~np.isnan(column.values)]
    low, high = np.quantile(known, [0.05, 0.95])
    return bool(high - low > MIN_DAYS)


def _values(columns: Columns, name: str) -> Floats:
    column = columns[name]
    assert isinstance(column, Numbers)
    return column.values


def in_order(parts: list[Floats]) -> Floats:
    """One number a row that orders rows by the first part, then by the next ones; NaN where one is missing.

    >>> in_order([np.array([2021.0, 2020.0]), np.array([1.0, 12.0])]).tolist()
    [1.0, 0.0]
    """
    if len(parts) == 1:
        return parts[0]
    whole = np.stack(parts, axis=1)
    missing = np.isnan(whole).any(axis=1)
    _, places = np.unique(np.nan_to_num(whole), axis=0, return_inverse=True)
    times: Floats = np.where(missing, np.nan, places.ravel().astype(np.float64))
    return times


def blocks_of(times: Floats, count: int = BLOCKS) -> Rows:
    """Blocks of about equally many rows in order of time; equal times share one."""
    ends = np.unique(np.quantile(times, np.linspace(0, 1, count + 1)[1:-1]))
    return np.searchsorted(ends, times, side="right").astype(np.int64)
