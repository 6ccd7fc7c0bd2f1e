"""Delimited text: cells are kept as they stand, too long a file is sampled."""

from __future__ import annotations

import csv
import io
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from automl.errors import InputError, one_line
from automl.table.dialect import Cut, find_cut
from automl.table.form import Form
from automl.table.many_columns import MANY_COLUMNS, read_plain
from automl.table.raw import Limits, Note, Request, Sample, Table
from automl.table.source import HEAD, Look, Source, guess_encoding
from automl.table.stream import canonical, open_lines, separator_of

_STRETCH = 4096  # bytes of neighbouring lines that a sample takes together
_PASSING = 0.5  # of the time may go into passing over a file; the rest is for parsing
_NOT_ALL = (
    0.99  # of the lines, where the time is not enough for all: a sample ends when the time is over
)
_FEW = 3  # lines
_LEAST = 0.1  # of the seconds that the first megabyte takes are for its bytes, however many columns there are
_SLOW_ENOUGH = (
    16 << 20
)  # smaller files are read whole without measuring: they take less than half a second
_WIDE = {"utf-16": 2, "utf-32": 4}  # bytes of a letter


def read_delimited(source: Source, text: Look, request: Request) -> Table:
    """Read delimited text; what can't be read within the limits is sampled, with a note."""
    cut = find_cut(text, source.name, request)
    if cut.form.header and cut.rows == 0:
        return _empty(source, cut, request)
    limits = request.limits
    began = time.monotonic()
    if (wide := _wide(source, cut, limits)) is not None:
        n_rows = len(next(iter(wide.values())))
        return Table(wide, n_rows, source.name, True, cut.notes, None, cut.form, request.overrides)
    held, sample = None, limits.sample
    if sample is None and (share := _affordable(source, text, cut, limits)) < 1:
        sample = Sample(share, limits.seed, 0)
    if sample is not None:
        until = began + _PASSING * limits.seconds if limits.seconds is not None else None
        lines = open_lines(source, cut.form, damaged=text.damaged)
        held, sample = _sampled(lines, sample, cut.form, until=until)
    frame, known = _parse(source, cut, text, held)
    if cut.trailing:
        frame = frame.iloc[:, :-1]
    if len(frame) == 0:
        return _empty(source, cut, request)
    notes = [*cut.notes, *_encoding_notes(known, request)]
    if sample is not None:
        what = f"a random sample of {len(frame)} rows was read: reading all takes more time or memory than there is for it"
        notes.append(Note("sampled", (), what, len(frame)))
    columns = {str(name): column for name, column in frame.items()}
    form = replace(cut.form, encoding=known.encoding)
    return Table(
        columns, len(frame), source.name, True, tuple(notes), sample, form, request.overrides
    )


def _wide(source: Source, cut: Cut, limits: Limits) -> dict[str, pd.Series[Any]] | None:
    """The columns of a plain file that has very many of them; None for any other file."""
    form = cut.form
    if (
        len(cut.names) < MANY_COLUMNS
        or form.separator is None
        or source.packed
        or limits.sample is not None
    ):
        return None
    is_plain = form == Form(form.separator, encoding="utf-8", quote=form.quote, header=form.header)
    if not is_plain or cut.trailing or form.quote not in ('"', None):
        return None
    with source.open() as stream:
        return read_plain(stream, source.size, form.separator, cut.names, form.header)


def _empty(source: Source, cut: Cut, request: Request) -> Table:
    """A table of no rows, where that will do."""
    if not request.may_be_empty:
        raise InputError(f"{source.name}: the table has a header and no rows")
    columns = {name: pd.Series([], dtype=object) for name in cut.names}
    return Table(columns, 0, source.name, True, cut.notes, None, cut.form, request.overrides)


def _encoding_notes(known: Look, request: Request) -> list[Note]:
    """What is told of the encoding, with the option that changes it."""
    if known.damaged:
        what = f"bytes that are no letters in {known.encoding} were replaced"
        return [Note("bad_bytes", (), what, override="--encoding NAME")]
    if known.encoding in ("utf-8", "utf-8-sig") or request.overrides.encoding is not None:
        return []
    notes = [
        Note("encoding", (), f"the file is encoded in {known.encoding}", override="--encoding NAME")
    ]
    if known.found is not None and known.found.other is not None:
        found = known.found
        what = f"the file may be encoded in {found.other}, too: {found.otherwise[:20]!r} for {found.shown[:20]!r}. Check the letters"
        notes.append(Note("encoding_doubt", (), what, override=f"--encoding {found.other}"))
    return notes


def _parse(source: Source, cut: Cut, text: Look, held: bytes | None) -> tuple[pd.DataFrame, Look]:
    """All cells as they stand, and the encoding that turned out to be right.

    Objects, for the C reader then shares equal strings: twice as fast here as pandas' string type.
    """
    try:
        return _cells(source, cut, text, held), text
    except UnicodeDecodeError:  # a late byte that the first megabyte did not show
        later = _later(source, text)
    return _cells(
        source, replace(cut, form=replace(cut.form, encoding=later.encoding)), later, held
    ), later


def _later(source: Source, text: Look) -> Look:
    """The encoding that the whole file shows; a lone bad byte is replaced."""
    if text.encoding.startswith("utf") and not source.head().isascii():
        return replace(text, damaged=True)
    if not text.encoding.startswith("utf"):
        return replace(text, damaged=True)
    found = guess_encoding(_beyond_ascii(source), source.name)
    return replace(text, encoding=found.encoding, found=found)


def _beyond_ascii(source: Source) -> bytes:
    """The lines that hold more than ASCII."""
    lines, size = [], 0
    with source.open() as stream:
        for line in stream:
            if not line.isascii():
                lines.append(line)
                size += len(line)
            if size > HEAD:
                break
    return b"".join(lines)


def _cells(source: Source, cut: Cut, text: Look, held: bytes | None) -> pd.DataFrame:
    """All cells of a file, or of the lines held of it."""
    try:
        with (
            open_lines(source, cut.form, damaged=text.damaged)
            if held is None
            else io.BytesIO(held) as stream
        ):
            frame = _read_csv(stream, cut, torn=held is not None)
    except pd.errors.ParserError as error:
        raise InputError(f"{source.name}: {_ragged(str(error), cut)}") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{source.name}: the file is empty") from None
    if not isinstance(frame.index, pd.RangeIndex):
        raise InputError(
            f"{source.name}: the first line of data has more fields than the header's {len(cut.names)}"
        )
    return frame


def _read_csv(stream: BinaryIO, cut: Cut, *, torn: bool = False) -> pd.DataFrame:
    """With `torn`, lines that a sample cut out of a quoted line break are left out."""
    form = cut.form
    names = [*cut.names, "\0"] if cut.trailing else cut.names
    plain = form.quote is None or bool(form.widths)
    return pd.read_csv(
        stream, sep=separator_of(form), header=0 if form.header else None, names=names, dtype=object, keep_default_na=False,
        na_filter=False, encoding="utf-8", encoding_errors="strict", skipinitialspace=form.spaced,
        quotechar=form.quote or '"', quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
        engine="c", low_memory=False, on_bad_lines="skip" if torn else "error",
    )  # fmt: skip


def _ragged(message: str, cut: Cut) -> str:
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return f"line {int(match[2]) + cut.form.skip} has {match[3]} fields where {match[1]} are expected"
    if match := re.search(r"EOF inside string starting at row (\d+)", message):
        return f"a quotation mark opened in data row {int(match[1])} is never closed"
    return f"can't be read as a table: {one_line(message)}"


def _affordable(source: Source, text: Look, cut: Cut, limits: Limits) -> float:
    """The share of rows that can be read within the limits, by the rate and the memory measured on the first megabyte.

    What its first rows take is for the columns, whatever the rows.
    """
    if limits.seconds is None and limits.memory is None:
        return 1.0
    if source.size * (8 if source.packed else 1) < _SLOW_ENOUGH or _quoted_breaks(
        text.sample, cut.form
    ):
        return 1.0
    began = time.monotonic()
    head = _first_lines(source, text, cut)
    frame = _read_csv(io.BytesIO(head), cut)
    took, few = time.monotonic() - began, b"".join(head.splitlines(keepends=True)[:_FEW])
    _read_csv(io.BytesIO(few), cut)
    for_columns = time.monotonic() - began - took
    per_byte = max(_LEAST * took, took - for_columns) / len(head)
    size, passing = _true_size(source)
    size /= _WIDE.get(text.encoding.removesuffix("-le").removesuffix("-be"), 1)
    share = 1.0
    if limits.memory is not None:
        share = min(
            share,
            limits.memory
            * len(head)
            / (size * float(frame.memory_usage(index=False, deep=True).sum())),
        )
    if limits.seconds is None or per_byte * size * share + passing <= 0.8 * (
        limits.seconds - (time.monotonic() - began)
    ):
        return share
    left = max(0.0, limits.seconds - (time.monotonic() - began))
    seen = max(
        0.001, min(1.0, _PASSING * left / passing)
    )  # the share of the file that can be passed over
    share = min(
        share, max(0.8 * left - seen * passing, 0.05 * limits.seconds) / (per_byte * size * seen)
    )
    return min(share, _NOT_ALL)


def _first_lines(source: Source, text: Look, cut: Cut) -> bytes:
    """The first megabyte's whole lines, from the header on."""
    with open_lines(source, cut.form, damaged=text.damaged) as lines:
        return lines.read(HEAD).rpartition(b"\n")[0] + b"\n"


def _true_size(source: Source) -> tuple[float, float]:
    """Bytes after unpacking and the seconds that unpacking takes, guessed from the first 16 MB."""
    if not source.packed:
        return float(source.size), source.size / 1e9
    started, length = time.monotonic(), 0
    with source.open() as stream:
        while length < _SLOW_ENOUGH and (block := stream.read(HEAD)):
            length += len(block)
        packed = getattr(
            stream, "fileobj", None
        )  # gzip tells how far it is; otherwise: tables pack to about a quarter
        ratio = length / max(1, packed.tell()) if packed is not None else 4.0
    return max(float(length), source.size * ratio), (time.monotonic() - started) * max(
        1.0, source.size * ratio / length
    )


def _quoted_breaks(sample: str, form: Form) -> bool:
    """Whether fields hold line breaks."""
    return form.quote is not None and any(
        line.count(form.quote) % 2 for line in canonical(sample, form).splitlines()
    )


def _sampled(
    stream: BinaryIO, sample: Sample, form: Form, *, until: float | None
) -> tuple[bytes, Sample]:
    """The header and a random share of the lines, a few neighbours at a time, and what was read in the end.

    It ends when so many blocks were read as the sample says, or, if it says none, early when the time is over.
    """
    rng, blocks = np.random.default_rng(sample.seed), 0
    quote = (form.quote or "\0").encode()
    with stream:
        header_line = stream.readline() if form.header else b""
        kept, first, rest = list[bytes](), b"", b""
        while block := stream.read(4 * HEAD):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            first = first or whole + newline
            kept.extend(
                lines
                for lines in _chosen(whole + newline, sample.share, rng)
                if lines.count(quote) % 2 == 0
            )
            blocks += 1
            if blocks == sample.blocks or (until is not None and time.monotonic() > until):
                break
    return header_line + (b"".join(kept) or first or rest), replace(sample, blocks=blocks)


def _chosen(block: bytes, share: float, rng: np.random.Generator) -> Iterator[bytes]:
    """The lines that begin in randomly chosen stretches of a block of whole lines; a line at a time would cost more than parsing it."""
    for place in np.flatnonzero(rng.random(-(-len(block) // _STRETCH)) < share).tolist():
        start = block.find(b"\n", place * _STRETCH - 1) + 1 if place else 0
        end = block.find(b"\n", (place + 1) * _STRETCH - 1) + 1 or len(block)
        if end > start and (start or not place):
            yield block[start:end]
