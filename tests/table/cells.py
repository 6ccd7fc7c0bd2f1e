"""Write a file and read it as a table; a table's cells and notes in a form that compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from automl.table import Table, read_table

Rows = list[list[Any]]


def read(folder: Path, content: str | bytes, **options: Any) -> Table:
    """Write a file and read it as a table that needs a column `y`, unless `needs` says other."""
    path = folder / "table.txt"
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
    options.setdefault("needs", ("y",))
    return read_table(path, **options)


def joined(rows: Rows, separator: str) -> str:
    """Return rows as delimited text, without quotation marks."""
    lines = [separator.join(row) + "\n" for row in rows]
    return "".join(lines)


def columns_of(table: Table) -> dict[str, list[Any]]:
    columns = {}
    for name, column in table.columns.items():
        columns[name] = column.tolist()
    return columns


def rows_of(table: Table) -> Rows:
    """Return the names and all rows of a table."""
    columns = columns_of(table).values()
    rows = zip(*columns, strict=True)
    return [list(table.names), *map(list, rows)]


def note_codes(table: Table) -> list[str]:
    return [note.code for note in table.notes]
