"""Fit, predict and leaderboard detect a table's form, and options can set it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from automl import cli
from automl.predictor import load
from tests.run.commands import QUICK

Run = Callable[..., tuple[int, str, str]]

NUMBERS = [[f"{(7 * row + 3 * column) % 11 + 0.25}" for column in range(4)] for row in range(48)]
LABELS = ["yes" if float(row[0]) > 5 else "no" for row in NUMBERS]
WAVELENGTHS = ["400", "405", "410", "415"]  # names of columns that look like numbers


def text(
    separator: str = ",",
    names: list[str] = WAVELENGTHS,
    labels: list[str] | None = LABELS,
) -> str:
    """Return a table as text; without labels it has no target."""
    rows = [names, *NUMBERS]
    if labels is not None:
        targets = ["y", *labels]
        rows = [[*row, target] for row, target in zip(rows, targets, strict=True)]
    lines = [separator.join(row) + "\n" for row in rows]
    return "".join(lines)


@pytest.fixture
def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Return the command line, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["automl", *words])
        code = cli._run()
        out, err = capsys.readouterr()
        return code, out, err

    return call


def fit(run: Run, content: str | bytes, *words: str) -> None:
    """Write train.csv, and make a run on it."""
    blob = content.encode() if isinstance(content, str) else content
    Path("train.csv").write_bytes(blob)
    code, _, err = run("fit", "train.csv", "--target", "y", *QUICK, "--output", "run", *words)
    assert code == 0, err


def test_a_table_whose_names_are_numbers_predicts_without_the_target(run: Run) -> None:
    fit(run, text())
    Path("new.csv").write_text(text(labels=None))
    code, output, err = run("predict", "run", "new.csv")
    assert code == 0
    assert err == ""
    assert output.count("\n") == 49
    Path("other.csv").write_text(text(";", labels=None))
    code, other_output, _ = run("predict", "run", "other.csv")
    assert code == 0
    assert other_output == output
    Path("scored.csv").write_text("Title\n\n" + text("^"))
    _, board, _ = run("leaderboard", "run", "scored.csv")
    assert "Scores on scored.csv" in board


def test_a_header_without_rows_gives_an_empty_output(run: Run) -> None:
    fit(run, text())
    Path("new.csv").write_text(",".join(WAVELENGTHS) + "\n")
    assert run("predict", "run", "new.csv") == (0, "prediction\n", "")
    assert run("predict", "run", "new.csv", "--proba") == (0, "no,yes\n", "")
    code, _, _ = run("predict", "run", "new.csv", "--output", "out.jsonl")
    assert code == 0
    assert Path("out.jsonl").read_text() == ""
    Path("short.csv").write_text(",".join(WAVELENGTHS[1:]) + "\n")
    code, _, _ = run("predict", "run", "short.csv")
    assert code == 2


def test_a_regression_without_rows_has_columns_for_its_interval(run: Run) -> None:
    labels = [f"{3 * float(row[0]) + float(row[1])}" for row in NUMBERS]
    fit(run, text(labels=labels))
    Path("new.csv").write_text(",".join(WAVELENGTHS) + "\n")
    result = run("predict", "run", "new.csv", "--interval", "0.9")
    assert result == (0, "prediction,low,high\n", "")


def test_options_of_the_form_are_stored_and_used_again(run: Run) -> None:
    names = ["größe", *WAVELENGTHS[1:]]
    table = text("§", names).encode("cp1252")
    fit(run, table, "--separator", "§", "--encoding", "cp1252")
    toml = Path("run/run.toml").read_text(encoding="utf-8")
    assert 'separator = "§"' in toml
    assert 'encoding = "cp1252"' in toml
    code, _, err = run("run", "run/run.toml", "--output", "again", "-q")
    assert code == 0, err
    form = load(Path("again")).cleaner.form
    assert form is not None
    assert form.separator == "§"
    assert form.encoding == "cp1252"
    code, output, err = run("predict", "run", "train.csv")
    assert code == 0
    assert err == ""
    assert output.count("\n") == 49
    Path("new.csv").write_text(text("#", names))
    options = ("--separator", "#", "--encoding", "utf-8")
    code, other_output, _ = run("predict", "run", "new.csv", *options)
    assert code == 0
    assert other_output == output


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--separator", "x", "--separator 'x': give the characters between fields"),
        ("--encoding", "klingon", "--encoding 'klingon': no such encoding"),
        ("--sheet", "Data", "--sheet 'Data': train.csv is not a workbook."),
    ],
)
def test_a_wrong_option_of_the_form_gets_one_line(
    run: Run, option: str, value: str, message: str
) -> None:
    Path("train.csv").write_text(text())
    code, _, err = run("fit", "train.csv", "--target", "y", *QUICK, option, value)
    assert code == 2
    assert err.count("\n") == 1
    assert message in err


def call_in_process(folder: Path, *words: str, **settings: str) -> str:
    """Run a command in a process with settings of the environment, and return its output."""
    done = subprocess.run(
        [sys.executable, "-m", "automl", *words],
        cwd=folder,
        capture_output=True,
        check=False,
        env={**os.environ, **settings},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"PYTHONIOENCODING": "ascii"}, marks=pytest.mark.heavy),
        pytest.param({"PYTHONIOENCODING": "latin-1"}, marks=pytest.mark.heavy),
        pytest.param({"PYTHONIOENCODING": "cp1252"}, marks=pytest.mark.heavy),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=str,
)
def test_letters_of_any_alphabet_pass_in_any_locale(
    tmp_path: Path, settings: dict[str, str]
) -> None:
    labels = ["москва" if label == "yes" else "größer" for label in LABELS]
    table = text(labels=labels).replace("y\n", "härte\n", 1)
    (tmp_path / "größe.csv").write_text(table, encoding="utf-8")
    fit = ("fit", "größe.csv", "--target", "härte", *QUICK, "--output", "läufe")
    call_in_process(tmp_path, *fit, **settings)
    output = call_in_process(tmp_path, "predict", "läufe", "größe.csv", **settings)
    predictions = output.split("\n")[1:-1]
    assert set(predictions) == {"москва", "größer"}


@pytest.mark.heavy
def test_names_that_are_not_utf8_are_written_as_escapes(tmp_path: Path) -> None:
    name = os.fsdecode(b"gr\xf6\xdfe.csv")
    (tmp_path / name).write_text(text())
    call_in_process(tmp_path, "fit", name, "--target", "y", *QUICK, "--output", "run")
    board = call_in_process(tmp_path, "leaderboard", "run", name)
    assert "gr\\udcf6\\udcdfe.csv" in board
    call_in_process(tmp_path, "run", "run/run.toml", "--output", "again", "-q")


def test_a_pipe_is_read_once_although_it_is_needed_twice(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(text())
    table = "<(cat train.csv)"
    options = f"--target y {' '.join(QUICK)} --output run"
    command = f"{sys.executable} -m automl fit {table} --test {table} {options}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "48 rows" in done.stdout
