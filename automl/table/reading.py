"""Read a table from a file of any format, which is recognised by its content.

The readers of formats that need pandas are imported when a file has such a format.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from automl.errors import InputError, one_line
from automl.table.delimited import read_delimited
from automl.table.form import NO_OVERRIDES, FileFormat, Overrides
from automl.table.raw import ReadLimits, Request, Table
from automl.table.source import Source, decompressed, find_source, read_text_head
from automl.table.totals import without_total

NO_READ_LIMITS = ReadLimits()
_READ_FAILURES = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_WORKBOOK_MARKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_PARQUET_MARK = b"PAR1"
_FEATHER_MARKS = (b"ARROW1", b"FEA1")


def read_table(
    path: str | Path,
    limits: ReadLimits = NO_READ_LIMITS,
    *,
    form: FileFormat | None = None,
    needs: Sequence[str] = (),
    overrides: Overrides = NO_OVERRIDES,
    may_be_empty: bool = False,
) -> Table:
    """Read a table from a file of any format, which is recognised by its content.

    CSV of any separator, quoting, encoding and compression, columns of a fixed width, Parquet,
    Feather, Excel or JSON.

    Parameters
    ----------
    path : str or Path
        `-` reads standard input.
    limits : Limits, optional
        A text file that can't be read in this time or into this memory is sampled, with a note.
    form : Form, optional
        How a file of the same kind was split into cells, such as the one at fit: tried first,
        and kept if the columns agree with it.
    needs : sequence of str, optional
        Columns that the file must have: evidence for its header, its separator and its sheet.
        A table without them is read all the same, unless it can't be split at all.
    overrides : Overrides, optional
        The user's options for the file; no alternative to them is tried.
    may_be_empty : bool
        Whether a header without rows gives a table without rows, and not an error.

    Raises
    ------
    InputError
        One line that says why the file can't be read.
    """
    request = Request(limits, form, tuple(needs), overrides, may_be_empty)
    source = find_source(path)
    try:
        table = _read(decompressed(source), request)
        return without_total(table)
    except _READ_FAILURES as error:
        raise InputError(f"{source.name}: can't be read: {one_line(error)}") from None
    except UnicodeError as error:
        raise InputError(f"{source.name}: can't be decoded: {one_line(error)}") from None
    except MemoryError:
        raise InputError(f"{source.name}: doesn't fit into memory") from None


def _read(source: Source, request: Request) -> Table:
    magic = source.head(8)
    if magic.startswith(_WORKBOOK_MARKS):
        _refuse_overrides(request, source, "a workbook", ("separator", "encoding"))
        from automl.table.excel import read_excel

        return read_excel(source, request)
    is_parquet = magic.startswith(_PARQUET_MARK)
    if is_parquet or magic.startswith(_FEATHER_MARKS):
        _refuse_overrides(request, source, "not a text file", ("separator", "encoding", "sheet"))
        from automl.table.arrow import read_arrow

        kind = "Parquet" if is_parquet else "Feather"
        return read_arrow(source, kind, request)
    _refuse_overrides(request, source, "not a workbook", ("sheet",))
    text = read_text_head(source, request)
    first = text.sample.lstrip()[:1]
    if first in ("{", "[") and request.overrides.separator is None:
        from automl.table.json_text import read_json

        table = read_json(source, text, request)
        if table is not None:
            return table
    return read_delimited(source, text, request)


def _refuse_overrides(request: Request, source: Source, kind: str, names: Sequence[str]) -> None:
    """Refuse an option that is meant for another kind of file."""
    options = request.overrides.to_json()
    for name in names:
        if name in options:
            raise InputError(f"--{name} {options[name]!r}: {source.name} is {kind}.")
