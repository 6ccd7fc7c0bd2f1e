"""Columns that can't help: constants, row numbers and other ids, exact copies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence

import numpy as np

from automl.cleaning.cells import Cells, Spelled, Typed
from automl.columns import Categories, Column, Floats, Numbers

_ID_NAME = re.compile(r"(^|[\s_\-.])(id|ids|uid|uuid|guid|rowid|rownum(ber)?|row|index|idx|key|nr)$|^unnamed|^column_1$", re.IGNORECASE)
_ID_CAMEL = re.compile(r"([a-z](Id|ID|Number|UUID|Guid)|^(Id|ID))$")
_TIME_NAME = re.compile(r"year|date|time|day|week|month|quarter|hour|minute|second|period|age|epoch|step", re.IGNORECASE)
_UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_FEWEST_ROWS = 20  # below, unique values are too likely by chance
_SEQUENCE_ROWS = 100
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
        return len(present) == 0 or (len(present) == len(column.values) and bool((present == present[0]).all()))
    if isinstance(cells, Typed):
        return len(cells.values) == 0 or bool((cells.values == cells.values[0]).all())
    distinct = np.unique(cells.codes)
    return len(distinct) <= 1


def is_id(name: str, column: Column, cells: Cells) -> bool:
    """Whether a column only numbers the rows.

    Unique whole numbers under an id's name, a sequence that counts the rows in order, or unique single words without a structure
    that a model could use. Fractions and free text are never ids.
    """
    if isinstance(column, Numbers):
        return column.kind == "number" and _numbers_rows(name, column.values, cells)
    if not isinstance(cells, Spelled) or cells.fixed or len(cells.codes) < _FEWEST_ROWS:
        return False
    if (cells.codes < 0).any() or len(cells.words) < len(cells.codes):
        return False
    return _is_structureless(name, cells.words.tolist())


def _numbers_rows(name: str, values: Floats, cells: Cells) -> bool:
    if len(values) < _FEWEST_ROWS or np.isnan(values).any() or not (values == np.floor(values)).all():
        return False
    if has_id_name(name):
        return len(np.unique(values)) == len(values)
    typed_float = isinstance(cells, Typed) and not cells.whole
    if len(values) < _SEQUENCE_ROWS or typed_float or _TIME_NAME.search(name):
        return False
    steps = np.diff(values)
    return bool(values[0] in (0, 1) and (steps > 0).all() and values[-1] - values[0] < 1.05 * len(values))


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
