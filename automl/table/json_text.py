"""JSON: objects, one a line or in an array, and the layouts in which pandas writes a table."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from automl.errors import InputError, one_line
from automl.table.form import FileFormat
from automl.table.frames import from_file_frame
from automl.table.headers import find_header, has_header, numbered_names
from automl.table.raw import Note, Request, Table
from automl.table.source import Source, TextHead
from automl.table.stream import open_lines

MAX_DEPTH = 4  # of objects around the list of records
N_SAMPLE_ROWS = 200  # that show where the header is
_READABLE = "JSON lines, a list of objects, a list of rows, or an object of columns"

Object = dict[str, Any]
Layout = tuple[pd.DataFrame, str]


def read_json(source: Source, text: TextHead, request: Request) -> Table | None:
    """Read a table from JSON; None if it isn't JSON after all."""
    records = _read_lines(source, text, request)
    if records is not None:
        frame = _frame(records)
        return _table(frame, "lines", source, request)
    form = FileFormat(encoding=text.encoding)
    with open_lines(source, form, damaged=text.is_damaged) as stream:
        content = stream.read().decode("utf-8", "replace")
    try:
        value = _parse(content)
    except (ValueError, RecursionError):
        return None
    if value in ([], {}):
        raise InputError(f"{source.name}: the JSON holds nothing, not even names of columns")
    result = _find_table(value, source.name, request)
    if result is None:
        raise InputError(
            f"{source.name}: no table is found in the JSON. These can be read: {_READABLE}."
        )
    frame, layout = result
    return _table(frame, layout, source, request)


def _table(frame: pd.DataFrame, layout: str, source: Source, request: Request) -> Table:
    notes = []
    if layout not in ("lines", "records"):
        what = f"the JSON holds the table as {layout}"
        note = Note("json_layout", (), what)
        notes.append(note)
    form = FileFormat(kind="json", layout=layout)
    frame = frame.infer_objects()
    return from_file_frame(frame, source.name, form, request, notes)


def _read_lines(source: Source, text: TextHead, request: Request) -> list[Object] | None:
    """Return the objects of JSON lines; None if the first line is not an object of its own."""
    records: list[Object] = []
    form = FileFormat(encoding=text.encoding)
    with open_lines(source, form, damaged=text.is_damaged) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            is_first = not records
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                if is_first:
                    return None
                reason = one_line(error)
                raise InputError(f"{source.name}: line {number} is not JSON: {reason}") from None
            if not isinstance(record, dict):
                if is_first:
                    return None
                raise InputError(f"{source.name}: line {number} is not a JSON object")
            records.append(record)
    if not records:
        return None
    if len(records) == 1 and not _is_record(records[0], request):
        return None
    return records


def _is_record(value: Object, request: Request) -> bool:
    """Return whether an object is one row, and no table of many."""
    n_nested = 0
    for cell in value.values():
        n_nested += isinstance(cell, (dict, list))
    if n_nested == len(value):
        return False
    return n_nested == 0 or _has_needs(value, request)


def _has_needs(names: Iterable[str], request: Request) -> bool:
    """Return whether names include all that are needed, of which there must be some."""
    needs = set(request.needs)
    if not needs:
        return False
    return needs.issubset(names)


def _parse(content: str) -> Any:
    """Return the value of a text, or the list of values that follow each other in it."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    position = 0
    while position < len(content):
        character = content[position]
        is_comma = bool(values) and character == ","
        if is_comma or character.isspace():
            position += 1
            continue
        value, position = decoder.raw_decode(content, position)
        values.append(value)
    if not values:
        raise ValueError("nothing")
    if len(values) == 1:
        return values[0]
    return values


def _find_table(value: Any, source: str, request: Request) -> Layout | None:
    """Return the table in a value as a frame, and its layout's name; None if there is none."""
    if isinstance(value, list):
        return _from_list(value, request)
    if not isinstance(value, dict):
        return None
    if _is_split(value):
        _refuse_lists(value["columns"], source)
        frame = _frame(value["data"], value["columns"])
        return frame, "split"
    if _is_record(value, request):
        frame = _frame([value])
        return frame, "records"
    records = _inner_records(value, request)
    if records is not None:
        return _from_list(records, request)
    columns = list(value.values())
    if _are_all(columns, dict):
        return _from_objects(value, request)
    if _are_all(columns, list):
        lengths = set(map(len, columns))
        if len(lengths) == 1:
            return _frame(value), "columns"
    return None


def _frame(data: Any, names: list[Any] | None = None) -> pd.DataFrame:
    columns = None
    if names is not None:
        columns = pd.Index(names)
    return pd.DataFrame(data, columns=columns, dtype=object)


def _are_all(values: Iterable[Any], kind: type) -> bool:
    return all(isinstance(value, kind) for value in values)


def _from_list(value: list[Any], request: Request) -> Layout | None:
    """Return the table of a list of objects or of a list of rows."""
    if value and _are_all(value, dict):
        return _frame(value), "records"
    is_filled = any(value)
    if not is_filled or not _are_all(value, list):
        return None
    width = max(map(len, value))
    rows = []
    for row in value:
        n_missing = width - len(row)
        cells = [*row, *[None] * n_missing]
        rows.append(cells)
    first_rows = rows[:N_SAMPLE_ROWS]
    words = list(map(_words, first_rows))
    header = find_header(words, request.needs)
    if header is None and _are_all(rows[0], str):
        header = 0 if has_header(words) else None
    names = numbered_names(width)
    if header is not None:
        names = words[header]
        rows = rows[header + 1 :]
    frame = _frame(rows, names)
    return frame, "values"


def _words(row: list[Any]) -> list[str]:
    words = []
    for cell in row:
        word = "" if cell is None else str(cell)
        words.append(word)
    return words


def _is_split(value: Object) -> bool:
    """Return whether names and rows are apart, as pandas writes with orient="split"."""
    columns = value.get("columns")
    data = value.get("data")
    if not isinstance(columns, list):
        return False
    if not isinstance(data, list) or not _are_all(data, list):
        return False
    widths = set(map(len, data))
    if not widths <= {len(columns)}:
        return False
    return not any(isinstance(name, dict) for name in columns)


def _refuse_lists(names: list[Any], source: str) -> None:
    """Refuse names of columns that are lists, as pandas writes those of several levels."""
    for name in names:
        if isinstance(name, list):
            shown = one_line(name)[:50]
            raise InputError(
                f"{source}: the JSON names a column by the list {shown}. Name each by one text."
            )


def _inner_records(value: Object, request: Request) -> list[Any] | None:
    """Return the list of records within objects: the one with the needed names, else the longest.

    Without the index that pandas writes with orient="table".
    """
    lists = []
    with_needs = []
    for rows in _lists(value, 0):
        if not rows or not _are_all(rows, dict):
            continue
        lists.append(rows)
        names = map(str, rows[0])
        if _has_needs(names, request):
            with_needs.append(rows)
    records = max(with_needs or lists, key=len, default=None)
    if records is None or not _has_pandas_index(value):
        return records
    without_index = []
    for record in records:
        cells = dict(record)
        cells.pop("index", None)
        without_index.append(cells)
    return without_index


def _has_pandas_index(value: Object) -> bool:
    """Return whether records have an index as pandas writes it with orient="table"."""
    schema = value.get("schema")
    if not isinstance(schema, dict):
        return False
    key = schema.get("primaryKey")
    return bool(key == ["index"])


def _lists(value: Object, depth: int) -> Iterator[list[Any]]:
    """Yield all lists within objects, but not those of a schema."""
    for name, inner in value.items():
        is_schema = name == "schema"
        if isinstance(inner, list):
            if depth > 0 or not is_schema:
                yield inner
        elif isinstance(inner, dict) and depth < MAX_DEPTH and not is_schema:
            yield from _lists(inner, depth + 1)


def _from_objects(value: Object, request: Request) -> Layout | None:
    """Return the table of an object of objects.

    They are columns by row, or rows by column, as pandas writes with orient="columns" or "index".
    """
    inner: set[str] = set()
    for keys in value.values():
        inner.update(map(str, keys))
    if not inner:
        return None
    needs = set(request.needs)
    if needs:
        has_rows = needs <= inner and not needs <= set(value)
    else:
        has_rows = _are_numbers(value) and not _are_numbers(inner)
    if has_rows:
        rows = list(value.values())
        return _frame(rows), "index"
    row_names: dict[str, None] = {}
    for column in value.values():
        row_names.update(dict.fromkeys(column))
    columns = {}
    for name, column in value.items():
        cells = map(column.get, row_names)
        columns[name] = list(cells)
    return _frame(columns), "columns"


def _are_numbers(keys: Iterable[str]) -> bool:
    return all(key.isdecimal() for key in keys)
