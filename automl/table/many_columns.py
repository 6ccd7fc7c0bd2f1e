"""Plain text of thousands of columns, split line by line.

pandas' reader takes a tenth of a millisecond for each column, and is called three times.
"""

from __future__ import annotations

from typing import BinaryIO

import numpy as np

from automl.table.column import TextColumn

MIN_COLUMNS_OF_WIDE_FILES = 2_000  # from which on this reader is quicker
MAX_BYTES = 256 << 20


def read_plain(
    stream: BinaryIO, size: int, separator: str, names: list[str], header: bool
) -> dict[str, TextColumn] | None:
    r"""Read every cell as it stands; None where the text is not that simple.

    It must be ASCII without quotation marks, in lines of as many cells as there are names.

    Parameters
    ----------
    stream : BinaryIO
        From the header on.
    size : int
        Bytes in it.
    separator : str
    names : list of str
        The columns' names.
    header : bool
        Whether the first line names the columns.

    Examples
    --------
    >>> import io
    >>> columns = read_plain(io.BytesIO(b"a,b\n1,x\n2,\n"), 12, ",", ["a", "b"], header=True)
    >>> {name: column.tolist() for name, column in columns.items()}
    {'a': ['1', '2'], 'b': ['x', '']}
    """
    if size > MAX_BYTES:
        return None
    content = stream.read()
    if b'"' in content or not content.isascii():
        return None
    if len(separator) != 1:
        return None
    if not separator.isascii():
        return None
    text = content.decode("ascii")
    lines = [line for line in text.splitlines() if line]
    if header:
        del lines[:1]
    n_rows = len(lines)
    n_columns = len(names)
    widths = {line.count(separator) + 1 for line in lines}
    if widths != {n_columns}:
        return None
    cells = np.empty((n_columns, n_rows), dtype=object)
    for row, line in enumerate(lines):
        cells[:, row] = line.split(separator)
    columns = map(TextColumn, cells)
    return dict(zip(names, columns, strict=True))
