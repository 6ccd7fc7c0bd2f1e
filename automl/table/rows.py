"""A table of rows from Python, as a service gets them: dictionaries of values by column.

Plain values need no pandas: one row is there in microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from automl.errors import InputError
from automl.table.column import NumberColumn, TextColumn
from automl.table.raw import Table

_MAX_EXACT_INTEGER = 2**53  # as float64
_MISSING = type(None)

Row: TypeAlias = Mapping[Any, Any]
Rows: TypeAlias = Sequence[Row]


def as_table(data: Any, *, source: str = "X") -> Table:
    """Return a table of rows, or of any other table from Python.

    Parameters
    ----------
    data : Table, mapping, list of mappings, or table from Python
        A mapping of single values is one row. Anything else is taken as by `from_frame`.
    source : str
        The name used in messages.

    Raises
    ------
    InputError
        For anything that isn't a table.

    Examples
    --------
    >>> as_table({"place": "Oslo", "size": 1.5}).columns["size"].tolist()
    [1.5]
    >>> as_table([{"place": "Oslo"}, {"size": 2.5}])["size"].tolist()
    [nan, 2.5]
    >>> as_table({"place": ["Oslo", "Rome"]}).n_rows
    2
    """
    if isinstance(data, Table):
        return data
    if isinstance(data, Mapping | list | tuple) and not data:
        raise InputError(
            f"{source}: there is no row. Give a dictionary of values by column, or a list of such."
        )
    rows = _rows_of(data, source)
    if rows is not None:
        table = _plain_table(rows, source)
        if table is not None:
            return table
        data = rows
    from automl.table.frames import from_frame

    return from_frame(data, source=source)


def _rows_of(data: Any, source: str) -> Rows | None:
    """Return the rows of a single row or of a list of rows; None for other tables."""
    if isinstance(data, Mapping):
        are_columns = {name: _is_column(value) for name, value in data.items()}
        if not any(are_columns.values()):
            return [data]
        for name, is_column in are_columns.items():
            if not is_column:
                raise InputError(
                    f"{source}: {name!r} is a single value, others are several. Give one row as "
                    "single values, and several rows as lists of equal lengths."
                )
        return None
    if not isinstance(data, list | tuple) or not data:
        return None
    are_rows = all(isinstance(row, Mapping) for row in data)
    return data if are_rows else None


def _is_column(value: Any) -> bool:
    """Return whether a value of a mapping holds several cells."""
    if isinstance(value, str | bytes):
        return False
    return hasattr(value, "__len__")


def _plain_table(rows: Rows, source: str) -> Table | None:
    """Return the table of rows of plain values; None where pandas must decide on a type."""
    names: dict[Any, None] = {}
    for row in rows:
        names.update(dict.fromkeys(row))
    columns = {}
    for name in names:
        values = [row.get(name) for row in rows]
        column = _plain_column(values)
        if column is None or not _is_plain_name(name):
            return None
        columns[name] = column
    if not columns:
        return None
    n_rows = len(rows)
    return Table(columns, n_rows, source)


def _is_plain_name(name: Any) -> bool:
    if not isinstance(name, str) or not name.strip():
        return False
    return _is_encodable(name)


def _plain_column(values: list[Any]) -> TextColumn | NumberColumn | None:
    kinds = set(map(type, values))
    if kinds <= {str, _MISSING}:
        texts = [value or "" for value in values]
        together = "".join(texts)
        return TextColumn.of(texts) if _is_encodable(together) else None
    if kinds == {bool}:
        flags = np.array(values, bool)
        return NumberColumn(flags)
    if not kinds <= {int, float, _MISSING}:
        return None
    if not all(map(_is_exact, values)):
        return None
    dtype = np.int64 if kinds == {int} else np.float64
    numbers = np.array(values, dtype)
    return NumberColumn(numbers)


def _is_exact(value: Any) -> bool:
    """Return whether a number is no integer that a float can't hold."""
    if not isinstance(value, int):
        return True
    return abs(value) < _MAX_EXACT_INTEGER


def _is_encodable(text: str) -> bool:
    """Return whether a text has no lone surrogates, which would have to be escaped."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
