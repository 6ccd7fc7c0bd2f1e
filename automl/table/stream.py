"""A text file's lines as bytes that pandas can cut: UTF-8, from the header on, one character between fields."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Generator, Iterator
from typing import BinaryIO

from automl.table.form import Form
from automl.table.source import HEAD, Source

CUT = "\x1f"  # stands for separators of several characters and between columns of a fixed width
_END_MARK = b"\x1a"  # of DOS, and what follows it in the last line


def open_lines(source: Source, form: Form, *, damaged: bool = False) -> BinaryIO:
    """Open a text file at its header; with `damaged`, bytes that can't be decoded are replaced."""
    if not damaged and _is_canonical(source, form):
        return source.open()  # a third quicker
    blocks = _decoded(source, form.encoding, "replace" if damaged else "strict")
    return io.BufferedReader(_Stream(_whole_lines(blocks, form)), HEAD)


def _is_canonical(source: Source, form: Form) -> bool:
    """Whether a file's bytes need no change."""
    if form.encoding != "utf-8" or form.skip or form.widths or form.escape or source.packed:
        return False
    if form.separator is not None and _is_long(form.separator):
        return False
    return b"\n" in source.head() and not source.tail().rstrip().endswith(_END_MARK)


def separator_of(form: Form) -> str:
    """The separator in what `open_lines` gives, as pandas takes it."""
    if form.repeated:
        return r"\s+"
    separator = form.separator
    return CUT if form.widths or separator is None or _is_long(separator) else separator


def _is_long(separator: str) -> bool:
    """Whether pandas' reader can't take it as it is."""
    return len(separator.encode()) > 1


def canonical(text: str, form: Form) -> str:
    """A text as `open_lines` would give it, except that nothing is left out above the header."""
    plain = text.encode("utf-8", "replace")
    return b"".join(_translated(iter([plain]), form)).decode("utf-8", "replace")


class _Stream(io.RawIOBase):
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


def _decoded(source: Source, encoding: str, errors: str) -> Iterator[bytes]:
    """The file's bytes as UTF-8, without a mark."""
    is_plain = encoding == "utf-8" and errors == "strict"
    decoder = codecs.getincrementaldecoder(encoding)(errors)
    is_first = True
    with source.open() as stream:
        while block := stream.read(HEAD):
            text = block if is_plain else decoder.decode(block).encode("utf-8", "replace")
            yield text.removeprefix(codecs.BOM_UTF8) if is_first else text
            is_first = is_first and not text
    if not is_plain and (rest := decoder.decode(b"", final=True)):
        yield rest.encode("utf-8", "replace")


def _whole_lines(blocks: Iterator[bytes], form: Form) -> Generator[bytes, None, None]:
    yield from _without_end_mark(_skipped(_translated(blocks, form), form.skip))


def _translated(blocks: Iterator[bytes], form: Form) -> Iterator[bytes]:
    """Blocks of whole lines, with one character between fields and doubled quotation marks."""
    translate = _translation(form)
    rest = b""
    line_end: bytes | None = None
    for block in blocks:
        rest += block
        if line_end is None and block:
            line_end = b"\r" if b"\r" in block and b"\n" not in block else b"\n"
        whole, end, rest = rest.rpartition(line_end or b"\n")
        if end:
            yield translate((whole + end).replace(b"\r", b"\n") if end == b"\r" else whole + end)
    if rest:
        yield translate(rest)


def _translation(form: Form) -> Callable[[bytes], bytes]:
    """What makes lines of a form canonical."""
    if form.widths:
        return lambda lines: _cut_at(lines, form.widths)
    steps: list[Callable[[bytes], bytes]] = []
    if form.escape and form.quote:
        steps.append(lambda lines: _doubled(lines, str(form.escape), str(form.quote)))
    if form.separator is not None and _is_long(form.separator):
        separator = form.separator.encode()
        steps.append(lambda lines: lines.replace(separator, CUT.encode()))

    def translate(lines: bytes) -> bytes:
        for step in steps:
            lines = step(lines)
        return lines

    return translate


def _doubled(lines: bytes, escape: str, quote: str) -> bytes:
    r"""Doubled quotation marks for escaped ones; other escapes, such as \N, stay."""
    pattern = (
        re.escape(escape.encode())
        + b"(["
        + re.escape(quote.encode())
        + re.escape(escape.encode())
        + b"])"
    )
    mark = quote.encode()
    return re.sub(pattern, lambda found: mark * 2 if found[1] == mark else found[1], lines)


def _cut_at(lines: bytes, starts: tuple[int, ...]) -> bytes:
    """Lines of columns with a fixed width, cut at their places in letters."""
    ends = (*starts[1:], None)
    cut = []
    for line in lines.decode("utf-8", "replace").split("\n"):
        cells = (line[start:end].strip() for start, end in zip(starts, ends, strict=True))
        cut.append(CUT.join(cells) if line.strip() else "")
    return "\n".join(cut).encode()


def _skipped(blocks: Iterator[bytes], lines: int) -> Iterator[bytes]:
    """What follows the first lines."""
    for block in blocks:
        left = block
        while lines and left:
            left = left.partition(b"\n")[2]
            lines -= 1
        if left:
            yield left


def _without_end_mark(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """All but a DOS end mark in the last line."""
    held = b""
    for block in blocks:
        if held:
            yield held
        held = block
    bare = held.rstrip()
    if bare.endswith(_END_MARK):
        held = bare.rstrip(_END_MARK)
    if held:
        yield held
