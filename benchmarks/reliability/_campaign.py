"""A campaign of numbered cases: counted, kept, gone on with, and judged in watched children."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from _common import write
from _watched import Guard, Judge, Verdict, judge_cases

BATCH = 2000  # cases of one child
SLOW = 1.0  # seconds from which on a case is counted as slow
NOT_A_GROUP = ("entered", "passed")


@dataclass
class Counts:
    """What a campaign has found; kept in a file, so that it can go on.

    Parameters
    ----------
    next : int
        The number of the next case.
    commits : list of str
        The states of the repository that it ran on.
    groups : dict
        Outcomes by what cases are about: their seed, what was done, how the result was used.
    entered, passed : dict
        Cases that reached each decoder, and that it read to its end.
    findings : dict
        Outcomes that must never be, and how often they were.
    """

    next: int
    commits: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cases: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    groups: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    entered: dict[str, int] = field(default_factory=dict)
    passed: dict[str, int] = field(default_factory=dict)
    slow: int = 0
    slowest: tuple[float, int] = (0.0, -1)
    findings: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, first: int) -> Counts:
        """Return the counts that a folder keeps, or new ones."""
        counts = cls(first)
        kept = folder / "counts.json"
        if kept.exists():
            counts = cls(**json.loads(kept.read_text()))
            print(f"going on from case {counts.next}")
        commit = _commit()
        if commit not in counts.commits:
            counts.commits.append(commit)
        return counts

    def add(self, verdict: Verdict) -> None:
        """Count a case."""
        self.next = verdict.number + 1
        self.cases += 1
        self.slow += verdict.seconds > SLOW
        self.slowest = max(tuple(self.slowest), (verdict.seconds, verdict.number))
        _count(self.outcomes, verdict.outcome)
        about: Mapping[str, Sequence[str]] = verdict.about or {}
        for group, labels in about.items():
            if group in NOT_A_GROUP:
                continue
            for label in set(labels):
                by_label = self.groups.setdefault(group, {})
                _count(by_label.setdefault(label, {}), verdict.outcome)
        for label in about.get("entered", ()):
            _count(self.entered, label)
        for label in about.get("passed", ()):
            _count(self.passed, label)
        if verdict.is_finding:
            _count(self.findings, f"{verdict.outcome}: {_in_general(verdict.detail)}")


def _commit() -> str:
    """Return the commit of the repository, with a mark if files differ from it."""
    folder = Path(__file__).parent
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    said = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1


def _in_general(detail: str) -> str:
    """Return a detail without what differs from case to case."""
    return ": ".join(detail.split(": ")[:2])[:100]


def run(
    judge: Judge,
    counts: Counts,
    last: int,
    folder: Path,
    packages: Sequence[str],
    events: Sequence[str] = (),
    readable: Sequence[str] = (),
) -> Counts:
    """Judge the cases up to the last one, and keep the counts after each batch.

    Parameters
    ----------
    judge : callable
    counts : Counts
    last : int
        The number after the last case.
    folder : Path
        For `counts.json` and `findings.jsonl`.
    packages : sequence of str
        Packages of which modules may be imported.
    events : sequence of str
        Further events that the audit hook allows.
    readable : sequence of str
        Folders whose files may be read.
    """
    guard = Guard([])
    is_installed = False

    def guarded(number: int) -> tuple[str, str, Any]:
        nonlocal is_installed
        if not is_installed:  # in the child, not in the parent
            is_installed = True
            warnings.simplefilter("ignore")  # to show one, its source would be read
            guard.install(packages, events, readable)
        return judge(number)

    folder.mkdir(parents=True, exist_ok=True)
    while counts.next < last:
        start = time.monotonic()
        numbers = range(counts.next, min(last, counts.next + BATCH))
        found = []
        for verdict in judge_cases(guarded, numbers, guard):
            counts.add(verdict)
            if verdict.is_finding:
                found.append(verdict)
        counts.seconds = round(counts.seconds + time.monotonic() - start, 1)
        _keep(folder / "findings.jsonl", found)
        write(folder / "counts.json", asdict(counts))
        rate = 1000 * (time.monotonic() - start) / len(numbers)
        print(f"{counts.next} cases, {rate:.1f} ms each, {counts.outcomes}", flush=True)
    return counts


def _keep(path: Path, found: Sequence[Verdict]) -> None:
    """Append findings to a file."""
    with path.open("a") as stream:
        for verdict in found:
            about = dict(verdict.about or {})
            for key in NOT_A_GROUP:
                about.pop(key, None)
            stream.write(json.dumps(asdict(verdict) | {"about": about}) + "\n")


def campaign_parser(about: str | None, cases: int, folder: str) -> argparse.ArgumentParser:
    """Return a parser with the options of every campaign, which keeps its state in a folder."""
    state = Path(tempfile.gettempdir(), folder)
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=cases, help="the number of the last case")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case")
    parser.add_argument("--case", type=int, help="do this one case again")
    parser.add_argument("--state", type=Path, default=state)
    parser.add_argument("--out", type=Path)
    return parser


def finish(counts: Counts, out: Path | None) -> NoReturn:
    """Print the findings, write all counts to a file, and end: with 1 if there are findings."""
    print(json.dumps(counts.findings, indent=1))
    if out:
        write(out, asdict(counts))
    sys.exit(bool(counts.findings))
