"""Are inputs that people have read as the plain CSV of the same table, or refused in one line?

Every input is made here, fitted and predicted through the command line. `equal` asks for the
predictions of the plain CSV, `signal` for its AUC on new rows less 0.02 (the spelling may hold
less), `rmse` for its error times 1.05, `line` for exit code 2 with one line, and `done` for exit
code 0.

    .venv/bin/python benchmarks/reliability/cases.py [--only 13] [--out cases.json]
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROWS = 400
MAX_AUC_LOST = 0.02
Writer = Callable[[pd.DataFrame, Path], None]


@dataclass(frozen=True)
class Case:
    """One input: how its training and its test file are written, and what must come out.

    `spell` respells the table's cells; `plain` makes the table that its answers are compared with.
    """

    number: int
    name: str
    must: str
    write: Writer
    write_test: Writer | None = None
    ending: str = ".csv"
    spell: Callable[[pd.DataFrame], pd.DataFrame] | None = None
    fit_args: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    plain: Callable[[pd.DataFrame], pd.DataFrame] | None = None


def plain_table(seed: int) -> pd.DataFrame:
    """Rows in which the amount says nearly everything."""
    rng = np.random.default_rng(seed)
    amount = np.round(rng.uniform(1_000, 99_000, ROWS), 2)
    colour = rng.choice(["red", "green", "blue"], ROWS)
    days = rng.integers(0, 1500, ROWS)
    score = (amount - 50_000) / 9_000 + (colour == "red") + rng.normal(0, 1, ROWS)
    return pd.DataFrame(
        {
            "amount": amount,
            "size": rng.integers(1, 90, ROWS),
            "note": [
                f"{a}, {b}" for a, b in zip(colour, rng.choice(["big", "small"], ROWS), strict=True)
            ],
            "colour": colour,
            "when": (pd.Timestamp("2019-01-05") + pd.to_timedelta(days, "D")).strftime("%Y-%m-%d"),
            "y": np.where(score > 0, "yes", "no"),
        }
    )


def dated_table(seed: int) -> pd.DataFrame:
    """Rows in which the time says nearly everything."""
    table = plain_table(seed)
    rng = np.random.default_rng(seed + 100)
    seconds = rng.integers(0, 4 * 365 * 86_400, ROWS)
    moment = pd.Timestamp("2018-03-01") + pd.to_timedelta(seconds, "s")
    score = (seconds / 86_400 - 730) / 150 + rng.normal(0, 1, ROWS)
    return table.assign(
        amount=rng.normal(size=ROWS).round(3), when=moment, y=np.where(score > 0, "yes", "no")
    )


def as_csv(**how: Any) -> Writer:
    """Write with pandas' options."""
    return lambda table, path: table.to_csv(path, index=False, **how)


PLAIN = as_csv()


def text(make: Callable[[pd.DataFrame], str], encoding: str = "utf-8") -> Writer:
    """Write what a function makes of a table."""
    return lambda table, path: path.write_bytes(make(table).encode(encoding))


def joined(separator: str, quote: str = '"') -> Callable[[pd.DataFrame], str]:
    """Cells joined by a separator, those that hold it in quotes."""

    def make(table: pd.DataFrame) -> str:
        def cell(value: Any) -> str:
            word = str(value)
            if separator.strip() and separator.strip() not in word and quote not in word:
                return word
            return quote + word + quote if separator in word or not separator.strip() else word

        rows = [table.columns, *table.itertuples(index=False)]
        return "\n".join(separator.join(map(cell, row)) for row in rows) + "\n"

    return make


def fixed_width(table: pd.DataFrame) -> str:
    """Columns of a fixed width."""
    words = table.astype(str)
    widths = [max(len(name), words[name].str.len().max()) + 2 for name in table]
    rows = [table.columns, *words.itertuples(index=False)]
    return (
        "\n".join(
            "".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)) for row in rows
        )
        + "\n"
    )


def without_notes(table: pd.DataFrame) -> pd.DataFrame:
    """A table without commas and blanks in its cells."""
    return table.assign(note=table["note"].str.replace(", ", "_"))


def respell(column: str, spell: Callable[[Any], Any]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A table whose column is spelled otherwise."""
    return lambda table: table.assign(**{column: [spell(value) for value in table[column]]})


def with_word(word: str, share: float = 0.3) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """A table in which a share of the amounts is one word."""

    def spell(table: pd.DataFrame) -> pd.DataFrame:
        rng = np.random.default_rng(7)
        gone = rng.random(len(table)) < share
        return table.assign(amount=np.where(gone, word, table["amount"].astype(str)))

    return spell


def excel(layout: str) -> Writer:
    """An Excel file with something around the table."""

    def write(table: pd.DataFrame, path: Path) -> None:
        import openpyxl

        book = openpyxl.Workbook()
        sheet = book.active
        if layout in ("cover", "empty"):
            if layout == "cover":
                sheet["A1"], sheet["A3"] = "Annual report", "Prepared by the sales team"
            sheet = book.create_sheet("Data")
        if layout == "title":
            sheet.append(["Sales 2021"])
        if layout in ("title", "blank"):
            sheet.append([])
            sheet.append([])
        sheet.append(list(table.columns))
        for row in table.itertuples(index=False):
            sheet.append(list(row))
        if layout == "total":
            sheet.append(["Total", *[None] * (table.shape[1] - 2), None])
            sheet.cell(sheet.max_row, 2).value = int(table["size"].sum())
        if layout == "formatted":
            for row in range(sheet.max_row + 1, sheet.max_row + 59):
                sheet.cell(row, 1).number_format = "0.00"
                sheet.cell(row, 1).value = ""
        book.save(path)

    return write


def numbers_as_names(table: pd.DataFrame, with_target: bool) -> pd.DataFrame:
    """A spectrum: the names of its columns are wavelengths."""
    rng = np.random.default_rng(len(table) + int(table["size"].sum()))
    wide = {
        str(400 + 5 * k): np.round(rng.normal(size=len(table)) + (table["y"] == "yes") * 0.5, 4)
        for k in range(16)
    }
    frame = pd.DataFrame(wide)
    return frame.assign(y=table["y"]) if with_target else frame


def file_cases() -> Iterator[Case]:
    """Numbers 1 to 10 and 18: the file around the cells."""
    yield Case(
        1, "sep=; first", "equal", text(lambda t: "sep=;\n" + t.to_csv(index=False, sep=";"))
    )
    yield Case(1, "sep=, first", "equal", text(lambda t: "sep=,\r\n" + t.to_csv(index=False)))
    yield Case(
        1, '"sep=;" quoted', "equal", text(lambda t: '"sep=;"\n' + t.to_csv(index=False, sep=";"))
    )
    quoted = respell("note", lambda word: f'a "{word}"')
    yield Case(
        2, "backslash quotes", "equal", as_csv(doublequote=False, escapechar="\\"), spell=quoted
    )
    yield Case(
        2,
        "backslash, semicolon",
        "equal",
        as_csv(doublequote=False, escapechar="\\", sep=";"),
        spell=quoted,
    )
    for name, separator in {
        "one space": " ",
        "caret": "^",
        "colon": ":",
        "semicolon space": "; ",
        "ctrl-a": "\x01",
        "tilde": "~",
    }.items():
        yield Case(5, name, "equal", text(joined(separator)), spell=without_notes)
    yield Case(5, "comma space", "equal", text(joined(", ")), spell=without_notes)
    yield Case(
        5,
        "several spaces",
        "equal",
        text(lambda t: joined(" ")(t).replace(" ", "   ")),
        spell=without_notes,
    )
    yield Case(5, "fixed width", "equal", text(fixed_width), spell=without_notes)
    yield Case(7, "single quotes", "equal", text(joined(",", "'")))
    yield Case(
        7,
        "single quotes, semicolon",
        "equal",
        text(joined(";", "'")),
        spell=respell("note", lambda w: w.replace(",", ";")),
    )

    def indexed(table: pd.DataFrame, path: Path) -> None:
        table.set_index("size", drop=False).to_parquet(path)

    yield Case(8, "parquet, index named as a column", "equal", indexed, ending=".parquet")
    yield Case(
        8,
        "parquet, named index",
        "done",
        lambda t, p: t.rename_axis("row").to_parquet(p),
        ending=".parquet",
    )
    for layout in ("title", "blank", "cover", "empty", "formatted"):
        yield Case(9, f"excel, {layout}", "equal", excel(layout), ending=".xlsx")
    yield Case(9, "excel, total row", "done", excel("total"), ending=".xlsx")
    for orient in ("columns", "split", "values", "records", "index", "table"):
        must = "line" if orient == "values" else "equal"
        yield Case(
            10,
            f"json, {orient}",
            must,
            lambda t, p, o=orient: t.to_json(p, orient=o),
            ending=".json",
        )  # type: ignore[misc]

    def wrapped(table: pd.DataFrame, path: Path) -> None:
        path.write_text(
            json.dumps({"count": len(table), "data": json.loads(table.to_json(orient="records"))})
        )

    yield Case(10, "json, an object around", "equal", wrapped, ending=".json")
    yield Case(
        18,
        "DOS end mark",
        "equal",
        text(lambda t: t.to_csv(index=False, lineterminator="\r\n") + "\x1a"),
    )


def encoding_cases() -> Iterator[Case]:
    """Number 6: letters, each in the encodings of its people."""
    words = {
        "cp1251": ("красный", "зелёный", "синий"),
        "koi8-r": ("красный", "зелёный", "синий"),
        "gbk": ("红色的", "绿色的", "蓝色的"),
        "big5": ("紅色的", "綠色的", "藍色的"),
        "shift_jis": ("赤いです", "みどり", "あおい"),
        "euc-kr": ("빨간색", "초록색", "파란색"),
        "iso8859-7": ("κόκκινο", "πράσινο", "μπλε"),
        "cp1252": ("rötlich", "grün", "bläulich"),
        "cp437": ("rötlich", "grün", "bläulich"),
    }
    for encoding, (red, green, blue) in words.items():

        def spell(
            table: pd.DataFrame, red: str = red, green: str = green, blue: str = blue
        ) -> pd.DataFrame:
            colours = {"red": red, "green": green, "blue": blue}
            labels = {"yes": red, "no": green}
            return table.assign(colour=table["colour"].map(colours), y=table["y"].map(labels))

        yield Case(6, encoding, "equal", as_csv(encoding=encoding), spell=spell)
    for encoding in ("utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-8-sig"):
        yield Case(6, encoding, "equal", as_csv(encoding=encoding))


def header_cases() -> Iterator[Case]:
    """Number 4: names that are numbers, predicted without the target."""

    def train(table: pd.DataFrame, path: Path) -> None:
        numbers_as_names(table, True).to_csv(path, index=False)

    def test(table: pd.DataFrame, path: Path) -> None:
        numbers_as_names(table, False).to_csv(path, index=False)

    yield Case(4, "wavelengths, no target at predict", "done", train, test)
    years = {str(400 + 5 * k): str(1990 + 2 * k) for k in range(16)} | {"y": "2030"}

    def train_years(table: pd.DataFrame, path: Path) -> None:
        numbers_as_names(table, True).rename(columns=years).to_csv(path, index=False)

    def test_years(table: pd.DataFrame, path: Path) -> None:
        numbers_as_names(table, False).rename(columns=years).to_csv(path, index=False)

    yield Case(
        4, "every name a year", "done", train_years, test_years, fit_args=("--target", "2030")
    )


def number_cases() -> Iterator[Case]:
    """Numbers 3, 13, 14, 21 and 27: cells that are numbers."""
    frequent = [
        r"\N",
        r".",
        r"..",
        r"(null)",
        r"#NA",
        r"n.a.",
        r"#N/A N/A",
        r"1.#QNAN",
        r"unknown",
        r"***",
        r"#REF!",
        r"not available",
        r"no data",
        r"x",
    ]
    for word in [*frequent, "k.A.", "withheld"]:
        yield Case(3, word, "signal", PLAIN, spell=with_word(word), plain=with_word(""))
    yield Case(
        3, r"8% of \N", "signal", PLAIN, spell=with_word(r"\N", 0.08), plain=with_word("", 0.08)
    )

    def grouped(space: str) -> Callable[[float], str]:
        return lambda v: f"{v:,.2f}".replace(",", space).replace(".", ",")

    spellings: dict[str, Callable[[float], str]] = {
        "26 691,70": grouped(" "),
        "no-break": grouped("\xa0"),
        "narrow": grouped("\u202f"),
        "26'691.70": lambda v: f"{v:,.2f}".replace(",", "'"),
        "US$": lambda v: f"US$ {v:,.2f}",
        "CHF": lambda v: f"CHF {v:.2f}",
        "kg": lambda v: f"{v:.1f} kg",
        "K": lambda v: f"{v / 1000:.1f}K",
        "'26691.7": lambda v: f"'{v:.1f}",
        "quotes within": lambda v: f'"{v:.1f}"',
        "trailing minus": lambda v: f"{v - 50_000:.2f}".removeprefix("-") + "-" * (v < 50_000),
        "CR": lambda v: f"{abs(v - 50_000) / 1000:.1f} {'DR' if v < 50_000 else 'CR'}",
        "N and S": lambda v: f"{abs(v - 50_000) / 1000:.2f}{'S' if v < 50_000 else 'N'}",
        "dash": lambda v: f"{v - 50_000:.2f}".replace("-", "–"),
        "1.234,5 EUR": lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")) + " EUR",
        "Rs.": lambda v: f"Rs. {v:,.2f}",
    }
    for name, spell in spellings.items():
        yield Case(13, name, "signal", PLAIN, spell=respell("amount", spell))
    yield Case(
        13,
        "<1000",
        "signal",
        PLAIN,
        spell=respell("amount", lambda v: "<20000" if v < 20_000 else f"{v:.2f}"),
    )
    parts: dict[str, Callable[[float], str]] = {
        "4:03:17": lambda v: f"{int(v) // 3600}:{int(v) // 60 % 60:02}:{int(v) % 60:02}",
        "PT1H2M3S": lambda v: f"PT{int(v) // 3600}H{int(v) // 60 % 60}M{int(v) % 60}S",
        "5m30s": lambda v: f"{int(v) // 60}m{int(v) % 60}s",
        "52.72,13.05": lambda v: f"{v / 2000:.5f},{(v * 7919 % 180):.4f}",
        "POINT": lambda v: f"POINT({v / 2000:.5f} {(v * 7919 % 90):.4f})",
        "IP": lambda v: (
            f"{int(v / 400)}.{int(v * 7) % 256}.{int(v * 13) % 256}.{int(v * 17) % 256}"
        ),
        "120/80": lambda v: f"{int(v / 10)}/{int(v * 7919) % 900}",
        "12.1x30.2": lambda v: f"{v / 100:.2f}x{(v * 7919 % 90):.2f}",
        "[1.2, 3.4]": lambda v: f"[{v / 100:.2f}, {(v * 7919 % 90):.2f}]",
        "0.7;0.5": lambda v: f"{v / 1e5:.5f};{(v * 7919 % 1):.4f}",
        "1.23.456": lambda v: f"1.{int(v / 1000)}.{int(v * 7919) % 1000:03}",
        "EUR1234.5": lambda v: f"EUR{v:.1f}",
        "beyond 2**53": lambda v: f"{int(v * 1e15)}",
    }
    for name, spell in parts.items():
        yield Case(14, name, "signal", PLAIN, spell=respell("amount", spell))
    decimals = respell("amount", lambda v: round(v / 12_345, 3))
    comma = as_csv(sep=";", decimal=",", float_format="%.3f")
    yield Case(
        21, "fit 3.456, predict 3,456", "equal", as_csv(float_format="%.3f"), comma, spell=decimals
    )
    yield Case(
        21, "fit 3,456, predict 3.456", "equal", comma, as_csv(float_format="%.3f"), spell=decimals
    )
    tabs = as_csv(sep="\t", decimal=",", float_format="%.3f")
    for name, write in {"semicolons": comma, "tabs": tabs}.items():
        yield Case(27, f"three decimals, {name}", "equal", write, spell=decimals)
        target = ("--target", "amount", "--task", "regression")
        yield Case(
            27,
            f"three decimals in the target, {name}",
            "equal",
            write,
            spell=decimals,
            fit_args=target,
        )

    def thousands(table: pd.DataFrame, path: Path) -> None:
        amounts = [f"{round(v):,}".replace(",", ".") for v in table["amount"]]
        halves = [f"{v + 0.5:.1f}".replace(".", ",") for v in table["size"]]
        table.assign(amount=amounts, size=halves).to_csv(path, index=False, sep=";")

    whole = lambda t: t.assign(amount=t["amount"].round().astype(int))  # noqa: E731
    yield Case(
        27, "thousands in the target, semicolons", "rmse", thousands, spell=whole, fit_args=target
    )


def date_cases() -> Iterator[Case]:
    """Numbers 11 and 12: cells that are dates."""
    formats = {
        "UTC": "%Y-%m-%d %H:%M:%S UTC",
        "Z[UTC]": "%Y-%m-%dT%H:%M:%SZ[UTC]",
        "CET": "%Y-%m-%d %H:%M:%S CET",
        "GMT": "%a, %d %b %Y %H:%M:%S GMT",
        "SAS": None,
        "compact": "%Y%m%d%H%M%S",
        "week": "%G-W%V",
        "long": "%A, %d %B %Y",
        "short": "%d, %b, %y",
        "dots": "%d.%m.%Y %H:%M",
    }
    for name, layout in formats.items():
        spell = (
            (lambda d, f=layout: d.strftime(f))
            if layout
            else (lambda d: d.strftime("%d%b%Y").upper())
        )
        yield Case(11, name, "signal", PLAIN, spell=respell("when", spell))
    yield Case(
        11, "quarter", "signal", PLAIN, spell=respell("when", lambda d: f"{d.year}Q{d.quarter}")
    )
    yield Case(
        11,
        "milliseconds",
        "signal",
        PLAIN,
        spell=respell("when", lambda d: int(d.timestamp() * 1000)),
    )

    def mixed(table: pd.DataFrame) -> pd.DataFrame:
        words = [
            d.strftime("%d/%m/%Y" if k % 2 else "%Y-%m-%d") for k, d in enumerate(table["when"])
        ]
        return table.assign(when=words)

    def zeros(table: pd.DataFrame) -> pd.DataFrame:
        words = [
            d.strftime("%Y-%m-%d") if k % 8 else "0000-00-00" for k, d in enumerate(table["when"])
        ]
        return table.assign(when=words)

    yield Case(11, "two formats", "signal", PLAIN, spell=mixed)
    yield Case(11, "0000-00-00", "signal", PLAIN, spell=zeros)
    day = lambda table: table.assign(when=[d.strftime("%d.%m.%Y") for d in table["when"]])  # noqa: E731
    yield Case(
        12,
        "date-times, then dates alone",
        "signal",
        PLAIN,
        lambda t, p: day(t).to_csv(p, index=False),
    )

    def compact(after: str) -> Writer:
        words = lambda t: [d.strftime("%Y%m%d") + after for d in t["when"]]  # noqa: E731
        return lambda t, p: t.assign(when=words(t)).to_csv(p, index=False)

    yield Case(12, "20230305, then 20230305.0", "signal", compact(""), compact(".0"))


def label_cases() -> Iterator[Case]:
    """Number 15: labels that a scored file spells otherwise.

    `score` runs `automl leaderboard` on it.
    """
    zero_one = respell("y", {"yes": "1", "no": "0"}.__getitem__)
    flags = respell("y", {"yes": "True", "no": "False"}.__getitem__)
    respelled = {
        "0.0 for 0": (zero_one, {"0": "0.0", "1": "1.0"}),
        "true for True": (flags, {"True": "true", "False": "false"}),
        "TRUE for True": (flags, {"True": "TRUE", "False": "FALSE"}),
        "padded": (flags, {"True": " True ", "False": "False  "}),
        "an unknown class": (flags, {"True": "True", "False": "False"}),
    }
    for name, (spell, words) in respelled.items():

        def write(
            table: pd.DataFrame, path: Path, words: dict[str, str] = words, name: str = name
        ) -> None:
            made = table.assign(y=[words[label] for label in table["y"]])
            if "unknown" in name:
                made.loc[:4, "y"] = "perhaps"
            made.to_csv(path, index=False)

        yield Case(15, name, "score", PLAIN, write, spell=spell)
    numbers: dict[str, Callable[[float], str]] = {
        "$1,234": lambda v: f"${v:,.0f}",
        "12%": lambda v: f"{v / 1000:.1f}%",
        "1.234,5": lambda v: f"{v:,.1f}".translate(str.maketrans(",.", ".,")),
    }
    for name, as_number in numbers.items():

        def priced(
            table: pd.DataFrame, as_number: Callable[[float], str] = as_number
        ) -> pd.DataFrame:
            return table.assign(y=[as_number(v) for v in table["amount"] * 0.9 + table["size"]])

        yield Case(15, f"target {name}", "score", PLAIN, spell=priced)


def other_cases() -> Iterator[Case]:
    """Numbers 17, 20, 25 and 29."""
    for encoding, labels in {"ascii": ("größer", "kleiner"), "cp1252": ("да", "нет")}.items():
        spell = respell("y", dict(zip(("yes", "no"), labels, strict=True)).__getitem__)
        pipes = {"PYTHONIOENCODING": encoding}
        yield Case(
            25, f"{encoding} pipes, labels beyond", "done", PLAIN, spell=spell, environment=pipes
        )

    def odd_name(table: pd.DataFrame, path: Path) -> None:
        table.rename(columns={"size": "a=b"}).to_csv(path, index=False)

    kind = ("--set", "clean.kinds.a=b=category")
    yield Case(29, "kind of a name with =", "done", odd_name, fit_args=kind)

    def header_alone(table: pd.DataFrame, path: Path) -> None:
        path.write_text(",".join(table.columns) + "\n")

    yield Case(0, "a header without rows at predict", "done", PLAIN, header_alone)


GROUPS: tuple[Callable[[], Iterator[Case]], ...] = (
    file_cases,
    encoding_cases,
    header_cases,
    number_cases,
    date_cases,
    label_cases,
    other_cases,
)


@dataclass(frozen=True)
class Said:
    """The answer of a command."""

    code: int
    out: str
    err: str


def command(words: list[str], environment: dict[str, str]) -> Said:
    """Run `automl` in a fork of this process, which has loaded what is slow to load."""
    with ExitStack() as stack:
        out, err = (stack.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            os._exit(_main(words, environment.get("PYTHONIOENCODING", "utf-8")))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        out.seek(0)
        err.seek(0)
        return Said(
            code, out.read().decode("utf-8", "replace"), err.read().decode("utf-8", "replace")
        )


def _main(words: list[str], encoding: str) -> int:
    """The exit code of the command line in this process, with pipes of an encoding."""
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w", closefd=False), encoding)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w", closefd=False), encoding, "backslashreplace")
    sys.argv = ["automl", *words]
    code = 1
    try:
        from automl.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except Exception:  # noqa: BLE001 - a traceback is an answer, too
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


FIT = ("--trials", "2", "--pipeline", "linear", "--engine", "inline", "-q")


def answer(case: Case, folder: Path, spelled: bool) -> tuple[Said, pd.DataFrame | None]:
    """Fit and predict; the predictions, if there are any."""
    source = dated_table if case.number in (11, 12) else plain_table
    folder.mkdir()
    ending = case.ending if spelled else ".csv"
    train, test = folder / f"train{ending}", folder / f"test{ending}"
    tables = source(1), source(2)
    if case.spell is not None and (spelled or case.must in ("equal", "rmse", "score")):
        tables = case.spell(tables[0]), case.spell(tables[1])
    if case.plain is not None and not spelled:
        tables = case.plain(tables[0]), case.plain(tables[1])
    (case.write if spelled else PLAIN)(tables[0], train)
    (case.write_test or case.write if spelled else PLAIN)(tables[1], test)
    target = () if "--target" in case.fit_args else ("--target", "y")
    fitted = command(
        ["fit", str(train), *target, *case.fit_args, *FIT, "--output", str(folder / "run")],
        case.environment,
    )
    if fitted.code != 0:
        return fitted, None
    if case.must == "score":
        return command(["leaderboard", str(folder / "run"), str(test)], case.environment), None
    path = folder / "answers.csv"
    proba = () if "regression" in case.fit_args else ("--proba",)
    said = command(
        ["predict", str(folder / "run"), str(test), *proba, "--output", str(path)], case.environment
    )
    if said.code == 0 and case.environment:
        said = command(["predict", str(folder / "run"), str(test)], case.environment)
    return said, pd.read_csv(path) if said.code == 0 and path.exists() else None


def auc(answers: pd.DataFrame, number: int) -> float:
    """The area under the curve on the plain test table."""
    from sklearn.metrics import roc_auc_score

    truth = (dated_table if number in (11, 12) else plain_table)(2)["y"] == "yes"
    return float(roc_auc_score(truth, answers["yes"])) if len(answers) == len(truth) else 0.0


def judge(case: Case, root: Path) -> tuple[bool, str]:
    """Whether what must come out came out, and what did."""
    said, answers = answer(case, root / "spelled", spelled=True)
    line = (said.err.strip().splitlines() or [""])[-1][:160]
    if "Traceback" in said.err:
        return False, f"traceback: {line}"
    if case.must == "line":
        return said.code == 2 or said.code == 0, f"exit {said.code}: {line}"
    if said.code != 0 or case.must in ("done", "score"):
        return said.code == 0, f"exit {said.code}: {line}"
    _, plain = answer(case, root / "plain", spelled=False)
    if answers is None or plain is None:
        return False, "no predictions"
    if case.must == "equal":
        same = list(answers) == list(plain) and len(answers) == len(plain)
        same = same and np.allclose(answers.to_numpy(), plain.to_numpy(), atol=1e-9)
        return bool(same), f"{len(answers)} of {len(plain)} rows, " + (
            "equal" if same else "other predictions"
        )
    if case.must == "rmse":
        truth = plain_table(2)["amount"].to_numpy()
        errors = [float(np.sqrt(np.mean((a["prediction"] - truth) ** 2))) for a in (answers, plain)]
        return errors[0] < 1.05 * errors[1], f"RMSE {errors[0]:.0f}, plain {errors[1]:.0f}"
    found, wanted = auc(answers, case.number), auc(plain, case.number)
    return found > wanted - MAX_AUC_LOST, f"AUC {found:.3f}, plain {wanted:.3f}"


def main() -> None:
    """Run the cases and print one line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", type=int, nargs="*")
    parser.add_argument("--out")
    asked = parser.parse_args()
    import sklearn.linear_model  # noqa: F401 - loaded once, for all forks

    import automl.run  # noqa: F401

    rows = []
    for case in (case for group in GROUPS for case in group()):
        if asked.only and case.number not in asked.only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                right, told = judge(case, Path(folder))
            except (ValueError, UnicodeError, zipfile.BadZipFile) as error:
                right, told = False, f"{type(error).__name__}: {error}"
        rows.append({"case": case.number, "name": case.name, "right": right, "told": told})
        print(f"{'ok  ' if right else 'FAIL'} {case.number:>2} {case.name:<34} {told}", flush=True)
    print(f"{sum(row['right'] for row in rows)} of {len(rows)} right")
    if asked.out:
        Path(asked.out).write_text(json.dumps(rows, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
