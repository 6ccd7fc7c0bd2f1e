"""How busy are the cores in each stage of `automl fit`, and how large is a run's own overhead?

    python benchmarks/utilization.py DATA TARGET BUDGET_SECONDS [more words for automl fit]

Samples the process tree's processor time four times a second; nothing else should run at the same
time.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import psutil


def processor_seconds(process: psutil.Process) -> float:
    """Of a process and all that it started and that still live."""
    total = 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            times = one.cpu_times()
            total += times.user + times.system
        except psutil.Error:
            continue
    return total


def main() -> None:
    data, target, seconds, *words = sys.argv[1:]
    folder = Path(tempfile.mkdtemp()) / "run"
    command = [
        str(Path(sys.executable).parent / "automl"),
        "fit",
        data,
        "--target",
        target,
        "--budget",
        f"{seconds}s",
        "-q",
        "--output",
        str(folder),
    ]
    started = time.monotonic()
    process = psutil.Popen([*command, *words], stdout=subprocess.DEVNULL)
    samples = []
    while process.poll() is None:
        try:
            samples.append((time.monotonic() - started, processor_seconds(process)))
        except psutil.Error:
            break
        time.sleep(0.25)
    wall = time.monotonic() - started
    if process.wait():
        sys.exit(f"automl fit ended with {process.returncode}")
    events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
    marks = [(e["stage"], e["time"]) for e in events if e["kind"] == "stage"] + [
        ("end", next(e["time"] for e in events if e["kind"] == "finished"))
    ]
    fits = sum(e["kind"] == "fit" for e in events)
    print(f"wall {wall:.2f} s of {seconds} s; exit code {process.returncode}; fits {fits}")
    for (stage, start), (_, end) in pairwise(marks):
        inside = [sample for sample in samples if start <= sample[0] <= end]
        if len(inside) > 1:
            used = sum(max(0.0, b[1] - a[1]) for a, b in pairwise(inside))
            elapsed = inside[-1][0] - inside[0][0]
            busy = used / elapsed / (psutil.cpu_count() or 1)
            print(f"  {stage:10s} {end - start:7.2f} s  cores busy {busy:6.1%}")
    print(f"  before select {marks[2][1]:.2f} s, after the last stage {wall - marks[-1][1]:.2f} s")


if __name__ == "__main__":
    main()
