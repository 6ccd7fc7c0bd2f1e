"""Does any mutated predictor file or CSV run code, hang, or give more than an answer or one error?

    python benchmarks/reliability/mutations.py --files 20000 --tables 5000 \\
        --out benchmarks/results/mutations.json

Half of the predictor files get their digests computed anew, as an attacker would do. Each is loaded
and asked for predictions in a child that was forked from a warm parent, under an audit hook that
fails on unpickling, imports from outside the libraries in use, processes, sockets and files
outside. Children may hold 1 GB more than at their start and have 10 s a file.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
from _common import AUTOML, write
from _mutants import bent_table, clever, crude

from automl import models
from automl.errors import AutoMLError, InputError
from automl.predictor import archive
from automl.table import Table, read_table

SECONDS = 10.0
MEMORY = 2**30
BATCH = 40
FAMILIES = tuple(kind.name for kind in models.FAMILIES if kind.name != "constant")
LIBRARIES = (
    "automl",
    "numpy",
    "pandas",
    "scipy",
    "sklearn",
    "lightgbm",
    "xgboost",
    "catboost",
    "joblib",
    "threadpoolctl",
    "dateutil",
    "six",
)


def make_files(folder: Path) -> list[Path]:
    """Make a table with a column of each kind, and predictors for classes and for numbers.

    There is a predictor of each family, and one of all of them.
    """
    rng = Random(1)
    lines = ["age,city,when,note,label,price"]
    for place in range(240):
        age, city = rng.randint(18, 80), rng.choice(["Bern", "Rome", "Paris", "Oslo"])
        note = " ".join(
            rng.choice(["late", "paid", "called twice", "new phone", "moved house"])
            for _ in range(3 + place % 4)
        )
        label = "yes" if age + 10 * (city == "Rome") + rng.gauss(0, 8) > 50 else "no"
        when = f"2024-{1 + place % 12:02d}-{1 + place % 28:02d}"
        lines.append(f"{age},{city},{when},{note},{label},{age * 1.5 + rng.gauss(0, 3):.2f}")
    (folder / "table.csv").write_text("\n".join(lines) + "\n")
    made = []
    for name in (*FAMILIES, "all"):
        families = ",".join(FAMILIES) if name == "all" else name
        for target in ("label", "price"):
            run = folder / f"{name}-{target}"
            words = [
                "fit",
                str(folder / "table.csv"),
                "--target",
                target,
                "--trials",
                "9" if name == "all" else "2",
                "-q",
            ]
            chosen = [
                "--set",
                f"select.families={families}",
                "--set",
                "clean.folds=2",
                "--set",
                "clean.repeats=1",
                "--set",
                "tune.share=0",
            ]
            subprocess.run(
                [AUTOML, *words, *chosen, "--output", str(run)], check=True, capture_output=True
            )
            made.append(run / "predictor.automl")
    return made


class Forbidden(BaseException):
    """Something that no predictor needs."""


def guard(allowed: tuple[str, ...]) -> None:
    """Install an audit hook that fails on forbidden unpickling, imports, files and processes."""
    stdlib = sys.stdlib_module_names
    forbidden = (
        "pickle.find_class",
        "subprocess.Popen",
        "os.system",
        "os.exec",
        "os.posix_spawn",
        "os.spawn",
        "os.fork",
        "os.forkpty",
    )
    forbidden += (
        "socket.connect",
        "socket.bind",
        "urllib.Request",
        "os.remove",
        "os.rename",
        "os.mkdir",
        "os.chmod",
        "shutil.rmtree",
    )

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in forbidden:
            raise Forbidden(f"{event} {args!r:.100}")
        if (
            event == "import"
            and args[0].split(".")[0] not in stdlib
            and args[0].split(".")[0] not in LIBRARIES
        ):
            raise Forbidden(f"import {args[0]}")
        if event == "open" and isinstance(args[0], (str, bytes)):
            path, mode = os.fsdecode(args[0]), args[1] or "r"
            if any(letter in str(mode) for letter in "wax+") or not path.startswith(allowed):
                raise Forbidden(f"open {path} {mode}")

    sys.addaudithook(hook)


def child(line: Connection, judge: Callable[[bytes], str], jobs: list[tuple[int, bytes]]) -> None:
    """Judge files one after another, sending each verdict before the next."""
    prefixes = (
        sys.prefix,
        sys.base_prefix,
        sysconfig.get_path("stdlib"),
        "/proc/",
        "/sys/",
        "/etc/localtime",
        "/usr/share/zoneinfo",
    )
    guard((*prefixes, str(Path(__file__).resolve().parents[2] / "automl")))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    held = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (held + MEMORY + 2**28, held + MEMORY + 2**28))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number, blob in jobs:
        try:
            verdict = judge(blob)
        except Forbidden as error:
            verdict = f"FORBIDDEN {error}"
        except MemoryError:
            verdict = "MEMORY refused at 1 GB"
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            verdict = f"ERROR {type(error).__name__}: {error}"[:300]
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        line.send((number, f"MEMORY {(most - used) >> 20} MB" if most - used > MEMORY else verdict))
    line.close()


@dataclass
class _Child:
    """A process that judges files, those that it must still judge, and its last report's time."""

    process: Any
    line: Connection
    jobs: list[tuple[int, bytes]]
    since: float

    def hear(self, verdicts: list[str]) -> bool:
        """Receive its verdicts, and return whether it has ended."""
        try:
            while self.line.poll(0.01):
                number, verdict = self.line.recv()
                verdicts[number] = verdict
                self._next()
        except EOFError:
            self.process.join()
            if self.jobs:
                verdicts[self.jobs[0][0]] = f"CRASH signal {-(self.process.exitcode or 0)}"
                self._next()
            return True
        if time.monotonic() - self.since > SECONDS:
            self.process.kill()
            self.process.join()
            verdicts[self.jobs[0][0]] = "HANG over 10 s"
            self._next()
            return True
        return False

    def _next(self) -> None:
        self.jobs, self.since = self.jobs[1:], time.monotonic()


def judge_all(judge: Callable[[bytes], str], files: list[bytes]) -> list[str]:
    """Return the verdict on each file, by children of this warm process, one a core."""
    verdicts = [""] * len(files)
    context = multiprocessing.get_context("fork")
    waiting = [
        list(enumerate(files))[start : start + BATCH] for start in range(0, len(files), BATCH)
    ]
    running: list[_Child] = []
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            jobs = waiting.pop()
            ours, theirs = context.Pipe(duplex=False)
            process = context.Process(target=child, args=(theirs, judge, jobs), daemon=True)
            process.start()
            theirs.close()
            running.append(_Child(process, ours, jobs, time.monotonic()))
        ended = [one for one in running if one.hear(verdicts)]
        for one in ended:
            one.line.close()
            running.remove(one)
            if one.jobs:  # one of them killed it: the others must still be judged
                waiting.append(one.jobs)
    return verdicts


def judge_file(blob: bytes) -> str:
    """Load a predictor's file, ask it for predictions, and return the verdict."""
    try:
        predictor = archive.loads(blob)
        raw = predictor.predict_raw(predictor.to_columns(TABLE[0]).columns)
        predictor.decode(raw)
    except AutoMLError as error:
        return "refused" if "\n" not in str(error) else f"ERROR two lines: {error}"
    return "answered" if np.isfinite(raw).all() else "answered with what is not finite"


def judge_table(blob: bytes) -> str:
    """Read a table, and return the verdict."""
    before = sys.stdin
    sys.stdin = SimpleNamespace(buffer=io.BytesIO(blob))  # type: ignore[assignment]
    try:
        return "read" if read_table("-").n_rows else "ERROR no rows"
    except InputError as error:
        return "refused" if "\n" not in str(error) else f"ERROR two lines: {error}"
    finally:
        sys.stdin = before


TABLE: list[Table] = []  # what mutated predictors are asked about; children inherit it


def warm() -> None:
    """Load all that a child may need.

    Nothing is fitted, since a child that is forked after an OpenMP fit would hang.
    """
    for name in ("catboost", "lightgbm", "xgboost", "sklearn.ensemble", "scipy.special", "pandas"):
        importlib.import_module(name)


def changed(mutate: Callable[[bytes, Random], bytes], seeds: list[bytes], rng: Random) -> bytes:
    """Return a mutated file that differs from the original."""
    seed = rng.choice(seeds)
    blob = mutate(seed, rng)
    while blob == seed:
        blob = mutate(seed, rng)
    return blob


def predictors(count: int, seeds: list[bytes], rng: Random, out: Path) -> dict[str, Any]:
    """Return verdicts on mutated predictor files: half with old digests, half with new ones."""
    found: dict[str, Any] = {}
    for kind, mutate in (("digest kept", crude), ("digest computed anew", clever)):
        tally: Counter[str] = Counter()
        examples: dict[str, str] = {}
        for start in range(0, count // 2, 2000):
            files = [changed(mutate, seeds, rng) for _ in range(min(2000, count // 2 - start))]
            for blob, verdict in zip(files, judge_all(judge_file, files), strict=True):
                short = verdict.split(":")[0][:60]
                tally[short] += 1
                if verdict[0].isupper():
                    examples.setdefault(short, verdict)
                    keep(blob, verdict)
        found[kind] = {"files": count // 2, "verdicts": dict(tally), "examples": examples}
        print(kind, json.dumps(found[kind]), flush=True)
        write(out, found)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--tables", type=int, default=5_000)
    parser.add_argument(
        "--shell", type=int, default=100, help="number of each through the command line"
    )
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    started, rng = time.monotonic(), Random(20261124)
    with tempfile.TemporaryDirectory(prefix="mutations-") as name:
        seeds = [path.read_bytes() for path in make_files(Path(name))]
        table = (Path(name) / "table.csv").read_bytes()
        TABLE.append(read_table(Path(name) / "table.csv").take(list(range(0, 240, 8))))
    warm()
    found = predictors(args.files, seeds, rng, args.out)
    tables = [bent_table(table, rng) for _ in range(args.tables)]
    found["tables"] = {
        "files": args.tables,
        "verdicts": dict(Counter(judge_all(judge_table, tables))),
    }
    print("tables", json.dumps(found["tables"]), flush=True)
    found["command line"] = through_the_shell(
        [clever(rng.choice(seeds), rng) for _ in range(args.shell)], tables[: args.shell], table
    )
    found["seconds"] = round(time.monotonic() - started, 1)
    write(args.out, found)
    print("command line", json.dumps(found["command line"]), f"{found['seconds']} s")


def keep(blob: bytes, verdict: str) -> None:
    """Keep a file that did what none should, for whoever fixes it.

    It lies in the folder for temporary files, since it doesn't belong in the repository.
    """
    if verdict[0].isupper():
        kind = verdict.split(maxsplit=1)[0].lower()
        name = f"automl-{kind}-{abs(hash(blob)) % 10**8}.automl"
        Path(tempfile.gettempdir(), name).write_bytes(blob)


def through_the_shell(models: list[bytes], tables: list[bytes], table: bytes) -> dict[str, int]:
    """Count exit codes of `automl predict` on mutated models and of `automl fit` on mutated tables.

    Tracebacks on stderr are counted separately.
    """
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "table.csv").write_bytes(table)
        for blob in models:
            (folder / "model.automl").write_bytes(blob)
            said = subprocess.run(
                [AUTOML, "predict", "model.automl", "table.csv"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            tally[f"predict: {_ending(said)}"] += 1
        for place, blob in enumerate(tables):
            (folder / "bent.csv").write_bytes(blob)
            words = [
                "fit",
                "bent.csv",
                "--target",
                "label",
                "--trials",
                "2",
                "--pipeline",
                "linear",
                "--engine",
                "inline",
                "-q",
            ]
            said = subprocess.run(
                [AUTOML, *words, "--output", f"r{place}"],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            tally[f"fit: {_ending(said)}"] += 1
    return dict(tally)


def _ending(said: subprocess.CompletedProcess[str]) -> str:
    """Describe how a command ended."""
    traceback = ", traceback" if "Traceback" in said.stderr else ""
    return f"exit {said.returncode}{traceback}"


if __name__ == "__main__":
    main()
