"""Typed columns, made by the Cleaner and read by encoders: in memory or memory-mapped."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from automl.arrays import Array, Floats, Rows

Ints = NDArray[np.int32]
Item = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Numbers:
    """A column of float64, NaN where missing.

    `kind` names the encoders that they get by default: "number", "flag" (0 or 1) or "date" (seconds
    since 1970-01-01 UTC).
    """

    values: Floats
    kind: str = "number"

    def take(self, rows: Rows) -> Numbers:
        """Return the column of some rows, by position."""
        values = self.values[rows]
        return Numbers(values, self.kind)


@dataclass(frozen=True)
class Categories:
    """A column of int32 indices into `levels`; -1 where missing or, at predict, a new level."""

    codes: Ints
    levels: tuple[str, ...]

    kind = "category"

    def take(self, rows: Rows) -> Categories:
        """Return the column of some rows, by position."""
        codes = self.codes[rows]
        return Categories(codes, self.levels)


@dataclass(frozen=True)
class Texts:
    """A column of UTF-8 text: row i is `data[offsets[i]:offsets[i + 1]]`; missing is empty.

    >>> list(Texts.of(["a", "", "ßc"]))
    ['a', '', 'ßc']
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]
    _derived: dict[Hashable, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    kind = "text"

    @classmethod
    def of(cls, strings: list[str]) -> Texts:
        """Return a column of Python strings."""
        blobs = []
        ends = [0]
        for string in strings:
            blob = string.encode("utf-8", "replace")
            end = ends[-1] + len(blob)
            blobs.append(blob)
            ends.append(end)
        joined = b"".join(blobs)
        data = np.frombuffer(joined, np.uint8)
        offsets = np.array(ends, np.int64)
        return cls(data, offsets)

    def __iter__(self) -> Iterator[str]:
        blob = self.data.tobytes()
        starts = self.offsets[:-1]
        ends = self.offsets[1:]
        bounds = zip(starts, ends, strict=True)
        for start, end in bounds:
            yield blob[start:end].decode()

    def cached(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return a value computed from the column, computed once and cached with the column.

        Reading words takes seconds.
        """
        if key not in self._derived:
            self._derived[key] = make()
        value: T = self._derived[key]
        return value

    def take(self, rows: Rows) -> Texts:
        """Return the column of some rows, by position."""
        starts = self.offsets[:-1][rows]
        lengths = np.diff(self.offsets)[rows]
        ends = np.cumsum(lengths)
        offsets = np.concatenate([[0], ends])
        shifts = starts - offsets[:-1]
        indices = np.arange(offsets[-1])
        indices += np.repeat(shifts, lengths)
        data = self.data[indices]
        return Texts(data, offsets)


Column = Numbers | Categories | Texts


@dataclass(frozen=True)
class Columns:
    """Named typed columns of equal length.

    >>> columns = Columns({"a": Numbers(np.array([1.0, np.nan]))}, n_rows=2)
    >>> columns.take(np.array([1])).n_rows, columns.names("number")
    (1, ('a',))
    """

    by_name: Mapping[str, Column]
    n_rows: int

    def __getitem__(self, name: str) -> Column:
        return self.by_name[name]

    def names(self, *kinds: str) -> tuple[str, ...]:
        """Return the names of columns of these kinds, in the table's order; without kinds, all."""
        if not kinds:
            return tuple(self.by_name)
        names = []
        for name, column in self.by_name.items():
            if column.kind in kinds:
                names.append(name)
        return tuple(names)

    def take(self, rows: Rows) -> Columns:
        """Return the columns of some rows, by position."""
        taken: dict[str, Column] = {}
        for name, column in self.by_name.items():
            taken[name] = column.take(rows)
        n_rows = len(rows)
        return Columns(taken, n_rows)

    def arrays(self) -> Iterator[tuple[str, Array]]:
        """Yield all arrays, each with the column's kind, name and levels, for a hash of them."""
        for name, column in self.by_name.items():
            header = f"{column.kind}\0{name}"
            if isinstance(column, Numbers):
                yield header, column.values
            elif isinstance(column, Categories):
                words = [header, *column.levels]
                header = "\0".join(words)
                yield header, column.codes
            else:
                yield header, column.data
                yield header, column.offsets

    def save(self, folder: Path) -> None:
        """Write the columns to a folder, from which `open_columns` reads them.

        Numbers are the rows of one array and categories those of another; each column of text
        has two files of its own.
        """
        folder.mkdir(parents=True, exist_ok=True)
        numbers: list[Floats] = []
        codes: list[Ints] = []
        listing: list[Item] = []
        for name, column in self.by_name.items():
            item: Item = {"name": name}
            item["kind"] = column.kind
            if isinstance(column, Numbers):
                item["at"] = len(numbers)
                numbers.append(column.values)
            elif isinstance(column, Categories):
                item["at"] = len(codes)
                item["levels"] = column.levels
                codes.append(column.codes)
            else:
                number = len(listing)
                item["at"] = number
                data_path = folder / f"text{number}.npy"
                offsets_path = folder / f"offsets{number}.npy"
                np.save(data_path, column.data)
                np.save(offsets_path, column.offsets)
            listing.append(item)
        numbers_path = folder / "numbers.npy"
        codes_path = folder / "codes.npy"
        self._save_block(numbers_path, numbers, np.float64)
        self._save_block(codes_path, codes, np.int32)
        index: Item = {"n_rows": self.n_rows}
        index["columns"] = listing
        text = json.dumps(index)
        path = folder / "columns.json"
        path.write_text(text, encoding="utf-8")

    def _save_block(self, path: Path, arrays: list[Any], dtype: type) -> None:
        """Write arrays of length `n_rows` as the rows of one array."""
        n_columns = len(arrays)
        shape = (n_columns, self.n_rows)
        block: Array = np.empty(shape, dtype)
        for index, array in enumerate(arrays):
            block[index] = array
        np.save(path, block)


def open_columns(folder: Path) -> Columns:
    """Return the columns that `Columns.save` wrote, memory-mapped."""
    path = folder / "columns.json"
    text = path.read_text(encoding="utf-8")
    index = json.loads(text)
    n_rows: int = index["n_rows"]
    numbers_path = folder / "numbers.npy"
    codes_path = folder / "codes.npy"
    # An empty array can't be memory-mapped.
    mode: Literal["r"] | None = "r"
    if n_rows == 0:
        mode = None
    numbers = np.load(numbers_path, mmap_mode=mode)
    codes = np.load(codes_path, mmap_mode=mode)
    by_name: dict[str, Column] = {}
    for item in index["columns"]:
        kind = item["kind"]
        at = item["at"]
        column: Column
        if kind == "category":
            levels = tuple(item["levels"])
            indices = codes[at]
            column = Categories(indices, levels)
        elif kind == "text":
            data_path = folder / f"text{at}.npy"
            offsets_path = folder / f"offsets{at}.npy"
            data = np.load(data_path)
            offsets = np.load(offsets_path)
            column = Texts(data, offsets)
        else:
            values = numbers[at]
            column = Numbers(values, kind)
        name = item["name"]
        by_name[name] = column
    return Columns(by_name, n_rows)
