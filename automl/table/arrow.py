"""Parquet and Feather."""

from __future__ import annotations

import io
from typing import Any

import pandas as pd

from automl.errors import InputError, one_line
from automl.files import require
from automl.table.form import Form
from automl.table.frames import from_read
from automl.table.raw import Note, Request, Table
from automl.table.source import Source

_MODULES = {"Parquet": "pyarrow.parquet", "Feather": "pyarrow.feather"}


def read_arrow(source: Source, what: str, request: Request) -> Table:
    """Read a Parquet or Feather file."""
    reader = require(_MODULES[what], "parquet", f"reading {what}")
    arrow = require("pyarrow", "parquet", f"reading {what}")
    try:
        with source.open() as stream:
            frame, notes = _frame(reader.read_table(io.BytesIO(stream.read())))
    except (arrow.ArrowException, ValueError) as error:
        raise InputError(f"{source.name}: a damaged {what} file: {one_line(error)}") from None
    return from_read(frame, source.name, Form(kind="arrow"), request, notes)


def _frame(table: Any) -> tuple[pd.DataFrame, list[Note]]:
    """A frame whose named index is a column, as it is to everybody else but pandas."""
    try:
        frame = table.to_pandas()
    except (
        KeyError,
        TypeError,
        ValueError,
        NotImplementedError,
    ):  # what pandas noted of types can't be had here
        frame = table.to_pandas(ignore_metadata=True)
    notes = []
    levels = frame.index.names
    taken = set(map(str, frame.columns))
    columns: list[pd.Series[Any]] = []
    for level, name in enumerate(levels):
        if name is None:
            continue
        if str(name) in taken:
            notes.append(
                Note("index_dropped", (str(name),), "the index has the name of a column: left out")
            )
            continue
        taken.add(str(name))
        columns.append(pd.Series(frame.index.get_level_values(level), name=name))
    frame = frame.reset_index(drop=True)
    return pd.concat([*columns, frame], axis=1) if columns else frame, notes
