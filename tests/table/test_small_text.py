"""Small texts are read without pandas, and every cell and error is the one that pandas gives."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from automl.errors import InputError
from automl.table import FileFormat, Table, csv_cells, delimited, read_table
from automl.table.small_text import split_columns
from automl.table.stream import separator_of
from automl.table.text_layout import TextLayout

CASES = Path(__file__).parents[3] / "shared" / "cases"
SEPARATORS = st.sampled_from([",", ",", ";", "\t", " ", "|", "::", "\x1f"])
QUOTES = st.sampled_from(['"', '"', "'", None])
ODD_LETTERS = ["\n", "\r", "\t", "\x85", "\u2028", "\x0b", "\x0c", "\x1c", "\ufeff", "\0"]
LETTERS = st.sampled_from(
    [*"ab1.-", "NA", "", " ", "  ", ",", '"', '""', "'", "é", "\\", *ODD_LETTERS]
)
BLANK_LINES = st.sampled_from(["", " ", "\t", "  ", "\x0b"])

Cells = list[list[str]]


@st.composite
def texts(draw: st.DrawFn) -> tuple[bytes, TextLayout]:
    """A text of one to three columns, and its layout; some lines have too many or few fields."""
    separator = draw(SEPARATORS)
    form = FileFormat(
        separator,
        quote=draw(QUOTES),
        spaced=draw(st.booleans()),
        repeated=separator == " " and draw(st.booleans()),
        header=draw(st.booleans()),
    )
    width = draw(st.integers(1, 3))
    trailing = draw(st.sampled_from([False, False, True]))
    names = [f"c{number}" for number in range(width)]
    lines = [names] if form.header else []
    for _ in range(draw(st.integers(1, 5))):
        n_cells = draw(st.sampled_from([width] * 6 + [1, width + 1]))
        lines.append([draw(cells(form.quote)) for _ in range(n_cells)])
    between = separator if form.repeated else separator_of(form)
    joined = [between.join(line) + between * trailing for line in lines]
    if draw(st.integers(0, 9)) == 0:
        joined.insert(draw(st.integers(0, len(joined))), draw(BLANK_LINES))
    line_end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = line_end.join(joined) + draw(st.sampled_from(["", line_end]))
    return text.encode(), TextLayout(form, names, trailing, 1, ())


@st.composite
def cells(draw: st.DrawFn, quote: str | None) -> str:
    """A cell of a few letters, as it stands in a file; some are quoted."""
    cell = "".join(draw(st.lists(LETTERS, max_size=3)))
    if quote is not None and draw(st.integers(0, 2)) == 0:
        return quote + cell.replace(quote, quote * 2) + quote
    return cell


def by_pandas(content: bytes, layout: TextLayout) -> Cells | str:
    try:
        columns = csv_cells.read_columns(io.BytesIO(content), layout, "a.csv", is_sample=False)
    except InputError as error:
        return str(error)
    return [column.tolist() for column in columns]


@settings(max_examples=600)
@given(texts())
@example((b"a,b\n1,2\n", TextLayout(FileFormat(","), ["a", "b"], False, 1, ())))
@example((b'a\n"x ""y"" z"\n', TextLayout(FileFormat(","), ["a"], False, 1, ())))
@example(
    (b"\xef\xbb\xbfa,b\n", TextLayout(FileFormat(",", header=False), ["a", "b"], False, 1, ()))
)
def test_every_cell_is_the_one_that_pandas_gives(made: tuple[bytes, TextLayout]) -> None:
    columns = split_columns(*made)
    assume(columns is not None)
    assert columns is not None
    assert [column.tolist() for column in columns] == by_pandas(*made)


def both_ways(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Table | str, Table | str]:
    """A file's table or the error, by the reader for small texts and by pandas."""
    light = table_or_error(path)
    with monkeypatch.context() as context:
        context.setattr(delimited, "MAX_SMALL_BYTES", -1)
        return light, table_or_error(path)


def table_or_error(path: Path) -> Table | str:
    try:
        return read_table(path, may_be_empty=True)
    except InputError as error:
        return str(error)


def assert_equal(light: Table | str, usual: Table | str) -> None:
    if isinstance(light, str) or isinstance(usual, str):
        assert light == usual
        return
    assert light.names == usual.names
    assert light.notes == usual.notes
    assert light.form == usual.form
    for name in light.names:
        assert light[name].tolist() == usual[name].tolist()


WRITTEN = {
    "plain": b"a,b\n1,x\n2,\n",
    "semicolons": b"a;b\n1,5;x\n2,5;\n",
    "quotes": b'a,b\n"x, y","say ""hi"""\n"line\nbreak",2\n',
    "quote within": b'a,b\n1,5" pipe\n2,6\n',
    "letters after a quote": b'a,b\n"x"y,2\n3,4\n',
    "unclosed quote": b'a,b\n1,2\n3,"4\n5,6\n',
    "blank lines": b"a,b\n\n1,2\n  \n3,4\n\n",
    "spaces": b"a, b\n1, x\n2, y\n",
    "quotes after spaces": b'a, b\n1, "x, y"\n2, "z"\n',
    "runs of spaces": b"a   b\n1   2\n13  4\n",
    "fixed widths": b"a    b   \n1 x  2   \n13   4   \n",
    "trailing": b"a,b,\n1,2,\n3,4,\n",
    "trailing below": b"a,b\n1,2,\n3,4,\n",
    "row names": b"a,b\n1,x,2\n2,y,4\n3,z,5\n",
    "carriage returns": b"a,b\r1,2\r3,4\r",
    "windows": b"a,b\r\n1,2\r\n3,4\r\n",
    "mixed ends": b"a,b\r\n1,2\n3,4\r5,6\n",
    "nul": b"a,b\n1,\x002\n3,4\n",
    "too many": b"a,b\n1,2\n3,4,5\n",
    "too few": b"a,b\n1,2\n3\n",
    "empty": b"",
    "header alone": b"a,b\n",
    "no header": b"1,2\n3,4\n5,6\n",
    "utf-16": "a,b\n1,é\n2,x\n".encode("utf-16"),
    "byte order mark": "a,b\n1,é\n2,x\n".encode("utf-8-sig"),
    "cp1252": "a,b\n1,café\n2,élan\n".encode("cp1252"),
    "broken utf-8": b"a,b\n" + "1,éééééééééééé\n".encode() + b"2,\xff\n",
    "separator line": b"sep=;\na;b\n1;2\n",
    "end mark": b"a,b\n1,2\n3,4\n\x1a",
    "escapes": b'a,b\n1,"say \\"hi\\", you"\n2,"x"\n',
    "single quotes": b"a,b\n1,'x, y'\n2,'z, a'\n",
    "total": b"a,b\nx,1\ny,2\nz,3\nw,4\nTotal,10\n",
    "long separator": b"a::b\n1::2\n3::4\n",
}


@pytest.mark.parametrize("name", WRITTEN)
def test_a_file_of_any_form_gives_the_same_table_or_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(WRITTEN[name])
    assert_equal(*both_ways(path, monkeypatch))


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_gives_the_same(
    compress: Callable[[bytes], bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(compress(WRITTEN["quotes"]))
    assert_equal(*both_ways(path, monkeypatch))
    path.write_bytes(compress(b"a,b\n" + b"1,x\n" * delimited.MAX_SMALL_BYTES))
    assert table_or_error(path).n_rows == delimited.MAX_SMALL_BYTES  # type: ignore[union-attr]


def test_the_tables_of_the_workplace_give_the_same_where_there_are_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    paths = sorted(CASES.rglob("*.csv"))
    assert bool(paths) == CASES.exists()
    for path in paths:
        assert_equal(*both_ways(path, monkeypatch))


@pytest.mark.parametrize(
    "text",
    [
        b"a,b\n1,x\n2,\n",
        b'a,b\r\n"x, y","say ""hi"""\r\n"line\nbreak",2\r\n',
        "a;b\n1;é\n\n2;x".encode(),
    ],
)
def test_usual_texts_do_not_need_pandas(text: bytes) -> None:
    separator = ";" if b";" in text else ","
    layout = TextLayout(FileFormat(separator), ["a", "b"], False, 2, ())
    assert split_columns(text, layout) is not None
