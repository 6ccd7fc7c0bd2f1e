"""Raw tables: a file's cells as text exactly as they stand, or a frame's columns as they are.

Only this package reads tables.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from automl.table.column import NumberColumn, TableColumn, TextColumn, as_series
from automl.table.form import NO_OVERRIDES, FileFormat, Overrides
from automl.table.raw import Note, ReadLimits, RowSample, Table
from automl.table.reading import read_table
from automl.table.rows import as_table

if TYPE_CHECKING:
    from automl.table.frames import from_frame

__all__ = [
    "NO_OVERRIDES",
    "FileFormat",
    "Note",
    "NumberColumn",
    "Overrides",
    "ReadLimits",
    "RowSample",
    "Table",
    "TableColumn",
    "TextColumn",
    "as_series",
    "as_table",
    "from_frame",
    "read_table",
]


def __getattr__(name: str) -> Any:
    """Import `from_frame` at its first use: reading a text needs no pandas."""
    if name != "from_frame":
        raise AttributeError(f"module 'automl.table' has no attribute {name!r}")
    frames = importlib.import_module("automl.table.frames")
    return frames.from_frame
