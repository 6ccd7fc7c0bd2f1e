"""What end-to-end tests share: the command, bundled tables, and processes found by a mark in their environment."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from automl.files import bundled

AUTOML = str(Path(sys.executable).parent / "automl")
PENGUINS = str(bundled("datasets") / "penguins" / "data.csv")
FLIGHTS = str(bundled("datasets") / "flights" / "data.csv")
WINE = str(bundled("datasets") / "wine" / "data.csv")
QUICK = ("--trials", "2", "--pipeline", "linear", "--engine", "inline", "-q")


def automl(*words: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([AUTOML, *words], cwd=cwd, capture_output=True, text=True, check=False, env={**os.environ, **settings})


def install(folder: Path, code: str, entries: dict[str, dict[str, str]]) -> dict[str, str]:
    """Lay a package down as an installer does, and give the setting with which it is installed."""
    (folder / "my_automl-0.1.dist-info").mkdir(parents=True)
    (folder / "my_automl.py").write_text(code, encoding="utf-8")
    (folder / "my_automl-0.1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: my-automl\nVersion: 0.1\n", encoding="utf-8")
    lines = [f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in names.items()) for group, names in entries.items()]
    (folder / "my_automl-0.1.dist-info" / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return {"PYTHONPATH": str(folder)}


def new_mark() -> str:
    return f"mark-{os.getpid()}-{time.time_ns()}"


def marked(mark: str) -> list[psutil.Process]:
    """Living processes that carry the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("AUTOML_MARK") == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def gone(mark: str, seconds: float = 10.0) -> bool:
    """Whether no marked process is left, given a moment to go."""
    until = time.monotonic() + seconds
    while marked(mark) and time.monotonic() < until:
        time.sleep(0.05)
    return not marked(mark)


def start(*words: str, cwd: Path, mark: str) -> subprocess.Popen[str]:
    """A command that runs beside the test."""
    environment = {**os.environ, "AUTOML_MARK": mark}
    return subprocess.Popen([AUTOML, *words], cwd=cwd, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait_for(log: Path, words: str, count: int = 1, seconds: float = 50.0) -> None:
    """Until a run's log holds some words so many times."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if log.exists() and log.read_text(encoding="utf-8").count(words) >= count:
            return
        time.sleep(0.05)
    raise AssertionError(f"{log}: no {count} x {words!r} within {seconds:g} s")
