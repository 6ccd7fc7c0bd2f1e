"""A strict reader of FlatBuffers, the format of CatBoost's models (flatbuffers.dev).

A buffer holds tables that point to others. Readers ask for the fields that they know, so the depth
of what they follow is that of their schema, and offsets only lead forwards. Every access is checked
against the buffer. Arrays are views of it, so vectors that many tables share cost nothing.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from automl.arrays import Array

_LENGTH = struct.Struct("<I")  # of a vector; or an offset, which leads forwards
_BACKWARD = struct.Struct("<i")  # from a table to its list of fields
_HEAD = struct.Struct("<HH")  # sizes of a list of fields and of its table, in bytes
_FIELD = struct.Struct("<H")
_INT8 = struct.Struct("<b")
_INT32 = struct.Struct("<i")
_FLOAT32 = struct.Struct("<f")
_FLOAT64 = struct.Struct("<d")
_BYTE = np.dtype(np.uint8)
_OFFSET = np.dtype("<u4")


def read_root(blob: bytes) -> Table:
    r"""Return a buffer's first table.

    Raises
    ------
    ValueError
        The table lies outside the buffer.

    Examples
    --------
    >>> fields = b"\x08\x00" + b"\x08\x00" + b"\x00\x00" + b"\x04\x00"
    >>> table = b"\x08\x00\x00\x00" + b"\x2a\x00\x00\x00"
    >>> root = read_root(b"\x0c\x00\x00\x00" + fields + table)
    >>> root.integer(1), root.integer(0, default=7)
    (42, 7)
    """
    position = _follow(blob, 0)
    return Table(blob, position)


class Table:
    """A table of a buffer, whose fields are numbered as its schema lists them.

    Parameters
    ----------
    blob : bytes
        The buffer.
    position : int
        Where the table begins.

    Raises
    ------
    ValueError
        The table, its list of fields, or later what is asked for lies outside the buffer.
    """

    def __init__(self, blob: bytes, position: int) -> None:
        self.blob = blob
        self.position = position
        back = _unpack(_BACKWARD, blob, position)
        self._fields = position - back[0]
        sizes = _unpack(_HEAD, blob, self._fields)
        self._fields_size = sizes[0]
        self._size = sizes[1]
        fields_end = self._fields + self._fields_size
        table_end = position + self._size
        if max(fields_end, table_end) > len(blob):
            raise ValueError("a table beyond the end")

    def _find(self, field: int) -> int | None:
        """Return where a field's value is, or None if the table does not have it."""
        entry = _HEAD.size + _FIELD.size * field
        entry_end = entry + _FIELD.size
        if entry_end > self._fields_size:
            return None
        place = self._fields + entry
        (offset,) = _unpack(_FIELD, self.blob, place)
        if offset == 0:
            return None
        if offset >= self._size:
            raise ValueError("a field outside its table")
        position: int = self.position + offset
        return position

    def _scalar(
        self,
        field: int,
        layout: struct.Struct,
        default: Any,
    ) -> Any:
        position = self._find(field)
        if position is None:
            return default
        (value,) = _unpack(layout, self.blob, position)
        return value

    def byte(self, field: int, default: int = 0) -> int:
        """Return an integer of 8 bits."""
        value = self._scalar(field, _INT8, default)
        return int(value)

    def integer(self, field: int, default: int = 0) -> int:
        """Return an integer of 32 bits."""
        value = self._scalar(field, _INT32, default)
        return int(value)

    def single(self, field: int, default: float = 0.0) -> np.float32:
        """Return a number in single precision."""
        value = self._scalar(field, _FLOAT32, default)
        return np.float32(value)

    def double(self, field: int, default: float = 0.0) -> float:
        """Return a number in double precision."""
        value = self._scalar(field, _FLOAT64, default)
        return float(value)

    def table(self, field: int) -> Table:
        """Return a table that must be there."""
        position = self._find(field)
        if position is None:
            raise ValueError("a table that is missing")
        target = _follow(self.blob, position)
        return Table(self.blob, target)

    def tables(self, field: int, limit: int) -> list[Table]:
        """Return the tables of a vector, of which there must not be more than `limit`.

        There are none if the vector is missing.
        """
        found = []
        for target in self._targets(field, limit):
            table = Table(self.blob, target)
            found.append(table)
        return found

    def texts(self, field: int, limit: int) -> list[bytes]:
        """Return the texts of a vector, of which there must not be more than `limit`."""
        found = []
        for target in self._targets(field, limit):
            text = _Vector(self.blob, target)
            characters = text.values(_BYTE)
            found.append(characters.tobytes())
        return found

    def vector(self, field: int, dtype: npt.DTypeLike) -> Array:
        """Return a vector of numbers or structures; an empty one if it is missing."""
        kind = np.dtype(dtype)
        vector = self._vector(field)
        if vector is None:
            return np.empty(0, kind)
        return vector.values(kind)

    def text(self, field: int) -> bytes:
        """Return a text; an empty one if it is missing."""
        characters = self.vector(field, _BYTE)
        return characters.tobytes()

    def _targets(self, field: int, limit: int) -> list[int]:
        """Return where the offsets of a vector lead."""
        vector = self._vector(field)
        if vector is None:
            return []
        if vector.count > limit:
            raise ValueError(f"{vector.count} items where at most {limit} are allowed")
        offsets = vector.values(_OFFSET)
        numbers = np.arange(vector.count)
        targets = offsets.astype(np.int64)
        targets += vector.start
        targets += numbers * _OFFSET.itemsize
        return list(map(int, targets))

    def _vector(self, field: int) -> _Vector | None:
        position = self._find(field)
        if position is None:
            return None
        target = _follow(self.blob, position)
        return _Vector(self.blob, target)


class _Vector:
    """A vector of a buffer: a number of values, and the values."""

    def __init__(self, blob: bytes, position: int) -> None:
        (count,) = _unpack(_LENGTH, blob, position)
        self.blob = blob
        self.count: int = count
        self.start = position + _LENGTH.size

    def values(self, dtype: np.dtype[Any]) -> Array:
        """Return the values as a view of the buffer."""
        size = self.count * dtype.itemsize
        end = self.start + size
        if end > len(self.blob):
            raise ValueError("a vector beyond the end")
        return np.frombuffer(
            self.blob,
            dtype,
            self.count,
            self.start,
        )


def _follow(blob: bytes, position: int) -> int:
    """Return where the offset at a position leads."""
    (offset,) = _unpack(_LENGTH, blob, position)
    target: int = position + offset
    return target


def _unpack(
    layout: struct.Struct,
    blob: bytes,
    position: int,
) -> tuple[Any, ...]:
    """Return the values at a position, which must lie inside the buffer."""
    end = position + layout.size
    if position < 0 or end > len(blob):
        raise ValueError("an offset beyond the end")
    return layout.unpack_from(blob, position)
