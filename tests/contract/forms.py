"""One table in every form that people keep tables in."""

from __future__ import annotations

import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from automl.table import Table, from_frame, read_table

N_ROWS = 120


def sample() -> pd.DataFrame:
    """Return rows of plain Python values: the table that all forms hold."""
    rng = np.random.default_rng(0)
    towns = np.array(["Rome", "Oslo", "Bonn, am Rhein", 'the "Hague"'])
    day = pd.Timestamp("2021-02-20") + pd.to_timedelta(rng.integers(0, 400, N_ROWS), unit="D")
    minute = day + pd.to_timedelta(rng.integers(0, 86_400, N_ROWS), unit="s")
    words = np.array(["bright", "quiet", "old", "large", "near the river", "with a garden"])
    frame = pd.DataFrame(
        {
            "area": (rng.gamma(4.0, 300.0, N_ROWS)).round(2),
            "share": (rng.random(N_ROWS)).round(3),
            "rooms": rng.integers(1, 9, N_ROWS).astype(float),
            "zip": np.array(["01234", "00501", "98101", "60601", "02139"])[
                rng.integers(0, 5, N_ROWS)
            ],
            "sold": rng.random(N_ROWS) < 0.5,
            "day": day,
            "minute": minute,
            "town": towns[rng.integers(0, 4, N_ROWS)],
            "class": [str(grade) for grade in rng.integers(1, 4, N_ROWS)],
            "took": pd.to_timedelta(rng.integers(60, 200_000, N_ROWS), unit="s"),
            "note": [
                " ".join(words[rng.permutation(6)[:4]]) + f" no {row}" for row in range(N_ROWS)
            ],
        }
    )
    frame["price"] = (
        200 * frame["area"] / 300
        + 30 * frame["sold"]
        + 10 * frame["rooms"]
        + 99 * (frame["town"] == "Oslo")
    ).round(2)
    frame["good"] = frame["price"] > frame["price"].median()
    frame.loc[3, "rooms"] = np.nan
    frame.loc[[5, 7], "town"] = None
    frame.loc[9, "area"] = np.nan
    frame.loc[11, "day"] = pd.NaT
    return frame


def _written(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame as a program writes it: days without a time, integers without a point."""
    day = frame["day"]
    days = day.dt.strftime("%Y-%m-%d").astype(object)
    return frame.assign(
        day=days.where(day.notna(), None),
        rooms=frame["rooms"].astype("Int64"),
        minute=frame["minute"].astype(str),
        took=frame["took"].astype(str),
    )


def _csv(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False)
    return read_table(path)


def _semicolons(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False, sep=";", decimal=",")
    return read_table(path)


def _quoted_tabs(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False, sep="\t", quoting=1)
    return read_table(path)


def _parquet(frame: pd.DataFrame, path: Path) -> Table:
    pyarrow.parquet.write_table(pa.Table.from_pandas(frame), path)
    return read_table(path)


def _feather(frame: pd.DataFrame, path: Path) -> Table:
    pyarrow.feather.write_feather(pa.Table.from_pandas(frame), path)
    return read_table(path)


def _excel(frame: pd.DataFrame, path: Path) -> Table:
    path = path.with_suffix(".xlsx")
    frame.to_excel(path, index=False)
    return read_table(path)


def _json_lines(frame: pd.DataFrame, path: Path) -> Table:
    objects = _written(frame).astype(object)
    rows = objects.where(frame.notna(), None).to_dict("records")
    lines = [json.dumps(row, default=str) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
    return read_table(path)


def _read_by_pandas(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False)
    return from_frame(pd.read_csv(path))


def _parsed_by_pandas(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False)
    types = {"zip": str, "class": str}
    parsed = pd.read_csv(path, parse_dates=["day", "minute"], dtype=types)
    return from_frame(parsed)


def _arrow_backed(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False)
    arrow = pd.read_csv(path, dtype_backend="pyarrow", engine="pyarrow")
    return from_frame(arrow)


def _objects(frame: pd.DataFrame, path: Path) -> Table:
    return from_frame(frame.astype(object))


def _floats(frame: pd.DataFrame, path: Path) -> Table:
    whole = ["rooms", "zip", "class", "sold"]
    return from_frame(frame.astype(dict.fromkeys(whole, float)))


def _categories(frame: pd.DataFrame, path: Path) -> Table:
    names = ["zip", "town", "class", "sold", "good", "rooms"]
    types = dict.fromkeys(names, "category")
    return from_frame(frame.astype(types))


def _python_objects(frame: pd.DataFrame, path: Path) -> Table:
    """Return dates without a time, decimals and Python's numbers, as databases give them."""
    days = [None if day is pd.NaT else day.date() for day in frame["day"]]
    areas = [None if area != area else decimal.Decimal(str(area)) for area in frame["area"]]
    rooms = [None if room != room else int(room) for room in frame["rooms"]]
    columns = {
        "day": days,
        "area": areas,
        "rooms": rooms,
        "minute": frame["minute"].dt.to_pydatetime().tolist(),
    }
    objects = {}
    for name, cells in columns.items():
        objects[name] = pd.Series(cells, dtype=object)
    return from_frame(frame.assign(**objects))


def _arrow_kinds(frame: pd.DataFrame, path: Path) -> Table:
    """Return Arrow's own types: dictionaries, days, decimals, small whole numbers."""
    table = pa.Table.from_pandas(frame)
    kinds = {
        "town": pa.dictionary(pa.int32(), pa.string()),
        "class": pa.dictionary(pa.int8(), pa.large_string()),
        "day": pa.date32(),
        "minute": pa.timestamp("s"),
        "rooms": pa.int8(),
        "note": pa.large_string(),
        "area": pa.decimal128(12, 2),
    }
    for name, kind in kinds.items():
        index = table.column_names.index(name)
        column = table[name].cast(kind, safe=False)
        table = table.set_column(index, name, column)
    return from_frame(table)


def _polars_kinds(frame: pd.DataFrame, path: Path) -> Table:
    """Return polars' own types: categories, days, decimals, small whole numbers."""
    kinds = {
        "town": pl.Categorical,
        "class": pl.Enum(["1", "2", "3"]),
        "day": pl.Date,
        "minute": pl.Datetime("ms"),
        "rooms": pl.UInt8,
        "area": pl.Decimal(12, 2),
    }
    polars = pl.from_pandas(frame)
    return from_frame(polars.cast(kinds).lazy())


def _shuffled(frame: pd.DataFrame, path: Path) -> Table:
    """Return columns in another order, under another index, with one more."""
    names = ["more", *reversed(frame.columns)]
    other = frame.assign(more=1)[names]
    index = pd.Index(range(7, 7 + len(frame)), name="town")
    return from_frame(other.set_index(index))


def _read_by_polars(frame: pd.DataFrame, path: Path) -> Table:
    _written(frame).to_csv(path, index=False)
    polars = pl.read_csv(path, try_parse_dates=True)
    return from_frame(polars)


FORMS: dict[str, Callable[[pd.DataFrame, Path], Table]] = {
    "csv": _csv,
    "csv with decimal commas": _semicolons,
    "tsv, all quoted": _quoted_tabs,
    "parquet": _parquet,
    "feather": _feather,
    "excel": _excel,
    "json lines": _json_lines,
    "pandas": lambda frame, path: from_frame(frame),
    "pandas read_csv": _read_by_pandas,
    "pandas read_csv, dates and texts named": _parsed_by_pandas,
    "pandas read_csv, Arrow": _arrow_backed,
    "pandas objects": _objects,
    "pandas nullable": lambda frame, path: from_frame(frame.convert_dtypes()),
    "pandas floats": _floats,
    "pandas categories": _categories,
    "polars": lambda frame, path: from_frame(pl.from_pandas(frame)),
    "polars read_csv": _read_by_polars,
    "polars, its own types": _polars_kinds,
    "arrow, its own types": _arrow_kinds,
    "python objects": _python_objects,
    "columns in another order": _shuffled,
    "dictionary": lambda frame, path: from_frame(frame.to_dict("list")),
    "records": lambda frame, path: from_frame(frame.to_dict("records")),
    "arrow": lambda frame, path: from_frame(pa.Table.from_pandas(frame)),
}


def tables(folder: Path) -> dict[str, Any]:
    """Return the table in all forms, by name."""
    frame = sample()
    by_form = {}
    for number, (name, make) in enumerate(FORMS.items()):
        path = folder / f"{number}.data"
        by_form[name] = make(frame, path)
    return by_form
