"""Damaged and hostile files: one line says why they can't be read, and none ends the process."""

from __future__ import annotations

import io
import json
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.errors import InputError
from automl.table import Table, read_table
from automl.table.source import Source, decompressed
from automl.table.unique_names import unique_names
from automl.table.workbook_size import MAX_CELLS

QUICK = 5.0  # seconds of processor time; what these tests guard against took minutes


def message_on(content: bytes, folder: Path) -> str:
    """Return the one line with which a file is refused."""
    path = folder / "table"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_table(path)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


class TestArrow:
    FRAME = pd.DataFrame({"word": ["first", "second", "third"], "y": range(3)})

    def feather(self) -> bytes:
        pytest.importorskip("pyarrow")
        stream = io.BytesIO()
        self.FRAME.to_feather(stream, compression="uncompressed")
        return stream.getvalue()

    @pytest.mark.parametrize("offset", [-(2**31), 12, 2**31 - 1])
    def test_forged_offsets_of_texts_are_refused(self, tmp_path: Path, offset: int) -> None:
        content = self.feather()
        offsets = np.array([0, 5, 11], np.int32)  # of the words
        if offsets.tobytes() not in content:
            offsets = offsets.astype(np.int64)
        forged = offsets.copy()
        forged[1] = offset
        content = content.replace(offsets.tobytes(), forged.tobytes())
        assert message_on(content, tmp_path).startswith("a damaged Feather file: Column 0")

    @pytest.mark.parametrize("kind", ["Feather", "Parquet"])
    def test_texts_that_are_not_utf8_are_refused(self, tmp_path: Path, kind: str) -> None:
        content = self.feather()
        if kind == "Parquet":
            stream = io.BytesIO()
            self.FRAME.to_parquet(stream, compression=None)
            content = stream.getvalue()
        message = message_on(content.replace(b"second", b"sec\xffnd"), tmp_path)
        assert message.startswith(f"a damaged {kind} file: Column 0")

    @pytest.mark.parametrize("cells", [[[1, 2]] * 5, [[[1], [2, 3]]] * 5, [[]] * 5])
    @pytest.mark.parametrize("kind", ["feather", "parquet"])
    def test_lists_in_cells_are_read(self, tmp_path: Path, kind: str, cells: list[object]) -> None:
        pytest.importorskip("pyarrow")
        frame = pd.DataFrame({"word": ["a", "b", "c", "d", "Total"], "list": cells})
        path = tmp_path / "table"
        getattr(frame, f"to_{kind}")(path)
        table = read_table(path)
        assert table.names == ("word", "list")
        assert table.n_rows == 5


class TestExcel:
    def workbook(self, folder: Path) -> Path:
        openpyxl = pytest.importorskip("openpyxl")
        pytest.importorskip("python_calamine")
        book = openpyxl.Workbook()
        for row in [["a", "y"], [1, 2], [3, 4], [5, 6]]:
            book.active.append(row)
        path = folder / "table.xlsx"
        book.save(path)
        return path

    def forged(self, folder: Path, old: str, new: str) -> bytes:
        """Return a workbook with another text in the XML of its sheet."""
        stream = io.BytesIO()
        with zipfile.ZipFile(self.workbook(folder)) as book, zipfile.ZipFile(stream, "w") as other:
            for part in book.infolist():
                content = book.read(part).decode()
                if "sheet1" in part.filename:
                    assert old in content
                    content = content.replace(old, new)
                other.writestr(part.filename, content)
        return stream.getvalue()

    def read(self, content: bytes, folder: Path) -> Table:
        path = folder / "other.xlsx"
        path.write_bytes(content)
        return read_table(path)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ('<c r="B4"', '<c r="XFD1048576"'),
            ('<c r="B4"', '<c r = "XFD1048576"'),
            ('<c r="B4"', "<c r='xfd1048576'"),
            ('<c r="B4"', '<c a="1" r="XFD1048576"'),
            ('<c r="B4"', '<x:c a="/>" r="XFD1048576"><v>7</v></x:c><c r="B4"'),
            ('<row r="4"><c r="A4"', '<row r="99999999"><c'),
        ],
    )
    def test_cells_far_apart_are_refused(self, tmp_path: Path, old: str, new: str) -> None:
        content = self.forged(tmp_path, old, new)
        message = message_on(content, tmp_path)
        assert "xl/worksheets/sheet1.xml has cells down to row" in message
        assert message.endswith("Delete those beyond the table.")

    def test_a_cell_far_away_without_a_value_is_left_out(self, tmp_path: Path) -> None:
        far = '<c r="XFD1048576" s="0"/><c r="XFC1048576"></c>'
        content = self.forged(tmp_path, "</row></sheetData>", f"{far}</row></sheetData>")
        table = self.read(content, tmp_path)
        assert table.names == ("a", "y")
        assert table.n_rows == 3

    def test_cells_without_a_place_are_read(self, tmp_path: Path) -> None:
        content = self.forged(tmp_path, '<c r="B4"', "<c")
        table = self.read(content, tmp_path)
        assert table["y"].tolist() == [2, 4, 6]

    def test_a_large_but_sparse_table_is_refused_only_from_a_size_on(self, tmp_path: Path) -> None:
        row = MAX_CELLS // 2
        message = message_on(self.forged(tmp_path, 'r="B4"', f'r="B{row + 1}"'), tmp_path)
        assert f"down to row {row + 1} and column 2, of which 8 are filled" in message


class TestZip:
    def archive(self) -> bytes:
        stream = io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            archive.writestr("table.csv", "a,y\n1,2\n3,4\n")
        return stream.getvalue()

    def test_a_negative_place_of_a_table_is_refused(self, tmp_path: Path) -> None:
        content = bytearray(self.archive())
        end = content.index(b"PK\x05\x06")
        content[end + 16] += 9  # where the directory begins: 9 bytes later than it does
        source = Source("stdin", bytes(content), len(content))
        with pytest.raises(InputError, match="stdin: can't be read: negative seek value -9"):
            decompressed(source).head()
        assert message_on(bytes(content), tmp_path).startswith("can't be read: ")

    @pytest.mark.parametrize(
        ("place", "value", "reason"),
        [(6, 99, "zip file version"), (8, 1, "encrypted"), (10, 99, "compression method")],
    )
    def test_passwords_and_rare_methods_are_refused(
        self, tmp_path: Path, place: int, value: int, reason: str
    ) -> None:
        content = bytearray(self.archive())
        start = content.index(b"PK\x01\x02")  # of the directory's only entry
        content[start + place] = value
        content[place - 2] = value  # the header before the file
        message = message_on(bytes(content), tmp_path)
        assert reason in message
        assert message.endswith("Unpack it, and give the table in it.")


@contextmanager
def watching_compiled(found: list[object]) -> Iterator[None]:
    """Collect the literals that Python parses; an audit hook can't be removed, but can end."""
    watching = [True]

    def hook(event: str, args: tuple[object, ...]) -> None:
        if watching and event == "compile" and args[1] == "<unknown>":
            found.append(args[0])

    sys.addaudithook(hook)
    try:
        yield
    finally:
        watching.clear()


def parquet_of(names: list[str], notes: bytes) -> bytes:
    """Return a Parquet file with two columns and notes for pandas."""
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    table = arrow.table([[1], [2]], names=names)
    stream = io.BytesIO()
    parquet.write_table(table.replace_schema_metadata({b"pandas": notes}), stream)
    return stream.getvalue()


@pytest.mark.parametrize("notes", [b"3", b"[1]", b'{"column_indexes": 3}'])
def test_unusable_notes_for_pandas_are_ignored(tmp_path: Path, notes: bytes) -> None:
    path = tmp_path / "table.parquet"
    path.write_bytes(parquet_of(["a", "b"], notes))
    assert list(read_table(path).columns) == ["a", "b"]


@pytest.mark.parametrize("notes", [b"nope", b"[" * 10_000])
def test_unreadable_notes_for_pandas_are_refused(tmp_path: Path, notes: bytes) -> None:
    message = message_on(parquet_of(["a", "b"], notes), tmp_path)
    assert "a damaged Parquet file" in message


def test_names_of_several_parts_are_not_parsed_as_literals(tmp_path: Path) -> None:
    level = {"name": None, "field_name": None, "numpy_type": "object", "metadata": None}
    notes = {"column_indexes": [level, level], "index_columns": [], "columns": []}
    names = ["('a', 'x'", "3"]
    path = tmp_path / "table.parquet"
    path.write_bytes(parquet_of(names, json.dumps(notes).encode()))
    assert list(read_table(path).columns) == names


@pytest.mark.parametrize("name", ["3float64", "float64,(2)int8", "(2,)f4", 7, None])
def test_types_that_numpy_would_read_as_several_are_not_used(tmp_path: Path, name: object) -> None:
    column = {"name": "a", "field_name": "a", "pandas_type": "int64", "numpy_type": name}
    notes = {"column_indexes": [], "index_columns": [], "columns": [column]}
    path = tmp_path / "table.parquet"
    path.write_bytes(parquet_of(["a", "b"], b"{}"))
    read_table(path)  # imports parse literals, too
    path.write_bytes(parquet_of(["a", "b"], json.dumps(notes).encode()))
    compiled: list[object] = []
    with watching_compiled(compiled):
        table = read_table(path)
    assert list(table.columns) == ["a", "b"]
    assert compiled == []


def test_types_as_pandas_writes_them_are_used(tmp_path: Path) -> None:
    times = pd.to_datetime(["2021-01-01", "2021-01-02"])
    frame = pd.DataFrame(
        {
            "small": pd.array([1, None], dtype="Int8"),
            "zoned": times.tz_localize("Europe/Oslo"),
            "kind": pd.Categorical(["a", "b"]),
            "text": pd.array(["a", None], dtype="string"),
            "arrow": pd.array([1, 2], dtype="int64[pyarrow]"),
        },
        index=pd.Index([7, 8], name="key"),
    )
    path = tmp_path / "table.parquet"
    frame.to_parquet(path)
    assert list(read_table(path).columns) == ["key", *frame.columns]


def test_names_of_several_levels_in_json_are_refused(tmp_path: Path) -> None:
    content = {"columns": [["a", "b"], ["a", "c"]], "data": [[1, 2], [3, 4]]}
    message = message_on(json.dumps(content).encode(), tmp_path)
    assert message == "the JSON names a column by the list ['a', 'b']. Name each by one text."


def test_many_equal_names_are_numbered_in_no_time() -> None:
    start = time.process_time()
    names, notes = unique_names(["a", "a.3", *["a"] * 30_000])
    assert time.process_time() - start < QUICK
    assert names[:5] == ["a", "a.3", "a.2", "a.4", "a.5"]
    assert len(set(names)) == len(names)
    assert [note.code for note in notes] == ["header_duplicate"]


@pytest.mark.parametrize("word", ["x" * 300_000, "caf\xe9" * 75_000])
def test_an_encoding_is_guessed_of_long_words_in_no_time(tmp_path: Path, word: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(f"a,y\n{word},1\ncaf\xe9,2\n".encode("cp1252"))
    start = time.process_time()
    table = read_table(path)
    assert time.process_time() - start < QUICK
    assert table["a"].tolist() == [word, "caf\xe9"]


def test_a_first_row_of_very_many_cells_is_refused(tmp_path: Path) -> None:
    content = "a,b,y\n" + "," * 50_000 + "\n" + "1,2,3\n" * 50
    message = message_on(content.encode(), tmp_path)
    assert "the first line of data has 50001 fields where 3 are expected" in message


@pytest.mark.parametrize("line", ["\t" * 300_000 + "'", "1,a" + " bc" * 50_000])
def test_a_long_line_is_read_in_no_time(tmp_path: Path, line: str) -> None:
    path = tmp_path / "table.csv"
    path.write_text("a,y\n" + "1,2\n" * 150 + line + "\n")
    start = time.process_time()
    with suppress(InputError):
        read_table(path)
    assert time.process_time() - start < QUICK
