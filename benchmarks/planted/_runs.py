"""One fit of the product as a user would run it, and what it said: warnings, score, interval."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

AUTOML = (sys.executable, "-m", "automl")
OPTIONS = ("--group", "--time", "--ignore")
EXIT_DONE = (0, 3)  # 3: the constant answers
TEST_INTERVAL = re.compile(r"expected; (?P<low>\S+) to (?P<high>\S+) on 95% of samples")


NO_TRIAL = {"score": "", "ci_low": "", "ci_high": "", "family": "constant"}


class NoAnswer(Exception):
    """A predictor gave no predictions."""


@dataclass(frozen=True)
class Setting:
    """How a fit is run: a budget, as `20s` or as a number of trials, and the number of cores."""

    budget: str
    jobs: int
    seed: int

    @property
    def words(self) -> list[str]:
        limit = "--trials" if self.budget.isdigit() else "--budget"
        return [limit, self.budget, "--jobs", str(self.jobs), "--seed", str(self.seed)]


@dataclass(frozen=True)
class Fit:
    """A fit that has ended: its folder, exit code, seconds and what it printed."""

    run: Path
    exit: int
    seconds: float
    printed: str


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command of the product."""
    line = [*AUTOML, *map(str, arguments)]
    environment = {**os.environ, "COLUMNS": "400"}
    return subprocess.run(line, capture_output=True, text=True, check=False, env=environment)


@contextmanager
def fitted(data: Path, words: Sequence[str], setting: Setting) -> Iterator[Fit]:
    """Fit, and remove the run's folder afterwards."""
    work = Path(tempfile.mkdtemp(prefix="planted-"))
    try:
        started = time.monotonic()
        said = command("fit", data, *words, *setting.words, "--output", work / "run")
        seconds = time.monotonic() - started
        yield Fit(work / "run", said.returncode, seconds, said.stderr + said.stdout)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def warnings(run: Path) -> list[dict[str, Any]]:
    """Read the findings of severity warning from a run's log."""
    file = run / "events.jsonl"
    if not file.exists():
        return []
    found = []
    for line in file.read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "finding" and event["finding"]["severity"] == "warning":
            kept = ("code", "columns", "action", "override")
            finding = {name: event["finding"].get(name) for name in kept}
            found.append(finding | {"time": event["time"]})
    return found


def printed_warnings(printed: str) -> list[str]:
    """Lines on the terminal that say they warn."""
    return [line.strip() for line in printed.splitlines() if "warn" in line.lower()]


def option(override: str | None, header: Sequence[str]) -> list[str]:
    """Read `--group COL` and the like out of a finding's override; empty if it is none."""
    try:
        words = shlex.split(override or "")
    except ValueError:  # a quote in a column's name that isn't escaped
        return []
    pairs = list(zip(words[::2], words[1::2], strict=False))
    usable = all(name in OPTIONS and value in header for name, value in pairs)
    return words if words and len(words) % 2 == 0 and usable else []


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def told(run: Path, test: Path) -> dict[str, Any]:
    """Read the score that a run tells, with its intervals.

    `low` and `high` are told by `automl leaderboard RUN TEST`, for as many rows as the test has.
    `board` is the interval of leaderboard.csv, for a third as many rows as the table has.
    """
    with (run / "leaderboard.csv").open(newline="") as file:
        best = next(csv.DictReader(file), NO_TRIAL)
    score, low, high = (_number(best[name]) for name in ("score", "ci_low", "ci_high"))
    found: dict[str, Any] = {"score": score, "board": [low, high], "low": low, "high": high}
    found["constant"] = best["family"] == "constant"
    said = command("leaderboard", run, test)
    interval = TEST_INTERVAL.search(said.stdout)
    if interval is None:
        return found | {"source": "leaderboard.csv"}
    exact = {name: float(interval[name]) for name in ("low", "high")}
    return found | exact | {"source": "leaderboard"}


def true_score(run: Path, test: Path, card: Mapping[str, Any]) -> float:
    """Score the predictor's answers on a test with scikit-learn."""
    answers = run / "answers.csv"
    proba = [] if card["task"] == "regression" else ["--proba"]
    said = command("predict", run, test, *proba, "--output", answers)
    if said.returncode:
        raise NoAnswer(said.stderr.strip()[-500:])
    truth = pd.read_csv(test, dtype=str, keep_default_na=False)[card["target"]]
    predicted = pd.read_csv(answers)
    return _score(card["metric"], truth, predicted)


def _score(metric: str, truth: pd.Series[str], predicted: pd.DataFrame) -> float:
    """Compute a metric on labels as text, or on numbers."""
    from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

    if metric == "rmse":
        return float(root_mean_squared_error(truth.astype(float), predicted.iloc[:, 0]))
    labels = sorted(map(str, predicted.columns))
    proba = predicted[labels].to_numpy(dtype=np.float64)
    if metric == "roc_auc":
        return float(roc_auc_score(truth == labels[1], proba[:, 1]))
    known = truth.isin(labels).to_numpy()
    return float(log_loss(truth[known], proba[known], labels=labels))
