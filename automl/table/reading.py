"""Read a table from a file, by what is in it."""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

from automl.errors import InputError, one_line
from automl.table.arrow import read_arrow
from automl.table.delimited import read_delimited
from automl.table.excel import read_excel
from automl.table.form import NO_OVERRIDES, Form, Overrides
from automl.table.json_text import read_json
from automl.table.raw import Limits, Request, Table
from automl.table.source import Source, find_source, look, unpacked
from automl.table.totals import without_total

NO_LIMITS = Limits()
_READ_FAILURES = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


def read_table(
    path: str | Path,
    limits: Limits = NO_LIMITS,
    *,
    form: Form | None = None,
    needs: Sequence[str] = (),
    overrides: Overrides = NO_OVERRIDES,
    may_be_empty: bool = False,
) -> Table:
    """Read a table from a file, by what is in it.

    CSV of any separator, quoting, encoding and compression, columns of a fixed width, Parquet, Feather, Excel or JSON.

    Parameters
    ----------
    path : str or Path
        `-` reads standard input.
    limits : Limits, optional
        A text file that can't be read in this time or into this memory is sampled, with a note.
    form : Form, optional
        How a file of the same kind was cut, such as the one at fit: tried first, and kept if the columns agree with it.
    needs : sequence of str, optional
        Columns that the file has to have: they tell what is the header, what separates fields, and which sheet it is.
        A table without them is read all the same, unless it can't be cut at all.
    overrides : Overrides, optional
        What the user says of the file; nothing else is tried then.
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
        return without_total(_read(unpacked(source), request))
    except _READ_FAILURES as error:
        raise InputError(f"{source.name}: can't be read: {one_line(error)}") from None
    except UnicodeError as error:
        raise InputError(f"{source.name}: can't be decoded: {one_line(error)}") from None
    except MemoryError:
        raise InputError(f"{source.name}: doesn't fit into memory") from None


def _read(source: Source, request: Request) -> Table:
    magic = source.head(8)
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        _refuse_overrides(request, source, "a workbook", ("separator", "encoding"))
        return read_excel(source, request)
    if magic.startswith((b"PAR1", b"ARROW1", b"FEA1")):
        _refuse_overrides(request, source, "no text file", ("separator", "encoding", "sheet"))
        return read_arrow(source, "Parquet" if magic.startswith(b"PAR1") else "Feather", request)
    _refuse_overrides(request, source, "no workbook", ("sheet",))
    text = look(source, request)
    if request.overrides.separator is None and text.sample.lstrip()[:1] in ("{", "["):
        records = read_json(source, text, request)
        if records is not None:
            return records
    return read_delimited(source, text, request)


def _refuse_overrides(request: Request, source: Source, what: str, names: Sequence[str]) -> None:
    """Refuse an option that says something of another kind of file."""
    said = request.overrides.to_json()
    for name in names:
        if name in said:
            raise InputError(f"--{name} {said[name]!r}: {source.name} is {what}.")
