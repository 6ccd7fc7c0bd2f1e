"""Any file and any Python value becomes one Table, or one clear error."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import string
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import InputError
from automl.table import ReadLimits, from_frame, read_table
from tests.table.cells import columns_of, note_codes

CSV = "id,city,x\n01,Bern,1.5\n02,Köln,\n03,Bern,NA\n"


def write(folder: Path, content: str | bytes, name: str = "train.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


EXPECTED = {
    "id": ["01", "02", "03"],
    "city": ["Bern", "Köln", "Bern"],
    "x": ["1.5", "", "NA"],
}


@contextmanager
def without_root() -> Iterator[None]:
    """Run a block without root's right to read everything."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class TestAnyFile:
    def test_keeps_text_exactly_as_it_stands(self, tmp_path: Path) -> None:
        table = read_table(write(tmp_path, CSV))
        assert columns_of(table) == EXPECTED
        assert table.n_rows == 3
        assert table.is_textual
        assert table.notes == ()

    @pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
    def test_is_read_with_any_separator(self, tmp_path: Path, separator: str) -> None:
        path = write(tmp_path, CSV.replace(",", separator))
        table = read_table(path)
        assert columns_of(table) == EXPECTED
        expected = [] if separator == "," else ["separator"]
        assert note_codes(table) == expected

    def test_may_have_decimal_commas(self, tmp_path: Path) -> None:
        path = write(tmp_path, "a;b\n" + "1,5;2,5\n" * 300)
        table = read_table(path)
        assert table["b"].cells[0] == "2,5"

    def test_may_have_one_column(self, tmp_path: Path) -> None:
        table = read_table(write(tmp_path, "a\n1\n2\n"))
        assert columns_of(table) == {"a": ["1", "2"]}

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
    def test_is_read_in_any_encoding(self, tmp_path: Path, encoding: str) -> None:
        path = write(tmp_path, CSV.encode(encoding))
        table = read_table(path)
        assert columns_of(table) == EXPECTED

    def test_may_be_in_an_encoding_that_only_late_bytes_show(self, tmp_path: Path) -> None:
        ascii_rows = b"1,abcdefgh\n" * 120_000
        late_row = "2,é\n".encode("cp1252")
        path = write(tmp_path, b"a,b\n" + ascii_rows + late_row)
        table = read_table(path)
        assert table["b"].cells[-1] == "é"

    def test_may_hold_a_late_byte_of_another_encoding(self, tmp_path: Path) -> None:
        early_row = "2,é\n".encode()
        ascii_rows = b"1,abcdefgh\n" * 120_000
        late_row = "2,é\n".encode("cp1252")
        path = write(tmp_path, b"a,b\n" + early_row + ascii_rows + late_row)
        table = read_table(path)
        assert table["b"].cells[0] == "é"
        assert table["b"].cells[-1] == "\N{REPLACEMENT CHARACTER}"
        assert note_codes(table) == ["bad_bytes"]

    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
    def test_is_decompressed_whatever_its_name(self, tmp_path: Path, pack: Any) -> None:
        path = write(tmp_path, pack(CSV.encode()), "data.txt")
        table = read_table(path)
        assert columns_of(table) == EXPECTED

    def test_is_read_from_a_zip_archive_of_one(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr("a.csv", CSV)
        table = read_table(tmp_path / "a.zip")
        assert columns_of(table) == EXPECTED

    def test_is_read_from_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        stdin = SimpleNamespace(buffer=io.BytesIO(CSV.encode()))
        monkeypatch.setattr(sys, "stdin", stdin)
        assert read_table("-").n_rows == 3

    @pytest.mark.parametrize("line_end", ["\r\n", "\r", "\n"])
    def test_is_read_with_any_line_end(self, tmp_path: Path, line_end: str) -> None:
        path = write(tmp_path, CSV.replace("\n", line_end))
        table = read_table(path)
        assert columns_of(table) == EXPECTED

    def test_may_quote_separators_line_breaks_and_quotes(self, tmp_path: Path) -> None:
        path = write(tmp_path, 'a,b\n"x, y","line\nbreak"\n"say ""hi""",2\n')
        table = read_table(path)
        assert table["a"].tolist() == ["x, y", 'say "hi"']
        assert table["b"].tolist() == ["line\nbreak", "2"]

    def test_may_have_a_space_before_quotes(self, tmp_path: Path) -> None:
        path = write(tmp_path, '"a", "b"\n"1", "x, y"\n"2", "z"\n')
        table = read_table(path)
        assert table["b"].tolist() == ["x, y", "z"]

    def test_may_be_parquet_under_any_name(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        frame = pd.DataFrame({"code": ["01", None], "n": [1, 2]})
        frame.to_parquet(tmp_path / "a.csv")
        table = read_table(tmp_path / "a.csv")
        assert table.names == ("code", "n")
        assert not table.is_textual
        assert table["n"].tolist() == [1, 2]

    def test_may_be_feather(self, tmp_path: Path) -> None:
        pytest.importorskip("pyarrow")
        path = tmp_path / "a.feather"
        pd.DataFrame({"n": [1, 2]}).to_feather(path)
        table = read_table(path)
        assert table["n"].tolist() == [1, 2]

    def test_may_be_excel_whose_text_keeps_its_zeros(self, tmp_path: Path) -> None:
        pytest.importorskip("openpyxl")
        pytest.importorskip("python_calamine")
        path = tmp_path / "a.xlsx"
        frame = pd.DataFrame({"code": ["01", "NA"], "n": [1, 2]})
        frame.to_excel(path, index=False)
        table = read_table(path)
        assert table["code"].tolist() == ["01", "NA"]
        assert table["n"].tolist() == [1, 2]

    @pytest.mark.parametrize(
        "text",
        ['{"a": "01", "b": 1}\n{"a": "02"}\n', '[{"a": "01", "b": 1}, {"a": "02"}]'],
        ids=["lines", "array"],
    )
    def test_may_be_json_lines_or_an_array_of_objects(self, tmp_path: Path, text: str) -> None:
        table = read_table(write(tmp_path, text))
        assert table["a"].tolist() == ["01", "02"]
        assert table["b"].isna().tolist() == [False, True]


class TestHeaders:
    def test_that_repeat_are_numbered_with_a_note(self, tmp_path: Path) -> None:
        table = read_table(write(tmp_path, "a,a,a.2,b\n1,2,3,x\n"))
        assert table.names == ("a", "a.3", "a.2", "b")
        assert note_codes(table) == ["header_duplicate"]
        assert table.notes[0].columns == ("a",)

    def test_that_are_blank_get_their_number(self, tmp_path: Path) -> None:
        table = read_table(write(tmp_path, "a,,c\n1,2,x\n"))
        assert table.names == ("a", "column_2", "c")

    @pytest.mark.parametrize("first", ["5.1,3.5,setosa", "5.1,3.5,1.4"])
    def test_are_made_up_where_the_first_line_is_data(self, tmp_path: Path, first: str) -> None:
        table = read_table(write(tmp_path, f"{first}\n4.9,3.0,setosa\n6.3,3.3,virginica\n"))
        assert table.names == ("c1", "c2", "c3")
        assert table.n_rows == 3
        assert note_codes(table) == ["header_made"]

    @pytest.mark.parametrize("header", ["a,b,c", "0,1,2", "2010,2011,2012", "name,1,2"])
    def test_are_taken_as_such_otherwise(self, tmp_path: Path, header: str) -> None:
        path = write(tmp_path, f"{header}\n4.9,3.0,1\n6.3,3.3,2\n")
        names = tuple(header.split(","))
        assert read_table(path).names == names

    def test_keep_their_spaces(self, tmp_path: Path) -> None:
        table = read_table(write(tmp_path, "a, b \n1,2\n"))
        assert table.names == ("a", " b ")

    def test_may_lack_the_separator_that_ends_all_other_lines(self, tmp_path: Path) -> None:
        table = read_table(write(tmp_path, "a,b\n1,2,\n3,4,\n"))
        assert columns_of(table) == {"a": ["1", "3"], "b": ["2", "4"]}


class TestUnreadable:
    def message_of(self, path: Path | str) -> str:
        """Return the message of the error that reading a file raises."""
        with pytest.raises(InputError) as caught:
            read_table(path)
        message = str(caught.value)
        assert "\n" not in message
        return message

    def test_names_a_similar_file(self, tmp_path: Path) -> None:
        write(tmp_path, CSV, "trian.csv")
        message = self.message_of(tmp_path / "train.csv")
        assert message.endswith("train.csv: no such file. Did you mean 'trian.csv'?")

    def test_is_a_folder(self, tmp_path: Path) -> None:
        message = self.message_of(tmp_path)
        assert message == f"{tmp_path}: is a folder, not a file"

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            (b"\n\n", "empty"),
            (gzip.compress(b""), "empty"),
            (b"a,b,c\n", "no rows"),
            (b"\x00\x01\x02" * 1000, "binary"),
            (bytes(range(1, 256)) * 100, "binary"),
            (b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "binary"),
            (b"a,b\n1,2\n1,2,3\n", "line 3 has 3 fields where 2 are expected"),
            (b'a,b\n1,"2\n3,4\n', "never closed"),
            (gzip.compress(CSV.encode() * 100)[:-20], "can't be read"),
            (b"\x1f\x8bnot gzip at all", "can't be read"),
            (b"PAR1 not parquet at all", "damaged Parquet"),
            (b"PK\x03\x04 not a zip", "can't be read"),
            (b"\xd0\xcf\x11\xe0 not excel", "damaged Excel"),
            (b'{"a": 1}\n{"a": \n', "line 2 is not JSON"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_says_why(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = write(tmp_path, content)
        assert reason in self.message_of(path)

    def test_is_a_line_without_end(self, tmp_path: Path) -> None:
        path = tmp_path / "long.csv"
        with gzip.open(path, "wb", compresslevel=1) as file:
            for _ in range(70):
                file.write(b"a" * (1 << 20))
        assert "longer than 64 MB" in self.message_of(path)

    def test_is_forbidden(self, tmp_path: Path) -> None:
        path = write(tmp_path, CSV)
        path.chmod(0)
        with without_root():
            assert "permission denied" in self.message_of(path)

    @given(st.binary(max_size=400))
    def test_never_ends_in_a_traceback(self, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = write(Path(folder), content)
            try:
                table = read_table(path)
            except InputError as error:
                assert "\n" not in str(error)  # noqa: PT017
            else:
                assert table.n_rows > 0


class TestSampling:
    HEADER = ",".join(string.ascii_lowercase[:20])

    def test_reads_as_much_as_the_time_allows(self, tmp_path: Path) -> None:
        row = ",".join(["0.123456789"] * 20)
        lines = [self.HEADER, *[row] * 100_000]
        path = write(tmp_path, "\n".join(lines) + "\n")
        table = read_table(path, ReadLimits(seconds=0.05))
        assert 0 < table.n_rows < 100_000
        assert note_codes(table) == ["sampled"]
        assert set(table["a"].tolist()) == {"0.123456789"}

    def test_reads_as_much_as_the_memory_allows_and_the_same_again(self, tmp_path: Path) -> None:
        lines = [self.HEADER]
        for row in range(200_000):
            cells = [str(row * 7 + column) for column in range(20)]
            lines.append(",".join(cells))
        path = write(tmp_path, "\n".join(lines) + "\n")
        table = read_table(path, ReadLimits(memory=10**8, seed=3))
        assert 0 < table.n_rows < 100_000
        assert table.sample is not None
        again = read_table(path, ReadLimits(sample=table.sample))
        assert again["a"].tolist() == table["a"].tolist()

    def test_reads_something_in_no_time(self, tmp_path: Path) -> None:
        long_row = "1," + "x" * 100_000 + "\n"
        path = write(tmp_path, "a,b\n" + long_row * 200)
        table = read_table(path, ReadLimits(seconds=1e-9))
        assert table.n_rows > 0

    def test_leaves_small_files_whole(self, tmp_path: Path) -> None:
        path = write(tmp_path, CSV)
        table = read_table(path, ReadLimits(seconds=0.0))
        assert table.n_rows == 3


class TestFromPython:
    @pytest.mark.parametrize(
        "X",
        [
            pd.DataFrame({"a": [1, 2], "b": ["x", None]}),
            {"a": [1, 2], "b": ["x", None]},
            [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        ],
        ids=["pandas", "dictionary", "records"],
    )
    def test_frames_keep_names_and_types(self, X: object) -> None:
        table = from_frame(X)
        assert table.names == ("a", "b")
        assert table["a"].tolist() == [1, 2]
        assert table["b"].isna().tolist() == [False, True]

    def test_polars_frames_keep_types(self) -> None:
        pl = pytest.importorskip("polars")
        day = pd.Timestamp("2020-01-02").to_pydatetime()
        columns = {
            "a": [1, None],
            "b": ["x", None],
            "d": [day, None],
            "f": [True, None],
            "c": pl.Series(["u", "v"], dtype=pl.Categorical),
        }
        table = from_frame(pl.DataFrame(columns))
        assert table["a"].tolist()[0] == 1.0
        assert table["d"].iloc[0] == pd.Timestamp(day)
        assert isinstance(table["c"].dtype, pd.CategoricalDtype)
        assert table["f"].tolist() == [True, None]

    def test_arrow_tables_keep_types(self) -> None:
        pa = pytest.importorskip("pyarrow")
        table = from_frame(pa.table({"a": [1, 2]}))
        assert table["a"].tolist() == [1, 2]

    def test_arrays_get_names(self) -> None:
        table = from_frame(np.zeros((2, 3)))
        assert table.names == ("x0", "x1", "x2")
        table = from_frame([[1, "a"], [2, "b"]])
        assert table["x0"].tolist() == [1, 2]

    def test_sparse_matrices_become_dense_within_reason(self) -> None:
        identity = scipy.sparse.eye(3, format="csr")
        table = from_frame(identity)
        assert table["x1"].tolist() == [0.0, 1.0, 0.0]
        with pytest.raises(InputError, match=r"takes 8\.0 GB when dense"):
            from_frame(scipy.sparse.csr_matrix((10**6, 1000)))

    def test_other_names_become_text_and_repeated_ones_are_numbered(self) -> None:
        frame = pd.DataFrame([[1, 2, 3]], columns=[0, "a", "a"])
        assert from_frame(frame).names == ("0", "a", "a.2")

    def test_the_index_is_ignored(self) -> None:
        frame = pd.DataFrame({"a": [1, 2, 3]}, index=[7, 7, 9])
        taken = from_frame(frame).take([2, 0])
        assert taken["a"].tolist() == [3, 1]

    @pytest.mark.parametrize(
        ("X", "message"),
        [
            (np.zeros(3), "Expected 2D array, got 1D array instead"),
            ([1, 2, 3], "Reshape your data"),
            (np.zeros((2, 2, 2)), "Found array with dim 3"),
            (np.zeros((2, 2), complex), "Complex data not supported"),
            (pd.DataFrame({"a": [1j]}), "Complex data not supported"),
            (
                np.zeros((3, 0)),
                r"0 feature\(s\) \(shape=\(3, 0\)\) while a minimum of 1 is required.",
            ),
            (
                np.zeros((0, 3)),
                r"Found array with 0 sample\(s\) \(shape=\(0, 3\)\) "
                r"while a minimum of 1 is required.",
            ),
            ("text", "a str is not a table"),
            ({"a": [1], "b": [1, 2]}, "not a table"),
            ([[1, 2], [1]], "different lengths"),
        ],
    )
    def test_anything_else_is_refused_in_scikit_learns_words(self, X: object, message: str) -> None:
        with pytest.raises(InputError, match=message):
            from_frame(X)

    def test_an_unknown_column_is_suggested(self) -> None:
        with pytest.raises(InputError, match=r"X: no column 'taget'. Did you mean 'target'\?"):
            from_frame({"target": [1]})["taget"]


name = st.text(string.ascii_letters + " _.", min_size=1, max_size=5)
names = st.lists(
    name.filter(str.strip),
    min_size=2,
    max_size=4,
    unique=True,
)
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\r\0", exclude_categories=["Cs", "Cc"]),
    max_size=8,
)


@settings(max_examples=30)
@given(names, st.data())
def test_a_table_that_pandas_writes_is_read_back_letter_by_letter(
    header: list[str], data: st.DataObject
) -> None:
    width = len(header)
    row = st.lists(texts, min_size=width, max_size=width)
    rows = data.draw(st.lists(row, min_size=1, max_size=6))
    frame = pd.DataFrame(rows, columns=header, dtype=object)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        frame.to_csv(path, index=False, quoting=1)
        table = read_table(path)
    assert table.names == tuple(header)
    assert columns_of(table) == frame.to_dict("list")
