"""Every wrong input gets one clear line and exit code 2, and leaves no files behind."""

from __future__ import annotations

import gzip
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from automl import cli
from automl.files import bundled_folder

PENGUINS = bundled_folder("datasets") / "penguins" / "data.csv"
ROWS = "".join(f"{k % 7},{k * 1.5},{'yes' if k % 3 else 'no'}\n" for k in range(40))
TABLE = "a,b,y\n" + ROWS


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    """Run the command line, and return its exit code, stdout and stderr."""
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
ONE_PLACE = "g,t,b,y\n" + "".join(
    f"north,2024-01-01,{row % 7},{'no' if row % 3 else 'yes'}\n" for row in range(40)
)

WRONG: dict[str, tuple[Callable[[Path], None], tuple[str, ...], str]] = {
    "no file": (
        nothing,
        ("fit", "god.csv", "--target", "y"),
        "god.csv: no such file. Did you mean 'good.csv'?",
    ),
    "a folder": (nothing, ("fit", ".", "--target", "y"), ".: is a folder, not a table."),
    "empty file": (write("bad.csv", ""), FIT, "bad.csv: the file is empty"),
    "only a header": (
        write("bad.csv", "a,b,y\n"),
        FIT,
        "bad.csv: the table has a header and no rows",
    ),
    "no such column": (
        nothing,
        ("fit", "good.csv", "--target", "z", "-q"),
        "good.csv: no column 'z'",
    ),
    "a column's name misspelt": (
        write("bad.csv", TABLE.replace("y\n", "price\n", 1)),
        ("fit", "bad.csv", "--target", "prise"),
        "bad.csv: no column 'prise'. Did you mean 'price'?",
    ),
    "one class only": (
        write("bad.csv", "a,b,y\n" + "1,2,yes\n" * 30),
        FIT,
        "target 'y' has only one class, 'yes': there is nothing to learn",
    ),
    "a target that is all missing": (
        write("bad.csv", "a,b,y\n" + "1,2,\n" * 30),
        FIT,
        "target 'y' has no value at all",
    ),
    "binary garbage": (
        write("bad.csv", bytes(range(256)) * 200),
        FIT,
        "bad.csv: holds binary data, not a table that can be read",
    ),
    "two rows": (
        write("bad.csv", "a,b,y\n1,2,no\n3,4,yes\n"),
        FIT,
        "target 'y': 2 rows have a target (n_samples=2); at least 10 are needed",
    ),
    "a 2 GB line": (one_long_line, FIT, "bad.csv: holds binary data, not a table that can be read"),
    "a broken gzip file": (
        write("bad.csv", gzip.compress(TABLE.encode())[:60]),
        FIT,
        "bad.csv: can't be read: Compressed file ended before the end-of-stream marker was reached",
    ),
    "words for a regression": (
        nothing,
        (*GOOD, "--task", "regression"),
        "target 'y': 'no' in row 1 is not a number (40 such rows). For classes, give --task",
    ),
    "three classes for a binary task": (
        write("bad.csv", TABLE.replace("yes", "maybe", 5)),
        (*FIT, "--task", "binary"),
        "target 'y' has 3 classes ('maybe', 'no', 'yes'), not two: give --task multiclass",
    ),
    "no such task": (
        nothing,
        (*GOOD, "--task", "clustering"),
        "--task 'clustering': must be binary, multiclass or regression",
    ),
    "no such metric": (
        nothing,
        (*GOOD, "--metric", "roc_acu"),
        "--metric: no metric 'roc_acu'. Did you mean 'roc_auc'?",
    ),
    "a metric for another task": (
        nothing,
        (*GOOD, "--metric", "rmse"),
        "--metric: 'rmse' is not defined for a binary task. These are: roc_auc, ",
    ),
    "no such pipeline": (
        nothing,
        (*GOOD, "--pipeline", "defalt"),
        "--pipeline: no pipeline 'defalt'. Did you mean 'default'?",
    ),
    "no such stage": (
        nothing,
        (*GOOD, "--set", "tone.method=tpe"),
        "pipeline 'default' has no stage 'tone'. Did you mean 'tune'?",
    ),
    "no such option of a stage": (
        nothing,
        (*GOOD, "--set", "tune.methid=tpe"),
        "--set 'tune.methid=tpe': unknown key 'methid'. Did you mean 'method'?",
    ),
    "a value that an option can't have": (
        nothing,
        (*GOOD, "--set", "tune.method=magic"),
        "--set tune.method = 'magic': must be one of 'tpe', 'random', ",
    ),
    "a setting without a value": (
        nothing,
        (*GOOD, "--set", "tune"),
        "--set 'tune': write it as stage.field=value",
    ),
    "no such family": (
        nothing,
        (*GOOD, "--set", "select.families=lightgbn"),
        "no model family 'lightgbn'. Did you mean 'lightgbm'?",
    ),
    "no such recipe": (
        nothing,
        (*GOOD, "--set", "extract.recipes=nativ"),
        "extract.recipes: no recipe 'nativ'. Did you mean 'native'?",
    ),
    "a budget that is no time": (
        nothing,
        (*GOOD, "--budget", "soon"),
        "--budget: 'soon' is not a duration. Write it as 90s, 10m or 1h30m.",
    ),
    "two budgets": (
        nothing,
        (*GOOD, "--budget", "1m", "--trials", "3"),
        "--budget and --trials: give one of them",
    ),
    "no trials": (nothing, (*GOOD, "--trials", "0"), "--trials 0: give at least 1"),
    "no cores": (nothing, (*GOOD, "--jobs", "0"), "--jobs 0: give at least 1 core"),
    "a negative seed": (
        nothing,
        (*GOOD, "--seed", "-1"),
        "--seed -1: give a whole number from 0 to 2147483647",
    ),
    "no size": (
        nothing,
        (*GOOD, "--memory", "lots"),
        "--memory: 'lots' is not a usable size. Write it as 8GB or 500MB",
    ),
    "no such engine": (
        nothing,
        (*GOOD, "--engine", "steam"),
        "--engine 'steam': must be local or inline",
    ),
    "no such option": (
        nothing,
        (*GOOD, "--metrik", "rmse"),
        "No such option: --metrik (Possible options: --metric, ",
    ),
    "no such command": (
        nothing,
        ("fitt", "good.csv"),
        "No such command 'fitt'. Did you mean 'fit'?",
    ),
    "a missing argument": (nothing, ("fit",), "Missing argument 'data'. Try `"),
    "a target left out": (nothing, ("fit", "good.csv"), "Missing option '--target'. Try `"),
    "an output folder that is not empty": (
        nothing,
        (*GOOD, "--output", "."),
        "--output .: is not an empty folder. Give a new name, or remove it.",
    ),
    "an unknown positive class": (
        nothing,
        (*GOOD, "--positive", "perhaps"),
        "--positive: good.csv: target 'y' has no label 'perhaps'. It has 'no' and 'yes'.",
    ),
    "no such weight column": (
        nothing,
        (*GOOD, "--weight", "w"),
        "--weight: good.csv has no column 'w'",
    ),
    "negative weights": (
        write("bad.csv", TABLE.replace("a,b,y", "w,b,y").replace("\n1,", "\n-1,")),
        (*FIT, "--weight", "w"),
        "weight column 'w': '-1' in row 2 is not a weight; "
        "weights are finite numbers and not negative",
    ),
    "no such group column": (
        nothing,
        (*GOOD, "--group", "g"),
        "--group: good.csv has no column 'g'",
    ),
    "one group only": (
        write("bad.csv", ONE_PLACE),
        (*FIT, "--group", "g"),
        "--group: 'g' holds one group only: no other one can be held out",
    ),
    "one time only": (
        write("bad.csv", ONE_PLACE),
        (*FIT, "--time", "t"),
        "--time: 't' holds one time only: no row is later than another",
    ),
    "a pipeline file with an unknown key": (
        write("p.toml", '[[stage]]\nuse = "clean"\nshrae = 3\n'),
        (*GOOD, "--pipeline", "p.toml"),
        "p.toml: [[stage]] 1 (clean): unknown key 'shrae'. Did you mean 'share'?",
    ),
    "a pipeline file that is no TOML": (
        write("p.toml", "[[stage"),
        (*GOOD, "--pipeline", "p.toml"),
        "p.toml: not a TOML file: Expected ']]'",
    ),
    "a pipeline without stages": (
        write("p.toml", 'about = "x"\n'),
        (*GOOD, "--pipeline", "p.toml"),
        "p.toml: no [[stage]]: a pipeline is a list of stages",
    ),
    "run of a pipeline without data": (
        nothing,
        ("run", "linear"),
        "linear: no [data] with path and target. "
        "Use `automl fit DATA --target COL --pipeline linear`.",
    ),
    "no such test file": (nothing, (*GOOD, "--test", "no.csv"), "no.csv: no such file"),
    "predict without a model": (
        nothing,
        ("predict", "nowhere", "good.csv"),
        "nowhere: no such model file, or run folder",
    ),
    "predict with a table as the model": (
        nothing,
        ("predict", "good.csv", "good.csv"),
        "good.csv: not a predictor: `automl fit` writes predictor.automl into the run's folder",
    ),
    "predict with a folder that is no run": (
        nothing,
        ("predict", ".", "good.csv"),
        ".: holds no predictor.automl: is it the folder of a run?",
    ),
    "leaderboard of a folder that is no run": (
        nothing,
        ("leaderboard", "."),
        ".: not a run folder: it holds no events.jsonl",
    ),
    "a test table without the target": (
        write("new.csv", "a,b\n1,2\n3,4\n"),
        (*GOOD, "--test", "new.csv"),
        "new.csv: no column 'y'",
    ),
    "a date as weight": (
        write("bad.csv", TABLE.replace("a,b,y", "w,b,y").replace("\n", "\n2024-01-0", 40)),
        (*FIT, "--weight", "w"),
        "weight column 'w' holds no numbers",
    ),
    "a case of the target's name": (
        nothing,
        ("fit", "good.csv", "--target", "Y", "-q"),
        "good.csv: no column 'Y'. Did you mean 'y'?",
    ),
    "an option below its range": (
        nothing,
        (*GOOD, "--set", "ensemble.steps=0"),
        "--set ensemble.steps = 0: must be from 1 to 1000",
    ),
    "a share above its range": (
        nothing,
        (*GOOD, "--set", "clean.holdout=2"),
        "--set clean.holdout = 2.0: must be from 0.01 to 0.5",
    ),
    "no number at all": (
        nothing,
        (*GOOD, "--set", "tune.near=nan"),
        "--set tune.near = nan: must be 0 or more",
    ),
    "resume of a folder that is no run": (
        nothing,
        ("resume", "."),
        ".: holds no run.toml: it is not a run folder",
    ),
    "reproduce of nothing": (nothing, ("reproduce", "nowhere"), "nowhere: no such run folder"),
    "a log that is damaged": (
        write("events.jsonl", "{}\n"),
        ("leaderboard", "."),
        "events.jsonl: line 1 is damaged: '{}'",
    ),
    "a log of a later version": (
        write("events.jsonl", '{"v": 99, "kind": "new", "time": 1}\n'),
        ("leaderboard", "."),
        "line 1 has format 99; this version of automl reads format 2",
    ),
    "a log with an unknown event": (
        write("events.jsonl", '{"v": 2, "kind": "new", "time": 1}\n'),
        ("leaderboard", "."),
        "line 1 is not an event that this version knows: KeyError 'new'",
    ),
    "a pipeline file whose target is a number": (
        write("p.toml", '[data]\npath = "good.csv"\ntarget = 3\n[[stage]]\nuse = "clean"\n'),
        ("run", "p.toml"),
        "p.toml: [data] target = 3: must be text",
    ),
    "leaderboard of nothing": (
        nothing,
        ("leaderboard", "nowhere"),
        "nowhere: not a run folder: it holds no events.jsonl",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_gets_one_line(
    name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
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
    "a model that is cut short": (
        lambda m: m.write_bytes(m.read_bytes()[:-100]),
        (),
        "copy.automl: the model file is damaged or cut short: its checksum is wrong",
    ),
    "a model with a changed byte": (
        lambda m: m.write_bytes(
            bytes([*m.read_bytes()[:500], m.read_bytes()[500] ^ 1, *m.read_bytes()[501:]])
        ),
        (),
        "copy.automl: the model file is damaged or cut short: its checksum is wrong",
    ),
    "an empty model": (
        lambda m: m.write_bytes(b""),
        (),
        "copy.automl: not a predictor: `automl fit` writes",
    ),
    "another digest than expected": (
        lambda m: None,
        ("--expect-sha256", "0" * 64),
        "not the expected 0000000000000000000000000000000000000000000000000000000000000000",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_model_is_refused(
    name: str,
    model: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage, words, expected = DAMAGE[name]
    copy = folder / "copy.automl"
    shutil.copy(model / "predictor.automl", copy)
    damage(copy)
    code, out, err = run(monkeypatch, capsys, "predict", "copy.automl", "good.csv", *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert expected in err


PREDICT: dict[str, tuple[str, tuple[str, ...], str]] = {
    "a needed column is missing": (
        "a,y\n1,no\n",
        (),
        "new.csv: the column 'b' that the model needs is missing",
    ),
    "a number column that holds words": (
        "a,b,y\nx,u,no\nz,v,no\n",
        (),
        "column 'a' was a number at fit, but no number is in it: 2 cells such as 'x'",
    ),
    "an empty table": ("", (), "new.csv: the file is empty"),
    "extra columns under --strict": (
        "a,b,y,more\n1,2,no,3\n",
        ("--strict",),
        "new.csv: 1 column not used: more (--strict)",
    ),
    "a sum that is none": (
        "a,b\n1,2\n",
        ("--expect-sha256", "abc"),
        "--expect-sha256: 'abc' is not a SHA-256, which has 64 hexadecimal digits",
    ),
    "two kinds of answers": (
        "a,b\n1,2\n",
        ("--proba", "--interval", "0.9"),
        "--proba and --interval: give one of them",
    ),
    "an interval for classes": (
        "a,b\n1,2\n",
        ("--interval", "0.9"),
        "--interval: this model has no intervals; they are for regression",
    ),
    "an output of an unknown kind": (
        "a,b\n1,2\n",
        ("--output", "x.doc"),
        "--output x.doc: must end in .csv, .parquet or .jsonl",
    ),
    "an output in a folder that isn't there": (
        "a,b\n1,2\n",
        ("--output", "no/x.csv"),
        "--output no/x.csv: there is no folder no",
    ),
}


@pytest.mark.parametrize("name", PREDICT)
def test_a_bad_predict_call_is_refused(
    name: str,
    model: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    text, words, expected = PREDICT[name]
    (folder / "new.csv").write_text(text)
    code, out, err = run(monkeypatch, capsys, "predict", str(model), "new.csv", *words)
    assert (code, out, err.count("\n")) == (2, "", 1), err
    assert expected in err


def test_expected_messages_have_at_least_three_words() -> None:
    cases: list[Any] = [*WRONG.values(), *DAMAGE.values(), *PREDICT.values()]
    expected = [case[2] for case in cases]
    assert [text for text in expected if len(text.split()) < 3] == []
