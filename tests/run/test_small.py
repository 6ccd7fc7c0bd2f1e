"""A smaller predictor is exported, keeps to its price, predicts, and leaves the run as it was."""

from __future__ import annotations

import hashlib
import math
import shutil
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl.cli.request import make_settings, read_problem
from automl.cli.resuming import request_of_run
from automl.errors import InputError
from automl.metrics import METRICS
from automl.predictor import load
from automl.price import Cost, Price
from automl.run import make_small
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
    words = ("--trials", "4", "--set", "select.families=linear", "--engine", "inline")
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


def later_sales(folder: Path) -> Path:
    """A table whose rows have a time, and an order of three groups."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(160, 3)), columns=["a", "b", "c"]).round(3)
    table["day"] = pd.date_range("2025-01-01", periods=160).strftime("%Y-%m-%d")
    table["kind"] = rng.choice(["x", "y", "z"], 160)
    noise = rng.normal(size=160)
    table["sold"] = (3 * table["a"] * (table["kind"] == "x") + table["b"] + noise).round(3)
    table["weight"] = np.resize([1.0, 2.0, 0.5], 160)
    path = folder / "sales.csv"
    table.to_csv(path, index=False)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ("--time", "day", "--ignore", "weight"),
        ("--set", "clean.folds=1", "--weight", "weight"),
    ],
)
def test_a_run_by_time_or_with_a_holdout_and_weights_has_smaller_models(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    path = later_sales(tmp_path)
    words += ("--trials", "3", "--set", "select.families=lightgbm", "--engine", "inline")
    said = automl("fit", str(path), "--target", "sold", *words, "--output", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    request = replace(request_of_run(str(tmp_path / "run"), None, jobs=1), engine="inline")
    settings = replace(make_settings(request, time.monotonic()), seconds=None, trials=None)
    small = make_small(lambda budget: read_problem(request, budget), settings, Price())
    assert {"single", "distilled"} <= {model.kind for model in small.models}
    for model in small.models:
        assert math.isfinite(model.loss)
        assert model.difference.low <= model.difference.mean <= model.difference.high
        assert model.predictor.residuals is not None
    assert small.chosen in small.models
    with pytest.raises(InputError, match=r"no model keeps to 0.0001 MB: the cheapest one takes"):
        make_small(lambda budget: read_problem(request, budget), settings, Price(megabytes=0.0001))


def test_without_the_models_of_the_folds_there_are_the_other_kinds(home: Path) -> None:
    shutil.copytree(home / "run", home / "thinned")
    for path in (home / "thinned" / "trials").rglob("*.zip"):
        path.unlink()
    words = ("--to", "small", "--max-mb", "0.06", "--budget", "1d")
    said = automl("export", "thinned", *words, cwd=home)
    assert said.returncode == 0, said.stderr
    assert "none was distilled" in said.stdout
    assert "single" in said.stdout


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
