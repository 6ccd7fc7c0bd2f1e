"""Small tables that tests of cleaning share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from automl.cleaning import Cleaned, CleanOptions, clean
from automl.columns import Categories, Columns, Numbers
from automl.table import Table, read_table

N = 40
X: list[float] = np.random.default_rng(0).normal(size=N).round(3).tolist()
Y = ["no", "yes"] * (N // 2)


def as_file(frame: pd.DataFrame) -> Table:
    """Return the table of the CSV file that pandas writes of a frame."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        frame.to_csv(path, index=False)
        return read_table(path)


def cleaned(options: CleanOptions | None = None, /, **columns: Any) -> Cleaned:
    """Clean a file with a plain column x, these columns and a target y."""
    frame = pd.DataFrame({"x": X, **columns, "y": Y})
    return clean(as_file(frame), "y", options)


def codes(result: Cleaned) -> set[str]:
    """Return the codes of all findings."""
    return {finding.code for finding in result.findings}


def plain(columns: Columns) -> dict[str, list[Any]]:
    """Return columns as lists that can be compared, None where missing."""
    return {name: _listed(column) for name, column in columns.by_name.items()}


def _listed(column: Any) -> list[Any]:
    if isinstance(column, Numbers):
        return [None if np.isnan(value) else value for value in column.values.tolist()]
    if isinstance(column, Categories):
        levels = [*column.levels, None]
        return [levels[code] for code in column.codes.tolist()]
    return list(column)
