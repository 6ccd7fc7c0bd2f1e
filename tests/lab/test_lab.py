"""Real workers, really killed: every fit ends as an outcome, and no process outlives its parent."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from automl.budget import Budget
from automl.candidate import Candidate, Job
from automl.dataset import open_dataset
from automl.event_log import replay
from automl.executor._base import Executor
from automl.executor.engines import ENGINES, EngineSettings
from automl.executor.inline import InlineExecutor
from automl.executor.processes import ProcessExecutor
from automl.executor.work import WorkResult
from automl.features.recipe import RECIPES
from automl.lab.run_data import RunData
from automl.store import Store
from tests.lab.samples import ListedJobs, finished, jobs, lab_of, table

LONG = Candidate("lightgbm", {"learning_rate": 1e-4}, RECIPES["native"])


@pytest.fixture(params=ENGINES)
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Executor]:
    executor = opened(request.param, tmp_path / "run")
    yield executor
    executor.close()


def opened(engine: str, folder: Path, cores: int = 2, memory: int | None = None) -> Executor:
    return ENGINES[engine].open(EngineSettings(folder / "work", cores, memory))


def test_a_data_set_survives_the_disk(tmp_path: Path) -> None:
    before = table()
    before.save(tmp_path)
    after = open_dataset(tmp_path)
    assert after.task == before.task
    assert (after.y == before.y).all()
    assert list(after.columns["t"]) == list(before.columns["t"])
    assert (after.columns["x"].values == before.columns["x"].values).all()
    assert (after.folds.blocks == before.folds.blocks).all()


@pytest.mark.parametrize("recipe", ["native", "target"])
def test_fits_become_outcomes_predictions_and_models(
    executor: Executor, tmp_path: Path, recipe: str
) -> None:
    lab, study = lab_of(executor, tmp_path / "run")
    study = finished(lab, study, jobs("lightgbm", recipe))
    (trial,) = study.trials.values()
    assert trial.decided == "done"
    assert trial.loss < 0.5
    predictions = lab.data.predictions(study, trial)
    assert predictions is not None
    assert predictions[1].all()
    assert all(lab.data.model(trial, split) is not None for split in study.plan.splits)
    assert replay(tmp_path / "run") == study


def test_worker_processes_and_this_process_give_equal_arrays(tmp_path: Path) -> None:
    arrays = []
    for name in ENGINES:
        executor = opened(name, tmp_path / name)
        lab, study = lab_of(executor, tmp_path / name)
        study = finished(lab, study, [*jobs("lightgbm"), *jobs("linear", "onehot")])
        arrays.append([lab.data.predictions(study, trial) for trial in study.trials.values()])
        executor.close()
    for left, right in zip(*arrays, strict=True):
        assert left is not None
        assert right is not None
        assert (left[0] == right[0]).all()


def test_a_fit_that_fails_is_an_outcome_with_its_reason(executor: Executor, tmp_path: Path) -> None:
    lab, study = lab_of(executor, tmp_path / "run")
    study = finished(lab, study, [*jobs("lightgbm", num_leaves=-3), *jobs("constant")])
    broken, good = study.trials.values()
    assert broken.decided == "failed"
    assert "num_leaves" in broken.reason
    assert good.decided == "done"


@pytest.mark.parametrize("times", [1, 2])
def test_a_fit_whose_worker_is_killed_is_done_again_once(times: int, tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "run" / "work", 1)
    lab, study = lab_of(executor, tmp_path / "run", n_rows=30_000)
    long = Job(LONG, "d", 0, 0, rounds=500)
    killer = threading.Thread(target=kill_the_worker, args=(executor, times))
    killer.start()
    study = finished(lab, study, [long, *jobs("constant")])
    killer.join()
    executor.close()
    outcome = study.trials[LONG.id].outcomes[long.key]
    assert outcome.status == ("done" if times == 1 else "failed"), outcome
    assert outcome.reason == ("" if times == 1 else "its worker process died")
    (constant,) = (trial for trial in study.trials.values() if trial.candidate.is_baseline)
    assert constant.decided == "done"


def test_a_server_that_is_killed_is_replaced(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "run" / "work", 2)
    lab, study = lab_of(executor, tmp_path / "run")
    lab.wait_for_workers(30)
    psutil.Process(executor._server.pid).kill()
    study = finished(lab, study, jobs("lightgbm"))
    executor.close()
    (trial,) = study.trials.values()
    assert trial.decided == "done"


def test_a_fit_that_takes_too_much_memory_is_ended_and_recorded(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "run" / "work", 1, memory=1)
    lab, study = lab_of(executor, tmp_path / "run", n_rows=30_000)
    study = finished(lab, study, [Job(LONG, "d", 0, 0, rounds=10**6)])
    executor.close()
    (outcome,) = study.trials[LONG.id].outcomes.values()
    assert outcome.status == "memory"
    assert "held more than" in outcome.reason


class FullDiskExecutor(InlineExecutor):
    """An executor whose worker can't write."""

    def results(self, seconds: float) -> Sequence[WorkResult]:
        return [replace(result, disk_error=errno.ENOSPC) for result in super().results(seconds)]


def test_a_disk_that_is_full_ends_the_run(tmp_path: Path) -> None:
    executor = FullDiskExecutor(tmp_path / "run" / "work")
    lab, study = lab_of(executor, tmp_path / "run")
    with pytest.raises(OSError, match="No space left on device"):
        finished(lab, study, jobs("constant"))
    lab.data.store.close()


def test_an_interrupted_runs_data_and_encodings_are_used_again(tmp_path: Path) -> None:
    executor = InlineExecutor(tmp_path / "run" / "work")
    lab, study = lab_of(executor, tmp_path / "run")
    study = finished(lab, study, jobs("lightgbm"))
    again = RunData(Store.reopened(tmp_path / "run"))
    assert again.reload()
    assert again.dataset().digest() == table().digest()
    assert "native-shared" in again.encoded
    (trial,) = study.trials.values()
    assert again.predictions(study, trial) is not None
    again.store.close()


def test_encodings_that_an_ended_run_left_behind_are_not_used(tmp_path: Path) -> None:
    executor = InlineExecutor(tmp_path / "run" / "work")
    lab, study = lab_of(executor, tmp_path / "run")
    half = tmp_path / "run" / "work" / "encoded" / "native-shared"
    half.mkdir(parents=True, exist_ok=True)
    (half / "X.npy").write_bytes(b"half")
    study = finished(lab, study, jobs("lightgbm"))
    assert (half / "state.zip").exists()
    (trial,) = study.trials.values()
    assert trial.decided == "done"
    lab.data.save(lab.data.dataset())
    assert not half.exists()
    lab.data.store.close()


def test_data_that_was_never_written_is_not_recalled(tmp_path: Path) -> None:
    data = RunData(Store(tmp_path / "run"))
    assert not data.reload()
    data.store.close()


def test_a_fit_stops_itself_at_its_limit_and_keeps_its_model(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "run" / "work", 1)
    lab, study = lab_of(executor, tmp_path / "run", n_rows=3_000)
    long = Job(LONG, "d", 0, 0, rounds=10**6, seconds=4)
    lab.wait_for_workers(30)
    study = finished(lab, study, [long])
    executor.close()
    outcome = study.trials[LONG.id].outcomes[long.key]
    assert outcome.status == "done"
    assert outcome.stopped
    assert outcome.seconds < 4


def test_nothing_continues_after_the_budget(executor: Executor, tmp_path: Path) -> None:
    lab, study = lab_of(executor, tmp_path / "run", seconds=6, n_rows=30_000)
    rates = [{"learning_rate": 1e-4 / (k + 1)} for k in range(2)]
    candidates = [replace(LONG, params=params) for params in rates]
    long = [Job(candidate, "d", 0, 0, rounds=10**6) for candidate in candidates]
    study = finished(lab, study, long)
    assert time.monotonic() - lab.budget.deadline < 1.0
    assert study.running == {}


def test_without_a_clock_results_are_added_in_the_order_asked(tmp_path: Path) -> None:
    executor = ProcessExecutor(tmp_path / "run" / "work", 2)
    lab, study = lab_of(executor, tmp_path / "run")
    slow = Job(LONG, "d", 0, 0, rounds=300)
    asked = [slow, *jobs("lightgbm")]
    study = lab.run(ListedJobs(asked), study, Budget(trials=9))
    executor.close()
    lab.data.store.close()
    ended = [key for trial in study.trials.values() for key in trial.outcomes]
    assert ended == [job.key for job in asked]


def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
import psutil
from automl.executor.processes import ProcessExecutor
from automl.executor.work import NO_JOB_LIMITS, Encode
from automl.features.recipe import RECIPES

executor = ProcessExecutor(Path({str(tmp_path)!r}), 2)
for _ in range(2):
    executor.submit(Encode(RECIPES["native"]), NO_JOB_LIMITS)
me = psutil.Process()
for _ in range(100):
    if len(me.children(recursive=True)) < 4:
        executor.results(0.2)
print("up", flush=True)
time.sleep(60)
"""
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    environment = {**os.environ, "AUTOML_MARK": mark}
    command = [sys.executable, "-c", script]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    assert len(marked(mark)) >= 3  # the parent, the server, a worker
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while marked(mark) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert marked(mark) == []


def kill_the_worker(executor: ProcessExecutor, times: int) -> None:
    """Kill the one worker while it fits; perhaps its successor, too."""
    deadline = time.monotonic() + 60
    killed = {0}
    while len(killed) <= times and time.monotonic() < deadline:
        time.sleep(0.05)
        for worker in list(executor._workers):
            if isinstance(worker.item, Job) and worker.pid not in killed:
                os.kill(worker.pid, signal.SIGKILL)
                killed.add(worker.pid)


def marked(mark: str) -> list[int]:
    """Processes that carry the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            is_marked = process.environ().get("AUTOML_MARK") == mark
            if is_marked and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
