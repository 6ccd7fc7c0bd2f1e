"""Worker processes, forked by a server that has loaded the libraries; each can be killed and replaced."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path

import psutil

from automl.errors import AutoMLError
from automl.lab.work import Report, Work
from automl.trial import Outcome, Status


@dataclass
class _Worker:
    line: Connection
    born: float
    pid: int = 0
    work: Work | None = None
    started: float = 0.0
    end: float = math.inf


class Server:
    """The worker server's process. It begins to load the libraries at once, so the earlier one is made the better."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._door, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "automl.lab.server", str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={**os.environ, **_quiet_threads(), "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )

    def fork(self) -> Connection:
        """Ask for a worker: the line to it, on which it says hello once the server has loaded the libraries."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._door, [b"w"], [theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError):
                ours.close()
                raise AutoMLError(f"the worker server has ended: {self._last_words()}") from None
        return Connection(ours.detach())

    def check(self) -> None:
        """Raise an `AutoMLError` with its last words if the server has ended."""
        if self._process.poll() is not None:
            raise AutoMLError(f"the worker server has ended: {self._last_words()}")

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"

    def close(self) -> None:
        """End it, and with it every worker."""
        self._door.close()
        self._process.kill()
        self._process.wait()
        self._log.close()


class Pool:
    """Worker processes, forked by a server that has loaded the libraries; each can be killed and replaced.

    Parameters
    ----------
    folder : Path
        The run's `work/`.
    workers : int
    memory : int or None
        Bytes that the workers together may hold; the largest is ended when they hold more.
    server : Server, optional
        One that is loading already; it is closed with the pool.
    """

    def __init__(self, folder: Path, workers: int, memory: int | None = None, server: Server | None = None) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = server or Server()
        self._memory = memory
        self.workers = workers
        self._staff: list[_Worker] = []
        self._looked = 0.0

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
        worker = _Worker(self._server.fork(), time.monotonic())
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
            self._server.check()
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
        work, worker.work = worker.work, None
        if work is None:
            return []
        return [Report(work, Outcome(status, seconds=time.monotonic() - worker.started, reason=reason))]

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
        self._server.close()


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
