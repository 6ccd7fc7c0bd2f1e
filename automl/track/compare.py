"""`automl compare`: the settings in which runs differ, and how much better or worse they are."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from automl.formatting import align_columns, decimal_places, format_duration, format_number, visible
from automl.insight.change import compare_losses
from automl.metrics import metric_of
from automl.study import Evaluation, Study
from automl.track.experiment import Experiment

NORMAL_95 = 1.96  # half of a 95% interval in standard errors
MAX_P_VALUE = 0.05  # of a significant difference
MAX_CELL_CHARACTERS = 60
CHANGE_DIGITS = 3
OUTCOMES = (
    "score",
    "95% interval",
    "test score",
    "metric",
    "time",
    "candidates",
    "members",
    "state",
)


@dataclass(frozen=True)
class ScoreDifference:
    """The loss of a run minus that of the first one.

    Parameters
    ----------
    difference : float
        Below 0 is better; NaN if unknown.
    error : float or None
        Its standard error; None if unknown.
    p : float or None
        Probability of a difference as large if there is none in truth; None if unknown.
    how : {"paired by fold", "by intervals", "unknown", "not comparable", "other folds"}
        By the ensembles' losses on the same folds; or, with other folds or rows, by both
        intervals. Where rows are held out in another way (by groups, by time, copies together),
        scores answer another question, and neither run is the better one for its score.
    """

    difference: float
    error: float | None
    p: float | None
    how: Literal["paired by fold", "by intervals", "unknown", "not comparable", "other folds"]

    @property
    def verdict(self) -> str:
        """The effect in words."""
        if self.how == "not comparable":
            return "another metric or target: not comparable"
        if self.how == "other folds":
            return "rows are held out in another way: not comparable by score"
        if self.p is None:
            return "not known to be significant"
        direction = "better" if self.difference < 0 else "worse"
        words = "not significant"
        if self.p < MAX_P_VALUE:
            words = f"significantly {direction}"
        return f"{words} (p = {self.p:.2g}, {self.how})"


def effect(first: Experiment, other: Experiment) -> ScoreDifference:
    """Return how a run's loss compares with the first one's."""
    one = first.study
    two = other.study
    if not _have_same_task(one, two):
        return ScoreDifference(math.nan, None, None, "not comparable")
    if one.evaluation is None or two.evaluation is None:
        return ScoreDifference(math.nan, None, None, "unknown")
    if _held_out_rows(first) != _held_out_rows(other):
        return ScoreDifference(math.nan, None, None, "other folds")
    before = one.evaluation.folds
    after = two.evaluation.folds
    has_same_folds = len(before) == len(after) > 1
    if has_same_folds and first.data == other.data:
        found = compare_losses(before, after, one.plan)
        return ScoreDifference(found.difference, found.error, found.p, "paired by fold")
    return _effect_by_intervals(one.evaluation, two.evaluation)


def _have_same_task(one: Study, two: Study) -> bool:
    """Return whether both runs know their task, and it has the same metric and target."""
    if one.task is None or two.task is None:
        return False
    if one.task.metric != two.task.metric:
        return False
    return one.task.target == two.task.target


def _effect_by_intervals(one: Evaluation, two: Evaluation) -> ScoreDifference:
    difference = two.loss - one.loss
    errors = []
    for evaluation in (one, two):
        width = evaluation.high - evaluation.low
        errors.append(width / (2 * NORMAL_95))
    error = math.hypot(*errors)
    p = None
    if error:
        deviations = abs(difference) / error
        p = math.erfc(deviations / math.sqrt(2))
    return ScoreDifference(difference, error, p, "by intervals")


def _held_out_rows(experiment: Experiment) -> tuple[str, str, str]:
    """Return which rows a score is for, as names of time and group columns, and "copies".

    Rows may be later than those trained on or in between, of known groups or of new ones, and
    copies of rows that were trained on may be among them or not.
    """
    plan = experiment.study.plan
    data = experiment.data
    times = ""
    groups = ""
    if plan.kind == "time":
        times = str(data.get("time", "yes"))
    if plan.together == "groups" or "group" in data:
        groups = str(data.get("group", "yes"))
    copies = "copies" if plan.together == "copies" else ""
    return times, groups, copies


def differences(experiments: Sequence[Experiment]) -> dict[str, list[str]]:
    """Return settings that are not the same in all experiments.

    Returns
    -------
    dict of str to list of str
        A setting's value in each experiment by its name; empty where an experiment has none.
    """
    settings = [experiment.settings() for experiment in experiments]
    all_names = itertools.chain.from_iterable(settings)
    differing = {}
    for name in dict.fromkeys(all_names):
        values = [own.get(name, "") for own in settings]
        if len(set(values)) > 1:
            differing[name] = values
    return differing


def to_json(experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Return outcomes, differences and effects as plain values."""
    first, *others = experiments
    effects = [_effect_to_json(first, other) for other in others]
    return {
        "runs": [_outcome(experiment) for experiment in experiments],
        "differences": differences(experiments),
        "effects": effects,
    }


def _outcome(experiment: Experiment) -> dict[str, Any]:
    score = experiment.expected
    return {
        "run": str(experiment.folder),
        "metric": experiment.metric,
        "score": None if score is None else score.score,
        "low": None if score is None else score.low,
        "high": None if score is None else score.high,
        "test": experiment.study.test.get("score"),
        "seconds": experiment.timeline.last,
        "candidates": len(experiment.study.trials),
        "members": len(experiment.study.weights),
        "state": experiment.state,
    }


def _effect_to_json(first: Experiment, other: Experiment) -> dict[str, Any]:
    found = effect(first, other)
    difference = None
    if math.isfinite(found.difference):
        difference = found.difference
    return {
        "run": str(other.folder),
        "difference": difference,
        "error": found.error,
        "p": found.p,
        "how": found.how,
        "verdict": found.verdict,
    }


def text(experiments: Sequence[Experiment]) -> str:
    """Return outcomes side by side, the settings that differ, and the effects."""
    names = [visible(experiment.folder, MAX_CELL_CHARACTERS) for experiment in experiments]
    first, *others = experiments
    effects = [_effect_text(first, other) for other in others]
    parts = [
        _outcomes(names, experiments),
        _differing_settings(names, experiments),
        "\n".join(effects),
    ]
    return "\n\n".join(parts)


def _outcomes(names: Sequence[str], experiments: Sequence[Experiment]) -> str:
    headings = ("", *names)
    columns = [_outcome_cells(experiment) for experiment in experiments]
    lines = list(zip(OUTCOMES, *columns, strict=True))
    if not any(experiment.study.test for experiment in experiments):
        del lines[OUTCOMES.index("test score")]
    return align_columns([headings, *lines], left=headings)


def _differing_settings(names: Sequence[str], experiments: Sequence[Experiment]) -> str:
    headings = ("what differs", *names)
    lines = []
    for name, values in differences(experiments).items():
        cells = [visible(cell, MAX_CELL_CHARACTERS) for cell in (name, *values)]
        lines.append(tuple(cells))
    if not lines:
        return "Nothing differs."
    return align_columns([headings, *lines], left=headings)


def _outcome_cells(experiment: Experiment) -> list[str]:
    """Return an experiment's column under the names of `OUTCOMES`."""
    score = experiment.expected
    test_score = experiment.study.test.get("score")
    return [
        score.score_text if score else "none",
        score.ends_text if score else "",
        format_number(test_score, decimal_places(test_score)),
        experiment.metric,
        format_duration(experiment.timeline.last),
        str(len(experiment.study.trials)),
        str(len(experiment.study.weights)),
        experiment.state,
    ]


def _effect_text(first: Experiment, other: Experiment) -> str:
    found = effect(first, other)
    runs = f"{visible(other.folder)} against {visible(first.folder)}"
    evaluation = first.study.evaluation
    if evaluation is None or not math.isfinite(found.difference):
        return f"{runs}: {found.verdict}"
    metric = metric_of(first.study.known_task)
    loss = evaluation.loss
    before = metric.score(loss)
    now = metric.score(loss + found.difference)
    change = now - before
    sign = "+" if change > 0 else ""
    decimals = decimal_places(change, CHANGE_DIGITS)
    return f"{runs}: {metric.name} {sign}{format_number(change, decimals)}, {found.verdict}"
