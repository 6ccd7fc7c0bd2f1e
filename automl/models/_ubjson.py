"""A strict reader of UBJSON values, the format of XGBoost's boosters (ubjson.org, draft 12)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_NUMBER_TYPES: dict[int, np.dtype[Any]] = {
    ord("i"): np.dtype(">i1"),
    ord("U"): np.dtype(">u1"),
    ord("I"): np.dtype(">i2"),
    ord("l"): np.dtype(">i4"),
    ord("L"): np.dtype(">i8"),
    ord("d"): np.dtype(">f4"),
    ord("D"): np.dtype(">f8"),
}
_INTEGER_MARKERS = frozenset(b"iUIlL")
_LITERALS = {
    ord("Z"): None,
    ord("T"): True,
    ord("F"): False,
}
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
    value = reader.value(depth=0)
    if reader.position != len(blob):
        raise ValueError("bytes after the end")
    return value


class _Reader:
    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self.position = 0

    def take(self, count: int) -> bytes:
        """Return the next bytes and move behind them."""
        start = self.position
        end = start + count
        if end > len(self.blob):
            raise ValueError("an end in the middle")
        self.position = end
        return self.blob[start:end]

    def _take_if(self, marker: bytes) -> bool:
        """Move behind a marker if it is next, and return whether it was."""
        is_next = self.blob.startswith(marker, self.position)
        if is_next:
            self.position += len(marker)
        return is_next

    def value(self, depth: int) -> Any:
        """Return the next value, whatever its type."""
        if depth > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        marker = self.take(1)
        kind = marker[0]
        if kind in _INTEGER_MARKERS:
            return self.integer(kind)
        if kind in _NUMBER_TYPES:
            (number,) = self.numbers(kind, 1)
            return number.item()
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

    def numbers(self, kind: int, count: int) -> npt.NDArray[Any]:
        """Return an array of numbers of one type."""
        dtype = _NUMBER_TYPES[kind]
        raw = self.take(count * dtype.itemsize)
        values = np.frombuffer(raw, dtype)
        native = dtype.newbyteorder("=")
        return values.astype(native)

    def integer(self, kind: int) -> int:
        """Return an integer of a type."""
        (number,) = self.numbers(kind, 1)
        return int(number)

    def length(self) -> int:
        """Return the length of the container or text that follows."""
        (kind,) = self.take(1)
        if kind not in _INTEGER_MARKERS:
            raise ValueError("a length that is not an integer")
        length = self.integer(kind)
        if not 0 <= length <= len(self.blob):
            raise ValueError("a length beyond the end")
        return length

    def text(self) -> str:
        """Return a string."""
        raw = self.take(self.length())
        return raw.decode("utf-8")

    def array(self, depth: int) -> Any:
        """Return a list, or an array if all items are numbers of one declared type."""
        if self._take_if(b"$"):
            (kind,) = self.take(1)
            if kind not in _NUMBER_TYPES or not self._take_if(b"#"):
                raise ValueError("an array of no known type")
            return self.numbers(kind, self.length())
        items = []
        if self._take_if(b"#"):
            for _ in range(self.length()):
                items.append(self.value(depth + 1))
            return items
        while not self._take_if(b"]"):
            items.append(self.value(depth + 1))
        return items

    def object(self, depth: int) -> dict[str, Any]:
        """Return a dictionary; a repeated key is refused, since readers differ in their choice."""
        items: dict[str, Any] = {}
        if self._take_if(b"#"):
            for _ in range(self.length()):
                self._read_item(items, depth)
            return items
        while not self._take_if(b"}"):
            self._read_item(items, depth)
        return items

    def _read_item(self, items: dict[str, Any], depth: int) -> None:
        key = self.text()
        if key in items:
            raise ValueError(f"{key[:40]!r} twice")
        items[key] = self.value(depth + 1)
