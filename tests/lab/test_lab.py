"""Real workers, really killed: every fit ends as an outcome, equal work gives equal arrays, and nobody outlives the parent."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from automl import folds
from automl.budget import Budget
from automl.cleaning import Cleaner
from automl.columns import Categories, Columns, Numbers, Texts
from automl.dataset import Dataset, open_dataset
from automl.executor._base import Executor, InlineExecutor
from automl.executor.processes import ProcessExecutor
from automl.executor.work import WorkResult
from automl.features.recipe import RECIPES
from automl.lab.lab import Lab
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.store import Store, replay
from automl.task import Task
from automl.trial import Candidate, Job, Study

TASK = Task("binary", "y", "log_loss", ("no", "yes"))


def table(n_rows: int = 200) -> Dataset:
    """A task that can be learnt, with a column of each kind."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    codes = rng.integers(-1, 3, n_rows).astype(np.int32)
    y = ((x + (codes == 1) + rng.normal(scale=0.3, size=n_rows)) > 0).astype(float)
    words = [f"word{k % 5} and more" for k in range(n_rows)]
    columns = Columns(
        {"x": Numbers(x), "c": Categories(codes, ("a", "b", "c")), "t": Texts.of(words)}, n_rows
    )
    return Dataset(TASK, columns, y, folds.kfold(y, np.arange(n_rows), 3, 1, 0))


class Listed:
    """A policy that asks for jobs from a list."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs = list(jobs)

    def next(self, study: Study, capacity: Capacity) -> Action:
        return self.jobs.pop(0) if self.jobs else Wait() if study.running else Stop()


def jobs(family: str, recipe: str = "native", **params: object) -> list[Job]:
    return [
        Job(Candidate(family, params, RECIPES[recipe], "test"), "d", 0, fold, seed=fold)
        for fold in range(3)
    ]


@pytest.fixture(params=["inline", "pool"])
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Executor]:
    made: Executor = (
        InlineExecutor(tmp_path / "run" / "work")
        if request.param == "inline"
        else ProcessExecutor(tmp_path / "run" / "work", 2)
    )
    yield made
    made.close()


def lab_of(
    executor: Executor, path: Path, seconds: float = 60.0, n_rows: int = 200
) -> tuple[Lab, Study, Budget]:
    if (path / "run" / "work").exists():  # a pool makes its folder before the store does
        (path / "run" / "work").rmdir()
        (path / "run").rmdir()
    budget = Budget(time.monotonic() + seconds)
    lab = Lab(Store(path / "run"), executor, budget)
    lab.observers.append(lambda study, event: lab.store.append(event, 0.0))
    lab.keep(table(n_rows))
    study = lab.tell(Study(), {"kind": "started", "seed": 0})
    plan = {"kind": "kfold", "folds": 3, "repeats": 1}
    event = {
        "kind": "stage",
        "stage": "clean",
        "task": TASK.to_json(),
        "data": "d",
        "size": {"rows": 200, "columns": 3},
        "plan": plan,
    }
    return lab, lab.tell(study, event), budget


def finish(lab: Lab, study: Study, budget: Budget, asked: list[Job]) -> Study:
    for study in lab.run(Listed(asked), study, budget):
        pass
    lab.store.close(keep_work=True)
    return study


def test_a_data_set_survives_the_disk(tmp_path: Path) -> None:
    made = table()
    made.save(tmp_path)
    again = open_dataset(tmp_path)
    assert again.task == made.task
    assert (again.y == made.y).all()
    assert list(again.columns["t"]) == list(made.columns["t"])
    assert (again.columns["x"].values == made.columns["x"].values).all()
    assert (again.folds.blocks == made.folds.blocks).all()


@pytest.mark.parametrize("recipe", ["native", "target"])
def test_fits_become_outcomes_predictions_and_models(
    executor: Executor, tmp_path: Path, recipe: str
) -> None:
    lab, study, budget = lab_of(executor, tmp_path)
    study = finish(lab, study, budget, jobs("lightgbm", recipe))
    (trial,) = study.trials.values()
    assert trial.decided == "done"
    assert trial.loss < 0.5
    found = lab.predictions(study, trial)
    assert found is not None
    assert found[1].all()
    assert all(lab.model(trial, place) is not None for place in study.plan.splits)
    assert replay(tmp_path / "run") == study


def test_worker_processes_and_this_process_give_equal_arrays(tmp_path: Path) -> None:
    arrays = []
    for name in ("inline", "pool"):
        item = tmp_path / name / "run" / "work"
        made: Executor = InlineExecutor(item) if name == "inline" else ProcessExecutor(item, 2)
        lab, study, budget = lab_of(made, tmp_path / name)
        study = finish(lab, study, budget, [*jobs("lightgbm"), *jobs("linear", "onehot")])
        arrays.append([lab.predictions(study, trial) for trial in study.trials.values()])
        made.close()
    for left, right in zip(*arrays, strict=True):
        assert left is not None
        assert right is not None
        assert (left[0] == right[0]).all()


def test_a_fit_that_fails_is_an_outcome_with_its_reason(executor: Executor, tmp_path: Path) -> None:
    lab, study, budget = lab_of(executor, tmp_path)
    study = finish(lab, study, budget, [*jobs("lightgbm", num_leaves=-3), *jobs("constant")])
    broken, good = study.trials.values()
    assert broken.decided == "failed"
    assert "num_leaves" in broken.reason
    assert good.decided == "done"


@pytest.mark.parametrize("times", [1, 2])
def test_a_fit_whose_worker_is_killed_is_done_again_once(times: int, tmp_path: Path) -> None:
    pool = ProcessExecutor(tmp_path / "run" / "work", 1)
    lab, study, budget = lab_of(pool, tmp_path, n_rows=30_000)
    long = Job(
        Candidate("lightgbm", {"learning_rate": 1e-4}, RECIPES["native"]), "d", 0, 0, rounds=500
    )
    killer = threading.Thread(target=kill_the_worker, args=(pool, times))
    killer.start()
    study = finish(lab, study, budget, [long, *jobs("constant")])
    killer.join()
    pool.close()
    outcome = study.trials[long.candidate.id].outcomes[long.key]
    assert outcome.status == ("done" if times == 1 else "failed"), outcome
    assert outcome.reason == ("" if times == 1 else "its worker process died")
    assert (
        next(t for t in study.trials.values() if t.candidate.family == "constant").decided == "done"
    )


def test_a_server_that_is_killed_is_replaced(tmp_path: Path) -> None:
    pool = ProcessExecutor(tmp_path / "run" / "work", 2)
    lab, study, budget = lab_of(pool, tmp_path)
    pool.warm(30)
    psutil.Process(pool._server.pid).kill()
    study = finish(lab, study, budget, jobs("lightgbm"))
    pool.close()
    (trial,) = study.trials.values()
    assert trial.decided == "done"


def test_a_fit_that_takes_too_much_memory_is_ended_and_recorded(tmp_path: Path) -> None:
    pool = ProcessExecutor(tmp_path / "run" / "work", 1, memory=1)
    lab, study, budget = lab_of(pool, tmp_path, n_rows=30_000)
    long = Job(
        Candidate("lightgbm", {"learning_rate": 1e-4}, RECIPES["native"]), "d", 0, 0, rounds=10**6
    )
    study = finish(lab, study, budget, [long])
    pool.close()
    (outcome,) = study.trials[long.candidate.id].outcomes.values()
    assert outcome.status == "memory"
    assert "held more than" in outcome.reason


def test_a_disk_that_is_full_ends_the_run(executor: Executor, tmp_path: Path) -> None:
    class Full(InlineExecutor):
        """A workbench whose disk is full."""

        def wait(self, seconds: float) -> list[WorkResult]:
            return [replace(result, trouble=errno.ENOSPC) for result in super().wait(seconds)]

    lab, study, budget = lab_of(executor, tmp_path)
    lab.executor = Full(tmp_path / "run" / "work")
    with pytest.raises(OSError, match="No space left on device"):
        finish(lab, study, budget, jobs("constant"))
    lab.store.close()


def test_an_interrupted_labs_data_and_encodings_are_taken_up_again(tmp_path: Path) -> None:
    lab, study, budget = lab_of(InlineExecutor(tmp_path / "run" / "work"), tmp_path)
    assert not lab.recall()
    cleaner = Cleaner({})
    lab.keep(table(), cleaner)
    study = finish(lab, study, budget, jobs("lightgbm"))
    again = Lab(Store.reopened(tmp_path / "run"), InlineExecutor(tmp_path / "run" / "work"), budget)
    assert again.recall()
    assert again.dataset().digest() == table().digest()
    (trial,) = study.trials.values()
    found = again.predictions(study, trial)
    assert found is not None
    again.store.close()


def test_a_fit_stops_itself_at_its_limit_and_keeps_its_model(tmp_path: Path) -> None:
    pool = ProcessExecutor(tmp_path / "run" / "work", 1)
    lab, study, budget = lab_of(pool, tmp_path, n_rows=3_000)
    long = Job(
        Candidate("lightgbm", {"learning_rate": 1e-4}, RECIPES["native"]),
        "d",
        0,
        0,
        rounds=10**6,
        seconds=4,
    )
    pool.warm(30)
    study = finish(lab, study, budget, [long])
    pool.close()
    outcome = study.trials[long.candidate.id].outcomes[long.key]
    assert outcome.status == "done"
    assert outcome.stopped
    assert outcome.seconds < 4


def test_nothing_runs_on_after_the_budget(executor: Executor, tmp_path: Path) -> None:
    lab, study, budget = lab_of(executor, tmp_path, seconds=6, n_rows=30_000)
    long = [
        Job(
            Candidate("lightgbm", {"learning_rate": 1e-4 / (k + 1)}, RECIPES["native"]),
            "d",
            0,
            0,
            rounds=10**6,
        )
        for k in range(2)
    ]
    study = finish(lab, study, budget, long)
    assert time.monotonic() - budget.deadline < 1.0
    assert study.running == {}


def test_no_process_outlives_its_parent(tmp_path: Path) -> None:
    script = (
        "import psutil, time; from pathlib import Path; from automl.executor.processes import ProcessExecutor; from automl.executor.work import Encode;"
        "from automl.features.recipe import RECIPES;"
        f"pool = ProcessExecutor(Path({str(tmp_path)!r}), 2); work = Encode(RECIPES['native']);"
        "pool.start(work, 1e18, 1e18); pool.start(work, 1e18, 1e18); me = psutil.Process();"
        "[pool.wait(0.2) for _ in range(100) if len(me.children(recursive=True)) < 4]; print('up', flush=True); time.sleep(60)"
    )
    mark = f"mark-{os.getpid()}-{time.time_ns()}"
    parent = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        env={**os.environ, "AUTOML_MARK": mark},
        text=True,
    )
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


def kill_the_worker(pool: ProcessExecutor, times: int) -> None:
    """Kill the one worker while it fits; perhaps its successor, too."""
    deadline, killed = time.monotonic() + 60, {0}
    while len(killed) <= times and time.monotonic() < deadline:
        time.sleep(0.05)
        fitting = [
            worker.pid
            for worker in list(pool._staff)
            if isinstance(worker.item, Job) and worker.pid not in killed
        ]
        for pid in fitting:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)


def marked(mark: str) -> list[int]:
    """Processes that carry the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("AUTOML_MARK") == mark
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process.pid)
        except psutil.Error:
            continue
    return found
