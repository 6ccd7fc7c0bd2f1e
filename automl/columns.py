"""Typed columns: what the Cleaner makes from a table and all that encoders read. In memory, or memory-mapped from a folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
T = TypeVar("T")
NumberKind = Literal["number", "flag", "date"]


@dataclass(frozen=True)
class Numbers:
    """A column of float64, NaN where missing.

    `kind` is "number", "flag" (0 or 1) or "date" (seconds since 1970-01-01 UTC).
    """

    values: Floats
    kind: NumberKind = "number"

    def take(self, rows: Rows) -> Numbers:
        """The same column with some of its rows."""
        return Numbers(self.values[rows], self.kind)


@dataclass(frozen=True)
class Categories:
    """A column of int32 codes into `levels`, -1 where missing or, at predict, unseen."""

    codes: npt.NDArray[np.int32]
    levels: tuple[str, ...]

    kind = "category"

    def take(self, rows: Rows) -> Categories:
        """The same column with some of its rows."""
        return Categories(self.codes[rows], self.levels)


@dataclass(frozen=True)
class Texts:
    """A column of UTF-8 text: row i is `data[offsets[i]:offsets[i + 1]]`; missing is empty.

    >>> list(Texts.of(["a", "", "ßc"]))
    ['a', '', 'ßc']
    """

    data: npt.NDArray[np.uint8]
    offsets: npt.NDArray[np.int64]
    _derived: dict[Hashable, Any] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    kind = "text"

    @classmethod
    def of(cls, strings: list[str]) -> Texts:
        """A column from Python strings."""
        blobs = [string.encode("utf-8", "replace") for string in strings]
        offsets = np.zeros(len(blobs) + 1, np.int64)
        np.cumsum([len(blob) for blob in blobs], out=offsets[1:])
        return cls(np.frombuffer(b"".join(blobs), np.uint8), offsets)

    def __iter__(self) -> Iterator[str]:
        blob = self.data.tobytes()
        for start, end in zip(self.offsets[:-1], self.offsets[1:], strict=True):
            yield blob[start:end].decode()

    def derived(self, key: Hashable, make: Callable[[], T]) -> T:
        """What was derived from the column, made once and kept as long as the column is: reading words takes seconds."""
        if key not in self._derived:
            self._derived[key] = make()
        found: T = self._derived[key]
        return found

    def take(self, rows: Rows) -> Texts:
        """The same column with some of its rows."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        places = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][rows] - offsets[:-1], lengths)
        return Texts(self.data[places], offsets)


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
        """Names of the columns of these kinds, in the table's order; all without arguments."""
        return tuple(
            name for name, column in self.by_name.items() if not kinds or column.kind in kinds
        )

    def take(self, rows: Rows) -> Columns:
        """The same columns with some of their rows."""
        return Columns(
            {name: column.take(rows) for name, column in self.by_name.items()}, len(rows)
        )

    def arrays(self) -> Iterator[tuple[str, npt.NDArray[Any]]]:
        """All that the columns hold, with the names of kinds, columns and levels: what a hash is made of."""
        for name, column in self.by_name.items():
            if isinstance(column, Numbers):
                yield f"{column.kind}\0{name}", column.values
            elif isinstance(column, Categories):
                yield "\0".join(["category", name, *column.levels]), column.codes
            else:
                yield f"text\0{name}", column.data
                yield f"text\0{name}", column.offsets

    def save(self, folder: Path) -> None:
        """Lay the columns into a folder, to be opened by `open_columns`."""
        folder.mkdir(parents=True, exist_ok=True)
        listing: list[dict[str, Any]] = []
        numbers = {
            name: column for name, column in self.by_name.items() if isinstance(column, Numbers)
        }
        codes = {
            name: column for name, column in self.by_name.items() if isinstance(column, Categories)
        }
        np.save(
            folder / "numbers.npy",
            _block(
                [column.values for column in numbers.values()], self.n_rows, np.dtype(np.float64)
            ),
        )
        np.save(
            folder / "codes.npy",
            _block([column.codes for column in codes.values()], self.n_rows, np.dtype(np.int32)),
        )
        places = {name: place for block in (numbers, codes) for place, name in enumerate(block)}
        for name, column in self.by_name.items():
            if isinstance(column, Numbers):
                listing.append({"name": name, "kind": column.kind, "at": places[name]})
            elif isinstance(column, Categories):
                listing.append(
                    {"name": name, "kind": "category", "at": places[name], "levels": column.levels}
                )
            else:
                np.save(folder / f"text{len(listing)}.npy", column.data)
                np.save(folder / f"offsets{len(listing)}.npy", column.offsets)
                listing.append({"name": name, "kind": "text", "at": len(listing)})
        (folder / "columns.json").write_text(
            json.dumps({"n_rows": self.n_rows, "columns": listing}), encoding="utf-8"
        )


def _block(arrays: list[npt.NDArray[Any]], n_rows: int, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    block = np.empty((len(arrays), n_rows), dtype)
    for place, array in enumerate(arrays):
        block[place] = array
    return block


def open_columns(folder: Path) -> Columns:
    """The columns that `Columns.save` laid there, memory-mapped."""
    index = json.loads((folder / "columns.json").read_text(encoding="utf-8"))
    numbers = np.load(folder / "numbers.npy", mmap_mode="r" if index["n_rows"] else None)
    codes = np.load(folder / "codes.npy", mmap_mode="r" if index["n_rows"] else None)
    by_name: dict[str, Column] = {}
    for item in index["columns"]:
        at = item["at"]
        if item["kind"] == "category":
            by_name[item["name"]] = Categories(codes[at], tuple(item["levels"]))
        elif item["kind"] == "text":
            by_name[item["name"]] = Texts(
                np.load(folder / f"text{at}.npy"), np.load(folder / f"offsets{at}.npy")
            )
        else:
            by_name[item["name"]] = Numbers(numbers[at], item["kind"])
    return Columns(by_name, index["n_rows"])
