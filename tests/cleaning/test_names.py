"""A repeated header is understood, whatever names a reader has given to its columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from automl.cleaning import clean
from automl.cleaning.names import with_names_of_fit
from automl.table import Table, from_frame, read_table

CONVENTIONS = {
    "ours": ["a", "a.2", "a.3"],
    "pandas": ["a", "a.1", "a.2"],
    "polars": ["a", "a_duplicated_0", "a_duplicated_1"],
}


def table_of(names: list[str]) -> Table:
    """Return a table of one row, in which each column holds its position."""
    cells = {name: [position] for position, name in enumerate(names)}
    return from_frame(cells)


@pytest.mark.parametrize("at_fit", CONVENTIONS)
@pytest.mark.parametrize("later", CONVENTIONS)
@pytest.mark.parametrize("count", [2, 3])
def test_each_convention_is_understood_after_a_fit_with_another(
    at_fit: str, later: str, count: int
) -> None:
    fitted = [*CONVENTIONS[at_fit][:count], "b"]
    given = [*CONVENTIONS[later][:count], "b"]
    table = with_names_of_fit(table_of(given), fitted)
    assert table.names == tuple(fitted)
    positions = [int(column[0]) for column in table.columns.values()]
    assert positions == list(range(count + 1))


@pytest.mark.parametrize(
    ("given", "fitted", "expected"),
    [
        ([" a", "b "], ["a", "b"], ["a", "b"]),
        ([" a", "a"], ["a", " a"], [" a", "a"]),
        ([" a", "a "], ["a", "b"], [" a", "a "]),
        ([" a", "a.1 "], ["a", "a.2"], ["a", "a.1 "]),
    ],
)
def test_blanks_around_a_name_are_removed_unless_fit_had_them(
    given: list[str], fitted: list[str], expected: list[str]
) -> None:
    table = with_names_of_fit(table_of(given), fitted)
    assert table.names == tuple(expected)


@pytest.mark.parametrize(
    ("fitted", "given"),
    [
        (["a", "a.2"], ["a", "b"]),
        (["a", "a.2"], ["a", "a.2", "a.3"]),
        (["a", "a.2", "a.3"], ["a", "a.1"]),
        (["a.1", "a.2"], ["a.2", "a.3"]),
        (["a", "b"], ["a", "a.1", "b"]),
    ],
)
def test_other_names_are_kept(fitted: list[str], given: list[str]) -> None:
    table = with_names_of_fit(table_of(given), fitted)
    assert table.names == tuple(given)


def write_repeated_header(path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = ["a,a,a,good"]
    for x, y, z in rng.normal(size=(40, 3)):
        good = "yes" if y > 0 else "no"
        lines.append(f"{x:.3f},{y:.3f},{z:.3f},{good}")
    path.write_text("\n".join(lines) + "\n")


def test_a_csv_and_its_pandas_and_polars_frames_are_the_same_table(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_repeated_header(path)
    tables = [
        read_table(path),
        from_frame(pd.read_csv(path)),
        from_frame(pl.read_csv(path)),
    ]
    for table in tables:
        cleaned = clean(table, "good")
        for other in tables:
            columns = cleaned.cleaner.transform(other).columns
            for name, column in cleaned.columns.by_name.items():
                assert (columns[name].values == column.values).all()
