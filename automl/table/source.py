"""Bytes that can be opened again and again, unpacked, and what their first megabyte shows."""

from __future__ import annotations

import bz2
import codecs
import errno
import functools
import gzip
import io
import lzma
import os
import re
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from automl.errors import InputError, one_line, suggestion
from automl.table import encoding
from automl.table.encoding import Found
from automl.table.raw import Request

HEAD = 1 << 20  # bytes that decide what a file is
LONGEST_LINE = 64 << 20
_END_MARK = re.compile(r"\x1a+\s*\Z")  # of DOS


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
        return self.unpack(
            io.BytesIO(self.stored) if isinstance(self.stored, bytes) else self.stored
        )

    def head(self, size: int = HEAD) -> bytes:
        """The first bytes."""
        with self.open() as stream:
            return stream.read(size)

    def tail(self, size: int = 64) -> bytes:
        """The last bytes as stored."""
        if isinstance(self.stored, bytes):
            return self.stored[-size:]
        with open(self.stored, "rb") as stream:
            stream.seek(max(0, self.size - size))
            return stream.read()


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
        if not path.is_file():  # a pipe, such as a shell's <(...), has no size
            held = _through_pipe(str(path), os.stat(path).st_ino)
            return Source(str(path), held, len(held))
        with open(path, "rb"):
            return Source(str(path), path, path.stat().st_size)
    except InputError:
        raise
    except FileNotFoundError:
        known = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file.{suggestion(path.name, known)}") from None
    except (OSError, ValueError) as error:
        reason = (
            "permission denied"
            if getattr(error, "errno", None) == errno.EACCES
            else one_line(error)
        )
        raise InputError(f"{path}: can't be read: {reason}") from None


@functools.cache
def _through_pipe(path: str, inode: int) -> bytes:
    """What comes through a pipe, kept: it can be read once only, and a test table is read before the search and after it."""
    with open(path, "rb") as stream:
        return stream.read()


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
        raise InputError(
            f"{source.name}: Zstandard compression can't be read. Compress it with gzip."
        )
    return _unzipped(source) if head.startswith(b"PK\x03\x04") else source


def _unzipped(source: Source) -> Source:
    """The one file of a zip archive; a workbook stays as it is."""
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        names = [
            item.filename
            for item in archive.infolist()
            if not item.is_dir() and not item.filename.startswith("__MACOSX")
        ]
    if any(name.startswith(("xl/", "[Content_Types]")) for name in names) or {
        "mimetype",
        "content.xml",
    } <= set(names):
        return source
    if len(names) != 1:
        raise InputError(f"{source.name}: a zip archive with {len(names)} files. Give one table.")
    return replace(
        source, unpack=lambda stored: cast(BinaryIO, zipfile.ZipFile(stored).open(names[0]))
    )


@dataclass(frozen=True)
class Look:
    """What the first megabyte shows.

    Parameters
    ----------
    encoding : str
    sample : str
        Whole lines, unless the file ends in the middle of one.
    damaged : bool
        Whether it is UTF-8 with bytes that are none.
    found : Found or None
        What letters told of the encoding, where they had to.
    """

    encoding: str
    sample: str
    damaged: bool = False
    found: Found | None = None


def look(source: Source, request: Request) -> Look:
    """Find out the encoding, and refuse what is no text."""
    head = source.head()
    is_whole = len(head) < HEAD
    seen = _first_look(head, is_whole, source.name, request)
    sample = seen.sample.removeprefix("\ufeff")
    if not sample.strip("\x1a \t\r\n\v\f"):
        raise InputError(f"{source.name}: the file is empty")
    if not is_whole:
        if "\n" not in sample and "\r" not in sample:
            _refuse_endless_line(source)
        else:
            sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1]
    return replace(seen, sample=_END_MARK.sub("", sample))


def _refuse_endless_line(source: Source) -> None:
    with source.open() as stream:
        for _ in range(LONGEST_LINE // HEAD):
            block = stream.read(HEAD)
            if b"\n" in block or b"\r" in block or len(block) < HEAD:
                return
    raise InputError(
        f"{source.name}: its first line is longer than {LONGEST_LINE >> 20} MB: not a table"
    )


def _first_look(head: bytes, is_whole: bool, name: str, request: Request) -> Look:
    """Decode the head: by the user's word, a mark, as UTF-8, as the file at fit was, or by its letters."""
    asked = request.overrides.encoding
    marked = encoding.by_marks(head)
    if asked is not None and not (asked == "utf-8" and marked):
        return _as_asked(head, is_whole, name, asked)
    if marked is not None:
        return Look(marked, _decoded(head, marked, is_whole))
    if b"\x00" in head:
        raise InputError(f"{name}: holds binary data, not a table that can be read")
    _refuse_binary(head, name)
    try:
        return Look("utf-8", _decoded(head, "utf-8", is_whole))
    except UnicodeDecodeError:
        pass
    if request.form is not None and not request.form.encoding.startswith("utf"):
        with suppress(UnicodeDecodeError):
            return Look(request.form.encoding, _decoded(head, request.form.encoding, is_whole))
    if encoding.is_damaged_utf8(head):
        return Look("utf-8", head.decode("utf-8", "replace"), damaged=True)
    found = guess_encoding(head if is_whole else head[: head.rfind(b"\n") + 1], name)
    return Look(found.encoding, _decoded(head, found.encoding, is_whole), found=found)


def _as_asked(head: bytes, is_whole: bool, name: str, asked: str) -> Look:
    try:
        return Look(asked, _decoded(head, asked, is_whole))
    except UnicodeError as error:
        raise InputError(
            f"--encoding {asked}: {name} can't be decoded from it: {one_line(error)}"
        ) from None


def _decoded(head: bytes, name: str, is_whole: bool) -> str:
    """The head as text; a letter that its end cuts is left out."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    return decoder.decode(head, final=is_whole)


def guess_encoding(data: bytes, name: str) -> Found:
    """The encoding that letters beyond ASCII show.

    Raises
    ------
    InputError
        They are no letters in any.
    """
    found = encoding.guess(data)
    if found is None:
        raise InputError(
            f"{name}: its letters can't be decoded: neither UTF-8 nor another encoding fits. Name it: --encoding NAME."
        )
    return found


def _refuse_binary(head: bytes, name: str) -> None:
    marks = (
        *range(1, 9),
        *range(14, 26),
        *range(28, 31),
    )  # 26 may end a file, 1, 2 and 31 separate fields
    control = sum(head.count(byte) for byte in marks if byte not in (1, 2))
    if control > 0.02 * len(head):
        raise InputError(f"{name}: holds binary data, not a table that can be read")
