"""JSON: objects, one a line or in an array, and the forms in which pandas writes a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from automl.errors import InputError, one_line
from automl.table.form import Form
from automl.table.frames import from_read
from automl.table.headers import has_header, made_names, place_of_names
from automl.table.raw import Note, Request, Table
from automl.table.source import Look, Source
from automl.table.stream import open_lines

DEEPEST = 4  # objects around the list of records
_FORMS = "JSON lines, a list of objects, a list of rows, or an object of columns"


def read_json(source: Source, text: Look, request: Request) -> Table | None:
    """Read a table from JSON; None if it isn't JSON after all."""
    lines = _lines(source, text, request)
    if lines is not None:
        return _told(pd.DataFrame(lines, dtype=object), "lines", source, request)
    with open_lines(source, Form(encoding=text.encoding), damaged=text.damaged) as stream:
        content = stream.read().decode("utf-8", "replace")
    try:
        value = _whole(content)
    except (ValueError, RecursionError):
        return None
    if value in ([], {}):
        raise InputError(f"{source.name}: the JSON holds nothing, not even names of columns")
    frame, layout = _framed(value, request)
    if frame is None:
        raise InputError(
            f"{source.name}: no table is found in the JSON. What can be read: {_FORMS}."
        )
    return _told(frame, layout, source, request)


def _told(frame: pd.DataFrame, layout: str, source: Source, request: Request) -> Table:
    notes = (
        []
        if layout in ("lines", "records")
        else [Note("json_layout", (), f"the JSON holds the table as {layout}")]
    )
    form = Form(kind="json", layout=layout)
    return from_read(frame.infer_objects(), source.name, form, request, notes)


def _lines(source: Source, text: Look, request: Request) -> list[dict[str, Any]] | None:
    """The objects of JSON lines; None if the first line is no object of its own."""
    records: list[dict[str, Any]] = []
    with open_lines(source, Form(encoding=text.encoding), damaged=text.damaged) as stream:
        for number, line in enumerate(stream, 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                if not records:
                    return None
                raise InputError(
                    f"{source.name}: line {number} is not JSON: {one_line(error)}"
                ) from None
            if not isinstance(record, dict):
                if not records:
                    return None
                raise InputError(f"{source.name}: line {number} is not a JSON object")
            records.append(record)
    return records if len(records) > 1 or (records and _is_record(records[0], request)) else None


def _is_record(value: dict[str, Any], request: Request) -> bool:
    """Whether an object is one row, and no table of many."""
    is_plain = [not isinstance(cell, (dict, list)) for cell in value.values()]
    has_needs = bool(request.needs) and set(request.needs) <= set(value)
    return any(is_plain) and (all(is_plain) or has_needs)


def _whole(content: str) -> Any:
    """The value of a text, or the list of values that follow each other in it."""
    decoder = json.JSONDecoder()
    values: list[Any] = []
    place = 0
    while place < len(content):
        if content[place].isspace() or (values and content[place] == ","):
            place += 1
            continue
        value, place = decoder.raw_decode(content, place)
        values.append(value)
    if not values:
        raise ValueError("nothing")
    return values[0] if len(values) == 1 else values


def _framed(value: Any, request: Request) -> tuple[pd.DataFrame | None, str]:
    """A value as a frame, and what its layout is called."""
    if isinstance(value, list):
        return _from_list(value, request)
    if not isinstance(value, dict):
        return None, ""
    if _is_split(value):
        return pd.DataFrame(
            value["data"], columns=pd.Index(value["columns"]), dtype=object
        ), "split"
    if _is_record(value, request):
        return pd.DataFrame([value], dtype=object), "records"
    records = _inner_list(value, request)
    if records is not None:
        return _from_list(records, request)
    if all(isinstance(column, dict) for column in value.values()):
        return _from_objects(value, request)
    if (
        all(isinstance(column, list) for column in value.values())
        and len({len(column) for column in value.values()}) == 1
    ):
        return pd.DataFrame(value, dtype=object), "columns"
    return None, ""


def _from_list(value: list[Any], request: Request) -> tuple[pd.DataFrame | None, str]:
    if value and all(isinstance(row, dict) for row in value):
        return pd.DataFrame(value, dtype=object), "records"
    if not value or not all(isinstance(row, list) for row in value) or not any(value):
        return None, ""
    width = max(map(len, value))
    rows = [[*row, *[None] * (width - len(row))] for row in value]
    shown = [["" if cell is None else str(cell) for cell in row] for row in rows[:200]]
    place = place_of_names(shown, request.needs)
    all_words = all(isinstance(cell, str) for cell in rows[0])
    if place is not None or (all_words and has_header(shown)):
        at = place or 0
        return pd.DataFrame(rows[at + 1 :], columns=pd.Index(shown[at]), dtype=object), "values"
    return pd.DataFrame(rows, columns=pd.Index(made_names(width)), dtype=object), "values"


def _is_split(value: dict[str, Any]) -> bool:
    """Whether names and rows stand apart, as pandas writes with orient="split"."""
    columns, data = value.get("columns"), value.get("data")
    if not isinstance(columns, list) or not isinstance(data, list):
        return False
    return all(isinstance(row, list) and len(row) == len(columns) for row in data) and not any(
        isinstance(name, dict) for name in columns
    )


def _inner_list(value: dict[str, Any], request: Request) -> list[Any] | None:
    """The list of records or rows that objects stand around: the one with the needed names, else the longest."""
    found = [
        rows for rows in _lists(value, 0) if rows and all(isinstance(row, dict) for row in rows)
    ]
    named = [
        rows for rows in found if request.needs and set(request.needs) <= set(map(str, rows[0]))
    ]
    records = max(named or found, key=len, default=None)
    key = _primary_key(value)
    if records is not None and key is not None:
        return [{name: cell for name, cell in record.items() if name != key} for record in records]
    return records


def _primary_key(value: dict[str, Any]) -> str | None:
    """The name of the index that pandas writes with orient="table"."""
    schema = value.get("schema")
    key = schema.get("primaryKey") if isinstance(schema, dict) else None
    return "index" if key == ["index"] else None


def _lists(value: dict[str, Any], depth: int) -> Iterator[list[Any]]:
    for name, inner in value.items():
        if isinstance(inner, list) and not (depth == 0 and name == "schema"):
            yield inner
        elif isinstance(inner, dict) and depth < DEEPEST and name != "schema":
            yield from _lists(inner, depth + 1)


def _from_objects(value: dict[str, Any], request: Request) -> tuple[pd.DataFrame | None, str]:
    """Columns by row, or rows by column, as pandas writes with orient="columns" or "index"."""
    inner = set().union(*(map(str, one) for one in value.values()))
    needs = set(request.needs)
    by_row = (
        needs <= inner and not needs <= set(value)
        if needs
        else _count_up(value) and not _count_up(inner)
    )
    if not inner:
        return None, ""
    if by_row:
        return pd.DataFrame(list(value.values()), dtype=object), "index"
    rows = list(dict.fromkeys(key for column in value.values() for key in column))
    return pd.DataFrame(
        {name: [column.get(key) for key in rows] for name, column in value.items()}, dtype=object
    ), "columns"


def _count_up(keys: Any) -> bool:
    return all(str(key).isdecimal() for key in keys)
