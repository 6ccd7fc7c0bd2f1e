"""ProcessExecutor: worker processes, forked by a server that has loaded the libraries."""

from __future__ import annotations

import math
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil

from automl.candidate import Job, Outcome, Status
from automl.errors import AutoMLError
from automl.executor.fork_server import ForkServer
from automl.executor.work import WORKER_DIED, JobLimits, WorkItem, WorkResult
from automl.executor.worker import move_artifacts
from automl.resources import Resources

MAX_SERVERS = 5  # that a run starts, one after the other
MEMORY_CHECK_SECONDS = 0.2
IDLE_POLL_SECONDS = 0.5
SERVER_EXIT_SECONDS = 0.02  # in which a dying server is noticed when a worker's connection ends


@dataclass(eq=False)
class _WorkerHandle:
    """A worker process, from the moment that it was asked for."""

    connection: Connection
    pid: int = 0  # 0 until it has reported that it is ready
    item: WorkItem | None = None
    started: float = 0.0
    kill_at: float = math.inf

    @property
    def is_busy(self) -> bool:
        return self.item is not None


class ProcessExecutor:
    """Worker processes, each of which can be killed and replaced.

    Parameters
    ----------
    work : Path
        The run's `work/` folder.
    cores : int
    memory : int or None
        Bytes that this process, the server and the workers may hold together. When they hold
        more, the largest busy worker is ended.
    server : ForkServer, optional
        One that is loading already; it is closed with the executor.
    """

    def __init__(
        self,
        work: Path,
        cores: int,
        memory: int | None = None,
        server: ForkServer | None = None,
    ) -> None:
        self._work = work.resolve()
        self._work.mkdir(parents=True, exist_ok=True)
        self._server = server or ForkServer()
        self._n_servers = 1
        self._memory = memory
        self._memory_checked = 0.0
        self._cores = cores
        self._workers: list[_WorkerHandle] = []
        first = self._server.light_worker
        self._light_worker = None if first is None else _WorkerHandle(first)

    def workers(self, each: Resources) -> int:
        """Return how many items that use these resources can run at the same time."""
        return max(1, self._cores // each.threads)

    def free(self, each: Resources) -> int:
        """Return how many further items could start now; workers not yet forked count."""
        return self.workers(each) - sum(worker.is_busy for worker in self._workers)

    def warm_up(
        self,
        seconds: float,
        workers: int,
        at_least: int = 1,
    ) -> Sequence[WorkResult]:
        """Fork workers, and wait until some are ready or an item has ended."""
        until = time.monotonic() + seconds
        while True:
            while len(self._workers) < workers:
                self._fork()
            ready = sum(worker.pid > 0 for worker in self._workers)
            if ready >= min(at_least, workers) or time.monotonic() >= until:
                return []
            if results := self.results(until - time.monotonic()):
                return results

    def submit(self, item: WorkItem, limits: JobLimits) -> None:
        """Send an item to a free worker; fork one if there is none.

        The first model goes to the worker that was forked before the libraries were loaded.
        """
        worker = self._light_worker if _is_first_model(item) else None
        if worker is None:
            idle = (process for process in self._workers if not process.is_busy)
            worker = next(idle, None) or self._fork()
        worker.item = item
        worker.started = time.monotonic()
        worker.kill_at = limits.kill_at
        with suppress(BrokenPipeError, ConnectionResetError):  # results() will see that it died
            worker.connection.send((str(self._work), item, limits.deadline))

    def _fork(self) -> _WorkerHandle:
        connection = self._server.fork() if self._server.stays_alive() else None
        while connection is None:
            self._renew_server()
            connection = self._server.fork()
        worker = _WorkerHandle(connection)
        self._workers.append(worker)
        return worker

    def _renew_server(self) -> None:
        """Start another server after one was killed.

        A server that dies again and again has a reason, which the error repeats.
        """
        last_line = self._server.last_line()
        self._server.close()
        if self._n_servers == MAX_SERVERS:
            raise AutoMLError(
                f"the worker server has ended for the {MAX_SERVERS}th time: {last_line}"
            )
        self._n_servers += 1
        self._server = ForkServer()

    def results(self, seconds: float) -> Sequence[WorkResult]:
        """Return items that ended by themselves, were killed, or died with their worker."""
        processes = self._all_processes()
        busy = [worker for worker in processes if worker.is_busy]
        ready = self._wait(processes, busy, seconds)
        results: list[WorkResult] = []
        for worker in processes:
            # The end of one worker may have ended others, too.
            if worker.connection in ready and worker in self._all_processes():
                results += self._receive(worker)
        for worker in busy:
            if worker.is_busy and time.monotonic() >= worker.kill_at:
                results += self._end(worker, "timeout", "did not stop at its deadline")
        return results + self._enforce_memory_limit()

    def _wait(
        self,
        processes: Sequence[_WorkerHandle],
        busy: Sequence[_WorkerHandle],
        seconds: float,
    ) -> Sequence[object]:
        """Wait for messages until the next deadline or memory check."""
        now = time.monotonic()
        longest = MEMORY_CHECK_SECONDS if busy else IDLE_POLL_SECONDS
        until = min([now + min(seconds, longest), *(worker.kill_at for worker in busy)])
        return wait([worker.connection for worker in processes], max(0.0, until - now))

    def _all_processes(self) -> list[_WorkerHandle]:
        """Return all workers, with the first model's."""
        light = [] if self._light_worker is None else [self._light_worker]
        return [*self._workers, *light]

    def _receive(self, worker: _WorkerHandle) -> list[WorkResult]:
        """Read a worker's message: its process id when it is ready, or a result."""
        try:
            message = worker.connection.recv()
        except (EOFError, ConnectionResetError):
            return self._end_dead(worker)
        if isinstance(message, int):
            worker.pid = message
            return []
        worker.item = None
        result: WorkResult = message
        if worker is self._light_worker:
            self._end(worker, "cancelled", "its only work is done")
        return [result]

    def _end_dead(self, worker: _WorkerHandle) -> list[WorkResult]:
        """End a worker whose connection closed; if its server died, all workers died with it."""
        server_lives = self._server.stays_alive(SERVER_EXIT_SECONDS)
        dead = [worker] if server_lives else self._all_processes()
        results: list[WorkResult] = []
        for process in dead:
            lost = self._end(process, "failed", WORKER_DIED)
            results += [replace(result, worker_died=True) for result in lost]
        return results

    def _end(
        self,
        worker: _WorkerHandle,
        status: Status,
        reason: str,
    ) -> list[WorkResult]:
        """Kill a worker and return the result of its item, if it had one."""
        if worker.pid:
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(worker.pid, signal.SIGKILL)
        worker.connection.close()  # a worker that is not ready yet ends when it reports
        if worker is self._light_worker:
            self._light_worker = None
        else:
            self._workers.remove(worker)
        item, worker.item = worker.item, None
        if item is None:
            return []
        seconds = time.monotonic() - worker.started
        return [WorkResult(item, Outcome(status, seconds=seconds, reason=reason))]

    def _enforce_memory_limit(self) -> list[WorkResult]:
        """End the largest busy worker if the run's processes hold too much memory."""
        now = time.monotonic()
        if self._memory is None or now - self._memory_checked < MEMORY_CHECK_SECONDS:
            return []
        self._memory_checked = now
        busy = [worker for worker in self._all_processes() if worker.is_busy]
        if not busy or not self._exceeds_memory(self._memory):
            return []
        largest = max(busy, key=lambda worker: _proportional_bytes(worker.pid))
        gigabytes = self._memory / 1e9
        return self._end(
            largest, "memory", f"the run's processes held more than {gigabytes:.1f} GB"
        )

    def _exceeds_memory(self, limit: int) -> bool:
        """Return whether the run's processes hold more than the limit.

        Resident memory is quick to read and never too small; only if it exceeds the limit is
        shared memory counted properly.
        """
        workers = [worker.pid for worker in self._all_processes()]
        pids = [os.getpid(), self._server.pid, *workers]
        if sum(map(_resident_bytes, pids)) <= limit:
            return False
        return sum(map(_proportional_bytes, pids)) > limit

    def fetch(self, result: WorkResult, into: Path) -> None:
        """Move the files of a job: workers write to this machine's disk."""
        move_artifacts(self._work, result, into)

    def cancel(self, reason: str) -> Sequence[WorkResult]:
        """Kill all busy workers."""
        results: list[WorkResult] = []
        for worker in self._all_processes():
            if worker.is_busy:
                results += self._end(worker, "cancelled", reason)
        return results

    def close(self) -> None:
        """End all workers and the server."""
        for worker in self._all_processes():
            self._end(worker, "cancelled", "the run is over")
        self._server.close()


def _is_first_model(item: WorkItem) -> bool:
    return isinstance(item, Job) and item.candidate.is_first_model


def _resident_bytes(pid: int) -> int:
    """Return the memory that a process uses, shared or not; 0 if it is gone."""
    try:
        return int(psutil.Process(pid).memory_info().rss) if pid else 0
    except psutil.Error:
        return 0


def _proportional_bytes(pid: int) -> int:
    """Return a process's own memory plus its part of what it shares; 0 if it is gone.

    Forked workers share much with their server.
    """
    if not pid:
        return 0
    try:
        full = psutil.Process(pid).memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(full, "pss", full.uss))
