"""The leaderboard: every trial and the ensemble, best first, as plain rows."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Iterator
from typing import Any

from automl.metrics import Metric, metric_of
from automl.trial import Study, Trial
from automl.uncertainty import new_rows, student, widening

HEADINGS = (
    *("rank", "id", "family", "recipe", "stage", "metric", "score", "ci_low", "ci_high", "test"),
    *("seconds", "size_mb", "weight", "status"),
)

TIED = "done, tied with the best"  # the status of models that can't be told apart from the best one

Row = dict[str, Any]


def leaderboard(study: Study) -> list[Row]:
    """One row a trial, complete ones first; the ensemble leads when it has more than one member.

    Scores have the metric's natural sign. Intervals hold 95% of the scores on new rows, a third as many as the table has: of a trial
    it is Student's over its folds, of the ensemble the bootstrap's over rows. `test` is the score on the user's test table, of the
    predictor and of its members alone.
    """
    if study.task is None:
        return []
    rows = [*_ensemble(study), *(_trial(study, trial) for trial in ordered(study))]
    return [{"rank": rank, **row} for rank, row in enumerate(rows, 1)]


def to_csv(rows: list[Row]) -> str:
    """The leaderboard as text of a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADINGS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: defused(row[name]) for name in HEADINGS} for row in rows)
    return text.getvalue()


def defused(value: Any) -> Any:
    """A cell as a CSV holds it: text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV injection).

    >>> defused("=1+1"), defused(-0.5), defused(None)
    ("'=1+1", -0.5, '')
    """
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return f"'{value}"
    return "" if value is None else value


def is_done(row: Row) -> bool:
    """Whether a row is that of a model that was tried on every fold."""
    return row["status"] in ("done", TIED)


def ordered(study: Study) -> list[Trial]:
    """Complete trials, best first, then all others, the best of them by the folds seen first.

    An incomplete trial that answers, since no model is complete, comes before all.
    """
    complete = study.ranked
    names = {trial.id for trial in complete}
    others = [trial for trial in study.trials.values() if trial.id not in names]
    others.sort(key=lambda trial: (loss_of(trial), trial.id))
    answering = [trial for trial in others if study.weights.get(trial.id)]
    return [*answering, *complete, *(trial for trial in others if trial not in answering)]


def _ensemble(study: Study) -> Iterator[Row]:
    if len(study.weights) < 2 or not study.verdict:
        return
    metric = metric_of(study.the_task)
    members = [study.trials[name] for name in study.weights]
    low, high = _natural(metric, study.verdict["low"], study.verdict["high"])
    yield {
        "id": "ensemble",
        "family": f"{len(members)} models",
        "recipe": "",
        "stage": "ensemble",
        "metric": metric.name,
        "score": metric.score(study.verdict["loss"]),
        "ci_low": low,
        "ci_high": high,
        "test": study.test.get("score"),
        "seconds": round(sum(trial.seconds for trial in members), 2),
        "size_mb": round(sum(megabytes(trial) for trial in members), 2),
        "weight": 1.0,
        "status": "done",
    }


def _trial(study: Study, trial: Trial) -> Row:
    metric = metric_of(study.the_task)
    low, high = _spread(study, trial, metric)
    return {
        "id": trial.id,
        "family": trial.candidate.family,
        "recipe": trial.candidate.recipe.name,
        "stage": trial.candidate.origin,
        "metric": metric.name,
        "score": None if math.isinf(loss_of(trial)) else metric.score(loss_of(trial)),
        "ci_low": low,
        "ci_high": high,
        "test": study.test.get("members", {}).get(trial.id),
        "seconds": round(trial.seconds, 2),
        "size_mb": round(megabytes(trial), 2),
        "weight": round(study.weights.get(trial.id, 0.0), 4),
        "status": _status(study, trial),
    }


def _status(study: Study, trial: Trial) -> str:
    if trial.id in study.verdict.get("tied", ()):
        return TIED
    return (
        f"{trial.decided or _unfinished(study, trial)}{': ' + trial.reason if trial.reason else ''}"
    )


def _unfinished(study: Study, trial: Trial) -> str:
    if (rows := first_rows(trial)) is not None:
        return f"first model, of {rows} rows"
    return f"unfinished, {len(trial.losses)} of {len(study.plan.splits)} folds"


def loss_of(trial: Trial) -> float:
    """The mean loss over the folds seen so far, or, of the first model, on the rows that it was judged on; infinite without any."""
    if trial.candidate.is_first and trial.look is not None and trial.look.loss is not None:
        return trial.look.loss
    return trial.loss


def first_rows(trial: Trial) -> int | None:
    """How many rows the run's first model was trained on; None for any other trial, and as long as it is not there."""
    if not trial.candidate.is_first or trial.look is None:
        return None
    return max(job.rows or 0 for job in trial.jobs.values())


def megabytes(trial: Trial) -> float:
    """Of the files of its models."""
    return sum(outcome.size for outcome in trial.outcomes.values()) / 1e6


def _spread(study: Study, trial: Trial, metric: Metric) -> tuple[float | None, float | None]:
    """A 95% interval of the loss on new rows, for complete trials of several folds."""
    losses = list(trial.losses.values())
    if len(losses) < 2 or not study.complete(trial):
        return None, None
    reach = student(len(losses) - 1) * statistics.stdev(losses) / math.sqrt(len(losses))
    reach *= widening(study.size.rows, new_rows(study.size.rows))
    return _natural(
        metric, max(metric.least, trial.loss - reach), min(metric.most, trial.loss + reach)
    )


def _natural(metric: Metric, low: float, high: float) -> tuple[float, float]:
    """Bounds of a loss as bounds of the score, the lower one first."""
    first, second = metric.score(low), metric.score(high)
    return min(first, second), max(first, second)


def nothing_judged(study: Study) -> str:
    """Say why no model answers but the constant, or "" where one was trained and judged, if only on a fold: it may have lost.

    A run that asked for the constant alone is not blamed for having nothing else.
    """
    others = [trial for trial in study.trials.values() if trial.candidate.family != "constant"]
    if any(trial.splits for trial in others):
        return ""
    failures = [
        trial.failure.reason
        for trial in (*others, *study.trials.values())
        if trial.failure is not None
    ]
    if failures:
        reason = failures[0]
    elif study.finished == "interrupted":
        reason = "the run was interrupted before a model was trained"
    else:
        reason = "its time was over before a model was trained. Give it more: --budget 60s"
    return f"no model could be trained and judged, so the predictor has the same answer for every row: {reason}"
