"""Every column kind recognises its columns, reads them row by row, is saved, and is encoded."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from automl.cleaning import Cleaned, Cleaner, kinds
from automl.cleaning.cells import Cells, normalize_cells, read_cells
from automl.cleaning.kinds import KINDS, Kind, RawColumn, force, infer, rule_from_state
from automl.columns import Columns, Numbers
from automl.errors import UnsafeModel
from automl.features.encoding import FITTERS, fit_shared
from automl.features.recipe import RECIPES
from automl.table import from_frame
from tests.cleaning.samples import cleaned

CONTRIBUTING = Path(__file__).resolve().parents[2] / "CONTRIBUTING.md"

WORDS = ["seldom", "often", "always", "never"]
# Of each kind a column of 60 rows.
COLUMNS: dict[str, list[str]] = {
    "flag": ["yes", "no", "no"] * 20,
    "number": [f"${number}.50" for number in range(60)],
    "date": [f"2024-0{month}-{day:02d}" for month in (1, 3, 5) for day in range(1, 21)],
    "duration": [f"{hour:02d}:{minute:02d}:07" for hour in range(6) for minute in range(10)],
    "parts": [f"{low}/{low + 80}" for low in range(60)],
    "text": [f"it rained {number} days on end, and {number + 3} were dry" for number in range(60)],
    "category": WORDS * 15,
    "size": ["M", "XL", "S", "XXL", "L", "XS"] * 10,
}


def kind_of_contributing() -> Kind:
    """Return the kind that CONTRIBUTING shows how to add."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    _, section = text.split("## A new column kind")
    (block, *_) = re.findall(r"```python\n(.*?)```", section, flags=re.DOTALL)
    names: dict[str, Any] = {"__name__": __name__}
    exec(block, names)
    kind: Kind = names["SIZE"]
    return kind


SIZE = kind_of_contributing()
ALL = (SIZE, *KINDS)


@pytest.fixture(autouse=True)
def _with_the_kind_of_contributing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "KINDS", ALL)  # the one line that CONTRIBUTING asks for


@pytest.fixture(params=ALL, ids=[kind.name for kind in ALL])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def cells_of(words: list[str]) -> Cells:
    return normalize_cells(read_cells(pd.Series(words)))


def column_of(kind: Kind) -> Cells:
    return cells_of(COLUMNS[kind.name])


def cleaned_column(kind: Kind) -> Cleaned:
    words = COLUMNS[kind.name][:40]
    return cleaned(column=words)


def test_each_kind_has_a_name_of_its_own() -> None:
    assert len({kind.name for kind in ALL}) == len(ALL)
    assert set(COLUMNS) == {kind.name for kind in ALL}


def test_recognises_its_columns_and_leaves_others_to_the_next_kind(kind: Kind) -> None:
    for name, words in COLUMNS.items():
        found = infer(RawColumn("column", cells_of(words)))
        assert (found.rule.kind == kind.name) == (name == kind.name)
        assert isinstance(found.rule, kind.rule) == (name == kind.name)


def test_reads_columns_of_its_layout_whose_encoders_are_known(kind: Kind) -> None:
    cells = column_of(kind)
    read = infer(RawColumn("column", cells)).rule.read(cells)
    assert read.n_unreadable == 0
    assert read.n_present == 60
    for column in read.columns:
        assert isinstance(column, kind.layout)
        assert column.kind == kind.encoders
        assert kind.encoders in FITTERS


def test_reads_each_row_by_itself(kind: Kind) -> None:
    words = COLUMNS[kind.name]
    rule = infer(RawColumn("column", cells_of(words))).rule
    together = rule.read(cells_of(words))
    alone = rule.read(cells_of(words[7:8]))
    rows = np.array([7])
    for whole, single in zip(together.columns, alone.columns, strict=True):
        expected = Columns({"column": whole.take(rows)}, 1)
        found = Columns({"column": single}, 1)
        for (_, first), (_, second) in zip(expected.arrays(), found.arrays(), strict=True):
            assert first.tobytes() == second.tobytes()


def test_reads_nothing_from_no_rows(kind: Kind) -> None:
    rule = infer(RawColumn("column", column_of(kind))).rule
    read = rule.read(cells_of([]))
    assert read.n_present == read.n_unreadable == read.n_unseen == 0


def test_is_saved_as_plain_values(kind: Kind) -> None:
    cells = column_of(kind)
    rule = infer(RawColumn("column", cells)).rule
    text = json.dumps({"kind": rule.kind, **rule.to_state()})
    assert rule_from_state(json.loads(text)) == rule


def test_a_state_of_no_kind_is_refused() -> None:
    for state in ({"kind": "nonsense"}, {}, [], None, {"kind": None}):
        with pytest.raises(UnsafeModel, match="unknown kind"):
            rule_from_state(state)


def test_describes_itself_in_plain_values(kind: Kind) -> None:
    described = infer(RawColumn("column", column_of(kind))).rule.describe()
    assert not {"name", "kind"} & set(described)
    json.dumps(described)


def test_says_what_is_missing_where_no_cell_can_be_read(kind: Kind) -> None:
    rule = infer(RawColumn("column", column_of(kind))).rule
    read = rule.read(cells_of(["§", "¶"]))
    is_refused = read.n_unreadable == read.n_present == 2
    # Of a shape's words some may change: they count as missing.
    assert bool(rule.none_found) == (is_refused and kind.name != "parts")


def test_reads_any_column_if_users_choose_it(kind: Kind) -> None:
    if kind.force is None:
        assert kind.name not in kinds.chosen_by_users()
        return
    for words in COLUMNS.values():
        cells = cells_of(words)
        read = force(RawColumn("column", cells), kind.name).read(cells)
        assert read.n_present == 60


def test_goes_all_the_way_from_a_file_to_features(kind: Kind) -> None:
    found = cleaned_column(kind)
    encoding = fit_shared(RECIPES["native"], found.columns, seed=0)
    X = encoding.transform(found.columns)
    sources = {feature.source for feature in encoding.features}
    assert any(source.startswith("column") for source in sources)
    assert X.shape == (40, len(encoding.features))
    again = Cleaner.from_state(json.loads(json.dumps(found.cleaner.to_state())))
    words = COLUMNS[kind.name][:3]
    applied = again.transform(from_frame(pd.DataFrame({"x": [0.5, 1.5, 2.5], "column": words})))
    assert encoding.transform(applied.columns).shape == (3, len(encoding.features))


def test_the_kind_of_contributing_reads_sizes_as_numbers() -> None:
    column = SIZE.rule().read(cells_of(["M", "XS", "?", "giant"])).column
    assert isinstance(column, Numbers)
    np.testing.assert_array_equal(column.values, [2, 0, np.nan, np.nan])
