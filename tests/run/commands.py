"""Commands, bundled tables and process checks that the end-to-end tests share.

Processes are found by a mark in their environment.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

import psutil

from automl import cli
from automl.files import bundled_folder

AUTOML = str(Path(sys.executable).parent / "automl")
PENGUINS = str(bundled_folder("datasets") / "penguins" / "data.csv")
FLIGHTS = str(bundled_folder("datasets") / "flights" / "data.csv")
WINE = str(bundled_folder("datasets") / "wine" / "data.csv")
QUICK = ("--trials", "2", "--pipeline", "linear", "--engine", "inline", "-q")


def automl(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in this process, which has the libraries loaded.

    Only for commands without a clock, since the clock counts from the start of the process.
    """
    out, err = StringIO(), StringIO()
    before, sys.argv = sys.argv, ["automl", *words]
    try:
        with chdir(cwd), redirect_stdout(out), redirect_stderr(err):
            code = cli._run()
    finally:
        sys.argv = before
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def process(*words: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own, perhaps with settings of the environment."""
    command, environment = [AUTOML, *words], {**os.environ, **settings}
    return subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, check=False, env=environment
    )


def install(folder: Path, code: str, entries: dict[str, dict[str, str]]) -> dict[str, str]:
    """Write a package as an installer does, and return the setting that makes it importable."""
    (folder / "my_automl-0.1.dist-info").mkdir(parents=True)
    (folder / "my_automl.py").write_text(code, encoding="utf-8")
    (folder / "my_automl-0.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: my-automl\nVersion: 0.1\n", encoding="utf-8"
    )
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items())
        for group, names in entries.items()
    ]
    (folder / "my_automl-0.1.dist-info" / "entry_points.txt").write_text(
        "\n".join(lines), encoding="utf-8"
    )
    return {"PYTHONPATH": str(folder)}


def new_mark() -> str:
    return f"mark-{os.getpid()}-{time.time_ns()}"


def marked(mark: str) -> list[psutil.Process]:
    """Return the living processes that carry the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if (
                process.environ().get("AUTOML_MARK") == mark
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
        except psutil.Error:
            continue
    return found


def gone(mark: str, seconds: float = 10.0) -> bool:
    """Return whether no marked process is left after a moment's wait."""
    until = time.monotonic() + seconds
    while marked(mark) and time.monotonic() < until:
        time.sleep(0.05)
    return not marked(mark)


@contextmanager
def started(*words: str, cwd: Path, mark: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command beside the test, kill it and close its pipes however the test ends."""
    command, environment = [AUTOML, *words], {**os.environ, "AUTOML_MARK": mark}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def wait_for(log: Path, words: str, count: int = 1, seconds: float = 50.0) -> None:
    """Wait until a run's log contains these words `count` times."""
    wait_until(
        lambda: log.exists() and log.read_text(encoding="utf-8").count(words) >= count,
        f"{log}: no {count} x {words!r}",
        seconds,
    )


def wait_until(is_true: Callable[[], bool], trouble: str, seconds: float = 50.0) -> None:
    """Wait until a condition is true."""
    until = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < until, f"{trouble} within {seconds:g} s"
        time.sleep(0.05)
