"""The bundled tables fit their cards."""

from __future__ import annotations

import csv
import hashlib
import math
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from automl.files import bundled_folder

DATASETS = bundled_folder("datasets")
NAMES = sorted(path.parent.name for path in DATASETS.glob("*/data.csv"))
REQUIRED = {
    "title",
    "about",
    "source",
    "licence",
    "made",
    "target",
    "task",
    "n_rows",
    "sha256",
    "columns",
}
OPTIONAL = {"format", "group", "time"}
FREE = {"CC0-1.0", "CC-BY-4.0", "BSD-3-Clause", "public domain"}


def card(name: str) -> dict[str, Any]:
    return tomllib.loads((DATASETS / name / "card.toml").read_text(encoding="utf-8"))


def lines(name: str) -> list[list[str]]:
    form = card(name).get("format", {})
    encoding = form.get("encoding", "utf-8")
    separator = form.get("separator", ",")
    with open(DATASETS / name / "data.csv", encoding=encoding, newline="") as file:
        return list(csv.reader(file, delimiter=separator))


def headings(name: str) -> list[str]:
    """Return the header; a repeated heading has a number: `a`, `a.2`."""
    seen: list[str] = []
    for heading in lines(name)[0]:
        before = sum(other.split(".")[0] == heading for other in seen)
        seen.append(f"{heading}.{before + 1}" if before else heading)
    return seen


def test_there_is_a_table_for_every_kind_of_task():
    assert {card(name)["task"] for name in NAMES} == {"binary", "multiclass", "regression"}


def test_every_folder_is_a_table_with_a_card():
    folders = {path.name for path in DATASETS.iterdir() if path.is_dir()}
    assert folders - {"__pycache__"} == set(NAMES)


def test_all_tables_together_stay_small():
    assert sum(path.stat().st_size for path in DATASETS.glob("*/*")) < 3_000_000


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_complete(name: str):
    facts = card(name)
    assert facts.keys() >= REQUIRED
    assert facts.keys() <= REQUIRED | OPTIONAL
    assert all(facts[key] for key in REQUIRED)
    assert facts["licence"] in FREE


@pytest.mark.parametrize("name", NAMES)
def test_a_card_has_the_hash_of_its_table(name: str):
    table = (DATASETS / name / "data.csv").read_bytes()
    assert card(name)["sha256"] == hashlib.sha256(table).hexdigest()


@pytest.mark.parametrize("name", NAMES)
def test_a_card_describes_every_column_in_order(name: str):
    facts = card(name)
    assert list(facts["columns"]) == headings(name)
    assert all(facts["columns"].values())
    special = [facts[key] for key in ("target", "group", "time") if key in facts]
    assert set(special) <= facts["columns"].keys()


@pytest.mark.parametrize("name", NAMES)
def test_a_card_counts_the_rows(name: str):
    header, *rows = lines(name)
    assert len(rows) == card(name)["n_rows"]
    assert all(len(row) == len(header) for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_the_target_fits_the_task(name: str):
    facts = card(name)
    column = headings(name).index(facts["target"])
    values = {row[column] for row in lines(name)[1:]} - {""}
    if facts["task"] == "regression":
        assert not any(math.isnan(float(value)) for value in values)
    elif facts["task"] == "binary":
        assert len(values) == 2
    else:
        assert len(values) > 2


@pytest.mark.parametrize(
    "script", sorted(DATASETS.glob("*/make.py")), ids=lambda path: path.parent.name
)
def test_a_making_script_makes_the_same_bytes(script: Path, tmp_path: Path):
    copy = tmp_path / script.name
    copy.write_bytes(script.read_bytes())
    subprocess.run([sys.executable, str(copy)], check=True, cwd=tmp_path)
    assert (tmp_path / "data.csv").read_bytes() == script.with_name("data.csv").read_bytes()


class TestTheMessyTable:
    """It has each flaw that the cleaner must cope with."""

    def column(self, name: str) -> list[str]:
        index = headings("messy").index(name)
        return [row[index] for row in lines("messy")[1:]]

    def test_is_latin_1_with_semicolons(self):
        text = (DATASETS / "messy" / "data.csv").read_bytes()
        assert text.startswith(b"Customer No;Signed up;")
        with pytest.raises(UnicodeDecodeError):
            text.decode("utf-8")

    def test_has_a_heading_twice(self):
        assert lines("messy")[0].count("Usage GB") == 2

    def test_has_rows_twice(self):
        rows = [tuple(row) for row in lines("messy")[1:]]
        assert len(rows) - len(set(rows)) > 20

    def test_has_rows_without_a_target(self):
        assert self.column("Cancelled").count("") > 20

    def test_has_separators_quotes_and_line_breaks_inside_fields(self):
        comments = "".join(self.column("Comment"))
        assert {";", '"', "\n"} <= set(comments)

    def test_has_leading_zeros(self):
        postcodes = self.column("Postcode")
        assert all(len(code) == 5 and code.isdigit() for code in postcodes)
        assert sum(code.startswith("0") for code in postcodes) > 100

    @pytest.mark.parametrize(
        ("name", "sign"),
        [("Age", "-999"), ("Household", "?"), ("Satisfaction", "NA"), ("Last contact", "")],
    )
    def test_writes_missing_values_in_many_ways(self, name: str, sign: str):
        assert self.column(name).count(sign) > 20

    def test_writes_money_and_shares_as_people_do(self):
        assert any(value.startswith("$1,") for value in self.column("Charged so far"))
        assert "12%" in self.column("Discount")

    def test_writes_the_day_before_the_month(self):
        dates = [value.split("/") for value in self.column("Signed up")]
        assert max(int(day) for day, _, _ in dates) > 12
        assert max(int(month) for _, month, _ in dates) == 12

    def test_has_a_constant_and_a_copied_column(self):
        assert len(set(self.column("Country"))) == 1
        assert self.column("Tariff") == self.column("Plan")

    def test_writes_one_word_in_many_ways(self):
        assert {"yes", "YES", "yes ", "no"} <= set(self.column("Autopay"))
