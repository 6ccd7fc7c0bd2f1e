"""run.toml: everything needed to make a run again, and to know where it was made."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import tomli_w

from automl.budget import Budget
from automl.errors import InputError
from automl.events import LOG_FORMAT, RunFinished, StageStarted
from automl.files import ENCODING_ERRORS, sha256, write_text
from automl.folds import load_user_folds
from automl.problem import Problem
from automl.run.settings import Settings
from automl.run_files import FACTS
from automl.study import Event, Study

GIT_SECONDS = 2  # for `git describe`
FACTS_OF_PROBLEM = {  # key in run.toml by attribute of the problem
    "target": "target",
    "kind": "task",
    "metric": "metric",
    "positive": "positive",
    "weight_column": "weight",
    "group_column": "group",
    "time_column": "time",
}


class FactsWriter:
    """An observer that writes run.toml once the first model is being trained.

    Listing all packages takes a tenth of a second, which is short before that.

    Parameters
    ----------
    folder : Path
    settings : Settings
    problem : Problem
    """

    def __init__(
        self,
        folder: Path,
        settings: Settings,
        problem: Problem,
    ) -> None:
        self._arguments: tuple[Path, Settings, Problem] | None = (folder, settings, problem)

    def __call__(
        self,
        study: Study,
        event: Event,
    ) -> None:
        """Write when the stage after cleaning begins, or at the end."""
        is_after_cleaning = isinstance(event, StageStarted) and study.task is not None
        if is_after_cleaning or isinstance(event, RunFinished):
            arguments, self._arguments = self._arguments, None
            if arguments is not None:
                write_facts(*arguments)


def write_facts(
    folder: Path,
    settings: Settings,
    problem: Problem,
) -> None:
    """Write run.toml, and the folds that the user gave."""
    plain = {
        "about": settings.pipeline.about,
        "seed": settings.seed,
        "data": _data_facts(settings, problem),
        "budget": _budget_facts(settings),
        "stage": [step.to_toml() for step in settings.pipeline.steps],
        "run": _run_facts(settings),
    }
    write_text(folder / FACTS, tomli_w.dumps(plain))
    if problem.folds is not None:
        problem.folds.save(folder)


def _data_facts(
    settings: Settings,
    problem: Problem,
) -> dict[str, Any]:
    """Return where the data is and what the user said of its columns."""
    table = problem.table
    source = Path(table.source)
    facts: dict[str, Any] = {"source": _escaped(table.source)}
    if source.is_file():
        facts = {"path": _escaped(str(source.resolve())), "sha256": sha256(source)}
    for attribute, key in FACTS_OF_PROBLEM.items():
        value = getattr(problem, attribute)
        if value is not None:
            facts[key] = value
    if problem.ignore:
        facts["ignore"] = list(problem.ignore)
    facts |= table.overrides.to_json()
    if settings.test is not None and Path(settings.test.path).is_file():
        facts["test"] = str(Path(settings.test.path).resolve())
    if table.sample is not None:
        facts["sample"] = table.sample.to_json()
    return facts


def _budget_facts(settings: Settings) -> dict[str, Any]:
    if settings.seconds is None:
        return {"trials": settings.trials}
    return {"time": f"{settings.seconds:g}s"}


def _run_facts(settings: Settings) -> dict[str, Any]:
    """Return how and where the run is made."""
    return {
        "format": LOG_FORMAT,
        "command": _escaped(shlex.join(sys.argv)),
        "jobs": settings.jobs,
        "engine": settings.engine_name,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git": _git_state(),
        "python": platform.python_version(),
        "machine": f"{platform.platform()}, {os.cpu_count()} cores",
        "packages": _packages(),
    }


def with_given_folds(
    read_problem: Callable[[Budget], Problem],
    folder: Path,
) -> Callable[[Budget], Problem]:
    """Return a function that reads a run's problem again, with the folds that the run was given.

    Raises
    ------
    InputError
        When it is called: the table has other rows than those folds.
    """

    def read(budget: Budget) -> Problem:
        problem, folds = read_problem(budget), load_user_folds(folder)
        if folds is None or problem.folds is not None:
            return problem
        n_rows, n_folded = problem.table.n_rows, folds.blocks.shape[1]
        if n_folded != n_rows:
            source = problem.table.source or "the table"
            raise InputError(
                f"{source}: has {n_rows} rows, and the folds of the run are of {n_folded}: "
                "it is another table."
            )
        return replace(problem, folds=folds)

    return read


def changes(facts: Mapping[str, Any]) -> list[str]:
    """Return how Python and the packages differ from a run's, one line each.

    Parameters
    ----------
    facts : mapping
        The `run` table of a run.toml.
    """
    before = {"Python": facts.get("python"), **facts.get("packages", {})}
    now = {"Python": platform.python_version(), **_packages()}
    lines = []
    for name in sorted(before.keys() | now.keys(), key=str.lower):
        if before.get(name) != now.get(name):
            then = before.get(name, "absent")
            lines.append(f"{name} was {then} then, is {now.get(name, 'absent')}")
    return lines


def _escaped(text: str) -> str:
    """Escape bytes in file names that are not UTF-8: TOML has no other way to hold them."""
    return text.encode("utf-8", ENCODING_ERRORS).decode("utf-8")


def _packages() -> dict[str, str]:
    """Return all installed packages with their versions."""
    pairs = map(_name_and_version, importlib.metadata.distributions())
    return {name: version for name, version in pairs if name}


def _name_and_version(package: importlib.metadata.Distribution) -> tuple[str, str]:
    """Read two lines of a package's metadata: parsing the whole header takes four times as long."""
    text = package.read_text("METADATA") or package.read_text("PKG-INFO") or ""
    header = text.partition("\n\n")[0]
    fields = dict(re.findall(r"^(Name|Version): *(\S+)", header, re.MULTILINE))
    return fields.get("Name", ""), fields.get("Version", "")


def _git_state() -> str:
    """Return the commit of the checkout that this code runs from, if it is one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "not a checkout"
    command = ["git", "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return done.stdout.strip() or "no commit"
