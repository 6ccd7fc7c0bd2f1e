"""Forge boosters in the libraries' own formats: LightGBM's text, XGBoost's UBJSON, CatBoost's CBM.

Lengths, markers and offsets are where a reader trusts most, so these are changed most.
"""

from __future__ import annotations

import math
import struct
from random import Random
from typing import Any

import numpy as np

Places = list[tuple[int, str]]  # where a reader reads, and as what

TEXT_NUMBERS = (
    b"-1 0 1 2 3 7 31 64 99999 -99999 2147483647 -2147483648 4294967295 99999999999 1e308 -1e308 "
    b"1e999 nan inf -inf 0.5 1e-320 +1 0x10 1_0 \xd9\xa1 x 00000000000001 --1"
).split(b" ")
TOKENS = (b"end of trees", b"Tree=", b"\n\n", b"tree\n", b"=", b"num_leaves")
EDGE = (0, 1, 2, 3, 7, 127, 128, 255, 2**15, 2**16 - 1, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
SINGLES = (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-40, 3.4e38, -1.0, 0.5)


def forge_booster(blob: bytes, places: Places | None, rng: Random) -> tuple[str, bytes]:
    """Return what was done, and a booster with something changed, in the way of its format."""
    if blob.startswith(b"tree\n"):
        return "LightGBM text", forge_text(blob, rng)
    if blob.startswith(b"{"):
        return "XGBoost UBJSON", forge_ubjson(blob, rng)
    if places:
        return "CatBoost FlatBuffers", forge_flatbuffer(blob, places, rng)
    at = rng.randrange(len(blob) or 1)
    return "crude booster", blob[:at] + rng.randbytes(rng.randrange(5)) + blob[at + 1 :]


def forge_text(blob: bytes, rng: Random) -> bytes:
    """Return LightGBM's text with other numbers, lines or trees."""
    match rng.randrange(12):
        case 0:
            trees = blob.split(b"Tree=")
            chosen = rng.randrange(1, len(trees))
            trees[chosen] *= rng.choice((0, 2, 3))
            return b"Tree=".join(trees)
        case 1:
            token = rng.choice(TOKENS)
            return blob.replace(token, rng.choice((b"", token * 2, b"x", *TOKENS)), 1)
    lines = blob.split(b"\n")
    valued = [at for at, line in enumerate(lines) if b"=" in line]
    at, other = rng.choice(valued), rng.choice(valued)
    match rng.randrange(9):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = lines[at].partition(b"=")[0] + b"=" + lines[other].partition(b"=")[2]
        case _:
            lines[at] = _with_other_words(lines[at], rng)
    return b"\n".join(lines)


def _with_other_words(line: bytes, rng: Random) -> bytes:
    """Return a line with a number less or more, or one or all of them changed."""
    name, _, value = line.partition(b"=")
    words = value.split(b" ")
    place = rng.randrange(len(words))
    chance = rng.random()
    if chance < 0.15:
        del words[place]
    elif chance < 0.3:
        words.insert(place, words[place])
    else:
        number = rng.choice((*TEXT_NUMBERS, rng.choice(words)))
        if rng.random() < 0.3 and words[place].lstrip(b"-").isdigit():
            number = str(int(words[place]) + rng.choice((1, -1, 2, 32, 64))).encode()
        words[place] = number
        if rng.random() < 0.2:
            words = [number] * len(words)
    return name + b"=" + b" ".join(words)


# --- UBJSON -------------------------------------------------------------------------------------

INTEGERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q"}
REALS = {"d": ">f", "D": ">d"}


class _Walk:
    """Where the markers, lengths, numbers and texts of a UBJSON value are."""

    def __init__(self, blob: bytes) -> None:
        self.blob = blob
        self.markers: list[int] = []
        self.lengths: list[tuple[int, str]] = []
        self.numbers: list[tuple[int, str]] = []
        self.texts: list[tuple[int, int]] = []
        self.arrays: list[tuple[int, str, int, int]] = []  # marker, type, first item, count
        self.items: list[tuple[int, int]] = []  # of objects: from the key to the end of the value
        self.value(0)

    def number(self, at: int, kind: str, into: list[tuple[int, str]]) -> tuple[int, Any]:
        layout = INTEGERS.get(kind) or REALS[kind]
        into.append((at, layout))
        return at + struct.calcsize(layout), struct.unpack_from(layout, self.blob, at)[0]

    def length(self, at: int) -> tuple[int, int]:
        self.markers.append(at)
        return self.number(at + 1, chr(self.blob[at]), self.lengths)

    def text(self, at: int) -> int:
        start, length = self.length(at)
        self.texts.append((start, length))
        return start + length

    def value(self, at: int) -> int:
        self.markers.append(at)
        kind = chr(self.blob[at])
        at += 1
        if kind in INTEGERS or kind in REALS:
            return self.number(at, kind, self.numbers)[0]
        if kind == "S":
            return self.text(at)
        if kind == "C":
            return at + 1
        if kind == "{":
            return self.object(at)
        if kind == "[":
            return self.array(at)
        return at

    def object(self, at: int) -> int:
        count = -1
        if self.blob[at : at + 1] == b"#":
            at, count = self.length(at + 1)
        while count and self.blob[at : at + 1] != b"}":
            start = at
            at = self.value(self.text(at))
            self.items.append((start, at))
            count -= 1
        return at + (count < 0)

    def array(self, at: int) -> int:
        start = at
        if self.blob[at : at + 1] == b"$":
            kind = chr(self.blob[at + 1])
            at, count = self.length(at + 3)
            layout = INTEGERS.get(kind) or REALS[kind]
            self.arrays.append((start + 1, layout, at, count))
            return at + count * struct.calcsize(layout)
        count = -1
        if self.blob[at : at + 1] == b"#":
            at, count = self.length(at + 1)
        while count and self.blob[at : at + 1] != b"]":
            at = self.value(at)
            count -= 1
        return at + (count < 0)


_MAX_WALKS = 200  # that are kept
_walks: dict[bytes, _Walk] = {}


def forge_ubjson(blob: bytes, rng: Random) -> bytes:
    """Return XGBoost's UBJSON with another marker, length, number, text, item or array."""
    walk = _walks.get(blob)
    if walk is None:
        try:
            walk = _Walk(blob)
        except (LookupError, TypeError, ValueError, struct.error):  # it was forged before
            return blob[: rng.randrange(1 + len(blob))]
        if len(_walks) < _MAX_WALKS:
            _walks[blob] = walk
    data = bytearray(blob)
    match rng.randrange(12):
        case 0:
            data[rng.choice(walk.markers)] = rng.choice(b"iUIlLdDSC[]{}ZTFNHx#$\x00\xff")
        case 1:
            _store(data, *rng.choice(walk.lengths), rng)
        case 2:
            _store(data, *rng.choice(walk.numbers or walk.lengths), rng)
        case 3 | 4:
            _change_text(data, walk.texts, rng)
        case 5 | 6 | 7:
            _change_item(data, walk.items, rng)
        case 8:
            return _with_array_resized(blob, walk, rng)
        case _:
            _change_array(data, rng.choice(walk.arrays), rng)
    return bytes(data)


def _change_text(data: bytearray, texts: list[tuple[int, int]], rng: Random) -> None:
    """Put a number or another text into the place of a text, as long as it."""
    start, length = rng.choice(texts)
    words = (b"-1", b"0", b"1", b"9999999", b"1e30", b"nan", b"x", b"4294967296", b"")
    text = rng.choice(words) * max(1, length)
    if rng.random() < 0.2:
        other, size = rng.choice(texts)
        text = bytes(data[other : other + size]) + bytes(length)
    data[start : start + length] = text[:length]


def _change_item(data: bytearray, items: list[tuple[int, int]], rng: Random) -> None:
    """Remove an item of an object, put another into its place, or add one that is nested."""
    start, end = rng.choice(items)
    match rng.randrange(3):
        case 0:
            del data[start:end]
        case 1:
            other, stop = rng.choice(items)
            data[start:end] = data[other:stop]
        case 2:
            nested = rng.choice((b"[", b"{i\x01a")) * rng.choice((5, 29, 32, 5000))
            data[end:end] = data[start : start + 2] + b"z" + nested


def _store(data: bytearray, at: int, layout: str, rng: Random) -> None:
    """Write an extreme number, or one near the old one, in a format of `struct`."""
    (old,) = struct.unpack_from(layout, data, at)
    if layout[-1] in "fd":
        struct.pack_into(layout, data, at, rng.choice((*SINGLES, old + 1, -old)))
        return
    size = struct.calcsize(layout)
    drawn = rng.choice((*EDGE, old + 1, old - 1, old * 2, -old, -1, 2**63, rng.randrange(2**32)))
    raw = (int(drawn) % 256**size).to_bytes(size, "big" if layout[0] == ">" else "little")
    data[at : at + size] = raw


def _change_array(data: bytearray, array: tuple[int, str, int, int], rng: Random) -> None:
    """Change one, some or all items of a typed array."""
    _, layout, first, count = array
    size = struct.calcsize(layout)
    if not count:
        return
    for _ in range(rng.choice((1, 1, 2, count))):
        at = first + size * rng.randrange(count)
        if rng.random() < 0.3:
            other = first + size * rng.randrange(count)
            data[at : at + size] = data[other : other + size]
        else:
            _store(data, at, layout, rng)


def _with_array_resized(blob: bytes, walk: _Walk, rng: Random) -> bytes:
    """Return a value with one typed array cut, repeated, or of another type; others fit."""
    marker, layout, first, count = rng.choice(walk.arrays)
    size = struct.calcsize(layout)
    items = blob[first : first + size * count]
    kind = chr(blob[marker])
    match rng.randrange(5):
        case 0:
            items = items[:-size]
        case 1:
            items += items[-size:]
        case 2:
            items = b""
        case 3:
            items *= rng.choice((2, 50))
        case 4:
            kind = rng.choice("iUIlLdD")
            size = struct.calcsize(INTEGERS.get(kind) or REALS[kind])
            items = items[: len(items) // size * size]
    number = len(items) // size
    head = kind.encode() + b"#L" + struct.pack(">q", number)
    return blob[:marker] + head + items + blob[first + struct.calcsize(layout) * count :]


_MAX_COLUMNS = 10_000
_MAX_PLACES_OF_VECTOR = 1_000

# --- FlatBuffers --------------------------------------------------------------------------------


def places_of(blob: bytes) -> Places:
    """Return where our reader of a CatBoost file looks, noted while it reads an honest one.

    Of long vectors, some items are enough.
    """
    from automl.models.trees import _catboost_file, _flatbuffers

    reader: Any = _flatbuffers
    numpy: Any = np
    places: set[tuple[int, str]] = set()
    starts: dict[int, int] = {}
    unpack, frombuffer = reader._unpack, numpy.frombuffer

    def start_of(buffer: bytes) -> int:
        if id(buffer) not in starts:
            starts[id(buffer)] = max(0, blob.find(buffer))
        return starts[id(buffer)]

    def noting_unpack(layout: struct.Struct, buffer: bytes, position: int) -> Any:
        at = start_of(buffer) + position
        for code in layout.format.lstrip("<"):
            places.add((at, "<" + code))
            at += struct.calcsize("<" + code)
        return unpack(layout, buffer, position)

    def noting_values(buffer: bytes, dtype: Any = float, count: int = -1, offset: int = 0) -> Any:
        values = frombuffer(buffer, dtype, count, offset)
        start = start_of(buffer) + offset
        stride = 1 + len(values) // _MAX_PLACES_OF_VECTOR
        for index in range(0, len(values), stride):
            at = start + index * values.dtype.itemsize
            places.update((at + where, layout) for where, layout in _layouts(values.dtype))
        return values

    reader._unpack = noting_unpack
    numpy.frombuffer = noting_values
    try:
        _catboost_file.read_file(blob, _MAX_COLUMNS)
    finally:
        reader._unpack = unpack
        numpy.frombuffer = frombuffer
    return sorted(places)


def _layouts(dtype: np.dtype[Any]) -> list[tuple[int, str]]:
    """Return where the numbers of an item are, and their formats of `struct`."""
    if dtype.fields:
        found = []
        for field, offset, *_ in dtype.fields.values():
            found += [(offset + at, layout) for at, layout in _layouts(field)]
        return found
    codes = {"f4": "<f", "f8": "<d", "u8": "<Q", "i8": "<q", "i4": "<i", "u4": "<I", "u2": "<H"}
    return [(0, codes.get(dtype.str[1:], "<B"))]


def forge_flatbuffer(blob: bytes, places: Places, rng: Random) -> bytes:
    """Return CatBoost's file with another offset, length or number, or bytes cut out or added."""
    data = bytearray(blob)
    if rng.random() < 0.1:
        at, length = rng.randrange(len(data)), rng.choice((1, 4, 8, 100))
        if rng.random() < 0.5:
            del data[at : at + length]
        else:
            data[at:at] = rng.randbytes(length)
        return bytes(data)
    structural = [place for place in places if place[1] in ("<I", "<i", "<H")]
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        at, layout = rng.choice(structural if rng.random() < 0.6 else places)
        if rng.random() < 0.2:
            other, same = rng.choice(places)
            size = min(struct.calcsize(layout), struct.calcsize(same))
            data[at : at + size] = data[other : other + size]
        else:
            _store(data, at, layout, rng)
    return bytes(data)
