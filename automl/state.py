"""The state of a fitted part, and how it is stored in a zip.

A state is nested dictionaries and lists of JSON values, arrays and bytes. Nothing here can run
code: arrays have a header of a fixed form, everything else is JSON or raw bytes. Arrays are stored
without compression and aligned, so that they are read where they lie.
"""

from __future__ import annotations

import io
import json
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from automl.errors import UnsafeModel, one_line
from automl.files import ENCODING_ERRORS

State = dict[str, Any]
Blob = bytes | memoryview

MAX_UNPACKED_BYTES = 8 * 2**30  # of all entries of one archive
# Numbers and trees compress to a fifth of their size, a zip bomb to a thousandth.
MAX_MODEL_COMPRESSION_RATIO = 200
# Below this size any ratio is allowed: a column of equal numbers compresses very well.
ALWAYS_ALLOWED_BYTES = 2**26
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # time of every entry, so that equal states make equal bytes

_ALIGNMENT = 64  # bytes, as `np.save` aligns an array in its file
_LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # before an entry's name, of which the lengths matter
_LOCAL_SIGNATURE = b"PK\x03\x04"
_EXTRA_HEADER = struct.Struct("<HH")
_PADDING_ID = 0xD935
_ENTRY_NAME = re.compile(r"state/(state\.json|\d{1,6}\.(npy|bin))")
_ANY_STATE = re.compile(r"\w{1,40}/(state\.json|\d{1,6}\.(npy|bin))")
_ARRAY_MAGIC = b"\x93NUMPY\x01\x00"  # with the version of the format
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ARRAY_HEADER = re.compile(
    rb"\{'descr': '([<|][biuf]\d)', "
    rb"'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]{0,80})\), \} {0,128}\n"
)
_MALFORMED = (
    LookupError,
    struct.error,
    TypeError,
    ValueError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


def pack(state: Mapping[str, Any], archive: zipfile.ZipFile, prefix: str) -> None:
    """Write a state to an archive.

    `<prefix>/state.json` holds the structure; each array or bytes value is an entry of its own.
    """
    blobs: list[tuple[str, bytes]] = []

    def to_plain(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            buffer = io.BytesIO()
            np.save(buffer, value, allow_pickle=False)
            saved = buffer.getvalue()
            name = f"{len(blobs)}.npy"
            blobs.append((name, saved))
            return {"$array": name}
        if isinstance(value, bytes):
            name = f"{len(blobs)}.bin"
            blobs.append((name, value))
            return {"$bytes": name}
        if isinstance(value, Mapping):
            return {str(key): to_plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [to_plain(item) for item in value]
        if isinstance(value, np.generic):
            return value.item()
        return value

    text = json.dumps(to_plain(state), ensure_ascii=False)
    # A lone surrogate becomes a backslash escape, which is JSON's own escape for it, too.
    structure = text.encode("utf-8", ENCODING_ERRORS)
    entry = zipfile.ZipInfo(f"{prefix}/state.json", ZIP_EPOCH)
    archive.writestr(entry, structure, compress_type=zipfile.ZIP_DEFLATED, compresslevel=1)
    for name, blob in blobs:
        write_stored(archive, f"{prefix}/{name}", blob)


def write_stored(archive: zipfile.ZipFile, name: str, blob: Blob) -> None:
    """Write an entry without compression, its first byte at a multiple of 64 bytes.

    An extra field of zeros fills the gap, under the number that Android's zipalign uses for it.
    """
    entry = zipfile.ZipInfo(name, ZIP_EPOCH)
    assert archive.fp is not None
    header_size = _LOCAL_HEADER.size + _EXTRA_HEADER.size
    start = archive.fp.tell() + header_size
    start += len(name.encode())
    padding = -start % _ALIGNMENT
    extra_header = _EXTRA_HEADER.pack(_PADDING_ID, padding)
    entry.extra = extra_header + bytes(padding)
    archive.writestr(entry, blob)


def pack_to_bytes(state: Mapping[str, Any]) -> bytes:
    """Return a state as the bytes of a zip of its own, which is packed once and then copied."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        pack(state, archive, "state")
    return buffer.getvalue()


@contextmanager
def raising_unsafe_model(subject: str) -> Iterator[None]:
    """Turn any error that a file's content causes into one `UnsafeModel` with one line."""
    try:
        yield
    except UnsafeModel as error:
        message = one_line(error)
        raise UnsafeModel(f"{subject}: {message}" if subject else message) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise UnsafeModel(f"{subject}: the model file is damaged: {one_line(error)}") from None
    except _MALFORMED as error:
        cause = f"{type(error).__name__}: {one_line(error)[:200]}"
        raise UnsafeModel(f"{subject}: the model file is malformed: {cause}") from None


@dataclass(frozen=True)
class Archive:
    """A zip in memory, whose stored entries are read where they lie.

    Parameters
    ----------
    blob : memoryview
    entries : mapping of str to ZipInfo
    zip : ZipFile
    """

    blob: memoryview
    entries: Mapping[str, zipfile.ZipInfo]
    zip: zipfile.ZipFile

    @classmethod
    def open(cls, blob: Blob, names: re.Pattern[str] = _ANY_STATE) -> Archive:
        """Return the archive that bytes hold, after an audit of its list of contents.

        Parameters
        ----------
        blob : bytes or memoryview
        names : Pattern
            The names that entries may have; those of states by default.

        Raises
        ------
        UnsafeModel
            See `audit`.
        """
        archive = cls.unaudited(blob)
        archive.audit(names)
        return archive

    @classmethod
    def unaudited(cls, blob: Blob) -> Archive:
        """Return the archive that bytes hold, of which nothing was checked."""
        opened = zipfile.ZipFile(io.BytesIO(blob))
        entries = {entry.filename: entry for entry in opened.infolist()}
        return cls(memoryview(blob), entries, opened)

    def audit(self, names: re.Pattern[str]) -> None:
        """Refuse entries that no predictor has: see the function `audit`.

        So are entries that share bytes, since the sum of their sizes says nothing then.
        """
        audit(self.zip, names)
        self._check_places()

    def _check_places(self) -> None:
        """Refuse entries that do not lie one after the other before the list of contents."""
        places = [self._place(entry) for entry in self.entries.values()]
        places.sort()
        end = 0
        for start, next_end in places:
            if start < end:
                raise UnsafeModel("the model file holds entries that share bytes")
            end = next_end
        if end > self.zip.start_dir:
            raise UnsafeModel("the model file holds an entry that ends outside its contents")

    def _place(self, entry: zipfile.ZipInfo) -> tuple[int, int]:
        """Return where an entry's header begins and where its bytes end."""
        begin = entry.header_offset
        content = self._content_start(entry)
        return begin, content + entry.compress_size

    def _content_start(self, entry: zipfile.ZipInfo) -> int:
        """Return where an entry's bytes begin, after comparing its header's name."""
        begin = entry.header_offset
        error = UnsafeModel(f"its entry {entry.filename!r} is not where it should be")
        if begin < 0:
            raise error
        signature, *_, name_length, extra_length = _LOCAL_HEADER.unpack_from(self.blob, begin)
        name_start = begin + _LOCAL_HEADER.size
        name_end = name_start + name_length
        name = bytes(self.blob[name_start:name_end])
        if signature != _LOCAL_SIGNATURE or name != entry.filename.encode():
            raise error
        content_start: int = name_end + extra_length
        return content_start

    def read(self, name: str) -> memoryview:
        """Return an entry's bytes.

        Raises
        ------
        KeyError
            There is no such entry.
        """
        entry = self.entries[name]
        if entry.compress_type != zipfile.ZIP_STORED:
            return memoryview(self.zip.read(entry))
        start = self._content_start(entry)
        content = self.blob[start : start + entry.file_size]
        if len(content) != entry.file_size:
            raise UnsafeModel(f"its entry {name!r} is not complete")
        return content

    def text(self, name: str) -> str:
        """Return an entry's bytes as UTF-8."""
        return str(self.read(name), "utf-8")


def unpack_bytes(blob: Blob) -> State:
    """Return the state from the bytes that `pack_to_bytes` made.

    Raises
    ------
    UnsafeModel
        The bytes hold something else, or would unpack to too much.
    """
    with raising_unsafe_model("a model's state"):
        return unpack(Archive.open(blob, _ENTRY_NAME), "state")


def unpacked_size(blob: Blob) -> int:
    """Return the bytes that a packed state would unpack to, by its list of contents."""
    with zipfile.ZipFile(io.BytesIO(blob)) as archive:
        return sum(entry.file_size for entry in archive.infolist())


def check_size(unpacked: int, packed: int) -> None:
    """Refuse archives that unpack to too many bytes, or compress better than any predictor does.

    Parameters
    ----------
    unpacked, packed : int
        Bytes after and before unpacking.
    """
    allowed = max(ALWAYS_ALLOWED_BYTES, MAX_MODEL_COMPRESSION_RATIO * packed)
    if unpacked > MAX_UNPACKED_BYTES or unpacked > allowed:
        raise UnsafeModel(
            f"the model file would unpack to {unpacked / 1e6:.0f} MB, which no predictor does"
        )


def check_packing(entry: zipfile.ZipInfo) -> None:
    """Refuse an entry that is neither stored nor deflated, is encrypted, or has two lengths."""
    is_encrypted = entry.flag_bits & 1
    is_stored = entry.compress_type == zipfile.ZIP_STORED
    has_two_lengths = is_stored and entry.file_size != entry.compress_size
    if entry.compress_type not in _COMPRESSIONS or is_encrypted or has_two_lengths:
        raise UnsafeModel(
            f"the model file's entry {entry.filename!r} is packed in a way that no predictor uses"
        )


def audit(archive: zipfile.ZipFile, names: re.Pattern[str]) -> None:
    """Refuse an archive with unknown or repeated names, or sizes that no predictor has.

    Nothing is unpacked for that.
    """
    entries = archive.infolist()
    for entry in entries:
        if not names.fullmatch(entry.filename):
            raise UnsafeModel(
                f"the model file holds an entry that no predictor needs: {entry.filename[:80]!r}"
            )
        check_packing(entry)
    distinct = {entry.filename for entry in entries}
    if len(distinct) != len(entries):
        raise UnsafeModel("the model file holds an entry twice")
    unpacked_bytes = sum(entry.file_size for entry in entries)
    packed_bytes = sum(entry.compress_size for entry in entries)
    check_size(unpacked_bytes, packed_bytes)


def unpack(archive: Archive, prefix: str) -> State:
    """Read the state that `pack` wrote below `prefix`.

    Its arrays can't be written to: they are the bytes of the archive. Each entry is read once: a
    list of very many names of one entry would take the time of unpacking it as often.
    """
    read: set[str] = set()

    def read_once(file: Any) -> memoryview:
        name = f"{prefix}/{file}"
        if name in read:
            raise UnsafeModel(f"it names the entry {name!r} twice")
        read.add(name)
        return archive.read(name)

    def from_plain(value: Any) -> Any:
        if isinstance(value, list):
            return [from_plain(item) for item in value]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"$array"}:
            blob = read_once(value["$array"])
            return _read_array(blob)
        if value.keys() == {"$bytes"}:
            blob = read_once(value["$bytes"])
            return blob.tobytes()
        return {key: from_plain(item) for key, item in value.items()}

    try:
        structure = archive.text(f"{prefix}/state.json")
        state = from_plain(json.loads(structure))
    except KeyError as error:
        raise UnsafeModel(f"it lacks the entry {error.args[0]!r}") from None
    if not isinstance(state, dict):
        raise UnsafeModel(f"its entry {prefix!r} holds no state")
    return state


def _read_array(blob: memoryview) -> np.ndarray[Any, Any]:
    """Read an array of numbers in the format of `np.save`, whose size must match its header.

    NumPy's own reader would evaluate the header as Python, and allocate the promised size before
    it looks at the data.
    """
    length = int.from_bytes(blob[8:10], "little")
    start = 10 + length
    header = _ARRAY_HEADER.fullmatch(blob[10:start])
    magic = bytes(blob[:8])
    if magic != _ARRAY_MAGIC or header is None:
        raise ValueError("an array with a header that no predictor has")
    dtype = np.dtype(header[1].decode())
    sizes = header[3].split(b",")
    shape = tuple(int(size) for size in sizes if size.strip())
    count = math.prod(shape)
    n_bytes = count * dtype.itemsize
    if n_bytes != len(blob) - start:
        raise ValueError(f"an array of {dtype} with shape {shape} in {len(blob)} bytes")
    order: Literal["F", "C"] = "F" if header[2] == b"True" else "C"
    values = np.empty(0, dtype)
    if count:
        values = np.frombuffer(blob, dtype, count, start)
    array = values.reshape(shape, order=order)
    array.flags.writeable = False
    return array
