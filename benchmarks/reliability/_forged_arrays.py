"""Forge arrays in the format of `np.save`: their items, headers, shapes, types and lengths."""

from __future__ import annotations

import math
import re
import struct
from random import Random
from typing import Any

import numpy as np
from _mutants import crude

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]
Deed = tuple[str, bytes]  # what was done, and the array

NUMBERS = (0, 1, -1, 2, -2, 7, 120, 255, 2**15, -(2**15), 2**24, 2**30, 2**31 - 1, 2**62, 2**63 - 1)
SPECIAL = (math.nan, math.inf, -math.inf, 1e308, -1e308, 1e-320, 3.5e38, -0.0, 1e15, 0.5)
NUMERIC = ("<f8", "<f4", "<i8", "<i4", "<i2", "|i1", "<u8", "<u4", "<u2", "|u1", "|b1")
DTYPES = (*NUMERIC, "<f2", "<c8", "<U9", "|S5", "|O8", "|V4", "<M8", ">f8", ">i4", "|b2")
HEADER = re.compile(
    rb"\{'descr': '([^']*)', 'fortran_order': (True|False), 'shape': \(([^)]*)\), \} *\n"
)


def forge_array(blob: bytes, rng: Random) -> Deed:
    """Return what was done, and an .npy file with other numbers, another header or length."""
    length = int.from_bytes(blob[8:10], "little")
    header = HEADER.fullmatch(blob[10 : 10 + length])
    if header is None:
        return "crude content", crude(blob, rng)
    descr, fortran = header[1].decode(), header[2] == b"True"
    shape = tuple(int(size) for size in header[3].split(b",") if size.strip())
    data = blob[10 + length :]
    try:
        array = np.frombuffer(data, np.dtype(descr)).copy()
    except (TypeError, ValueError):  # it was forged before
        return "crude content", crude(blob, rng)
    return _forge_header(blob[10 : 10 + length], data, descr, shape, fortran, rng) or _forge_items(
        array, descr, shape, fortran, rng
    )


def _forge_header(
    header: bytes, data: bytes, descr: str, shape: Shape, fortran: bool, rng: Random
) -> Deed | None:
    """Return an array whose header says something else of the same bytes; None in most cases."""
    match rng.randrange(16):
        case 0:
            return "array: dtype of the header", saved(data, rng.choice(DTYPES), shape, fortran)
        case 1:
            return "array: shape of the header", saved(data, descr, _odd_shape(rng, shape), fortran)
        case 2:
            return "array: order", saved(data, descr, shape, not fortran)
        case 3:
            return "array: another form", saved(data, descr, _same_size(rng, shape), fortran)
        case 4 if rng.random() < 0.5:
            extra = rng.choice((b" " * 20_000, b"\n", b", 'x': 1", b"\0"))
            text = header.rstrip(b" \n") + extra + b"\n"
            version = rng.choice((b"\1\0", b"\2\0", b"\3\0"))
            start = b"\x93NUMPY" + version + struct.pack("<H", len(text))
            return "array: text of the header", start + text + data
    return None


def _forge_items(array: Array, descr: str, shape: Shape, fortran: bool, rng: Random) -> Deed:
    """Return an array with other items, or fewer or more of them, and a header that fits."""
    match rng.randrange(8):
        case 0:
            return "array: another type", _retyped(array, shape, rng)
        case 1:
            return "array: another length", _resized(array, shape, rng)
        case 2:
            return "array: order of the items", saved(_reordered(array, rng), descr, shape, fortran)
    _change_items(array, shape, rng)
    return "array: items", saved(array.tobytes(), descr, shape, fortran)


def saved(data: bytes, descr: str, shape: Shape, fortran: bool) -> bytes:
    """Return an .npy file with this header and these bytes, whether they fit or not."""
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"
    padding = -(10 + len(text) + 1) % 64
    raw = (text + " " * padding + "\n").encode()
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(raw)) + raw + data


def _odd_shape(rng: Random, shape: Shape) -> Shape:
    zero = (2**40, 0), (0, 2**40), (2**62, 0, 2), (0,), (2**31, 0), (0, 0)
    odd = (2**40,), (-1,), (2**20, 2**20), (3, 3), (), (2**62, 4), (1,) * 33, (-1, -1), (2**64,)
    longer = tuple(size + rng.choice((0, 1, -1)) for size in shape)
    return rng.choice((*zero, *odd, longer, shape[::-1], (*shape, 1), shape[:-1]))


def _same_size(rng: Random, shape: Shape) -> Shape:
    """Return a shape of as many items."""
    count = math.prod(shape)
    forms = [(count,), (count, 1), (1, count), shape[::-1], (*shape, 1), (1, *shape)]
    if count % 2 == 0:
        forms += [(count // 2, 2), (2, count // 2)]
    if not count:
        forms += [(2**40, 0), (0, 2**40), (2**62, 0), (0, 5), (5, 0), (2**31, 0, 1)]
    return rng.choice(forms)


def _retyped(array: Array, shape: Shape, rng: Random) -> bytes:
    """Return the same numbers as items of another type."""
    dtype = rng.choice(NUMERIC)
    with np.errstate(all="ignore"):
        values = array.astype(dtype)
    return saved(values.tobytes(), dtype, shape, False)


def _resized(array: Array, shape: Shape, rng: Random) -> bytes:
    """Return an array with rows cut off, repeated or added."""
    if not shape:
        return saved(array.tobytes() * 2, array.dtype.str, (2,), False)
    values = array.reshape(shape)
    n_rows = len(values)
    choices = [
        lambda: values[:-1],
        lambda: values[1:],
        lambda: values[: rng.randrange(n_rows + 1)],
        lambda: values[:0],
        lambda: np.repeat(values, 2, axis=0),
        lambda: np.concatenate([values, values[-1:]]),
        lambda: np.concatenate([values, np.zeros_like(values[:1])]),
        lambda: np.repeat(values, rng.choice((3, 100)), axis=-1),
        lambda: values[..., : rng.randrange(values.shape[-1] + 1)],
    ]
    changed = np.ascontiguousarray(rng.choice(choices)())
    return saved(changed.tobytes(), changed.dtype.str, changed.shape, False)


def _reordered(array: Array, rng: Random) -> bytes:
    order = rng.choice(("sorted", "reversed", "shuffled", "rolled"))
    if order == "sorted":
        return np.sort(array).tobytes()
    if order == "reversed":
        return array[::-1].tobytes()
    if order == "rolled":
        return np.roll(array, rng.choice((1, -1))).tobytes()
    places = list(range(len(array)))
    rng.shuffle(places)
    return array[places].tobytes()


def _change_items(array: Array, shape: Shape, rng: Random) -> None:
    """Change one, some or all items: near ones, lengths of arrays, extreme and special values."""
    if not len(array):
        return
    count = rng.choice((1, 1, 1, 2, 5, len(array)))
    places = [rng.randrange(len(array)) for _ in range(count)]
    if rng.random() < 0.2:
        places = rng.choice(([0], [len(array) - 1], list(range(len(array)))))
    way = rng.randrange(6)
    number = rng.choice(NUMBERS)
    special = rng.choice(SPECIAL)
    length = rng.choice((len(array), len(array) - 1, len(array) + 1, *shape, -len(array)))
    with np.errstate(all="ignore"):
        for place in places:
            old = array[place]
            if way == 0:
                value: Any = number
            elif way == 1:
                value = special if array.dtype.kind == "f" else length
            elif way == 2:
                value = int(np.nan_to_num(old)) + rng.choice((1, -1, 2, 256, -256, 65536))
            elif way == 3:
                value = array[rng.randrange(len(array))]
            elif way == 4 and array.dtype.kind == "f":
                value = -float(old)
            elif way == 4 and array.dtype.kind in "iu":
                value = ~int(old)
            else:
                value = length
            array[place] = _fitting(array.dtype, value)


def _fitting(dtype: np.dtype[Any], value: Any) -> Any:
    """Return a value as one of a type, whole numbers around their range as C does it."""
    if dtype.kind not in "iu":
        return np.array(value, np.float64).astype(dtype)
    bits = 8 * dtype.itemsize
    wrapped = int(value) % 2**bits
    return np.array(wrapped, f"u{dtype.itemsize}").astype(dtype)
