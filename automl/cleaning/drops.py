"""Columns that cannot help: constants, row numbers and other ids, exact copies."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import numpy as np

from automl.arrays import Floats, Rows
from automl.cleaning.association import (
    MIN_GROUP_ROWS,
    kruskal_wallis_p_value,
    rank_bins,
    spearman_p_value,
    target_columns,
)
from automl.cleaning.cells import Cells, Spelled, Typed
from automl.columns import Categories, Column, Numbers

_ID_NAME = re.compile(
    r"(^|[\s_\-.])(id|ids|uid|uuid|guid|rowid|rownum(ber)?|row|index|idx|key|nr)$"
    r"|^unnamed|^column_1$",
    re.IGNORECASE,
)
_CAMEL_CASE_ID = re.compile(r"([a-z](Id|ID|Number|UUID|Guid)|^(Id|ID))$")
_TIME_NAME = re.compile(
    r"year|date|time|day|week|month|quarter|hour|minute|second|period|age|epoch|step", re.IGNORECASE
)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_LETTERS = re.compile(r"[A-Za-z]{2,}")
_MIN_ID_ROWS = 20  # below, unique values are too likely by chance
_MIN_SEQUENCE_ROWS = 100
_MAX_SEQUENCE_SPAN = 1.05  # of a sequence that counts the rows, over their number
_MAX_TESTED_ROWS = 5_000
_MAX_CHANCE = 1e-4  # that a column without any meaning is kept
_PREFIX_LENGTHS = (1, 2, 3, 4, 6)
_MAX_WORD_LENGTH = 64  # characters of a word that are examined


def has_id_name(name: str) -> bool:
    """Return whether a column's name says that it is an id.

    >>> [has_id_name(name) for name in ("PassengerId", "USER_ID", "id", "RowNumber")]
    [True, True, True, True]
    >>> [has_id_name(name) for name in ("paid", "hybrid")]
    [False, False]
    """
    if _ID_NAME.search(name):
        return True
    return _CAMEL_CASE_ID.search(name) is not None


def is_constant(column: Column, cells: Cells) -> bool:
    """Return whether all cells are equal; one value next to missing cells is not constant."""
    if isinstance(column, Numbers):
        values = column.values
        present = values[~np.isnan(values)]
        if not len(present):
            return True
        if len(present) < len(values):
            return False
        return _are_equal(present)
    if isinstance(cells, Typed):
        return _are_equal(cells.values)
    distinct = np.unique(cells.codes)
    return len(distinct) <= 1


def _are_equal(values: Floats) -> bool:
    if not len(values):
        return True
    is_equal = values == values[0]
    return bool(is_equal.all())


# ------------------------------------------------------------ ids


def is_id(name: str, columns: Sequence[Column], cells: Cells) -> bool:
    """Return whether a column looks as if it only numbered the rows.

    These do: unique whole numbers under an id's name, a sequence that counts the rows in order,
    and unique single words without a structure that a model could use. Fractions and free text
    are never ids, and words with several numbers in them only under an id's name.
    """
    column = columns[0]
    is_single = len(columns) == 1
    if is_single and isinstance(column, Numbers):
        if column.kind != "number":
            return False
        return _numbers_rows(name, column.values, cells)
    if isinstance(cells, Typed):
        return False
    if not _has_unique_words(cells):
        return False
    if not is_single:
        return has_id_name(name)
    if cells.is_categorical:
        return False
    words = cells.words.tolist()
    return has_id_name(name) or _is_structureless(words)


def _has_unique_words(cells: Spelled) -> bool:
    n_rows = len(cells.codes)
    if n_rows < _MIN_ID_ROWS or len(cells.words) != n_rows:
        return False
    is_present = cells.codes >= 0
    return bool(is_present.all())


def _numbers_rows(name: str, values: Floats, cells: Cells) -> bool:
    """Return whether numbers identify rows: unique ones of an id, or a sequence."""
    if len(values) < _MIN_ID_ROWS:
        return False
    is_whole = values == np.floor(values)
    if not is_whole.all():
        return False
    if has_id_name(name) or _has_letters(cells):
        distinct = np.unique(values)
        return len(distinct) == len(values)
    if isinstance(cells, Typed) and not cells.is_integer:
        return False
    if _TIME_NAME.search(name):
        return False
    return counts_rows(values)


def _has_letters(cells: Cells) -> bool:
    """Return whether whole numbers follow letters: INV1007."""
    if isinstance(cells, Typed):
        return False
    if not len(cells.words):
        return False
    word = str(cells.words[0])
    return word[0].isalpha() and " " not in word


def counts_rows(values: Floats) -> bool:
    """Return whether values count the rows in the table's order, nearly without a gap.

    >>> counts_rows(np.arange(200.0)), counts_rows(np.arange(200.0)[::-1])
    (True, False)
    """
    n_rows = len(values)
    if n_rows < _MIN_SEQUENCE_ROWS:
        return False
    first = values[0]
    if first not in (0, 1) or not _increases(values):
        return False
    span = values[-1] - first
    return bool(span < _MAX_SEQUENCE_SPAN * n_rows)


def _increases(values: Floats) -> bool:
    is_step_up = np.diff(values) > 0
    return bool(is_step_up.all())


def _is_structureless(words: Sequence[str]) -> bool:
    """Return whether unique words share nothing that a model could use."""
    if all(map(_UUID.fullmatch, words)):
        return True
    prefixes = set()
    for word in words:
        if " " in word or not word.isascii():
            return False
        match = _LETTERS.search(word)
        prefixes.add(match[0] if match else "")
    if len(prefixes) < 2:
        return True
    return len(prefixes) > len(words) / 2  # fewer prefixes are a structure that words share


# ------------------------------------------------------------ ids that predict the target


def is_associated_with_target(
    columns: Sequence[Column], cells: Cells, y: Floats, n_classes: int
) -> bool:
    """Return whether a column that looks like an id is associated with the target all the same.

    Its numbers, the order of its words, their lengths and their first letters are tested. A
    column that counts the rows never is: new rows have no position in a sorted file.

    Parameters
    ----------
    columns : sequence of Column
        The columns that were read from it.
    cells : Cells
    y : ndarray of shape (n_rows,), float64
        The target: class codes or values.
    n_classes : int
        0 for a regression.
    """
    numbers = [column.values for column in columns if isinstance(column, Numbers)]
    is_sorted = _is_sorted(y, n_classes)
    for values in numbers:
        if counts_rows(values):
            return False
        if is_sorted and _increases(values):
            return False
    n_rows = len(y)
    step = math.ceil(n_rows / _MAX_TESTED_ROWS)
    rows = np.arange(n_rows)[:: max(1, step)]
    numbers = [values[rows] for values in numbers]
    groups: list[Rows] = []
    if isinstance(cells, Spelled):
        words = [word[:_MAX_WORD_LENGTH] for word in cells.words[cells.codes[rows]]]
        if not numbers:
            numbers.append(_alphabetical_ranks(words))
        lengths = list(map(len, words))
        numbers.append(np.array(lengths, np.float64))
        groups += _prefix_groups(words)
    groups += map(rank_bins, numbers)
    targets = target_columns(y[rows], n_classes)
    n_columns = len(groups) + len(numbers)
    n_tests = max(1, n_columns * len(targets))
    limit = _MAX_CHANCE / n_tests
    return any(chance < limit for chance in _p_values(numbers, groups, targets))


def _p_values(
    numbers: Sequence[Floats], groups: Sequence[Rows], targets: Sequence[Floats]
) -> Iterator[float]:
    """Yield the p-values of the order of numbers, then of groups."""
    for values, target in product(numbers, targets):
        yield spearman_p_value(values, target)
    for codes, target in product(groups, targets):
        yield kruskal_wallis_p_value(codes, target)


def _is_sorted(y: Floats, n_classes: int) -> bool:
    """Return whether the rows of a table are in the order of the target."""
    steps = np.diff(y)
    if n_classes:
        n_changes = int(np.count_nonzero(steps))
        return n_changes < n_classes
    is_rising = (steps >= 0).all()
    is_falling = (steps <= 0).all()
    return bool(is_rising or is_falling)


def _alphabetical_ranks(words: Sequence[str]) -> Floats:
    array = np.array(words, dtype=str)
    _, ranks = np.unique(array, return_inverse=True)
    return ranks.astype(np.float64)


def _prefix_groups(words: Sequence[str]) -> list[Rows]:
    """Return groups of words by their first letters, for lengths at which many are equal."""
    max_groups = len(words) / MIN_GROUP_ROWS
    groups: list[Rows] = []
    for length in _PREFIX_LENGTHS:
        prefixes = [word[:length] for word in words]
        array = np.array(prefixes, dtype=str)
        distinct, codes = np.unique(array, return_inverse=True)
        if 2 <= len(distinct) <= max_groups:
            groups.append(codes.astype(np.int64))
    return groups


# ------------------------------------------------------------ copies


def find_column_copies(columns: Mapping[str, Column]) -> dict[str, str]:
    """Return the columns that equal an earlier one, each with the name of that one.

    >>> find_column_copies({"a": Numbers(np.array([1.0, 2.0])), "b": Numbers(np.array([1.0, 2.0]))})
    {'b': 'a'}
    """
    first_names: dict[bytes, str] = {}
    originals: dict[str, str] = {}
    for name, column in columns.items():
        digest = _digest(column)
        original = first_names.setdefault(digest, name)
        if original != name:
            originals[name] = original
    return originals


def _digest(column: Column) -> bytes:
    digest = hashlib.blake2b(column.kind.encode())
    if isinstance(column, Numbers):
        unsigned_zero = column.values + 0.0
        digest.update(unsigned_zero.tobytes())
    elif isinstance(column, Categories):
        levels = "\0".join(column.levels)
        digest.update(levels.encode("utf-8", "replace"))
        digest.update(column.codes.tobytes())
    else:
        digest.update(column.offsets.tobytes())
        digest.update(column.data.tobytes())
    return digest.digest()
