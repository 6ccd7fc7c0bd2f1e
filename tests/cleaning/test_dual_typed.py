"""Columns that are also read in a second way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.cleaning import Cleaned, Cleaner, CleanOptions, clean
from automl.errors import UnsafeModel
from automl.table import Table, from_frame

N_ROWS = 600


def table(**columns: list[str]) -> Table:
    plain = {"x": np.arange(N_ROWS) % 7, "y": ["yes", "no"] * (N_ROWS // 2)}
    return from_frame(pd.DataFrame({**columns, **plain}))


def cleaned(**columns: list[str]) -> Cleaned:
    return clean(table(**columns), "y")


def town_names() -> list[str]:
    """Return 150 names of towns, each in four rows."""
    prefixes = ("Upper", "Lower", "Old", "New", "Great")
    names: list[str] = []
    for row in range(N_ROWS):
        letters = "abcdef"[row % 6] * 4
        names.append(f"{prefixes[row % 5]}-{letters}{row % 150}ton")
    return names


def titles() -> list[str]:
    """Return a hundred titles that one row has, and 250 that two rows have."""
    once = [f"the sad story of number {row}" for row in range(100)]
    twice = [f"the merry story of number {row // 2}" for row in range(100, N_ROWS)]
    return once + twice


def test_rare_categories_are_also_read_as_text() -> None:
    result = cleaned(town=town_names())
    kinds = {name: column.kind for name, column in result.columns.by_name.items()}
    assert kinds == {
        "town": "category",
        "x": "number",
        "town (spelling)": "text",
    }
    spelling = list(result.columns["town (spelling)"])
    assert spelling[:2] == town_names()[:2]
    found = [finding for finding in result.findings if finding.code == "twin"]
    assert [finding.columns for finding in found] == [("town",)]
    assert found[0].action == "many categories, in few rows each: read as text, too"


def test_an_unknown_name_still_has_its_letters() -> None:
    result = cleaned(town=town_names())
    later = from_frame({"town": ["Upper-bbbb7tom"], "x": [1]})
    columns = result.cleaner.transform(later).columns
    assert columns["town"].codes.tolist() == [-1]
    assert list(columns["town (spelling)"]) == ["Upper-bbbb7tom"]


def test_a_number_has_the_spelling_of_the_category_that_it_is() -> None:
    codes: list[str] = []
    for row in range(N_ROWS):
        code = f"0{2000 + row % 150}"
        codes.append(code if row % 4 else f"{code}x")
    cleaner = cleaned(code=codes).cleaner
    columns = cleaner.transform(from_frame({"code": [2001, 2999], "x": [1, 2]})).columns
    assert list(columns["code (spelling)"]) == ["02001", "2999"]


def test_long_texts_do_not_become_categories() -> None:
    texts = titles()
    for row in range(500, N_ROWS):
        texts[row] = "on and on " * 200 + str(row // 2)
    category = cleaned(title=texts).columns["title (code)"]
    assert len(category.levels) == 200


def test_repeated_texts_are_also_categories() -> None:
    result = cleaned(title=titles())
    columns = result.columns
    category = columns["title (code)"]
    assert columns["title"].kind == "text"
    (found,) = [finding for finding in result.findings if finding.code == "twin"]
    assert found.action == "texts that several rows have: categories, too"
    assert len(category.levels) == 250
    assert (category.codes[:100] == -1).all()
    assert (category.codes[100:] >= 0).all()


@pytest.mark.parametrize(
    "cells",
    [
        ["Paris", "Rome", "Bonn"] * 200,
        [f"level {row % 50}" for row in range(N_ROWS)],
        [f"{row % 100:02}" for row in range(N_ROWS)],
        [f"a text of its own, the {row}th" for row in range(N_ROWS)],
    ],
    ids=["few", "frequent", "short", "alone"],
)
def test_other_columns_are_read_once(cells: list[str]) -> None:
    result = cleaned(cells=cells)
    assert not result.cleaner.second_rules
    assert set(result.columns.names()) <= {"cells", "x"}


@pytest.mark.parametrize(
    "options",
    [
        CleanOptions(dual_typed=False),
        CleanOptions(kinds={"town": "category"}),
    ],
)
def test_options_prevent_a_second_reading(options: CleanOptions) -> None:
    result = clean(table(town=town_names()), "y", options)
    assert not result.cleaner.second_rules


def test_the_state_holds_the_second_rules() -> None:
    cleaner = cleaned(town=town_names(), title=titles()).cleaner
    again = Cleaner.from_state(cleaner.to_state())
    assert again == cleaner
    assert set(again.second_rules) == {"town", "title"}


@pytest.mark.parametrize(
    ("twins", "message"),
    [
        ({"z": {"kind": "text"}}, "twins of something else"),
        ({"town": {"kind": "flag", "words": ["a", "b"]}}, "reads something else twice"),
    ],
)
def test_wrong_second_rules_in_a_state_are_refused(twins: object, message: str) -> None:
    state = cleaned(town=town_names()).cleaner.to_state()
    with pytest.raises(UnsafeModel, match=message):
        Cleaner.from_state({**state, "twins": twins})
