"""A column of a table: text or numbers without pandas, or a frame's own column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import numpy.typing as npt

from automl.arrays import Array, Rows

if TYPE_CHECKING:
    import pandas as pd

TextCells = npt.NDArray[np.object_]
TableColumn: TypeAlias = "TextColumn | NumberColumn | pd.Series[Any]"


@dataclass(frozen=True, eq=False)
class TextColumn:
    """Cells of a text file, exactly as they stand there; an empty string for an empty cell.

    Parameters
    ----------
    cells : ndarray of shape (n_rows,), object
        Strings.

    Examples
    --------
    >>> column = TextColumn.of(["b", "", "NA"])
    >>> len(column), column.take(np.array([2, 0])).tolist()
    (3, ['NA', 'b'])
    """

    cells: TextCells

    @classmethod
    def of(cls, cells: Sequence[str]) -> TextColumn:
        """Return a column of these strings."""
        array = np.array(cells, dtype=object)
        return cls(array)

    def __len__(self) -> int:
        return len(self.cells)

    def tolist(self) -> list[str]:
        """Return the cells as a list, as a Series does."""
        cells: list[str] = self.cells.tolist()
        return cells

    def take(self, rows: Rows) -> TextColumn:
        """Return the cells of some rows, by position."""
        cells = self.cells[rows]
        return TextColumn(cells)


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """Numbers from Python.

    Parameters
    ----------
    values : ndarray of shape (n_rows,), float64, int64 or bool
        NaN where missing.
    """

    values: Array

    def __len__(self) -> int:
        return len(self.values)

    def tolist(self) -> list[Any]:
        """Return the numbers as a list, as a Series does."""
        values: list[Any] = self.values.tolist()
        return values

    def take(self, rows: Rows) -> NumberColumn:
        """Return the numbers of some rows, by position."""
        values = self.values[rows]
        return NumberColumn(values)


def as_series(column: TableColumn) -> pd.Series[Any]:
    """Return a column as a pandas Series; text and numbers share its memory.

    >>> as_series(TextColumn.of(["b", "NA"])).tolist()
    ['b', 'NA']
    """
    if not isinstance(column, TextColumn | NumberColumn):
        return column
    import pandas as pd

    if isinstance(column, NumberColumn):
        values = column.values
        return pd.Series(values, copy=False)
    cells = column.cells
    return pd.Series(cells, dtype=object, copy=False)


def take_rows(column: TableColumn, rows: Rows) -> TableColumn:
    """Return the cells of some rows, by position, under a new index.

    Five times as fast as a Series' take and another index, which counts with 20 000 columns.
    """
    if isinstance(column, TextColumn | NumberColumn):
        return column.take(rows)
    import pandas as pd

    cells = column.array.take(rows)
    return pd.Series(
        cells,
        dtype=column.dtype,
        name=column.name,
        copy=False,
    )
