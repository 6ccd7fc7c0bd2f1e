"""Excel, JSON, Parquet: the table is found among what stands around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from automl.errors import InputError
from automl.table import Form, Overrides, Table, read_table

TABLE: list[list[Any]] = [
    ["a", "b", "y"],
    *([row, f"0{row}", "no" if row % 2 else "yes"] for row in range(5)),
]
FRAME = pd.DataFrame(TABLE[1:], columns=TABLE[0])


def codes(table: Table) -> list[str]:
    return [note.code for note in table.notes]


def same(table: Table) -> bool:
    return [
        list(table.names),
        *map(list, zip(*(c.tolist() for c in table.columns.values()), strict=True)),
    ] == TABLE


class TestExcel:
    def read(self, folder: Path, sheets: dict[str, list[list[Any]]], **known: Any) -> Table:
        openpyxl = pytest.importorskip("openpyxl")
        pytest.importorskip("python_calamine")
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        book.save(folder / "table.xlsx")
        return read_table(folder / "table.xlsx", **{"needs": ("y",), **known})

    @pytest.mark.parametrize("needs", [("y",), ()])
    @pytest.mark.parametrize(
        "above", [[[], []], [["Sales 2024"]], [["Sales 2024"], [], ["by region"], []]]
    )
    def test_may_have_blank_rows_and_titles_above_the_header(
        self, tmp_path: Path, above: list[list[Any]], needs: tuple[str, ...]
    ) -> None:
        table = self.read(tmp_path, {"S": above + TABLE}, needs=needs)
        assert same(table)
        assert codes(table) == ["title_lines"]
        assert table.notes[0].count == len(above)

    @pytest.mark.parametrize(
        "first",
        [[["Report"], ["by me"]], [["Author", "me"], ["Date", "2024"], ["Version", "2"]], []],
    )
    def test_may_have_other_sheets_first(self, tmp_path: Path, first: list[list[Any]]) -> None:
        table = self.read(tmp_path, {"Cover": first, "Data": TABLE})
        assert same(table)
        assert [(note.code, note.override) for note in table.notes] == [("sheet", "--sheet NAME")]
        assert table.form is not None
        assert table.form.sheet == "Data"

    def test_is_read_from_the_sheet_that_is_named(self, tmp_path: Path) -> None:
        sheets = {"Alpha": TABLE, "Beta": [["q", "y"], [1, 2]], "2024": [["r", "y"], [1, 2]]}
        assert self.read(tmp_path, sheets, overrides=Overrides(sheet="Beta")).names == ("q", "y")
        assert self.read(tmp_path, sheets, overrides=Overrides(sheet="2")).names == ("q", "y")
        assert self.read(tmp_path, sheets, overrides=Overrides(sheet="2024")).names == ("r", "y")
        with pytest.raises(
            InputError,
            match=r"no such sheet. Did you mean 'Alpha'\? It has 'Alpha', 'Beta', '2024'",
        ):
            self.read(tmp_path, sheets, overrides=Overrides(sheet="Alpa"))

    def test_is_read_from_the_sheet_of_fit(self, tmp_path: Path) -> None:
        form = Form(kind="excel", sheet="Beta")
        table = self.read(
            tmp_path, {"Alpha": TABLE, "Beta": [["a", "y"], [7, "no"]]}, form=form, needs=("a",)
        )
        assert table["a"].tolist() == [7]
        assert same(
            self.read(
                tmp_path, {"Alpha": TABLE, "Gamma": [["q"], [7]]}, form=form, needs=("a", "b")
            )
        )

    def test_may_have_formatted_rows_below(self, tmp_path: Path) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        self.read(tmp_path, {"S": TABLE})
        book = openpyxl.load_workbook(tmp_path / "table.xlsx")
        for row in range(8, 70):
            for column in range(1, 6):
                cell = book["S"].cell(row, column)
                cell.font = openpyxl.styles.Font(bold=True)
                cell.value = "" if row == 69 else None
        book.save(tmp_path / "table.xlsx")
        assert same(read_table(tmp_path / "table.xlsx", needs=("y",)))

    def test_may_have_a_total_and_notes_below(self, tmp_path: Path) -> None:
        table = self.read(
            tmp_path, {"S": [*TABLE, ["Total", None, None], [], ["Source: the office"]]}
        )
        assert same(table)
        assert codes(table) == ["footnotes", "total_row"]
        sums: list[list[Any]] = [["n", "v", "y"], *([f"r{row}", row, "no"] for row in range(5))]
        assert self.read(tmp_path, {"S": [*sums, ["Summe", 10, None]]}).n_rows == 5
        assert self.read(tmp_path, {"S": [*sums, ["Summe", 11, None]]}).n_rows == 6

    def test_may_have_numbers_for_names(self, tmp_path: Path) -> None:
        rows: list[list[Any]] = [[400, 405.5], [1.5, 2], [2.5, 3]]
        assert self.read(tmp_path, {"S": rows}, needs=("400", "405.5")).names == ("400", "405.5")

    def test_without_rows_is_an_empty_table_where_that_will_do(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, {"S": TABLE[:1]}, may_be_empty=True).n_rows == 0
        with pytest.raises(InputError, match="a header and no rows"):
            self.read(tmp_path, {"S": TABLE[:1]})
        with pytest.raises(InputError, match="the workbook is empty"):
            self.read(tmp_path, {"S": []})

    def test_has_no_separator(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"--separator ';': .*table.xlsx is a workbook"):
            self.read(tmp_path, {"S": TABLE}, overrides=Overrides(separator=";"))


class TestJson:
    def read(self, folder: Path, value: Any, **known: Any) -> Table:
        (folder / "table.json").write_text(
            value if isinstance(value, str) else json.dumps(value), encoding="utf-8"
        )
        return read_table(folder / "table.json", **{"needs": ("y",), **known})

    @pytest.mark.parametrize("layout", ["columns", "split", "records", "index", "table"])
    @pytest.mark.parametrize("needs", [("y",), ()])
    def test_is_read_as_pandas_writes_it(
        self, tmp_path: Path, layout: Any, needs: tuple[str, ...]
    ) -> None:
        assert same(self.read(tmp_path, FRAME.to_json(orient=layout), needs=needs))

    def test_may_hold_rows_without_names(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, FRAME.to_json(orient="values"), needs=("c3",)).names == (
            "c1",
            "c2",
            "c3",
        )
        assert same(self.read(tmp_path, TABLE))

    @pytest.mark.parametrize(
        "around", ['{"data": %s}', '{"ok": true, "result": {"n": 3, "rows": %s}, "errors": []}']
    )
    def test_may_have_objects_around_the_records(self, tmp_path: Path, around: str) -> None:
        assert same(self.read(tmp_path, around % FRAME.to_json(orient="records")))

    def test_may_hold_lists_by_column(self, tmp_path: Path) -> None:
        assert same(self.read(tmp_path, FRAME.to_dict("list")))

    def test_may_be_objects_over_several_lines(self, tmp_path: Path) -> None:
        assert same(
            self.read(
                tmp_path, "\n".join(json.dumps(row, indent=2) for row in FRAME.to_dict("records"))
            )
        )
        assert self.read(tmp_path, json.dumps({"a": 1, "y": "no"}, indent=2)).n_rows == 1

    def test_may_be_one_line_with_an_object_in_it(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, '{"a": {"b": 1}, "y": "no"}\n').names == ("a", "y")

    @pytest.mark.parametrize("value", [[1, 2, 3], {"a": {"b": 1}, "c": [1, 2]}, ["a", "b"]])
    def test_that_holds_no_table_is_told_what_can_be_read(self, tmp_path: Path, value: Any) -> None:
        with pytest.raises(
            InputError,
            match=r"These can be read: JSON lines, a list of objects, a list of rows, or an object of columns",
        ):
            self.read(tmp_path, value)

    @pytest.mark.parametrize("text", ["[]", "{}"])
    def test_that_is_empty_has_no_columns(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(InputError, match="not even names of columns"):
            self.read(tmp_path, text, may_be_empty=True)

    def test_without_rows_may_hold_columns(self, tmp_path: Path) -> None:
        assert self.read(
            tmp_path, {"columns": ["a", "y"], "data": []}, may_be_empty=True
        ).names == ("a", "y")


class TestArrow:
    @pytest.mark.parametrize("write", ["to_parquet", "to_feather"])
    def test_may_have_an_index_of_a_columns_name(self, tmp_path: Path, write: str) -> None:
        pytest.importorskip("pyarrow")
        frame = FRAME.set_index("a", drop=False)
        if write == "to_feather":
            import pyarrow as pa
            import pyarrow.feather

            pyarrow.feather.write_feather(pa.Table.from_pandas(frame), tmp_path / "table")
        else:
            frame.to_parquet(tmp_path / "table")
        table = read_table(tmp_path / "table")
        assert same(table)
        assert codes(table) == ["index_dropped"]

    def test_may_have_an_index_that_is_a_column(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        FRAME.set_index("a").to_parquet(tmp_path / "table")
        assert same(read_table(tmp_path / "table"))
        FRAME.set_index(["a", "b"]).to_parquet(tmp_path / "table")
        assert same(read_table(tmp_path / "table"))

    def test_without_rows_is_an_empty_table_where_that_will_do(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        FRAME.iloc[:0].to_parquet(tmp_path / "table")
        assert read_table(tmp_path / "table", may_be_empty=True).names == ("a", "b", "y")
