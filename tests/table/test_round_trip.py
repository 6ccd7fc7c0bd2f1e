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
from automl.table import Form, Overrides, read_table

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


@dataclass(frozen=True)
class Dialect:
    separator: str
    quote: str
    quoting: bool  # of every cell
    escape: bool
    line_end: str
    encoding: str


dialects = st.builds(
    Dialect,
    separator=st.sampled_from(SEPARATORS),
    quote=st.sampled_from(['"', "'"]),
    quoting=st.booleans(),
    escape=st.booleans(),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(list(WORDS)),
)


def written(rows: list[list[str]], dialect: Dialect) -> bytes:
    """Rows as a file: fields of one character between them by csv, others joined."""
    if len(dialect.separator) > 1:
        text = "".join(dialect.separator.join(row) + dialect.line_end for row in rows)
        return text.encode(dialect.encoding)
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer,
        delimiter=dialect.separator,
        quotechar=dialect.quote,
        quoting=csv.QUOTE_ALL if dialect.quoting else csv.QUOTE_MINIMAL,
        doublequote=not dialect.escape,
        escapechar="\\" if dialect.escape else None,
        lineterminator=dialect.line_end,
    )
    writer.writerows(rows)
    return buffer.getvalue().encode(dialect.encoding)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Dialect, list[list[str]]]:
    """A dialect and rows that it can hold without a doubt."""
    dialect = draw(dialects)
    width = draw(st.integers(2, 5))
    words = st.sampled_from(WORDS[dialect.encoding])
    if dialect.quoting and len(dialect.separator) == 1:
        others = [
            f"a{dialect.separator}b",
            f"say {dialect.quote}so{dialect.quote}",
            f"{dialect.separator} c",
        ]
        words = st.one_of(words, st.sampled_from(others))
    elif dialect.separator == " ":
        words = words.filter(lambda word: word and " " not in word)
    body = draw(
        st.lists(
            st.lists(words, min_size=width, max_size=width).filter(any), min_size=4, max_size=8
        )
    )
    numbered = [
        [str(place), *row] for place, row in enumerate(body)
    ]  # no row is empty, and no column looks like a title
    return dialect, [["id", *(f"name_{place}" for place in range(1, width)), "y"], *numbered]


@settings(max_examples=60, deadline=None)
@given(tables())
def test_cells_are_read_back_as_they_were_written(drawn: tuple[Dialect, list[list[str]]]) -> None:
    dialect, rows = drawn
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.txt"
        path.write_bytes(written(rows, dialect))
        table = read_table(path, needs=("y",))
        again = read_table(path, form=table.form, needs=table.names)
    if any(note.code == "encoding_doubt" for note in table.notes):
        return  # few letters, which stand for others in another encoding: told, never silent
    columns = [column.tolist() for column in table.columns.values()]
    assert list(table.names) == rows[0]
    assert columns == [list(cells) for cells in zip(*rows[1:], strict=True)]
    assert again.form == table.form
    assert [column.tolist() for column in again.columns.values()] == columns


@settings(max_examples=60, deadline=None)
@given(
    st.text(st.sampled_from("ab1. ,;|\t:^\"'\\\n\r\x1a=sep[]{}é"), max_size=120),
    st.booleans(),
    st.booleans(),
)
def test_no_text_ends_in_a_traceback(content: str, has_form: bool, may_be_empty: bool) -> None:
    form = Form(";", quote="'", spaced=True) if has_form else None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.txt"
        path.write_text(content, encoding="utf-8", newline="")
        try:
            table = read_table(
                path, form=form, needs=("a", "b"), may_be_empty=may_be_empty, overrides=Overrides()
            )
        except InputError as error:
            assert "\n" not in str(error)  # noqa: PT017
        else:
            assert all(len(column) == table.n_rows for column in table.columns.values())
