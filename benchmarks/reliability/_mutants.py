"""Mutated files: bytes changed at random, and files with right digests and wrong content."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import struct
import zipfile
from random import Random
from typing import Any

import numpy as np

from automl.predictor.archive import DIGEST_PREFIX


def crude(blob: bytes, rng: Random) -> bytes:
    """Bytes changed, cut out, doubled, put in, or cut off."""
    data = bytearray(blob)
    for _ in range(rng.choice([1, 1, 1, 2, 5, 20])):
        if not data:
            return bytes(data)
        at, length = rng.randrange(len(data)), min(len(data), int(rng.expovariate(1 / 20)) + 1)
        match rng.randrange(6):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.choice([0, 255, 127, 128, 10, 45, 48, 57])
            case 2:
                del data[at : at + length]
            case 3:
                data[at:at] = data[at : at + length]
            case 4:
                data[at:at] = rng.randbytes(length)
            case 5:
                del data[at if rng.random() < 0.3 else max(0, len(data) - length) :]
    return bytes(data)


DEEP = "@@deep@@"  # stands for lists nested 5 000 times
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    -(2**40),
    1e308,
    float("nan"),
    float("inf"),
    "",
    "x" * 5000,
    "../../etc/passwd",
)
ODD += (
    "builtins.eval",
    [],
    {},
    [[]],
    {"$array": "0.npy"},
    {"$bytes": "0.bin"},
    {"$array": "../x.npy"},
    "\x00",
    "knn",
    "lightgbm",
)


def bent(value: Any, rng: Random) -> Any:
    """A JSON value with one thing in it replaced, removed, doubled or nested."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        return _bent_object(value, rng)
    if isinstance(value, list) and value and rng.random() < 0.9:
        return _bent_list(value, rng)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.6:
        return rng.choice([value + 1, value - 1, -value, value * 1000, value * 2**33, value + 0.5])
    if rng.random() < 0.05:
        return DEEP
    return copy.copy(rng.choice(ODD))


def _bent_object(value: dict[str, Any], rng: Random) -> dict[str, Any]:
    key = rng.choice(list(value))
    match rng.randrange(8):
        case 0:
            return {name: item for name, item in value.items() if name != key}
        case 1:
            return {**value, f"{key}x": value[key]}
        case _:
            return {**value, key: bent(value[key], rng)}


def _bent_list(value: list[Any], rng: Random) -> list[Any]:
    at = rng.randrange(len(value))
    match rng.randrange(8):
        case 0:
            return value[:at] + value[at + 1 :]
        case 1:
            return [*value, value[at]]
        case 2:
            return value[::-1]
        case _:
            return [*value[:at], bent(value[at], rng), *value[at + 1 :]]


def bent_array(blob: bytes, rng: Random) -> bytes:
    """An .npy file with another header, other numbers, or of another length."""
    match rng.randrange(6):
        case 0:
            return crude(blob, rng)
        case 1:
            shape = rng.choice([(2**40,), (-1,), (0,), (2**20, 2**20), (3, 3), ()])
            return with_header(blob, shape=shape)
        case 2:
            return with_header(
                blob, descr=rng.choice(["|O", "<f8", "<i4", "<U100", "<M8[s]", "|S5", "<c16"])
            )
        case 3:
            return with_header(blob, extra=" " * 20_000)
        case 4:
            array = np.load(io.BytesIO(blob), allow_pickle=False).copy()
            if array.size:
                number = rng.choice([0, 1, -1, 120, 2**15, 2**30])
                array.reshape(-1)[rng.randrange(array.size)] = np.int64(number).astype(array.dtype)
            return saved(array)
        case _:
            return saved(np.load(io.BytesIO(blob), allow_pickle=False)[: rng.randrange(3)])


def saved(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=False)
    return stream.getvalue()


def with_header(blob: bytes, shape: Any = None, descr: str | None = None, extra: str = "") -> bytes:
    """An .npy file that promises something else than it holds."""
    (length,) = struct.unpack("<H", blob[8:10])
    header = eval(blob[10 : 10 + length].decode("latin-1"))
    header["shape"] = header["shape"] if shape is None else shape
    header["descr"] = header["descr"] if descr is None else descr
    text = (repr(header) + extra + "\n").encode()
    return blob[:8] + struct.pack("<H", len(text)) + text + blob[10 + length :]


def bent_booster(blob: bytes, rng: Random) -> bytes:
    """A booster with other bytes, or, where it is text, with other numbers."""
    if not blob.startswith(b"tree") or rng.random() < 0.3:
        return crude(blob, rng)
    lines = blob.split(b"\n")
    at = rng.choice([place for place, line in enumerate(lines) if b"=" in line])
    name, _, value = lines[at].partition(b"=")
    numbers = value.split(b" ")
    numbers[rng.randrange(len(numbers))] = rng.choice(
        [b"-1", b"0", b"1", b"7", b"99999", b"-99999", b"2147483647", b"1e308", b"nan", b"", b"x"]
    )
    lines[at] = name + b"=" + b" ".join(numbers)
    return b"\n".join(lines)


def parts(blob: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def zipped(entries: list[tuple[str, bytes]], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=packing)
    return stream.getvalue()


def bent_entry(name: str, content: bytes, rng: Random) -> bytes:
    """One entry of an archive with something in it changed, in the way of its kind."""
    if name.endswith(".zip"):
        inner = list(parts(content).items())
        at = rng.randrange(len(inner))
        inner[at] = (inner[at][0], bent_entry(*inner[at], rng))
        return zipped(inner)
    if name.endswith(".json"):
        value = bent(json.loads(content), rng)
        text = json.dumps(value).replace(f'"{DEEP}"', "[" * 5_000 + "]" * 5_000)
        return text.encode() if rng.random() < 0.95 else crude(content, rng)
    if name.endswith(".npy"):
        return bent_array(content, rng)
    return bent_booster(content, rng)


EVIL = (
    "../evil.py",
    "/etc/cron.d/x",
    "state/0.pkl",
    "models/0.pkl",
    "encodings/0/../../x",
    "manifest.json",
    "cleaner/state.json/x",
    "__init__.py",
)
PICKLE = b"cos\nsystem\n(S'touch /tmp/automl-was-here'\ntR."


def clever(blob: bytes, rng: Random) -> bytes:
    """A file whose digest is right and whose content is not."""
    entries = list(parts(blob).items())
    kind = rng.random()
    if kind < 0.88:
        at = rng.randrange(len(entries))
        entries[at] = (entries[at][0], bent_entry(*entries[at], rng))
    elif kind < 0.92:
        entries.append((rng.choice(EVIL), PICKLE))
    elif kind < 0.94:
        at = rng.randrange(len(entries))
        entries[at] = (entries[at][0], PICKLE)
    elif kind < 0.96:
        entries.append(("encodings/99/0.npy", bytes(rng.choice([10**6, 10**8]))))
    elif kind < 0.98:
        del entries[rng.randrange(len(entries))]
    else:
        return signed(crude(unsigned(blob), rng))
    return signed(
        zipped(entries, zipfile.ZIP_DEFLATED if rng.random() < 0.7 else zipfile.ZIP_STORED)
    )


def unsigned(blob: bytes) -> bytes:
    """The file as a zip without a comment."""
    return blob[: blob.rindex(DIGEST_PREFIX) - 2] + b"\0\0"


def signed(body: bytes) -> bytes:
    """A zip with the digest that `automl` looks for in its comment."""
    comment = DIGEST_PREFIX + hashlib.sha256(body[:-2]).hexdigest().encode()
    return body[:-2] + len(comment).to_bytes(2, "little") + comment


def bent_table(blob: bytes, rng: Random) -> bytes:
    """A CSV with other bytes, cells, separators, quotes or lines."""
    lines = blob.split(b"\n")
    match rng.randrange(6):
        case 0 | 1:
            return crude(blob, rng)
        case 2:
            at = rng.randrange(len(lines))
            lines[at] = rng.choice(
                [
                    b"",
                    b'"',
                    b",,,,,,,,,",
                    b"\x00",
                    b"\xff\xfe",
                    b"a;b|c",
                    b"=cmd|' /C calc'!A0",
                    lines[at] * 3,
                    b'"open',
                ]
            )
        case 3:
            cells = lines[rng.randrange(len(lines))].split(b",")
            lines[rng.randrange(len(lines))] = b",".join(rng.sample(cells, len(cells)))
        case 4:
            return blob.replace(b",", rng.choice([b";", b"\t", b"|", b" ", b",,", b"\x01"]))
        case 5:
            return blob.decode().encode(
                rng.choice(["utf-16", "utf-32", "utf-8-sig", "utf-16-le", "cp500"])
            )
    return b"\n".join(lines)
