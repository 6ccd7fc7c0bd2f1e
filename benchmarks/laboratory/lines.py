"""Results of a laboratory script as JSON lines, appended as they are found and read back."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def read(path: Path) -> list[Line]:
    """Return all lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(
    about: str | None,
    rows: int,
    find: Callable[[Path, int], Iterable[Line]],
    summary: Callable[[Path], None],
) -> None:
    """Run the command line of such a script.

    It finds lines for each table with a number of rows, or summarises those that were found.
    """
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--tasks", default="")
    parser.add_argument("--rows", type=int, default=rows)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--read", type=Path)
    args = parser.parse_args()
    if args.read:
        summary(args.read)
        return
    with args.out.open("a") as file:
        for task in args.tasks.split(","):
            for line in find(args.data / task, args.rows):
                file.write(json.dumps({"task": task} | line) + "\n")
                file.flush()
