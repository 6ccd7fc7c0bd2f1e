"""The output of `automl predict`: predictions, probabilities, and columns that are kept."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from tests.run.commands import QUICK, automl

ROWS = [f"{k:03},{k % 7},{k * 1.5},{'yes' if k % 3 else 'no'}" for k in range(40)]
IDS = [row.split(",")[0] for row in ROWS]
TABLE = "\n".join(["id,a,b,y", *ROWS]) + "\n"
FIT = ("fit", "t.csv", "--target", "y", *QUICK, "--output", "run")


def fit(folder: Path, table: str) -> None:
    """Write a table to a folder and make a run on it."""
    (folder / "t.csv").write_text(table, encoding="utf-8")
    done = automl(*FIT, cwd=folder)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a table and a run."""
    folder = tmp_path_factory.mktemp("home")
    fit(folder, TABLE)
    return folder


def predict(home: Path, *words: str) -> pd.DataFrame:
    done = automl("predict", "run", "t.csv", *words, cwd=home)
    assert done.returncode == 0, done.stderr
    return pd.read_csv(io.StringIO(done.stdout), dtype=str)


def refusal(home: Path, *words: str) -> str:
    """Return the one line of a refused prediction."""
    done = automl("predict", "run", "t.csv", *words, cwd=home)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_a_column_is_kept_unchanged_before_the_predictions(home: Path) -> None:
    output = predict(home, "--keep", "id")
    assert output.columns.tolist() == ["id", "prediction"]
    assert output["id"].tolist() == IDS
    assert output["prediction"].tolist() == predict(home)["prediction"].tolist()


def test_several_columns_are_kept_in_the_given_order_and_each_once(home: Path) -> None:
    output = predict(home, "--keep", "b", "--keep", "id", "--keep", "b")
    assert output.columns.tolist() == ["b", "id", "prediction"]


def test_the_target_and_unknown_columns_can_be_kept(home: Path) -> None:
    table = "a,b,y,note\n1,2,no,\n3,4,yes,«x»\n"
    (home / "more.csv").write_text(table, encoding="utf-8")
    keep = ("--keep", "note", "--keep", "y", "--keep", "a")
    done = automl("predict", "run", "more.csv", *keep, cwd=home)
    header, *rows = done.stdout.splitlines()
    assert header == "note,y,a,prediction"
    assert [row.split(",")[:3] for row in rows] == [["", "no", "1"], ["«x»", "yes", "3"]]


def test_classes_stand_before_their_probabilities(home: Path) -> None:
    output = predict(home, "--proba", "--label", "--keep", "id")
    assert output.columns.tolist() == ["id", "prediction", "no", "yes"]
    assert output["prediction"].tolist() == predict(home)["prediction"].tolist()
    probabilities = predict(home, "--proba")
    assert output[["no", "yes"]].equals(probabilities)


def test_probabilities_alone_are_a_column_a_class(home: Path) -> None:
    output = predict(home, "--proba")
    assert output.columns.tolist() == ["no", "yes"]


def columns_of(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return pd.read_parquet(path).columns.tolist()
    if path.suffix == ".jsonl":
        first = path.read_text(encoding="utf-8").splitlines()[0]
        return list(json.loads(first))
    return pd.read_csv(path).columns.tolist()


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_of_output_has_the_same_columns(home: Path, suffix: str) -> None:
    output = f"out{suffix}"
    options = ("--proba", "--label", "--keep", "id", "--output", output)
    done = automl("predict", "run", "t.csv", *options, cwd=home)
    assert done.returncode == 0
    assert columns_of(home / output) == ["id", "prediction", "no", "yes"]


def test_dates_can_be_kept_in_json(home: Path) -> None:
    days = pd.date_range("2024-01-01", periods=3)
    table = pd.DataFrame({"a": [1, 2, 3], "b": [1.5, 2.5, 3.5], "day": days})
    table.to_parquet(home / "days.parquet")
    options = ("--keep", "day", "--output", "days.jsonl")
    done = automl("predict", "run", "days.parquet", *options, cwd=home)
    assert done.returncode == 0, done.stderr
    lines = (home / "days.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(lines[0])["day"].startswith("2024-01-01")


def test_an_absent_column_is_refused_with_a_suggestion(home: Path) -> None:
    message = refusal(home, "--keep", "idd")
    assert "t.csv: no column 'idd'. Did you mean 'id'?" in message


def test_a_column_with_the_name_of_a_prediction_is_refused(home: Path) -> None:
    table = "a,b,yes,prediction\n1,2,x,y\n"
    (home / "clash.csv").write_text(table, encoding="utf-8")
    for words in (("--keep", "prediction"), ("--proba", "--keep", "yes")):
        done = automl("predict", "run", "clash.csv", *words, cwd=home)
        assert done.returncode == 2
        start = f"--keep {words[-1]}: the answers have a column of that name."
        assert f"{start} Rename it in the table." in done.stderr


def test_a_label_without_probabilities_is_refused(home: Path) -> None:
    message = "--label: is for --proba; without --proba the class is written anyway."
    assert message in refusal(home, "--label")


def test_a_class_called_prediction_can_have_no_label_column(tmp_path: Path) -> None:
    fit(tmp_path, TABLE.replace("yes", "prediction"))
    message = refusal(tmp_path, "--proba", "--label")
    assert "--label: a class is called 'prediction'" in message


def test_bounds_stand_behind_the_number_and_kept_columns_before_it(tmp_path: Path) -> None:
    lines = [f"{k},{k % 5},{k * 2 + k % 3}" for k in range(60)]
    fit(tmp_path, "\n".join(["id,a,y", *lines]) + "\n")
    output = predict(tmp_path, "--keep", "id", "--interval", "0.9")
    assert output.columns.tolist() == ["id", "prediction", "low", "high"]
