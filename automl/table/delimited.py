"""Delimited text, whose cells are read as they stand; a file beyond the limits is sampled."""

from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import BinaryIO

from automl.errors import InputError
from automl.table.column import TextColumn
from automl.table.dialect import find_layout
from automl.table.form import FileFormat
from automl.table.many_columns import MIN_COLUMNS_OF_WIDE_FILES, read_plain
from automl.table.raw import Note, ReadLimits, Request, RowSample, Table
from automl.table.sampling import PASSING_TIME_SHARE, affordable_share, read_sample
from automl.table.small_text import split_columns
from automl.table.source import HEAD_BYTES, Source, TextHead, guess_encoding
from automl.table.stream import open_lines
from automl.table.text_layout import TextLayout

MAX_SHOWN_LETTERS = 20  # of a word in a message
MAX_SMALL_BYTES = 1 << 20  # of a text that is read without pandas, which takes a second to import

Columns = dict[str, TextColumn]
Unnamed = list[TextColumn]


def read_delimited(source: Source, text: TextHead, request: Request) -> Table:
    """Read delimited text; a sample with a note, if the limits don't allow all of it."""
    layout = find_layout(text, source.name, request)
    form = layout.form
    limits = request.limits
    if form.header and layout.n_rows == 0:
        return _empty_table(source, layout, request)
    columns = _read_many_columns(source, layout, limits)
    if columns is not None:
        return _table(columns, source, layout, request)
    lines, sample = _read_sample(source, text, layout, limits)
    unnamed, text = _read_columns(source, layout, text, lines)
    n_rows = len(unnamed[0])
    if n_rows == 0:
        return _empty_table(source, layout, request)
    columns = dict(zip(layout.names, unnamed, strict=True))
    table = _table(columns, source, layout, request)
    notes = [*table.notes, *_encoding_notes(text, request)]
    if sample is not None:
        what = (
            f"a random sample of {n_rows} rows was read: "
            "reading all takes more time or memory than there is for it"
        )
        note = Note("sampled", (), what, n_rows)
        notes.append(note)
    form = replace(form, encoding=text.encoding)
    return replace(table, notes=tuple(notes), sample=sample, form=form)


def _table(columns: Columns, source: Source, layout: TextLayout, request: Request) -> Table:
    cells = iter(columns.values())
    first = next(cells)
    return Table(
        columns,
        n_rows=len(first),
        source=source.name,
        is_textual=True,
        notes=layout.notes,
        form=layout.form,
        overrides=request.overrides,
    )


def _empty_table(source: Source, layout: TextLayout, request: Request) -> Table:
    """Return a table of no rows, if the request accepts one."""
    if not request.may_be_empty:
        raise InputError(f"{source.name}: the table has a header and no rows")
    columns: Columns = {}
    for name in layout.names:
        columns[name] = TextColumn.of([])
    return _table(columns, source, layout, request)


def _read_many_columns(source: Source, layout: TextLayout, limits: ReadLimits) -> Columns | None:
    """Return the columns of a plain file that has very many of them; None for any other file."""
    form = layout.form
    separator = form.separator
    if separator is None:
        return None
    if len(layout.names) < MIN_COLUMNS_OF_WIDE_FILES:
        return None
    if source.is_compressed or limits.sample is not None:
        return None
    plain = FileFormat(separator, encoding="utf-8", quote=form.quote, header=form.header)
    if form != plain or layout.trailing:
        return None
    if form.quote not in ('"', None):
        return None
    with source.open() as stream:
        return read_plain(stream, source.size, separator, layout.names, form.header)


def _read_sample(
    source: Source, text: TextHead, layout: TextLayout, limits: ReadLimits
) -> tuple[bytes | None, RowSample | None]:
    """Read a sample of the lines, if the limits demand one; else return None."""
    began = time.monotonic()
    sample = limits.sample
    if sample is None:
        share = affordable_share(source, text, layout, limits)
        if share >= 1:
            return None, None
        sample = RowSample(share, limits.seed, 0)
    until = None
    if limits.seconds is not None:
        until = began + PASSING_TIME_SHARE * limits.seconds
    stream = open_lines(source, layout.form, damaged=text.is_damaged)
    return read_sample(stream, sample, layout.form, until=until)


def _encoding_notes(text: TextHead, request: Request) -> list[Note]:
    """Return notes on the encoding, with the option that changes it."""
    if text.is_damaged:
        what = f"bytes that are no letters in {text.encoding} were replaced"
        note = Note("bad_bytes", (), what, override="--encoding NAME")
        return [note]
    if text.encoding in ("utf-8", "utf-8-sig"):
        return []
    if request.overrides.encoding is not None:
        return []
    what = f"the file is encoded in {text.encoding}"
    note = Note("encoding", (), what, override="--encoding NAME")
    notes = [note]
    guess = text.guess
    if guess is not None and guess.other is not None:
        shown = guess.shown[:MAX_SHOWN_LETTERS]
        otherwise = guess.otherwise[:MAX_SHOWN_LETTERS]
        what = (
            f"the file may be encoded in {guess.other}, too: "
            f"{otherwise!r} for {shown!r}. Check the letters"
        )
        option = f"--encoding {guess.other}"
        note = Note("encoding_doubt", (), what, override=option)
        notes.append(note)
    return notes


def _read_columns(
    source: Source, layout: TextLayout, text: TextHead, lines: bytes | None
) -> tuple[Unnamed, TextHead]:
    """Read all cells as they stand, and return them with the encoding that fits the whole file.

    Parameters
    ----------
    lines : bytes or None
        A sample of the file's lines; None to read all.
    """
    try:
        columns = _try_columns(source, layout, text, lines)
    except UnicodeDecodeError:
        # A late byte, beyond the first megabyte, does not fit the encoding.
        text = _encoding_of_all(source, text)
        form = replace(layout.form, encoding=text.encoding)
        layout = replace(layout, form=form)
        columns = _try_columns(source, layout, text, lines)
    return columns, text


def _encoding_of_all(source: Source, text: TextHead) -> TextHead:
    """Return the encoding that the whole file shows; a lone bad byte will be replaced."""
    is_utf = text.encoding.startswith("utf")
    if not is_utf:
        return replace(text, is_damaged=True)
    head = source.head()
    if not head.isascii():
        return replace(text, is_damaged=True)
    lines = _lines_beyond_ascii(source)
    guess = guess_encoding(lines, source.name)
    return replace(text, encoding=guess.encoding, guess=guess)


def _lines_beyond_ascii(source: Source) -> bytes:
    """Return up to about a megabyte of the lines that hold more than ASCII."""
    lines = []
    size = 0
    with source.open() as stream:
        for line in stream:
            if line.isascii():
                continue
            lines.append(line)
            size += len(line)
            if size > HEAD_BYTES:
                break
    return b"".join(lines)


def _try_columns(
    source: Source, layout: TextLayout, text: TextHead, lines: bytes | None
) -> Unnamed:
    """Read all cells of a file, or of a sample of its lines.

    Raises
    ------
    UnicodeDecodeError
        A byte does not fit the encoding.
    """
    if lines is None:
        columns = _split_small(source, layout, text)
        if columns is not None:
            return columns
    from automl.table.csv_cells import read_columns

    is_sample = lines is not None
    stream: BinaryIO
    if lines is not None:
        stream = io.BytesIO(lines)
    else:
        stream = open_lines(source, layout.form, damaged=text.is_damaged)
    with stream:
        return read_columns(
            stream,
            layout,
            source.name,
            is_sample=is_sample,
        )


def _split_small(source: Source, layout: TextLayout, text: TextHead) -> Unnamed | None:
    """Return the columns of a small, regular text; None for any other."""
    if source.size > MAX_SMALL_BYTES:
        return None
    with open_lines(source, layout.form, damaged=text.is_damaged) as stream:
        content = stream.read(MAX_SMALL_BYTES + 1)
    if len(content) > MAX_SMALL_BYTES:
        return None
    return split_columns(content, layout)
