"""The style that all figures share: colours and symbols of families, labels, axes, layout.

A figure is plotly's JSON, made of plain dictionaries: importing plotly's Python would take longer
than writing the page. Strings that begin with @ are colours of the page's style sheet; report.js,
which knows whether the page is dark, replaces them.
"""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from automl.formatting import visible
from automl.study import Study
from automl.trial import Trial

Trace = dict[str, Any]
Member = tuple[Trial, float]  # with its weight

# Middle tones stand out from white and from near-black alike (3:1 or more); symbols tell families
# apart without colour.
FAMILY_STYLES: Mapping[str, tuple[str, str]] = {
    "lightgbm": ("#2a9460", "circle"),
    "catboost": ("#d0760f", "square"),
    "xgboost": ("#3a82cc", "diamond"),
    "extra_trees": ("#9a6ad0", "triangle-up"),
    "random_forest": ("#cf5490", "triangle-down"),
    "linear": ("#cf4a4a", "cross"),
    "mlp": ("#9a7d0a", "hexagram"),
    "knn": ("#1a93a3", "x"),
    "realmlp": ("#6c7fd8", "star-diamond"),
    "tabm": ("#b0587a", "hexagon2"),
    "tabicl": ("#5f8f3f", "star-square"),
    "tabpfn": ("#b3702e", "star-triangle-up"),
    "constant": ("#7c8694", "star"),
}
OTHER_STYLES = (
    ("#a5793a", "pentagon"),
    ("#4f8a8b", "hexagon"),
    ("#74922a", "hourglass"),
    ("#8d6e63", "bowtie"),
)
STAGE_COLORS = tuple(
    FAMILY_STYLES[family][0] for family in ("xgboost", "catboost", "lightgbm", "extra_trees")
)
MIN_LOG_TICKS = 3
TICK_DIGITS = (  # first digits of the ticks of a logarithmic axis, ever finer
    (1.0,),
    (1.0, 2.0, 5.0),
    tuple(map(float, range(1, 10))),
    tuple(quarters / 4 for quarters in range(4, 40)),
)
NAMES_AXIS: Mapping[str, Any] = {"autorange": "reversed", "automargin": True}  # first one on top
HOVER_LABEL: Mapping[str, Any] = {
    "bgcolor": "@paper",
    "bordercolor": "@line",
    "font": {"color": "@ink"},
}
LEGEND_ABOVE: Mapping[str, Any] = {  # above the figure
    "orientation": "h",
    "y": 1.02,
    "yanchor": "bottom",
    "x": 0,
    "traceorder": "normal",
}
MAX_LABEL_CHARACTERS = 60


@dataclass(frozen=True)
class Figure:
    """A figure with its heading and a description, which screen readers read out.

    Parameters
    ----------
    name : str
        Unique in its page.
    heading : str
    about : str
        A description in a sentence or two.
    data : list of dict
        plotly's traces.
    layout : dict
        plotly's layout.
    """

    name: str
    heading: str
    about: str
    data: list[Trace]
    layout: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Return the values that plotly draws; infinity and NaN, which JSON lacks, become null."""
        return {
            "name": self.name,
            "data": _finite(self.data),
            "layout": _finite(self.layout),
        }


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_finite(part) for part in value]
    is_lacking = isinstance(value, float) and not math.isfinite(value)
    return None if is_lacking else value


def make_layout(height: int, x: Mapping[str, Any], y: Mapping[str, Any]) -> dict[str, Any]:
    """Return a figure's layout from its height in pixels and the properties of its two axes."""
    axis = {
        "gridcolor": "@line",
        "linecolor": "@line",
        "zerolinecolor": "@line",
        "automargin": True,
    }
    return {
        "height": height,
        "margin": {"l": 60, "r": 40, "t": 56, "b": 50},  # top: plotly's buttons, then the legend
        "paper_bgcolor": "@paper",
        "plot_bgcolor": "@paper",
        "font": {"color": "@ink", "family": "system-ui, sans-serif", "size": 13},
        "hoverlabel": HOVER_LABEL,
        "legend": LEGEND_ABOVE,
        "xaxis": axis | _with_title(x),
        "yaxis": axis | _with_title(y),
    }


def _with_title(axis: Mapping[str, Any]) -> dict[str, Any]:
    """Return an axis whose title, if it has one, is written as plotly wants it."""
    plain = dict(axis)
    if "title" in plain:
        plain["title"] = {"text": plain["title"], "standoff": 8}
    return plain


def loss_axis(losses: Sequence[float]) -> dict[str, Any]:
    """Return an axis for losses, which is logarithmic where they differ by a factor of two or more.

    On a linear axis the baseline would flatten all differences that matter.
    """
    low = min(losses)
    high = max(losses)
    if low <= 0 or high < 2 * low:
        return {}
    return log_axis(low, high)


def log_axis(low: float, high: float) -> dict[str, Any]:
    """Return a logarithmic axis from `low` to `high`, both positive, with round ticks."""
    ticks = round_ticks(low, high)
    labels = [f"{tick:g}" for tick in ticks]
    return {"type": "log", "tickvals": ticks, "ticktext": labels}


def round_ticks(low: float, high: float) -> list[float]:
    """Return round numbers from `low` to `high`, both positive, for a logarithmic axis.

    They are the coarsest set that has three or more of them, or else the finest set.

    >>> round_ticks(0.08, 0.7), round_ticks(3.1, 6.5)
    ([0.1, 0.2, 0.5], [4.0, 5.0, 6.0])
    """
    first = math.floor(math.log10(low))
    last = math.ceil(math.log10(high))
    for digits in TICK_DIGITS:
        ticks = []
        for exponent in range(first, last + 1):
            numbers = [float(f"{digit:g}e{exponent}") for digit in digits]
            ticks += [number for number in numbers if low <= number <= high]
        if len(ticks) >= MIN_LOG_TICKS:
            break
    return ticks


def families_of(study: Study) -> list[str]:
    """Return the families that were tried, those of `FAMILY_STYLES` first and in its order."""
    tried = {trial.candidate.family for trial in study.trials.values()}
    known = [family for family in FAMILY_STYLES if family in tried]
    return known + sorted(tried - FAMILY_STYLES.keys())


def style_of(family: str, study: Study) -> tuple[str, str]:
    """Return colour and symbol of a family, the same in every figure."""
    if family in FAMILY_STYLES:
        return FAMILY_STYLES[family]
    others = [name for name in families_of(study) if name not in FAMILY_STYLES]
    index = others.index(family) % len(OTHER_STYLES)
    return OTHER_STYLES[index]


def color_of(family: str, study: Study) -> str:
    """Return the colour of a family, the same in every figure."""
    color, _ = style_of(family, study)
    return color


def escape_label(text: str) -> str:
    """Return a text for plotly, which would take tags in it for markup."""
    return html.escape(visible(text, MAX_LABEL_CHARACTERS))


def model_name(trial: Trial) -> str:
    """Return family and recipe of a trial."""
    family = escape_label(trial.candidate.family)
    recipe = escape_label(trial.candidate.recipe.name)
    return f"{family} {recipe}"


def member_names(weighted: Sequence[Member]) -> list[str]:
    """Return a name for each member that ends in the beginning of its id.

    Two members may share family and recipe.
    """
    return [f"{model_name(trial)} {trial.id[:4]}" for trial, _ in weighted]
