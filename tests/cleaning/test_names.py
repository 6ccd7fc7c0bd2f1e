"""A repeated header is understood, whatever a reader has made of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest

from automl.cleaning import clean
from automl.cleaning.names import with_names_of_fit
from automl.table import Table, from_frame, read_table

OURS, PANDAS, POLARS = (
    ["a", "a.2", "a.3"],
    ["a", "a.1", "a.2"],
    ["a", "a_duplicated_0", "a_duplicated_1"],
)


def numbered(names: list[str]) -> Table:
    return from_frame({name: [place] for place, name in enumerate(names)})


@pytest.mark.parametrize("fitted", [OURS, PANDAS, POLARS], ids=["ours", "pandas", "polars"])
@pytest.mark.parametrize("given", [OURS, PANDAS, POLARS], ids=["ours", "pandas", "polars"])
@pytest.mark.parametrize("count", [2, 3])
def test_each_convention_is_understood_where_another_was_fitted(
    fitted: list[str], given: list[str], count: int
) -> None:
    table = with_names_of_fit(numbered([*given[:count], "b"]), [*fitted[:count], "b"])
    assert table.names == (*fitted[:count], "b")
    assert [int(column[0]) for column in table.columns.values()] == list(range(count + 1))


def test_blanks_around_a_name_are_no_part_of_it_unless_fit_had_them() -> None:
    assert with_names_of_fit(numbered([" a", "b "]), ["a", "b"]).names == ("a", "b")
    assert with_names_of_fit(numbered([" a", "a"]), ["a", " a"]).names == (" a", "a")
    assert with_names_of_fit(numbered([" a", "a "]), ["a", "b"]).names == (" a", "a ")
    assert with_names_of_fit(numbered([" a", "a.1 "]), ["a", "a.2"]).names == ("a", "a.1 ")


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
def test_other_names_stay_as_they_are(fitted: list[str], given: list[str]) -> None:
    assert with_names_of_fit(numbered(given), fitted).names == tuple(given)


def test_a_csv_and_what_pandas_and_polars_read_from_it_are_the_same_table(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    path = tmp_path / "a.csv"
    rows = [
        f"{x:.3f},{y:.3f},{z:.3f},{'yes' if y > 0 else 'no'}"
        for x, y, z in rng.normal(size=(40, 3))
    ]
    path.write_text("\n".join(["a,a,a,good", *rows]) + "\n")
    tables = [read_table(path), from_frame(pd.read_csv(path)), from_frame(pl.read_csv(path))]
    for table in tables:
        cleaned = clean(table, "good")
        for other in tables:
            columns = cleaned.cleaner.transform(other).columns
            assert all(
                (columns[name].values == column.values).all()
                for name, column in cleaned.columns.by_name.items()
            )
