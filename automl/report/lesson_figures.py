"""The figures of what a run teaches: shares of importance with their uncertainty, and effect curves with the trials behind them."""

from __future__ import annotations

import math
from typing import Any

from automl.insight import Insight, Lesson
from automl.insight.effects import Effect, GoodRange
from automl.report.figures import Figure, Trace, color_of, label, layout_of, log_axis
from automl.report.lessons import value
from automl.trial import Study

SHOWN = 6  # effect curves of a family, of the hyperparameters that matter most
COLUMNS = 3
ROW = 250  # pixels
BELOW = 70  # pixels between two rows of curves
GAP = 0.08  # of the width between two curves
TRIALS = 200  # dots of a curve at most


def lesson_figures(study: Study, insight: Insight) -> list[Figure]:
    """Two figures for each family that taught something."""
    return [
        figure
        for lesson in insight.lessons
        for figure in (importance(study, lesson), curves(study, lesson))
    ]


def importance(study: Study, lesson: Lesson) -> Figure:
    """Bars with the intervals of the shares."""
    shown = lesson.importance
    bar = {
        "type": "bar",
        "orientation": "h",
        "x": [one.share for one in shown],
        "y": [label(one.name) for one in shown],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [one.high - one.share for one in shown],
            "arrayminus": [one.share - one.low for one in shown],
            "color": "@ink",
            "thickness": 1,
        },
        "customdata": [one.total for one in shown],
        "marker": {"color": color_of(lesson.family, study)},
        "hovertemplate": "%{y}<br>by itself %{x:.0%}, with others %{customdata:.0%}<extra></extra>",
    }
    axis = {"title": "share of what moves the loss", "tickformat": ".0%", "range": [0, 1]}
    layout = layout_of(
        110 + 26 * len(shown), axis, {"autorange": "reversed", "automargin": True}
    ) | {"showlegend": False}
    most = shown[0]
    about = (
        f"How much of the variance of the loss over the whole range each hyperparameter explains by itself, with 95% intervals. "
        f"{label(most.name)} explains most: {most.share:.0%}."
    )
    return Figure(f"importance-{label(lesson.family)}", "What matters", about, [bar], layout)


def curves(study: Study, lesson: Lesson) -> Figure:
    """The loss by each of the hyperparameters that matter most, side by side."""
    by_name = {curve.name: curve for curve in lesson.effects}
    good = {one.name: one for one in lesson.ranges}
    shown = [by_name[one.name] for one in lesson.importance[:SHOWN]]
    rows = math.ceil(len(shown) / COLUMNS)
    layout: dict[str, Any] = layout_of(ROW * rows + 60, {}, {}) | {
        "showlegend": False,
        "shapes": [],
    }
    traces: list[Trace] = []
    for nth, curve in enumerate(shown):
        ids = ("" if nth == 0 else str(nth + 1),) * 2
        traces += [
            {**trace, "xaxis": f"x{ids[0]}", "yaxis": f"y{ids[1]}"}
            for trace in _curve(curve, color_of(lesson.family, study))
        ]
        layout |= _axes(curve, nth, rows, ids[0])
        if good[curve.name].is_interval:
            layout["shapes"].append(_stretch(good[curve.name], ids[0]))
    about = (
        f"The loss by each hyperparameter with the others at their best, and the band that holds it in 95% of cases. "
        f"Dots are the {len(lesson.effects[0].tried)} trials, whatever their other values. "
        "What is shaded is as good as the best, within a standard error."
    )
    return Figure(
        f"effects-{label(lesson.family)}", "How sensitive the loss is", about, traces, layout
    )


def _curve(curve: Effect, color: str) -> list[Trace]:
    """Band, line and dots."""
    x = [value(one) for one in curve.values] if curve.kind == "choice" else list(curve.values)
    step = max(1, math.ceil(len(curve.tried) / TRIALS))
    tried = curve.tried[::step]
    dots = {
        "type": "scatter",
        "mode": "markers",
        "x": [value(one) if curve.kind == "choice" else one for one, _ in tried],
        "y": [loss for _, loss in tried],
        "marker": {"color": "@soft", "size": 5, "opacity": 0.6},
        "hovertemplate": f"{label(curve.name)} %{{x}}: %{{y:.6g}}<extra></extra>",
    }
    if curve.kind == "choice":
        up = [high - loss for high, loss in zip(curve.high, curve.losses, strict=True)]
        down = [loss - low for low, loss in zip(curve.low, curve.losses, strict=True)]
        bars = {
            "type": "data",
            "symmetric": False,
            "array": up,
            "arrayminus": down,
            "color": color,
            "thickness": 1.5,
        }
        means = {
            "type": "scatter",
            "mode": "markers",
            "x": x,
            "y": list(curve.losses),
            "error_y": bars,
            "marker": {"color": color, "size": 9},
        }
        return [dots, means | {"hovertemplate": "%{x}: %{y:.6g}<extra></extra>"}]
    edge = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "line": {"width": 0, "color": color},
        "hoverinfo": "skip",
    }
    line = {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": list(curve.losses),
        "line": {"color": color, "width": 2},
    }
    return [
        edge | {"y": list(curve.low)},
        edge | {"y": list(curve.high), "fill": "tonexty", "fillcolor": f"{color}33"},
        dots,
        line | {"hovertemplate": f"{label(curve.name)} %{{x:.4g}}: %{{y:.6g}}<extra></extra>"},
    ]


def _axes(curve: Effect, nth: int, rows: int, name: str) -> dict[str, Any]:
    """The two axes of a curve, which lies in a grid."""
    column, row = nth % COLUMNS, nth // COLUMNS
    between = BELOW / (ROW * rows)
    width, height = (1 - GAP * (COLUMNS - 1)) / COLUMNS, (1 - between * (rows - 1)) / rows
    left, top = column * (width + GAP), 1 - row * (height + between)
    plain = layout_of(0, {}, {})
    x = plain["xaxis"] | {
        "domain": [left, left + width],
        "anchor": f"y{name}",
        "title": {"text": label(curve.name), "standoff": 4},
    }
    y = plain["yaxis"] | {
        "domain": [max(0.0, top - height), top],
        "anchor": f"x{name}",
        "range": _window(curve),
    }
    if curve.kind == "log":
        x |= log_axis(curve.values[0], curve.values[-1])
    elif curve.kind == "choice":
        x |= {"type": "category"}
    return {f"xaxis{name}": x, f"yaxis{name}": y}


def _window(curve: Effect) -> list[float]:
    """What is shown of the losses: the curve with its band, and the better nine tenths of the trials."""
    losses = sorted(loss for _, loss in curve.tried)
    low = min([*curve.low, losses[0]])
    high = max([*curve.losses, losses[int(0.9 * (len(losses) - 1))]])
    return [low - 0.05 * (high - low), high + 0.05 * (high - low)]


def _stretch(good: GoodRange, name: str) -> dict[str, Any]:
    """The good range as a stretch of the axis."""
    return {
        "type": "rect",
        "xref": f"x{name}",
        "yref": f"y{name} domain",
        "x0": good.values[0],
        "x1": good.values[1],
        "y0": 0,
        "y1": 1,
        "fillcolor": "@line",
        "opacity": 0.35,
        "line": {"width": 0},
        "layer": "below",
    }
