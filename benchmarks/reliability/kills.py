"""Kill a run at a random moment, resume it, and look for damage.

    python benchmarks/reliability/kills.py --data ../shared/data --kills 100 \\
        --out benchmarks/results/kills.json

The main process, a worker or the worker server is killed. After `automl resume` (where the run
needs it) no recorded fit was trained twice, the leaderboard is complete, no process is left, and
every file can be read.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import subprocess
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import psutil
from _common import AUTOML, Data, gone, marked, tables, with_mark, write

WHO = ("main", "worker", "server")
NAMES = (
    "penguins",
    "churn",
    "vehicle",
    "space_ga",
    "credit_g",
    "titanic",
    "cpu_act",
    "wine_quality_white",
)


def victim(who: str, main: psutil.Process) -> psutil.Process | None:
    """Return the process to kill, if it is there."""
    if who == "main":
        return main
    servers = [p for p in main.children() if "automl.executor.server" in " ".join(p.cmdline())]
    if who == "server" or not servers:
        return servers[0] if servers else None
    workers = servers[0].children()
    return workers[0] if workers else None


def one(data: Data, who: str, after: float, budget: float) -> dict[str, Any]:
    """Start a run, kill it, resume it if needed, and return the damage."""
    work = Path(tempfile.mkdtemp(prefix="kill-"))
    run, mark = work / "run", work.name
    row: dict[str, Any] = {"table": data.name, "who": who, "after": after}
    try:
        command = [
            AUTOML,
            "fit",
            *data.words,
            "--budget",
            f"{budget:g}s",
            "--output",
            str(run),
            "-q",
        ]
        process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env=with_mark(mark),
        )
        time.sleep(after)
        row["killed"] = kill(who, psutil.Process(process.pid))
        _, errors = process.communicate()
        row["exit"] = process.returncode
        row["left_after_kill"] = 0 if gone(mark) else len(marked(mark))
        if who == "main":
            row["began"] = (run / "run.toml").exists()
            if not row["began"]:  # nothing to resume: the run must be started again
                return row
            said = subprocess.run(
                [AUTOML, "resume", str(run), "--budget", "8s", "-q"],
                capture_output=True,
                text=True,
                check=False,
                env=with_mark(mark),
            )
            row["resume_exit"], errors = said.returncode, said.stderr
        row["error"] = errors.strip()[-300:]
        return row | damage(run, data, work) | {"left": 0 if gone(mark) else len(marked(mark))}
    finally:
        shutil.rmtree(work, ignore_errors=True)


def kill(who: str, main: psutil.Process) -> bool:
    try:
        found = victim(who, main)
        if found is not None:
            found.kill()
        return found is not None
    except psutil.Error:
        return False


def damage(run: Path, data: Data, work: Path) -> dict[str, Any]:
    """Count what is wrong with a run's folder: all zero if nothing is."""
    done: Counter[str] = Counter()
    ids = set()
    for line in (run / "events.jsonl").read_text(encoding="utf-8").splitlines():
        event = json.loads(line)
        if event["kind"] == "fit" and event["outcome"]["status"] == "done":
            done[event["key"]] += 1
        if event["kind"] == "begun":
            ids.add(event["id"])
    with open(run / "leaderboard.csv", encoding="utf-8", newline="") as file:
        board = {row["id"] for row in csv.DictReader(file)}
    predicted = subprocess.run(
        [AUTOML, "predict", str(run), data.path, "--output", str(work / "p.csv")],
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "twice": sum(count > 1 for count in done.values()),
        "missing_on_leaderboard": len(ids - board),
        "unreadable": unreadable(run),
        "predict_exit": predicted.returncode,
        "fits": len(done),
        "done": (run / "DONE").exists(),
        "work_left": (run / "work").exists(),
    }


def unreadable(run: Path) -> int:
    """Count files that can't be read as what they are."""
    bad = 0
    for path in (run / "trials").rglob("*"):
        try:
            if path.suffix == ".npy":
                np.load(path, allow_pickle=False)
            elif path.suffix == ".zip":
                bad += zipfile.ZipFile(path).testzip() is not None
            elif path.suffix == ".json":
                json.loads(path.read_text())
        except (OSError, ValueError, zipfile.BadZipFile):
            bad += 1
    return bad + sum(path.name.startswith(".") for path in run.rglob("*"))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--budget", type=float, default=12)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rng = Random(20261124)
    known = [data for data in tables(args.data) if data.name in NAMES]
    plan = [
        (rng.choice(known), WHO[place % 3], round(rng.uniform(0.2, args.budget - 0.5), 2))
        for place in range(args.kills)
    ]
    found = json.loads(args.out.read_text()) if args.out.exists() else []
    for data, who, after in plan[len(found) :]:
        found.append(one(data, who, after, args.budget))
        write(args.out, found)
        print("BAD" if is_bad(found[-1]) else "", json.dumps(found[-1]), flush=True)
    killed = dict(Counter(row["who"] for row in found))
    print(f"{len(found)} kills ({killed}): {sum(map(is_bad, found))} with damage")


def is_bad(row: dict[str, Any]) -> bool:
    """Return whether anything was damaged, left behind, or failed that should not have."""
    if row["left_after_kill"] or row.get("left"):
        return True
    if row["who"] == "main" and not row["began"]:
        return False
    codes = (
        row.get("resume_exit", row["exit"]),
        row["predict_exit"],
        row["twice"],
        row["missing_on_leaderboard"],
        row["unreadable"],
    )
    return any(codes) or not row["done"] or row["work_left"]


if __name__ == "__main__":
    main()
