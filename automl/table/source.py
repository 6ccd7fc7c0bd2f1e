"""Bytes that can be opened again and again, unpacked, and what their first megabyte shows."""

from __future__ import annotations

import bz2
import errno
import gzip
import io
import lzma
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from automl.errors import InputError, one_line, suggestion

HEAD = 1 << 20  # bytes that decide what a file is
LONGEST_LINE = 64 << 20


_Stored = Path | io.BytesIO


def _plain(stored: _Stored) -> BinaryIO:
    return open(stored, "rb") if isinstance(stored, Path) else stored


@dataclass(frozen=True)
class Source:
    """Bytes that can be opened again and again: a file, or what came through a pipe."""

    name: str
    stored: Path | bytes
    size: int  # bytes as stored
    unpack: Callable[[_Stored], BinaryIO] = _plain

    @property
    def packed(self) -> bool:
        """Whether it is compressed."""
        return self.unpack is not _plain

    def open(self) -> BinaryIO:
        """The unpacked bytes, from the start."""
        return self.unpack(io.BytesIO(self.stored) if isinstance(self.stored, bytes) else self.stored)

    def head(self, size: int = HEAD) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(size)


def find_source(path: str | Path) -> Source:
    """The bytes of a file, or of standard input for `-`."""
    if str(path) == "-":
        held = sys.stdin.buffer.read()
        source = Source("stdin", held, len(held))
    else:
        source = _file_source(Path(path))
    if source.size == 0:
        raise InputError(f"{source.name}: the file is empty")
    return source


def _file_source(path: Path) -> Source:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a file")
        with open(path, "rb") as stream:  # a pipe has no size; it is read once
            if not path.is_file():
                held = stream.read()
                return Source(str(path), held, len(held))
        return Source(str(path), path, path.stat().st_size)
    except InputError:
        raise
    except FileNotFoundError:
        known = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file.{suggestion(path.name, known)}") from None
    except (OSError, ValueError) as error:
        reason = "permission denied" if getattr(error, "errno", None) == errno.EACCES else one_line(error)
        raise InputError(f"{path}: can't be read: {reason}") from None


PACKERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


def unpacked(source: Source) -> Source:
    """The same source without its compression."""
    head = source.head(64)
    for magic, unpack in PACKERS:
        if head.startswith(magic):
            packed = replace(source, unpack=unpack)
            if not packed.head(1):
                raise InputError(f"{source.name}: the file is empty")
            return packed
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        raise InputError(f"{source.name}: Zstandard compression can't be read. Compress it with gzip.")
    return _unzipped(source) if head.startswith(b"PK\x03\x04") else source


def _unzipped(source: Source) -> Source:
    """The one file of a zip archive; an Excel file stays as it is."""
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        names = [item.filename for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX")]
    if any(name.startswith(("xl/", "[Content_Types]")) for name in names):
        return source
    if len(names) != 1:
        raise InputError(f"{source.name}: a zip archive with {len(names)} files. Give one table.")
    return replace(source, unpack=lambda stored: cast(BinaryIO, zipfile.ZipFile(stored).open(names[0])))


@dataclass(frozen=True)
class Look:
    """What the first megabyte shows."""

    encoding: str
    sample: str  # whole lines, unless the file ends in the middle of one


def look(source: Source) -> Look:
    """Find out the encoding, and refuse what is no text."""
    head = source.head()
    encoding = _encoding(head, source.name)
    whole = len(head) < HEAD
    sample = head.decode(encoding, "ignore" if not whole else "strict").removeprefix("\ufeff")
    if not sample.strip():
        raise InputError(f"{source.name}: the file is empty")
    if not whole:
        if "\n" not in sample and "\r" not in sample:
            _refuse_endless_line(source)
        else:
            sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1]
    return Look(encoding, sample)


def _refuse_endless_line(source: Source) -> None:
    with source.open() as stream:
        for _ in range(LONGEST_LINE // HEAD):
            block = stream.read(HEAD)
            if b"\n" in block or b"\r" in block or len(block) < HEAD:
                return
    raise InputError(f"{source.name}: its first line is longer than {LONGEST_LINE >> 20} MB: not a table")


def _encoding(head: bytes, name: str) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if head.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    if b"\x00" in head:
        raise InputError(f"{name}: holds binary data, not a table that can be read")
    try:
        cut = head if len(head) < HEAD else head[: max(head.rfind(b"\n") + 1, 1)]
        cut.decode("utf-8")
    except UnicodeDecodeError:
        return _single_byte(head, name)
    _refuse_binary(head, name)
    return "utf-8"


def _single_byte(data: bytes, name: str) -> str:
    _refuse_binary(data, name)
    high = sum(byte >= 0x80 for byte in data[:65536])
    if high > 0.3 * len(data[:65536]):
        raise InputError(f"{name}: can't be decoded: neither UTF-8 nor UTF-16 nor a Western single-byte encoding")
    try:
        data.decode("cp1252")
    except UnicodeDecodeError:
        return "latin-1"
    return "cp1252"


def _refuse_binary(head: bytes, name: str) -> None:
    control = sum(head.count(byte) for byte in (*range(1, 9), *range(14, 27), *range(28, 32)))
    if b"\x00" in head or control > 0.02 * len(head):
        raise InputError(f"{name}: holds binary data, not a table that can be read")
