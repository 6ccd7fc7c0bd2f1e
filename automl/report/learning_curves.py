"""The figure of learning curves: losses on held-out rows, round by round."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from automl.candidate import Split
from automl.formatting import visible
from automl.report.plotting import FAMILY_STYLES, Figure, Trace, loss_axis, make_layout
from automl.report.summary import weighted_members
from automl.run_files import TRIALS
from automl.study import Study
from automl.trial import Trial

MAX_CANDIDATES = 20  # whose curves are in the figure
MAX_POINTS = 100  # of a curve
FOLD_COLORS = [color for color, _ in FAMILY_STYLES.values()][:8]
FOLD_DASHES = ("solid", "dash", "dot")  # one after the other, when all colours are used
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
LEGEND_RIGHT: Mapping[str, Any] = {  # to the right of the figure
    "orientation": "v",
    "x": 1.01,
    "xanchor": "left",
    "y": 1,
    "yanchor": "top",
    "traceorder": "normal",
}

Curve = list[list[float]]  # pairs of round and loss
Curves = Mapping[tuple[int, int], Curve]  # by repeat and fold


def draw_learning_curves(study: Study, folder: Path) -> Figure | None:
    """Draw learning curves of one candidate at a time, chosen in a menu, members first."""
    trials = {trial.id: trial for trial, _ in weighted_members(study)}
    for trial in study.ranked:
        trials.setdefault(trial.id, trial)
    curves: dict[str, Curves] = {}
    for name, trial in trials.items():
        if len(curves) == MAX_CANDIDATES:
            break
        found = _read_curves(study, folder, trial)
        if found:
            curves[name] = found
    if not curves:
        return None
    return _figure(study, curves)


def _read_curves(study: Study, folder: Path, trial: Trial) -> Curves:
    """Return the curves of a trial that have more than one point."""
    curves = {}
    for split in study.plan.splits:
        curve = read_curve(folder, trial, split)
        if len(curve) > 1:
            curves[split] = curve
    return curves


def read_curve(folder: Path, trial: Trial, split: Split) -> Curve:
    """Return the learning curve of a fit, which is empty if it has none or its file is gone."""
    key = trial.key_at(*split)
    path = folder / TRIALS / trial.id / f"{key}.json"
    if key is None or not path.exists():
        return []
    text = path.read_text(encoding="utf-8")
    details = json.loads(text)
    curve: Curve = details.get("curve", [])
    return curve


def _figure(study: Study, curves: Mapping[str, Curves]) -> Figure:
    """Draw all curves; those of the first candidate are visible until another one is chosen."""
    first = next(iter(curves))
    traces = []
    owners = []
    losses: list[float] = []
    for name, of_folds in curves.items():
        for index, split in enumerate(of_folds):
            trace = _line(study, index, split, of_folds[split])
            trace["visible"] = name == first
            losses += trace["y"]
            traces.append(trace)
            owners.append(name)
    y_axis = {"title": "loss on held-out rows"} | loss_axis(losses)
    layout = make_layout(400, {"title": "round"}, y_axis)
    layout["legend"] = dict(LEGEND_RIGHT)
    if len(curves) > 1:
        menu = _menu(study, list(curves), owners)
        layout["updatemenus"] = [menu]
        which = "One candidate at a time, chosen in the menu, those of the predictor first"
    else:
        which = _candidate_name(study.trials[first])
    about = f"{which}. One line a fold: the loss of early stopping, which need not be the metric."
    return Figure("curve", "Learning curves", about, traces, layout)


def _menu(study: Study, names: list[str], owners: list[str]) -> dict[str, Any]:
    """Return a menu of the candidates, given the candidate of each trace."""
    buttons = []
    for name in names:
        is_visible = [owner == name for owner in owners]
        button = {
            "label": _candidate_name(study.trials[name]),
            "method": "restyle",
            "args": ["visible", is_visible],
        }
        buttons.append(button)
    return {**MENU, "buttons": buttons}


def _candidate_name(trial: Trial) -> str:
    family = visible(trial.candidate.family)
    recipe = visible(trial.candidate.recipe.name)
    return f"{family} {recipe} {trial.id}"


def _thinned(curve: Curve) -> Curve:
    """Return a hundred points of a curve at most, evenly spaced, among them the first and last."""
    last = len(curve) - 1
    positions = set()
    for point in range(MAX_POINTS):
        position = point * last / (MAX_POINTS - 1)
        positions.add(round(position))
    return [curve[position] for position in sorted(positions)]


def _line(study: Study, index: int, split: tuple[int, int], curve: Curve) -> Trace:
    """Draw the curve of a candidate's fold; `index` counts the folds."""
    points = _thinned(curve)
    repeat, fold = split
    name = f"fold {fold + 1}"
    if study.plan.repeats > 1:
        name += f", repeat {repeat + 1}"
    round_of_colors, color_index = divmod(index, len(FOLD_COLORS))
    dash = FOLD_DASHES[round_of_colors % len(FOLD_DASHES)]
    line = {"color": FOLD_COLORS[color_index], "width": 1.5, "dash": dash}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": name,
        "x": [point[0] for point in points],
        "y": [point[1] for point in points],
        "line": line,
        "hovertemplate": "round %{x}: %{y:.6g}",
    }
