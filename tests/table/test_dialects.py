"""The separator, the quotation marks and the header are found from the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import InputError
from automl.table import FileFormat, Overrides
from tests.table.cells import joined, note_codes, read, rows_of

ROWS = [
    ["a", "b", "y"],
    ["1", "1.5", "no"],
    ["2", "", "yes"],
    ["3", "4.5", "no"],
    ["4", "7.25", "yes"],
]
FULL_ROWS = [
    ["a", "b", "y"],
    ["1", "1.5", "no"],
    ["2", "2.5", "yes"],
    ["3", "4.5", "no"],
    ["4", "7.25", "yes"],
]
SEPARATORS = [",", ";", "\t", "|", "^", ":", "~", "\x01", "\x1f", "::", "||", "~|~", "; ", ", "]

CONTROL_CHARACTERS = "\x01\x02\x1d\x1e\x1f"


class TestSeparators:
    @pytest.mark.parametrize("separator", SEPARATORS)
    def test_are_found(self, tmp_path: Path, separator: str) -> None:
        table = read(tmp_path, joined(ROWS, separator))
        assert rows_of(table) == ROWS
        assert table.form is not None
        assert table.form.separator == separator.strip(" ")

    @pytest.mark.parametrize("separator", [" ", "   "])
    def test_may_be_one_or_several_spaces(self, tmp_path: Path, separator: str) -> None:
        table = read(tmp_path, joined(FULL_ROWS, separator))
        assert rows_of(table) == FULL_ROWS

    def test_may_be_spaces_in_front_of_lines_and_within_quotes(self, tmp_path: Path) -> None:
        lines = [
            "  a  b   y",
            '  1 "x  y" no',
            " 22 z     yes",
            '  3 "q"   no',
        ]
        table = read(tmp_path, "\n".join(lines) + "\n")
        assert table["b"].tolist() == ["x  y", "z", "q"]

    def test_may_be_columns_of_a_fixed_width(self, tmp_path: Path) -> None:
        lines = [
            "name      city        y",
            "Ann       New York    yes",
            "Böb B.    Paris       no",
            "Cy                    no",
        ]
        table = read(tmp_path, "\n".join(lines) + "\n")
        assert rows_of(table)[1:] == [
            ["Ann", "New York", "yes"],
            ["Böb B.", "Paris", "no"],
            ["Cy", "", "no"],
        ]
        assert note_codes(table) == ["separator"]
        assert table.notes[0].override == "--separator SEP"

    @pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
    @pytest.mark.parametrize("line_end", ["\n", "\r\n"])
    def test_may_be_named_by_the_first_line(self, tmp_path: Path, line: str, line_end: str) -> None:
        text = f"{line}\n{joined(ROWS, ';')}"
        table = read(tmp_path, text.replace("\n", line_end))
        assert rows_of(table) == ROWS

    def test_that_the_first_line_names_wrongly_are_found(self, tmp_path: Path) -> None:
        table = read(tmp_path, "sep=,\n" + joined(ROWS, ";"))
        assert rows_of(table) == ROWS

    def test_that_nothing_shows_must_be_named_by_the_user(self, tmp_path: Path) -> None:
        text = joined(ROWS, "§")
        message = (
            r"'a§b§y'. Tried: comma, semicolon, tab, .* "
            r"Name another separator: --separator SEP\.$"
        )
        with pytest.raises(InputError, match=message):
            read(tmp_path, text)
        table = read(tmp_path, text, overrides=Overrides(separator="§"))
        assert rows_of(table) == ROWS

    def test_that_separate_nothing_are_refused(self, tmp_path: Path) -> None:
        text = joined(ROWS, ",")
        message = r"--separator '#': separates nothing in .*, whose first line is 'a,b,y'"
        with pytest.raises(InputError, match=message):
            read(tmp_path, text, overrides=Overrides(separator="#"))

    @pytest.mark.parametrize("word", ["", "x", "12", "a,b", '"', "\n"])
    def test_are_no_letters(self, word: str) -> None:
        with pytest.raises(InputError, match="--separator"):
            Overrides(separator=word)

    def test_are_noted_with_the_option_that_changes_them(self, tmp_path: Path) -> None:
        table = read(tmp_path, joined(ROWS, ";"))
        overrides = [note.override for note in table.notes]
        assert overrides == ["--separator SEP"]

    def test_are_none_in_a_table_of_one_column(self, tmp_path: Path) -> None:
        table = read(tmp_path, "x\n1,5\n2,5\n3,5\n", needs=("x",))
        assert table["x"].tolist() == ["1,5", "2,5", "3,5"]
        text = "my text\nhello world\ngood bye\n"
        table = read(tmp_path, text, needs=("my text",))
        assert table.names == ("my text",)

    def test_are_found_among_all_control_characters(self, tmp_path: Path) -> None:
        rows = [*ROWS * 10, ["5", CONTROL_CHARACTERS, "no"]]
        table = read(tmp_path, joined(rows, ";"))
        assert rows_of(table) == rows

    def test_that_nothing_shows_among_all_control_characters_must_be_named(
        self, tmp_path: Path
    ) -> None:
        text = joined([*ROWS * 10, ["5", CONTROL_CHARACTERS, "no"]], "#")
        with pytest.raises(InputError, match=r"not a table, or .* named: --separator SEP\.$"):
            read(tmp_path, text)
        table = read(tmp_path, text, overrides=Overrides(separator="#"))
        assert rows_of(table)[:5] == ROWS


class TestQuotes:
    def test_may_be_escaped(self, tmp_path: Path) -> None:
        text = 'a,b,y\n1,"say \\"hi\\", you",no\n2,\\N,yes\n3,"C:\\\\new",no\n'
        table = read(tmp_path, text)
        assert table["b"].tolist() == ['say "hi", you', "\\N", "C:\\new"]
        assert note_codes(table) == ["escape"]

    def test_may_be_escaped_where_no_separator_stands_between_them(self, tmp_path: Path) -> None:
        text = 'a,b,y\n1,"so \\"hi\\" you",no\n2,x,yes\n'
        table = read(tmp_path, text)
        assert table["b"].tolist() == ['so "hi" you', "x"]

    def test_may_follow_a_path_that_ends_with_a_backslash(self, tmp_path: Path) -> None:
        text = 'a,b,y\n1,"C:\\dir\\",no\n2,"C:\\tmp\\",yes\n3,plain,no\n'
        table = read(tmp_path, text)
        assert table["b"].tolist() == ["C:\\dir\\", "C:\\tmp\\", "plain"]

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_may_be_single(self, tmp_path: Path, separator: str) -> None:
        rows = [
            ["a", "b", "y"],
            ["1", f"'x{separator} z'", "no"],
            ["2", "'u'", "yes"],
            ["3", "'it''s'", "no"],
        ]
        table = read(tmp_path, joined(rows, separator))
        assert table["b"].tolist() == [f"x{separator} z", "u", "it's"]

    def test_are_no_quotes_where_they_are_apostrophes(self, tmp_path: Path) -> None:
        text = "a,b,y\n1,it's,no\n2,'26,yes\n3,rock 'n' roll,no\n"
        table = read(tmp_path, text)
        assert table["b"].tolist() == ["it's", "'26", "rock 'n' roll"]


class TestHeaders:
    NUMBERS = "400,405,410\n1.5,2,3\n3,4.5,3\n"

    def test_that_are_numbers_are_headers_if_their_names_are_needed(self, tmp_path: Path) -> None:
        table = read(tmp_path, self.NUMBERS, needs=("405", "400"))
        assert table.names == ("400", "405", "410")
        table = read(tmp_path, self.NUMBERS, needs=("410",))
        assert table.n_rows == 2
        table = read(tmp_path, self.NUMBERS, needs=())
        assert table.names == ("c1", "c2", "c3")

    def test_that_lack_one_of_the_needed_names_are_headers_all_the_same(
        self, tmp_path: Path
    ) -> None:
        table = read(tmp_path, self.NUMBERS, needs=("400", "405", "415"))
        assert table.names == ("400", "405", "410")

    @pytest.mark.parametrize(
        "titles",
        ["Sales report\n\n", "Sales report,,\n,,\n", "Report of, 2024\nBerlin\n\n"],
    )
    def test_may_stand_below_titles(self, tmp_path: Path, titles: str) -> None:
        table = read(tmp_path, titles + joined(ROWS, ","))
        assert rows_of(table) == ROWS
        assert "title_lines" in note_codes(table)

    def test_are_no_rows_in_which_the_name_is_a_value(self, tmp_path: Path) -> None:
        table = read(tmp_path, joined(FULL_ROWS, ","), needs=("no",))
        assert table.names == ("a", "b", "y")

    def test_below_titles_are_found_without_a_name_that_is_needed(self, tmp_path: Path) -> None:
        text = "Sales report\n\n" + joined(ROWS, ",")
        table = read(tmp_path, text, needs=())
        assert table.names == ("a", "b", "y")

    @pytest.mark.parametrize("separator", [" ", ",", "\t"])
    def test_may_lack_a_name_for_the_names_of_rows(self, tmp_path: Path, separator: str) -> None:
        rows = [['"a"', '"b"', '"y"']]
        for number, row in enumerate(FULL_ROWS[1:], 1):
            rows.append([f'"{number}"', *row])
        table = read(tmp_path, joined(rows, separator))
        assert table.names == ("row", "a", "b", "y")
        assert table["y"].tolist() == ["no", "yes", "no", "yes"]

    @pytest.mark.parametrize("text", ["a;b;y\n", "a;b;y", "sep=;\na;b;y\n"])
    def test_without_rows_are_an_empty_table_if_that_is_accepted(
        self, tmp_path: Path, text: str
    ) -> None:
        table = read(tmp_path, text, may_be_empty=True)
        assert table.names == ("a", "b", "y")
        assert table.n_rows == 0
        with pytest.raises(InputError, match="a header and no rows"):
            read(tmp_path, text)


class TestEnds:
    @pytest.mark.parametrize("mark", ["\x1a", "\x1a\x1a\r\n", "\r\n\x1a"])
    def test_of_dos_are_no_rows(self, tmp_path: Path, mark: str) -> None:
        table = read(tmp_path, joined(ROWS, ",") + mark)
        assert rows_of(table) == ROWS
        assert note_codes(table) == []

    def test_may_sum_up_the_rows(self, tmp_path: Path) -> None:
        table = read(tmp_path, joined(FULL_ROWS, ",") + "Total,15.75,\n")
        assert table.n_rows == 4
        assert note_codes(table) == ["total_row"]

    @pytest.mark.parametrize(
        ("last", "n_rows"),
        [("Total,15,\n", 5), ("Tot,15.75,\n", 5), ("Total,15.75,\n", 4)],
    )
    def test_are_rows_unless_they_say_so_and_are_right(
        self, tmp_path: Path, last: str, n_rows: int
    ) -> None:
        table = read(tmp_path, joined(FULL_ROWS, ",") + last)
        assert table.n_rows == n_rows


class TestRecordedForms:
    def test_are_kept_where_the_columns_agree(self, tmp_path: Path) -> None:
        form = read(tmp_path, "a;b;y\n1,5;2,5;3\n2,5;1;2\n").form
        table = read(tmp_path, "b;a\n1,5;2,5\n", form=form, needs=("a", "b"))
        assert table.form == form
        assert table["a"].tolist() == ["2,5"]

    def test_are_given_up_where_they_do_not(self, tmp_path: Path) -> None:
        form = read(tmp_path, joined(ROWS, ";")).form
        table = read(tmp_path, joined(ROWS, "\t"), form=form, needs=("a", "b"))
        assert rows_of(table) == ROWS

    @pytest.mark.parametrize("above", ["", "sep=;\n", "Title\n\n"])
    def test_hold_with_and_without_lines_above_the_header(self, tmp_path: Path, above: str) -> None:
        text = joined(ROWS, ";")
        form = read(tmp_path, "sep=;\n" + text).form
        table = read(tmp_path, above + text, form=form, needs=("a", "b"))
        assert rows_of(table) == ROWS

    def test_without_quotes_fit_files_with_quotes(self, tmp_path: Path) -> None:
        form = read(tmp_path, joined(ROWS, ",")).form
        text = 'a,b,y\n1,"so \\"x, y\\"",no\n2,z,no\n'
        table = read(tmp_path, text, form=form)
        assert table["b"].tolist() == ['so "x, y"', "z"]

    def test_with_single_quotes_fit_files_with_double_ones(self, tmp_path: Path) -> None:
        form = read(tmp_path, "a,b,y\n1,'x, z',no\n2,'u',yes\n").form
        text = 'a,b,y\n1,"x, z",no\n2,"u",yes\n'
        table = read(tmp_path, text, form=form)
        assert table["b"].tolist() == ["x, z", "u"]
        table = read(tmp_path, "a,b,y\n1,'x, z',no\n", form=form)
        assert table["b"].tolist() == ["x, z"]

    def test_say_that_there_is_no_header(self, tmp_path: Path) -> None:
        form = read(tmp_path, "1,2,x\n3,4,y\n5,6,x\n", needs=("c3",)).form
        table = read(tmp_path, "a,7\nb,8\n", form=form, needs=("c1", "c2"))
        assert table.names == ("c1", "c2")
        assert table.n_rows == 2

    def test_survive_json(self) -> None:
        form = FileFormat(
            None,
            encoding="gbk",
            quote="'",
            escape="\\",
            widths=(0, 4, 9),
            skip=2,
            header=False,
            sheet="S",
            layout="split",
        )
        plain = form.to_json()
        assert FileFormat.from_json(plain) == form
