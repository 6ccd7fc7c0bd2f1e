"""Recorder: writes each event to events.jsonl, and to log.txt as a line for people."""

from __future__ import annotations

import time
from typing import Any

from automl.candidate import Job
from automl.events import (
    DataPrepared,
    EnsembleWeighted,
    FindingRecorded,
    FitEnded,
    FitStarted,
    PredictorScored,
    RecipesChosen,
    RunFinished,
    StageEnded,
    StageStarted,
    TrialDecided,
)
from automl.files import ENCODING_ERRORS
from automl.metrics import metric_of
from automl.run_files import TEXT_LOG
from automl.store import Store
from automl.study import Event, Study

MAX_NAMED_COLUMNS = 5
WARNING_INDENT = "\n             "


class Recorder:
    """The first observer: appends each event to the log before anyone else sees it.

    Parameters
    ----------
    store : Store
    started : float
        Origin of the events' times, as a reading of `time.monotonic`.
    """

    def __init__(self, store: Store, started: float) -> None:
        self._store = store
        self._started = started

    def __call__(self, study: Study, event: Event) -> None:
        """Append an event, and describe it in log.txt."""
        seconds = time.monotonic() - self._started
        self._store.log.append(event, seconds)
        text = describe(study, event)
        if text:
            path = self._store.folder / TEXT_LOG
            with open(path, "a", encoding="utf-8", errors=ENCODING_ERRORS) as log:
                log.write(f"{seconds:9.2f} s  {text}\n")


def describe(study: Study, event: Event) -> str:  # noqa: C901 - one case a kind of event
    """Return an event as a line for people; empty if another event's line says it, too."""
    match event:
        case FindingRecorded():
            return _finding(event)
        case StageStarted():
            return f"stage   {event.stage}"
        case DataPrepared():
            return _data(study)
        case FitStarted():
            return _new_candidate(study, event.job)
        case FitEnded():
            return _fit(study, event)
        case TrialDecided():
            return _trial(study, event)
        case EnsembleWeighted():
            return _weights(study, event)
        case PredictorScored():
            return _test(event)
        case RunFinished():
            return f"finished: {event.how}"
        case RecipesChosen():
            return f"recipes {', '.join(recipe.name for recipe in event.recipes)}"
        case StageEnded():
            return ""
        case _:
            return event.kind


def _finding(event: FindingRecorded) -> str:
    finding = event.finding
    columns = ", ".join(finding.columns[:MAX_NAMED_COLUMNS])
    where = f"{columns}: " if columns else ""
    return f"finding {finding.code}: {where}{finding.action}"


def _data(study: Study) -> str:
    task, size = study.known_task, study.size
    plan = study.plan
    rows = f"{size.rows} rows, {size.columns} columns"
    goal = f"{task.kind} {task.target} by {task.metric}"
    return f"data    {rows}; {goal}; {plan.kind} of {plan.folds} x {plan.repeats}"


def _new_candidate(study: Study, job: Job) -> str:
    """Describe a new candidate; its other fits need no line."""
    candidate = job.candidate
    if len(study.trials[candidate.id].jobs) > 1:
        return ""
    params = ", ".join(f"{name}={_short(value)}" for name, value in candidate.params.items())
    what = f"{candidate.id} {candidate.family} {candidate.recipe.name}"
    return f"new     {what} ({candidate.origin}) {params}".rstrip()


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _fit(study: Study, event: FitEnded) -> str:
    trial, outcome = study.trials[event.id], event.outcome
    where = _where(study, trial.jobs[event.key])
    loss = "" if outcome.loss is None else f" loss {outcome.loss:.6g}"
    how = f"{outcome.status}{loss} in {outcome.seconds:.2f} s {outcome.reason}"
    line = f"fit     {event.id} {trial.family} {where}: {how}".rstrip()
    return line + "".join(f"{WARNING_INDENT}{text}" for text in event.warnings)


def _where(study: Study, job: Job) -> str:
    """Return which rows a fit was trained on."""
    if job.fold is None:
        where = "all rows"
    elif study.plan.repeats > 1:
        where = f"fold {job.fold + 1}, repeat {job.repeat + 1}"
    else:
        where = f"fold {job.fold + 1}"
    if job.is_resumable:
        return f"{where}, the first {job.rounds} rounds"
    return where if job.rows is None else f"{where}, {job.rows} rows"


def _trial(study: Study, event: TrialDecided) -> str:
    trial = study.trials[event.id]
    score = metric_of(study.known_task).score(trial.loss) if trial.losses else float("nan")
    line = f"trial   {event.id} {trial.family} {event.decided} {score:.6g} {event.reason}"
    return line.rstrip()


def _weights(study: Study, event: EnsembleWeighted) -> str:
    members = ", ".join(
        f"{name} {study.trials[name].family} {weight:.3f}" for name, weight in event.weights.items()
    )
    if event.evaluation is None:
        return f"weights {members}"
    score = metric_of(study.known_task).score(event.evaluation.loss)
    return f"weights {members}; expected {score:.6g}"


def _test(event: PredictorScored) -> str:
    test = event.test
    rows = f"{test['rows']} of {test['of']} rows of {test['source']}"
    return f"test    {test['metric']} {test['score']:.6g} on {rows}"
