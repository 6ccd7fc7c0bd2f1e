"""Describe results of tuning by hand: a changed candidate, and a sweep as a table and a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.candidate import Candidate
from automl.errors import AutoMLError
from automl.files import write_text
from automl.formatting import (
    align_columns,
    decimal_places,
    format_count,
    format_number,
    ordinal,
    visible,
)
from automl.insight.change import Change, compare_trials
from automl.metrics import Metric, metric_of
from automl.report.lessons import format_value
from automl.report.plotting import Figure, Trace, color_of, escape_label, log_axis, make_layout
from automl.search.manual import hyperparameter_space
from automl.space import Choice
from automl.study import Study
from automl.trial import Trial

MAX_BAR_CHARACTERS = 24
SWEEP_HEADINGS = ("value", "score", "change", "standard error", "better on", "", "id")
LEFT_ALIGNED = ("better on", "", "id")


def try_text(study: Study, start: Candidate, candidate: Candidate, folder: Path) -> str:
    """Compare a changed candidate with the one that it was made from, in lines of text.

    Raises
    ------
    AutoMLError
        The candidate failed, or time ran out before its first fold ended.
    """
    trial = _scored(study, candidate)
    lines = [f"{visible(candidate.family)} {visible(candidate.recipe.name)} {trial.id}"]
    for name, before, now in _differences(start, candidate):
        lines.append(f"  {name}: {before} -> {now}")
    base = study.trials.get(start.id)
    if candidate.id == start.id:
        lines.append("  nothing changed: this is the candidate you started from")
    elif base is not None and base.losses:
        compared = compare_trials(base, trial, study.plan)
        metric = metric_of(study.known_task)
        lines += ["", _sentence(compared, metric)]
    lines += _completeness(study, trial)
    lines.append(
        f"The predictor is unchanged. `automl resume {folder} --budget 1m` continues the search "
        "from here and builds the ensemble anew."
    )
    return "\n".join(lines)


def _scored(study: Study, candidate: Candidate) -> Trial:
    """Return the trial of a candidate that has a score on a fold or more."""
    trial = study.trials.get(candidate.id)
    if trial is not None and trial.losses:
        return trial
    reason = "there was no time for a fold"
    if trial is not None and trial.reason:
        reason = trial.reason
    raise AutoMLError(f"{candidate.family} {candidate.id} has no score: {reason}")


def _differences(start: Candidate, candidate: Candidate) -> list[tuple[str, str, str]]:
    """Return names of hyperparameters that differ, with the values before and now.

    The recipe counts as one of them.
    """
    before = {**start.params, "recipe": start.recipe.name}
    now = {**candidate.params, "recipe": candidate.recipe.name}
    differences = []
    for name, setting in now.items():
        if before.get(name) == setting:
            continue
        old = "as the family has it"
        if name in before:
            old = format_value(before[name])
        difference = (visible(name), old, format_value(setting))
        differences.append(difference)
    return differences


def _sentence(compared: Change, metric: Metric) -> str:
    """Return both scores, and whether the later one is better."""
    before = metric.score(compared.before)
    now = metric.score(compared.now)
    decimals = decimal_places(before)
    difference = f"{now - before:+.3g}"
    if compared.error is not None:
        difference += f", standard error {compared.error:.2g}"
    folds = format_count(compared.folds, "fold")
    better = "better" if metric.greater_is_better else "lower"
    change = f"{format_number(before, decimals)} -> {format_number(now, decimals)}"
    return (
        f"{metric.name} {change} ({difference}): "
        f"{compared.verdict}, {better} on {compared.better} of {folds}"
    )


def _completeness(study: Study, trial: Trial) -> list[str]:
    """Return lines that say how far a trial came, and how it ranks if it is complete."""
    if not study.is_complete(trial):
        folds = format_count(len(study.plan.splits), "fold")
        return [f"Only {len(trial.losses)} of {folds}: there was no time for the others."]
    lines = []
    stopped = [outcome for outcome in trial.full_outcomes.values() if outcome.stopped]
    if stopped:
        lines.append(
            "The budget stopped some fits early, so the score may be worse than it could be."
        )
    rank = study.ranked.index(trial) + 1
    candidates = format_count(len(study.ranked), "complete candidate")
    lines.append(f"It ranks {ordinal(rank)} of {candidates}.")
    return lines


@dataclass(frozen=True)
class Point:
    """A value of a sweep.

    Parameters
    ----------
    setting : Any
        The hyperparameter's value.
    trial : Trial
        Complete.
    change : Change or None
        From the candidate that the sweep started from; None if that one has no score.
    """

    setting: Any
    trial: Trial
    change: Change | None


def sweep_text(study: Study, start: Candidate, candidates: Sequence[Candidate], name: str) -> str:
    """Return a table with a line for each value, and bars for losses above the lowest one.

    Raises
    ------
    AutoMLError
        None of the candidates has a score.
    """
    points = _points(study, start, candidates, name)
    if not points:
        _scored(study, candidates[0])
    metric = metric_of(study.known_task)
    losses = [point.trial.loss for point in points]
    decimals = decimal_places(metric.score(min(losses)))
    table = [SWEEP_HEADINGS]
    for point in points:
        loss = point.trial.loss
        row = (
            format_value(point.setting),
            format_number(metric.score(loss), decimals),
            *_compared(point, start, metric),
            _bar(loss, losses),
            point.trial.id,
        )
        table.append(row)
    model = f"{visible(start.family)} {visible(start.recipe.name)}"
    heading = f"{model} by {visible(name)}: {metric.name}, bars: the loss above the lowest"
    parts = [heading, align_columns(table, LEFT_ALIGNED)]
    complete = {point.trial.id for point in points}
    missing = []
    for candidate in candidates:
        if candidate.id in complete:
            continue
        setting = format_value(candidate.params.get(name))
        reason = _why_missing(study, candidate)
        missing.append(f"{name} = {setting}: no score, {reason}")
    if missing:
        parts.append("\n".join(missing))
    return "\n\n".join(parts)


def _compared(point: Point, start: Candidate, metric: Metric) -> tuple[str, str, str]:
    """Return change, standard error and folds that are better, each empty if unknown."""
    if point.trial.id == start.id:
        return "", "", "the start"
    compared = point.change
    if compared is None:
        return "", "", ""
    before = metric.score(compared.before)
    now = metric.score(compared.now)
    error = "" if compared.error is None else f"{compared.error:.2g}"
    better = f"{compared.better} of {compared.folds}"
    return f"{now - before:+.3g}", error, better


def _bar(loss: float, losses: Sequence[float]) -> str:
    lowest = min(losses)
    if loss <= lowest:
        return "best"
    longest = max(losses) - lowest
    length = round(MAX_BAR_CHARACTERS * (loss - lowest) / longest)
    return "#" * max(1, length)


def _why_missing(study: Study, candidate: Candidate) -> str:
    """Return why a candidate does not have a score on all folds."""
    trial = study.trials.get(candidate.id)
    if trial is None or not trial.outcomes:
        return "there was no time for it"
    if trial.reason:
        return visible(trial.reason)
    folds = format_count(len(study.plan.splits), "fold")
    return f"there was time for {len(trial.losses)} of {folds}"


def _points(
    study: Study, start: Candidate, candidates: Sequence[Candidate], name: str
) -> list[Point]:
    """Return the complete trials of a sweep in the order of their values, the start among them."""
    base = study.trials.get(start.id)
    points = {}
    for candidate in (start, *candidates):
        trial = study.trials.get(candidate.id)
        if trial is None or not study.is_complete(trial):
            continue
        if name not in candidate.params:
            continue
        compared = None
        if base is not None and base.losses:
            compared = compare_trials(base, trial, study.plan)
        setting = candidate.params[name]
        points[trial.id] = Point(setting, trial, compared)
    range_ = hyperparameter_space(study, start)[name]

    def order(point: Point) -> Any:
        if isinstance(range_, Choice):
            return range_.values.index(point.setting)
        return point.setting

    return sorted(points.values(), key=order)


def write_sweep(
    study: Study, start: Candidate, candidates: Sequence[Candidate], name: str, folder: Path
) -> Path:
    """Write a page with the plot of a sweep into the run's folder, and return its path."""
    from automl.report.page import render_figure_page

    points = _points(study, start, candidates, name)
    figure = _figure(study, start, points, name)
    file_name = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{start.family}-{name}")
    path = folder / f"sweep-{file_name}.html"
    write_text(path, render_figure_page(figure))
    return path


def _error(point: Point) -> float:
    """Return the standard error of a point's change; 0 if unknown."""
    if point.change is None:
        return 0.0
    return point.change.error or 0.0


def _figure(study: Study, start: Candidate, points: Sequence[Point], name: str) -> Figure:
    metric = metric_of(study.known_task)
    range_ = hyperparameter_space(study, start)[name]
    color = color_of(start.family, study)
    settings = [point.setting for point in points]
    if isinstance(range_, Choice):
        settings = [format_value(setting) for setting in settings]
    scores = [metric.score(point.trial.loss) for point in points]
    errors = [_error(point) for point in points]
    bars = {"type": "data", "array": errors, "color": color, "thickness": 1}
    means: Trace = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": settings,
        "y": scores,
        "error_y": bars,
        "line": {"color": color},
        "marker": {"color": color, "size": 8},
        "text": [point.trial.id for point in points],
        "hovertemplate": f"{escape_label(name)} %{{x}}<br>{metric.name} %{{y:.6g}}<br>%{{text}}"
        "<extra></extra>",
    }
    folds: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [],
        "y": [],
        "marker": {"color": "@soft", "size": 4, "opacity": 0.5},
        "hovertemplate": "a fold: %{y:.6g}<extra></extra>",
    }
    axis: dict[str, Any] = {"title": escape_label(name)}
    if isinstance(range_, Choice):
        means["mode"] = "markers"
        axis["type"] = "category"
    elif range_.log and len(points) > 1:
        low = float(points[0].setting)
        high = float(points[-1].setting)
        if low > 0:
            axis |= log_axis(low, high)
    for setting, point in zip(settings, points, strict=True):
        for loss in point.trial.losses.values():
            folds["x"].append(setting)
            score = metric.score(loss)
            folds["y"].append(score)
    score_axis = {"title": metric.name}
    layout = make_layout(420, axis, score_axis)
    layout["showlegend"] = False
    direction = "Greater" if metric.greater_is_better else "Lower"
    about = (
        f"{metric.name} on the run's folds with all else as in {start.id}; dots are single folds, "
        f"bars the standard error of the difference from the start. {direction} is better."
    )
    heading = f"{visible(start.family)} by {visible(name)}"
    return Figure("sweep", heading, about, [folds, means], layout)
