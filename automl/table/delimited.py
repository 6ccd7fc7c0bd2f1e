"""Delimited text: separator, quoting and header are found out, cells are kept as they stand, too long a file is sampled."""

from __future__ import annotations

import csv
import io
import itertools
import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from automl.errors import InputError, one_line
from automl.table.frames import unique_names
from automl.table.many_columns import MANY_COLUMNS, read_plain
from automl.table.raw import Form, Limits, Note, Sample, Table
from automl.table.source import HEAD, LONGEST_LINE, Look, Source

SAMPLE_LINES = 200
_STRETCH = 4096  # bytes of neighbouring lines that a sample takes together
_PASSING = 0.5  # of the time may go into passing over a file; the rest is for parsing
_FEW = 3  # lines
_LEAST = 0.1  # of the seconds that the first megabyte takes are for its bytes, however many columns there are
_SLOW_ENOUGH = 16 << 20  # smaller files are read whole without measuring: they take less than half a second
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


@dataclass(frozen=True)
class _Dialect:
    """How a delimited text is to be cut."""

    separator: str
    names: list[str]
    header: bool
    spaced_quotes: bool
    trailing: bool  # every data line ends with one more separator than the header
    notes: tuple[Note, ...]


def read_delimited(source: Source, text: Look, limits: Limits) -> Table:
    """Read delimited text; what can't be read within the limits is sampled, with a note."""
    dialect = _dialect(text, source.name)
    notes = list(dialect.notes)
    began = time.monotonic()
    if (wide := _wide(source, dialect, limits)) is not None:
        form = Form(dialect.separator)
        return Table(wide, len(next(iter(wide.values()))), source.name, textual=True, notes=tuple(notes), form=form)
    held, sample = None, limits.sample
    if sample is None and (share := _affordable(source, text, dialect, limits)) < 1:
        sample = Sample(share, limits.seed, 0)
    if sample is not None:
        until = began + _PASSING * limits.seconds if limits.seconds is not None else None
        held, sample = _sampled(source.open(), sample, header=dialect.header, until=until)
    frame, encoding = _parse(source, dialect, text.encoding, held)
    if dialect.trailing:
        frame = frame.iloc[:, :-1]
    if len(frame) == 0:
        raise InputError(f"{source.name}: the table has a header and no rows")
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(Note("encoding", (), f"the file is encoded in {encoding}"))
    if sample is not None:
        what = f"a random sample of {len(frame)} rows was read: reading all takes more time or memory than there is for it"
        notes.append(Note("sampled", (), what, len(frame)))
    columns = {str(name): column for name, column in frame.items()}
    form = Form(dialect.separator)
    return Table(columns, len(frame), source.name, textual=True, notes=tuple(notes), sample=sample, form=form)


def _wide(source: Source, dialect: _Dialect, limits: Limits) -> dict[str, pd.Series[Any]] | None:
    """The columns of a plain file that has very many of them; None for any other file."""
    if len(dialect.names) < MANY_COLUMNS or dialect.trailing or dialect.spaced_quotes or source.packed or limits.sample is not None:
        return None
    with source.open() as stream:
        return read_plain(stream, source.size, dialect.separator, dialect.names, dialect.header)


def _parse(source: Source, dialect: _Dialect, encoding: str, held: bytes | None) -> tuple[pd.DataFrame, str]:
    """All cells as they stand, and the encoding that turned out to be right.

    Objects, for the C reader then shares equal strings: twice as fast here as pandas' string type.
    """
    for codec in _codecs(encoding, source):
        try:
            with source.open() if held is None else io.BytesIO(held) as stream:
                frame = _read_csv(stream, dialect, codec, torn=held is not None)
        except UnicodeDecodeError:  # a late byte that the first megabyte did not show
            continue
        except pd.errors.ParserError as error:
            raise InputError(f"{source.name}: {_ragged(str(error))}") from None
        except pd.errors.EmptyDataError:
            raise InputError(f"{source.name}: the file is empty") from None
        if not isinstance(frame.index, pd.RangeIndex):
            raise InputError(f"{source.name}: the first line of data has more fields than the header's {len(dialect.names)}")
        return frame, codec
    raise InputError(f"{source.name}: can't be decoded from {encoding}")


def _codecs(encoding: str, source: Source) -> Iterator[str]:
    """The encoding that the first megabyte shows, and what else it may be; a lone bad byte in UTF-8 is replaced."""
    yield encoding
    if encoding == "utf-16":
        return
    if encoding.startswith("utf-8") and not source.head().isascii():
        yield "utf-8 with bad bytes"
    yield from ("cp1252", "latin-1")


def _read_csv(stream: BinaryIO, dialect: _Dialect, codec: str, *, torn: bool = False) -> pd.DataFrame:
    """With `torn`, lines that a sample cut out of a quoted line break are left out."""
    names = [*dialect.names, "\0"] if dialect.trailing else dialect.names
    encoding = codec.removesuffix(" with bad bytes")
    return pd.read_csv(
        stream, sep=dialect.separator, header=0 if dialect.header else None, names=names, dtype=object, keep_default_na=False,
        na_filter=False, encoding=encoding, encoding_errors="strict" if codec == encoding else "replace",
        skipinitialspace=dialect.spaced_quotes, engine="c", low_memory=False, on_bad_lines="skip" if torn else "error",
    )  # fmt: skip


def _ragged(message: str) -> str:
    if match := re.search(r"Expected (\d+) fields in line (\d+), saw (\d+)", message):
        return f"line {match[2]} has {match[3]} fields where {match[1]} are expected"
    if match := re.search(r"EOF inside string starting at row (\d+)", message):
        return f"a quotation mark opened in data row {int(match[1])} is never closed"
    return f"can't be read as a table: {one_line(message)}"


def _dialect(text: Look, name: str) -> _Dialect:
    separator, rows = _separator(text.sample)
    header = _has_header(rows)
    if header and len(rows) == 1:
        raise InputError(f"{name}: the table has a header and no rows")
    raw = rows[0] if header else [f"c{place}" for place in range(1, len(rows[0]) + 1)]
    widths = Counter(len(row) for row in rows[1:])
    trailing = header and bool(widths) and set(widths) == {len(raw) + 1} and all(row[-1] == "" for row in rows[1:])
    if header and len(raw) > 1 and raw[-1] == "" and all(row[-1] == "" for row in rows if len(row) == len(raw)):
        raw, trailing = raw[:-1], True  # the header ends with a separator, too
    names, notes = unique_names(raw)
    if separator != ",":
        notes.append(Note("separator", (), f"the fields are separated by {_SEPARATORS[separator]}s"))
    if not header:
        notes.append(Note("header_made", tuple(names), "the first line looks like data: the columns were named c1, c2, ...", len(names)))
    if short := sum(count for width, count in widths.items() if width < len(names)):
        notes.append(Note("short_lines", (), "lines with too few fields were filled up with empty cells", short))
    spaced = _quotes_follow_spaces(text.sample, separator)
    return _Dialect(separator, names, header, spaced, trailing, tuple(notes))


def _separator(sample: str) -> tuple[str, list[list[str]]]:
    """The separator under which most lines have as many fields as the first, more than one.

    Without the look at the first line, numbers with a decimal comma would be cut: it has names, which hold none.
    """
    best: tuple[tuple[bool, float, int], str, list[list[str]]] | None = None
    for separator in _SEPARATORS:
        rows = _split(sample, separator)
        width, count = Counter(len(row) for row in rows).most_common(1)[0]
        width = len(rows[0]) if len(rows) == 2 else width
        score = (width > 1 and len(rows[0]) == width, round(count / len(rows), 1) if width > 1 else -1.0, width)
        if best is None or score > best[0]:
            best = (score, separator, rows)
    assert best is not None  # there are separators
    return best[1], best[2]


def _quotes_follow_spaces(sample: str, separator: str) -> bool:
    """Whether fields are written as `1, "a, b"`: a quotation mark after a space would else be a letter like any other."""
    return f'{separator} "' in sample and re.search(f'"{re.escape(separator)}|"$', sample, re.MULTILINE) is not None


def _split(sample: str, separator: str) -> list[list[str]]:
    limit = csv.field_size_limit(LONGEST_LINE)
    try:
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator, skipinitialspace=_quotes_follow_spaces(sample, separator))
        rows = list(itertools.islice((row for row in reader if any(row) or len(row) > 1), SAMPLE_LINES))
    except csv.Error:
        rows = [line.split(separator) for line in sample.splitlines()[:SAMPLE_LINES] if line]
    finally:
        csv.field_size_limit(limit)
    return rows or [[sample.strip()]]


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first line names the columns.

    It does not if all of it is numbers (other than 0, 1, 2, ..., which pandas writes for columns without a name, or a run of years),
    or if every cell of it is a number or a word that stands in the same column again.
    """
    first, rest = rows[0], rows[1:]
    if not any(cell.strip() for cell in first):
        return True
    numeric = [_NUMBER.fullmatch(cell) is not None for cell in first]
    if all(numeric):
        return len(first) > 1 and _counts_up(first)
    if not any(numeric) or len(rest) < 2:
        return not (_repeats(first, rest, numeric) and any(numeric))
    return not _repeats(first, rest, numeric)


def _counts_up(cells: list[str]) -> bool:
    if not all(cell.strip().isdecimal() for cell in cells):
        return False
    steps = np.diff([int(cell) for cell in cells])
    return bool((steps == 1).all()) and (int(cells[0]) in (0, 1) or 1900 <= int(cells[0]) <= 2100)


def _repeats(first: list[str], rest: list[list[str]], numeric: list[bool]) -> bool:
    columns = list(itertools.zip_longest(*rest, fillvalue=""))
    if len(columns) != len(first):
        return False
    return all(is_number or cell in column for cell, is_number, column in zip(first, numeric, columns, strict=True))


def _affordable(source: Source, text: Look, dialect: _Dialect, limits: Limits) -> float:
    """The share of rows that can be read within the limits, by the rate and the memory measured on the first megabyte.

    What its first rows take is for the columns, whatever the rows.
    """
    if limits.seconds is None and limits.memory is None:
        return 1.0
    if source.size * (8 if source.packed else 1) < _SLOW_ENOUGH or text.encoding == "utf-16" or _quoted_breaks(text.sample):
        return 1.0
    began = time.monotonic()
    head = text.sample.encode(text.encoding)
    frame = _read_csv(io.BytesIO(head), dialect, text.encoding)
    took, few = time.monotonic() - began, b"".join(head.splitlines(keepends=True)[:_FEW])
    _read_csv(io.BytesIO(few), dialect, text.encoding)
    for_columns = time.monotonic() - began - took
    per_byte = max(_LEAST * took, took - for_columns) / len(head)
    size, passing = _true_size(source)
    share = 1.0
    if limits.memory is not None:
        share = min(share, limits.memory * len(head) / (size * float(frame.memory_usage(index=False, deep=True).sum())))
    if limits.seconds is None or per_byte * size * share + passing <= 0.8 * (limits.seconds - (time.monotonic() - began)):
        return share
    left = max(0.0, limits.seconds - (time.monotonic() - began))
    seen = max(0.001, min(1.0, _PASSING * left / passing))  # the share of the file that can be passed over
    return min(share, max(0.8 * left - seen * passing, 0.05 * limits.seconds) / (per_byte * size * seen))


def _true_size(source: Source) -> tuple[float, float]:
    """Bytes after unpacking and the seconds that unpacking takes, guessed from the first 16 MB."""
    if not source.packed:
        return float(source.size), source.size / 1e9
    started, length = time.monotonic(), 0
    with source.open() as stream:
        while length < _SLOW_ENOUGH and (block := stream.read(HEAD)):
            length += len(block)
        packed = getattr(stream, "fileobj", None)  # gzip tells how far it is; otherwise: tables pack to about a quarter
        ratio = length / max(1, packed.tell()) if packed is not None else 4.0
    return max(float(length), source.size * ratio), (time.monotonic() - started) * max(1.0, source.size * ratio / length)


def _quoted_breaks(sample: str) -> bool:
    return any(line.count('"') % 2 for line in sample.splitlines())


def _sampled(stream: BinaryIO, sample: Sample, *, header: bool, until: float | None) -> tuple[bytes, Sample]:
    """The header and a random share of the lines, a few neighbours at a time, and what was read in the end.

    It ends when so many blocks were read as the sample says, or, if it says none, early when the time is over.
    """
    rng, blocks = np.random.default_rng(sample.seed), 0
    with stream:
        header_line = stream.readline() if header else b""
        kept, first, rest = list[bytes](), b"", b""
        while block := stream.read(4 * HEAD):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            first = first or whole + newline
            kept.extend(lines for lines in _chosen(whole + newline, sample.share, rng) if lines.count(b'"') % 2 == 0)
            blocks += 1
            if blocks == sample.blocks or (until is not None and time.monotonic() > until):
                break
    return header_line + (b"".join(kept) or first), replace(sample, blocks=blocks)


def _chosen(block: bytes, share: float, rng: np.random.Generator) -> Iterator[bytes]:
    """The lines that begin in randomly chosen stretches of a block of whole lines; a line at a time would cost more than parsing it."""
    for place in np.flatnonzero(rng.random(-(-len(block) // _STRETCH)) < share).tolist():
        start = block.find(b"\n", place * _STRETCH - 1) + 1 if place else 0
        end = block.find(b"\n", (place + 1) * _STRETCH - 1) + 1 or len(block)
        if end > start and (start or not place):
            yield block[start:end]
