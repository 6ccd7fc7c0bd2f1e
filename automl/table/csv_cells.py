"""Cells of delimited text, as strings exactly as they stand, by pandas' C reader."""

from __future__ import annotations

import csv
import re
from typing import BinaryIO

import pandas as pd

from automl.errors import InputError, one_line
from automl.table.column import TextColumn
from automl.table.stream import separator_of
from automl.table.text_layout import TextLayout

_UNNAMED = "\0"  # the column after a separator that ends every line


def read_columns(
    stream: BinaryIO, layout: TextLayout, name: str, *, is_sample: bool
) -> list[TextColumn]:
    """Read the columns of a text that `open_lines` opened.

    Parameters
    ----------
    stream : BinaryIO
    layout : TextLayout
    name : str
        The file's name in messages.
    is_sample : bool
        Whether lines may have been cut out of a quoted line break: these are left out.

    Raises
    ------
    InputError
        The text is no table.
    UnicodeDecodeError
        A byte does not fit the encoding.
    """
    try:
        frame = read_cells(stream, layout, is_sample=is_sample)
    except pd.errors.ParserError as error:
        reason = _explanation(str(error), layout)
        raise InputError(f"{name}: {reason}") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{name}: the file is empty") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(
            f"{name}: the first line of data has more fields than the header's {len(layout.names)}"
        )
    columns = []
    for index in range(len(layout.names)):
        cells = frame.iloc[:, index].to_numpy()
        columns.append(TextColumn(cells))
    return columns


def read_cells(stream: BinaryIO, layout: TextLayout, *, is_sample: bool = False) -> pd.DataFrame:
    """Read the cells of a text that `open_lines` opened.

    They are objects, since the C reader then shares equal strings: twice as fast here as pandas'
    string type. With `is_sample`, lines that were cut out of a quoted line break are left out.
    """
    form = layout.form
    names = list(layout.names)
    if layout.trailing:
        names.append(_UNNAMED)
    has_quotes = form.quote is not None and not form.widths
    return pd.read_csv(
        stream,
        sep=separator_of(form),
        header=0 if form.header else None,
        names=names,
        dtype=object,
        keep_default_na=False,
        na_filter=False,
        encoding="utf-8",
        encoding_errors="strict",
        skipinitialspace=form.spaced,
        quotechar=form.quote or '"',
        quoting=csv.QUOTE_MINIMAL if has_quotes else csv.QUOTE_NONE,
        engine="c",
        low_memory=False,
        on_bad_lines="skip" if is_sample else "error",
    )


def _explanation(message: str, layout: TextLayout) -> str:
    """Return an error message of pandas' reader in words of the file's lines and fields."""
    match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if match:
        line = int(match[2]) + layout.form.skip
        return f"line {line} has {match[3]} fields where {match[1]} are expected"
    match = re.search(r"EOF inside string starting at row (\d+)", message)
    if match:
        return f"a quotation mark opened in data row {int(match[1])} is never closed"
    return f"can't be read as a table: {one_line(message)}"
