"""ForkServer: the client of the process that forks workers. Imports nothing heavy.

The earlier a run starts it, the sooner its workers are ready.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from multiprocessing.connection import Connection


class ForkServer:
    """The worker server's process, which begins to load the libraries at once.

    Attributes
    ----------
    light_worker : Connection or None
        A worker that is forked before the heavier libraries are loaded, for the first model.
    """

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = self._launch(theirs)
        self.light_worker = self.fork()

    def _launch(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        module = [sys.executable, "-P", "-m", "automl.executor.server"]
        return subprocess.Popen(
            [*module, str(theirs.fileno()), str(os.getpid())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env=_environment(),
        )

    def fork(self) -> Connection | None:
        """Ask for a worker.

        Returns
        -------
        Connection or None
            The worker reports on it that it is ready, once the server has loaded the libraries.
            None if the server is dead.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._socket, [b"w"], [theirs.fileno()])
            except (BrokenPipeError, ConnectionResetError):
                ours.close()
                return None
        return Connection(ours.detach())

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    def stays_alive(self, seconds: float = 0.0) -> bool:
        """Return whether it has not ended, and does not end within these seconds."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        return False

    def last_line(self) -> str:
        """Return the last line that it wrote."""
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it printed nothing"

    def close(self) -> None:
        """End it, and with it every worker."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
        self._log.close()


def _environment() -> dict[str, str]:
    """Return the server's environment.

    OpenMP's idle threads sleep instead of spinning (measured: one LightGBM fit takes 0.35 s
    instead of 15.5 s), and BLAS has one thread.
    """
    single = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_MAX_THREADS")
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    return {
        **os.environ,
        "OMP_WAIT_POLICY": "passive",
        "PYTHONWARNINGS": "default",
        **dict.fromkeys(single, "1"),
        "PYTHONPATH": path,
    }
