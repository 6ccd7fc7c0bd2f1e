"""A small data set with a column of each kind, and a lab in which it is prepared."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from automl import folds
from automl.budget import Budget
from automl.candidate import Candidate, Job
from automl.cleaning import Cleaner
from automl.columns import Categories, Columns, Numbers, Texts
from automl.dataset import Dataset
from automl.events import DataPrepared, RunStarted
from automl.executor._base import Executor
from automl.features.recipe import RECIPES
from automl.journal import Journal
from automl.lab.lab import Lab
from automl.lab.policy import Action, Capacity, Stop, Wait
from automl.lab.run_data import RunData
from automl.run.recorder import Recorder
from automl.store import Store
from automl.study import Plan, Size, Study
from automl.task import Task

TASK = Task("binary", "y", "log_loss", ("no", "yes"))


def table(n_rows: int = 200) -> Dataset:
    """A task that can be learnt, with a column of each kind."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=n_rows)
    codes = rng.integers(-1, 3, n_rows).astype(np.int32)
    noise = rng.normal(scale=0.3, size=n_rows)
    y = ((x + (codes == 1) + noise) > 0).astype(float)
    words = [f"word{k % 5} and more" for k in range(n_rows)]
    by_name = {"x": Numbers(x), "c": Categories(codes, ("a", "b", "c")), "t": Texts.of(words)}
    columns = Columns(by_name, n_rows)
    return Dataset(TASK, columns, y, folds.kfold(y, np.arange(n_rows), 3, 1, 0))


class ListedJobs:
    """A policy that asks for jobs from a list."""

    def __init__(self, jobs: list[Job]) -> None:
        self.jobs = list(jobs)

    def next(self, study: Study, capacity: Capacity) -> Action:
        if self.jobs:
            return self.jobs.pop(0)
        return Wait() if study.running else Stop()


def jobs(family: str, recipe: str = "native", **params: object) -> list[Job]:
    """The jobs of a candidate on three folds."""
    candidate = Candidate(family, params, RECIPES[recipe], "test")
    return [Job(candidate, "d", 0, fold, seed=fold) for fold in range(3)]


def lab_of(
    executor: Executor, folder: Path, seconds: float = 60.0, n_rows: int = 200
) -> tuple[Lab, Study]:
    """A lab that records in a run folder, and a study whose data is prepared.

    The executor works in the folder's `work/`.
    """
    if (folder / "work").exists():  # some executors make their folder before the store does
        (folder / "work").rmdir()
        folder.rmdir()
    store = Store(folder)
    data = RunData(store)
    data.save(table(n_rows), Cleaner({}))
    journal = Journal(Recorder(store, time.monotonic()))
    lab = Lab(data, executor, Budget(time.monotonic() + seconds), journal)
    study = lab.record(Study(), RunStarted(0))
    prepared = DataPrepared(TASK, "d", Size(200, 3), Plan("kfold", 3, 1))
    return lab, lab.record(study, prepared)


def finished(lab: Lab, study: Study, asked: list[Job]) -> Study:
    """The study after these jobs, in a store that is closed."""
    study = lab.run(ListedJobs(asked), study, lab.budget)
    lab.data.store.close(keep_work=True)
    return study
