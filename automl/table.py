"""A raw table: a file's columns as text exactly as they stand, or a frame's columns as they are. Only this module reads."""

from __future__ import annotations

import bz2
import csv
import errno
import gzip
import io
import itertools
import json
import lzma
import os
import re
import sys
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from automl.errors import InputError, suggestion
from automl.files import require

Rows = npt.NDArray[np.int64]
Series = pd.Series  # of text or of any type; pandas-stubs makes it generic

HEAD = 1 << 20  # bytes that decide what a file is
LONGEST_LINE = 64 << 20
DENSE_LIMIT = 10**9  # bytes a sparse matrix may take once it is dense
SAMPLE_LINES = 200
_STRETCH = 4096  # bytes of neighbouring lines that a sample takes together
_PASSING = 0.5  # of the time may go into passing over a file; the rest is for parsing
_SLOW_ENOUGH = 16 << 20  # smaller files are read whole without measuring: they take less than half a second
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*")
_SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_READ_FAILURES = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


@dataclass(frozen=True)
class Note:
    """A fact found on reading, which becomes a finding."""

    code: str
    columns: tuple[str, ...]
    text: str
    count: int = 1


@dataclass(frozen=True)
class Table:
    """Named raw columns of equal length.

    Parameters
    ----------
    columns : mapping of str to pandas.Series
        Text exactly as it stands in the file (an empty string for an empty cell), or a frame's columns as they are.
    n_rows : int
    source : str
        The name used in messages.
    textual : bool
        Whether all columns are text, read from a text file.
    notes : tuple of Note

    Examples
    --------
    >>> table = from_frame({"a": [1, 2, 3], "b": ["x", "y", "z"]})
    >>> table.names, table.take([2, 0]).columns["b"].tolist(), table.drop(["a"]).names
    (('a', 'b'), ['z', 'x'], ('b',))
    """

    columns: Mapping[str, pd.Series[Any]]
    n_rows: int
    source: str
    textual: bool = False
    notes: tuple[Note, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self.columns)

    def __getitem__(self, name: str) -> pd.Series[Any]:
        if name not in self.columns:
            raise InputError(f"{self.source}: no column {name!r}.{suggestion(name, self.columns)}")
        return self.columns[name]

    def take(self, rows: Sequence[int] | Rows) -> Table:
        """The same table with some of its rows, by position."""
        at = np.asarray(rows, np.int64)
        columns = {name: column.take(at).reset_index(drop=True) for name, column in self.columns.items()}
        return replace(self, columns=columns, n_rows=len(at))

    def drop(self, names: Iterable[str]) -> Table:
        """The same table without these columns."""
        gone = set(names)
        return replace(self, columns={name: column for name, column in self.columns.items() if name not in gone})

    def to_frame(self) -> pd.DataFrame:
        """The columns as a pandas frame."""
        return pd.DataFrame(dict(self.columns), index=pd.RangeIndex(self.n_rows))


# --- from Python ------------------------------------------------------------------------------------------------------------------


def from_frame(X: Any, *, source: str = "X") -> Table:
    """A table from what people hold in Python.

    Parameters
    ----------
    X : pandas DataFrame or Series, polars DataFrame or Series, pyarrow Table, NumPy array or SciPy sparse matrix of shape
        (n_rows, n_columns), dictionary of columns, list of rows
    source : str
        The name used in messages.

    Raises
    ------
    InputError
        For anything that isn't a real table, in scikit-learn's words where it has some.

    Examples
    --------
    >>> import numpy as np
    >>> from_frame(np.zeros((2, 3))).names
    ('x0', 'x1', 'x2')
    """
    if isinstance(X, Table):
        return X
    frame = _as_frame(X, source)
    _check_shape(frame.shape)
    names, notes = _unique_names([str(name) for name in frame.columns])
    columns: dict[str, pd.Series[Any]] = {}
    for place, name in enumerate(names):
        column = frame.iloc[:, place].reset_index(drop=True)
        if column.dtype.kind == "c":
            raise InputError(f"{source}: Complex data not supported: column {name!r}")
        columns[name] = column
    return Table(columns, len(frame), source, textual=False, notes=tuple(notes))


def _as_frame(X: Any, source: str) -> pd.DataFrame:
    for takes, make in _MAKERS:
        if takes(X):
            return make(X, source)
    raise InputError(f"{source}: a {type(X).__name__} is not a table. Give a data frame, a 2-D array or a dictionary of columns.")


def _is_from(library: str) -> Callable[[Any], bool]:
    """Whether a value is of a library that need not be installed."""
    return lambda value: type(value).__module__.partition(".")[0] == library


def _from_polars(X: Any, source: str) -> pd.DataFrame:
    """Column by column, so that pyarrow is not needed."""
    import polars as pl  # it is there: X came from it

    if isinstance(X, pl.LazyFrame):
        X = X.collect()
    if isinstance(X, pl.Series):
        X = X.to_frame(X.name or "x0")
    columns: list[pd.Series[Any]] = []
    for column in X.get_columns():
        kind = column.dtype
        if kind.is_numeric() and not kind.is_decimal():
            columns.append(pd.Series(column.to_numpy()))
        elif kind in (pl.Categorical, pl.Enum):
            columns.append(pd.Series(pd.Categorical(column.cast(pl.String).to_list())))
        elif kind.is_temporal() and kind != pl.Time:
            columns.append(pd.to_datetime(pd.Series(column.to_list())) if kind != pl.Duration else pd.Series(column.to_numpy()))
        else:
            columns.append(pd.Series(column.to_list(), dtype=object))
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(X.height))
    frame.columns = pd.Index(list(X.columns), dtype=object)
    return frame


def _dense(X: Any, source: str) -> npt.NDArray[Any]:
    size = int(np.prod(X.shape)) * 8
    if size > DENSE_LIMIT:
        raise InputError(
            f"{source}: a sparse matrix of shape {X.shape} takes {size / 1e9:.1f} GB when dense; at most 1 GB is taken. Give fewer columns."
        )
    return np.asarray(X.toarray())


def _from_mapping(X: Mapping[Any, Any], source: str) -> pd.DataFrame:
    try:
        return pd.DataFrame({name: list(values) if isinstance(values, tuple) else values for name, values in X.items()})
    except (ValueError, TypeError) as error:
        raise InputError(f"{source}: the dictionary is not a table: {_one_line(error)}") from None


def _from_array(X: npt.NDArray[Any], source: str) -> pd.DataFrame:
    if X.dtype.names:
        return pd.DataFrame({name: X[name] for name in X.dtype.names})
    if X.dtype.kind == "c":
        raise InputError(f"{source}: Complex data not supported: an array of {X.dtype}")
    if X.ndim != 2:
        raise InputError(_wrong_dimensions(X.ndim, source))
    _check_shape(X.shape)
    frame = pd.DataFrame(X, columns=pd.Index([f"x{place}" for place in range(X.shape[1])]))
    return frame.infer_objects() if X.dtype == object else frame


def _wrong_dimensions(ndim: int, source: str) -> str:
    if ndim > 2:
        return f"{source}: Found array with dim {ndim}, while dim <= 2 is required."
    what = "1D array" if ndim else "scalar array"
    return (
        f"{source}: Expected 2D array, got {what} instead. Reshape your data either using array.reshape(-1, 1) if it has a single feature"
        " or array.reshape(1, -1) if it contains a single sample."
    )


def _from_rows(X: Sequence[Any], source: str) -> pd.DataFrame:
    if X and isinstance(X[0], Mapping):
        return pd.DataFrame(list(X))
    if not X or not all(isinstance(row, (list, tuple, np.ndarray)) for row in X):
        raise InputError(_wrong_dimensions(1, source))
    widths = Counter(len(row) for row in X)
    if len(widths) > 1:
        raise InputError(f"{source}: rows of different lengths: {', '.join(map(str, sorted(widths)[:5]))}")
    names = pd.Index([f"x{place}" for place in range(len(X[0]))])
    return pd.DataFrame([list(row) for row in X], columns=names)


def _check_shape(shape: tuple[int, ...]) -> None:
    if shape[1] == 0:
        raise InputError(f"0 feature(s) (shape={shape}) while a minimum of 1 is required.")
    if shape[0] == 0:
        raise InputError(f"Found array with 0 sample(s) (shape={shape}) while a minimum of 1 is required.")


_MAKERS: tuple[tuple[Callable[[Any], bool], Callable[[Any, str], pd.DataFrame]], ...] = (
    (lambda X: isinstance(X, pd.DataFrame), lambda X, source: X),
    (lambda X: isinstance(X, pd.Series), lambda X, source: X.to_frame(name="x0" if X.name is None else X.name)),
    (_is_from("polars"), _from_polars),
    (_is_from("pyarrow"), lambda X, source: X.to_pandas()),
    (lambda X: hasattr(X, "tocsr"), lambda X, source: _from_array(_dense(X, source), source)),
    (lambda X: isinstance(X, Mapping), _from_mapping),
    (lambda X: hasattr(X, "__array__"), lambda X, source: _from_array(np.asarray(X), source)),
    (lambda X: isinstance(X, (list, tuple)), _from_rows),
)


def _unique_names(names: Sequence[str]) -> tuple[list[str], list[Note]]:
    """Names that differ: blank ones get their place, repeated ones a number."""
    notes: list[Note] = []
    filled = [name if name.strip() else f"column_{place}" for place, name in enumerate(names, 1)]
    blank = tuple(new for new, old in zip(filled, names, strict=True) if not old.strip())
    if blank:
        notes.append(Note("header_blank", blank, "columns without a name were named by their place", len(blank)))
    taken, seen, unique = set(filled), set[str](), []
    for old in filled:
        name = old
        if old in seen:
            name = next(new for number in itertools.count(2) if (new := f"{old}.{number}") not in taken)
            taken.add(name)
        seen.add(name)
        unique.append(name)
    repeated = tuple(dict.fromkeys(old for new, old in zip(unique, filled, strict=True) if new != old))
    if repeated:
        renamed = ", ".join(new for new, old in zip(unique, filled, strict=True) if new != old)
        notes.append(
            Note("header_duplicate", repeated, f"columns of the same name were renamed: {renamed}", len(unique) - len(set(filled)))
        )
    return unique, notes


# --- from a file ------------------------------------------------------------------------------------------------------------------


_Stored = Path | io.BytesIO


def _plain(stored: _Stored) -> BinaryIO:
    return open(stored, "rb") if isinstance(stored, Path) else stored


@dataclass(frozen=True)
class _Source:
    """Bytes that can be opened again and again: a file, or what came through a pipe."""

    name: str
    stored: Path | bytes
    size: int  # bytes as stored
    unpack: Callable[[_Stored], BinaryIO] = _plain

    @property
    def packed(self) -> bool:
        return self.unpack is not _plain

    def open(self) -> BinaryIO:
        return self.unpack(io.BytesIO(self.stored) if isinstance(self.stored, bytes) else self.stored)

    def head(self, size: int = HEAD) -> bytes:
        with self.open() as stream:
            return stream.read(size)


def read_table(path: str | Path, *, seconds: float | None = None, seed: int = 0) -> Table:
    """Read a table from a file, by what is in it.

    CSV of any separator, quoting, encoding and compression, TSV, Parquet, Feather, Excel or JSON lines.

    Parameters
    ----------
    path : str or Path
        `-` reads standard input.
    seconds : float, optional
        A text file that can't be read in this time is sampled, with a note.
    seed : int
        Chooses the sample.

    Raises
    ------
    InputError
        One line that says why the file can't be read.
    """
    source = _source(path)
    try:
        return _read(_unpacked(source), seconds, seed)
    except _READ_FAILURES as error:
        raise InputError(f"{source.name}: can't be read: {_one_line(error)}") from None
    except UnicodeError as error:
        raise InputError(f"{source.name}: can't be decoded: {_one_line(error)}") from None
    except MemoryError:
        raise InputError(f"{source.name}: doesn't fit into memory") from None


def _source(path: str | Path) -> _Source:
    if str(path) == "-":
        held = sys.stdin.buffer.read()
        source = _Source("stdin", held, len(held))
    else:
        source = _file_source(Path(path))
    if source.size == 0:
        raise InputError(f"{source.name}: the file is empty")
    return source


def _file_source(path: Path) -> _Source:
    try:
        if path.is_dir():
            raise InputError(f"{path}: is a folder, not a file")
        with open(path, "rb") as stream:  # a pipe has no size; it is read once
            if not path.is_file():
                held = stream.read()
                return _Source(str(path), held, len(held))
        return _Source(str(path), path, path.stat().st_size)
    except InputError:
        raise
    except FileNotFoundError:
        known = [item.name for item in path.parent.iterdir()] if path.parent.is_dir() else []
        raise InputError(f"{path}: no such file.{suggestion(path.name, known)}") from None
    except (OSError, ValueError) as error:
        reason = "permission denied" if getattr(error, "errno", None) == errno.EACCES else _one_line(error)
        raise InputError(f"{path}: can't be read: {reason}") from None


_PACKERS: tuple[tuple[bytes, Callable[..., Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


def _unpacked(source: _Source) -> _Source:
    head = source.head(64)
    for magic, unpack in _PACKERS:
        if head.startswith(magic):
            packed = replace(source, unpack=unpack)
            if not packed.head(1):
                raise InputError(f"{source.name}: the file is empty")
            return packed
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        raise InputError(f"{source.name}: Zstandard compression can't be read. Compress it with gzip.")
    return _unzipped(source) if head.startswith(b"PK\x03\x04") else source


def _unzipped(source: _Source) -> _Source:
    """The one file of a zip archive; an Excel file stays as it is."""
    with source.open() as stream, zipfile.ZipFile(stream) as archive:
        names = [item.filename for item in archive.infolist() if not item.is_dir() and not item.filename.startswith("__MACOSX")]
    if any(name.startswith(("xl/", "[Content_Types]")) for name in names):
        return source
    if len(names) != 1:
        raise InputError(f"{source.name}: a zip archive with {len(names)} files. Give one table.")
    return replace(source, unpack=lambda stored: cast(BinaryIO, zipfile.ZipFile(stored).open(names[0])))


def _read(source: _Source, seconds: float | None, seed: int) -> Table:
    magic = source.head(8)
    if magic.startswith(b"PAR1"):
        return _read_arrow(source, "pyarrow.parquet", "Parquet")
    if magic.startswith((b"ARROW1", b"FEA1")):
        return _read_arrow(source, "pyarrow.feather", "Feather")
    if magic.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return _read_excel(source)
    text = _look(source)
    if text.sample.lstrip()[:1] in ("{", "[") and (records := _read_json(source, text)) is not None:
        return records
    return _read_delimited(source, text, seconds, seed)


def _read_arrow(source: _Source, module: str, what: str) -> Table:
    reader = require(module, "parquet", f"reading {what}")
    arrow = require("pyarrow", "parquet", f"reading {what}")
    try:
        with source.open() as stream:
            frame = reader.read_table(io.BytesIO(stream.read())).to_pandas()
    except (arrow.ArrowException, ValueError) as error:
        raise InputError(f"{source.name}: a damaged {what} file: {_one_line(error)}") from None
    return _from_read(frame, source)


def _read_excel(source: _Source) -> Table:
    calamine = require("python_calamine", "excel", "reading Excel")
    with source.open() as stream:
        held = io.BytesIO(stream.read())
    try:  # object: cells that hold the text 01234 keep their zeros; no null words: NA may be a class
        frame = pd.read_excel(held, engine="calamine", dtype=object, keep_default_na=False, na_values=[""])
    except (calamine.CalamineError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{source.name}: a damaged Excel file: {_one_line(error)}") from None
    frame.columns = pd.Index(["" if str(name).startswith("Unnamed: ") else str(name) for name in frame.columns])
    return _from_read(frame.infer_objects(), source)


def _from_read(frame: pd.DataFrame, source: _Source) -> Table:
    if frame.index.names != [None]:  # pandas keeps a named index in Parquet: it is a column to everybody else
        frame = frame.reset_index()
    if frame.shape[1] == 0:
        raise InputError(f"{source.name}: the table has no columns")
    if len(frame) == 0:
        raise InputError(f"{source.name}: the table has a header and no rows")
    return from_frame(frame, source=source.name)


# --- text files -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Look:
    """What the first megabyte shows."""

    encoding: str
    sample: str  # whole lines, unless the file ends in the middle of one


def _look(source: _Source) -> _Look:
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
    return _Look(encoding, sample)


def _refuse_endless_line(source: _Source) -> None:
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


def _read_json(source: _Source, text: _Look) -> Table | None:
    """Objects, one a line or in one array; None if it isn't JSON after all."""
    with source.open() as stream:
        lines = io.TextIOWrapper(stream, text.encoding)
        if text.sample.lstrip().startswith("["):
            return _read_json_array(source, lines)
        records: list[Any] = []
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                if not records:
                    return None
                raise InputError(f"{source.name}: line {number} is not JSON: {_one_line(error)}") from None
            if not isinstance(record, dict):
                raise InputError(f"{source.name}: line {number} is not a JSON object")
            records.append(record)
    return _from_read(pd.DataFrame(records, dtype=object).infer_objects(), source)


def _read_json_array(source: _Source, lines: io.TextIOWrapper) -> Table | None:
    try:
        records = json.load(lines)
    except (ValueError, RecursionError):
        return None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        return None
    return _from_read(pd.DataFrame(records, dtype=object).infer_objects(), source)


@dataclass(frozen=True)
class _Dialect:
    """How a delimited text is to be cut."""

    separator: str
    names: list[str]
    header: bool
    spaced_quotes: bool
    trailing: bool  # every data line ends with one more separator than the header
    notes: tuple[Note, ...]


def _read_delimited(source: _Source, text: _Look, seconds: float | None, seed: int) -> Table:
    dialect = _dialect(text, source.name)
    notes = list(dialect.notes)
    began = time.monotonic()
    share = 1.0 if seconds is None else _affordable(source, text, dialect, seconds)
    held = None
    if seconds is not None and share < 1:
        held = _sampled(source.open(), share, np.random.default_rng(seed), header=dialect.header, until=began + _PASSING * seconds)
    frame, encoding = _parse(source, dialect, text.encoding, held)
    if dialect.trailing:
        frame = frame.iloc[:, :-1]
    if len(frame) == 0:
        raise InputError(f"{source.name}: the table has a header and no rows")
    if encoding not in ("utf-8", "utf-8-sig"):
        notes.append(Note("encoding", (), f"the file is encoded in {encoding}"))
    if held is not None:
        what = f"a random sample of {len(frame)} rows was read: reading all takes longer than {seconds:.3g} s"
        notes.append(Note("sampled", (), what, len(frame)))
    columns = {name: frame.iloc[:, place] for place, name in enumerate(frame.columns)}
    return Table(columns, len(frame), source.name, textual=True, notes=tuple(notes))


def _parse(source: _Source, dialect: _Dialect, encoding: str, held: bytes | None) -> tuple[pd.DataFrame, str]:
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


def _codecs(encoding: str, source: _Source) -> Iterator[str]:
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
    return f"can't be read as a table: {_one_line(message)}"


def _dialect(text: _Look, name: str) -> _Dialect:
    separator, rows = _separator(text.sample)
    header = _has_header(rows)
    if header and len(rows) == 1:
        raise InputError(f"{name}: the table has a header and no rows")
    raw = rows[0] if header else [f"c{place}" for place in range(1, len(rows[0]) + 1)]
    widths = Counter(len(row) for row in rows[1:])
    trailing = header and bool(widths) and set(widths) == {len(raw) + 1} and all(row[-1] == "" for row in rows[1:])
    if header and len(raw) > 1 and raw[-1] == "" and all(row[-1] == "" for row in rows if len(row) == len(raw)):
        raw, trailing = raw[:-1], True  # the header ends with a separator, too
    names, notes = _unique_names(raw)
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


# --- sampling ---------------------------------------------------------------------------------------------------------------------


def _affordable(source: _Source, text: _Look, dialect: _Dialect, seconds: float) -> float:
    """The share of rows that can be read in time, from the rate measured on the first megabyte."""
    if source.size * (8 if source.packed else 1) < _SLOW_ENOUGH or text.encoding == "utf-16" or _quoted_breaks(text.sample):
        return 1.0
    began = time.monotonic()
    head = text.sample.encode(text.encoding)
    _read_csv(io.BytesIO(head), dialect, text.encoding)
    per_byte = (time.monotonic() - began) / len(head)
    size, passing = _true_size(source)
    left = max(0.0, seconds - (time.monotonic() - began))
    if per_byte * size + passing <= 0.8 * left:
        return 1.0
    seen = max(0.001, min(1.0, _PASSING * left / passing))  # the share of the file that can be passed over
    return min(1.0, max(0.8 * left - seen * passing, 0.05 * seconds) / (per_byte * size * seen))


def _true_size(source: _Source) -> tuple[float, float]:
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


def _sampled(stream: BinaryIO, share: float, rng: np.random.Generator, *, header: bool, until: float) -> bytes:
    """The header and a random share of the lines, a few neighbours at a time; it ends early when the time is over."""
    with stream:
        header_line = stream.readline() if header else b""
        kept, first, rest = list[bytes](), b"", b""
        while block := stream.read(4 * HEAD):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            first = first or whole + newline
            kept.extend(lines for lines in _chosen(whole + newline, share, rng) if lines.count(b'"') % 2 == 0)
            if time.monotonic() > until:
                break
    return header_line + (b"".join(kept) or first)


def _chosen(block: bytes, share: float, rng: np.random.Generator) -> Iterator[bytes]:
    """The lines that begin in randomly chosen stretches of a block of whole lines; a line at a time would cost more than parsing it."""
    for place in np.flatnonzero(rng.random(-(-len(block) // _STRETCH)) < share).tolist():
        start = block.find(b"\n", place * _STRETCH - 1) + 1 if place else 0
        end = block.find(b"\n", (place + 1) * _STRETCH - 1) + 1 or len(block)
        if end > start and (start or not place):
            yield block[start:end]


def _one_line(error: object) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()).rstrip(".")[:300] or os.strerror(errno.EIO)
