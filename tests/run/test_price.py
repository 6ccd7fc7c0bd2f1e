"""A predictor keeps to its price; one that can't says so, and a run with a price is made again."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from automl.event_log import replay
from automl.events import EnsembleWeighted, finding_event
from automl.leaderboard import leaderboard, missed_price_text
from automl.predictor import Predictor, load
from automl.predictor.archive import dumps
from automl.predictor.cost import measure_cost
from automl.price import MISSED_PRICE, Cost
from automl.run_files import PREDICTOR, REPORT
from automl.study import Study
from automl.table import read_table
from tests.run.commands import PENGUINS, WINE, automl, process

FIT = ("fit", PENGUINS, "--target", "species", "-q", "--output", "run")
FEW = ("--trials", "5", "--engine", "inline", "--set", "clean.folds=3")


def test_a_predictor_is_no_larger_than_asked_and_made_again(tmp_path: Path) -> None:
    made = automl(*FIT, *FEW, "--max-mb", "0.05", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    size = (tmp_path / "run" / PREDICTOR).stat().st_size
    study = replay(tmp_path / "run")
    assert size <= 50_000
    assert study.cost is not None
    assert study.cost.counted
    assert study.cost.megabytes == pytest.approx(size / 1e6, abs=0.002)
    told = f"ms a row, warm (counted); {study.cost.megabytes:.2f} MB"
    assert told in made.stdout
    assert told in (tmp_path / "run" / REPORT).read_text(encoding="utf-8")
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 0, said.stdout + said.stderr
    assert automl("resume", "run", cwd=tmp_path).returncode == 0
    assert (tmp_path / "run" / PREDICTOR).stat().st_size <= 50_000


def test_a_price_that_nothing_keeps_to_is_told_in_one_line(tmp_path: Path) -> None:
    made = automl(*FIT, *FEW, "--max-ms", "0.001", cwd=tmp_path)
    assert made.returncode == 3
    (warning,) = [line for line in made.stderr.splitlines() if "0.001 ms" in line]
    assert "the least that was found, and is kept, takes" in warning
    (member,) = load(tmp_path / "run").members
    assert len(member.parts) == 1


def test_a_missed_price_is_forgotten_once_another_ensemble_is_chosen() -> None:
    chosen = EnsembleWeighted({}, "bag", None)
    study = Study().add(chosen).add(finding_event(MISSED_PRICE, "too dear"))
    assert missed_price_text(study) == "too dear"
    assert missed_price_text(study.add(chosen)) == ""


def test_a_run_with_smaller_variants_goes_on_as_it_would_have(tmp_path: Path) -> None:
    only = ("--set", 'select.families=["lightgbm"]', "--max-mb", "0.16", "--trials", "3")
    fit = ("fit", WINE, "--target", "cultivar", "-q", "--engine", "inline", "--output", "run")
    assert automl(*fit, *only, cwd=tmp_path).returncode == 0
    whole = tmp_path / "run"
    shutil.copytree(whole, tmp_path / "cut")
    log = tmp_path / "cut" / "events.jsonl"
    lines = log.read_text(encoding="utf-8").splitlines(keepends=True)
    study = replay(whole)
    refits = [
        key
        for trial in study.trials.values()
        for key, job in trial.jobs.items()
        if job.fold is None and trial.outcomes[key].is_done
    ]
    (refit, *_) = refits
    last = max(number for number, line in enumerate(lines) if f'"{refit}"' in line)
    log.write_text("".join(lines[: last + 1]), encoding="utf-8")
    (tmp_path / "cut" / "DONE").unlink()
    for name in ("cut", "run"):
        assert automl("resume", name, cwd=tmp_path).returncode == 0
        again = replay(tmp_path / name)
        assert set(again.trials) == set(study.trials)
        assert again.weights == study.weights


@pytest.mark.heavy
def test_a_clock_measures_what_a_row_takes(tmp_path: Path) -> None:
    made = process(*FIT, "--budget", "20s", "--max-ms", "30", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    cost = replay(tmp_path / "run").cost
    assert cost is not None
    assert not cost.counted
    assert 0 < cost.milliseconds <= 30


@pytest.mark.parametrize("bound", ["0", "-1", "nan", "inf"])
@pytest.mark.parametrize("option", ["--max-ms", "--max-mb"])
def test_a_bound_that_is_not_above_zero_is_refused(option: str, bound: str, tmp_path: Path) -> None:
    made = automl(*FIT, *FEW, option, bound, cwd=tmp_path)
    assert made.returncode == 2
    assert made.stderr == f"automl: {option} {bound}: give a number above 0.\n"
    assert not (tmp_path / "run").exists()


def test_the_leaderboard_tells_what_a_row_takes(tmp_path: Path) -> None:
    automl(*FIT, *FEW, cwd=tmp_path)
    rows = leaderboard(replay(tmp_path / "run"))
    assert all(row["row_ms"] > 0 for row in rows)


class SlowPredictor(Predictor):
    """A predictor whose rows take a second and more."""

    n_calls = 0

    def predict(self, rows: Any) -> Any:
        type(self).n_calls += 1
        time.sleep(1.05)
        return super().predict(rows)


def test_rows_that_take_long_are_measured_once(tmp_path: Path) -> None:
    automl(*FIT, *FEW, cwd=tmp_path)
    predictor = SlowPredictor(**vars(load(tmp_path / "run")))
    cost = measure_cost(predictor, read_table(PENGUINS))
    assert cost.milliseconds > 1_000
    assert SlowPredictor.n_calls == 2  # the first one warms up


def test_a_predictor_is_measured_by_rows_of_a_table(tmp_path: Path) -> None:
    automl(*FIT, *FEW, cwd=tmp_path)
    predictor = load(tmp_path / "run")
    cost = measure_cost(predictor, read_table(PENGUINS))
    assert isinstance(cost, Cost)
    assert cost.milliseconds > 0
    assert cost.megabytes == len(dumps(predictor)) / 1e6
