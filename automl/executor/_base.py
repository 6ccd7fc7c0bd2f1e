"""Workbenches: where pieces of work are done. `InlineExecutor` does them in this process, `pool` has worker processes, `replay` a record."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from automl.budget import Budget
from automl.executor.work import WorkItem, WorkResult
from automl.executor.worker import Worker


class Executor(Protocol):
    """A place where work is done, by one worker or several."""

    workers: int

    def warm(self, seconds: float, workers: int = 1) -> list[WorkResult]:
        """Have workers, and wait for some of them at most so many seconds.

        What is limited in time starts when they are there. Returns earlier with what ended
        meanwhile; with nothing once so many are there or the time is over.
        """
        ...

    def idle(self) -> int:
        """How many workers are free."""
        ...

    def start(self, item: WorkItem, deadline: float, end: float) -> None:
        """Give work to a free worker; it is to stop at `deadline` by itself, and is ended at `end`, both readings of the clock."""
        ...

    def start_first(self, item: WorkItem, deadline: float, end: float) -> None:
        """Give the first model's work to a worker that needs no library but NumPy, before the others are ready."""
        ...

    def wait(self, seconds: float) -> list[WorkResult]:
        """The work that has ended, after at most so many seconds."""
        ...

    def stop(self, reason: str) -> list[WorkResult]:
        """End all work that is under way."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


class InlineExecutor:
    """One worker in this process: nothing can be killed, deadlines are the fits' own."""

    workers = 1

    def __init__(self, folder: Path) -> None:
        self._desk = Worker(folder)
        self._ended: list[WorkResult] = []

    def warm(self, seconds: float, workers: int = 1) -> list[WorkResult]:
        """This process is there."""
        return self.wait(0)

    def idle(self) -> int:
        """One, unless its last report is still to be fetched."""
        return 0 if self._ended else 1

    def start(self, item: WorkItem, deadline: float, end: float) -> None:
        """Do it at once."""
        self._ended.append(self._desk.do(item, Budget(deadline=deadline)))

    def start_first(self, item: WorkItem, deadline: float, end: float) -> None:
        """Do it at once."""
        self.start(item, deadline, end)

    def wait(self, seconds: float) -> list[WorkResult]:
        """What was done."""
        ended, self._ended = self._ended, []
        return ended

    def stop(self, reason: str) -> list[WorkResult]:
        """Nothing is ever under way."""
        return self.wait(0)

    def close(self) -> None:
        """Nothing to end."""
