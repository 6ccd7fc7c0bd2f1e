"""A smaller predictor is exported, keeps to its price, predicts, and leaves the run as it was."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.metrics import METRICS
from automl.predictor import load
from automl.price import Cost, Price
from automl.run.proposals import Proposal, in_order, moved_to
from automl.study import Evaluation
from tests.run.commands import WINE, automl


def proposal(loss: float, megabytes: float) -> Proposal:
    return Proposal("single", {f"{loss}": 1.0}, loss, Cost(1.0, megabytes, counted=True))


GOOD, SMALL, TINY = proposal(1.0, 5.0), proposal(1.01, 0.5), proposal(1.5, 0.01)


def test_with_a_price_the_best_that_may_keep_to_it_comes_first() -> None:
    assert in_order([GOOD, TINY, SMALL], Price(megabytes=1), 1.0) == [SMALL, TINY]


def test_if_nothing_may_keep_to_the_price_the_cheapest_is_tried() -> None:
    assert in_order([GOOD, TINY, SMALL], Price(megabytes=0.001), 1.0) == [TINY]


def test_without_a_price_the_smallest_that_is_as_good_comes_first() -> None:
    assert in_order([GOOD, TINY, SMALL], Price(), 1.0) == [SMALL, GOOD]


def test_without_a_good_one_the_best_is_tried() -> None:
    assert in_order([SMALL, TINY], Price(), 0.5) == [SMALL]
    assert in_order([], Price(), 0.5) == []


def test_an_interval_moves_with_its_loss_but_not_beyond_perfection() -> None:
    moved = moved_to(0.1, Evaluation(0.5, 0.3, 0.9, rows=9, new=9), METRICS["log_loss"])
    assert (moved.loss, moved.low) == (0.1, 0.0)
    assert moved.high == pytest.approx(0.5)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small run on wine."""
    folder = tmp_path_factory.mktemp("small")
    words = ("--trials", "4", "--set", "select.families=linear,lightgbm", "--engine", "inline")
    words += ("--set", "clean.folds=3", "--set", "clean.repeats=1", "--metric", "log_loss")
    said = automl("fit", WINE, "--target", "cultivar", *words, "--output", "run", cwd=folder)
    assert said.returncode == 0, said.stderr
    return folder


def digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def exported(home: Path) -> tuple[Path, str]:
    """The smaller predictor of the run, and what the command said."""
    before = digests(home / "run")
    words = ("--to", "small", "--max-mb", "0.06", "--budget", "1d")
    said = automl("export", "run", *words, cwd=home)
    assert said.returncode == 0, said.stderr
    assert digests(home / "run") == before
    return home / "run.small.automl", said.stdout


def test_the_table_has_a_line_for_each_model(exported: tuple[Path, str]) -> None:
    path, text = exported
    kinds = [line.split()[0] for line in text.split("\n\n")[0].splitlines()]
    assert kinds[:2] == ["model", "ensemble"]
    assert {"single", "distilled"} <= set(kinds)
    assert f"Written: {path.name}" in text
    assert "the least loss of those that keep to 0.06 MB" in text


def test_the_predictor_keeps_to_the_price_and_predicts(exported: tuple[Path, str]) -> None:
    path, _ = exported
    assert path.stat().st_size <= 60_000
    table = pd.read_csv(WINE)
    predictor = load(path)
    right = predictor.predict(table) == table["cultivar"].astype(str).to_numpy()
    assert right.mean() > 0.9
    facts = predictor.facts
    expected = facts["expected"]
    assert expected["low"] <= expected["loss"] <= expected["high"]
    assert facts["holds_rows"] is False
    assert facts["rows"] == len(table)


def test_automl_predict_reads_it(exported: tuple[Path, str]) -> None:
    path, _ = exported
    said = automl("predict", path.name, WINE, "--proba", cwd=path.parent)
    assert said.returncode == 0, said.stderr
    lines = said.stdout.splitlines()
    assert len(lines) == 1 + len(pd.read_csv(WINE))
    first = np.array(lines[1].split(","), float)
    assert math.isclose(first.sum(), 1.0, abs_tol=1e-6)


def test_nothing_is_overwritten(exported: tuple[Path, str]) -> None:
    path, _ = exported
    said = automl("export", "run", "--to", "small", cwd=path.parent)
    assert said.returncode == 2
    assert "is there already" in said.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--to", "small", "--max-ms", "0"), "--max-ms 0: give a number above 0"),
        (("--to", "small", "--max-mb", "-1"), "--max-mb -1: give a number above 0"),
        (("--to", "small", "--max-mb", "nan"), "--max-mb nan: give a number above 0"),
        (("--to", "small", "--max-ms", "inf"), "--max-ms inf: give a number above 0"),
        (("--to", "small", "--rows"), "--rows: is for --to zip alone"),
        (("--to", "small", "--budget", "soon"), "--budget: 'soon' is not a duration"),
        (("--to", "csv", "--max-ms", "5"), "--max-ms: is for --to small alone"),
        (("--to", "csv", "--max-mb", "5"), "--max-mb: is for --to small alone"),
        (("--to", "csv", "--data", "a.csv"), "--data: is for --to small alone"),
        (("--to", "csv", "--budget", "5s"), "--budget: is for --to small alone"),
    ],
)
def test_wrong_use_is_one_line(home: Path, options: tuple[str, ...], message: str) -> None:
    said = automl("export", "run", *options, "--output", "never", cwd=home)
    assert said.returncode == 2
    assert message in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1
    assert not (home / "never").exists()
