"""The raw table: named columns of equal length, with notes on how they were read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from automl.arrays import Rows
from automl.errors import InputError, suggestion
from automl.table.column import TableColumn, as_series, take_rows
from automl.table.form import NO_OVERRIDES, FileFormat, Overrides

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Note:
    """A fact found on reading, which becomes a finding; `override` is the option that changes it.

    Parameters
    ----------
    code : str
    columns : tuple of str
        The columns that it is about.
    text : str
    count : int
        Number of rows, columns or cells concerned.
    override : str
    """

    code: str
    columns: tuple[str, ...]
    text: str
    count: int = 1
    override: str = ""


@dataclass(frozen=True)
class RowSample:
    """Which lines of a text file were read: a random share of those of its first blocks."""

    share: float
    seed: int
    blocks: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class ReadLimits:
    """The time and memory that reading may take.

    Parameters
    ----------
    seconds : float or None
        None for no limit.
    memory : int or None
        Bytes; None for no limit.
    seed : int
        Of the sample that is drawn where the limits don't allow the whole file.
    sample : RowSample or None
        The sample that an earlier reading drew, to be drawn again.
    """

    seconds: float | None = None
    memory: int | None = None
    seed: int = 0
    sample: RowSample | None = None


@dataclass(frozen=True)
class Request:
    """Facts about a file that are known before it is read, and requirements on its table.

    Parameters
    ----------
    limits : Limits
    form : Form or None
        Of another file of the same kind: tried first, kept if the columns agree with it.
    needs : tuple of str
        Columns that it must have: evidence for the separator and for the header's line.
    overrides : Overrides
        The user's options.
    may_be_empty : bool
        Whether a header without rows is accepted.
    """

    limits: ReadLimits = field(default_factory=ReadLimits)
    form: FileFormat | None = None
    needs: tuple[str, ...] = ()
    overrides: Overrides = NO_OVERRIDES
    may_be_empty: bool = False


@dataclass(frozen=True)
class Table:
    """Named raw columns of equal length.

    Parameters
    ----------
    columns : mapping of str to TextColumn, NumberColumn or pandas.Series
        Text exactly as it stands in the file, a row's values, or a frame's columns as they are.
    n_rows : int
    source : str
        The name used in messages.
    is_textual : bool
        Whether all columns are text, read from a text file.
    notes : tuple of Note
    sample : RowSample or None
        Which lines were read, if not all.
    form : Form or None
        How the file was split into cells; None for values from Python.
    overrides : Overrides
        The user's options for reading the file.

    Examples
    --------
    >>> from automl.table import from_frame
    >>> table = from_frame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    >>> table.names, table.take([2, 0])["b"].tolist(), table.drop(["a"]).names
    (('a', 'b'), ['z', 'x'], ('b',))
    """

    columns: Mapping[str, TableColumn]
    n_rows: int
    source: str
    is_textual: bool = False
    notes: tuple[Note, ...] = ()
    sample: RowSample | None = None
    form: FileFormat | None = None
    overrides: Overrides = NO_OVERRIDES

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(self.columns)

    def __getitem__(self, name: str) -> TableColumn:
        if name not in self.columns:
            meant = suggestion(name, self.columns)
            raise InputError(f"{self.source}: no column {name!r}.{meant}")
        return self.columns[name]

    def take(self, rows: Sequence[int] | Rows) -> Table:
        """Return the table of some rows, by position."""
        indices = np.asarray(rows, np.int64)
        columns = {}
        for name, column in self.columns.items():
            columns[name] = take_rows(column, indices)
        n_rows = len(indices)
        return replace(self, columns=columns, n_rows=n_rows)

    def drop(self, names: Iterable[str]) -> Table:
        """Return the table without these columns."""
        columns = dict(self.columns)
        for name in names:
            columns.pop(name, None)
        return replace(self, columns=columns)

    def rename(self, new: Mapping[str, str]) -> Table:
        """Return the table with other names for some columns.

        Parameters
        ----------
        new : mapping of str to str
            New names by present ones; all names must stay different.
        """
        columns = {}
        for name, column in self.columns.items():
            new_name = new.get(name, name)
            columns[new_name] = column
        return replace(self, columns=columns)

    def to_frame(self) -> pd.DataFrame:
        """Return the columns as a pandas frame."""
        import pandas as pd

        index = pd.RangeIndex(self.n_rows)
        columns = {}
        for name, column in self.columns.items():
            columns[name] = as_series(column)
        return pd.DataFrame(columns, index=index)
