"""The output of `automl predict`: predictions, probabilities, and columns that are kept."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.run.commands import QUICK, automl

ROWS = [
    f"{place:03},{place % 7},{place * 1.5},{'yes' if place % 3 else 'no'}" for place in range(40)
]
TABLE = "\n".join(["id,a,b,y", *ROWS]) + "\n"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a run."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "t.csv").write_text(TABLE, encoding="utf-8")
    said = automl("fit", "t.csv", "--target", "y", *QUICK, "--output", "run", cwd=folder)
    assert said.returncode == 0, said.stderr
    return folder


def predicted(home: Path, *words: str) -> pd.DataFrame:
    said = automl("predict", "run", "t.csv", *words, cwd=home)
    assert said.returncode == 0, said.stderr
    return pd.read_csv(io.StringIO(said.stdout), dtype=str)


def refused(home: Path, *words: str) -> str:
    said = automl("predict", "run", "t.csv", *words, cwd=home)
    assert (said.returncode, said.stdout) == (2, "")
    assert len(said.stderr.splitlines()) == 1
    return said.stderr


def test_a_column_is_carried_over_as_it_stands_before_the_answers(home: Path) -> None:
    answers = predicted(home, "--keep", "id")
    assert answers.columns.tolist() == ["id", "prediction"]
    assert answers["id"].tolist() == [row.split(",")[0] for row in ROWS]
    assert answers["prediction"].tolist() == predicted(home)["prediction"].tolist()


def test_several_columns_are_carried_over_in_the_order_asked_and_each_once(home: Path) -> None:
    assert predicted(home, "--keep", "b", "--keep", "id", "--keep", "b").columns.tolist() == [
        "b",
        "id",
        "prediction",
    ]


def test_the_target_and_what_the_model_does_not_know_can_be_carried_over(home: Path) -> None:
    (home / "more.csv").write_text("a,b,y,note\n1,2,no,\n3,4,yes,«x»\n", encoding="utf-8")
    said = automl(
        "predict", "run", "more.csv", "--keep", "note", "--keep", "y", "--keep", "a", cwd=home
    )
    assert said.stdout.splitlines()[0] == "note,y,a,prediction"
    assert [line.split(",")[:3] for line in said.stdout.splitlines()[1:]] == [
        ["", "no", "1"],
        ["«x»", "yes", "3"],
    ]


def test_classes_stand_before_their_probabilities(home: Path) -> None:
    both = predicted(home, "--proba", "--label", "--keep", "id")
    assert both.columns.tolist() == ["id", "prediction", "no", "yes"]
    assert both["prediction"].tolist() == predicted(home)["prediction"].tolist()
    assert both[["no", "yes"]].equals(predicted(home, "--proba"))


def test_probabilities_alone_are_a_column_a_class(home: Path) -> None:
    assert predicted(home, "--proba").columns.tolist() == ["no", "yes"]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_every_kind_of_output_holds_them(home: Path, ending: str) -> None:
    out = f"out{ending}"
    words = ("predict", "run", "t.csv", "--proba", "--label", "--keep", "id", "--output", out)
    assert automl(*words, cwd=home).returncode == 0
    if ending == ".parquet":
        names = pd.read_parquet(home / out).columns.tolist()
    elif ending == ".jsonl":
        names = list(json.loads((home / out).read_text(encoding="utf-8").splitlines()[0]))
    else:
        names = pd.read_csv(home / out).columns.tolist()
    assert names == ["id", "prediction", "no", "yes"]


def test_dates_are_carried_over_into_json(home: Path) -> None:
    days = pd.date_range("2024-01-01", periods=3)
    pd.DataFrame({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5], "day": days}).to_parquet(
        home / "days.parquet"
    )
    words = ("predict", "run", "days.parquet", "--keep", "day", "--output", "days.jsonl")
    said = automl(*words, cwd=home)
    assert said.returncode == 0, said.stderr
    first = json.loads((home / "days.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["day"].startswith("2024-01-01")


def test_a_column_that_is_not_there_is_refused_with_the_one_that_may_be_meant(home: Path) -> None:
    assert "t.csv: no column 'idd'. Did you mean 'id'?" in refused(home, "--keep", "idd")


def test_a_column_with_the_name_of_an_answer_is_refused(home: Path) -> None:
    (home / "clash.csv").write_text("a,b,yes,prediction\n1,2,x,y\n", encoding="utf-8")
    for words in (("--keep", "prediction"), ("--proba", "--keep", "yes")):
        said = automl("predict", "run", "clash.csv", *words, cwd=home)
        assert said.returncode == 2
        assert (
            f"--keep {words[-1]}: the answers have a column of that name. Rename it in the table."
            in said.stderr
        )


def test_a_label_without_probabilities_is_refused(home: Path) -> None:
    assert "--label: is for --proba; without --proba the class is written anyway." in refused(
        home, "--label"
    )


def test_a_class_called_prediction_stands_beside_no_other_column_of_that_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "t.csv").write_text(TABLE.replace("yes", "prediction"), encoding="utf-8")
    assert (
        automl("fit", "t.csv", "--target", "y", *QUICK, "--output", "run", cwd=tmp_path).returncode
        == 0
    )
    assert "--label: a class is called 'prediction'" in refused(tmp_path, "--proba", "--label")


def test_bounds_stand_behind_a_number_and_what_is_carried_over_before_it(tmp_path: Path) -> None:
    lines = [f"{place},{place % 5},{place * 2 + place % 3}" for place in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["id,a,y", *lines]) + "\n", encoding="utf-8")
    assert (
        automl("fit", "t.csv", "--target", "y", *QUICK, "--output", "run", cwd=tmp_path).returncode
        == 0
    )
    answers = predicted(tmp_path, "--keep", "id", "--interval", "0.9")
    assert answers.columns.tolist() == ["id", "prediction", "low", "high"]
