"""A strict reader of UBJSON values, the format of XGBoost's boosters (ubjson.org, draft 12)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_NUMBER_TYPES = {
    ord("i"): np.dtype(">i1"),
    ord("U"): np.dtype(">u1"),
    ord("I"): np.dtype(">i2"),
    ord("l"): np.dtype(">i4"),
    ord("L"): np.dtype(">i8"),
    ord("d"): np.dtype(">f4"),
    ord("D"): np.dtype(">f8"),
}
_INTEGER_MARKERS = frozenset(b"iUIlL")
_LITERALS = {ord("Z"): None, ord("T"): True, ord("F"): False}
_MAX_DEPTH = 30


def loads(blob: bytes) -> Any:
    r"""Return the value that the bytes hold.

    Raises
    ------
    ValueError
        They are not UBJSON, or something follows its end.

    Examples
    --------
    >>> loads(b"{i\x01a[$U#i\x02\x05\x07i\x01bSi\x02hi}")
    {'a': array([5, 7], dtype=uint8), 'b': 'hi'}
    """
    reader = _Reader(blob)
    value = reader.value(reader.take(1), 0)
    if reader.position != len(blob):
        raise ValueError("bytes after the end")
    return value


class _Reader:
    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self.position = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes and move behind them."""
        if count < 0 or self.position + count > len(self.blob):
            raise ValueError("an end in the middle")
        start = self.position
        self.position += count
        return self.blob[start : self.position]

    def _next_is(self, marker: bytes) -> bool:
        return self.blob[self.position : self.position + 1] == marker

    def value(self, marker: bytes, depth: int) -> Any:
        """Return a value whose type marker has been read."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        kind = marker[0]
        if kind in _INTEGER_MARKERS:
            return self.integer(kind)
        if kind in _NUMBER_TYPES:
            return self.numbers(marker, 1)[0].item()
        if kind in _LITERALS:
            return _LITERALS[kind]
        if marker == b"S":
            return self.text()
        if marker == b"C":
            return self.take(1).decode("ascii")
        if marker == b"[":
            return self.array(depth)
        if marker == b"{":
            return self.object(depth)
        raise ValueError(f"no type {marker!r}")

    def numbers(self, marker: bytes, count: int) -> npt.NDArray[Any]:
        """Return an array of numbers of one type."""
        dtype = _NUMBER_TYPES[marker[0]]
        values = np.frombuffer(self.take(count * dtype.itemsize), dtype)
        return values.astype(dtype.newbyteorder("="))

    def integer(self, kind: int) -> int:
        """Return an integer of a type."""
        dtype = _NUMBER_TYPES[kind]
        return int.from_bytes(self.take(dtype.itemsize), "big", signed=dtype.kind == "i")

    def length(self) -> int:
        """Return the length of what follows."""
        marker = self.take(1)[0]
        if marker not in _INTEGER_MARKERS:
            raise ValueError("a length that is not an integer")
        length = self.integer(marker)
        if not 0 <= length <= len(self.blob):
            raise ValueError("a length beyond the end")
        return length

    def text(self) -> str:
        """Return a string."""
        return self.take(self.length()).decode("utf-8")

    def array(self, depth: int) -> Any:
        """Return a list, or an array if all items are numbers of one declared type."""
        marker = self.take(1)
        if marker == b"$":
            item_marker = self.take(1)
            if self.take(1) != b"#" or item_marker[0] not in _NUMBER_TYPES:
                raise ValueError("an array of no known type")
            return self.numbers(item_marker, self.length())
        if marker == b"#":
            return [self.value(self.take(1), depth + 1) for _ in range(self.length())]
        items = []
        while marker != b"]":
            items.append(self.value(marker, depth + 1))
            marker = self.take(1)
        return items

    def object(self, depth: int) -> dict[str, Any]:
        """Return a dictionary; a repeated key is refused, since readers differ in what they take."""
        items: dict[str, Any] = {}
        if self._next_is(b"#"):
            self.take(1)
            for _ in range(self.length()):
                self._read_item(items, depth)
            return items
        while not self._next_is(b"}"):
            self._read_item(items, depth)
        self.take(1)
        return items

    def _read_item(self, items: dict[str, Any], depth: int) -> None:
        key = self.text()
        if key in items:
            raise ValueError(f"{key[:40]!r} twice")
        items[key] = self.value(self.take(1), depth + 1)
