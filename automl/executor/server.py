"""The worker server: loads the libraries once, fits nothing, and forks a worker on request.

A request is a message of one byte that carries a socket, on which the fork replies. The server
imports automl, never the user's main module. It dies with its parent, and its workers with it.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from automl.budget import Budget

# Of Linux's prctl. The signal is sent when the thread that started the process ends, so the server
# must be started from a thread that outlives the run.
PR_SET_PDEATHSIG = 1
# NumPy alone, for the first model's worker.
LIGHT_LIBRARIES = ("automl.executor.worker", "automl.models.linear")
# Loaded before any other worker is forked.
SHARED_LIBRARIES = ("automl.models.preloaded", "scipy.optimize", "lightgbm")
LATER_LIBRARIES = (  # loaded one by one, with requests served in between
    "automl.models.trees.warm",
    "sklearn.ensemble",
    "catboost",
    "xgboost",
    "sklearn.feature_extraction.text",
    "sklearn.decomposition",
)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that started it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent died before the kernel was asked
        os._exit(1)


def serve(requests: socket.socket, seconds: float | None) -> bool:
    """Answer one request if one comes in time.

    Returns
    -------
    bool
        False once nobody can send a request any more.
    """
    ready, _, _ = select.select([requests], [], [], seconds)
    if not ready:
        return True
    message, sockets, _, _ = socket.recv_fds(requests, 1, 1)
    if not message:
        return False
    server = os.getpid()
    gc.freeze()  # a collection in the worker would touch, and so copy, the server's memory
    if os.fork() == 0:
        gc.enable()
        requests.close()
        die_with_parent(server)
        worker_main(Connection(sockets[0]))
        os._exit(0)
    os.close(sockets[0])
    return True


def worker_main(connection: Connection) -> None:
    """Report that the worker is ready, then do each item received until the connection ends."""
    from automl.executor.worker import Worker

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.send(os.getpid())
    worker: Worker | None = None
    while True:
        try:
            folder, item, deadline = connection.recv()
        except EOFError:
            return
        if worker is None or worker.folder != Path(folder):
            worker = Worker(Path(folder))
        budget = replace(Budget(), deadline=deadline, clock=time.monotonic)
        connection.send(worker.do(item, budget))


def load(library: str) -> None:
    """Import a library; if it can't be loaded, each fit that needs it fails with its message."""
    try:
        importlib.import_module(library)
    except (ImportError, OSError) as error:
        sys.stderr.write(f"{library}: {error}\n")


def main(socket_fd: int, parent: int) -> None:
    """Serve until the parent closes the socket."""
    gc.disable()  # imports make hardly any garbage, and looking for it takes a fifth of their time
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the main process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps workers
    requests = socket.socket(fileno=socket_fd)
    for library in LIGHT_LIBRARIES:
        importlib.import_module(library)
    if not serve(requests, 0):  # the first request is already waiting
        return
    for library in SHARED_LIBRARIES:
        load(library)
    for library in LATER_LIBRARIES:
        if not serve(requests, 0):
            return
        load(library)
    while serve(requests, None):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
