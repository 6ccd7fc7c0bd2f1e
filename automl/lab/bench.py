"""Workbenches: where pieces of work are done. In worker processes, in this process, or (for tests of policies) from a record."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

import psutil

from automl.budget import Budget
from automl.errors import AutoMLError
from automl.lab.desk import Desk, Encode, Report, Work
from automl.trial import Job, Outcome, Status


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


@dataclass
class _Worker:
    line: Connection
    born: float
    pid: int = 0
    work: Work | None = None
    started: float = 0.0
    end: float = math.inf


class Pool:
    """Worker processes, forked by a server that has loaded the libraries; each can be killed and replaced.

    Parameters
    ----------
    folder : Path
        The run's `work/`.
    workers : int
    memory : int or None
        Bytes that the workers together may hold; the largest is ended when they hold more.
    """

    def __init__(self, folder: Path, workers: int, memory: int | None = None) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._memory = memory
        self.workers = workers
        self._staff: list[_Worker] = []
        self._door, theirs = socket.socketpair()
        self._looked = 0.0
        self._deaths = 0
        with open(self._folder / "server.log", "ab") as log, theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-P", "-m", "automl.lab.server", str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **_quiet_threads(), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )

    def warm(self, seconds: float) -> None:
        """Fork the workers, and wait until the first has said hello."""
        while len(self._staff) < self.workers:
            self._fork()
        until = time.monotonic() + seconds
        while not any(worker.pid for worker in self._staff) and time.monotonic() < until:
            self.wait(until - time.monotonic())

    def idle(self) -> int:
        """Free workers; those that have still to be forked count."""
        return self.workers - sum(worker.work is not None for worker in self._staff)

    def start(self, work: Work, deadline: float, end: float) -> None:
        """Send work to a free worker, forking one if there is none."""
        worker = next((w for w in self._staff if w.work is None), None) or self._fork()
        worker.work, worker.started, worker.end = work, time.monotonic(), end
        with suppress(BrokenPipeError, ConnectionResetError):  # it is dead: wait() sees the end of its line and says so
            worker.line.send((str(self._folder), work, deadline))

    def _fork(self) -> _Worker:
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._door, [b"w"], [theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError):
                ours.close()
                raise AutoMLError(f"the worker server has ended: {self._last_words()}") from None
        worker = _Worker(Connection(ours.detach()), time.monotonic())
        self._staff.append(worker)
        return worker

    def wait(self, seconds: float) -> list[Report]:
        """Reports of work that ended by itself, was killed at its deadline, for its memory, or died."""
        busy = [worker for worker in self._staff if worker.work is not None]
        now = time.monotonic()
        until = min([now + min(seconds, 0.5), *(worker.end for worker in busy)])
        ready = wait([worker.line for worker in self._staff], max(0.0, until - now))
        reports = [report for worker in list(self._staff) if worker.line in ready for report in self._hear(worker)]
        for worker in busy:
            if worker.work is not None and time.monotonic() >= worker.end:
                reports += self._end(worker, "timeout", "did not stop at its deadline")
        return reports + self._watch_memory()

    def _hear(self, worker: _Worker) -> list[Report]:
        try:
            message = worker.line.recv()
        except (EOFError, ConnectionResetError):
            self._deaths += 1
            if self._server.poll() is not None or (self._deaths > 20 and not worker.pid):
                raise AutoMLError(f"the worker server has ended: {self._last_words()}") from None
            return self._end(worker, "failed", "its worker process died")
        if isinstance(message, int):
            worker.pid = message
            return []
        worker.work = None
        report: Report = message
        return [report]

    def _end(self, worker: _Worker, status: Status, reason: str) -> list[Report]:
        """Kill a worker and report its work, if it had any."""
        if worker.pid:
            with suppress(ProcessLookupError):  # it was quicker
                os.kill(worker.pid, signal.SIGKILL)
        worker.line.close()  # one that has not said hello yet ends when it does
        self._staff.remove(worker)
        if worker.work is None:
            return []
        return [Report(worker.work, Outcome(status, seconds=time.monotonic() - worker.started, reason=reason))]

    def _watch_memory(self) -> list[Report]:
        if self._memory is None or time.monotonic() - self._looked < 0.5:
            return []
        self._looked = time.monotonic()
        held = {id(worker): _private_bytes(worker.pid) for worker in self._staff}
        busy = [worker for worker in self._staff if worker.work is not None]
        if not busy or sum(held.values()) <= self._memory:
            return []
        largest = max(busy, key=lambda worker: held[id(worker)])
        return self._end(largest, "memory", f"the workers held more than {self._memory / 1e9:.1f} GB")

    def stop(self, reason: str) -> list[Report]:
        """Kill whatever is at work."""
        return [report for worker in list(self._staff) if worker.work is not None for report in self._end(worker, "cut", reason)]

    def close(self) -> None:
        """End all workers and the server."""
        for worker in list(self._staff):
            self._end(worker, "cut", "the run is over")
        self._door.close()
        self._server.kill()
        self._server.wait()

    def _last_words(self) -> str:
        lines = (self._folder / "server.log").read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"


def _private_bytes(pid: int) -> int:
    """Bytes that a process holds for itself: what it shares with the server it was forked from doesn't count."""
    try:
        info = psutil.Process(pid).memory_info() if pid else None
    except psutil.Error:
        return 0
    return max(0, info.rss - getattr(info, "shared", 0)) if info else 0


def _quiet_threads() -> Mapping[str, str]:
    """OpenMP that sleeps instead of spinning (0.35 s against 15.5 s, DESIGN.md), and BLAS with one thread."""
    single = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    return {"OMP_WAIT_POLICY": "passive", "PYTHONWARNINGS": "default"} | dict.fromkeys(single, "1")
