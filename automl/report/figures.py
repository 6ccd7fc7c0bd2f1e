"""The figures of a study: loss over time, weights, fold scores, training time, learning curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from automl.formatting import decimal_places, format_count, format_duration, format_number, visible
from automl.metrics import metric_of
from automl.report.learning_curves import draw_learning_curves
from automl.report.plotting import (
    NAMES_AXIS,
    STAGE_COLORS,
    Figure,
    Trace,
    color_of,
    escape_label,
    families_of,
    loss_axis,
    make_layout,
    member_names,
    model_name,
    style_of,
)
from automl.report.summary import weighted_members
from automl.study import Study
from automl.timeline import Timeline
from automl.trial import Trial

BAR_HEIGHT = 30  # pixels of a bar or a strip


def draw_figures(study: Study, timeline: Timeline, folder: Path) -> list[Figure]:
    """Return every figure for which the study has data."""
    if study.task is None:
        return []
    optional = (
        draw_loss_over_time(study, timeline),
        draw_weights(study),
        draw_fold_scores(study),
        draw_training_time(study),
        draw_learning_curves(study, folder),
    )
    return [figure for figure in optional if figure is not None]


def draw_loss_over_time(study: Study, timeline: Timeline) -> Figure | None:
    """Draw the loss of each complete trial by the second of its completion, and the best so far."""
    if not study.ranked:
        return None
    completed = [(timeline.completed(trial), trial) for trial in study.ranked]
    completed.sort(key=lambda pair: pair[0])
    losses = [trial.loss for _, trial in completed]
    first = losses[0]
    best = study.ranked[0].loss
    trials = format_count(len(completed), "complete trial")
    first_loss = format_number(first, decimal_places(first))
    best_loss = format_number(best, decimal_places(best))
    about = (
        f"{trials} by the second at which the last fold ended; lower is better. The line is the "
        f"best single model's loss so far: {first_loss} with the first, {best_loss} at the end."
    )
    traces = [_best_so_far(completed, timeline.last)]
    for family in families_of(study):
        of_family = [pair for pair in completed if pair[1].candidate.family == family]
        traces.append(_trial_dots(family, of_family, study))
    if len(study.weights) > 1 and study.evaluation is not None:
        loss = study.evaluation.loss
        traces.append(_ensemble_dot(study, loss, timeline.search_end))
        losses.append(loss)
        about += " The star is the ensemble, corrected for the optimism of choosing its weights."
    x_axis = {"title": "seconds since the start", "rangemode": "tozero"}
    y_axis = {"title": f"loss: {metric_of(study.known_task).loss_name}"} | loss_axis(losses)
    layout = make_layout(400, x_axis, y_axis)
    return Figure("loss", "Loss over time", about, traces, layout)


def _best_so_far(completed: Sequence[tuple[float, Trial]], last: float) -> Trace:
    """Draw the lowest loss until each second as steps, up to the second `last`."""
    seconds = []
    losses = []
    best = math.inf
    for second, trial in completed:
        if trial.loss < best:
            best = trial.loss
            seconds.append(second)
            losses.append(best)
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "best so far",
        "x": [*seconds, last],
        "y": [*losses, best],
        "line": {"color": "@ink", "width": 1.5, "shape": "hv"},
        "hoverinfo": "skip",
    }


def _trial_dots(family: str, completed: Sequence[tuple[float, Trial]], study: Study) -> Trace:
    metric = metric_of(study.known_task)
    color, symbol = style_of(family, study)
    texts = []
    for _, trial in completed:
        score = format_number(metric.score(trial.loss), decimal_places(trial.loss))
        origin = escape_label(trial.candidate.origin)
        texts.append(f"{model_name(trial)}<br>{metric.name} {score}<br>{origin} {trial.id}")
    marker = {
        "color": color,
        "symbol": symbol,
        "size": 8,
        "opacity": 0.85,
        "line": {"color": "@paper", "width": 0.5},
    }
    points = [(second, trial.loss) for second, trial in completed]
    return _dots(escape_label(family), points, texts, marker)


def _ensemble_dot(study: Study, loss: float, second: float) -> Trace:
    metric = metric_of(study.known_task)
    score = format_number(metric.score(loss), decimal_places(loss))
    text = f"ensemble of {len(study.weights)}<br>{metric.name} {score}"
    marker = {
        "color": "@ink",
        "symbol": "star",
        "size": 13,
        "line": {"color": "@paper", "width": 1},
    }
    return _dots("ensemble", [(second, loss)], [text], marker)


def _dots(
    name: str,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    marker: Mapping[str, Any],
) -> Trace:
    """Draw a dot for each pair of second and loss."""
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [round(second, 2) for second, _ in points],
        "y": [loss for _, loss in points],
        "text": list(texts),
        "hovertemplate": "%{text}<br>%{x:.1f} s<extra></extra>",
        "marker": dict(marker),
    }


def draw_weights(study: Study) -> Figure | None:
    """Draw the members' weights as bars, the heaviest on top."""
    weighted = weighted_members(study)
    if not weighted:
        return None
    colors = [color_of(trial.candidate.family, study) for trial, _ in weighted]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [weight for _, weight in weighted],
        "y": member_names(weighted),
        "text": [f"{weight:.0%}" for _, weight in weighted],
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"color": "@ink"},
        "marker": {"color": colors},
        "hovertemplate": "%{y}<br>weight %{x:.3f}<extra></extra>",
    }
    heaviest, weight = weighted[0]
    x_axis = {"title": "weight", "tickformat": ".0%", "range": [0, 1.12 * weight]}
    height = 110 + BAR_HEIGHT * len(weighted)
    layout = make_layout(height, x_axis, NAMES_AXIS)
    layout["showlegend"] = False
    about = (
        "Their predictions are averaged with these weights. "
        f"The heaviest is {visible(heaviest.candidate.family)} with {weight:.0%}."
    )
    return Figure("weights", "Weights of the members", about, [bars], layout)


def draw_fold_scores(study: Study) -> Figure | None:
    """Draw each member's score on every fold, which shows how much of a difference is luck."""
    weighted = weighted_members(study)
    if not weighted or len(study.plan.splits) < 2:
        return None
    metric = metric_of(study.known_task)
    traces = []
    for name, (trial, _) in zip(member_names(weighted), weighted, strict=True):
        traces.append(_fold_marks(study, trial, name))
        traces.append(_mean_mark(study, trial, name))
    x_axis = {"title": metric.name}
    height = 120 + BAR_HEIGHT * len(weighted)
    layout = make_layout(height, x_axis, NAMES_AXIS)
    layout["showlegend"] = False
    side = "right" if metric.greater_is_better else "left"
    about = (
        f"One mark a fold, the bar is their mean; further to the {side} is better. "
        "Where marks overlap, a difference may be luck."
    )
    return Figure("folds", "Scores of the members by fold", about, traces, layout)


def _fold_marks(study: Study, trial: Trial, name: str) -> Trace:
    metric = metric_of(study.known_task)
    color, symbol = style_of(trial.candidate.family, study)
    scores = []
    texts = []
    for repeat, fold in study.plan.splits:
        if (repeat, fold) in trial.losses:
            loss = trial.losses[repeat, fold]
            scores.append(metric.score(loss))
            texts.append(f"repeat {repeat + 1}, fold {fold + 1}")
    marker = {"color": color, "symbol": symbol, "size": 9, "opacity": 0.8}
    return _strip(scores, name, marker) | {
        "text": texts,
        "hovertemplate": "%{y}<br>%{text}: %{x:.6g}<extra></extra>",
    }


def _mean_mark(study: Study, trial: Trial, name: str) -> Trace:
    metric = metric_of(study.known_task)
    marker = {"color": "@ink", "symbol": "line-ns-open", "size": 16, "line": {"width": 2}}
    mean = _strip([metric.score(trial.loss)], name, marker)
    mean["hovertemplate"] = "%{y}<br>mean %{x:.6g}<extra></extra>"
    return mean


def _strip(x: list[float], name: str, marker: Mapping[str, Any]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [name] * len(x),
        "marker": dict(marker),
    }


def draw_training_time(study: Study) -> Figure | None:
    """Draw seconds of training by family and by the stage that started the fits."""
    by_stage: dict[str, dict[str, float]] = {}
    totals: dict[str, float] = dict.fromkeys(families_of(study), 0.0)
    for trial in study.trials.values():
        family = trial.candidate.family
        seconds = by_stage.setdefault(trial.candidate.origin or "other", {})
        seconds[family] = seconds.get(family, 0.0) + trial.seconds
    for seconds in by_stage.values():
        for family in totals:
            totals[family] += seconds.get(family, 0.0)
    families = [family for family, total in totals.items() if total > 0]
    families.sort(key=lambda family: -totals[family])
    if not families:
        return None
    bars = []
    for index, (stage, seconds) in enumerate(by_stage.items()):
        color = STAGE_COLORS[index % len(STAGE_COLORS)]
        bars.append(_stage_bar(stage, seconds, families, color))
    x_axis = {"title": "seconds of training"}
    height = 130 + BAR_HEIGHT * len(families)
    layout = make_layout(height, x_axis, NAMES_AXIS)
    layout["barmode"] = "stack"
    about = (
        "Seconds of all fits, including those that failed or were dropped: "
        f"{format_duration(sum(totals.values()))} together. {visible(families[0])} took the most."
    )
    return Figure("time", "Training time by family", about, bars, layout)


def _stage_bar(
    stage: str, seconds: Mapping[str, float], families: Sequence[str], color: str
) -> Trace:
    return {
        "type": "bar",
        "orientation": "h",
        "name": escape_label(stage),
        "x": [round(seconds.get(family, 0.0), 3) for family in families],
        "y": [escape_label(family) for family in families],
        "marker": {"color": color},
        "hovertemplate": f"%{{y}}, {escape_label(stage)}: %{{x:.1f}} s<extra></extra>",
    }
