"""Writes FlatBuffers, also such as no honest program writes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np

Fields = dict[int, Any]


@dataclass(frozen=True)
class Scalar:
    """A number that is stored in its table, by its struct format."""

    layout: str
    value: float

    @property
    def raw(self) -> bytes:
        return struct.pack("<" + self.layout, self.value)


def i8(value: int) -> Scalar:
    return Scalar("b", value)


def i32(value: int) -> Scalar:
    return Scalar("i", value)


def f32(value: float) -> Scalar:
    return Scalar("f", value)


def f64(value: float) -> Scalar:
    return Scalar("d", value)


def write_buffer(root: Fields) -> bytes:
    """Return the buffer of a table.

    A table is a dictionary of its fields: scalars, tables, lists of tables or texts, texts as
    bytes, and arrays. What stands there several times is written once.
    """
    writer = _Writer()
    writer.refer(0, root)
    while writer.waiting:
        writer.write_next()
    return bytes(writer.blob)


class _Writer:
    def __init__(self) -> None:
        self.blob = bytearray(4)
        self.waiting: dict[int, tuple[Any, list[int]]] = {}

    def refer(self, place: int, value: Any) -> None:
        """Have a place hold the offset to a value that will follow."""
        _, places = self.waiting.setdefault(id(value), (value, []))
        places.append(place)

    def write_next(self) -> None:
        value, places = self.waiting.pop(next(iter(self.waiting)))
        if isinstance(value, dict):
            target = self._write_table(value)
        else:
            target = self._write_vector(value)
        for place in places:
            self.blob[place : place + 4] = struct.pack("<I", target - place)

    def _write_table(self, fields: Fields) -> int:
        offsets = [0] * (max(fields, default=-1) + 1)
        body = bytearray(4)
        for field, value in fields.items():
            offsets[field] = len(body)
            body += value.raw if isinstance(value, Scalar) else bytes(4)
        head = struct.pack(f"<HH{len(offsets)}H", 4 + 2 * len(offsets), len(body), *offsets)
        self.blob += head
        start = len(self.blob)
        body[:4] = struct.pack("<i", len(head))
        self.blob += body
        for field, value in fields.items():
            if not isinstance(value, Scalar):
                self.refer(start + offsets[field], value)
        return start

    def _write_vector(self, values: Any) -> int:
        start = len(self.blob)
        self.blob += struct.pack("<I", len(values))
        if isinstance(values, np.ndarray):
            self.blob += values.tobytes()
            return start
        if isinstance(values, bytes):
            self.blob += values
            return start
        self.blob += bytes(4 * len(values))
        for number, value in enumerate(values):
            self.refer(start + 4 + 4 * number, value)
        return start
