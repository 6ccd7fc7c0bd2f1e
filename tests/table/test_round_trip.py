"""Whatever dialect a table is written in, the cells that were written are read back."""

from __future__ import annotations

import csv
import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from automl.errors import InputError
from automl.table import FileFormat, read_table
from tests.table.cells import Rows, columns_of, note_codes, rows_of

WORDS = {
    "utf-8": ["Köln", "Łódź", "東京", "x y", "1.5", "-3", "", "NA"],
    "utf-8-sig": ["Köln", "plain", "1.5", ""],
    "utf-16": ["Köln", "москва", "1.5", ""],
    "utf-32": ["plain", "1.5", "是", ""],
    "cp1252": ["Köln", "Zürich", "Genève", "Malmö", "1.5", ""],
    "cp1251": ["Москва", "Казань", "Омск", "Самара", "1.5", ""],
    "gb18030": ["北京", "上海", "广州", "是", "否", "1.5", ""],
    "shift_jis": ["はい", "いいえ", "カタカナ", "1.5", ""],
    "cp949": ["서울", "부산", "대구", "1.5", ""],
}
SEPARATORS = [",", ";", "\t", "|", " ", "^", ":", "~", "\x01", "::", "||"]
CONFUSING_CHARACTERS = "ab1. ,;|\t:^\"'\\\n\r\x1a=sep[]{}é"


@dataclass(frozen=True)
class Dialect:
    """How a table is written.

    Parameters
    ----------
    separator, quote, line_end, encoding : str
    quotes_all : bool
        Whether every cell is quoted.
    escapes : bool
        Whether quotation marks are escaped and not doubled.
    """

    separator: str
    quote: str
    quotes_all: bool
    escapes: bool
    line_end: str
    encoding: str


dialects = st.builds(
    Dialect,
    separator=st.sampled_from(SEPARATORS),
    quote=st.sampled_from(['"', "'"]),
    quotes_all=st.booleans(),
    escapes=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(list(WORDS)),
)


def written(rows: Rows, dialect: Dialect) -> bytes:
    """Return rows as a file: by the csv module, if it can write the separator."""
    if len(dialect.separator) > 1:
        lines = [dialect.separator.join(row) + dialect.line_end for row in rows]
        return "".join(lines).encode(dialect.encoding)
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer,
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_ALL if dialect.quotes_all else csv.QUOTE_MINIMAL,
        doublequote=not dialect.escapes,
        escapechar="\\" if dialect.escapes else None,
        lineterminator=dialect.line_end,
    )
    writer.writerows(rows)
    return buffer.getvalue().encode(dialect.encoding)


def words_of(dialect: Dialect) -> st.SearchStrategy[str]:
    """Return words that a dialect can hold without a doubt."""
    separator = dialect.separator
    quote = dialect.quote
    words = st.sampled_from(WORDS[dialect.encoding])
    if dialect.quotes_all and len(separator) == 1:
        others = [
            f"a{separator}b",
            f"say {quote}so{quote}",
            f"{separator} c",
        ]
        return st.one_of(words, st.sampled_from(others))
    if separator == " ":
        return words.filter(lambda word: word and " " not in word)
    return words


@st.composite
def tables(draw: st.DrawFn) -> tuple[Dialect, Rows]:
    """Draw a dialect and rows that it can hold without a doubt."""
    dialect = draw(dialects)
    width = draw(st.integers(2, 5))
    words = words_of(dialect)
    rows = st.lists(words, min_size=width, max_size=width).filter(any)
    body = draw(st.lists(rows, min_size=4, max_size=8))
    names = [f"name_{number}" for number in range(1, width)]
    table: Rows = [["id", *names, "y"]]
    # With a number, no row is empty, and no column looks like a title.
    for number, row in enumerate(body):
        table.append([str(number), *row])
    return dialect, table


@settings(max_examples=60, deadline=None)
@given(tables())
def test_cells_are_read_back_as_they_were_written(drawn: tuple[Dialect, Rows]) -> None:
    dialect, rows = drawn
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.txt"
        path.write_bytes(written(rows, dialect))
        table = read_table(path, needs=("y",))
        again = read_table(path, form=table.form, needs=table.names)
    if "encoding_doubt" in note_codes(table):
        return  # few letters, which are others in another encoding: reported, never silent
    assert rows_of(table) == rows
    assert again.form == table.form
    assert list(columns_of(again).values()) == list(columns_of(table).values())


@settings(max_examples=60, deadline=None)
@given(st.text(st.sampled_from(CONFUSING_CHARACTERS), max_size=120), st.booleans(), st.booleans())
def test_no_text_ends_in_a_traceback(content: str, has_form: bool, may_be_empty: bool) -> None:
    form = FileFormat(";", quote="'", spaced=True) if has_form else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.txt"
        path.write_text(content, encoding="utf-8", newline="")
        try:
            table = read_table(path, form=form, needs=("a", "b"), may_be_empty=may_be_empty)
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
            return
    for column in table.columns.values():
        assert len(column) == table.n_rows
