"""Name the typed columns that are made of a raw column: one, several, or a second reading."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from automl.columns import Categories, Column, Columns, Numbers

_SUFFIXES = re.compile(r"( \[\d+\]'*)?( \((code|word|number|spelling)( \d+)?\))*")

ColumnsByRaw = Mapping[str, Sequence[Column]]


def name_columns(made: ColumnsByRaw) -> dict[str, Column]:
    """Name the columns that were made of each raw column.

    One has the name of the raw column, several have numbers, too.

    >>> import numpy as np
    >>> empty = Numbers(np.empty(0))
    >>> [*name_columns({"pressure": [empty, empty], "age": [empty]})]
    ['pressure [1]', 'pressure [2]', 'age']
    """
    named: dict[str, Column] = {}
    for raw, columns in made.items():
        if len(columns) == 1:
            (column,) = columns
            named[raw] = column
            continue
        for number, column in enumerate(columns, start=1):
            name = f"{raw} [{number}]"
            while name in made:
                name += "'"
            named[name] = column
    return named


def add_second_readings(columns: Columns, second: ColumnsByRaw, label: str = "") -> Columns:
    """Add columns that are a second reading of others, under names of their own.

    Parameters
    ----------
    columns : Columns
    second : mapping of str to sequence of columns
        The second readings by the name of the first one.
    label : str
        The word that is added to the name; by default it says how the column was read.
    """
    by_name = dict(columns.by_name)
    for name, readings in second.items():
        first = columns.by_name.get(name)
        for number, column in enumerate(readings, start=1):
            suffix = label or _label(first, column)
            if len(readings) > 1:
                suffix += f" {number}"
            labelled = _labelled(name, suffix, by_name)
            by_name[labelled] = column
    return Columns(by_name, columns.n_rows)


def _label(first: Column | None, second: Column) -> str:
    """Return the word for a second reading of a column."""
    if isinstance(second, Categories):
        if isinstance(first, Numbers):
            return "word"
        return "code"
    if isinstance(second, Numbers):
        return "number"
    return "spelling"


def _labelled(name: str, label: str, taken: Collection[str]) -> str:
    """Return a free name for a column that is read in a second way.

    >>> _labelled("city", "code", ()), _labelled("city", "code", ("city (code)",))
    ('city (code)', 'city (code) (code)')
    """
    suffix = f" ({label})"
    labelled = name + suffix
    while labelled in taken:
        labelled += suffix
    return labelled


def is_made_of(name: str, raw: str) -> bool:
    """Return whether a typed column was made of a raw one, as one of several or in a second way.

    >>> names = ("paid", "paid (code)", "paid [2]", "paid (last year)")
    >>> [is_made_of(name, "paid") for name in names]
    [True, True, True, False]
    """
    if not name.startswith(raw):
        return False
    suffixes = name[len(raw) :]
    return _SUFFIXES.fullmatch(suffixes) is not None
