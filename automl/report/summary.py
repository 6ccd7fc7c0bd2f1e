"""What a study comes to: the score to be expected, the score without learning, and who is in the predictor."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from automl.formatting import counted, grouped, listed, number, places, visible
from automl.metrics import metric_of
from automl.trial import Study, Trial

FAILED = ("failed", "timeout", "memory")  # ways in which a fit ends that are no success


@dataclass(frozen=True)
class Expected:
    """A score in the metric's natural sign, with the interval that holds it on new rows in 95% of cases.

    Parameters
    ----------
    metric : str
    score, low, high : float
    greater_is_better : bool
    rows : int
        Held-out rows that it was measured on; 0 if that isn't known.
    new : int
        New rows that the interval is for; 0 if that isn't known.
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
        """How many decimals its numbers are shown with."""
        return places(self.score)

    @property
    def score_text(self) -> str:
        """The score."""
        return number(self.score, self.decimals)

    @property
    def interval_text(self) -> str:
        """The interval, or nothing.

        >>> Expected("roc_auc", 0.91, 0.9, 0.92, True, 3000, 1000).interval_text
        '0.900000 to 0.920000 on 95% of samples of 1 000 new rows'
        """
        if not self.ends_text:
            return ""
        of = f" of {grouped(self.new)} new rows" if self.new else ""
        return f"{self.ends_text} on 95% of samples{of}"

    @property
    def ends_text(self) -> str:
        """The interval's ends, or nothing."""
        if self.low is None or self.high is None:
            return ""
        return f"{number(self.low, self.decimals)} to {number(self.high, self.decimals)}"


def expected(study: Study) -> Expected | None:
    """What the predictor can be expected to score on new rows: the ensemble's verdict, or nothing before there is one."""
    if study.task is None or "loss" not in study.verdict:
        return None
    metric, verdict = metric_of(study.task), study.verdict
    ends = sorted(metric.score(verdict[name]) for name in ("low", "high") if name in verdict)
    low, high = ends if len(ends) == 2 else (None, None)
    return Expected(
        metric.name,
        metric.score(verdict["loss"]),
        low,
        high,
        metric.greater_is_better,
        verdict.get("rows", 0),
        verdict.get("new", 0),
    )


def baseline(study: Study) -> float | None:
    """The score of predicting the same for every row."""
    if study.task is None:
        return None
    metric = metric_of(study.task)
    return next(
        (
            metric.score(trial.loss)
            for trial in study.ranked
            if trial.candidate.family == "constant"
        ),
        None,
    )


def members(study: Study) -> list[tuple[Trial, float]]:
    """The trials of the predictor with their weights, heaviest first."""
    known = [
        (study.trials[name], weight)
        for name, weight in study.weights.items()
        if name in study.trials
    ]
    return sorted(known, key=lambda pair: -pair[1])


def tested_text(study: Study) -> str:
    """The predictor's score on the user's test table; nothing without one."""
    if not study.test:
        return ""
    test = study.test
    of = (
        ""
        if test["rows"] == test["of"]
        else f" (of {grouped(test['of'])}; the others were not drawn or have no target)"
    )
    score = number(test["score"], places(test["score"]))
    return f"{test['metric']} {score} on {counted(test['rows'], 'row')} of {test['source']}{of}"


def contradiction(study: Study) -> str:
    """What is told of a test score outside the interval that the run told; nothing where it lies within."""
    if not study.test or not study.test["expected"]:
        return ""
    _, low, high = study.test["expected"]
    told = [one for one in study.findings if one["code"] == "test_score"]
    if low <= study.test["score"] <= high or not told:
        return ""
    answers = f". What to try: {told[-1]['override']}" if told[-1]["override"] else ""
    return f"{told[-1]['action']}{answers}"


def failures(study: Study) -> str:
    """How many fits failed, of which families, and why the first of them did; nothing if none did."""
    failed = [
        (trial, fit)
        for trial in study.trials.values()
        for fit in trial.outcomes.values()
        if fit.status in FAILED
    ]
    if not failed:
        return ""
    families = Counter(trial.candidate.family for trial, _ in failed)
    which = listed((f"{count} of {family}" for family, count in families.items()), 4)
    first, outcome = failed[0]
    reason = visible(outcome.reason, 300) or "no reason was told"
    return f"{counted(len(failed), 'fit')} ({which}). {visible(first.candidate.family, 60)} {first.id}: {reason}"
