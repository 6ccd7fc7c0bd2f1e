"""Cells of small, regular delimited texts, as pandas' reader would give them, but without pandas.

Whatever the two might read differently is left to pandas, which takes a second to import.
"""

from __future__ import annotations

import codecs
import csv
import re

import numpy as np

from automl.table.column import TextColumn
from automl.table.form import FileFormat
from automl.table.stream import separator_of
from automl.table.text_layout import TextLayout

_BLANKS = " \t"

Rows = list[list[str]]


def split_columns(content: bytes, layout: TextLayout) -> list[TextColumn] | None:
    r"""Return the columns of a text; None where pandas must read it, or say what is wrong with it.

    Parameters
    ----------
    content : bytes
        All lines from the header on, as `open_lines` gives them.
    layout : TextLayout

    Examples
    --------
    >>> from automl.table.form import FileFormat
    >>> layout = TextLayout(FileFormat(","), ["a", "b"], False, 2, ())
    >>> [column.tolist() for column in split_columns(b'a,b\n1,"x,y"\n2\n', layout)]
    [['1', '2'], ['x,y', '']]
    >>> split_columns(b'a,b\n1,"x\n', layout) is None
    True
    """
    rows = _parse(content, layout)
    if rows is None:
        return None
    n_names = len(layout.names)
    width = n_names + layout.trailing
    if layout.form.header:
        header = rows.pop(0)
        if len(header) != width:
            return None
    for row in rows:
        n_missing = width - len(row)
        if n_missing < 0:
            return None
        row.extend([""] * n_missing)
    if not rows:
        return None
    block = np.array(rows, dtype=object)
    by_column = np.ascontiguousarray(block.T)
    return list(map(TextColumn, by_column[:n_names]))


def _parse(content: bytes, layout: TextLayout) -> Rows | None:
    """Return all rows of cells, the header's too; None where the text isn't regular."""
    if b"\0" in content or content.startswith(codecs.BOM_UTF8):
        return None
    if content.count(b"\r") != content.count(b"\r\n"):
        return None
    try:
        text = content.decode("utf-8")
        rows = _split(text, layout.form)
    except (UnicodeDecodeError, csv.Error):
        return None
    if not rows or any(map(_is_blank, rows)):
        return None
    return rows


def _split(text: str, form: FileFormat) -> Rows:
    """Split a text into cells; blank lines are left out."""
    if form.repeated:
        return _split_at_blanks(text, form)
    has_quotes = form.quote is not None and not form.widths
    reader = csv.reader(
        _lines(text),
        delimiter=separator_of(form),
        quotechar=form.quote or '"',
        quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE,
        skipinitialspace=form.spaced,
        strict=True,
    )
    return [row for row in reader if row]


def _split_at_blanks(text: str, form: FileFormat) -> Rows:
    """Split lines at runs of spaces and tabs; without rows where quotation marks may hold some."""
    if form.quote is not None and form.quote in text:
        return []
    rows = []
    for line in text.replace("\r\n", "\n").split("\n"):
        bare = line.strip(_BLANKS)
        if bare:
            cells = re.split(f"[{_BLANKS}]+", bare)
            rows.append(cells)
    return rows


def _lines(text: str) -> list[str]:
    """Split a text after each line feed; other characters that Python takes for ends stay."""
    lines = text.split("\n")
    return [line + "\n" for line in lines]


def _is_blank(row: list[str]) -> bool:
    """Return whether a line may be blank but for spaces: pandas leaves it out."""
    return len(row) == 1 and not row[0].strip(_BLANKS)
