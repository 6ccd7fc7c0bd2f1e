"""What separates fields, how they are quoted and which line names the columns is found out from the text."""

from __future__ import annotations

from pathlib import Path

import pytest

from automl.errors import InputError
from automl.table import Form, Overrides, Table, read_table

ROWS = [
    ["a", "b", "y"],
    ["1", "1.5", "no"],
    ["2", "", "yes"],
    ["3", "4.5", "no"],
    ["4", "7.25", "yes"],
]
FULL = [
    ["a", "b", "y"],
    ["1", "1.5", "no"],
    ["2", "2.5", "yes"],
    ["3", "4.5", "no"],
    ["4", "7.25", "yes"],
]


def joined(rows: list[list[str]], separator: str) -> str:
    return "".join(separator.join(row) + "\n" for row in rows)


def read(folder: Path, content: str | bytes, **known: object) -> Table:
    path = folder / "table.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_table(path, **{"needs": ("y",), **known})  # type: ignore[arg-type]


def cells(table: Table) -> list[list[str]]:
    return [
        list(table.names),
        *map(list, zip(*(column.tolist() for column in table.columns.values()), strict=True)),
    ]


def codes(table: Table) -> list[str]:
    return [note.code for note in table.notes]


class TestSeparators:
    @pytest.mark.parametrize(
        "separator",
        [",", ";", "\t", "|", "^", ":", "~", "\x01", "\x1f", "::", "||", "~|~", "; ", ", "],
    )
    def test_are_found_out(self, tmp_path: Path, separator: str) -> None:
        table = read(tmp_path, joined(ROWS, separator))
        assert cells(table) == ROWS
        assert table.form is not None
        assert table.form.separator == separator.strip(" ")

    @pytest.mark.parametrize("separator", [" ", "   "])
    def test_may_be_one_or_several_spaces(self, tmp_path: Path, separator: str) -> None:
        assert cells(read(tmp_path, joined(FULL, separator))) == FULL

    def test_may_be_spaces_in_front_of_lines_and_within_quotes(self, tmp_path: Path) -> None:
        table = read(tmp_path, '  a  b   y\n  1 "x  y" no\n 22 z     yes\n  3 "q"   no\n')
        assert table["b"].tolist() == ["x  y", "z", "q"]

    def test_may_be_columns_of_a_fixed_width(self, tmp_path: Path) -> None:
        lines = [
            "name      city        y",
            "Ann       New York    yes",
            "Böb B.    Paris       no",
            "Cy                    no",
        ]
        table = read(tmp_path, "\n".join(lines) + "\n")
        assert cells(table)[1:] == [
            ["Ann", "New York", "yes"],
            ["Böb B.", "Paris", "no"],
            ["Cy", "", "no"],
        ]
        assert [(note.code, note.override) for note in table.notes] == [
            ("separator", "--separator SEP")
        ]

    @pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;", "\ufeffsep=;"])
    def test_may_be_said_by_the_first_line(self, tmp_path: Path, line: str) -> None:
        for end in ("\n", "\r\n"):
            assert cells(read(tmp_path, f"{line}\n{joined(ROWS, ';')}".replace("\n", end))) == ROWS

    def test_that_the_first_line_says_wrongly_are_found_out(self, tmp_path: Path) -> None:
        assert cells(read(tmp_path, "sep=,\n" + joined(ROWS, ";"))) == ROWS

    def test_that_nothing_shows_are_asked_for(self, tmp_path: Path) -> None:
        with pytest.raises(
            InputError,
            match=r"'a§b§y'. Tried: comma, semicolon, tab, .* Name another separator: --separator SEP\.$",
        ):
            read(tmp_path, joined(ROWS, "§"))
        assert cells(read(tmp_path, joined(ROWS, "§"), overrides=Overrides(separator="§"))) == ROWS

    def test_that_separate_nothing_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(
            InputError,
            match=r"--separator '#': separates nothing in .*, whose first line is 'a,b,y'",
        ):
            read(tmp_path, joined(ROWS, ","), overrides=Overrides(separator="#"))

    @pytest.mark.parametrize("word", ["", "x", "12", "a,b", '"', "\n"])
    def test_are_no_letters(self, word: str) -> None:
        with pytest.raises(InputError, match="--separator"):
            Overrides(separator=word)

    def test_are_told_with_the_option_that_changes_them(self, tmp_path: Path) -> None:
        assert [note.override for note in read(tmp_path, joined(ROWS, ";")).notes] == [
            "--separator SEP"
        ]

    def test_are_none_in_a_table_of_one_column(self, tmp_path: Path) -> None:
        assert read(tmp_path, "x\n1,5\n2,5\n3,5\n", needs=("x",))["x"].tolist() == [
            "1,5",
            "2,5",
            "3,5",
        ]
        assert read(tmp_path, "my text\nhello world\ngood bye\n", needs=("my text",)).names == (
            "my text",
        )


class TestQuotes:
    def test_may_be_escaped(self, tmp_path: Path) -> None:
        table = read(tmp_path, 'a,b,y\n1,"say \\"hi\\", you",no\n2,\\N,yes\n3,"C:\\\\new",no\n')
        assert table["b"].tolist() == ['say "hi", you', "\\N", "C:\\new"]
        assert codes(table) == ["escape"]

    def test_may_be_escaped_where_no_separator_stands_between_them(self, tmp_path: Path) -> None:
        assert read(tmp_path, 'a,b,y\n1,"so \\"hi\\" you",no\n2,x,yes\n')["b"].tolist() == [
            'so "hi" you',
            "x",
        ]

    def test_may_follow_a_path_that_ends_with_a_backslash(self, tmp_path: Path) -> None:
        table = read(tmp_path, 'a,b,y\n1,"C:\\dir\\",no\n2,"C:\\tmp\\",yes\n3,plain,no\n')
        assert table["b"].tolist() == ["C:\\dir\\", "C:\\tmp\\", "plain"]

    @pytest.mark.parametrize("separator", [",", ";", "\t"])
    def test_may_be_single(self, tmp_path: Path, separator: str) -> None:
        text = joined(
            [
                ["a", "b", "y"],
                ["1", f"'x{separator} z'", "no"],
                ["2", "'u'", "yes"],
                ["3", "'it''s'", "no"],
            ],
            separator,
        )
        assert read(tmp_path, text)["b"].tolist() == [f"x{separator} z", "u", "it's"]

    def test_are_no_quotes_where_they_are_apostrophes(self, tmp_path: Path) -> None:
        table = read(tmp_path, "a,b,y\n1,it's,no\n2,'26,yes\n3,rock 'n' roll,no\n")
        assert table["b"].tolist() == ["it's", "'26", "rock 'n' roll"]


class TestHeaders:
    def test_that_are_numbers_are_headers_if_their_names_are_needed(self, tmp_path: Path) -> None:
        text = "400,405,410\n1.5,2,3\n3,4.5,3\n"
        assert read(tmp_path, text, needs=("405", "400")).names == ("400", "405", "410")
        assert read(tmp_path, text, needs=("410",)).n_rows == 2
        assert read(tmp_path, text, needs=()).names == ("c1", "c2", "c3")

    def test_that_lack_one_of_the_needed_names_are_headers_all_the_same(
        self, tmp_path: Path
    ) -> None:
        assert read(
            tmp_path, "400,405,410\n1.5,2,3\n3,4.5,3\n", needs=("400", "405", "415")
        ).names == ("400", "405", "410")

    @pytest.mark.parametrize(
        "above", ["Sales report\n\n", "Sales report,,\n,,\n", "Report of, 2024\nBerlin\n\n"]
    )
    def test_may_stand_below_titles(self, tmp_path: Path, above: str) -> None:
        table = read(tmp_path, above + joined(ROWS, ","))
        assert cells(table) == ROWS
        assert "title_lines" in codes(table)

    def test_are_no_rows_in_which_the_name_is_a_value(self, tmp_path: Path) -> None:
        assert read(tmp_path, joined(FULL, ","), needs=("no",)).names == ("a", "b", "y")

    def test_below_titles_are_found_without_a_name_that_is_needed(self, tmp_path: Path) -> None:
        assert read(tmp_path, "Sales report\n\n" + joined(ROWS, ","), needs=()).names == (
            "a",
            "b",
            "y",
        )

    @pytest.mark.parametrize("separator", [" ", ",", "\t"])
    def test_may_lack_a_name_for_the_names_of_rows(self, tmp_path: Path, separator: str) -> None:
        text = joined(
            [
                ['"a"', '"b"', '"y"'],
                *([f'"{place}"', *row] for place, row in enumerate(FULL[1:], 1)),
            ],
            separator,
        )
        table = read(tmp_path, text)
        assert table.names == ("row", "a", "b", "y")
        assert table["y"].tolist() == ["no", "yes", "no", "yes"]

    def test_without_rows_are_an_empty_table_where_that_will_do(self, tmp_path: Path) -> None:
        for text in ("a;b;y\n", "a;b;y", "sep=;\na;b;y\n"):
            table = read(tmp_path, text, may_be_empty=True)
            assert (table.names, table.n_rows) == (("a", "b", "y"), 0)
            with pytest.raises(InputError, match="a header and no rows"):
                read(tmp_path, text)


class TestEnds:
    @pytest.mark.parametrize("mark", ["\x1a", "\x1a\x1a\r\n", "\r\n\x1a"])
    def test_of_dos_are_no_rows(self, tmp_path: Path, mark: str) -> None:
        table = read(tmp_path, joined(ROWS, ",") + mark)
        assert cells(table) == ROWS
        assert codes(table) == []

    def test_may_sum_the_rows_up(self, tmp_path: Path) -> None:
        table = read(tmp_path, joined(FULL, ",") + "Total,15.75,\n")
        assert (table.n_rows, codes(table)) == (4, ["total_row"])

    @pytest.mark.parametrize(
        "last", ["Total,15,\n", "Tot,15.75,\n", "Total,15.75,x,\n"[:-3] + "\n"]
    )
    def test_are_rows_unless_they_say_so_and_are_right(self, tmp_path: Path, last: str) -> None:
        rows = 4 if last == "Total,15.75,\n" else 5
        assert read(tmp_path, joined(FULL, ",") + last).n_rows == rows


class TestRecordedForms:
    def test_are_kept_where_the_columns_agree(self, tmp_path: Path) -> None:
        form = read(tmp_path, "a;b;y\n1,5;2,5;3\n2,5;1;2\n").form
        again = read(tmp_path, "b;a\n1,5;2,5\n", form=form, needs=("a", "b"))
        assert again.form == form
        assert again["a"].tolist() == ["2,5"]

    def test_are_given_up_where_they_do_not(self, tmp_path: Path) -> None:
        form = read(tmp_path, joined(ROWS, ";")).form
        assert cells(read(tmp_path, joined(ROWS, "\t"), form=form, needs=("a", "b"))) == ROWS

    def test_hold_with_and_without_what_stands_above_the_header(self, tmp_path: Path) -> None:
        form = read(tmp_path, "sep=;\n" + joined(ROWS, ";")).form
        for above in ("", "sep=;\n", "Title\n\n"):
            assert (
                cells(read(tmp_path, above + joined(ROWS, ";"), form=form, needs=("a", "b")))
                == ROWS
            )

    def test_leave_open_how_fields_are_quoted(self, tmp_path: Path) -> None:
        plain = read(tmp_path, joined(ROWS, ",")).form
        assert read(tmp_path, 'a,b,y\n1,"so \\"x, y\\"",no\n2,z,no\n', form=plain)[
            "b"
        ].tolist() == ['so "x, y"', "z"]
        single = read(tmp_path, "a,b,y\n1,'x, z',no\n2,'u',yes\n").form
        assert read(tmp_path, 'a,b,y\n1,"x, z",no\n2,"u",yes\n', form=single)["b"].tolist() == [
            "x, z",
            "u",
        ]
        assert read(tmp_path, "a,b,y\n1,'x, z',no\n", form=single)["b"].tolist() == ["x, z"]

    def test_say_that_there_is_no_header(self, tmp_path: Path) -> None:
        form = read(tmp_path, "1,2,x\n3,4,y\n5,6,x\n", needs=("c3",)).form
        table = read(tmp_path, "a,7\nb,8\n", form=form, needs=("c1", "c2"))
        assert (table.names, table.n_rows) == (("c1", "c2"), 2)

    def test_are_values_that_json_holds(self) -> None:
        form = Form(
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
        assert Form.from_json(form.to_json()) == form
