"""The worker server: a process that loads the libraries once, fits nothing, and forks a worker whenever it is asked to.

It is asked by a message of one byte that carries a socket; the fork answers on that socket. It imports automl, never the
user's main module. It dies with its parent, and its workers die with it.
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

PR_SET_PDEATHSIG = 1
LIGHT = ("automl.executor.worker",)  # NumPy and no library more, for the worker of the first model
FIRST = (
    "scipy.optimize",
    "lightgbm",
)  # loaded before any other worker, who would each load them again
THEN = (  # a request is answered in between
    "sklearn.ensemble",
    "catboost",
    "xgboost",
    "sklearn.feature_extraction.text",
    "sklearn.decomposition",
)


def die_with_parent(parent: int) -> None:
    """Ask the kernel to kill this process when the thread that started it ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we asked
        os._exit(1)


def serve(door: socket.socket, seconds: float | None) -> bool:
    """Answer one request if one comes in time; False once nobody can ask any more."""
    ready, _, _ = select.select([door], [], [], seconds)
    if not ready:
        return True
    message, sockets, _, _ = socket.recv_fds(door, 1, 1)
    if not message:
        return False
    server = os.getpid()
    gc.freeze()  # what is loaded stays: a worker that looks through it would copy its memory
    if os.fork() == 0:
        gc.enable()
        door.close()
        die_with_parent(server)
        work(Connection(sockets[0]))
        os._exit(0)
    os.close(sockets[0])
    return True


def work(line: Connection) -> None:
    """A worker's life: say hello, then do what comes down the line until it ends."""
    from automl.executor.worker import Worker

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    line.send(os.getpid())
    worker: Worker | None = None
    while True:
        try:
            folder, job, deadline = line.recv()
        except EOFError:
            return
        if worker is None or worker.folder != Path(folder):
            worker = Worker(Path(folder))
        result = worker.do(job, replace(Budget(), deadline=deadline, clock=time.monotonic))
        line.send(result)


def load(library: str) -> None:
    """Import a library. One that can't be loaded is no reason to end: a fit that needs it will fail with the library's own words."""
    try:
        importlib.import_module(library)
    except (ImportError, OSError) as error:
        sys.stderr.write(f"{library}: {error}\n")


def main(door_fd: int, parent: int) -> None:
    """Serve until the door closes."""
    gc.disable()  # importing makes next to no garbage, and looking for it takes a fifth of the time
    die_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is for the main process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel reaps workers
    door = socket.socket(fileno=door_fd)
    for library in LIGHT:
        importlib.import_module(library)
    if not serve(door, 0):  # the first request is there already
        return
    for library in FIRST:
        load(library)
    for library in THEN:
        if not serve(door, 0):
            return
        load(library)
    while serve(door, None):
        pass


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
