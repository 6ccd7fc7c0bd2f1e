"""Worker processes, forked by a server that has loaded the libraries; each can be killed and replaced."""

from __future__ import annotations

import math
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil

from automl.errors import AutoMLError
from automl.executor.fork_server import ForkServer
from automl.executor.work import DIED, WorkItem, WorkResult
from automl.trial import Outcome, Status

SERVERS = 5  # so many times a run starts one
LOOK_AFTER = 0.2  # seconds between two looks at the memory


@dataclass(eq=False)
class _Process:
    line: Connection
    born: float
    pid: int = 0
    item: WorkItem | None = None
    started: float = 0.0
    end: float = math.inf


class ProcessExecutor:
    """Worker processes, forked by a server that has loaded the libraries; each can be killed and replaced.

    Parameters
    ----------
    folder : Path
        The run's `work/`.
    workers : int
    memory : int or None
        Bytes that this process, the server and the workers together may hold; the largest busy worker is ended when they hold more.
    server : Server, optional
        One that is loading already; it is closed with the pool.
    """

    def __init__(
        self,
        folder: Path,
        workers: int,
        memory: int | None = None,
        server: ForkServer | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = server or ForkServer()
        self._memory = memory
        self.workers = workers
        self._staff: list[_Process] = []
        self._scout = (
            _Process(self._server.scout, time.monotonic())
            if self._server.scout is not None
            else None
        )
        self._looked = 0.0
        self._servers = 1  # so many there have been

    def warm(self, seconds: float, workers: int = 1) -> list[WorkResult]:
        """Fork the workers, and wait until so many have said hello or the first model is there."""
        until = time.monotonic() + seconds
        while True:
            while len(self._staff) < self.workers:
                self._fork()
            n_there = sum(worker.pid > 0 for worker in self._staff)
            if n_there >= min(workers, self.workers) or time.monotonic() >= until:
                return []
            if results := self.wait(until - time.monotonic()):
                return results

    def idle(self) -> int:
        """Free workers; those that have still to be forked count."""
        return self.workers - sum(worker.item is not None for worker in self._staff)

    def start(self, item: WorkItem, deadline: float, end: float) -> None:
        """Send work to a free worker, forking one if there is none."""
        self._hand(
            next((w for w in self._staff if w.item is None), None) or self._fork(),
            item,
            deadline,
            end,
        )

    def start_first(self, item: WorkItem, deadline: float, end: float) -> None:
        """Send the first model's work to the worker that has loaded next to nothing; it goes when that is done."""
        self._hand(self._scout or self._fork(), item, deadline, end)

    def _hand(self, worker: _Process, item: WorkItem, deadline: float, end: float) -> None:
        worker.item, worker.started, worker.end = item, time.monotonic(), end
        with suppress(
            BrokenPipeError, ConnectionResetError
        ):  # it is dead: wait() sees the end of its line and says so
            worker.line.send((str(self._folder), item, deadline))

    def _fork(self) -> _Process:
        line = self._server.fork() if self._server.lives_on() else None
        while line is None:
            self._renew_server()
            line = self._server.fork()
        worker = _Process(line, time.monotonic())
        self._staff.append(worker)
        return worker

    def _renew_server(self) -> None:
        """Another server in place of one that somebody killed. One that dies again and again has a reason, which it tells."""
        words = self._server.last_words()
        self._server.close()
        if self._servers == SERVERS:
            raise AutoMLError(f"the worker server has ended for the {SERVERS}th time: {words}")
        self._servers += 1
        self._server = ForkServer()

    def wait(self, seconds: float) -> list[WorkResult]:
        """Reports of work that ended by itself, was killed at its deadline, for its memory, or died."""
        everybody = self._everybody()
        busy = [worker for worker in everybody if worker.item is not None]
        now = time.monotonic()
        until = min(
            [now + min(seconds, LOOK_AFTER if busy else 0.5), *(worker.end for worker in busy)]
        )
        ready = wait([worker.line for worker in everybody], max(0.0, until - now))
        heard = [worker for worker in everybody if worker.line in ready]
        results = [
            result
            for worker in heard
            if worker in self._everybody()
            for result in self._hear(worker)
        ]
        for worker in busy:
            if worker.item is not None and time.monotonic() >= worker.end:
                results += self._end(worker, "timeout", "did not stop at its deadline")
        return results + self._watch_memory()

    def _everybody(self) -> list[_Process]:
        """All workers, the first model's among them."""
        return [*self._staff, *([self._scout] if self._scout is not None else [])]

    def _hear(self, worker: _Process) -> list[WorkResult]:
        try:
            message = worker.line.recv()
        except (EOFError, ConnectionResetError):
            doomed = (
                [worker] if self._server.lives_on(0.02) else self._everybody()
            )  # the server's workers end with it
            return [result for one in doomed for result in self._end(one, "failed", DIED)]
        if isinstance(message, int):
            worker.pid = message
            return []
        worker.item = None
        result: WorkResult = message
        if worker is self._scout:
            self._end(worker, "cut", "its only work is done")
        return [result]

    def _end(self, worker: _Process, status: Status, reason: str) -> list[WorkResult]:
        """Kill a worker and report its work, if it had any."""
        if worker.pid:
            with suppress(ProcessLookupError):  # it was quicker
                os.kill(worker.pid, signal.SIGKILL)
        worker.line.close()  # one that has not said hello yet ends when it does
        if worker is self._scout:
            self._scout = None
        else:
            self._staff.remove(worker)
        item, worker.item = worker.item, None
        if item is None:
            return []
        return [
            WorkResult(
                item, Outcome(status, seconds=time.monotonic() - worker.started, reason=reason)
            )
        ]

    def _watch_memory(self) -> list[WorkResult]:
        if self._memory is None or time.monotonic() - self._looked < LOOK_AFTER:
            return []
        self._looked = time.monotonic()
        busy = [worker for worker in self._everybody() if worker.item is not None]
        everybody = [os.getpid(), self._server.pid, *(worker.pid for worker in self._everybody())]
        if (
            not busy
            or sum(map(_resident, everybody)) <= self._memory
            or sum(map(_held, everybody)) <= self._memory
        ):
            return []
        largest = max(busy, key=lambda worker: _held(worker.pid))
        return self._end(
            largest, "memory", f"the run's processes held more than {self._memory / 1e9:.1f} GB"
        )

    def stop(self, reason: str) -> list[WorkResult]:
        """Kill whatever is at work."""
        return [
            result
            for worker in self._everybody()
            if worker.item is not None
            for result in self._end(worker, "cut", reason)
        ]

    def close(self) -> None:
        """End all workers and the server."""
        for worker in self._everybody():
            self._end(worker, "cut", "the run is over")
        self._server.close()


def _resident(pid: int) -> int:
    """Bytes of memory that a process uses, shared or not: quickly found, and never less than what it holds."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else 0
    except psutil.Error:
        return 0


def _held(pid: int) -> int:
    """Bytes that would be free if a process ended, and its part of what it shares with others: forks share much with their server."""
    try:
        full = psutil.Process(pid).memory_full_info() if pid else None
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.uss)) if full else 0
