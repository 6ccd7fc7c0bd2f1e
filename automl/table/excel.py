"""Workbooks: which sheet and which of its rows hold the table."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from automl.errors import InputError, one_line, suggestion
from automl.files import require
from automl.table.form import MOST_SKIPPED, Form
from automl.table.frames import from_read
from automl.table.headers import (
    has_header,
    made_names,
    place_of_names,
    titles_above,
    without_spaces,
)
from automl.table.raw import Note, Request, Table
from automl.table.source import Source

LOOKED_AT = 200  # rows of a sheet
_FAILURES = (ValueError, KeyError, IndexError, TypeError, OverflowError)


@dataclass(frozen=True)
class _Grid:
    """A sheet's cells without empty rows and columns around them.

    Parameters
    ----------
    above : int
        Empty rows above it.
    place : int
        Of the header among its rows.
    named : bool
        Whether the header holds all names that are needed.
    """

    sheet: str
    cells: pd.DataFrame
    above: int = 0
    place: int = 0
    named: bool = False
    below: int = 0

    @property
    def is_table(self) -> bool:
        """Whether it has a header of several names and a row."""
        return self.cells.shape[1] > 1 and len(self.cells) - self.place > 1


def read_excel(source: Source, request: Request) -> Table:
    """Read the sheet that holds the table."""
    calamine = require("python_calamine", "excel", "reading Excel")
    with source.open() as stream:
        held = io.BytesIO(stream.read())
    try:
        with pd.ExcelFile(held, engine="calamine") as book:
            names = [str(name) for name in book.sheet_names]
            grid = _chosen(book, names, source.name, request)
    except InputError:
        raise
    except (calamine.CalamineError, *_FAILURES) as error:
        raise InputError(f"{source.name}: a damaged Excel file: {one_line(error)}") from None
    return _table(grid, names, source.name, request)


def _chosen(book: pd.ExcelFile, names: list[str], name: str, request: Request) -> _Grid:
    """The sheet that the user names, that was read at fit, that has the needed columns, or the first with a table."""
    if request.overrides.sheet is not None:
        return _grid(book, _asked(request.overrides.sheet, names, name), request)
    order = list(names)
    if request.form is not None and request.form.sheet in order:
        order.sort(key=lambda sheet: sheet != request.form.sheet)  # type: ignore[union-attr]
    grids: list[_Grid] = []
    for sheet in order:
        grids.append(_grid(book, sheet, request))
        if grids[-1].named or (not request.needs and grids[-1].is_table):
            return grids[-1]
    filled = [grid for grid in grids if len(grid.cells)]
    if not filled:
        raise InputError(f"{name}: the workbook is empty")
    return next((grid for grid in filled if grid.is_table), filled[0])


def _asked(sheet: str, names: list[str], name: str) -> str:
    if sheet in names:
        return sheet
    if sheet.isdecimal() and 1 <= int(sheet) <= len(names):
        return names[int(sheet) - 1]
    there = ", ".join(map(repr, names[:10]))
    raise InputError(
        f"--sheet {sheet!r}: {name} has no such sheet.{suggestion(sheet, names)} It has {there}."
    )


def _grid(book: pd.ExcelFile, sheet: str, request: Request) -> _Grid:
    # object: cells that hold the text 01234 keep their zeros; no null words: NA may be a class
    cells = pd.read_excel(
        book, sheet_name=sheet, header=None, dtype=object, keep_default_na=False, na_values=[""]
    )
    filled = cells.notna() & (cells != "")
    rows, columns = (
        filled.any(axis=1).to_numpy().nonzero()[0],
        filled.any(axis=0).to_numpy().nonzero()[0],
    )
    if not len(rows):
        return _Grid(sheet, pd.DataFrame())
    last = _without_footnotes(filled, rows, columns)
    cells = cells.iloc[rows[0] : last + 1, columns[0] : columns[-1] + 1].reset_index(drop=True)
    shown = [[_word(cell) for cell in row] for row in cells.head(LOOKED_AT).to_numpy(object)]
    found = place_of_names(shown, request.needs)
    place = titles_above(shown) if found is None else found
    return _Grid(sheet, cells, int(rows[0]), place, found is not None, int(rows[-1]) - last)


def _without_footnotes(filled: pd.DataFrame, rows: Any, columns: Any) -> int:
    """The last row of the table: below it, after an empty row, stand notes, which fill one cell of several."""
    last = int(rows[-1])
    if len(columns) < 3:
        return last
    counts = dict(zip(rows.tolist(), filled.iloc[rows].sum(axis=1).tolist(), strict=True))
    kept = rows.tolist()
    while (
        len(kept) > 2
        and counts[kept[-1]] == 1
        and (kept[-2] < kept[-1] - 1 or counts[kept[-2]] == 1)
    ):
        apart = kept[-2] < kept[-1] - 1
        kept.pop()
        if apart:
            last = kept[-1]
    return last if any(count > 1 for count in counts.values()) else int(rows[-1])


def _word(cell: Any) -> str:
    """A cell of a header, as a name."""
    if cell is None or (not isinstance(cell, str) and pd.isna(cell)):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _table(grid: _Grid, names: Sequence[str], name: str, request: Request) -> Table:
    """The table below its header."""
    if grid.cells.shape[1] == 0:
        raise InputError(f"{name}: the sheet {grid.sheet!r} is empty")
    cells = grid.cells.iloc[grid.place :].reset_index(drop=True)
    first = [_word(cell) for cell in cells.iloc[0]]
    shown = [[_word(cell) for cell in row] for row in cells.head(LOOKED_AT).to_numpy(object)]
    header = grid.named or _was_headed(request) or has_header(shown)
    first = without_spaces(first, request.needs)
    body = cells.iloc[1:] if header else cells
    body = body.reset_index(drop=True).infer_objects()
    body.columns = pd.Index(first if header else made_names(len(first)))
    skip = min(grid.above + grid.place, MOST_SKIPPED)
    form = Form(kind="excel", sheet=grid.sheet, skip=skip, header=header)
    table = from_read(body, name, form, request, list(_notes(grid, names, request)))
    made = Note(
        "header_made",
        tuple(table.names),
        "the first row looks like data: the columns were named c1, c2, ...",
        len(first),
    )
    return table if header else replace(table, notes=(*table.notes, made))


def _was_headed(request: Request) -> bool:
    """Whether the file at fit had a header."""
    return request.form is not None and request.form.kind == "excel" and request.form.header


def _notes(grid: _Grid, names: Sequence[str], request: Request) -> Iterator[Note]:
    """What was left out of the workbook."""
    if len(names) > 1 and request.overrides.sheet is None:
        yield Note(
            "sheet",
            (),
            f"the workbook has {len(names)} sheets: {grid.sheet!r} was read",
            override="--sheet NAME",
        )
    if skipped := grid.above + grid.place:
        yield Note(
            "title_lines",
            (),
            f"{skipped} row{'s' * (skipped > 1)} above the header left out",
            skipped,
        )
    if grid.below > 0:
        yield Note(
            "footnotes",
            (),
            f"{grid.below} row{'s' * (grid.below > 1)} below the table left out",
            grid.below,
        )
