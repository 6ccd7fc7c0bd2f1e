"""Every wrong input gets one clear line, exit code 2, no traceback, and nothing is left behind."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from automl import cli
from automl.files import bundled

PENGUINS = bundled("datasets") / "penguins" / "data.csv"
ROWS = "".join(f"{k % 7},{k * 1.5},{'yes' if k % 3 else 'no'}\n" for k in range(40))
TABLE = "a,b,y\n" + ROWS


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """What the command line answers: exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["automl", *words])
    code = cli._run()
    out, err = capsys.readouterr()
    return code, out, err


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a good table, in which the command is run."""
    (tmp_path / "good.csv").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    home = tmp_path_factory.mktemp("model")
    (home / "good.csv").write_text(TABLE)
    words = [
        "fit",
        str(home / "good.csv"),
        "--target",
        "y",
        "--trials",
        "2",
        "--pipeline",
        "linear",
        "--engine",
        "inline",
        "-q",
        "--output",
    ]
    before = sys.argv
    sys.argv = ["automl", *words, str(home / "run")]
    try:
        assert cli._run() == 0
    finally:
        sys.argv = before
    return home / "run"


def write(name: str, content: str | bytes) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            (folder / name).write_text(content)

    return make


def nothing(folder: Path) -> None:
    """The good table is all that is needed."""


def one_long_line(folder: Path) -> None:
    """A sparse file: two gigabytes without a line break, which must not be read into memory."""
    with open(folder / "bad.csv", "wb") as file:
        file.write(b"a,b,y\n1,2,")
        file.seek(2 * 2**30)
        file.write(b"3\n")


FIT = ("fit", "bad.csv", "--target", "y", "--budget", "10s", "-q")
GOOD = ("fit", "good.csv", "--target", "y", "-q")
ONE_PLACE = "g,t,b,y\n" + "".join(f"north,2024-01-01,{row % 7},{'no' if row % 3 else 'yes'}\n" for row in range(40))

WRONG: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "no file": (nothing, ("fit", "god.csv", "--target", "y"), "god.csv: no such file. Did you mean 'good.csv'?"),
    "a folder": (nothing, ("fit", ".", "--target", "y"), "is a folder"),
    "empty file": (write("bad.csv", ""), FIT, "empty"),
    "only a header": (write("bad.csv", "a,b,y\n"), FIT, "bad.csv"),
    "no such column": (nothing, ("fit", "good.csv", "--target", "z", "-q"), "no column 'z'"),
    "a column's name misspelt": (
        write("bad.csv", TABLE.replace("y\n", "price\n", 1)),
        ("fit", "bad.csv", "--target", "prise"),
        "Did you mean 'price'?",
    ),
    "one class only": (write("bad.csv", "a,b,y\n" + "1,2,yes\n" * 30), FIT, "one class"),
    "a target that is all missing": (write("bad.csv", "a,b,y\n" + "1,2,\n" * 30), FIT, "y"),
    "binary garbage": (write("bad.csv", bytes(range(256)) * 200), FIT, "bad.csv"),
    "two rows": (write("bad.csv", "a,b,y\n1,2,no\n3,4,yes\n"), FIT, "row"),
    "a 2 GB line": (one_long_line, FIT, "bad.csv"),
    "a broken gzip file": (write("bad.csv", gzip.compress(TABLE.encode())[:60]), FIT, "bad.csv"),
    "words for a regression": (nothing, (*GOOD, "--task", "regression"), "y"),
    "three classes for a binary task": (write("bad.csv", TABLE.replace("yes", "maybe", 5)), (*FIT, "--task", "binary"), "has 3 classes"),
    "no such task": (nothing, (*GOOD, "--task", "clustering"), "--task 'clustering'"),
    "no such metric": (nothing, (*GOOD, "--metric", "roc_acu"), "Did you mean 'roc_auc'?"),
    "a metric for another task": (nothing, (*GOOD, "--metric", "rmse"), "rmse"),
    "no such pipeline": (nothing, (*GOOD, "--pipeline", "defalt"), "Did you mean 'default'?"),
    "no such stage": (nothing, (*GOOD, "--set", "tone.method=tpe"), "Did you mean 'tune'?"),
    "no such option of a stage": (nothing, (*GOOD, "--set", "tune.methid=tpe"), "Did you mean 'method'?"),
    "a value that an option can't have": (nothing, (*GOOD, "--set", "tune.method=magic"), "'tpe'"),
    "a setting without a value": (nothing, (*GOOD, "--set", "tune"), "stage.field=value"),
    "no such family": (nothing, (*GOOD, "--set", "select.families=lightgbn"), "Did you mean 'lightgbm'?"),
    "no such recipe": (nothing, (*GOOD, "--set", "extract.recipes=nativ"), "Did you mean 'native'?"),
    "a budget that is no time": (nothing, (*GOOD, "--budget", "soon"), "'soon' is not a duration"),
    "two budgets": (nothing, (*GOOD, "--budget", "1m", "--trials", "3"), "--budget and --trials"),
    "no trials": (nothing, (*GOOD, "--trials", "0"), "--trials 0"),
    "no cores": (nothing, (*GOOD, "--jobs", "0"), "--jobs 0"),
    "a negative seed": (nothing, (*GOOD, "--seed", "-1"), "--seed -1"),
    "no size": (nothing, (*GOOD, "--memory", "lots"), "'lots' is not a usable size"),
    "no such engine": (nothing, (*GOOD, "--engine", "steam"), "--engine 'steam'"),
    "no such option": (nothing, (*GOOD, "--metrik", "rmse"), "--metrik"),
    "no such command": (nothing, ("fitt", "good.csv"), "fitt"),
    "a missing argument": (nothing, ("fit",), "'data'"),
    "a target left out": (nothing, ("fit", "good.csv"), "--target"),
    "an output folder that is not empty": (nothing, (*GOOD, "--output", "."), "not an empty folder"),
    "an unknown positive class": (nothing, (*GOOD, "--positive", "perhaps"), "perhaps"),
    "no such weight column": (nothing, (*GOOD, "--weight", "w"), "'w'"),
    "negative weights": (write("bad.csv", TABLE.replace("a,b,y", "w,b,y").replace("\n1,", "\n-1,")), (*FIT, "--weight", "w"), "w"),
    "no such group column": (nothing, (*GOOD, "--group", "g"), "'g'"),
    "one group only": (write("bad.csv", ONE_PLACE), (*FIT, "--group", "g"), "'g' holds one group only"),
    "one time only": (write("bad.csv", ONE_PLACE), (*FIT, "--time", "t"), "'t' holds one time only"),
    "a pipeline file with an unknown key": (
        write("p.toml", '[[stage]]\nuse = "clean"\nshrae = 3\n'),
        (*GOOD, "--pipeline", "p.toml"),
        "Did you mean",
    ),
    "a pipeline file that is no TOML": (write("p.toml", "[[stage"), (*GOOD, "--pipeline", "p.toml"), "not a TOML file"),
    "a pipeline without stages": (write("p.toml", 'about = "x"\n'), (*GOOD, "--pipeline", "p.toml"), "[[stage]]"),
    "run of a pipeline without data": (nothing, ("run", "linear"), "[data]"),
    "no such test file": (nothing, (*GOOD, "--test", "no.csv"), "no.csv: no such file"),
    "predict without a model": (nothing, ("predict", "nowhere", "good.csv"), "nowhere: no such model file"),
    "predict with a table as the model": (nothing, ("predict", "good.csv", "good.csv"), "not a predictor"),
    "predict with a folder that is no run": (nothing, ("predict", ".", "good.csv"), "predictor.automl"),
    "leaderboard of a folder that is no run": (nothing, ("leaderboard", "."), "not a run folder"),
    "a test table without the target": (write("new.csv", "a,b\n1,2\n3,4\n"), (*GOOD, "--test", "new.csv"), "no column 'y'"),
    "a date as weight": (
        write("bad.csv", TABLE.replace("a,b,y", "w,b,y").replace("\n", "\n2024-01-0", 40)),
        (*FIT, "--weight", "w"),
        "no numbers",
    ),
    "a case of the target's name": (nothing, ("fit", "good.csv", "--target", "Y", "-q"), "Did you mean 'y'?"),
    "an option below what it may be": (nothing, (*GOOD, "--set", "ensemble.steps=0"), "is to be from 1 to 1000"),
    "a share beyond what it may be": (nothing, (*GOOD, "--set", "clean.holdout=2"), "is to be from 0.01 to 0.5"),
    "no number at all": (nothing, (*GOOD, "--set", "tune.near=nan"), "tune.near"),
    "resume of what is no run": (nothing, ("resume", "."), "no run.toml"),
    "reproduce of nothing": (nothing, ("reproduce", "nowhere"), "no such run folder"),
    "a log that is damaged": (write("events.jsonl", "{}\n"), ("leaderboard", "."), "line 1 is damaged"),
    "a log of a later version": (
        write("events.jsonl", '{"v": 99, "kind": "new", "time": 1}\n'),
        ("leaderboard", "."),
        "reads format 2",
    ),
    "a log with an unknown event": (write("events.jsonl", '{"v": 2, "kind": "new", "time": 1}\n'), ("leaderboard", "."), "no event"),
    "a pipeline file whose target is a number": (
        write("p.toml", '[data]\npath = "good.csv"\ntarget = 3\n[[stage]]\nuse = "clean"\n'),
        ("run", "p.toml"),
        "is to be text",
    ),
    "leaderboard of nothing": (nothing, ("leaderboard", "nowhere"), "nowhere"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_gets_one_line(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    make, words, expected = WRONG[name]
    make(folder)
    before = sorted(path.name for path in folder.iterdir())
    code, out, err = run(monkeypatch, capsys, *words)
    assert code == 2, err
    assert expected in err
    assert err.count("\n") == 1
    assert err.startswith("automl: ")
    assert "Traceback" not in err
    assert out == ""
    assert sorted(path.name for path in folder.iterdir()) == before


DAMAGE: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "a model that is cut short": (lambda m: m.write_bytes(m.read_bytes()[:-100]), (), "damaged"),
    "a model with a changed byte": (
        lambda m: m.write_bytes(bytes([*m.read_bytes()[:500], m.read_bytes()[500] ^ 1, *m.read_bytes()[501:]])),
        (),
        "damaged",
    ),
    "an empty model": (lambda m: m.write_bytes(b""), (), "not a predictor"),
    "another digest than expected": (lambda m: None, ("--expect-sha256", "0" * 64), "SHA-256"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_is_refused(
    name: str, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    damage, words, expected = DAMAGE[name]
    copy = folder / "copy.automl"
    shutil.copy(model / "predictor.automl", copy)
    damage(copy)
    code, out, err = run(monkeypatch, capsys, "predict", "copy.automl", "good.csv", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


PREDICT: dict[str, tuple[str, tuple[str, ...], str]] = {
    "a needed column is missing": ("a,y\n1,no\n", (), "'b'"),
    "a number column that holds words": ("a,b,y\nx,u,no\nz,v,no\n", (), "number"),
    "an empty table": ("", (), "empty"),
    "extra columns under --strict": ("a,b,y,more\n1,2,no,3\n", ("--strict",), "more"),
    "a sum that is none": ("a,b\n1,2\n", ("--expect-sha256", "abc"), "64 hexadecimal digits"),
    "two kinds of answers": ("a,b\n1,2\n", ("--proba", "--interval", "0.9"), "give one of them"),
    "an interval for classes": ("a,b\n1,2\n", ("--interval", "0.9"), "--interval"),
    "an output of an unknown kind": ("a,b\n1,2\n", ("--output", "x.doc"), "x.doc"),
    "an output in a folder that isn't there": ("a,b\n1,2\n", ("--output", "no/x.csv"), "no"),
}


@pytest.mark.parametrize("name", PREDICT)
def test_a_bad_predict_call_is_refused(
    name: str, model: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text, words, expected = PREDICT[name]
    (folder / "new.csv").write_text(text)
    code, out, err = run(monkeypatch, capsys, "predict", str(model), "new.csv", *words)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert expected in err
