"""Every engine does the same work; a new one needs nothing but its own file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import automl
from automl.budget import Budget
from automl.candidate import Candidate, Job, Outcome
from automl.errors import InputError
from automl.executor._base import Executor
from automl.executor.engines import ENGINES, Engine, EngineSettings, engine_of
from automl.executor.work import NO_JOB_LIMITS, Encode, JobLimits, WorkItem, WorkResult
from automl.executor.worker import Worker, move_artifacts
from automl.features.recipe import RECIPES
from automl.resources import Resources
from tests.lab.samples import table

EACH = Resources()
RECIPE = replace(RECIPES["native"], text="skip")


class ThreadExecutor:
    """A toy engine: two threads of this process, each with a worker of its own."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._threads = ThreadPoolExecutor(2)
        self._running: dict[Future[WorkResult], WorkItem] = {}

    def workers(self, each: Resources) -> int:
        return 2

    def free(self, each: Resources) -> int:
        return 2 - len(self._running)

    def warm_up(self, seconds: float, workers: int, at_least: int = 1) -> Sequence[WorkResult]:
        return []

    def submit(self, item: WorkItem, limits: JobLimits) -> None:
        worker, budget = Worker(self._work), Budget(deadline=limits.deadline)
        self._running[self._threads.submit(worker.do, item, budget)] = item

    def results(self, seconds: float) -> Sequence[WorkResult]:
        done, _ = wait(self._running, seconds, return_when="FIRST_COMPLETED")
        for future in done:
            del self._running[future]
        return [future.result() for future in done]

    def fetch(self, result: WorkResult, into: Path) -> None:
        move_artifacts(self._work, result, into)

    def cancel(self, reason: str) -> Sequence[WorkResult]:
        wait(self._running)
        items, self._running = list(self._running.values()), {}
        return [WorkResult(item, Outcome("cancelled", reason=reason)) for item in items]

    def close(self) -> None:
        self._threads.shutdown()


TOY = Engine("threads", "two threads", lambda settings: ThreadExecutor(settings.work))


@pytest.fixture(params=[*ENGINES.values(), TOY], ids=lambda engine: engine.name)
def executor(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Executor]:
    work = tmp_path / "work"
    table().save(work / "data")
    executor = request.param.open(EngineSettings(work, cores=2))
    yield executor
    executor.close()


def job(fold: int = 0, **params: object) -> Job:
    return Job(Candidate("lightgbm", params, RECIPE), "d", 0, fold)


def done(executor: Executor, item: WorkItem, limits: JobLimits = NO_JOB_LIMITS) -> WorkResult:
    """The result of an item that is submitted alone."""
    executor.submit(item, limits)
    while not (results := executor.results(60.0)):
        pass
    (result,) = results
    return result


def test_a_job_ends_with_a_loss_and_its_files(executor: Executor, tmp_path: Path) -> None:
    assert done(executor, Encode(RECIPE)).outcome.is_done
    result = done(executor, job())
    assert result.item == job()
    assert result.outcome.is_done
    assert result.outcome.loss is not None
    executor.fetch(result, tmp_path / "home" / "a")
    files = {path.name for path in (tmp_path / "home" / "a").iterdir()}
    assert files == {"predictions.npy", "model.zip", "detail.json"}


def test_a_failure_is_an_outcome(executor: Executor) -> None:
    done(executor, Encode(RECIPE))
    result = done(executor, job(num_leaves=-3))
    assert result.outcome.status == "failed"
    assert "num_leaves" in result.outcome.reason


def test_work_takes_a_worker_until_its_result_is_read(executor: Executor) -> None:
    free = executor.free(EACH)
    assert 1 <= free <= executor.workers(EACH)
    executor.submit(Encode(RECIPE), NO_JOB_LIMITS)
    assert executor.free(EACH) == free - 1
    while not executor.results(60.0):
        pass
    assert executor.free(EACH) == free


def test_nothing_is_under_way_after_cancelling(executor: Executor) -> None:
    executor.submit(Encode(RECIPE), NO_JOB_LIMITS)
    results = executor.cancel("for the test")
    assert len(results) == 1
    assert executor.free(EACH) == executor.workers(EACH)


def test_warming_up_ends_with_a_ready_worker(executor: Executor) -> None:
    assert list(executor.warm_up(60.0, workers=1)) == []


def test_the_estimator_runs_on_a_users_engine() -> None:
    X = pd.DataFrame({"x": np.arange(80.0)})
    y = np.tile([0, 0, 1, 1], 20)
    ours = automl.AutoMLClassifier(trials=3, pipeline="linear", engine="inline").fit(X, y)
    toys = automl.AutoMLClassifier(trials=3, pipeline="linear", engine=TOY).fit(X, y)
    assert (ours.predict_proba(X) == toys.predict_proba(X)).all()


def test_an_unknown_engine_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"--engine 'magic': must be local or inline"):
        engine_of("magic")


def test_elsewhere_than_on_linux_the_engine_is_inline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    assert engine_of("local").name == "inline"
