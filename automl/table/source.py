"""Bytes that can be opened repeatedly, decompressed, and the text at their beginning."""

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from automl.errors import InputError, one_line, suggestion
from automl.table import encoding
from automl.table.encoding import EncodingGuess
from automl.table.raw import Request

HEAD_BYTES = 1 << 20  # that decide how a file is read
MAX_LINE_BYTES = 64 << 20
MAX_CONTROL_SHARE = 0.02  # of the bytes of text
_END_MARK = re.compile(r"\x1a+\s*\Z")  # of DOS
_ZIP_MARK = b"PK\x03\x04"
_ZSTANDARD_MARK = b"\x28\xb5\x2f\xfd"
# Byte 26 may end a file of text, and 1, 2 and 31 may separate its fields.
_BINARY_BYTES = (*range(3, 9), *range(14, 26), *range(28, 31))

_Stored = Path | io.BytesIO
_Opener = Callable[[_Stored], BinaryIO]


def _open_plain(stored: _Stored) -> BinaryIO:
    if isinstance(stored, Path):
        return open(stored, "rb")
    return stored


@dataclass(frozen=True)
class Source:
    """Bytes that can be opened repeatedly: a file, or the content of a pipe.

    Parameters
    ----------
    name : str
        For messages.
    stored : Path or bytes
    size : int
        Bytes as stored.
    decompress : callable
        Opens the stored bytes for reading without their compression.
    """

    name: str
    stored: Path | bytes
    size: int
    decompress: _Opener = _open_plain

    @property
    def is_compressed(self) -> bool:
        """Whether the stored bytes are compressed."""
        return self.decompress is not _open_plain

    def open(self) -> BinaryIO:
        """Open the decompressed bytes, from the start."""
        stored = self.stored
        if isinstance(stored, bytes):
            return self.decompress(io.BytesIO(stored))
        return self.decompress(stored)

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes, decompressed."""
        with self.open() as stream:
            return stream.read(size)

    def tail(self, size: int = 64) -> bytes:
        """Return the last bytes as stored."""
        if isinstance(self.stored, bytes):
            return self.stored[-size:]
        start = max(0, self.size - size)
        with open(self.stored, "rb") as stream:
            stream.seek(start)
            return stream.read()


def find_source(path: str | Path) -> Source:
    """Return the bytes of a file, or of standard input for `-`."""
    if str(path) == "-":
        content = sys.stdin.buffer.read()
        source = Source("stdin", content, len(content))
    else:
        source = _file_source(Path(path))
    if source.size == 0:
        raise InputError(f"{source.name}: the file is empty")
    return source


def _file_source(path: Path) -> Source:
    name = str(path)
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a file")
        if not path.is_file():  # a pipe, such as a shell's <(...), has no size
            content = _read_pipe(name, os.stat(path).st_ino)
            return Source(name, content, len(content))
        with open(path, "rb"):
            return Source(name, path, path.stat().st_size)
    except InputError:
        raise
    except FileNotFoundError:
        known = []
        if path.parent.is_dir():
            known = [item.name for item in path.parent.iterdir()]
        raise InputError(f"{path}: no such file.{suggestion(path.name, known)}") from None
    except (OSError, ValueError) as error:
        reason = one_line(error)
        if getattr(error, "errno", None) == errno.EACCES:
            reason = "permission denied"
        raise InputError(f"{path}: can't be read: {reason}") from None


@functools.cache
def _read_pipe(path: str, inode: int) -> bytes:
    """Return the content of a pipe, cached.

    A pipe can be read only once, and a test table is read before the search and after it.
    """
    with open(path, "rb") as stream:
        return stream.read()


_COMPRESSIONS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


def decompressed(source: Source) -> Source:
    """Return the same source without its compression."""
    head = source.head(64)
    for mark, opener in _COMPRESSIONS:
        if head.startswith(mark):
            opened = replace(source, decompress=opener)
            if not opened.head(1):
                raise InputError(f"{source.name}: the file is empty")
            return opened
    if head.startswith(_ZSTANDARD_MARK):
        raise InputError(
            f"{source.name}: Zstandard compression can't be read. Compress it with gzip."
        )
    if head.startswith(_ZIP_MARK):
        return _unzipped(source)
    return source


def _unzipped(source: Source) -> Source:
    """Return the only file of a zip archive; a workbook stays as it is."""
    names = []
    with source.open() as stream, _zip_failures(source.name):
        archive = zipfile.ZipFile(stream)
        for item in archive.infolist():
            name = item.filename
            if not item.is_dir() and not name.startswith("__MACOSX"):
                names.append(name)
    if _is_workbook(names):
        return source
    if len(names) != 1:
        raise InputError(f"{source.name}: a zip archive with {len(names)} files. Give one table.")

    def open_member(stored: _Stored) -> BinaryIO:
        with _zip_failures(source.name):
            archive = zipfile.ZipFile(stored)
            return cast(BinaryIO, archive.open(names[0]))

    return replace(source, decompress=open_member)


@contextmanager
def _zip_failures(name: str) -> Iterator[None]:
    """Refuse the archives of which zipfile takes an offset, a password or a method amiss."""
    try:
        yield
    except (ValueError, RuntimeError) as error:
        raise InputError(
            f"{name}: can't be read: {one_line(error)}. Unpack it, and give the table in it."
        ) from None


def _is_workbook(names: list[str]) -> bool:
    """Return whether files in a zip archive are those of a workbook: Excel's or OpenDocument's."""
    for name in names:
        if name.startswith(("xl/", "[Content_Types]")):
            return True
    return {"mimetype", "content.xml"} <= set(names)


@dataclass(frozen=True)
class TextHead:
    """The first megabyte of a file of text.

    Parameters
    ----------
    encoding : str
    sample : str
        Whole lines, unless the file ends in the middle of one.
    is_damaged : bool
        Whether it is UTF-8 but for a few bytes.
    guess : EncodingGuess or None
        The evidence for the encoding, where it was guessed from letters.
    """

    encoding: str
    sample: str
    is_damaged: bool = False
    guess: EncodingGuess | None = None


def read_text_head(source: Source, request: Request) -> TextHead:
    """Find the encoding and decode the first megabyte; refuse anything that is not a text."""
    content = source.head()
    is_whole = len(content) < HEAD_BYTES
    head = _decoded_head(content, is_whole, source.name, request)
    sample = head.sample.removeprefix("\ufeff")
    if not sample.strip("\x1a \t\r\n\v\f"):
        raise InputError(f"{source.name}: the file is empty")
    if not is_whole:
        last_break = max(sample.rfind("\n"), sample.rfind("\r"))
        if last_break < 0:
            _refuse_endless_line(source)
        else:
            sample = sample[: last_break + 1]
    sample = _END_MARK.sub("", sample)
    return replace(head, sample=sample)


def _refuse_endless_line(source: Source) -> None:
    n_blocks = MAX_LINE_BYTES // HEAD_BYTES
    with source.open() as stream:
        for _ in range(n_blocks):
            block = stream.read(HEAD_BYTES)
            is_last = len(block) < HEAD_BYTES
            if is_last or b"\n" in block or b"\r" in block:
                return
    raise InputError(
        f"{source.name}: its first line is longer than {MAX_LINE_BYTES >> 20} MB: not a table"
    )


def _decoded_head(content: bytes, is_whole: bool, name: str, request: Request) -> TextHead:
    """Decode the head.

    Tried are the user's option, a byte order mark, UTF-8, the encoding of the file at fit, and
    the encoding that the letters suggest, in this order.
    """
    option = request.overrides.encoding
    marked = encoding.by_marks(content)
    if option is not None and not (option == "utf-8" and marked):
        return _head_in_option(content, is_whole, name, option)
    if marked is not None:
        return _head_in(marked, content, is_whole)
    if b"\x00" in content:
        raise InputError(f"{name}: holds binary data, not a table that can be read")
    _refuse_binary(content, name)
    with suppress(UnicodeDecodeError):
        return _head_in("utf-8", content, is_whole)
    form = request.form
    if form is not None and not form.encoding.startswith("utf"):
        with suppress(UnicodeDecodeError):
            return _head_in(form.encoding, content, is_whole)
    if encoding.is_damaged_utf8(content):
        text = content.decode("utf-8", "replace")
        return TextHead("utf-8", text, is_damaged=True)
    lines = content
    if not is_whole:
        lines = content[: content.rfind(b"\n") + 1]
    guess = guess_encoding(lines, name)
    head = _head_in(guess.encoding, content, is_whole)
    return replace(head, guess=guess)


def _head_in_option(content: bytes, is_whole: bool, name: str, option: str) -> TextHead:
    """Decode the head from the encoding that the user names."""
    try:
        return _head_in(option, content, is_whole)
    except UnicodeError as error:
        raise InputError(
            f"--encoding {option}: {name} can't be decoded from it: {one_line(error)}"
        ) from None


def _head_in(name: str, content: bytes, is_whole: bool) -> TextHead:
    """Decode the head from an encoding, without a letter that is cut off at its end."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    text = decoder.decode(content, final=is_whole)
    return TextHead(name, text)


def guess_encoding(data: bytes, name: str) -> EncodingGuess:
    """Return the encoding that letters beyond ASCII suggest.

    Raises
    ------
    InputError
        The bytes are likely text in none.
    """
    guess = encoding.guess(data)
    if guess is None:
        raise InputError(
            f"{name}: its letters can't be decoded: neither UTF-8 nor another encoding fits. "
            "Name it: --encoding NAME."
        )
    return guess


def _refuse_binary(content: bytes, name: str) -> None:
    n_control = sum(content.count(byte) for byte in _BINARY_BYTES)
    if n_control > MAX_CONTROL_SHARE * len(content):
        raise InputError(f"{name}: holds binary data, not a table that can be read")
