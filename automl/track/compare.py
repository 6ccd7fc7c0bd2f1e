"""`automl compare`: what differs between runs, and what that did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from automl.formatting import aligned, duration, number, places, visible
from automl.insight.change import paired
from automl.metrics import metric_of
from automl.track.experiment import Experiment

SURE = 1.96
SIGNIFICANT = 0.05
LONGEST = 60


@dataclass(frozen=True)
class Effect:
    """The loss of a run less that of the first one.

    Parameters
    ----------
    difference : float
        Below 0 is better.
    error : float or None
        Its standard error; None if it can't be known.
    p : float or None
        How likely a difference as large is where there is none.
    how : {"paired by fold", "by intervals", "unknown", "not comparable", "other folds"}
        By the ensembles' losses on the same folds; or, of other folds or rows, by both intervals. Where rows are held out in another
        way (by groups, by time, copies together), scores answer another question, and neither run is the better one for its score.
    """

    difference: float
    error: float | None
    p: float | None
    how: Literal["paired by fold", "by intervals", "unknown", "not comparable", "other folds"]

    @property
    def verdict(self) -> str:
        """In words."""
        if self.how == "not comparable":
            return "another metric or target: not comparable"
        if self.how == "other folds":
            return "rows are held out in another way: not comparable by score"
        if self.p is None:
            return "not known to be significant"
        how = "better" if self.difference < 0 else "worse"
        return f"{f'significantly {how}' if self.p < SIGNIFICANT else 'not significant'} (p = {self.p:.2g}, {self.how})"


def effect(first: Experiment, other: Experiment) -> Effect:
    """What a run's loss is against the first one's."""
    one, two = first.study, other.study
    if (
        one.task is None
        or two.task is None
        or (one.task.metric, one.task.target) != (two.task.metric, two.task.target)
    ):
        return Effect(math.nan, None, None, "not comparable")
    if "loss" not in one.verdict or "loss" not in two.verdict:
        return Effect(math.nan, None, None, "unknown")
    if way_held_out(first) != way_held_out(other):
        return Effect(math.nan, None, None, "other folds")
    folds = one.verdict.get("folds", ()), two.verdict.get("folds", ())
    if one.data == two.data and len(folds[0]) == len(folds[1]) > 1:
        found = paired(*folds, one.plan)
        return Effect(found.difference, found.error, found.p, "paired by fold")
    difference = two.verdict["loss"] - one.verdict["loss"]
    if all("low" in study.verdict and "high" in study.verdict for study in (one, two)):
        error = math.hypot(
            *((study.verdict["high"] - study.verdict["low"]) / (2 * SURE) for study in (one, two))
        )
        return Effect(
            difference,
            error,
            math.erfc(abs(difference) / error / math.sqrt(2)) if error else None,
            "by intervals",
        )
    return Effect(difference, None, None, "unknown")


def way_held_out(one: Experiment) -> tuple[str, str, str]:
    """What a score is for: rows in between or later ones, known groups or new ones, copies or rows that are new altogether."""
    plan, data = one.study.plan, one.data
    times = str(data.get("time", "yes")) if plan.kind == "time" else ""
    groups = str(data.get("group", "yes")) if plan.together == "groups" or "group" in data else ""
    return times, groups, "copies" if plan.together == "copies" else ""


def differences(experiments: Sequence[Experiment]) -> dict[str, list[str]]:
    """Settings that are not the same in all experiments: by name, the value of each; empty where one has none."""
    told = [one.settings() for one in experiments]
    names = dict.fromkeys(name for settings in told for name in settings)
    rows = {name: [settings.get(name, "") for settings in told] for name in names}
    return {name: values for name, values in rows.items() if len(set(values)) > 1}


def to_json(experiments: Sequence[Experiment]) -> dict[str, Any]:
    """Plain values."""
    found = [effect(experiments[0], other) for other in experiments[1:]]
    return {
        "runs": [{"run": str(one.folder), **_outcome(one)} for one in experiments],
        "differences": differences(experiments),
        "effects": [
            {
                "run": str(other.folder),
                "difference": _plain(one.difference),
                "error": one.error,
                "p": one.p,
                "how": one.how,
                "verdict": one.verdict,
            }
            for other, one in zip(experiments[1:], found, strict=True)
        ],
    }


def _outcome(one: Experiment) -> Mapping[str, Any]:
    score = one.expected
    told = (
        {"metric": one.metric, "score": None, "low": None, "high": None}
        if score is None
        else {"metric": score.metric, "score": score.score, "low": score.low, "high": score.high}
    )
    told = told | {"test": one.study.test.get("score")}
    return told | {
        "seconds": one.timeline.last,
        "candidates": len(one.study.trials),
        "members": len(one.study.weights),
        "state": one.state,
    }


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def text(experiments: Sequence[Experiment]) -> str:
    """Side by side: outcomes, what differs, and what that did."""
    names = [visible(one.folder, LONGEST) for one in experiments]
    outcomes = [
        ("score", *(one.expected.score_text if one.expected else "none" for one in experiments)),
        ("95% interval", *(one.expected.ends_text if one.expected else "" for one in experiments)),
        *_tested(experiments),
        ("metric", *(one.metric for one in experiments)),
        ("time", *(duration(one.timeline.last) for one in experiments)),
        ("candidates", *(str(len(one.study.trials)) for one in experiments)),
        ("members", *(str(len(one.study.weights)) for one in experiments)),
        ("state", *(one.state for one in experiments)),
    ]
    table = aligned([("", *names), *outcomes], left=("", *names))
    rows = [
        (visible(name, LONGEST), *(visible(value, LONGEST) for value in values))
        for name, values in differences(experiments).items()
    ]
    differ = (
        aligned([("what differs", *names), *rows], left=("what differs", *names))
        if rows
        else "Nothing differs."
    )
    did = "\n".join(_did(experiments[0], other) for other in experiments[1:])
    return f"{table}\n\n{differ}\n\n{did}"


def _tested(experiments: Sequence[Experiment]) -> list[tuple[str, ...]]:
    """The line of test scores, if there are any."""
    if not any(one.study.test for one in experiments):
        return []
    return [("test score", *(_test_score(one) for one in experiments))]


def _test_score(one: Experiment) -> str:
    score = one.study.test.get("score")
    return number(score, places(score))


def _did(first: Experiment, other: Experiment) -> str:
    found = effect(first, other)
    if not math.isfinite(found.difference) or first.study.task is None:
        return f"{visible(other.folder)} against {visible(first.folder)}: {found.verdict}"
    metric = metric_of(first.study.task)
    change = metric.score(first.study.verdict["loss"] + found.difference) - metric.score(
        first.study.verdict["loss"]
    )
    shown = number(change, places(change, 3))
    return f"{visible(other.folder)} against {visible(first.folder)}: {metric.name} {'+' if change > 0 else ''}{shown}, {found.verdict}"
