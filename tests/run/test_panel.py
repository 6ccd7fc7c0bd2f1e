"""Groups that are there at all times (a panel).

Later rows are held out: of known groups, or of new ones on request.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.event_log import replay
from automl.finding import Finding
from automl.study import Study
from tests.run.commands import QUICK, automl


def panel(stores: int, days: int, since: Sequence[int] = ()) -> pd.DataFrame:
    """Return the sales of each store at each date from its first one on."""
    rng = np.random.default_rng(0)
    dates = pd.date_range("2024-01-01", periods=days).strftime("%Y-%m-%d")
    first = since or [0] * stores
    rows = [
        (f"s{store}", dates[day])
        for day in range(days)
        for store in range(stores)
        if day >= first[store]
    ]
    table = pd.DataFrame(rows, columns=["store", "date"])
    return table.assign(x=rng.normal(size=len(rows))).assign(
        y=lambda made: made["x"] + rng.normal(size=len(rows)) * 0.1
    )


def fitted(folder: Path, table: pd.DataFrame, *words: str) -> Study:
    table.to_csv(folder / "t.csv", index=False)
    said = automl(
        "fit",
        "t.csv",
        "--target",
        "y",
        "--time",
        "date",
        *QUICK,
        *words,
        "--output",
        "run",
        cwd=folder,
    )
    assert said.returncode == 0, said.stderr
    return replay(folder / "run")


def told(study: Study) -> list[Finding]:
    return [finding for finding in study.findings if finding.code == "groups_and_times"]


PANELS = {
    "each store at each date": panel(6, 40),
    "a single store": panel(1, 60),
    "stores that opened later": panel(5, 40, [0, 0, 5, 10, 15]),
}


@pytest.mark.parametrize("name", PANELS)
def test_later_dates_of_known_stores_are_held_out_and_that_is_told(
    name: str, tmp_path: Path
) -> None:
    study = fitted(tmp_path, PANELS[name], "--group", "store")
    assert study.plan.kind == "time"
    (finding,) = told(study)
    assert finding.columns == ("store", "date")
    assert finding.override == "--set clean.new_groups=true"


def test_new_stores_are_held_out_where_that_is_asked_for(tmp_path: Path) -> None:
    study = fitted(tmp_path, panel(6, 40), "--group", "store", "--set", "clean.new_groups=true")
    assert study.plan.kind == "panel"
    assert study.ranked[0].candidate.family == "linear"
    assert told(study) == []
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "of later rows of other groups" in report
    predicted = automl("predict", "run", "t.csv", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr


def test_groups_that_live_for_a_while_stay_whole(tmp_path: Path) -> None:
    table = panel(1, 120)
    table["order"] = np.arange(len(table)) // 3
    study = fitted(tmp_path, table, "--group", "order")
    assert study.plan.kind == "time"
    assert told(study) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("--time", "date", "--set", "clean.new_groups=true"),
            "clean.new_groups: holds out groups that are new. Say with --group",
        ),
        (
            ("--time", "date", "--group", "one", "--set", "clean.new_groups=true"),
            "clean.new_groups: no group of 'one' is left to train on",
        ),
        (("--time", "day", "--group", "store"), "--time: 'day' holds one time only"),
    ],
)
def test_what_cannot_be_held_out_is_one_line(
    words: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    panel(6, 40).assign(one="a", day="2024-01-01").to_csv(tmp_path / "t.csv", index=False)
    said = automl("fit", "t.csv", "--target", "y", *words, *QUICK, cwd=tmp_path)
    assert said.returncode == 2
    assert message in said.stderr
    assert len(said.stderr.splitlines()) == 1
