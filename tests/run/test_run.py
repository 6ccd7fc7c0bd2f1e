"""End-to-end runs on bundled tables, as a user starts them.

They end in time, succeed completely or not at all, and are readable after `kill -9`.
"""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from pathlib import Path

import pandas as pd
import pytest

from automl.budget import MAX_SLOWDOWN, Budget, Stopwatch
from automl.event_log import read_events, replay
from automl.events import FitEnded
from automl.executor.inline import InlineExecutor
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.leaderboard import LEADERBOARD_HEADINGS
from automl.pipeline import read_pipeline
from automl.predictor import load
from automl.run import Settings
from automl.run.checkpoint import Checkpointer
from automl.run.reserves import Reserves, Slowdown
from automl.run_files import PREDICTOR
from automl.store import Store
from automl.study import Study
from automl.table import read_table
from tests.run.commands import (
    AUTOML,
    FLIGHTS,
    PENGUINS,
    QUICK,
    WINE,
    automl,
    gone,
    new_mark,
    process,
    started,
    wait_for,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, float]:
    """Return the folder, output and seconds of a twelve-second run on penguins."""
    home = tmp_path_factory.mktemp("finished")
    before = time.monotonic()
    said = process(
        "fit", PENGUINS, "--target", "species", "--budget", "12s", "--output", "run", cwd=home
    )
    assert said.returncode == 0, said.stderr
    return home / "run", said.stdout, time.monotonic() - before


def test_a_run_ends_within_its_budget(finished: tuple[Path, str, float]) -> None:
    assert finished[2] <= 12


def bounded(folder: Path, seconds: float, study: Study, left: float) -> float:
    """Return what is kept for the end of a run with this many seconds left."""
    run = folder / "reserve"
    data = RunData(Store(run))
    lab = Lab(data, InlineExecutor(run / "work"), Budget(left, lambda: 0.0))
    checkpointer = Checkpointer(data, run / PREDICTOR, time.monotonic())
    settings = Settings(read_pipeline("linear"), run)
    reserve = Reserves(settings, lab, checkpointer, Slowdown())._bounded(seconds, study)
    data.store.close()
    return reserve


@pytest.mark.parametrize(
    ("left", "wanted", "kept"), [(4.0, 3.5, 2.0), (1.0, 3.5, 0.5), (60.0, 3.5, 3.5)]
)
def test_what_is_kept_for_the_end_leaves_time_for_a_first_model(
    left: float, wanted: float, kept: float, tmp_path: Path
) -> None:
    reserve = bounded(tmp_path, wanted, Study(), left)
    assert kept <= reserve <= max(kept, 1.2)  # up to four times as much on a busy machine


def test_a_process_that_was_slow_because_it_waited_is_not_taken_for_a_crowded_one() -> None:
    watch = Stopwatch(time.monotonic() - 60, time.process_time() - 1)
    assert watch.slowdown() == MAX_SLOWDOWN
    assert Stopwatch.started().slowdown() == 1.0
    slowdown = Slowdown()
    assert 1.0 <= slowdown.expected_at_end <= 4.0
    slowdown.factor = MAX_SLOWDOWN
    assert slowdown.expected_at_end in (1.0, MAX_SLOWDOWN)


def test_once_there_is_a_model_the_end_has_all_that_it_wants(
    finished: tuple[Path, str, float], tmp_path: Path
) -> None:
    assert bounded(tmp_path, 3.5, replay(finished[0]), left=4.0) == 3.5


def test_it_says_where_everything_lies_and_how_to_predict(
    finished: tuple[Path, str, float],
) -> None:
    folder, said, _ = finished
    assert "on 95% of samples of" in said
    assert "automl predict run new.csv" in said
    for name in (
        "run.toml",
        "events.jsonl",
        "log.txt",
        "leaderboard.csv",
        "report.html",
        "predictor.automl",
        "DONE",
    ):
        assert (folder / name).exists(), name
    assert not (folder / "work").exists()


def test_the_leaderboard_file_has_its_columns_and_the_best_first(
    finished: tuple[Path, str, float],
) -> None:
    with open(finished[0] / "leaderboard.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == LEADERBOARD_HEADINGS
    done = [
        float(row["score"]) for row in rows if row["status"] == "done" and row["id"] != "ensemble"
    ]
    assert done == sorted(done)  # log loss: lower is better
    assert {row["family"] for row in rows} >= {"constant", "linear", "lightgbm"}


def test_replaying_the_log_gives_the_finished_study(finished: tuple[Path, str, float]) -> None:
    study = replay(finished[0])
    assert study.finished == "done"
    assert study.weights
    assert study.running == {}


def test_every_line_of_the_log_is_short_and_names_files_that_exist(
    finished: tuple[Path, str, float],
) -> None:
    folder = finished[0]
    assert all(
        len(line) < 4096
        for line in (folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    )
    study = replay(folder)
    for name in study.weights:
        for split in study.plan.splits:
            key = study.trials[name].key_at(*split)
            assert (folder / "trials" / name / f"{key}.npy").exists()


def test_predictions_are_the_files_own_labels_in_order(
    finished: tuple[Path, str, float], tmp_path: Path
) -> None:
    said = automl("predict", str(finished[0]), PENGUINS, cwd=tmp_path)
    answers = said.stdout.splitlines()
    truth = pd.read_csv(PENGUINS, dtype=str)["species"]
    assert answers[0] == "prediction"
    assert (pd.Series(answers[1:]) == truth).mean() > 0.97
    proba = automl(
        "predict", str(finished[0]), PENGUINS, "--proba", "--output", "p.csv", cwd=tmp_path
    )
    assert proba.returncode == 0
    assert list(pd.read_csv(tmp_path / "p.csv").columns) == sorted(truth.unique())


def test_any_subset_of_rows_gets_the_same_probabilities(finished: tuple[Path, str, float]) -> None:
    predictor, table = load(finished[0] / "predictor.automl"), read_table(PENGUINS)
    whole = predictor.predict_proba(table)
    for rows in ([7], [300, 2, 2, 150], list(range(len(whole)))[::-1]):
        assert (predictor.predict_proba(table.take(rows)) == whole[rows]).all()


def test_run_toml_runs_again(finished: tuple[Path, str, float], tmp_path: Path) -> None:
    text = (
        (finished[0] / "run.toml").read_text(encoding="utf-8").replace('time = "12s"', "trials = 3")
    )
    (tmp_path / "again.toml").write_text(text, encoding="utf-8")
    said = automl("run", "again.toml", "--output", "again", "-q", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert len(replay(tmp_path / "again").trials) == 3


def test_labels_come_back_as_they_stood(tmp_path: Path) -> None:
    lines = ["x,y"] + [f"{k % 10},{'01' if k % 10 > 4 else '-'}" for k in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    said = automl("fit", "t.csv", "--target", "y", *QUICK, "--output", "r", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    answers = automl("predict", "r", "t.csv", cwd=tmp_path).stdout.split()
    assert answers[1:] == [line.split(",")[1] for line in lines[1:]]
    assert automl("predict", "r", "t.csv", "--proba", cwd=tmp_path).stdout.splitlines()[0] == "-,01"


def trials_of(folder: Path) -> dict[str, object]:
    """Return what a run without a clock found: losses by trial, and weights."""
    study = replay(folder)
    return {name: dict(trial.losses) for name, trial in study.trials.items()} | {
        "weights": dict(study.weights)
    }


@pytest.mark.heavy
def test_a_budget_of_trials_gives_equal_runs_for_any_number_of_cores(tmp_path: Path) -> None:
    found = []
    for jobs in ("1", "2"):
        few = ("--trials", "6", "--set", "select.families=linear,lightgbm", "-q")
        few += ("--set", "clean.folds=3", "--set", "clean.repeats=1")
        said = automl(
            "fit",
            WINE,
            "--target",
            "cultivar",
            *few,
            "--jobs",
            jobs,
            "--output",
            jobs,
            cwd=tmp_path,
        )
        assert said.returncode == 0, said.stderr
        found.append(trials_of(tmp_path / jobs))
    assert found[0] == found[1]
    assert len(found[0]) == 7
    assert (tmp_path / "1" / "predictor.automl").read_bytes() == (
        tmp_path / "2" / "predictor.automl"
    ).read_bytes()


def test_kill_9_leaves_a_readable_folder_with_a_predictor_and_no_process(tmp_path: Path) -> None:
    mark = new_mark()
    words = ("fit", FLIGHTS, "--target", "arr_delay", "--budget", "60s", "--output", "run", "-q")
    with started(*words, cwd=tmp_path, mark=mark) as search:
        wait_for(tmp_path / "run" / "events.jsonl", '"kind": "fit"')
        time.sleep(1.0)
        search.kill()
    study = replay(tmp_path / "run")
    assert study.trials
    events = [logged.event for logged in read_events(tmp_path / "run")]
    assert any(isinstance(event, FitEnded) for event in events)
    assert automl("leaderboard", "run", cwd=tmp_path).returncode == 0
    predicted = automl("predict", "run", FLIGHTS, "--output", "p.csv", cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    assert pd.read_csv(tmp_path / "p.csv")["prediction"].notna().all()
    assert gone(mark)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_search_and_saves_the_best_so_far(
    number: signal.Signals, tmp_path: Path
) -> None:
    mark = new_mark()
    words = ("fit", PENGUINS, "--target", "species", "--budget", "5m", "--output", "run", "-q")
    with started(*words, cwd=tmp_path, mark=mark) as search:
        wait_for(tmp_path / "run" / "events.jsonl", '"decided": "done"')
        search.send_signal(number)
        out, err = search.communicate(timeout=30)
    assert search.returncode == 0, err
    assert "Predict with" in out
    assert "automl: ending: the best so far is being saved. Ctrl-C once more stops at once" in err
    assert replay(tmp_path / "run").finished == "interrupted"
    assert gone(mark)


def test_the_table_may_come_through_a_pipe(tmp_path: Path) -> None:
    words = ["fit", "-", "--target", "species", *QUICK, "--output", "run"]
    with open(PENGUINS, "rb") as table:
        said = subprocess.run(
            [AUTOML, *words], cwd=tmp_path, stdin=table, capture_output=True, check=False
        )
    assert said.returncode == 0, said.stderr
    evaluation = replay(tmp_path / "run").evaluation
    assert evaluation is not None
    assert json.loads(json.dumps(evaluation.to_json()))["rows"] == 344


def test_a_reader_that_has_seen_enough_costs_nothing(tmp_path: Path) -> None:
    options = "--trials 2 --pipeline linear --engine inline --output run"
    command = f"{AUTOML} fit {PENGUINS} --target species {options}"
    said = subprocess.run(
        ["bash", "-c", f"{command} 2>&1 | head -n 1; exit ${{PIPESTATUS[0]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0
    assert (tmp_path / "run" / "DONE").exists()
    rows = f"for i in $(seq 300); do tail -n +2 {PENGUINS}; done"
    table = f"{rows} | cat <(head -n 1 {PENGUINS}) -"
    predict = f"{table} | {AUTOML} predict run - | head -n 1"
    said = subprocess.run(
        ["bash", "-c", f"{predict}; exit ${{PIPESTATUS[2]}}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0
    assert said.stdout == "prediction\n"
    assert "Error" not in said.stderr
