"""What smaller predictors of a run cost and lose, in lines of text."""

from __future__ import annotations

import math
from pathlib import Path

from automl.formatting import align_columns, decimal_places, format_number
from automl.metrics import Metric
from automl.run.proposals import MAX_COST_SHARE, SmallModel
from automl.run.small import SmallModels

HEADINGS = ("model", "ms a row", "MB", "score", "costs", "95% interval", "made of", "")
KINDS = ("pruned", "single", "distilled")
LEFT_ALIGNED = ("model", "made of", "")


def text(
    small: SmallModels,
    metric: Metric,
    output: Path,
) -> str:
    """Return a table of the models, and which one was written and why.

    Parameters
    ----------
    small : SmallModels
    metric : Metric
    output : Path
        The file that was written.
    """
    rows: list[tuple[str, ...]] = [HEADINGS]
    for model in (small.ensemble, *small.models):
        rows.append(_cells(model, small, metric))
    lines = [align_columns(rows, LEFT_ALIGNED), ""]
    lines.append(
        f"Costs: how much higher {metric.loss_name} is than the ensemble's on the held-out rows."
    )
    made = {model.kind for model in small.models}
    for kind in KINDS:
        if kind not in made and (kind != "distilled" or small.can_distil):
            lines.append(
                f"There is no {kind} model: there was no time for one, or none was worth building."
            )
    if not small.can_distil:
        lines.append("The models of the folds are gone from the run's folder: none was distilled.")
    lines.append(f"Written: {output}, the {small.chosen.kind} model: {_reason(small)}.")
    return "\n".join(lines)


def _cells(
    model: SmallModel,
    small: SmallModels,
    metric: Metric,
) -> tuple[str, ...]:
    """Return a model's cells under `HEADINGS`."""
    score = metric.score(model.loss)
    cost = model.cost
    difference = model.difference
    ends = ""
    costs = ""
    if model is not small.ensemble:
        low = _share(difference.low, small)
        high = _share(difference.high, small)
        ends = f"{low} to {high}"
        costs = _share(difference.mean, small)
    return (
        model.kind,
        f"{cost.milliseconds:.2f}",
        f"{cost.megabytes:.3f}",
        format_number(score, decimal_places(score)),
        costs,
        ends,
        _members(model),
        "written" if model is small.chosen else "",
    )


def _share(difference: float, small: SmallModels) -> str:
    """Return a difference of losses as a share of the ensemble's, or as it is where that is 0."""
    if not math.isfinite(difference):
        return "unknown"
    loss = abs(small.ensemble.loss)
    if not loss > 0:
        return f"{difference:+.3g}"
    return f"{difference / loss:+.1%}"


def _members(model: SmallModel) -> str:
    """Return the families of a model's members, with the number of their fitted models."""
    words = []
    for member in model.predictor.members:
        count = len(member.parts)
        times = f" x {count}" if count > 1 else ""
        words.append(f"{member.family_name}{times}")
    return ", ".join(words)


def _reason(small: SmallModels) -> str:
    """Return why a model was chosen."""
    if small.price.is_bounded:
        return f"the least loss of those that keep to {small.price}"
    most = MAX_COST_SHARE * abs(small.ensemble.loss)
    if small.chosen.difference.mean <= most:
        return f"the smallest whose loss is at most {MAX_COST_SHARE:.0%} above the ensemble's"
    return f"none keeps within {MAX_COST_SHARE:.0%} of the ensemble's loss, and it comes nearest"
