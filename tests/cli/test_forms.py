"""Fit, predict and leaderboard detect a table's form, and options can set it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from automl import cli
from automl.predictor import load
from tests.run.commands import QUICK

NUMBERS = [[f"{(7 * row + 3 * column) % 11 + 0.25}" for column in range(4)] for row in range(48)]
LABELS = ["yes" if float(row[0]) > 5 else "no" for row in NUMBERS]
WAVES = ["400", "405", "410", "415"]


def text(separator: str = ",", names: list[str] = WAVES, labels: list[str] | None = LABELS) -> str:
    """A table whose columns but the target have numbers for names."""
    rows = [[*names, *(["y"] if labels else [])]]
    rows += [[*row, *([labels[place]] if labels else [])] for place, row in enumerate(NUMBERS)]
    return "".join(separator.join(row) + "\n" for row in rows)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """The command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["automl", *words])
        code = cli._run()
        return code, *capsys.readouterr()

    return call


def fitted(run, name: str, content: str | bytes, *words: str) -> None:  # type: ignore[no-untyped-def]
    Path(name).write_bytes(content.encode() if isinstance(content, str) else content)
    code, _, err = run("fit", name, "--target", "y", *QUICK, "--output", "run", *words)
    assert code == 0, err


def test_a_table_whose_names_are_numbers_predicts_without_the_target(run) -> None:  # type: ignore[no-untyped-def]
    fitted(run, "train.csv", text())
    Path("new.csv").write_text(text(labels=None))
    code, plain, err = run("predict", "run", "new.csv")
    assert (code, plain.count("\n"), err) == (0, 49, "")
    Path("other.csv").write_text(text(";", labels=None))
    assert run("predict", "run", "other.csv")[:2] == (0, plain)
    Path("scored.csv").write_text("Title\n\n" + text("^"))
    assert "Scores on scored.csv" in run("leaderboard", "run", "scored.csv")[1]


def test_a_header_without_rows_is_an_empty_answer(run) -> None:  # type: ignore[no-untyped-def]
    fitted(run, "train.csv", text())
    Path("new.csv").write_text(",".join(WAVES) + "\n")
    assert run("predict", "run", "new.csv") == (0, "prediction\n", "")
    assert run("predict", "run", "new.csv", "--proba") == (0, "no,yes\n", "")
    assert run("predict", "run", "new.csv", "--output", "out.jsonl")[0] == 0
    assert Path("out.jsonl").read_text() == ""
    Path("short.csv").write_text(",".join(WAVES[1:]) + "\n")
    assert run("predict", "run", "short.csv")[0] == 2


def test_a_regression_answers_no_rows_with_its_interval(run) -> None:  # type: ignore[no-untyped-def]
    labels = [f"{3 * float(row[0]) + float(row[1])}" for row in NUMBERS]
    fitted(run, "train.csv", text(labels=labels))
    Path("new.csv").write_text(",".join(WAVES) + "\n")
    assert run("predict", "run", "new.csv", "--interval", "0.9") == (0, "prediction,low,high\n", "")


def test_what_the_user_says_of_the_form_runs_again(run) -> None:  # type: ignore[no-untyped-def]
    names = ["größe", *WAVES[1:]]
    fitted(
        run,
        "train.csv",
        text("§", names).encode("cp1252"),
        "--separator",
        "§",
        "--encoding",
        "cp1252",
    )
    toml = Path("run/run.toml").read_text(encoding="utf-8")
    assert 'separator = "§"' in toml
    assert 'encoding = "cp1252"' in toml
    code, _, err = run("run", "run/run.toml", "--output", "again", "-q")
    assert code == 0, err
    form = load(Path("again")).cleaner.form
    assert form is not None
    assert (form.separator, form.encoding) == ("§", "cp1252")
    code, plain, err = run("predict", "run", "train.csv")
    assert (code, plain.count("\n"), err) == (0, 49, "")
    Path("new.csv").write_text(text("#", names))
    assert run("predict", "run", "new.csv", "--separator", "#", "--encoding", "utf-8")[:2] == (
        0,
        plain,
    )


def test_wrong_words_for_the_form_get_one_line(run) -> None:  # type: ignore[no-untyped-def]
    Path("train.csv").write_text(text())
    for words, said in (
        (("--separator", "x"), "--separator 'x': give the characters between fields"),
        (("--encoding", "klingon"), "--encoding 'klingon': no such encoding"),
        (("--sheet", "Data"), "--sheet 'Data': train.csv is no workbook."),
    ):
        code, _, err = run("fit", "train.csv", "--target", "y", *QUICK, *words)
        assert (code, err.count("\n")) == (2, 1)
        assert said in err


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
    (tmp_path / "größe.csv").write_text(
        text(labels=labels).replace("y\n", "härte\n", 1), encoding="utf-8"
    )

    def call(*words: str) -> str:
        command = [sys.executable, "-m", "automl", *words]
        said = subprocess.run(
            command, cwd=tmp_path, capture_output=True, check=False, env={**os.environ, **settings}
        )
        assert said.returncode == 0, said.stderr
        return said.stdout.decode()

    call("fit", "größe.csv", "--target", "härte", *QUICK, "--output", "läufe")
    assert set(call("predict", "läufe", "größe.csv").split("\n")[1:-1]) == {"москва", "größer"}


@pytest.mark.heavy
def test_names_that_are_no_utf8_are_written_as_escapes(tmp_path: Path) -> None:
    name = os.fsdecode(b"gr\xf6\xdfe.csv")
    (tmp_path / name).write_text(text())

    def call(*words: str) -> str:
        command = [sys.executable, "-m", "automl", *words]
        said = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert said.returncode == 0, said.stderr
        return said.stdout.decode()

    call("fit", name, "--target", "y", *QUICK, "--output", "run")
    assert "gr\\udcf6\\udcdfe.csv" in call("leaderboard", "run", name)
    call("run", "run/run.toml", "--output", "again", "-q")


def test_a_pipe_is_read_once_for_both_times(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text(text())
    command = f"{sys.executable} -m automl fit <(cat train.csv) --target y {' '.join(QUICK)} --test <(cat train.csv) --output run"
    said = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "48 rows" in said.stdout
