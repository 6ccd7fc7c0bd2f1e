"""Read a table from a file, by what is in it."""

from __future__ import annotations

import io
import json
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from automl.errors import InputError, one_line
from automl.files import require
from automl.table.delimited import read_delimited
from automl.table.frames import from_frame
from automl.table.raw import Limits, Table
from automl.table.source import Look, Source, find_source, look, unpacked

NO_LIMITS = Limits()
_READ_FAILURES = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def read_table(path: str | Path, limits: Limits = NO_LIMITS) -> Table:
    """Read a table from a file, by what is in it.

    CSV of any separator, quoting, encoding and compression, TSV, Parquet, Feather, Excel or JSON lines.

    Parameters
    ----------
    path : str or Path
        `-` reads standard input.
    limits : Limits, optional
        A text file that can't be read in this time or into this memory is sampled, with a note.

    Raises
    ------
    InputError
        One line that says why the file can't be read.
    """
    source = find_source(path)
    try:
        return _read(unpacked(source), limits)
    except _READ_FAILURES as error:
        raise InputError(f"{source.name}: can't be read: {one_line(error)}") from None
    except UnicodeError as error:
        raise InputError(f"{source.name}: can't be decoded: {one_line(error)}") from None
    except MemoryError:
        raise InputError(f"{source.name}: doesn't fit into memory") from None


def _read(source: Source, limits: Limits) -> Table:
    magic = source.head(8)
    if magic.startswith(b"PAR1"):
        return _read_arrow(source, "pyarrow.parquet", "Parquet")
    if magic.startswith((b"ARROW1", b"FEA1")):
        return _read_arrow(source, "pyarrow.feather", "Feather")
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _read_excel(source)
    text = look(source)
    if text.sample.lstrip()[:1] in ("{", "[") and (records := _read_json(source, text)) is not None:
        return records
    return read_delimited(source, text, limits)


def _read_arrow(source: Source, module: str, what: str) -> Table:
    reader = require(module, "parquet", f"reading {what}")
    arrow = require("pyarrow", "parquet", f"reading {what}")
    try:
        with source.open() as stream:
            frame = reader.read_table(io.BytesIO(stream.read())).to_pandas()
    except (arrow.ArrowException, ValueError) as error:
        raise InputError(f"{source.name}: a damaged {what} file: {one_line(error)}") from None
    return _from_read(frame, source)


def _read_excel(source: Source) -> Table:
    calamine = require("python_calamine", "excel", "reading Excel")
    with source.open() as stream:
        held = io.BytesIO(stream.read())
    try:  # object: cells that hold the text 01234 keep their zeros; no null words: NA may be a class
        frame = pd.read_excel(held, engine="calamine", dtype=object, keep_default_na=False, na_values=[""])
    except (calamine.CalamineError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{source.name}: a damaged Excel file: {one_line(error)}") from None
    frame.columns = pd.Index(["" if str(name).startswith("Unnamed: ") else str(name) for name in frame.columns])
    return _from_read(frame.infer_objects(), source)


def _from_read(frame: pd.DataFrame, source: Source) -> Table:
    if frame.index.names != [None]:  # pandas keeps a named index in Parquet: it is a column to everybody else
        frame = frame.reset_index()
    if frame.shape[1] == 0:
        raise InputError(f"{source.name}: the table has no columns")
    if len(frame) == 0:
        raise InputError(f"{source.name}: the table has a header and no rows")
    return from_frame(frame, source=source.name)


def _read_json(source: Source, text: Look) -> Table | None:
    """Objects, one a line or in one array; None if it isn't JSON after all."""
    with source.open() as stream:
        lines = io.TextIOWrapper(stream, text.encoding)
        if text.sample.lstrip().startswith("["):
            return _read_json_array(source, lines)
        records: list[Any] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                if not records:
                    return None
                raise InputError(f"{source.name}: line {number} is not JSON: {one_line(error)}") from None
            if not isinstance(record, dict):
                raise InputError(f"{source.name}: line {number} is not a JSON object")
            records.append(record)
    return _from_read(pd.DataFrame(records, dtype=object).infer_objects(), source)


def _read_json_array(source: Source, lines: io.TextIOWrapper) -> Table | None:
    try:
        records = json.load(lines)
    except (ValueError, RecursionError):
        return None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None
    return _from_read(pd.DataFrame(records, dtype=object).infer_objects(), source)
