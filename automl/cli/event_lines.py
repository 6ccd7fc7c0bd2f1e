"""Describe the events of a run in one line each, for the terminal."""

from __future__ import annotations

from automl.events import (
    DataPrepared,
    EnsembleWeighted,
    FindingRecorded,
    PredictorScored,
    RecipesChosen,
    RunFinished,
    StageStarted,
    TrialDecided,
)
from automl.formatting import (
    decimal_places,
    format_count,
    format_duration,
    format_number,
    join_words,
    visible,
)
from automl.metrics import metric_of
from automl.report.summary import score_on_test_text
from automl.study import Event, Study
from automl.trial import Trial

MAX_NAME_CHARACTERS = 40
MAX_FINDING_CHARACTERS = 2000
# These stages get their line with their result, all others when they begin.
STAGES_WITH_RESULT = ("clean", "extract")


def event_line(study: Study, event: Event, best_loss: float = float("inf")) -> str:
    """Describe an event in a line; return an empty string if it isn't worth one.

    Parameters
    ----------
    study : Study
        The study after the event.
    event : Event
    best_loss : float
        The least loss so far: a complete trial below it is marked as the best.
    """
    match event:
        case FindingRecorded():
            label = "warning" if is_warning(event) else "found"
            return f"{label:<9} {finding_text(event)}"
        case StageStarted() if event.stage not in STAGES_WITH_RESULT:
            return visible(event.stage, MAX_NAME_CHARACTERS)
        case DataPrepared():
            return f"{'clean':<9} {_data_text(study)}"
        case RecipesChosen():
            names = [recipe.name for recipe in event.recipes]
            return f"{'extract':<9} {join_words(names, 8)}"
        case TrialDecided() if event.decided != "dropped":
            trial = study.trials[event.id]
            return _trial_line(study, trial, best_loss)
        case EnsembleWeighted():
            members = format_count(len(event.weights), "model")
            loss = None if event.evaluation is None else event.evaluation.loss
            score = _score_text(study, loss)
            return f"{'ensemble':<9} {members}  {score}".rstrip()
        case PredictorScored():
            return f"{'test':<9} {score_on_test_text(study)}"
        case RunFinished() if event.how == "interrupted":
            return f"interrupted: ending with {_best_so_far(study)}"
    return ""


def is_warning(event: Event) -> bool:
    """Whether an event is a finding that the user should act on."""
    return isinstance(event, FindingRecorded) and event.finding.severity == "warning"


def finding_text(event: FindingRecorded) -> str:
    """Return a finding's text, long enough not to cut off the option at its end."""
    return visible(event.finding.text(), MAX_FINDING_CHARACTERS)


def model_name(trial: Trial) -> str:
    """Return a trial's family and recipe."""
    family = visible(trial.candidate.family, MAX_NAME_CHARACTERS)
    recipe = visible(trial.candidate.recipe.name, MAX_NAME_CHARACTERS)
    return f"{family} {recipe}"


def clock_text(seconds: float) -> str:
    """Format a duration in whole seconds, since flickering decimals can't be read."""
    text = format_duration(round(max(0.0, seconds)))
    return text.replace(".00 s", " s").replace(".0 s", " s")


def _data_text(study: Study) -> str:
    """Describe the task that `clean` found."""
    task = study.known_task
    rows = format_count(study.size.rows, "row")
    columns = format_count(study.size.columns, "column")
    target = f"{task.kind} {visible(task.target, 60)} by {task.metric}"
    findings = format_count(len(study.findings), "finding")
    return f"{rows}, {columns}; {target}; {_folds_text(study)}; {findings}"


def _folds_text(study: Study) -> str:
    plan = study.plan
    if plan.kind == "holdout":
        return "a holdout"
    repeats = f" x {plan.repeats}" if plan.repeats > 1 else ""
    return format_count(plan.folds, "fold") + repeats


def _trial_line(study: Study, trial: Trial, best_loss: float) -> str:
    origin = visible(trial.candidate.origin, MAX_NAME_CHARACTERS)
    start = f"{origin:<9} {model_name(trial)}"
    if trial.decided == "failed":
        return f"{start}  failed: {visible(trial.reason)}"
    mark = " (best)" if trial.loss < best_loss else ""
    return f"{start}  {_score_text(study, trial.loss)}{mark}"


def _score_text(study: Study, loss: float | None) -> str:
    if loss is None or study.task is None:
        return ""
    score = metric_of(study.task).score(loss)
    return f"{study.task.metric} {format_number(score, decimal_places(score))}"


def _best_so_far(study: Study) -> str:
    if not study.ranked:
        return "the constant baseline"
    return f"the best of {format_count(len(study.ranked), 'complete model')}"
