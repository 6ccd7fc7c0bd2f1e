"""The recorder: the first observer. It writes events.jsonl and log.txt, and, once, run.toml."""

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
from automl.files import ESCAPE, sha256, write_text
from automl.folds import given_folds
from automl.metrics import metric_of
from automl.problem import Problem
from automl.store import FORMAT, Store
from automl.trial import Event, Study, Trial


class Recorder:
    """Appends every event to the log before anybody else hears of it."""

    def __init__(self, store: Store, started: float) -> None:
        self._store = store
        self._started = started

    def __call__(self, study: Study, event: Event) -> None:
        """Append, flush, and say it in words."""
        seconds = time.monotonic() - self._started
        self._store.append(event, seconds)
        if said := words(study, event):
            with open(self._store.folder / "log.txt", "a", encoding="utf-8", errors=ESCAPE) as log:
                log.write(f"{seconds:9.2f} s  {said}\n")


def words(study: Study, event: Event) -> str:
    """An event in a line for people; nothing for what another line says, too."""
    match event["kind"]:
        case "finding":
            finding = event["finding"]
            named = ", ".join(finding["columns"][:5])
            return f"finding {finding['code']}: {named}{': ' if named else ''}{finding['action']}"
        case "stage":
            return f"stage   {event['stage']}{_facts_of(study, event)}"
        case "begun":
            return _begun(study.trials[event["id"]])
        case "fit":
            return _fit(study, event)
        case "trial":
            trial = study.trials[event["id"]]
            score = metric_of(study.the_task).score(trial.loss) if trial.losses else float("nan")
            return f"trial   {event['id']} {trial.candidate.family} {event['decided']} {score:.6g} {event['reason']}".rstrip()
        case "weights":
            members = ", ".join(
                f"{name} {study.trials[name].candidate.family} {weight:.3f}"
                for name, weight in event["weights"].items()
            )
            loss = event["verdict"].get("loss")
            return f"weights {members}" + (
                "" if loss is None else f"; expected {metric_of(study.the_task).score(loss):.6g}"
            )
        case "test":
            test = event["test"]
            return f"test    {test['metric']} {test['score']:.6g} on {test['rows']} of {test['of']} rows of {test['source']}"
        case "finished":
            return f"finished: {event['how']}"
        case kind:
            return str(kind)


def _facts_of(study: Study, event: Event) -> str:
    """What a stage hands on."""
    if "task" not in event:
        return ""
    task, size, plan = study.the_task, study.size, study.plan
    held_out = f"{plan.kind} of {plan.folds} x {plan.repeats}"
    return f": {size.rows} rows, {size.columns} columns; {task.kind} {task.target} by {task.metric}; {held_out}"


def _begun(trial: Trial) -> str:
    """A new candidate with all that was chosen for it; its other fits need no words."""
    if len(trial.jobs) > 1:
        return ""
    candidate = trial.candidate
    told = [
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in candidate.params.items()
    ]
    return f"new     {trial.id} {candidate.family} {candidate.recipe.name} ({candidate.origin}) {', '.join(told)}".rstrip()


def _fit(study: Study, event: Event) -> str:
    """How a fit ended."""
    trial, outcome = study.trials[event["id"]], event["outcome"]
    job = trial.jobs[event["key"]]
    where = (
        "all rows"
        if job.fold is None
        else f"fold {job.fold + 1}"
        + (f", repeat {job.repeat + 1}" if study.plan.repeats > 1 else "")
    )
    where += "" if job.rows is None else f", {job.rows} rows"
    loss = f" loss {outcome['loss']:.6g}" if outcome["loss"] is not None else ""
    said = "".join(f"\n             {text}" for text in event.get("warnings", ()))
    how = f"{outcome['status']}{loss} in {outcome['seconds']:.2f} s {outcome['reason']}"
    return f"fit     {event['id']} {trial.candidate.family} {where}: {how}".rstrip() + said


class FactsLater:
    """An observer that writes run.toml once the first model is under way: listing all packages takes a tenth of a second."""

    def __init__(self, folder: Path, settings: Any, problem: Problem) -> None:
        self._asked: tuple[Path, Any, Problem] | None = (folder, settings, problem)

    def __call__(self, study: Study, event: Event) -> None:
        """Write when the stage after cleaning begins, or at the end."""
        is_clean = study.task is not None
        is_due = event["kind"] == "finished" or (
            is_clean and event["kind"] == "stage" and "task" not in event
        )
        if self._asked is not None and is_due:
            asked, self._asked = self._asked, None
            write_facts(*asked)


def write_facts(folder: Path, settings: Any, problem: Problem) -> None:
    """Write run.toml: everything needed to run this again and to know where it ran."""
    source = Path(problem.table.source)
    data: dict[str, Any] = {"source": _escaped(problem.table.source)}
    if source.is_file():
        data = {"path": _escaped(str(source.resolve())), "sha256": sha256(source)}
    asked = {
        name: getattr(problem, name)
        for name in (
            "target",
            "kind",
            "metric",
            "positive",
            "weight_column",
            "group_column",
            "time_column",
        )
    }
    names = {
        "kind": "task",
        "weight_column": "weight",
        "group_column": "group",
        "time_column": "time",
    }
    data |= {names.get(name, name): value for name, value in asked.items() if value is not None} | (
        {"ignore": list(problem.ignore)} if problem.ignore else {}
    )
    data |= problem.table.overrides.to_json()
    if settings.test is not None and Path(settings.test.path).is_file():
        data["test"] = str(Path(settings.test.path).resolve())
    if problem.table.sample is not None:
        data["sample"] = problem.table.sample.to_json()
    budget = (
        {"time": f"{settings.seconds:g}s"}
        if settings.seconds is not None
        else {"trials": settings.trials}
    )
    plain = {
        "about": settings.pipeline.about,
        "seed": settings.seed,
        "data": data,
        "budget": budget,
        "stage": [step.to_toml() for step in settings.pipeline.steps],
        "run": {
            "format": FORMAT,
            "command": _escaped(shlex.join(sys.argv)),
            "jobs": settings.jobs,
            "engine": settings.engine,
            "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "git": _git_state(),
            "python": platform.python_version(),
            "machine": f"{platform.platform()}, {os.cpu_count()} cores",
            "packages": _packages(),
        },
    }
    write_text(folder / "run.toml", tomli_w.dumps(plain))
    if problem.folds is not None:
        problem.folds.save(folder)


def with_given_folds(ask: Callable[[Budget], Problem], folder: Path) -> Callable[[Budget], Problem]:
    """What asks for a run's problem anew, with the folds that the run was given and keeps.

    Raises
    ------
    InputError
        When it is called: the table has other rows than those folds are of.
    """

    def asked(budget: Budget) -> Problem:
        problem, folds = ask(budget), given_folds(folder)
        if folds is None or problem.folds is not None:
            return problem
        if folds.blocks.shape[1] != problem.table.n_rows:
            rows = f"{problem.table.n_rows} rows, and the folds of the run are of {folds.blocks.shape[1]}"
            raise InputError(
                f"{problem.table.source or 'the table'}: has {rows}: it is another table."
            )
        return replace(problem, folds=folds)

    return asked


def _escaped(text: str) -> str:
    """A text with escapes for the bytes in names of files that are no UTF-8: TOML has no other way to hold them."""
    return text.encode("utf-8", ESCAPE).decode("utf-8")


def _packages() -> dict[str, str]:
    """All installed packages with their versions."""
    told = map(_name_and_version, importlib.metadata.distributions())
    return {name: version for name, version in told if name}


def _name_and_version(package: importlib.metadata.Distribution) -> tuple[str, str]:
    """From two lines of its metadata: parsing the whole e-mail header of each takes four times as long."""
    text = package.read_text("METADATA") or package.read_text("PKG-INFO") or ""
    header = text.partition("\n\n")[0]
    found = dict(re.findall(r"^(Name|Version): *(\S+)", header, re.MULTILINE))
    return found.get("Name", ""), found.get("Version", "")


def changes(then: Mapping[str, Any]) -> list[str]:
    """What differs now from what a run.toml says of its run: Python, and packages, one line each."""
    before, now = (
        {"Python": then.get("python"), **then.get("packages", {})},
        {"Python": platform.python_version(), **_packages()},
    )
    names = sorted(before.keys() | now.keys(), key=str.lower)
    return [
        f"{name} was {before.get(name, 'absent')} then, is {now.get(name, 'absent')}"
        for name in names
        if before.get(name) != now.get(name)
    ]


def _git_state() -> str:
    """The commit of the checkout that this code runs from, if it is one."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "not a checkout"
    try:
        said = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=root,
            capture_output=True,
            text=True,
            timeout=2,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    return said.stdout.strip() or "no commit"
