"""Workbooks: which sheet and which of its rows hold the table."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from automl.errors import InputError, one_line, suggestion
from automl.files import require
from automl.table.form import MAX_SKIPPED_LINES, FileFormat
from automl.table.frames import from_file_frame
from automl.table.headers import (
    count_titles,
    find_header,
    has_header,
    matching_names,
    numbered_names,
)
from automl.table.raw import Note, Request, Table
from automl.table.source import Source
from automl.table.workbook_size import refuse_far_cells

N_SAMPLE_ROWS = 200  # of a sheet, that show where its header is
MIN_WIDTH_ABOVE_FOOTNOTES = 3
_ZIP_MARK = b"PK"  # the older formats are no archives
_FAILURES = (ValueError, KeyError, IndexError, TypeError, OverflowError, RuntimeError)


@dataclass(frozen=True)
class _Grid:
    """A sheet's cells without empty rows and columns around them.

    Parameters
    ----------
    sheet : str
    cells : DataFrame
    above : int
        Number of empty rows above the cells.
    header_row : int
        Index of the header among the cells' rows.
    has_needs : bool
        Whether the header holds all names that are needed.
    below : int
        Number of rows of footnotes below the cells.
    """

    sheet: str
    cells: pd.DataFrame
    above: int = 0
    header_row: int = 0
    has_needs: bool = False
    below: int = 0

    @property
    def is_table(self) -> bool:
        """Whether it has a header of several names and a row."""
        n_rows, n_columns = self.cells.shape
        n_from_header = n_rows - self.header_row
        return n_columns > 1 and n_from_header > 1


def read_excel(source: Source, request: Request) -> Table:
    """Read the sheet that holds the table."""
    calamine = require("python_calamine", "excel", "reading Excel")
    with source.open() as stream:
        content = io.BytesIO(stream.read())
    try:
        if content.getbuffer()[:2] == _ZIP_MARK:
            refuse_far_cells(content, source.name)
        with pd.ExcelFile(content, engine="calamine") as book:
            sheets = [str(name) for name in book.sheet_names]
            grid = _choose_grid(book, sheets, source.name, request)
    except InputError:
        raise
    except (calamine.CalamineError, *_FAILURES) as error:
        raise InputError(f"{source.name}: a damaged Excel file: {one_line(error)}") from None
    return _table(grid, sheets, source.name, request)


def _choose_grid(book: pd.ExcelFile, sheets: list[str], name: str, request: Request) -> _Grid:
    """Read the sheet that holds the table.

    It is the sheet that the user names, else the first with the needed columns, where the sheet
    that was read at fit comes first, else the first with a table.
    """
    option = request.overrides.sheet
    if option is not None:
        sheet = _sheet_option(option, sheets, name)
        return _read_grid(book, sheet, request)
    filled = []
    for sheet in _in_order(sheets, request):
        grid = _read_grid(book, sheet, request)
        if grid.has_needs:
            return grid
        if grid.is_table and not request.needs:
            return grid
        if len(grid.cells):
            filled.append(grid)
    if not filled:
        raise InputError(f"{name}: the workbook is empty")
    for grid in filled:
        if grid.is_table:
            return grid
    return filled[0]


def _in_order(sheets: list[str], request: Request) -> list[str]:
    """Return the names of the sheets, that of the one read at fit first."""
    if request.form is None:
        return sheets
    at_fit = request.form.sheet
    return sorted(sheets, key=lambda sheet: sheet != at_fit)


def _sheet_option(option: str, sheets: list[str], name: str) -> str:
    """Return the name of the sheet that the user means by a name or a number."""
    if option in sheets:
        return option
    number = int(option) if option.isdecimal() else 0
    if 1 <= number <= len(sheets):
        return sheets[number - 1]
    meant = suggestion(option, sheets)
    names = map(repr, sheets[:10])
    known = ", ".join(names)
    raise InputError(f"--sheet {option!r}: {name} has no such sheet.{meant} It has {known}.")


def _read_grid(book: pd.ExcelFile, sheet: str, request: Request) -> _Grid:
    # As objects, cells that hold the text 01234 keep their zeros. NA may be a class: no word
    # stands for a missing value.
    cells = pd.read_excel(
        book,
        sheet_name=sheet,
        header=None,
        dtype=object,
        keep_default_na=False,
        na_values=[""],
    )
    filled = cells.notna() & (cells != "")
    rows = _true_positions(filled.any(axis=1))
    columns = _true_positions(filled.any(axis=0))
    if not rows:
        return _Grid(sheet, pd.DataFrame())
    last = rows[-1]
    if len(columns) >= MIN_WIDTH_ABOVE_FOOTNOTES:
        last = _last_row(filled, rows)
    row_slice = slice(rows[0], last + 1)
    column_slice = slice(columns[0], columns[-1] + 1)
    cells = cells.iloc[row_slice, column_slice]
    cells = cells.reset_index(drop=True)
    words = _first_words(cells)
    header_row = find_header(words, request.needs)
    has_needs = header_row is not None
    if header_row is None:
        header_row = count_titles(words)
    return _Grid(
        sheet,
        cells,
        above=rows[0],
        header_row=header_row,
        has_needs=has_needs,
        below=rows[-1] - last,
    )


def _true_positions(mask: pd.Series[bool]) -> list[int]:
    positions: list[int] = np.flatnonzero(mask).tolist()
    return positions


def _last_row(filled: pd.DataFrame, rows: list[int]) -> int:
    """Return the last row of a table, above its footnotes.

    Footnotes follow after an empty row and fill one cell of several.

    Parameters
    ----------
    filled : DataFrame of bool
        Whether a cell of the sheet is filled.
    rows : list of int
        The rows of the sheet that are not empty.
    """
    counts = filled.sum(axis=1).tolist()
    last = rows[-1]
    if max(counts) <= 1:
        return last
    left = list(rows)
    while len(left) > 2:
        bottom = left[-1]
        above = left[-2]
        if counts[bottom] != 1:
            break
        is_apart = above < bottom - 1
        if not is_apart and counts[above] != 1:
            break
        left.pop()
        if is_apart:
            last = above
    return last


def _first_words(cells: pd.DataFrame) -> list[list[str]]:
    """Return the first rows of a sheet as text."""
    first = cells.head(N_SAMPLE_ROWS)
    rows = first.to_numpy(object)
    return [list(map(_word, row)) for row in rows]


def _word(cell: Any) -> str:
    """Return a cell of a header as a name."""
    if isinstance(cell, str):
        return cell
    if cell is None or pd.isna(cell):
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)


def _table(grid: _Grid, sheets: Sequence[str], name: str, request: Request) -> Table:
    """Return the table of a sheet, from its header on."""
    if grid.cells.shape[1] == 0:
        raise InputError(f"{name}: the sheet {grid.sheet!r} is empty")
    cells = grid.cells.iloc[grid.header_row :]
    words = _first_words(cells)
    first = words[0]
    header = grid.has_needs or _had_header_at_fit(request)
    header = header or has_header(words)
    names = numbered_names(len(first))
    if header:
        names = matching_names(first, request.needs)
        cells = cells.iloc[1:]
    body = cells.reset_index(drop=True).infer_objects()
    body.columns = pd.Index(names)
    skip = min(grid.above + grid.header_row, MAX_SKIPPED_LINES)
    form = FileFormat(
        kind="excel",
        sheet=grid.sheet,
        skip=skip,
        header=header,
    )
    notes = list(_notes(grid, sheets, request))
    table = from_file_frame(body, name, form, request, notes)
    if header:
        return table
    what = "the first row looks like data: the columns were named c1, c2, ..."
    note = Note("header_made", table.names, what, len(first))
    notes = [*table.notes, note]
    return replace(table, notes=tuple(notes))


def _had_header_at_fit(request: Request) -> bool:
    form = request.form
    if form is None or form.kind != "excel":
        return False
    return form.header


def _notes(grid: _Grid, sheets: Sequence[str], request: Request) -> Iterator[Note]:
    """Yield notes on all parts of the workbook that were left out."""
    n_sheets = len(sheets)
    option = request.overrides.sheet
    if n_sheets > 1 and option is None:
        what = f"the workbook has {n_sheets} sheets: {grid.sheet!r} was read"
        yield Note("sheet", (), what, override="--sheet NAME")
    above = grid.above + grid.header_row
    if above > 0:
        what = f"{_n_rows(above)} above the header left out"
        yield Note("title_lines", (), what, above)
    if grid.below > 0:
        what = f"{_n_rows(grid.below)} below the table left out"
        yield Note("footnotes", (), what, grid.below)


def _n_rows(count: int) -> str:
    return f"{count} row{'s' * (count > 1)}"
