"""What a script of the laboratory found, one JSON line each: appended as it is found, and read back."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Line = dict[str, Any]


def read(path: Path) -> list[Line]:
    """All lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def run(
    about: str | None,
    rows: int,
    find: Callable[[Path, int], Iterable[Line]],
    summary: Callable[[Path], None],
) -> None:
    """The command line of such a script: find something on each table by so many rows, or sum up what was found."""
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
