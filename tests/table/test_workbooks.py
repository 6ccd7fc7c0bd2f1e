"""Excel, JSON, Parquet: the table is found among titles, notes, other sheets and objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from automl.errors import InputError
from automl.table import FileFormat, Overrides, Table, read_table
from tests.table.cells import Rows, note_codes, rows_of

NAMES = ["a", "b", "y"]
ROWS: Rows = [
    [0, "00", "yes"],
    [1, "01", "no"],
    [2, "02", "yes"],
    [3, "03", "no"],
    [4, "04", "yes"],
]
TABLE: Rows = [NAMES, *ROWS]
FRAME = pd.DataFrame(ROWS, columns=NAMES)

blank_rows: Rows = [[], []]
one_title: Rows = [["Sales 2024"]]
several_titles: Rows = [["Sales 2024"], [], ["by region"], []]
cover: Rows = [["Report"], ["by me"]]
cover_of_pairs: Rows = [["Author", "me"], ["Date", "2024"], ["Version", "2"]]


class TestExcel:
    def read(self, folder: Path, sheets: dict[str, Rows], **options: Any) -> Table:
        openpyxl = pytest.importorskip("openpyxl")
        pytest.importorskip("python_calamine")
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = folder / "table.xlsx"
        book.save(path)
        options.setdefault("needs", ("y",))
        return read_table(path, **options)

    @pytest.mark.parametrize("needs", [("y",), ()])
    @pytest.mark.parametrize("above", [blank_rows, one_title, several_titles])
    def test_may_have_blank_rows_and_titles_above_the_header(
        self, tmp_path: Path, above: Rows, needs: tuple[str, ...]
    ) -> None:
        table = self.read(tmp_path, {"S": above + TABLE}, needs=needs)
        assert rows_of(table) == TABLE
        assert note_codes(table) == ["title_lines"]
        assert table.notes[0].count == len(above)

    @pytest.mark.parametrize("first", [cover, cover_of_pairs, []])
    def test_may_have_other_sheets_first(self, tmp_path: Path, first: Rows) -> None:
        table = self.read(tmp_path, {"Cover": first, "Data": TABLE})
        assert rows_of(table) == TABLE
        assert note_codes(table) == ["sheet"]
        assert table.notes[0].override == "--sheet NAME"
        assert table.form is not None
        assert table.form.sheet == "Data"

    @pytest.mark.parametrize(
        ("option", "names"),
        [("Beta", ("q", "y")), ("2", ("q", "y")), ("2024", ("r", "y"))],
    )
    def test_is_read_from_the_sheet_that_the_user_names(
        self, tmp_path: Path, option: str, names: tuple[str, ...]
    ) -> None:
        sheets = {"Alpha": TABLE, "Beta": [["q", "y"], [1, 2]], "2024": [["r", "y"], [1, 2]]}
        table = self.read(tmp_path, sheets, overrides=Overrides(sheet=option))
        assert table.names == names

    def test_without_the_sheet_that_the_user_names_is_refused(self, tmp_path: Path) -> None:
        sheets = {"Alpha": TABLE, "Beta": [["q", "y"], [1, 2]]}
        message = r"no such sheet. Did you mean 'Alpha'\? It has 'Alpha', 'Beta'"
        with pytest.raises(InputError, match=message):
            self.read(tmp_path, sheets, overrides=Overrides(sheet="Alpa"))

    def test_is_read_from_the_sheet_of_fit(self, tmp_path: Path) -> None:
        form = FileFormat(kind="excel", sheet="Beta")
        sheets = {"Alpha": TABLE, "Beta": [["a", "y"], [7, "no"]]}
        table = self.read(tmp_path, sheets, form=form, needs=("a",))
        assert table["a"].tolist() == [7]

    def test_may_lack_the_sheet_of_fit(self, tmp_path: Path) -> None:
        form = FileFormat(kind="excel", sheet="Beta")
        sheets = {"Alpha": TABLE, "Gamma": [["q"], [7]]}
        table = self.read(tmp_path, sheets, form=form, needs=("a", "b"))
        assert rows_of(table) == TABLE

    def test_may_have_formatted_rows_below(self, tmp_path: Path) -> None:
        openpyxl = pytest.importorskip("openpyxl")
        self.read(tmp_path, {"S": TABLE})
        path = tmp_path / "table.xlsx"
        book = openpyxl.load_workbook(path)
        for row in range(8, 70):
            for column in range(1, 6):
                cell = book["S"].cell(row, column)
                cell.font = openpyxl.styles.Font(bold=True)
                cell.value = "" if row == 69 else None
        book.save(path)
        table = read_table(path, needs=("y",))
        assert rows_of(table) == TABLE

    def test_may_have_a_total_and_notes_below(self, tmp_path: Path) -> None:
        below: Rows = [["Total", None, None], [], ["Source: the office"]]
        table = self.read(tmp_path, {"S": TABLE + below})
        assert rows_of(table) == TABLE
        assert note_codes(table) == ["footnotes", "total_row"]

    @pytest.mark.parametrize(("total", "n_rows"), [(10, 5), (11, 6)])
    def test_may_have_a_total_that_is_right(self, tmp_path: Path, total: int, n_rows: int) -> None:
        rows: Rows = [["n", "v", "y"]]
        for number in range(5):
            rows.append([f"r{number}", number, "no"])
        rows.append(["Summe", total, None])
        table = self.read(tmp_path, {"S": rows})
        assert table.n_rows == n_rows

    def test_may_have_numbers_for_names(self, tmp_path: Path) -> None:
        rows: Rows = [[400, 405.5], [1.5, 2], [2.5, 3]]
        table = self.read(tmp_path, {"S": rows}, needs=("400", "405.5"))
        assert table.names == ("400", "405.5")

    def test_without_rows_is_an_empty_table_if_that_is_accepted(self, tmp_path: Path) -> None:
        table = self.read(tmp_path, {"S": [NAMES]}, may_be_empty=True)
        assert table.n_rows == 0
        with pytest.raises(InputError, match="a header and no rows"):
            self.read(tmp_path, {"S": [NAMES]})
        with pytest.raises(InputError, match="the workbook is empty"):
            self.read(tmp_path, {"S": []})

    def test_has_no_separator(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match=r"--separator ';': .*table.xlsx is a workbook"):
            self.read(tmp_path, {"S": TABLE}, overrides=Overrides(separator=";"))


class TestJson:
    def read(self, folder: Path, value: Any, **options: Any) -> Table:
        path = folder / "table.json"
        text = value if isinstance(value, str) else json.dumps(value)
        path.write_text(text, encoding="utf-8")
        options.setdefault("needs", ("y",))
        return read_table(path, **options)

    @pytest.mark.parametrize("layout", ["columns", "split", "records", "index", "table"])
    @pytest.mark.parametrize("needs", [("y",), ()])
    def test_is_read_as_pandas_writes_it(
        self, tmp_path: Path, layout: Any, needs: tuple[str, ...]
    ) -> None:
        text = FRAME.to_json(orient=layout)
        table = self.read(tmp_path, text, needs=needs)
        assert rows_of(table) == TABLE

    def test_may_hold_rows_without_names(self, tmp_path: Path) -> None:
        text = FRAME.to_json(orient="values")
        table = self.read(tmp_path, text, needs=("c3",))
        assert table.names == ("c1", "c2", "c3")

    def test_may_hold_a_list_of_rows_whose_first_names_the_columns(self, tmp_path: Path) -> None:
        table = self.read(tmp_path, TABLE)
        assert rows_of(table) == TABLE

    @pytest.mark.parametrize(
        "around",
        ['{"data": %s}', '{"ok": true, "result": {"n": 3, "rows": %s}, "errors": []}'],
    )
    def test_may_have_objects_around_the_records(self, tmp_path: Path, around: str) -> None:
        records = FRAME.to_json(orient="records")
        table = self.read(tmp_path, around % records)
        assert rows_of(table) == TABLE

    def test_may_hold_lists_by_column(self, tmp_path: Path) -> None:
        columns = FRAME.to_dict("list")
        table = self.read(tmp_path, columns)
        assert rows_of(table) == TABLE

    def test_may_be_objects_over_several_lines(self, tmp_path: Path) -> None:
        objects = [json.dumps(row, indent=2) for row in FRAME.to_dict("records")]
        table = self.read(tmp_path, "\n".join(objects))
        assert rows_of(table) == TABLE
        table = self.read(tmp_path, json.dumps({"a": 1, "y": "no"}, indent=2))
        assert table.n_rows == 1

    def test_may_be_one_line_with_an_object_in_it(self, tmp_path: Path) -> None:
        table = self.read(tmp_path, '{"a": {"b": 1}, "y": "no"}\n')
        assert table.names == ("a", "y")

    @pytest.mark.parametrize("value", [[1, 2, 3], {"a": {"b": 1}, "c": [1, 2]}, ["a", "b"]])
    def test_without_a_table_is_refused_with_the_readable_layouts(
        self, tmp_path: Path, value: Any
    ) -> None:
        message = (
            "These can be read: JSON lines, a list of objects, a list of rows, "
            "or an object of columns"
        )
        with pytest.raises(InputError, match=message):
            self.read(tmp_path, value)

    @pytest.mark.parametrize("text", ["[]", "{}"])
    def test_that_is_empty_has_no_columns(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(InputError, match="not even names of columns"):
            self.read(tmp_path, text, may_be_empty=True)

    def test_without_rows_may_hold_columns(self, tmp_path: Path) -> None:
        value = {"columns": ["a", "y"], "data": []}
        table = self.read(tmp_path, value, may_be_empty=True)
        assert table.names == ("a", "y")


class TestArrow:
    @pytest.mark.parametrize("write", ["to_parquet", "to_feather"])
    def test_may_have_an_index_with_the_name_of_a_column(self, tmp_path: Path, write: str) -> None:
        pytest.importorskip("pyarrow")
        frame = FRAME.set_index("a", drop=False)
        path = tmp_path / "table"
        if write == "to_feather":
            import pyarrow as pa
            import pyarrow.feather

            pyarrow.feather.write_feather(pa.Table.from_pandas(frame), path)
        else:
            frame.to_parquet(path)
        table = read_table(path)
        assert rows_of(table) == TABLE
        assert note_codes(table) == ["index_dropped"]

    @pytest.mark.parametrize("index", ["a", ["a", "b"]])
    def test_may_have_an_index_that_is_a_column(self, tmp_path: Path, index: Any) -> None:
        pytest.importorskip("pyarrow")
        path = tmp_path / "table"
        FRAME.set_index(index).to_parquet(path)
        table = read_table(path)
        assert rows_of(table) == TABLE

    def test_without_rows_is_an_empty_table_if_that_is_accepted(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        path = tmp_path / "table"
        FRAME.iloc[:0].to_parquet(path)
        table = read_table(path, may_be_empty=True)
        assert table.names == ("a", "b", "y")
