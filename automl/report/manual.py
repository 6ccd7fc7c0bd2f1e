"""What tuning by hand did: a change as a few lines, a row of values as a table and a page with a plot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from automl.errors import AutoMLError
from automl.files import write_text
from automl.formatting import aligned, counted, number, ordinal, places, visible
from automl.insight.change import Change, change
from automl.metrics import Metric, metric_of
from automl.report.figures import Figure, Trace, color_of, label, layout_of, log_axis
from automl.report.lessons import value
from automl.search.manual import settable
from automl.space import Choice
from automl.trial import Candidate, Study, Trial

BAR = 24  # characters of the longest bar
HEADINGS = ("value", "score", "change", "standard error", "better on", "", "id")


def told_of_try(study: Study, start: Candidate, candidate: Candidate, folder: Path) -> str:
    """What a changed candidate did against the one that it was made from.

    Raises
    ------
    AutoMLError
        It failed, or was cut before a fold had ended.
    """
    trial = _ended(study, candidate)
    lines = [f"{visible(candidate.family)} {visible(candidate.recipe.name)} {trial.id}"]
    lines += [
        f"  {name}: {before} -> {now}" for name, before, now in _differences(start, candidate)
    ]
    if candidate.id == start.id:
        lines.append("  nothing changed: this is the candidate you started from")
    if start.id in study.trials and study.trials[start.id].losses and candidate.id != start.id:
        lines += [
            "",
            _sentence(change(study.trials[start.id], trial, study.plan), metric_of(study.the_task)),
        ]
    if not study.complete(trial):
        lines.append(
            f"Only {len(trial.losses)} of {counted(len(study.plan.splits), 'fold')}: there was no time for the others."
        )
    elif any(outcome.stopped for outcome in trial.whole.values()):
        lines.append(
            "The budget stopped some fits early, so the score may be worse than it could be."
        )
    if study.complete(trial):
        rank = [other.id for other in study.ranked].index(trial.id) + 1
        lines.append(
            f"It ranks {ordinal(rank)} of {counted(len(study.ranked), 'complete candidate')}."
        )
    then = f"`automl resume {folder} --budget 1m` continues the search from here and builds the ensemble anew."
    return "\n".join([*lines, f"The predictor is unchanged. {then}"])


def _ended(study: Study, candidate: Candidate) -> Trial:
    trial = study.trials.get(candidate.id)
    if trial is None or not trial.losses:
        reason = trial.reason if trial and trial.reason else "there was no time for a fold"
        raise AutoMLError(f"{candidate.family} {candidate.id} has no score: {reason}")
    return trial


def _differences(start: Candidate, candidate: Candidate) -> list[tuple[str, str, str]]:
    """Hyperparameters that differ, before and now; the recipe is one of them."""
    before, now = ({**one.params, "recipe": one.recipe.name} for one in (start, candidate))
    names = [name for name in now if before.get(name) != now[name]]
    return [
        (
            visible(name),
            value(before[name]) if name in before else "as the family has it",
            value(now[name]),
        )
        for name in names
    ]


def _sentence(found: Change, metric: Metric) -> str:
    """Both scores, and whether one is better."""
    decimals = places(metric.score(found.before))
    before, now = (number(metric.score(loss), decimals) for loss in (found.before, found.now))
    error = "" if found.error is None else f", standard error {found.error:.2g}"
    how = "better" if metric.greater_is_better else "lower"
    return (
        f"{metric.name} {before} -> {now} ({metric.score(found.now) - metric.score(found.before):+.3g}{error}): "
        f"{found.verdict}, {how} on {found.better} of {counted(found.folds, 'fold')}"
    )


def told_of_sweep(
    study: Study, start: Candidate, candidates: Sequence[Candidate], name: str
) -> str:
    """A table with a line for each value, and bars as long as the loss lies above the least.

    Raises
    ------
    AutoMLError
        None of them has a score.
    """
    rows = _swept(study, start, candidates, name)
    if not rows:
        _ended(study, candidates[0])
    shown_ids = {trial.id for _, trial, _ in rows}
    lacking = [candidate for candidate in candidates if candidate.id not in shown_ids]
    metric = metric_of(study.the_task)
    losses = [trial.loss for _, trial, _ in rows]
    decimals = places(metric.score(min(losses)))
    most = (max(losses) - min(losses)) or 1.0
    table = [HEADINGS]
    for setting, trial, apart in rows:
        is_start = trial.id == start.id
        shown = (
            ""
            if is_start or apart is None
            else f"{metric.score(apart.now) - metric.score(apart.before):+.3g}"
        )
        error = "" if is_start or apart is None or apart.error is None else f"{apart.error:.2g}"
        better = (
            "the start" if is_start else "" if apart is None else f"{apart.better} of {apart.folds}"
        )
        bar = (
            "#" * max(1, round(BAR * (trial.loss - min(losses)) / most))
            if trial.loss > min(losses)
            else "best"
        )
        table.append(
            (
                value(setting),
                number(metric.score(trial.loss), decimals),
                shown,
                error,
                better,
                bar,
                trial.id,
            )
        )
    heading = f"{visible(start.family)} {visible(start.recipe.name)} by {visible(name)}: {metric.name}, bars: the loss above the lowest"
    board = aligned(table, left=("better on", "", "id"))
    missing = [
        f"{name} = {value(one.params.get(name))}: no score, {_why(study, one)}" for one in lacking
    ]
    return "\n\n".join([heading, board, *(["\n".join(missing)] if missing else [])])


def _why(study: Study, candidate: Candidate) -> str:
    """Why a candidate has no score on all folds."""
    trial = study.trials.get(candidate.id)
    if trial is None or not trial.outcomes:
        return "there was no time for it"
    if trial.reason:
        return visible(trial.reason)
    return f"there was time for {len(trial.losses)} of {counted(len(study.plan.splits), 'fold')}"


def _swept(
    study: Study, start: Candidate, candidates: Sequence[Candidate], name: str
) -> list[tuple[Any, Trial, Change | None]]:
    """Value, trial and what it changed, in the order of the values; those that were not trained on every fold are left out."""
    by_id = {candidate.id: candidate for candidate in (start, *candidates)}
    trials = [
        study.trials[key]
        for key in by_id
        if key in study.trials and study.complete(study.trials[key])
    ]
    base = study.trials.get(start.id)
    found = [
        (
            trial.candidate.params[name],
            trial,
            change(base, trial, study.plan) if base is not None and base.losses else None,
        )
        for trial in trials
        if name in trial.candidate.params
    ]
    range_ = settable(study, start)[name]
    order = (
        (lambda row: range_.values.index(row[0]))
        if isinstance(range_, Choice)
        else (lambda row: row[0])
    )
    return sorted(found, key=order)


def write_sweep(
    study: Study, start: Candidate, candidates: Sequence[Candidate], name: str, folder: Path
) -> Path:
    """Write a page with the plot of a sweep into the run's folder, and give its path."""
    from automl.report.page import figure_page

    metric = metric_of(study.the_task)
    rows = _swept(study, start, candidates, name)
    range_ = settable(study, start)[name]
    color = color_of(start.family, study)
    x = [value(setting) if isinstance(range_, Choice) else setting for setting, _, _ in rows]
    errors = [apart.error or 0.0 if apart else 0.0 for _, _, apart in rows]
    line: Trace = {
        "type": "scatter",
        "mode": "markers" if isinstance(range_, Choice) else "lines+markers",
        "x": x,
        "y": [metric.score(trial.loss) for _, trial, _ in rows],
        "error_y": {"type": "data", "array": errors, "color": color, "thickness": 1},
        "line": {"color": color},
        "marker": {"color": color, "size": 8},
        "text": [trial.id for _, trial, _ in rows],
        "hovertemplate": f"{label(name)} %{{x}}<br>{metric.name} %{{y:.6g}}<br>%{{text}}<extra></extra>",
    }
    folds: Trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [one for one, (_, trial, _) in zip(x, rows, strict=True) for _ in trial.losses],
        "y": [metric.score(loss) for _, trial, _ in rows for loss in trial.losses.values()],
        "marker": {"color": "@soft", "size": 4, "opacity": 0.5},
        "hovertemplate": "a fold: %{y:.6g}<extra></extra>",
    }
    axis: dict[str, Any] = {"title": label(name)}
    if isinstance(range_, Choice):
        axis |= {"type": "category"}
    elif range_.log and len(x) > 1 and float(x[0]) > 0:
        axis |= log_axis(float(x[0]), float(x[-1]))
    layout = layout_of(420, axis, {"title": metric.name}) | {"showlegend": False}
    heading = f"{visible(start.family)} by {visible(name)}"
    about = (
        f"{metric.name} on the run's folds with all else as in {start.id}; dots are single folds, bars the standard error of the "
        f"difference from the start. {'Greater' if metric.greater_is_better else 'Lower'} is better."
    )
    path = folder / f"sweep-{re.sub(r'[^A-Za-z0-9_-]+', '_', f'{start.family}-{name}')}.html"
    write_text(path, figure_page(Figure("sweep", heading, about, [folds, line], layout)))
    return path
