"""A random sample of a text's lines, where time or memory do not allow all of them."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from automl.table.form import FileFormat
from automl.table.raw import ReadLimits, RowSample
from automl.table.source import HEAD_BYTES, Source, TextHead
from automl.table.stream import canonical_text, open_lines
from automl.table.text_layout import TextLayout

STRETCH_BYTES = 4096  # of neighbouring lines that a sample takes together
# Share of the time that may be spent on passing over a file; the rest is for parsing.
PASSING_TIME_SHARE = 0.5
USABLE_TIME_SHARE = 0.8
MIN_PARSING_TIME_SHARE = 0.05
# Of the lines, where the time is not enough for all: a sample ends when the time is over.
MAX_SAMPLE_SHARE = 0.99
MIN_PASSED_SHARE = 0.001
N_FIRST_LINES = 3  # whose parsing shows the time that the number of columns takes
# Of the seconds that the first megabyte takes, for its bytes, however many columns there are.
MIN_BYTES_TIME_SHARE = 0.1
# Smaller files are read whole without measuring: they take less than half a second.
MIN_MEASURED_BYTES = 16 << 20
BYTES_PASSED_A_SECOND = 1e9  # of a file that is not compressed
MAX_COMPRESSION_RATIO = 8  # of a table, expected before it is measured
USUAL_COMPRESSION_RATIO = 4.0  # of a table
_BYTES_A_CHARACTER = {"utf-16": 2, "utf-32": 4}


def affordable_share(
    source: Source, text: TextHead, layout: TextLayout, limits: ReadLimits
) -> float:
    """Return the share of rows that can be read within the limits.

    It follows from the time and the memory measured on the first megabyte. The time that its
    first rows take is that of the columns, whatever the number of rows.
    """
    if limits.seconds is None and limits.memory is None:
        return 1.0
    size: float = source.size
    if source.is_compressed:
        size *= MAX_COMPRESSION_RATIO
    if size < MIN_MEASURED_BYTES:
        return 1.0
    if _has_quoted_breaks(text.sample, layout.form):
        return 1.0
    from automl.table.csv_cells import read_cells

    began = time.monotonic()
    head = _first_lines(source, text, layout)
    frame = read_cells(io.BytesIO(head), layout)
    seconds = time.monotonic() - began
    few_lines = head.splitlines(keepends=True)[:N_FIRST_LINES]
    few_bytes = b"".join(few_lines)
    read_cells(io.BytesIO(few_bytes), layout)
    seconds_for_columns = time.monotonic() - began - seconds
    least = MIN_BYTES_TIME_SHARE * seconds
    seconds_for_bytes = max(least, seconds - seconds_for_columns)
    per_byte = seconds_for_bytes / len(head)
    size, passing = _decompressed_size(source)
    encoding = text.encoding.removesuffix("-le").removesuffix("-be")
    unit = _BYTES_A_CHARACTER.get(encoding, 1)
    size /= unit
    share = 1.0
    if limits.memory is not None:
        usage = frame.memory_usage(index=False, deep=True)
        head_memory = float(usage.sum())
        affordable = limits.memory * len(head) / (size * head_memory)
        share = min(share, affordable)
    if limits.seconds is None:
        return share
    spent = time.monotonic() - began
    left = limits.seconds - spent
    parsing = per_byte * size
    usable = USABLE_TIME_SHARE * left
    if parsing * share + passing <= usable:
        return share
    least = MIN_PARSING_TIME_SHARE * limits.seconds
    affordable = _share_in_time(parsing, passing, left, least)
    share = min(share, affordable)
    return min(share, MAX_SAMPLE_SHARE)


def _share_in_time(parsing: float, passing: float, left: float, least: float) -> float:
    """Return the share of rows that can be parsed in the time left.

    Parameters
    ----------
    parsing, passing : float
        Seconds that parsing all of the file, and passing over it, would take.
    left : float
        Seconds until reading must end.
    least : float
        Seconds that are spent on parsing in any case.
    """
    left = max(0.0, left)
    # The share of the file that can be passed over.
    passed = PASSING_TIME_SHARE * left / passing
    passed = min(1.0, passed)
    passed = max(MIN_PASSED_SHARE, passed)
    usable = USABLE_TIME_SHARE * left
    time_to_parse = usable - passed * passing
    time_to_parse = max(time_to_parse, least)
    return time_to_parse / (parsing * passed)


def _first_lines(source: Source, text: TextHead, layout: TextLayout) -> bytes:
    """Return the first megabyte's whole lines, from the header on."""
    with open_lines(source, layout.form, damaged=text.is_damaged) as stream:
        block = stream.read(HEAD_BYTES)
    return block.rpartition(b"\n")[0] + b"\n"


def _decompressed_size(source: Source) -> tuple[float, float]:
    """Return the bytes after decompression and the seconds that it takes.

    Both are extrapolated from the first 16 MB.
    """
    if not source.is_compressed:
        size = float(source.size)
        return size, size / BYTES_PASSED_A_SECOND
    started = time.monotonic()
    length = 0
    with source.open() as stream:
        while length < MIN_MEASURED_BYTES:
            block = stream.read(HEAD_BYTES)
            if not block:
                break
            length += len(block)
        ratio = USUAL_COMPRESSION_RATIO
        stored = getattr(stream, "fileobj", None)  # gzip alone says how far it is
        if stored is not None:
            position = max(1, stored.tell())
            ratio = length / position
    seconds = time.monotonic() - started
    size = source.size * ratio
    seconds *= max(1.0, size / length)
    return max(float(length), size), seconds


def _has_quoted_breaks(sample: str, form: FileFormat) -> bool:
    """Return whether fields hold line breaks."""
    quote = form.quote
    if quote is None:
        return False
    text = canonical_text(sample, form)
    lines = text.splitlines()
    return any(line.count(quote) % 2 for line in lines)


def read_sample(
    stream: BinaryIO, sample: RowSample, form: FileFormat, *, until: float | None
) -> tuple[bytes, RowSample]:
    """Read the header and a random share of the lines, a few neighbours at a time.

    It ends after as many blocks as the sample says, or, if it says none, early when the time is
    over.

    Parameters
    ----------
    stream : BinaryIO
        From the header on.
    sample : Sample
    form : Form
    until : float or None
        A reading of `time.monotonic`.

    Returns
    -------
    lines : bytes
    sample : Sample
        With the number of blocks that were read.
    """
    rng = np.random.default_rng(sample.seed)
    quote = (form.quote or "\0").encode()
    header = b""
    first_block = b""
    rest = b""
    drawn: list[bytes] = []
    blocks = 0
    with stream:
        if form.header:
            header = stream.readline()
        while block := stream.read(4 * HEAD_BYTES):
            complete, end, rest = (rest + block).rpartition(b"\n")
            lines = complete + end
            first_block = first_block or lines
            stretches = _random_stretches(lines, sample.share, rng)
            # With an odd number of quotation marks, it was cut within a quoted line break.
            whole = (stretch for stretch in stretches if stretch.count(quote) % 2 == 0)
            drawn.extend(whole)
            blocks += 1
            is_late = until is not None and time.monotonic() > until
            if is_late or blocks == sample.blocks:
                break
    body = b"".join(drawn) or first_block or rest
    sample = replace(sample, blocks=blocks)
    return header + body, sample


def _random_stretches(block: bytes, share: float, rng: np.random.Generator) -> Iterator[bytes]:
    """Yield the lines that begin in randomly chosen stretches of a block of whole lines.

    A line at a time would cost more than parsing it.
    """
    n_stretches = -(-len(block) // STRETCH_BYTES)
    is_chosen = rng.random(n_stretches) < share
    for index in np.flatnonzero(is_chosen).tolist():
        position = index * STRETCH_BYTES
        start = _next_line(block, position) if index else 0
        end = _next_line(block, position + STRETCH_BYTES) or len(block)
        has_start = start > 0 or index == 0
        if has_start and end > start:
            yield block[start:end]


def _next_line(block: bytes, position: int) -> int:
    """Return where the first line from a position on begins; 0 if there is none."""
    return block.find(b"\n", position - 1) + 1
