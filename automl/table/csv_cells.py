"""Cells of delimited text, as strings exactly as they stand, by pandas' C reader."""

from __future__ import annotations

import csv
import re
from typing import BinaryIO

import pandas as pd

from automl.errors import one_line
from automl.table.stream import separator_of
from automl.table.text_layout import TextLayout

_UNNAMED = "\0"  # the column after a separator that ends every line


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


def explanation(message: str, layout: TextLayout) -> str:
    """Return an error message of pandas' reader in words of the file's lines and fields."""
    match = re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message)
    if match:
        line = int(match[2]) + layout.form.skip
        return f"line {line} has {match[3]} fields where {match[1]} are expected"
    match = re.search(r"EOF inside string starting at row (\d+)", message)
    if match:
        return f"a quotation mark opened in data row {int(match[1])} is never closed"
    return f"can't be read as a table: {one_line(message)}"
