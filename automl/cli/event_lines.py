"""Describe the events of a run in one line each, for the terminal."""

from __future__ import annotations

from automl.formatting import counted, duration, listed, number, places, visible
from automl.metrics import metric_of
from automl.report.summary import tested_text
from automl.trial import Event, Study, Trial

MAX_NAME_CHARACTERS = 40
MAX_FINDING_CHARACTERS = 2000
# These stages get their line when they end, with their result; all others when they begin.
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
    match event["kind"]:
        case "finding":
            label = "warning" if is_warning(event) else "found"
            return f"{label:<9} {finding_text(event)}"
        case "stage":
            return _stage_line(study, event)
        case "trial" if event["decided"] != "dropped":
            trial = study.trials[event["id"]]
            return _trial_line(study, trial, best_loss)
        case "weights":
            members = counted(len(event["weights"]), "model")
            loss = study.verdict.get("loss")
            score = _score_text(study, loss)
            return f"{'ensemble':<9} {members}  {score}".rstrip()
        case "test":
            return f"{'test':<9} {tested_text(study)}"
        case "finished" if event["how"] == "interrupted":
            return f"interrupted: ending with {_best_so_far(study)}"
    return ""


def is_warning(event: Event) -> bool:
    """Whether an event is a finding that the user should act on."""
    if event["kind"] != "finding":
        return False
    return bool(event["finding"]["severity"] == "warning")


def finding_text(event: Event) -> str:
    """Return a finding's text, long enough not to cut off the option at its end."""
    from automl.cleaning import Finding

    finding = Finding.from_json(event["finding"])
    return visible(finding.text(), MAX_FINDING_CHARACTERS)


def model_name(trial: Trial) -> str:
    """Return a trial's family and recipe."""
    family = visible(trial.candidate.family, MAX_NAME_CHARACTERS)
    recipe = visible(trial.candidate.recipe.name, MAX_NAME_CHARACTERS)
    return f"{family} {recipe}"


def clock_text(seconds: float) -> str:
    """Format a duration in whole seconds, since flickering decimals can't be read."""
    text = duration(round(max(0.0, seconds)))
    return text.replace(".00 s", " s").replace(".0 s", " s")


def _stage_line(study: Study, event: Event) -> str:
    stage = event["stage"]
    has_result = "task" in event or "recipes" in event
    if stage in STAGES_WITH_RESULT and not has_result:
        return ""
    name = visible(stage, MAX_NAME_CHARACTERS)
    return f"{name:<9} {_stage_result(study, event)}".rstrip()


def _stage_result(study: Study, event: Event) -> str:
    """Describe the task that `clean` found or the recipes that `extract` chose."""
    if "task" in event and study.task is not None:
        task = study.task
        rows = counted(study.size.rows, "row")
        columns = counted(study.size.columns, "column")
        target = f"{task.kind} {visible(task.target, 60)} by {task.metric}"
        findings = counted(len(study.findings), "finding")
        return f"{rows}, {columns}; {target}; {_folds_text(study)}; {findings}"
    if "recipes" in event:
        names = [recipe["name"] for recipe in event["recipes"]]
        return listed(names, 8)
    return ""


def _folds_text(study: Study) -> str:
    plan = study.plan
    if plan.kind == "holdout":
        return "a holdout"
    repeats = f" x {plan.repeats}" if plan.repeats > 1 else ""
    return counted(plan.folds, "fold") + repeats


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
    return f"{study.task.metric} {number(score, places(score))}"


def _best_so_far(study: Study) -> str:
    if not study.ranked:
        return "the constant baseline"
    return f"the best of {counted(len(study.ranked), 'complete model')}"
