"""Parts that the reliability scripts share.

They are the command, tables, marks by which processes are found, and processes that keep cores
busy.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

AUTOML = str(Path(sys.executable).parent / "automl")


@dataclass(frozen=True)
class Data:
    """A table with what its card says."""

    name: str
    path: str
    target: str
    task: str
    ignore: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        """Arguments of `automl fit`."""
        return [
            self.path,
            "--target",
            self.target,
            "--task",
            self.task,
            *(word for name in self.ignore for word in ("--ignore", name)),
        ]


def tables(folder: Path) -> list[Data]:
    """Return every table of a folder of data sets with cards in JSON."""
    found = []
    for file in sorted(folder.glob("*/card.json")):
        card = json.loads(file.read_text())
        path = next(
            p for p in (file.parent / "data.csv", file.parent / "data.csv.gz") if p.exists()
        )
        found.append(
            Data(card["name"], str(path), card["target"], card["task"], tuple(card.get("drop", [])))
        )
    return found


def marked(mark: str) -> list[psutil.Process]:
    """Return the living processes that carry a mark in their environment."""
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


def gone(mark: str, seconds: float = 5.0) -> bool:
    """Return whether no marked process is left after a moment's wait."""
    until = time.monotonic() + seconds
    while marked(mark) and time.monotonic() < until:
        time.sleep(0.05)
    return not marked(mark)


def _spin() -> None:
    while True:
        pass


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """Run `count` processes that each keep a core busy."""
    spinning = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(count)]
    for process in spinning:
        process.start()
    try:
        yield
    finally:
        for process in spinning:
            process.kill()


def with_mark(mark: str) -> dict[str, str]:
    """Return the environment with a mark."""
    return {**os.environ, "AUTOML_MARK": mark}


def write(path: Path, found: Any) -> None:
    """Write results as JSON, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".half")
    half.write_text(json.dumps(found, indent=1) + "\n")
    half.replace(path)
