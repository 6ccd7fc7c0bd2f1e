"""The state of a fitted part: nested dictionaries and lists of JSON values, arrays and bytes, and how they lie in a zip.

Nothing here can run code: arrays are read with `allow_pickle=False`, everything else is JSON or raw bytes.
"""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from automl.errors import UnsafeModel, one_line
from automl.files import ESCAPE

State = dict[str, Any]

LARGEST = 8 * 2**30  # bytes of all entries of one archive when unpacked
DENSEST = (
    200  # times their packed size; numbers and trees pack to a fifth, a zip bomb to a thousandth
)
SMALL = 2**26  # bytes below which any density will do: a column of equal numbers packs well
_ENTRY = re.compile(r"state/(state\.json|\d{1,6}\.(npy|bin))")
EPOCH = (1980, 1, 1, 0, 0, 0)  # equal states make equal bytes


def pack(state: Mapping[str, Any], archive: zipfile.ZipFile, prefix: str) -> None:
    """Write a state below `prefix`: `<prefix>/state.json`, and each array or bytes value as an entry of its own."""
    blobs: list[tuple[str, bytes]] = []

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            buffer = io.BytesIO()
            np.save(buffer, value, allow_pickle=False)
            blobs.append((f"{len(blobs)}.npy", buffer.getvalue()))
            return {"$array": blobs[-1][0]}
        if isinstance(value, bytes):
            blobs.append((f"{len(blobs)}.bin", value))
            return {"$bytes": blobs[-1][0]}
        if isinstance(value, Mapping):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, np.generic):
            return value.item()
        return value

    text = json.dumps(plain(state), ensure_ascii=False).encode(
        "utf-8", ESCAPE
    )  # which is JSON's own escape of half a letter
    for name, blob in [("state.json", text), *blobs]:
        archive.writestr(
            zipfile.ZipInfo(f"{prefix}/{name}", EPOCH),
            blob,
            compress_type=zipfile.ZIP_DEFLATED,
            compresslevel=1,
        )


def packed(state: Mapping[str, Any]) -> bytes:
    """A state as the bytes of a zip of its own, compressed once and from then on only copied."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        pack(state, archive, "state")
    return buffer.getvalue()


@contextmanager
def distrusted(what: str) -> Iterator[None]:
    """Whatever a file's content makes go wrong, as one `UnsafeModel` with one line."""
    try:
        yield
    except UnsafeModel as error:
        raise UnsafeModel(f"{what}: {one_line(error)}" if what else one_line(error)) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnsafeModel(f"{what}: the model file is damaged: {one_line(error)}") from None
    except _NONSENSE as error:
        raise UnsafeModel(
            f"{what}: the model file holds nonsense: {type(error).__name__}: {one_line(error)[:200]}"
        ) from None


_NONSENSE = (
    LookupError,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


def unpacked(blob: bytes) -> State:
    """The state that `packed` made bytes of.

    Raises
    ------
    UnsafeModel
        The bytes hold something else, or would unpack to too much.
    """
    with distrusted("a model's state"), zipfile.ZipFile(io.BytesIO(blob)) as archive:
        audit(archive, _ENTRY)
        return unpack(archive, "state")


def unpacked_size(blob: bytes) -> int:
    """Bytes that a packed state would unpack to, by its list of contents."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def check_size(unpacked: int, packed: int) -> None:
    """Refuse what unpacks to more than any machine holds, or packs better than any predictor does."""
    if unpacked > LARGEST or unpacked > max(SMALL, DENSEST * packed):
        raise UnsafeModel(
            f"the model file would unpack to {unpacked / 1e6:.0f} MB, which no predictor does"
        )


def audit(archive: zipfile.ZipFile, names: re.Pattern[str]) -> None:
    """Refuse entries of other names, entries twice, and sizes that no predictor has; nothing is unpacked for that."""
    entries = archive.infolist()
    for entry in entries:
        if not names.fullmatch(entry.filename):
            raise UnsafeModel(
                f"the model file holds an entry that no predictor needs: {entry.filename[:80]!r}"
            )
        if (
            entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
            or entry.flag_bits & 1
        ):
            raise UnsafeModel(
                f"the model file's entry {entry.filename!r} is packed in a way that no predictor uses"
            )
    if len({entry.filename for entry in entries}) != len(entries):
        raise UnsafeModel("the model file holds an entry twice")
    check_size(
        sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    )


def unpack(archive: zipfile.ZipFile, prefix: str) -> State:
    """Read the state that `pack` wrote below `prefix`."""

    def rich(value: Any) -> Any:
        if isinstance(value, dict):
            if value.keys() == {"$array"}:
                return _array(archive.read(f"{prefix}/{value['$array']}"))
            if value.keys() == {"$bytes"}:
                return archive.read(f"{prefix}/{value['$bytes']}")
            return {key: rich(item) for key, item in value.items()}
        return [rich(item) for item in value] if isinstance(value, list) else value

    try:
        state = rich(json.loads(archive.read(f"{prefix}/state.json")))
    except KeyError as error:
        raise UnsafeModel(f"it lacks the entry {error.args[0]!r}") from None
    if not isinstance(state, dict):
        raise UnsafeModel(f"its entry {prefix!r} holds no state")
    return state


_HEADER = re.compile(
    rb"\{'descr': '([<|][biuf]\d)', 'fortran_order': (True|False), 'shape': \(([0-9, ]{0,80})\), \} {0,128}\n"
)


def _array(blob: bytes) -> np.ndarray[Any, Any]:
    """An array of numbers as `np.save` writes it, whose header promises exactly what there is.

    NumPy's own reader would evaluate the header as Python, and first make room for what it promises.
    """
    length = int.from_bytes(blob[8:10], "little")
    header = _HEADER.fullmatch(blob[10 : 10 + length])
    if not blob.startswith(b"\x93NUMPY\x01\x00") or header is None:
        raise ValueError("an array with a header that no predictor has")
    dtype, shape = (
        np.dtype(header[1].decode()),
        tuple(int(part) for part in header[3].split(b",") if part.strip()),
    )
    count = math.prod(shape)
    if count * dtype.itemsize != len(blob) - 10 - length:
        raise ValueError(f"an array of {dtype} with shape {shape} in {len(blob)} bytes")
    array = np.frombuffer(blob, dtype, count, 10 + length).reshape(
        shape, order="F" if header[2] == b"True" else "C"
    )
    return array.copy("K")
