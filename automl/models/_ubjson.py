"""Read UBJSON, the format of XGBoost's boosters (ubjson.org, draft 12): strictly, and nothing but values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_TYPES = {
    mark: np.dtype(form)
    for mark, form in zip(
        b"iUIlLdD", (">i1", ">u1", ">i2", ">i4", ">i8", ">f4", ">f8"), strict=True
    )
}
_WHOLE = {
    mark: (size, mark != ord("U")) for mark, size in zip(b"iUIlL", (1, 1, 2, 4, 8), strict=True)
}  # bytes, and whether signed
_WORDS = {ord("Z"): None, ord("T"): True, ord("F"): False}
DEEPEST = 30


def loads(blob: bytes) -> Any:
    r"""The value that the bytes hold.

    Raises
    ------
    ValueError
        They are not UBJSON, or go on after its end.

    Examples
    --------
    >>> loads(b"{i\x01a[$U#i\x02\x05\x07i\x01bSi\x02hi}")
    {'a': array([5, 7], dtype=uint8), 'b': 'hi'}
    """
    reader = _Reader(blob)
    value = reader.value(reader.take(1), 0)
    if reader.place != len(blob):
        raise ValueError("bytes after the end")
    return value


class _Reader:
    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self.place = 0

    def take(self, count: int) -> bytes:
        """The next bytes."""
        if count < 0 or self.place + count > len(self.blob):
            raise ValueError("an end in the middle")
        self.place += count
        return self.blob[self.place - count : self.place]

    def value(self, mark: bytes, depth: int) -> Any:
        """A value whose type has been read."""
        if depth > DEEPEST:
            raise ValueError("nested too deeply")
        if mark[0] in _WHOLE:
            return self.whole(mark[0])
        if mark[0] in _TYPES:
            return self.numbers(mark, 1)[0].item()
        if mark[0] in _WORDS:
            return _WORDS[mark[0]]
        if mark == b"S":
            return self.text()
        if mark == b"C":
            return self.take(1).decode("ascii")
        if mark == b"[":
            return self.array(depth)
        if mark == b"{":
            return self.object(depth)
        raise ValueError(f"no type {mark!r}")

    def numbers(self, mark: bytes, count: int) -> npt.NDArray[Any]:
        """So many numbers of a type."""
        kind = _TYPES[mark[0]]
        return np.frombuffer(self.take(count * kind.itemsize), kind).astype(kind.newbyteorder("="))

    def whole(self, mark: int) -> int:
        """A whole number of a type."""
        size, signed = _WHOLE[mark]
        return int.from_bytes(self.take(size), "big", signed=signed)

    def count(self) -> int:
        """A length."""
        mark = self.take(1)[0]
        if mark not in _WHOLE:
            raise ValueError("a length that is no whole number")
        found = self.whole(mark)
        if not 0 <= found <= len(self.blob):
            raise ValueError("a length beyond the end")
        return found

    def text(self) -> str:
        """A string."""
        return self.take(self.count()).decode("utf-8")

    def array(self, depth: int) -> Any:
        """A list, or, of numbers of one type, an array."""
        mark = self.take(1)
        if mark == b"$":
            kind = self.take(1)
            if self.take(1) != b"#" or kind[0] not in _TYPES:
                raise ValueError("an array of no known type")
            return self.numbers(kind, self.count())
        if mark == b"#":
            return [self.value(self.take(1), depth + 1) for _ in range(self.count())]
        items = []
        while mark != b"]":
            items.append(self.value(mark, depth + 1))
            mark = self.take(1)
        return items

    def object(self, depth: int) -> dict[str, Any]:
        """A dictionary; a name that stands twice is refused, since readers differ in which one they take."""
        found: dict[str, Any] = {}
        left = -1
        if self.blob[self.place : self.place + 1] == b"#":
            self.take(1)
            left = self.count()
        while left != 0:
            if left < 0 and self.blob[self.place : self.place + 1] == b"}":
                self.take(1)
                break
            name = self.text()
            if name in found:
                raise ValueError(f"{name[:40]!r} twice")
            found[name] = self.value(self.take(1), depth + 1)
            left -= 1
        return found
