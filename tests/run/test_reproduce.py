"""A run is made again bit for bit, whether a clock or a number of trials ended it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from automl import models
from automl.event_log import replay
from automl.run import changes
from tests.run.commands import PENGUINS, QUICK, automl, process

FAMILIES = tuple(kind.name for kind in models.FAMILIES if kind.name not in ("linear", "constant"))


@pytest.mark.parametrize(
    "family", ["linear", *(pytest.param(name, marks=pytest.mark.heavy) for name in FAMILIES)]
)
def test_every_family_gives_the_same_bits(family: str, tmp_path: Path) -> None:
    few = (
        "--trials",
        "2",
        "--set",
        f"select.families={family}",
        "--set",
        "clean.folds=3",
        "--engine",
        "inline",
        "-q",
    )
    made = automl("fit", PENGUINS, "--target", "species", *few, "--output", "run", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert " 0 differ" in said.stdout


@pytest.mark.heavy
def test_a_run_that_a_clock_ended_and_whose_models_were_refitted(tmp_path: Path) -> None:
    quick = (
        "--budget",
        "40s",
        "--set",
        "clean.folds=1",
        "--set",
        "select.families=lightgbm,linear",
        "-q",
    )
    # A small table: even a busy machine has the seconds of a refit left in the end.
    made = process("fit", PENGUINS, "--target", "species", *quick, "--output", "run", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    assert replay(tmp_path / "run").finish == "refit"
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr


def test_fold_models_beside_refits_with_several_seeds(tmp_path: Path) -> None:
    changed = (
        "clean.folds=8",
        "clean.repeats=1",
        "select.families=linear,lightgbm",
        "ensemble.copies=2",
        "ensemble.finish=both",
    )
    few = (
        "--trials",
        "3",
        "--engine",
        "inline",
        "-q",
        *(word for change in changed for word in ("--set", change)),
    )
    made = automl("fit", PENGUINS, "--target", "species", *few, "--output", "run", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    study = replay(tmp_path / "run")
    assert study.finish == "both"
    assert study.evaluation is not None
    # Without a clock there is time to find out which trials are tied.
    assert set(study.evaluation.tied) <= study.trials.keys()
    assert {
        study.trials[name].candidate.family: len(study.trials[name].refits)
        for name in study.weights
    } == {
        "linear": 1,
        "lightgbm": 2,
    }
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr


@pytest.mark.heavy
def test_where_many_rows_recur_members_are_refits_unless_these_rows_are_kept_together(
    tmp_path: Path,
) -> None:
    penguins = pd.read_csv(PENGUINS)
    pd.concat([penguins, penguins.head(100)]).to_csv(tmp_path / "twice.csv", index=False)
    few = (
        "--trials",
        "3",
        "--engine",
        "inline",
        "-q",
        "--set",
        "clean.folds=2",
        "--set",
        "clean.repeats=1",
    )
    few += ("--set", "select.families=lightgbm")
    for run, finish, words in (
        ("apart", "refit", ("--set", "clean.keep_duplicates_together=false")),
        ("together", "both", ()),
    ):
        made = automl(
            "fit", "twice.csv", "--target", "species", *few, *words, "--output", run, cwd=tmp_path
        )
        assert made.returncode == 0, made.stderr
        study = replay(tmp_path / run)
        assert study.finish == finish
        assert study.size.repeated == (100 if finish == "refit" else 0)


def test_what_differs_is_told_with_exit_code_1(tmp_path: Path) -> None:
    assert (
        automl(
            "fit", PENGUINS, "--target", "species", *QUICK, "--output", "run", cwd=tmp_path
        ).returncode
        == 0
    )
    (name,) = replay(tmp_path / "run").weights
    path = next(path for path in (tmp_path / "run" / "trials" / name).glob("*.npy"))
    array = np.load(path)
    array[0] = array[0][::-1]
    np.save(path, array)
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 1
    assert "could not be reproduced: 1 of" in said.stderr
    assert "differs by" in said.stdout


def test_other_versions_are_told() -> None:
    told = changes({"python": "2.7", "packages": {"left-pad": "1.0"}})
    assert "left-pad was 1.0 then, is absent" in told
    assert any(line.startswith("Python was 2.7 then, is 3.") for line in told)


def test_run_toml_names_every_package(tmp_path: Path) -> None:
    assert (
        automl(
            "fit", PENGUINS, "--target", "species", *QUICK, "--output", "run", cwd=tmp_path
        ).returncode
        == 0
    )
    text = (tmp_path / "run" / "run.toml").read_text(encoding="utf-8")
    assert 'numpy = "' in text
    assert json.dumps(PENGUINS) in text
