"""The figures of a run's lessons: importance with its uncertainty, effects with their trials."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from automl.insight import Insight, Lesson
from automl.insight.effects import Effect, GoodRange
from automl.report.lessons import format_value
from automl.report.plotting import (
    NAMES_AXIS,
    Figure,
    Trace,
    color_of,
    escape_label,
    log_axis,
    make_layout,
)
from automl.study import Study

MAX_EFFECTS = 6  # of a family: those of the most important hyperparameters
GRID_COLUMNS = 3
EFFECT_ROW_HEIGHT = 250  # pixels of a row of effects
ROW_GAP = 70  # pixels between two rows
COLUMN_GAP_SHARE = 0.08  # of the width, between two columns
MAX_DOTS = 200  # trials that are drawn with an effect
SHOWN_TRIALS_SHARE = 0.9  # of the trials, best first: worse ones may lie above the axis
MARGIN_SHARE = 0.05  # of the loss axis, at either end


def draw_lesson_figures(study: Study, insight: Insight) -> list[Figure]:
    """Return two figures for each family that taught something."""
    figures = []
    for lesson in insight.lessons:
        figures.append(draw_importance(study, lesson))
        figures.append(draw_effects(study, lesson))
    return figures


def draw_importance(study: Study, lesson: Lesson) -> Figure:
    """Draw the importance of each hyperparameter as a bar with its interval."""
    shares = lesson.importance
    interval = {
        "type": "data",
        "symmetric": False,
        "array": [item.high - item.share for item in shares],
        "arrayminus": [item.share - item.low for item in shares],
        "color": "@ink",
        "thickness": 1,
    }
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": [item.share for item in shares],
        "y": [escape_label(item.name) for item in shares],
        "error_x": interval,
        "customdata": [item.total for item in shares],
        "marker": {"color": color_of(lesson.family, study)},
        "hovertemplate": "%{y}<br>by itself %{x:.0%}, with others %{customdata:.0%}<extra></extra>",
    }
    x_axis = {"title": "share of the variance of the loss", "tickformat": ".0%", "range": [0, 1]}
    height = 110 + 26 * len(shares)
    layout = make_layout(height, x_axis, NAMES_AXIS)
    layout["showlegend"] = False
    first = shares[0]
    about = (
        "The share of the loss's variance over the whole range that each hyperparameter explains "
        f"by itself, with 95% intervals. {escape_label(first.name)} explains most: "
        f"{first.share:.0%}."
    )
    name = f"importance-{escape_label(lesson.family)}"
    return Figure(name, "Importance", about, [bars], layout)


def draw_effects(study: Study, lesson: Lesson) -> Figure:
    """Draw the loss by each of the most important hyperparameters, in a grid."""
    by_name = {effect.name: effect for effect in lesson.effects}
    ranges = {good.name: good for good in lesson.ranges}
    shown = [by_name[item.name] for item in lesson.importance[:MAX_EFFECTS]]
    rows = math.ceil(len(shown) / GRID_COLUMNS)
    layout = make_layout(EFFECT_ROW_HEIGHT * rows + 60, {}, {})
    shapes = []
    color = color_of(lesson.family, study)
    traces: list[Trace] = []
    for index, effect in enumerate(shown):
        axis = "" if index == 0 else str(index + 1)  # as plotly numbers them: x, x2, x3
        for trace in _effect(effect, color):
            trace |= {"xaxis": f"x{axis}", "yaxis": f"y{axis}"}
            traces.append(trace)
        layout |= _axes(effect, index, rows, axis)
        if ranges[effect.name].is_interval:
            shapes.append(_shading(ranges[effect.name], axis))
    layout |= {"showlegend": False, "shapes": shapes}
    about = (
        "The loss by each hyperparameter with the others at their best, and the band that holds "
        f"it in 95% of cases. Dots are the {len(lesson.effects[0].tried)} trials, whatever their "
        "other values. Shaded values are as good as the best, within a standard error."
    )
    name = f"effects-{escape_label(lesson.family)}"
    return Figure(name, "How sensitive the loss is", about, traces, layout)


def _effect(effect: Effect, color: str) -> list[Trace]:
    """Draw the trials, and the mean with its band, or error bars for a choice."""
    step = max(1, math.ceil(len(effect.tried) / MAX_DOTS))
    tried = effect.tried[::step]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": _x_values(effect, [setting for setting, _ in tried]),
        "y": [loss for _, loss in tried],
        "marker": {"color": "@soft", "size": 5, "opacity": 0.6},
        "hovertemplate": f"{escape_label(effect.name)} %{{x}}: %{{y:.6g}}<extra></extra>",
    }
    if effect.kind == "choice":
        return [dots, _choice_means(effect, color)]
    low = _edge(effect, effect.low, color)
    high = _edge(effect, effect.high, color)
    high |= {"fill": "tonexty", "fillcolor": f"{color}33"}
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": _x_values(effect, effect.values),
        "y": list(effect.losses),
        "line": {"color": color, "width": 2},
        "hovertemplate": f"{escape_label(effect.name)} %{{x:.4g}}: %{{y:.6g}}<extra></extra>",
    }
    return [low, high, dots, line]


def _x_values(effect: Effect, settings: Sequence[Any]) -> list[Any]:
    if effect.kind == "choice":
        return [format_value(setting) for setting in settings]
    return list(settings)


def _choice_means(effect: Effect, color: str) -> Trace:
    above = [high - loss for high, loss in zip(effect.high, effect.losses, strict=True)]
    below = [loss - low for low, loss in zip(effect.low, effect.losses, strict=True)]
    interval = {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "color": color,
        "thickness": 1.5,
    }
    return {
        "type": "scatter",
        "mode": "markers",
        "x": _x_values(effect, effect.values),
        "y": list(effect.losses),
        "error_y": interval,
        "marker": {"color": color, "size": 9},
        "hovertemplate": "%{x}: %{y:.6g}<extra></extra>",
    }


def _edge(effect: Effect, losses: Sequence[float], color: str) -> Trace:
    """Draw one edge of the band, which is invisible itself."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": _x_values(effect, effect.values),
        "y": list(losses),
        "line": {"width": 0, "color": color},
        "hoverinfo": "skip",
    }


def _axes(effect: Effect, index: int, rows: int, name: str) -> dict[str, Any]:
    """Return the two axes of an effect by its index in the grid."""
    row, column = divmod(index, GRID_COLUMNS)
    gap = ROW_GAP / (EFFECT_ROW_HEIGHT * rows)
    width = (1 - COLUMN_GAP_SHARE * (GRID_COLUMNS - 1)) / GRID_COLUMNS
    height = (1 - gap * (rows - 1)) / rows
    left = column * (width + COLUMN_GAP_SHARE)
    top = 1 - row * (height + gap)
    bottom = max(0.0, top - height)
    plain = make_layout(0, {}, {})
    x_axis = plain["xaxis"] | {
        "domain": [left, left + width],
        "anchor": f"y{name}",
        "title": {"text": escape_label(effect.name), "standoff": 4},
    }
    y_axis = plain["yaxis"] | {
        "domain": [bottom, top],
        "anchor": f"x{name}",
        "range": _loss_range(effect),
    }
    if effect.kind == "log":
        x_axis |= log_axis(effect.values[0], effect.values[-1])
    elif effect.kind == "choice":
        x_axis["type"] = "category"
    return {f"xaxis{name}": x_axis, f"yaxis{name}": y_axis}


def _loss_range(effect: Effect) -> list[float]:
    """Return the losses that are shown: the mean with its band, and most of the trials."""
    losses = sorted(loss for _, loss in effect.tried)
    last = int(SHOWN_TRIALS_SHARE * (len(losses) - 1))
    low = min([*effect.low, losses[0]])
    high = max([*effect.losses, losses[last]])
    margin = MARGIN_SHARE * (high - low)
    return [low - margin, high + margin]


def _shading(good: GoodRange, axis: str) -> dict[str, Any]:
    """Return a rectangle over the good range."""
    return {
        "type": "rect",
        "xref": f"x{axis}",
        "yref": f"y{axis} domain",
        "x0": good.values[0],
        "x1": good.values[1],
        "y0": 0,
        "y1": 1,
        "fillcolor": "@line",
        "opacity": 0.35,
        "line": {"width": 0},
        "layer": "below",
    }
