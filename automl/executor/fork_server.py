"""Launch the worker server, and ask it for workers. Imports nothing heavy: the earlier a run launches it, the better."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.connection import Connection


class ForkServer:
    """The worker server's process. It begins to load the libraries at once, so the earlier one is made the better."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._door, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-m",
                    "automl.executor.server",
                    str(theirs.fileno()),
                    str(os.getpid()),
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={
                    **os.environ,
                    **_quiet_threads(),
                    "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path),
                },
            )
        self.scout = (
            self.fork()
        )  # before heavier libraries are loaded: the worker of the first model

    def fork(self) -> Connection | None:
        """Ask for a worker: the line to it, on which it says hello once the server has loaded the libraries; None if the server is dead."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._door, [b"w"], [theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError):
                ours.close()
                return None
        return Connection(ours.detach())

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def lives_on(self, seconds: float = 0.0) -> bool:
        """Whether it has not ended, and does not end within so many seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def last_words(self) -> str:
        """The last line that it wrote."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "without a word"

    def close(self) -> None:
        """End it, and with it every worker."""
        self._door.close()
        self._process.kill()
        self._process.wait()
        self._log.close()


def _quiet_threads() -> Mapping[str, str]:
    """OpenMP that sleeps instead of spinning (0.35 s against 15.5 s, DESIGN.md), and BLAS with one thread."""
    single = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    return {"OMP_WAIT_POLICY": "passive", "PYTHONWARNINGS": "default"} | dict.fromkeys(single, "1")
