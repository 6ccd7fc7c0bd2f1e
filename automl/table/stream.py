"""A text file's lines as bytes that pandas can split into cells.

They are UTF-8, from the header on, with one character between fields.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

from automl.table.form import FileFormat
from automl.table.source import HEAD_BYTES, Source

# Replaces separators of several characters and stands between columns of a fixed width.
FIELD_SEPARATOR = "\x1f"
_END_MARK = b"\x1a"  # of DOS, at the end of the last line

Blocks = Iterator[bytes]
Translation = Callable[[bytes], bytes]


def open_lines(source: Source, form: FileFormat, *, damaged: bool = False) -> BinaryIO:
    """Open a text file at its header; with `damaged`, bytes that can't be decoded are replaced."""
    if not damaged and _is_canonical(source, form):
        return source.open()  # a third quicker
    errors = "replace" if damaged else "strict"
    blocks = _as_utf8(source, form.encoding, errors)
    stream = _BlockStream(_canonical_blocks(blocks, form))
    return io.BufferedReader(stream, HEAD_BYTES)


def _is_canonical(source: Source, form: FileFormat) -> bool:
    """Return whether a file's bytes need no change."""
    if form.encoding != "utf-8" or source.is_compressed:
        return False
    if form.skip or form.widths or form.escape:
        return False
    if form.separator is not None and _is_long(form.separator):
        return False
    tail = source.tail().rstrip()
    return b"\n" in source.head() and not tail.endswith(_END_MARK)


def separator_of(form: FileFormat) -> str:
    """Return the separator between the fields that `open_lines` reads, as pandas takes it."""
    if form.repeated:
        return r"\s+"
    separator = form.separator
    if form.widths or separator is None or _is_long(separator):
        return FIELD_SEPARATOR
    return separator


def _is_long(separator: str) -> bool:
    """Return whether a separator is too long for pandas' reader."""
    return len(separator.encode()) > 1


def canonical_text(text: str, form: FileFormat) -> str:
    """Return a text as `open_lines` would read it, but with the lines above the header."""
    block = text.encode("utf-8", "replace")
    blocks = _translated(iter([block]), form)
    lines = b"".join(blocks)
    return lines.decode("utf-8", "replace")


class _BlockStream(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Generator[bytes, None, None]) -> None:
        self._blocks = blocks
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._left:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._left = memoryview(block)
        size = min(len(buffer), len(self._left))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def close(self) -> None:
        self._blocks.close()  # which closes the file
        super().close()


def _as_utf8(source: Source, encoding: str, errors: str) -> Blocks:
    """Yield the file's bytes as UTF-8, without a byte order mark."""
    is_plain = encoding == "utf-8" and errors == "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    is_first = True
    with source.open() as stream:
        while block := stream.read(HEAD_BYTES):
            if not is_plain:
                text = decoder.decode(block)
                block = text.encode("utf-8", "replace")
            is_empty = not block
            if is_first:
                block = block.removeprefix(codecs.BOM_UTF8)
            yield block
            is_first = is_first and is_empty
    if not is_plain:
        rest = decoder.decode(b"", final=True)
        if rest:
            yield rest.encode("utf-8", "replace")


def _canonical_blocks(blocks: Blocks, form: FileFormat) -> Generator[bytes, None, None]:
    blocks = _translated(blocks, form)
    blocks = _without_first_lines(blocks, form.skip)
    yield from _without_end_mark(blocks)


def _translated(blocks: Blocks, form: FileFormat) -> Blocks:
    """Yield blocks of whole lines, with one character between fields and doubled quotes."""
    translate = _translation(form)
    rest = b""
    line_end: bytes | None = None
    for block in blocks:
        rest += block
        if line_end is None and block:
            is_old_mac = b"\r" in block and b"\n" not in block
            line_end = b"\r" if is_old_mac else b"\n"
        lines, end, rest = rest.rpartition(line_end or b"\n")
        if not end:
            continue
        lines += end
        if end == b"\r":
            lines = lines.replace(b"\r", b"\n")
        yield translate(lines)
    if rest:
        yield translate(rest)


def _translation(form: FileFormat) -> Translation:
    """Return the function that makes lines of a form canonical."""
    if form.widths:
        return lambda lines: _split_at(lines, form.widths)
    steps: list[Translation] = []
    escape = form.escape
    quote = form.quote
    if escape and quote:
        steps.append(lambda lines: _with_doubled_quotes(lines, escape, quote))
    if form.separator is not None and _is_long(form.separator):
        old = form.separator.encode()
        new = FIELD_SEPARATOR.encode()
        steps.append(lambda lines: lines.replace(old, new))

    def translate(lines: bytes) -> bytes:
        for step in steps:
            lines = step(lines)
        return lines

    return translate


def _with_doubled_quotes(lines: bytes, escape: str, quote: str) -> bytes:
    r"""Replace escaped quotation marks by doubled ones; other escapes, such as \N, stay."""
    mark = quote.encode()
    escape_pattern = re.escape(escape.encode())
    pattern = escape_pattern + b"([" + re.escape(mark) + escape_pattern + b"])"

    def unescaped(match: re.Match[bytes]) -> bytes:
        character = match[1]
        return mark * 2 if character == mark else character

    return re.sub(pattern, unescaped, lines)


def _split_at(lines: bytes, starts: tuple[int, ...]) -> bytes:
    """Split lines of columns with a fixed width at their positions, in characters."""
    ends = (*starts[1:], None)
    bounds = list(zip(starts, ends, strict=True))
    split = []
    text = lines.decode("utf-8", "replace")
    for line in text.split("\n"):
        if not line.strip():
            split.append("")
            continue
        cells = [line[start:end].strip() for start, end in bounds]
        split.append(FIELD_SEPARATOR.join(cells))
    return "\n".join(split).encode()


def _without_first_lines(blocks: Blocks, n_lines: int) -> Blocks:
    """Yield blocks without the first lines."""
    for block in blocks:
        rest = block
        while n_lines and rest:
            rest = rest.partition(b"\n")[2]
            n_lines -= 1
        if rest:
            yield rest


def _without_end_mark(blocks: Blocks) -> Blocks:
    """Yield blocks without a DOS end mark in the last line."""
    last = b""
    for block in blocks:
        if last:
            yield last
        last = block
    bare = last.rstrip()
    if bare.endswith(_END_MARK):
        last = bare.rstrip(_END_MARK)
    if last:
        yield last
