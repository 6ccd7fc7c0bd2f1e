"""A run's resources: its folder, executor, data, journal and lab, opened and closed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import cast

from automl.budget import Budget
from automl.executor._base import Executor
from automl.executor.engines import INLINE, EngineSettings
from automl.executor.fork_server import ForkServer
from automl.journal import Journal, Observer
from automl.lab.lab import Lab
from automl.lab.run_data import RunData
from automl.problem import Problem
from automl.run.checkpoint import Checkpointer
from automl.run.recorder import Recorder
from automl.run.settings import Callbacks, Settings
from automl.run_files import PREDICTOR
from automl.store import Store

TABLE_READING_TIME_SHARE = 1 / 3  # of what is left may go into reading the table


@dataclass(frozen=True)
class Session:
    """A run's folder, executor and data.

    Parameters
    ----------
    settings : Settings
    store : Store
    executor : Executor
    data : RunData
    """

    settings: Settings
    store: Store
    executor: Executor
    data: RunData

    def lab(self, journal: Journal, callbacks: Callbacks) -> Lab:
        """Return a lab that records in a journal, and show it to the callbacks."""
        settings = self.settings
        lab = Lab(self.data, self.executor, settings.budget, journal, settings.resources)
        callbacks.on_lab(lab)
        return lab

    def checkpointer(self) -> Checkpointer:
        """Return the observer that keeps the best predictor so far on disk."""
        path = self.store.folder / PREDICTOR
        return Checkpointer(self.data, path, self.settings.started)

    def journal(self, observers: Sequence[Observer], started: float) -> Journal:
        """Return a journal: events are recorded first, and then shown to the observers in order.

        Parameters
        ----------
        observers : sequence of callable
        started : float
            Origin of the events' times, as a reading of `time.monotonic`.
        """
        return Journal(Recorder(self.store, started), observers)


@contextmanager
def open_session(
    store: Store,
    settings: Settings,
    server: ForkServer | None,
    read_problem: Callable[[Budget], Problem],
) -> Iterator[Session]:
    """Open what a run works with; whatever ends the block leaves no process behind."""
    budget = settings.budget
    engine = settings.used_engine
    engine_settings = EngineSettings(store.work, settings.jobs, settings.memory, server)
    executor = engine.open(engine_settings)

    def read() -> Problem:
        return read_problem(budget.within(TABLE_READING_TIME_SHARE * budget.remaining()))

    try:
        with _single_blas_thread(engine.name):
            data = RunData(store, read, settings.extensions)
            yield Session(settings, store, executor, data)
    except BaseException:
        store.close(keep_work=True)
        raise
    finally:
        executor.close()


def _single_blas_thread(engine: str) -> AbstractContextManager[object]:
    """Limit BLAS to one thread where fits run in this process.

    Idle threads spin: a tiny fit took 0.7 s instead of 0.2.
    """
    if engine != INLINE.name:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    return cast(AbstractContextManager[object], threadpool_limits(1, user_api="blas"))
