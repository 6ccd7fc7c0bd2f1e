"""Raw tables: a file's cells as text exactly as they stand, or a frame's columns as they are.

Only this package reads tables.
"""

from automl.table.form import NO_OVERRIDES, FileFormat, Overrides
from automl.table.frames import from_frame
from automl.table.raw import Note, ReadLimits, RowSample, Table
from automl.table.reading import read_table

__all__ = [
    "NO_OVERRIDES",
    "FileFormat",
    "Note",
    "Overrides",
    "ReadLimits",
    "RowSample",
    "Table",
    "from_frame",
    "read_table",
]
