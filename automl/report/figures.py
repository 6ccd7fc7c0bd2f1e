"""The figures of the page as plotly's JSON, made as plain dictionaries: importing plotly's Python would take longer than the page.

Words that begin with @ are colours of the page's style sheet, put in by report.js, which knows whether it is dark.
"""

from __future__ import annotations

import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from automl.formatting import counted, duration, number, places, visible
from automl.metrics import metric_of
from automl.report.summary import members
from automl.timeline import Timeline
from automl.trial import Study, Trial

Trace = dict[str, Any]

# Middle tones that stand out from white and from near-black alike (3:1 or more); shapes tell families apart without colour.
LOOKS: Mapping[str, tuple[str, str]] = {
    "lightgbm": ("#2a9460", "circle"),
    "catboost": ("#d0760f", "square"),
    "xgboost": ("#3a82cc", "diamond"),
    "extra_trees": ("#9a6ad0", "triangle-up"),
    "random_forest": ("#cf5490", "triangle-down"),
    "linear": ("#cf4a4a", "cross"),
    "mlp": ("#9a7d0a", "hexagram"),
    "knn": ("#1a93a3", "x"),
    "constant": ("#7c8694", "star"),
}
FEWEST_TICKS = 3  # of a logarithmic axis
TICKS = (
    (1.0,),
    (1.0, 2.0, 5.0),
    tuple(map(float, range(1, 10))),
    tuple(nth / 4 for nth in range(4, 40)),
)  # first digits, ever finer
MOST_CURVES = 20  # candidates whose learning curves are shown
MENU: Mapping[str, Any] = {  # above the figure, at its left
    "type": "dropdown",
    "x": 0,
    "xanchor": "left",
    "y": 1.02,
    "yanchor": "bottom",
    "bgcolor": "@paper",
    "bordercolor": "@line",
    "font": {"color": "@ink"},
}
OTHERS = (
    ("#a5793a", "pentagon"),
    ("#6c7fd8", "hexagon"),
    ("#74922a", "hourglass"),
    ("#b0587a", "bowtie"),
)


@dataclass(frozen=True)
class Figure:
    """A figure with its heading and what it shows in a sentence, which those who can't see it are told too."""

    name: str
    heading: str
    about: str
    data: list[Trace]
    layout: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """What plotly draws; numbers that JSON lacks become null."""
        return {"name": self.name, "data": _finite(self.data), "layout": _finite(self.layout)}


def figures(study: Study, timeline: Timeline, folder: Path) -> list[Figure]:
    """Every figure for which the study holds something."""
    if study.task is None:
        return []
    made = (
        loss_over_time(study, timeline),
        weights(study),
        fold_scores(study),
        training_time(study),
        learning_curve(study, folder),
    )
    return [figure for figure in made if figure is not None]


def loss_over_time(study: Study, timeline: Timeline) -> Figure | None:
    """Each complete trial when it was complete, and the best loss until then."""
    ended = sorted(
        ((timeline.completed(trial), trial) for trial in study.ranked), key=lambda pair: pair[0]
    )
    if not ended:
        return None
    dots = [
        _dots(name, [pair for pair in ended if pair[1].candidate.family == name], study)
        for name in _families(study)
    ]
    ensemble = (
        [_ensemble_dot(study, timeline.ended)]
        if len(study.weights) > 1 and "loss" in study.verdict
        else []
    )
    title = f"loss: {metric_of(study.the_task).loss_name}"
    axis = {"title": title} | _loss_axis(
        [*(trial.loss for _, trial in ended), *(dot["y"][0] for dot in ensemble)]
    )
    layout = layout_of(400, {"title": "seconds since the start", "rangemode": "tozero"}, axis)
    about = (
        f"{counted(len(ended), 'complete trial')} by the second at which the last fold was there; lower is better. "
        f"The line is the best single model's loss so far: {number(ended[0][1].loss, places(ended[0][1].loss))} with the first, "
        f"{number(study.ranked[0].loss, places(study.ranked[0].loss))} at the end."
        + (
            " The star is the ensemble's, with what its choice flatters it by taken off."
            if ensemble
            else ""
        )
    )
    return Figure(
        "loss",
        "Loss over time",
        about,
        [_best_line(ended, timeline.last), *dots, *ensemble],
        layout,
    )


def _ensemble_dot(study: Study, last: float) -> Trace:
    """The ensemble's loss, at the run's end."""
    loss = study.verdict["loss"]
    metric = metric_of(study.the_task)
    text = f"ensemble of {len(study.weights)}<br>{metric.name} {number(metric.score(loss), places(loss))}"
    marker = {
        "color": "@ink",
        "symbol": "star",
        "size": 13,
        "line": {"color": "@paper", "width": 1},
    }
    dot = {
        "type": "scatter",
        "mode": "markers",
        "name": "ensemble",
        "x": [round(last, 2)],
        "y": [loss],
        "marker": marker,
    }
    return dot | {"text": [text], "hovertemplate": "%{text}<br>%{x:.1f} s<extra></extra>"}


def _best_line(ended: Sequence[tuple[float, Trial]], last: float) -> Trace:
    seconds, losses = [], []
    best = math.inf
    for second, trial in ended:
        if trial.loss < best:
            best = trial.loss
            seconds.append(second)
            losses.append(best)
    line = {"color": "@ink", "width": 1.5, "shape": "hv"}
    drawn = {"x": [*seconds, last], "y": [*losses, best], "line": line, "hoverinfo": "skip"}
    return {"type": "scatter", "mode": "lines", "name": "best so far"} | drawn


def _dots(name: str, ended: Sequence[tuple[float, Trial]], study: Study) -> Trace:
    metric = metric_of(study.the_task)
    color, symbol = _look(name, study)
    scores = [number(metric.score(trial.loss), places(trial.loss)) for _, trial in ended]
    texts = [
        f"{_name(trial)}<br>{metric.name} {score}<br>{label(trial.candidate.origin)} {trial.id}"
        for (_, trial), score in zip(ended, scores, strict=True)
    ]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "x": [round(second, 2) for second, _ in ended],
        "y": [trial.loss for _, trial in ended],
        "text": texts,
        "hovertemplate": "%{text}<br>%{x:.1f} s<extra></extra>",
        "marker": {
            "color": color,
            "symbol": symbol,
            "size": 8,
            "opacity": 0.85,
            "line": {"color": "@paper", "width": 0.5},
        },
    }


def weights(study: Study) -> Figure | None:
    """The members' weights, heaviest on top."""
    chosen = members(study)
    if not chosen:
        return None
    bar = {
        "type": "bar",
        "orientation": "h",
        "x": [weight for _, weight in chosen],
        "y": _member_names(chosen),
        "text": [f"{weight:.0%}" for _, weight in chosen],
        "textposition": "outside",
        "cliponaxis": False,
        "textfont": {"color": "@ink"},
        "marker": {"color": [color_of(trial.candidate.family, study) for trial, _ in chosen]},
        "hovertemplate": "%{y}<br>weight %{x:.3f}<extra></extra>",
    }
    axis = {"title": "weight", "tickformat": ".0%", "range": [0, 1.12 * chosen[0][1]]}
    layout = layout_of(110 + 30 * len(chosen), axis, {"autorange": "reversed", "automargin": True})
    heaviest = f"{visible(chosen[0][0].candidate.family)} with {chosen[0][1]:.0%}"
    about = f"Their predictions are averaged with these weights. The heaviest is {heaviest}."
    return Figure("weights", "Weights of the members", about, [bar], layout | {"showlegend": False})


def fold_scores(study: Study) -> Figure | None:
    """Each member's score on every fold: how much of a difference is luck of the draw."""
    chosen = [(trial, weight) for trial, weight in members(study) if len(study.plan.splits) > 1]
    if not chosen:
        return None
    metric = metric_of(study.the_task)
    traces = []
    for name, (trial, _) in zip(_member_names(chosen), chosen, strict=True):
        color, symbol = _look(trial.candidate.family, study)
        held = {place: trial.losses[place] for place in study.plan.splits if place in trial.losses}
        scores = [metric.score(loss) for loss in held.values()]
        marker = {"color": color, "symbol": symbol, "size": 9, "opacity": 0.8}
        hover = [f"repeat {repeat + 1}, fold {fold + 1}" for repeat, fold in held]
        traces.append(
            _strip(scores, name, marker)
            | {"text": hover, "hovertemplate": "%{y}<br>%{text}: %{x:.6g}<extra></extra>"}
        )
        mean = {"color": "@ink", "symbol": "line-ns-open", "size": 16, "line": {"width": 2}}
        traces.append(
            _strip([metric.score(trial.loss)], name, mean)
            | {"hovertemplate": "%{y}<br>mean %{x:.6g}<extra></extra>"}
        )
    layout = layout_of(
        120 + 30 * len(chosen),
        {"title": metric.name},
        {"autorange": "reversed", "automargin": True},
    )
    better = "to the right" if metric.greater_is_better else "to the left"
    about = f"One mark a fold, the bar is their mean; further {better} is better. Where marks overlap, a difference may be luck."
    return Figure(
        "folds", "Scores of the members by fold", about, traces, layout | {"showlegend": False}
    )


def _strip(x: list[float], name: str, marker: Mapping[str, Any]) -> Trace:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": x,
        "y": [name] * len(x),
        "marker": dict(marker),
    }


def training_time(study: Study) -> Figure | None:
    """Seconds of training by family, by the stage that asked for them."""
    spent: dict[str, dict[str, float]] = {}
    for trial in study.trials.values():
        by_family = spent.setdefault(trial.candidate.origin or "other", {})
        by_family[trial.candidate.family] = (
            by_family.get(trial.candidate.family, 0.0) + trial.seconds
        )
    totals = {
        name: sum(part.get(name, 0.0) for part in spent.values()) for name in _families(study)
    }
    names = sorted((name for name in totals if totals[name] > 0), key=lambda name: -totals[name])
    if not names:
        return None
    bars = [
        {
            "type": "bar",
            "orientation": "h",
            "name": label(stage),
            "x": [round(part.get(name, 0.0), 3) for name in names],
            "y": [label(name) for name in names],
            "marker": {"color": color},
            "hovertemplate": f"%{{y}}, {label(stage)}: %{{x:.1f}} s<extra></extra>",
        }
        for (stage, part), color in zip(spent.items(), _cycled(len(spent)), strict=True)
    ]
    layout = layout_of(
        130 + 30 * len(names),
        {"title": "seconds of training"},
        {"autorange": "reversed", "automargin": True},
    )
    about = f"Seconds of all fits, those in vain included: {duration(sum(totals.values()))} together. {visible(names[0])} took the most."
    return Figure("time", "Training time by family", about, bars, layout | {"barmode": "stack"})


def learning_curve(study: Study, folder: Path) -> Figure | None:
    """What candidates watched on held-out rows, round by round: members of the predictor first, one at a time by a menu."""
    trials = {
        trial.id: trial for trial in [*(trial for trial, _ in members(study)), *study.ranked]
    }.values()
    found: dict[str, dict[tuple[int, int], list[list[float]]]] = {}
    labels: dict[str, str] = {}
    for trial in trials:
        if len(found) == MOST_CURVES:
            break
        read = {place: _curve(folder, trial, place) for place in study.plan.splits}
        if curves := {place: curve for place, curve in read.items() if len(curve) > 1}:
            found[trial.id] = curves
            labels[trial.id] = (
                f"{visible(trial.candidate.family)} {visible(trial.candidate.recipe.name)} {trial.id}"
            )
    return _curves(study, found, labels) if found else None


def _curves(
    study: Study,
    found: Mapping[str, Mapping[tuple[int, int], list[list[float]]]],
    labels: Mapping[str, str],
) -> Figure:
    """The curves of the first candidate, and a menu for the others."""
    traces = [
        {**_fold_curve(study, nth, place, curve), "visible": name == next(iter(found))}
        for name, curves in found.items()
        for nth, (place, curve) in enumerate(curves.items())
    ]
    owners = [name for name, curves in found.items() for _ in curves]
    seen = [loss for trace in traces for loss in trace["y"]]
    layout = layout_of(
        400, {"title": "round"}, {"title": "loss on held-out rows"} | _loss_axis(seen)
    )
    layout["legend"] = {
        "orientation": "v",
        "x": 1.01,
        "xanchor": "left",
        "y": 1,
        "yanchor": "top",
        "traceorder": "normal",
    }
    if len(found) > 1:
        buttons = [
            {
                "label": labels[name],
                "method": "restyle",
                "args": ["visible", [of == name for of in owners]],
            }
            for name in found
        ]
        layout["updatemenus"] = [{**MENU, "buttons": buttons}]
    which = (
        next(iter(labels.values()))
        if len(found) == 1
        else "One candidate at a time, chosen in the menu, those of the predictor first"
    )
    about = f"{which}. One line a fold: the loss on which it stopped early, which need not be the metric."
    return Figure("curve", "Learning curves", about, traces, layout)


def _fold_curve(study: Study, nth: int, place: tuple[int, int], curve: list[list[float]]) -> Trace:
    """One fold's curve, of a hundred points at most."""
    dashes = ("solid", "dash", "dot")  # beyond eight lines colours come again
    colors = [color for color, _ in LOOKS.values()][:8]
    points = [curve[at] for at in sorted({round(at * (len(curve) - 1) / 99) for at in range(100)})]
    repeat, fold = place
    return {
        "type": "scatter",
        "mode": "lines",
        "name": f"fold {fold + 1}" + (f", repeat {repeat + 1}" if study.plan.repeats > 1 else ""),
        "x": [point[0] for point in points],
        "y": [point[1] for point in points],
        "line": {
            "color": colors[nth % len(colors)],
            "width": 1.5,
            "dash": dashes[nth // len(colors) % len(dashes)],
        },
        "hovertemplate": "round %{x}: %{y:.6g}",
    }


def _curve(folder: Path, trial: Trial, place: tuple[int, int | None]) -> list[list[float]]:
    """The learning curve of a fit, or nothing if its file is gone."""
    key = trial.key_at(*place)
    path = folder / "trials" / trial.id / f"{key}.json"
    if key is None or not path.exists():
        return []
    curve: list[list[float]] = json.loads(path.read_text(encoding="utf-8")).get("curve", [])
    return curve


def layout_of(height: int, x: Mapping[str, Any], y: Mapping[str, Any]) -> dict[str, Any]:
    """A figure's layout: its height in pixels, and what its two axes have of their own."""
    axis = {
        "gridcolor": "@line",
        "linecolor": "@line",
        "zerolinecolor": "@line",
        "automargin": True,
    }
    return {
        "height": height,
        "margin": {
            "l": 60,
            "r": 40,
            "t": 56,
            "b": 50,
        },  # the bar of buttons stands above the legend
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "font": {"color": "@ink", "family": "system-ui, sans-serif", "size": 13},
        "hoverlabel": {"bgcolor": "@paper", "bordercolor": "@line", "font": {"color": "@ink"}},
        "legend": {
            "orientation": "h",
            "y": 1.02,
            "yanchor": "bottom",
            "x": 0,
            "traceorder": "normal",
        },
        "xaxis": axis | _titled(x),
        "yaxis": axis | _titled(y),
    }


def _titled(axis: Mapping[str, Any]) -> dict[str, Any]:
    return dict(axis) | (
        {"title": {"text": axis["title"], "standoff": 8}} if "title" in axis else {}
    )


def _loss_axis(losses: Sequence[float]) -> dict[str, Any]:
    """A logarithmic axis with readable ticks where losses spread: otherwise the baseline flattens all that matters."""
    low, high = min(losses), max(losses)
    if low <= 0 or high < 2 * low:
        return {}
    return log_axis(low, high)


def log_axis(low: float, high: float) -> dict[str, Any]:
    """A logarithmic axis from `low` to `high`, both positive, with round ticks."""
    ticks = round_ticks(low, high)
    return {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def round_ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`, both positive: as few to a power of ten as make three or more, if any do.

    >>> round_ticks(0.08, 0.7), round_ticks(3.1, 6.5)
    ([0.1, 0.2, 0.5], [4.0, 5.0, 6.0])
    """
    decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in TICKS:
        ticks = [
            float(f"{digit:g}e{decade}")
            for decade in decades
            for digit in digits
            if low <= float(f"{digit:g}e{decade}") <= high
        ]
        if len(ticks) >= FEWEST_TICKS:
            return ticks
    return ticks


def _families(study: Study) -> list[str]:
    """The families in play, those of LOOKS first and in its order."""
    known = {trial.candidate.family for trial in study.trials.values()}
    return [name for name in LOOKS if name in known] + sorted(known - LOOKS.keys())


def _look(family: str, study: Study) -> tuple[str, str]:
    """Colour and shape of a family, the same in every figure."""
    if family in LOOKS:
        return LOOKS[family]
    strangers = [name for name in _families(study) if name not in LOOKS]
    return OTHERS[strangers.index(family) % len(OTHERS)]


def color_of(family: str, study: Study) -> str:
    """Colour of a family, the same in every figure."""
    return _look(family, study)[0]


def _cycled(count: int) -> Iterable[str]:
    colors = [LOOKS[name][0] for name in ("xgboost", "catboost", "lightgbm", "extra_trees")]
    return [colors[nth % len(colors)] for nth in range(count)]


def label(text: str) -> str:
    """A text for plotly, which takes tags in it for markup."""
    return html.escape(visible(text, 60))


def _name(trial: Trial) -> str:
    return f"{label(trial.candidate.family)} {label(trial.candidate.recipe.name)}"


def _member_names(chosen: Sequence[tuple[Trial, float]]) -> list[str]:
    """Family and recipe, with the beginning of the id: two members may share both."""
    return [f"{_name(trial)} {trial.id[:4]}" for trial, _ in chosen]


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
