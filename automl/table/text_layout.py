"""The layout of a text: its form, the columns' names, and notes on both."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from automl.table.form import FileFormat, separator_name
from automl.table.head_parse import HeadParse
from automl.table.headers import has_header, matching_names, numbered_names
from automl.table.raw import Note, Request
from automl.table.source import TextHead
from automl.table.unique_names import unique_names

SEPARATOR_LINE = re.compile(
    r"""\ufeff?["']?sep=(?P<separator>[^"'\r\n]{1,4})["']?[,;\t|]*(\r\n|\n|\r)""", re.IGNORECASE
)
ROW_NAMES_COLUMN = "row"

Names = list[str]
Rows = list[Names]
Notes = list[Note]


@dataclass(frozen=True)
class TextLayout:
    """The layout of a text.

    Parameters
    ----------
    form : Form
    names : list of str
    trailing : bool
        Whether every line of data ends with one more separator than there are names.
    n_rows : int
        Number of rows of data among the first lines.
    notes : tuple of Note
    """

    form: FileFormat
    names: Names
    trailing: bool
    n_rows: int
    notes: tuple[Note, ...]


def layout_of(parse: HeadParse, text: TextHead, request: Request) -> TextLayout:
    """Return the layout that the first lines show."""
    rows = parse.rows
    header = _is_header(parse, request)
    form = replace(parse.form, header=header)
    notes = _form_notes(form, parse.width, text, request)
    trailing = False
    if header:
        raw_names = rows[0]
        if form.spaced:
            raw_names = [name.strip() for name in raw_names]
        raw_names = matching_names(raw_names, request.needs)
        raw_names, trailing, end_notes = _fit_names(raw_names, rows)
        notes.extend(end_notes)
    else:
        raw_names = numbered_names(parse.width)
    names, name_notes = unique_names(raw_names)
    notes[:0] = name_notes
    if not header:
        what = "the first line looks like data: the columns were named c1, c2, ..."
        note = Note("header_made", tuple(names), what, len(names))
        notes.append(note)
    n_short = 0
    for row in rows[1:]:
        n_short += len(row) < len(names)
    if n_short > 0:
        what = "lines with too few fields were filled up with empty cells"
        note = Note("short_lines", (), what, n_short)
        notes.append(note)
    n_rows = len(rows) - header
    return TextLayout(form, names, trailing, n_rows, tuple(notes))


def _is_header(parse: HeadParse, request: Request) -> bool:
    """Return whether the first of the rows names the columns.

    It does if it holds the names that are needed.
    """
    if parse.has_needs:
        return True
    form = request.form
    if form is not None and not form.header:
        made_names = numbered_names(parse.width)
        if set(request.needs) <= set(made_names):
            return False
    return has_header(parse.rows)


def _fit_names(names: Names, rows: Rows) -> tuple[Names, bool, Notes]:
    """Return names for all fields, where lines have one field more than the header.

    It may be an empty one at their end, or the row's name in front.

    Parameters
    ----------
    names : list of str
        The cells of the header.
    rows : list of list of str
        All rows, the header's included.

    Returns
    -------
    names : list of str
    trailing : bool
        Whether lines end with a separator, and so with an empty field that has no name.
    notes : list of Note
    """
    width = len(names)
    data = rows[1:]
    data_widths = {len(row) for row in data}
    has_extra_field = data_widths == {width + 1}
    if has_extra_field and _ends_empty(data):
        return names, True, []
    if has_extra_field and width > 1:
        first_cells = [row[0] for row in data]
        if _are_row_names(first_cells):
            what = "the first field of each line has no name: it is the row's"
            note = Note("row_names", (ROW_NAMES_COLUMN,), what, 1)
            return [ROW_NAMES_COLUMN, *names], False, [note]
    if width > 1 and names[-1] == "":
        # The header may end with a separator, too.
        full_rows = [row for row in rows if len(row) == width]
        if _ends_empty(full_rows):
            return names[:-1], True, []
    return names, False, []


def _ends_empty(rows: Rows) -> bool:
    return all(row[-1] == "" for row in rows)


def _are_row_names(cells: Names) -> bool:
    """Return whether cells name rows as R writes it: consecutive numbers, or different words."""
    if all(map(str.isdecimal, cells)):
        numbers = list(map(int, cells))
        start = numbers[0]
        end = start + len(numbers)
        expected = list(range(start, end))
        return start in (0, 1) and numbers == expected
    n_distinct = len(set(cells))
    if len(cells) < 3 or n_distinct < len(cells):
        return False
    return not any(cell[:1].isdecimal() for cell in cells)


def _form_notes(form: FileFormat, width: int, text: TextHead, request: Request) -> Notes:
    """Return notes on a form, each with the option that changes it."""
    notes = []
    what = _separation(form, width)
    option = request.overrides.separator
    if what and option is None:
        note = Note("separator", (), what, override="--separator SEP")
        notes.append(note)
    if form.quote == "'":
        note = Note("quote", (), "fields stand in single quotes")
        notes.append(note)
    if form.escape is not None:
        what = f"quotation marks within fields are escaped by {form.escape}"
        note = Note("escape", (), what)
        notes.append(note)
    has_separator_line = SEPARATOR_LINE.match(text.sample) is not None
    n_titles = form.skip - has_separator_line
    if n_titles > 0:
        what = f"{n_titles} line{'s' * (n_titles > 1)} above the header left out"
        note = Note("title_lines", (), what, n_titles)
        notes.append(note)
    return notes


def _separation(form: FileFormat, width: int) -> str:
    """Return a sentence on the separator of the fields; empty for commas."""
    if form.widths:
        return f"the {len(form.widths)} columns have a fixed width"
    if width < 2:
        return ""
    if form.separator in (None, ","):
        return ""
    if form.repeated:
        return "the fields are separated by one or several spaces"
    name = separator_name(str(form.separator), many=True)
    return f"the fields are separated by {name}"
