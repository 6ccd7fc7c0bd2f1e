"""Columns that can't help: constants, row numbers and other ids, exact copies."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from automl.cleaning.cells import Cells, Spelled, Typed
from automl.columns import Categories, Column, Floats, Numbers, Rows

_ID_NAME = re.compile(
    r"(^|[\s_\-.])(id|ids|uid|uuid|guid|rowid|rownum(ber)?|row|index|idx|key|nr)$|^unnamed|^column_1$",
    re.IGNORECASE,
)
_ID_CAMEL = re.compile(r"([a-z](Id|ID|Number|UUID|Guid)|^(Id|ID))$")
_TIME_NAME = re.compile(
    r"year|date|time|day|week|month|quarter|hour|minute|second|period|age|epoch|step", re.IGNORECASE
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_FEWEST_ROWS = 20  # below, unique values are too likely by chance
_SEQUENCE_ROWS = 100
_TESTED_ROWS = 5_000
_TESTED_CLASSES = 5
_CHANCE = 1e-4  # that a column without any meaning is kept
_BINS = 10  # of neighbouring values
_PREFIXES = (1, 2, 3, 4, 6)  # letters
_LONGEST = 64  # characters of a word that are looked at
_FEWEST_A_GROUP = 5  # rows
_LETTERS = re.compile(r"[A-Za-z]{2,}")


def has_id_name(name: str) -> bool:
    """Whether a column is called an id.

    >>> [has_id_name(name) for name in ("PassengerId", "USER_ID", "id", "paid", "RowNumber", "hybrid")]
    [True, True, True, False, True, False]
    """
    return _ID_NAME.search(name) is not None or _ID_CAMEL.search(name) is not None


def is_constant(column: Column, cells: Cells) -> bool:
    """Whether all cells are equal; one value beside missing cells still says something."""
    if isinstance(column, Numbers):
        present = column.values[~np.isnan(column.values)]
        return len(present) == 0 or (
            len(present) == len(column.values) and bool((present == present[0]).all())
        )
    if isinstance(cells, Typed):
        return len(cells.values) == 0 or bool((cells.values == cells.values[0]).all())
    distinct = np.unique(cells.codes)
    return len(distinct) <= 1


def is_id(name: str, columns: Sequence[Column], cells: Cells) -> bool:
    """Whether a column looks as if it only numbered the rows.

    Unique whole numbers under an id's name, a sequence that counts the rows in order, or unique single words without a structure
    that a model could use. Fractions and free text are never ids, words with several numbers in them only under an id's name.
    """
    column = columns[0]
    if len(columns) > 1:
        return has_id_name(name) and isinstance(cells, Spelled) and _all_differ(cells)
    if isinstance(column, Numbers):
        return column.kind == "number" and _numbers_rows(name, column.values, cells)
    if not isinstance(cells, Spelled) or cells.fixed or not _all_differ(cells):
        return False
    return _is_structureless(name, cells.words.tolist())


def _all_differ(cells: Spelled) -> bool:
    return (
        len(cells.codes) >= _FEWEST_ROWS
        and len(cells.words) == len(cells.codes)
        and bool((cells.codes >= 0).all())
    )


def _numbers_rows(name: str, values: Floats, cells: Cells) -> bool:
    if (
        len(values) < _FEWEST_ROWS
        or np.isnan(values).any()
        or not (values == np.floor(values)).all()
    ):
        return False
    if has_id_name(name) or _is_code(cells):
        return len(np.unique(values)) == len(values)
    typed_float = isinstance(cells, Typed) and not cells.whole
    return not (typed_float or _TIME_NAME.search(name)) and counts_rows(values)


def _is_code(cells: Cells) -> bool:
    """Whether the whole numbers stand behind letters: INV1007."""
    if not isinstance(cells, Spelled) or not len(cells.words):
        return False
    word = str(cells.words[0])
    return word[0].isalpha() and " " not in word


def counts_rows(values: Floats) -> bool:
    """Whether values count the rows in the order in which they stand, nearly without a gap.

    >>> counts_rows(np.arange(200.0)), counts_rows(np.arange(200.0)[::-1])
    (True, False)
    """
    steps = np.diff(values)
    counts = len(values) >= _SEQUENCE_ROWS and values[0] in (0, 1) and (steps > 0).all()
    return bool(counts and values[-1] - values[0] < 1.05 * len(values))


def tells(columns: Sequence[Column], cells: Cells, y: Floats, n_classes: int) -> bool:
    """Whether a column that looks like an id says something of the target all the same.

    Its numbers, the order of its words, their lengths and their beginnings are tested against
    the target. What counts the rows says nothing: new rows have no place in a sorted file.

    Parameters
    ----------
    columns : sequence of Column
        What was made of it.
    cells : Cells
    y : ndarray of shape (n_rows,), float64
        The target: class codes or values.
    n_classes : int
        0 for a regression.
    """
    rows = np.arange(len(y))[:: max(1, -(-len(y) // _TESTED_ROWS))]
    numbers = [column.values for column in columns if isinstance(column, Numbers)]
    if any(
        counts_rows(values) or (_increases(values) and _is_sorted(y, n_classes))
        for values in numbers
    ):
        return False
    targets = _ranked_targets(y[rows], n_classes)
    numbers = [values[rows] for values in numbers]
    groups: list[Rows] = []
    if isinstance(cells, Spelled):
        words = [word[:_LONGEST] for word in cells.words[cells.codes[rows]].tolist()]
        numbers = [
            *(numbers or [_places(words)]),
            np.array([len(word) for word in words], np.float64),
        ]
        groups = _beginnings(words)
    groups += [_bins(values) for values in numbers]
    n_tests = max(1, (len(groups) + len(numbers)) * len(targets))
    limit = _CHANCE / n_tests
    by_order = any(
        _order_chance(values, target) < limit for values in numbers for target in targets
    )
    return by_order or any(
        _groups_chance(codes, target) < limit for codes in groups for target in targets
    )


def _places(words: Sequence[str]) -> Floats:
    """Where each word stands in alphabetical order."""
    return np.unique(np.array(words, dtype=str), return_inverse=True)[1].astype(np.float64)


def _increases(values: Floats) -> bool:
    return bool((np.diff(values) > 0).all())


def _is_sorted(y: Floats, n_classes: int) -> bool:
    """Whether the rows of a table stand in the order of the target."""
    steps = np.diff(y)
    changes = int((steps != 0).sum())
    return changes < n_classes if n_classes else bool((steps >= 0).all() or (steps <= 0).all())


def _ranked_targets(y: Floats, n_classes: int) -> list[Floats]:
    """The target by its ranks, or who belongs to each of its most frequent classes."""
    if not n_classes:
        return [_ranks(y)]
    counts = np.bincount(y.astype(np.int64), minlength=n_classes)
    classes = np.argsort(-counts, kind="stable")[:_TESTED_CLASSES]
    return [(y == code).astype(np.float64) for code in (classes if n_classes > 2 else classes[:1])]


def _ranks(values: Floats) -> Floats:
    """Ranks, equal values at their mean."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(counts) - (counts - 1) / 2)[codes]
    return ranks


def _bins(values: Floats) -> Rows:
    ranks = _ranks(values)
    return np.minimum((ranks - 1) * _BINS // len(values), _BINS - 1).astype(np.int64)


def _beginnings(words: Sequence[str]) -> list[Rows]:
    """Words by their first letters, where many begin alike."""
    found: list[Rows] = []
    for length in _PREFIXES:
        distinct, codes = np.unique(
            np.array([word[:length] for word in words], dtype=str), return_inverse=True
        )
        if 2 <= len(distinct) <= len(words) / _FEWEST_A_GROUP:
            found.append(codes.astype(np.int64))
    return found


def _order_chance(values: Floats, target: Floats) -> float:
    """Return the p-value of Spearman's correlation."""
    ranks = _ranks(values)
    if len(values) < 3 or ranks.std() == 0 or target.std() == 0:
        return 1.0
    correlation = float(np.corrcoef(ranks, target)[0, 1])
    return math.erfc(abs(correlation) * math.sqrt((len(values) - 1) / 2))


def _groups_chance(codes: Rows, target: Floats) -> float:
    """Return the p-value of Kruskal and Wallis' test that groups differ in the target."""
    counts = np.bincount(codes)
    kept = counts[codes] >= _FEWEST_A_GROUP
    codes, target, n_groups = codes[kept], target[kept], int((counts >= _FEWEST_A_GROUP).sum())
    if n_groups < 2 or target.std() == 0:
        return 1.0
    sums, sizes = np.bincount(codes, target - target.mean()), np.bincount(codes)
    between = float((sums[sizes > 0] ** 2 / sizes[sizes > 0]).sum())
    return _chi_squared(between / float(target.var(ddof=1)), n_groups - 1)


def _chi_squared(value: float, freedom: int) -> float:
    """The chance of a larger value of chi squared (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * freedom)
    return 0.5 * math.erfc(((value / freedom) ** (1 / 3) - (1 - spread)) / math.sqrt(2 * spread))


def _is_structureless(name: str, words: Sequence[str]) -> bool:
    if has_id_name(name) or all(_UUID.fullmatch(word) for word in words):
        return True
    if any(" " in word or not word.isascii() for word in words):
        return False
    starts = {match[0] if (match := _LETTERS.search(word)) else "" for word in words}
    return not 2 <= len(starts) <= len(words) / 2  # some prefixes that many share are a structure


def copies(columns: Mapping[str, Column]) -> dict[str, str]:
    """Columns that equal an earlier one, each with the name of that one.

    >>> copies({"a": Numbers(np.array([1.0, 2.0])), "b": Numbers(np.array([1.0, 2.0]))})
    {'b': 'a'}
    """
    first: dict[bytes, str] = {}
    found: dict[str, str] = {}
    for name, column in columns.items():
        earlier = first.setdefault(_digest(column), name)
        if earlier != name:
            found[name] = earlier
    return found


def _digest(column: Column) -> bytes:
    digest = hashlib.blake2b(column.kind.encode())
    if isinstance(column, Numbers):
        digest.update((column.values + 0.0).tobytes())
    elif isinstance(column, Categories):
        digest.update("\0".join(column.levels).encode("utf-8", "replace"))
        digest.update(column.codes.tobytes())
    else:
        digest.update(column.offsets.tobytes())
        digest.update(column.data.tobytes())
    return digest.digest()
