"""A killed run continues.

Nothing that was recorded is trained again, and no half-written file is taken for a complete one.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from automl import AutoMLClassifier
from automl.event_log import read_events, replay
from automl.events import FitEnded
from automl.executor.work import WORKER_DIED
from automl.predictor import load
from automl.table import read_table
from tests.run.commands import (
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
    wait_until,
)

SEARCH = ("fit", PENGUINS, "--target", "species", "--budget", "60s", "--output", "run", "-q")


def done(run: Path) -> Counter[str]:
    """Count how often each fit succeeded, by its key."""
    counts: Counter[str] = Counter()
    for logged in read_events(run):
        event = logged.event
        if isinstance(event, FitEnded) and event.outcome.status == "done":
            counts[event.key] += 1
    return counts


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run on penguins that was killed halfway, with a torn line and half-written files."""
    home = tmp_path_factory.mktemp("killed")
    mark = new_mark()
    with started(*SEARCH, cwd=home, mark=mark):
        wait_for(home / "run" / "events.jsonl", '"kind": "fit"', 12)
    assert gone(mark)
    run = home / "run"
    with open(run / "events.jsonl", "a", encoding="utf-8") as log:
        log.write('{"v": 2, "kind": "fit", "ti')
    (run / ".predictor.automl.half").write_bytes(b"PK")
    trial = next((run / "trials").iterdir())
    (trial / "0123456789ab.npy").write_bytes(b"\x93NUMPY half")
    return home


def test_it_goes_on_where_it_stood(killed: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(killed / "run", run)
    before = done(run)
    assert before
    said = process("resume", "run", "--budget", "10s", "-q", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    after = done(run)
    assert max(after.values()) == 1
    assert before.keys() < after.keys()
    study = replay(run)
    assert (study.finished, study.resumed) == ("done", 1)
    assert (run / "DONE").exists()
    assert not (run / "work").exists()
    assert not list(run.glob(".*"))
    assert not list(run.glob("trials/*/0123456789ab.npy"))
    times = [
        json.loads(line)["time"]
        for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    assert times == sorted(times)
    assert "Predict with" in said.stdout
    assert load(run / "predictor.automl").predict_proba(read_table(PENGUINS)).shape == (344, 3)


def losses(run: Path) -> dict[str, float | None]:
    """Return the loss of each fit of a run, by its trial and key."""
    found = {}
    for trial in replay(run).trials.values():
        for key, outcome in trial.outcomes.items():
            found[f"{trial.id}/{key}"] = outcome.loss
    return found


@pytest.mark.heavy
def test_networks_killed_on_a_rung_go_on_to_the_same_bits_with_their_progress_and_without(
    tmp_path: Path,
) -> None:
    few = ("--trials", "16", "--output", "run", "-q")
    options = ("select.families=mlp", "tune.method=nas", "clean.folds=3", "clean.repeats=1")
    changes = [word for option in options for word in ("--set", option)]
    mark = new_mark()
    with started("fit", PENGUINS, "--target", "species", *few, *changes, cwd=tmp_path, mark=mark):
        wait_for(tmp_path / "run" / "events.jsonl", '"rounds": 88', 4)
    assert gone(mark)
    progress = tmp_path / "run" / "work" / "progress"
    assert list(progress.glob("*.zip"))
    homes = [tmp_path / "with", tmp_path / "without"]
    for home in homes:
        shutil.copytree(tmp_path / "run", home / "run")
    shutil.rmtree(homes[1] / "run" / "work" / "progress")
    for home in homes:
        said = process("resume", "run", "-q", cwd=home)
        assert said.returncode == 0, said.stderr
    resumed = [losses(home / "run") for home in homes]
    assert len(resumed[0]) > len(losses(tmp_path / "run"))
    common = resumed[0].keys() & resumed[1].keys()
    assert len(common) > 40
    assert {key: resumed[0][key] for key in common} == {key: resumed[1][key] for key in common}
    said = process("reproduce", "run", cwd=homes[0])
    assert " 0 differ" in said.stdout, said.stdout + said.stderr


@pytest.mark.heavy
def test_it_takes_the_time_that_its_last_event_left(killed: Path, tmp_path: Path) -> None:
    shutil.copytree(killed / "run", tmp_path / "run")
    text = (tmp_path / "run" / "run.toml").read_text(encoding="utf-8")
    last = json.loads(
        (killed / "run" / "events.jsonl").read_text(encoding="utf-8").splitlines()[-2]
    )["time"]
    (tmp_path / "run" / "run.toml").write_text(
        text.replace('"60s"', f'"{last + 8:.2f}s"'), encoding="utf-8"
    )
    before = time.monotonic()
    said = process("resume", "run", "-q", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert time.monotonic() - before < 8
    said = process("resume", "run", "-q", cwd=tmp_path)
    assert said.returncode == 2
    assert "is used up" in said.stderr


@pytest.mark.heavy
def test_an_ended_run_is_given_more_time_and_uses_all_that_it_knows(tmp_path: Path) -> None:
    few = (
        "--trials",
        "5",
        "--set",
        "select.families=linear,lightgbm,extra_trees",
        "--engine",
        "inline",
        "-q",
    )
    made = automl("fit", WINE, "--target", "cultivar", *few, "--output", "run", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    before = done(tmp_path / "run")
    said = process("resume", "run", "--budget", "12s", "-q", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    after = done(tmp_path / "run")
    assert max(after.values()) == 1
    assert before.keys() < after.keys()


@pytest.mark.heavy
def test_a_table_that_changed_is_refused_and_one_that_moved_is_found(tmp_path: Path) -> None:
    shutil.copy(WINE, tmp_path / "wine.csv")
    assert (
        automl(
            "fit", "wine.csv", "--target", "cultivar", *QUICK, "--output", "run", cwd=tmp_path
        ).returncode
        == 0
    )
    shutil.move(tmp_path / "wine.csv", tmp_path / "moved.csv")
    lost = process("resume", "run", "--budget", "6s", "-q", cwd=tmp_path)
    assert lost.returncode == 2
    assert "wine.csv: no such file" in lost.stderr
    (tmp_path / "other.csv").write_text((tmp_path / "moved.csv").read_text().replace("1", "2", 3))
    other = process("resume", "run", "--budget", "6s", "--data", "other.csv", "-q", cwd=tmp_path)
    assert other.returncode == 2
    assert "its SHA-256 differs" in other.stderr
    found = process("resume", "run", "--budget", "6s", "--data", "moved.csv", "-q", cwd=tmp_path)
    assert found.returncode == 0, found.stderr


def test_two_processes_do_not_write_one_run(tmp_path: Path) -> None:
    mark = new_mark()
    with started(*SEARCH, cwd=tmp_path, mark=mark) as other:
        wait_for(tmp_path / "run" / "events.jsonl", '"task": ')
        said = process("resume", "run", "--budget", "6s", "-q", cwd=tmp_path)
        assert said.returncode == 2
        assert "another process is working on this run" in said.stderr
        assert other.poll() is None
    assert gone(mark)


@pytest.mark.heavy
def test_a_second_signal_stops_at_once_and_the_run_can_go_on(tmp_path: Path) -> None:
    mark = new_mark()
    words = ("fit", FLIGHTS, "--target", "arr_delay", "--budget", "5m", "--output", "run", "-q")
    with started(*words, cwd=tmp_path, mark=mark) as search:
        wait_for(tmp_path / "run" / "events.jsonl", '"decided": "done"', 2)
        search.send_signal(signal.SIGINT)
        search.send_signal(signal.SIGTERM)
        _, err = search.communicate(timeout=20)
    assert search.returncode == 130, err
    assert (
        err.splitlines()[-1] == "automl: stopped at once. To go on with the run: automl resume run"
    )
    assert gone(mark)
    assert process("resume", "run", "--budget", "12s", "-q", cwd=tmp_path).returncode == 0


def has_lost_a_worker(server: psutil.Process) -> bool:
    """Kill a worker, if there is one just now."""
    for worker in server.children():
        with suppress(psutil.NoSuchProcess):
            worker.kill()
            return True
    return False


@pytest.mark.heavy
@pytest.mark.parametrize("who", ["worker", "server"])
def test_a_killed_worker_or_server_is_replaced(who: str, tmp_path: Path) -> None:
    mark = new_mark()
    words = ("fit", PENGUINS, "--target", "species", "--budget", "14s", "--output", "run", "-q")
    with started(*words, cwd=tmp_path, mark=mark) as search:
        wait_for(tmp_path / "run" / "events.jsonl", '"kind": "fit"', 6)
        (server,) = psutil.Process(search.pid).children()
        if who == "server":
            server.kill()
        else:
            wait_until(lambda: has_lost_a_worker(server), "no worker to kill")
        _, err = search.communicate(timeout=30)
    assert search.returncode == 0, err
    study = replay(tmp_path / "run")
    assert WORKER_DIED not in {trial.reason for trial in study.trials.values()}
    assert max(done(tmp_path / "run").values()) == 1
    assert gone(mark)


def test_a_run_that_has_vanished_is_one_line(tmp_path: Path) -> None:
    mark = new_mark()
    with started(*SEARCH, cwd=tmp_path, mark=mark) as search:
        wait_for(tmp_path / "run" / "events.jsonl", '"kind": "fit"', 3)
        os.rename(tmp_path / "run", tmp_path / "elsewhere")
        out, err = search.communicate(timeout=30)
    assert search.returncode == 1, out
    assert err.count("\n") == 1
    assert "No such file or directory" in err
    assert gone(mark)


@pytest.mark.parametrize(
    "words", [("resume", "nowhere"), ("resume", "."), ("reproduce", "."), ("reproduce", "nowhere")]
)
def test_what_is_no_run_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    said = automl(*words, cwd=tmp_path)
    assert (said.returncode, said.stderr.count("\n")) == (2, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_refused_table_leaves_a_run_as_good_as_it_was(tmp_path: Path) -> None:
    text = Path(WINE).read_text(encoding="utf-8")
    few = ("--trials", "2", "--pipeline", "linear", "--engine", "inline", "-q")
    words = (
        sys.executable,
        "-m",
        "automl",
        "fit",
        "-",
        "--target",
        "cultivar",
        *few,
        "--output",
        "run",
    )
    subprocess.run(words, cwd=tmp_path, input=text, text=True, check=True, capture_output=True)
    before = (tmp_path / "run" / "predictor.automl").read_bytes()
    head, *lines = text.splitlines()
    targets = [line.rpartition(",")[2] for line in lines]
    other = [
        f"{line.rpartition(',')[0]},{target}"
        for line, target in zip(lines, reversed(targets), strict=True)
    ]
    (tmp_path / "other.csv").write_text("\n".join([head, *other]) + "\n", encoding="utf-8")
    for _ in range(2):
        said = process("resume", "run", "--budget", "8s", "--data", "other.csv", "-q", cwd=tmp_path)
        assert said.returncode == 2
        assert "other.csv: gives other rows or folds" in said.stderr
    assert (tmp_path / "run" / "predictor.automl").read_bytes() == before
    assert (tmp_path / "run" / "DONE").exists()
    assert not (tmp_path / "run" / "work").exists()


@pytest.mark.heavy
def test_a_run_from_python_goes_on_and_is_made_again(tmp_path: Path) -> None:
    table = pd.read_csv(WINE)
    X, y = table.drop(columns="cultivar"), table["cultivar"]
    AutoMLClassifier(trials=2, pipeline="linear", output=tmp_path / "run").fit(X, y)
    said = automl("reproduce", "run", "--data", WINE, cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert " 0 differ" in said.stdout
    said = process("resume", "run", "--data", WINE, "--budget", "6s", "-q", cwd=tmp_path)
    assert said.returncode == 0, said.stderr


@pytest.mark.heavy
def test_a_pickle_in_a_runs_folder_is_not_read(killed: Path, tmp_path: Path) -> None:
    """Somebody made the metric a Python function, and left a pickle that would run a command."""
    shutil.copytree(killed / "run", tmp_path / "run")
    home = tmp_path / "run" / "work" / "data"
    plain = json.loads((home / "task.json").read_text(encoding="utf-8"))
    plain["task"]["metric"] = "evil@00000000"
    (home / "task.json").write_text(json.dumps(plain), encoding="utf-8")
    (home / "metric.pkl").write_bytes(b"cos\nsystem\n(S'touch PWNED'\ntR.")
    said = process("resume", "run", "--budget", "6s", "-q", cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    log = (tmp_path / "run" / "events.jsonl").read_text(encoding="utf-8")
    (tmp_path / "run" / "events.jsonl").write_text(
        log.replace('"metric": "log_loss"', '"metric": "evil@00000000"'), encoding="utf-8"
    )
    (tmp_path / "run" / "DONE").unlink()
    said = process("resume", "run", "--budget", "6s", "-q", cwd=tmp_path)
    assert said.returncode == 2
    assert "is a Python function that is not known here" in said.stderr
    assert not list(tmp_path.rglob("PWNED"))


def test_what_has_not_ended_is_not_reproduced(killed: Path, tmp_path: Path) -> None:
    shutil.copytree(killed / "run", tmp_path / "run")
    said = automl("reproduce", "run", cwd=tmp_path)
    assert said.returncode == 2
    assert "the run has not ended" in said.stderr
