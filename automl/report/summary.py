"""Sum up a study: expected score, baseline, members, test score, failures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from automl.formatting import (
    decimal_places,
    format_count,
    format_number,
    group_digits,
    join_words,
    visible,
)
from automl.metrics import metric_of
from automl.study import Study
from automl.trial import Trial

FAILED = ("failed", "timeout", "memory")  # statuses of fits without a result
MAX_FAMILIES = 4  # that are named in the summary of failures
MAX_REASON_CHARACTERS = 300


@dataclass(frozen=True)
class Expected:
    """A score in the metric's natural sign, with the interval that holds 95% of scores on new rows.

    Parameters
    ----------
    metric : str
    score, low, high : float
    greater_is_better : bool
    rows : int
        Number of held-out rows that the score was measured on; 0 if unknown.
    new : int
        Number of new rows that the interval is for; 0 if unknown.
    """

    metric: str
    score: float
    low: float | None
    high: float | None
    greater_is_better: bool
    rows: int = 0
    new: int = 0

    @property
    def decimals(self) -> int:
        """Number of decimals with which the score and its interval are shown."""
        return decimal_places(self.score)

    @property
    def score_text(self) -> str:
        """The score as text."""
        return format_number(self.score, self.decimals)

    @property
    def interval_text(self) -> str:
        """The interval and what it holds for; empty without an interval.

        >>> Expected("roc_auc", 0.91, 0.9, 0.92, True, 3000, 1000).interval_text
        '0.900000 to 0.920000 on 95% of samples of 1 000 new rows'
        """
        if not self.ends_text:
            return ""
        text = f"{self.ends_text} on 95% of samples"
        if self.new:
            text += f" of {group_digits(self.new)} new rows"
        return text

    @property
    def ends_text(self) -> str:
        """Both ends of the interval; empty without an interval."""
        if self.low is None or self.high is None:
            return ""
        low = format_number(self.low, self.decimals)
        high = format_number(self.high, self.decimals)
        return f"{low} to {high}"


def expected(study: Study) -> Expected | None:
    """Return the score that the predictor can be expected to have on new rows.

    None before the ensemble was evaluated.
    """
    evaluation = study.evaluation
    if study.task is None or evaluation is None:
        return None
    metric = metric_of(study.task)
    ends = (metric.score(evaluation.low), metric.score(evaluation.high))
    low, high = sorted(ends)
    return Expected(
        metric.name,
        metric.score(evaluation.loss),
        low,
        high,
        metric.greater_is_better,
        evaluation.rows,
        evaluation.new,
    )


def baseline_score(study: Study) -> float | None:
    """Return the score of the same prediction for every row; None before it is known."""
    if study.task is None:
        return None
    metric = metric_of(study.task)
    for trial in study.ranked:
        if trial.candidate.is_baseline:
            return metric.score(trial.loss)
    return None


def cost_text(study: Study) -> str:
    """Return what predictions cost; empty where no price was asked for."""
    cost = study.cost
    if cost is None:
        return ""
    how = "counted" if cost.counted else "measured"
    return f"{cost.milliseconds:.1f} ms a row, warm ({how}); {cost.megabytes:.2f} MB"


def weighted_members(study: Study) -> list[tuple[Trial, float]]:
    """Return the trials of the predictor with their weights, heaviest first."""
    weighted = []
    for name, weight in study.weights.items():
        if name in study.trials:
            weighted.append((study.trials[name], weight))
    return sorted(weighted, key=lambda pair: -pair[1])


def score_on_test_text(study: Study) -> str:
    """Return the predictor's score on the user's test table; empty if there is none."""
    if not study.test:
        return ""
    test = study.test
    score = format_number(test["score"], decimal_places(test["score"]))
    rows = format_count(test["rows"], "row")
    text = f"{test['metric']} {score} on {rows} of {test['source']}"
    if test["rows"] != test["of"]:
        text += f" (of {group_digits(test['of'])}; the others were not drawn or have no target)"
    return text


def test_score_warning(study: Study) -> str:
    """Return a warning if the test score lies outside the expected interval; else empty."""
    if not study.test or not study.test["expected"]:
        return ""
    _, low, high = study.test["expected"]
    if low <= study.test["score"] <= high:
        return ""
    findings = [finding for finding in study.findings if finding.code == "test_score"]
    if not findings:
        return ""
    latest = findings[-1]
    if not latest.override:
        return latest.action
    return f"{latest.action}. Try: {latest.override}"


def failures(study: Study) -> str:
    """Return how many fits failed, of which families, and the first reason; empty if none did."""
    failed = [
        (trial, outcome)
        for trial in study.trials.values()
        for outcome in trial.outcomes.values()
        if outcome.status in FAILED
    ]
    if not failed:
        return ""
    counts = Counter(trial.candidate.family for trial, _ in failed)
    families = join_words(
        (f"{count} of {family}" for family, count in counts.items()), MAX_FAMILIES
    )
    first, outcome = failed[0]
    family = visible(first.candidate.family, 60)
    reason = visible(outcome.reason, MAX_REASON_CHARACTERS) or "no reason was given"
    return f"{format_count(len(failed), 'fit')} ({families}). {family} {first.id}: {reason}"
