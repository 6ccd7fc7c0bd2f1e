"""Workbenches: where pieces of work are done. In this process, or (for tests of policies) from a record; `pool` has worker processes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from automl.budget import Budget
from automl.lab.desk import Desk
from automl.lab.work import Encode, Report, Work
from automl.trial import Job, Outcome


class Bench(Protocol):
    """A place where work is done, by one worker or several."""

    workers: int

    def warm(self, seconds: float) -> None:
        """Have workers, waiting for the first one at most so many seconds: what is limited in time starts when they are there."""
        ...

    def idle(self) -> int:
        """How many workers are free."""
        ...

    def start(self, work: Work, deadline: float, end: float) -> None:
        """Give work to a free worker; it is to stop at `deadline` by itself, and is ended at `end`, both readings of the clock."""
        ...

    def wait(self, seconds: float) -> list[Report]:
        """The work that has ended, after at most so many seconds."""
        ...

    def stop(self, reason: str) -> list[Report]:
        """End all work that is under way."""
        ...

    def close(self) -> None:
        """End everything."""
        ...


class Inline:
    """One worker in this process: nothing can be killed, deadlines are the fits' own."""

    workers = 1

    def __init__(self, folder: Path) -> None:
        self._desk = Desk(folder)
        self._ended: list[Report] = []

    def warm(self, seconds: float) -> None:
        """This process is there."""

    def idle(self) -> int:
        """One, unless its last report is still to be fetched."""
        return 0 if self._ended else 1

    def start(self, work: Work, deadline: float, end: float) -> None:
        """Do it at once."""
        self._ended.append(self._desk.do(work, Budget(deadline=deadline)))

    def wait(self, seconds: float) -> list[Report]:
        """What was done."""
        ended, self._ended = self._ended, []
        return ended

    def stop(self, reason: str) -> list[Report]:
        """Nothing is ever under way."""
        return self.wait(0)

    def close(self) -> None:
        """Nothing to end."""


class Recorded:
    """A fake: recorded outcomes and a clock that jumps to the next end, so that hours of search pass in seconds.

    Parameters
    ----------
    record : callable
        Gives the outcome of a job.
    """

    def __init__(self, record: Callable[[Job], Outcome], workers: int = 2) -> None:
        self.now = 0.0
        self._record = record
        self.workers = workers
        self._running: list[tuple[float, Report]] = []

    def clock(self) -> float:
        """The fake time in seconds."""
        return self.now

    def warm(self, seconds: float) -> None:
        """Nothing is waited for."""

    def idle(self) -> int:
        """Free workers."""
        return self.workers - len(self._running)

    def start(self, work: Work, deadline: float, end: float) -> None:
        """Look up how it ends, and when."""
        outcome = Outcome("done") if isinstance(work, Encode) else self._record(work)
        ends = self.now + outcome.seconds
        if ends > end:
            ends, outcome = end, replace(outcome, status="timeout", loss=None, seconds=end - self.now)
        self._running.append((ends, Report(work, outcome)))

    def wait(self, seconds: float) -> list[Report]:
        """Turn the clock to the first end."""
        if not self._running:
            self.now += seconds if math.isfinite(seconds) else 0.0
            return []
        self._running.sort(key=lambda pair: pair[0])
        ends, report = self._running[0]
        if ends > self.now + seconds:
            self.now += seconds
            return []
        self.now = max(self.now, ends)
        del self._running[0]
        return [report]

    def stop(self, reason: str) -> list[Report]:
        """Cut all that is running."""
        reports = [Report(report.work, Outcome("cut", reason=reason)) for _, report in self._running]
        self._running.clear()
        return reports

    def close(self) -> None:
        """Nothing to end."""
