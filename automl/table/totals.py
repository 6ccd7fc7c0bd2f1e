"""A total below a table, as spreadsheets have it, which is none of the table's rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from automl.table.column import TableColumn, TextColumn, as_series
from automl.table.raw import Note, Table

MIN_ROWS_ABOVE = 3  # a total
MAX_SUMMED_COLUMNS = 50
TOLERANCE = 1e-3  # of a total, relative
_WORDS = frozenset(
    (
        "total",
        "totals",
        "grand total",
        "sub total",
        "subtotal",
        "sum",
        "sums",
        "average",
        "mean",
        "summe",
        "gesamt",
        "gesamtsumme",
        "insgesamt",
        "mittelwert",
        "total general",
        "total général",
        "totaux",
        "somme",
        "moyenne",
        "totale",
        "media",
        "suma",
        "promedio",
        "razem",
        "итого",
        "всего",
        "среднее",
        "合计",
        "总计",
        "合計",
    )
)


def without_total(table: Table) -> Table:
    """Return the table without a last row that sums up the others, with a note.

    The row must say so and be right: each of its values is the sum or the mean of those above it,
    or it has no value at all.
    """
    if table.n_rows <= MIN_ROWS_ABOVE or not _is_total(table):
        return table
    note = Note("total_row", (), "the last row sums the others up: left out", 1)
    rows = np.arange(table.n_rows - 1)
    shorter = table.take(rows)
    columns = dict(shorter.columns)
    if not table.is_textual:
        # Without the word "Total" a column of objects may hold numbers alone.
        for name, column in columns.items():
            series = as_series(column)
            columns[name] = series.infer_objects()
    return replace(shorter, columns=columns, notes=(*table.notes, note))


def _is_total(table: Table) -> bool:
    """Return whether the last row of a table sums up the others."""
    columns = list(table.columns.values())
    last = list(map(_last_cell, columns))
    filled = [value for value in last if not _is_blank(value)]
    if not _has_total_word(filled):
        return False
    if len(filled) == 1:
        return True
    n_matches = 0
    for column in columns[:MAX_SUMMED_COLUMNS]:
        if _is_blank(_last_cell(column)):
            continue
        matches = _sums_up(column)
        if matches is False:
            return False
        n_matches += matches is True
    return n_matches > 0


def _last_cell(column: TableColumn) -> Any:
    if isinstance(column, TextColumn):
        return column.cells[-1]
    series = as_series(column)
    return series.iloc[-1]


def _has_total_word(values: list[Any]) -> bool:
    """Return whether one of the first two texts among a row's values is a word for a total."""
    texts = [value for value in values if isinstance(value, str)]
    for text in texts[:2]:
        word = text.strip().rstrip(":")
        if word.casefold() in _WORDS:
            return True
    return False


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    import pandas as pd

    return pd.api.types.is_scalar(value) and bool(pd.isna(value))  # a list is a value too


def _sums_up(column: TableColumn) -> bool | None:
    """Return whether the last cell is the sum or mean of the others; None if it is not a number."""
    import pandas as pd

    series = as_series(column)
    cells = series.astype(object)
    numbers = pd.to_numeric(cells, errors="coerce")
    values = numbers.to_numpy(np.float64)
    last = values[-1]
    above = values[:-1]
    above = above[~np.isnan(above)]
    if np.isnan(last) or not len(above):
        return None
    is_sum = np.isclose(last, above.sum(), rtol=TOLERANCE)
    is_mean = np.isclose(last, above.mean(), rtol=TOLERANCE)
    return bool(is_sum or is_mean)
