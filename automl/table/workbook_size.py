"""How far apart the cells of a workbook are: all those between them are laid out in memory."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO
from xml.parsers import expat

from automl.errors import InputError, one_line

MAX_UNPACKED_BYTES = 4 << 30
# Of a sheet of which most are empty. A cell takes about 120 bytes while a sheet is read.
MAX_CELLS = 5_000_000
MAX_CELLS_EACH = 100  # that is filled
BLOCK_BYTES = 1 << 20
_SHEET_MARK = b"sheetData"
_CELL_TAGS = (re.compile(rb"<c[\s/>]"), re.compile(rb":c[\s/>]"))
_PLACED_CELL = re.compile(rb'<c r="([A-Z]+)([0-9]+)"')
_PLACE = re.compile(r"([A-Za-z]*)([0-9]+)")
_MAX_DIGITS = 9
_MAX_LETTERS = 7


def refuse_far_cells(content: BinaryIO, source: str) -> None:
    """Refuse a workbook of Excel's with a few cells so far apart that they fill the memory.

    The reader allocates all cells between the first and the last filled one
    (`Range::from_sparse` of github.com/tafia/calamine), and where that fails the process ends.

    Raises
    ------
    InputError
    BadZipFile
    """
    with zipfile.ZipFile(content) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        if size > MAX_UNPACKED_BYTES:
            raise InputError(
                f"{source}: unpacks to {size / 1e9:.1f} GB: too large a workbook. "
                "Save the table's sheet as CSV."
            )
        for part in parts:
            with archive.open(part) as stream:
                is_suspect = _may_be_sparse(stream)
            if is_suspect:
                with archive.open(part) as stream:
                    _refuse_if_sparse(stream, part.filename, source)


def _may_be_sparse(stream: IO[bytes]) -> bool:
    """Return whether a part of a workbook may be a sheet with cells far apart.

    It is quick: it counts empty cells too, and suspects all cells that it can't place.
    """
    is_sheet = False
    n_cells = 0
    n_placed = 0
    rows = {b"0"}
    columns = {b""}
    for block in _blocks(stream):
        is_sheet = is_sheet or _SHEET_MARK in block
        for tag in _CELL_TAGS:
            n_cells += len(tag.findall(block))
        placed = _PLACED_CELL.findall(block)
        n_placed += len(placed)
        if placed:
            letters, digits = zip(*placed, strict=True)
            columns.update(letters)
            rows.update(digits)
    if not is_sheet:
        return False
    last_row = max(map(_row, rows))
    last_column = max(map(_column, columns))
    return n_cells > n_placed or _is_sparse(last_row, last_column, n_cells)


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield blocks that begin with a tag."""
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        block = rest + block
        end = block.rfind(b"<")
        if end <= 0:
            end = len(block)
        yield block[:end]
        rest = block[end:]
    yield rest


def _is_sparse(n_rows: int, n_columns: int, n_filled: int) -> bool:
    limit = max(MAX_CELLS, MAX_CELLS_EACH * n_filled)
    return n_rows * n_columns > limit


def _row(digits: bytes | str) -> int:
    return int(digits[:_MAX_DIGITS])


def _column(letters: bytes | str) -> int:
    """Return the number of a column, such as 28 for AB.

    >>> _column("AB"), _column(b"xfd"), _column("")
    (28, 16384, 0)
    """
    if isinstance(letters, bytes):
        letters = letters.decode("ascii")
    number = 0
    for letter in letters[:_MAX_LETTERS].upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number


def _refuse_if_sparse(stream: IO[bytes], part: str, source: str) -> None:
    """Read a sheet's XML, and refuse it if its filled cells are far apart."""
    extent = _Extent()
    parser = expat.ParserCreate("utf-8")  # whatever the file declares, its reader takes UTF-8
    parser.StartElementHandler = extent.start
    parser.EndElementHandler = extent.end
    try:
        parser.ParseFile(stream)
    except expat.ExpatError as error:
        reason = one_line(error)
        raise InputError(f"{source}: a damaged Excel file: {part}: {reason}") from None
    if _is_sparse(extent.n_rows, extent.n_columns, extent.n_filled):
        raise InputError(
            f"{source}: {part} has cells down to row {extent.n_rows} and column "
            f"{extent.n_columns}, of which {extent.n_filled} are filled: too far apart. "
            "Delete those beyond the table."
        )


@dataclass
class _Extent:
    """Counts the filled cells of a sheet while its XML is read.

    Parameters
    ----------
    n_rows, n_columns : int
        The last row and column with a filled cell, from 1.
    n_filled : int
    row, column : int
        Where the latest cell is, which says so or follows the one before.
    is_in_cell : bool
        Whether an element would be the latest cell's value.
    """

    n_rows: int = 0
    n_columns: int = 0
    n_filled: int = 0
    row: int = 0
    column: int = 0
    is_in_cell: bool = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """Take in an element that begins."""
        tag = name.rpartition(":")[2]
        match = _PLACE.fullmatch(attributes.get("r", ""))
        if tag == "row":
            self.row = _row(match[2]) if match else self.row + 1
            self.column = 0
        elif tag == "c":
            self.column += 1
            if match:
                # The larger one: the reader takes no place that is written with entities.
                self.row = max(self.row, _row(match[2]))
                self.column = max(self.column, _column(match[1]))
            self.is_in_cell = True
        elif self.is_in_cell:
            self.is_in_cell = False
            self.n_filled += 1
            self.n_rows = max(self.n_rows, self.row)
            self.n_columns = max(self.n_columns, self.column)

    def end(self, name: str) -> None:
        """Take in an element that ends."""
        if name.rpartition(":")[2] == "c":
            self.is_in_cell = False
