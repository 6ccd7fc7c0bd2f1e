"""Parquet and Feather."""

from __future__ import annotations

import io
import re
from typing import Any

import pandas as pd

from automl.errors import InputError, one_line
from automl.files import require
from automl.table.form import FileFormat
from automl.table.frames import from_file_frame
from automl.table.raw import Note, Request, Table
from automl.table.source import Source

# Such as int64, datetime64[ns, UTC] and decimal128(10, 2)[pyarrow].
_PLAIN_TYPE = re.compile(r"[A-Za-z]\w*(\[[^\[\]]*\])?|[A-Za-z].*\[pyarrow\]")
_MODULES = {"Parquet": "pyarrow.parquet", "Feather": "pyarrow.feather"}


def read_arrow(source: Source, kind: str, request: Request) -> Table:
    """Read a Parquet or Feather file."""
    reader = require(_MODULES[kind], "parquet", f"reading {kind}")
    arrow = require("pyarrow", "parquet", f"reading {kind}")
    try:
        with source.open() as stream:
            content = stream.read()
        table = reader.read_table(io.BytesIO(content))
        # Arrow reads what a file states and trusts it later: forged offsets end the process.
        # https://arrow.apache.org/docs/dev/cpp/security.html
        table.validate(full=True)
        frame = _to_pandas(table)
        frame, notes = _with_index_columns(frame)
    except (arrow.ArrowException, ValueError, RecursionError) as error:
        raise InputError(f"{source.name}: a damaged {kind} file: {one_line(error)}") from None
    form = FileFormat(kind="arrow")
    return from_file_frame(frame, source.name, form, request, notes)


def _to_pandas(table: Any) -> pd.DataFrame:
    plain: pd.DataFrame
    if not _has_usable_notes(table):
        plain = table.to_pandas(ignore_metadata=True)
        return plain
    try:
        plain = table.to_pandas()
    except (KeyError, TypeError, ValueError, NotImplementedError):
        # The file's notes for pandas name types that this version does not have.
        plain = table.to_pandas(ignore_metadata=True)
    return plain


def _has_usable_notes(table: Any) -> bool:
    """Return whether a file's notes for pandas, if any, can be trusted to be read.

    Names of several parts can't: pyarrow parses them as Python's literals, and forged ones end in
    a traceback. Nor can types that NumPy would read as several ones, with literals between them.
    """
    notes = table.schema.pandas_metadata
    if notes is None:
        return True
    if not isinstance(notes, dict):
        return False
    levels = notes.get("column_indexes", [])
    if not isinstance(levels, list) or len(levels) > 1:
        return False
    columns = notes.get("columns", [])
    if not isinstance(columns, list):
        return False
    return all(map(_has_plain_type, columns))


def _has_plain_type(column: Any) -> bool:
    """Return whether the notes on a column name one type, as pandas writes it."""
    if not isinstance(column, dict):
        return False
    name = column.get("numpy_type")
    if not isinstance(name, str):
        return False
    return _PLAIN_TYPE.fullmatch(name) is not None


def _with_index_columns(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """Return a frame with its named index as columns, as other libraries read the same file."""
    notes = []
    index = frame.index
    taken = set(map(str, frame.columns))
    parts: list[Any] = []
    for level, name in enumerate(index.names):
        text = str(name)
        if name is None:
            continue
        if text in taken:
            what = "the index has the name of a column: left out"
            note = Note("index_dropped", (text,), what)
            notes.append(note)
            continue
        taken.add(text)
        values = index.get_level_values(level)
        column = pd.Series(values, name=name)
        parts.append(column)
    frame = frame.reset_index(drop=True)
    if parts:
        parts.append(frame)
        frame = pd.concat(parts, axis=1)
    return frame, notes
