"""Rows below a table that are none of its own: a total, as spreadsheets have it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from automl.table.raw import Note, Table

FEWEST_ROWS = 3  # above a total
MOST_COLUMNS = 50  # whose sums are taken
_WORDS = (
    *("total", "totals", "grand total", "sub total", "subtotal", "sum", "sums", "average", "mean"),
    *(
        "summe",
        "gesamt",
        "gesamtsumme",
        "insgesamt",
        "mittelwert",
        "total general",
        "total général",
        "totaux",
        "somme",
    ),
    *(
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
    ),
)


def without_total(table: Table) -> Table:
    """The table without a last row that sums the others up, with a note.

    The row has to say so and to be right: a column whose value is the sum or the mean of those above it, or no value at all.
    """
    if table.n_rows <= FEWEST_ROWS or not _is_total(table):
        return table
    note = Note("total_row", (), "the last row sums the others up: left out", 1)
    kept = table.take(np.arange(table.n_rows - 1))
    columns = (
        kept.columns
        if table.textual
        else {name: column.infer_objects() for name, column in kept.columns.items()}
    )
    return replace(kept, columns=columns, notes=(*table.notes, note))


def _is_total(table: Table) -> bool:
    last = [column.iloc[-1] for column in table.columns.values()]
    filled = [value for value in last if not _is_blank(value)]
    words = [
        value.strip().rstrip(":") for value in filled if isinstance(value, str) and value.strip()
    ]
    if not any(word.casefold() in _WORDS for word in words[:2]):
        return False
    checked = [
        _sums_up(column)
        for column in list(table.columns.values())[:MOST_COLUMNS]
        if not _is_blank(column.iloc[-1])
    ]
    known = [right for right in checked if right is not None]
    return len(filled) == 1 or (bool(known) and all(known))


def _is_blank(value: Any) -> bool:
    return not value.strip() if isinstance(value, str) else bool(pd.isna(value))


def _sums_up(column: pd.Series[Any]) -> bool | None:
    """Whether the last cell is the sum or mean of the others; None if it is no number."""
    values = pd.to_numeric(column.astype(object), errors="coerce").to_numpy(np.float64)
    last, above = values[-1], values[:-1][~np.isnan(values[:-1])]
    if np.isnan(last) or not len(above):
        return None
    return bool(
        np.isclose(last, above.sum(), rtol=1e-3) or np.isclose(last, above.mean(), rtol=1e-3)
    )
