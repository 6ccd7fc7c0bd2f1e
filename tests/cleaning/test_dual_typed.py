"""Columns that are read in a second way, too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from automl.cleaning import Cleaner, CleanOptions, clean
from automl.errors import UnsafeModel
from automl.table import from_frame

ROWS = 600


def table(**columns: list[str]) -> pd.DataFrame:
    return pd.DataFrame({**columns, "x": np.arange(ROWS) % 7, "y": ["yes", "no"] * (ROWS // 2)})


def names() -> list[str]:
    """150 names of towns, each in four rows."""
    return [
        f"{('Upper', 'Lower', 'Old', 'New', 'Great')[row % 5]}-{'abcdef'[row % 6] * 4}{row % 150}ton"
        for row in range(ROWS)
    ]


def titles() -> list[str]:
    """A hundred that stand alone, and then two rows each with the same."""
    return [
        f"the {'sad' if row < 100 else 'merry'} story of number {row if row < 100 else row // 2}"
        for row in range(ROWS)
    ]


def test_rare_categories_are_read_as_text_too() -> None:
    cleaned = clean(from_frame(table(town=names())), "y")
    assert {name: cleaned.columns[name].kind for name in cleaned.columns.names()} == {
        "town": "category",
        "x": "number",
        "town (spelling)": "text",
    }
    assert list(cleaned.columns["town (spelling)"])[:2] == names()[:2]
    assert [finding.columns for finding in cleaned.findings if finding.code == "twin"] == [
        ("town",)
    ]


def test_an_unseen_name_still_has_its_letters() -> None:
    cleaned = clean(from_frame(table(town=names())), "y")
    columns = cleaned.cleaner.transform(from_frame({"town": ["Upper-bbbb7tom"], "x": [1]})).columns
    assert columns["town"].codes.tolist() == [-1]
    assert list(columns["town (spelling)"]) == ["Upper-bbbb7tom"]


def test_a_number_has_the_spelling_of_the_category_that_it_is() -> None:
    codes = [f"0{2000 + row % 150}" if row % 4 else f"0{2000 + row % 150}x" for row in range(ROWS)]
    cleaner = clean(from_frame(table(code=codes)), "y").cleaner
    columns = cleaner.transform(from_frame({"code": [2001, 2999], "x": [1, 2]})).columns
    assert list(columns["code (spelling)"]) == ["02001", "2999"]


def test_only_texts_that_are_not_long_are_categories_too() -> None:
    endless = [
        title if row < 500 else f"{'on and on ' * 200}{row // 2}"
        for row, title in enumerate(titles())
    ]
    twin = clean(from_frame(table(title=endless)), "y").columns["title (code)"]
    assert len(twin.levels) == 200


def test_texts_that_stand_again_are_categories_too() -> None:
    cleaned = clean(from_frame(table(title=titles())), "y")
    twin = cleaned.columns["title (code)"]
    assert (cleaned.columns["title"].kind, len(twin.levels)) == ("text", 250)
    assert (twin.codes[:100] == -1).all()
    assert (twin.codes[100:] >= 0).all()


@pytest.mark.parametrize(
    "cells",
    [
        ["Paris", "Rome", "Bonn"] * 200,
        [f"level {row % 50}" for row in range(ROWS)],
        [f"{row % 100:02}" for row in range(ROWS)],
        [f"a text of its own, the {row}th" for row in range(ROWS)],
    ],
    ids=["few", "frequent", "short", "alone"],
)
def test_other_columns_have_no_twin(cells: list[str]) -> None:
    cleaned = clean(from_frame(table(cells=cells)), "y", CleanOptions(kinds={}))
    assert not cleaned.cleaner.twins
    assert set(cleaned.columns.names()) <= {"cells", "x"}


def test_who_names_the_kind_or_wants_no_twins_has_none() -> None:
    frame = from_frame(table(town=names()))
    assert not clean(frame, "y", CleanOptions(twins=False)).cleaner.twins
    assert not clean(frame, "y", CleanOptions(kinds={"town": "category"})).cleaner.twins


def test_the_cleaner_keeps_its_twins_in_its_state() -> None:
    cleaner = clean(from_frame(table(town=names(), title=titles())), "y").cleaner
    again = Cleaner.from_state(cleaner.to_state())
    assert again == cleaner
    assert set(again.twins) == {"town", "title"}
    with pytest.raises(UnsafeModel, match="twins of something else"):
        Cleaner.from_state({**cleaner.to_state(), "twins": {"z": {"kind": "text"}}})
    with pytest.raises(UnsafeModel, match="reads something else twice"):
        Cleaner.from_state(
            {**cleaner.to_state(), "twins": {"town": {"kind": "flag", "words": ["a", "b"]}}}
        )
