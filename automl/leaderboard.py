"""The leaderboard: every trial and the ensemble, best first, as plain rows."""

from __future__ import annotations

import csv
import io
import math
import statistics
from collections.abc import Sequence
from typing import Any

from automl.extrapolation import default_n_new_rows, student_t_quantile, widening_factor
from automl.metrics import Metric, metric_of
from automl.models import is_known
from automl.prediction_costs import estimate_ensemble_cost, estimate_trial_cost
from automl.price import BYTES_PER_MEGABYTE, MISSED_PRICE
from automl.study import Evaluation, Study
from automl.trial import Trial

LEADERBOARD_HEADINGS = (
    "rank",
    "id",
    "family",
    "recipe",
    "stage",
    "metric",
    "score",
    "ci_low",
    "ci_high",
    "test",
    "seconds",
    "size_mb",
    "row_ms",
    "weight",
    "status",
)
TIED = "done, tied with the best"  # status of models that can't be told apart from the best one
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")

Row = dict[str, Any]


def leaderboard(study: Study) -> list[Row]:
    """Return a row for each trial, complete ones first, led by the ensemble if it has two members.

    Scores have the metric's natural sign. Intervals hold 95% of the scores on new rows, a third as
    many as the table has: a trial's is Student's over its folds, the ensemble's is a bootstrap over
    rows. `test` is the score on the user's test table, for the predictor and each of its members.
    `row_ms` is what predicting one row takes, warm, estimated from what a model consists of; of the
    ensemble it is measured where the run has a price.
    """
    if study.task is None:
        return []
    trials = sorted_trials(study)
    rows = [_trial_row(study, trial) for trial in trials]
    if len(study.weights) > 1 and study.evaluation is not None:
        rows.insert(0, _ensemble_row(study, study.evaluation))
    return [{"rank": rank, **row} for rank, row in enumerate(rows, 1)]


def to_csv(rows: list[Row]) -> str:
    """Return the leaderboard as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.DictWriter(text, LEADERBOARD_HEADINGS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        cells = {name: escape_formula(row[name]) for name in LEADERBOARD_HEADINGS}
        writer.writerow(cells)
    return text.getvalue()


def escape_formula(value: Any) -> Any:
    """Return a value as a cell of a CSV file, with no text that a spreadsheet takes for a formula.

    Such a text gets an apostrophe before it (OWASP, CSV injection).

    >>> escape_formula("=1+1"), escape_formula(-0.5), escape_formula(None)
    ("'=1+1", -0.5, '')
    """
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def is_done(row: Row) -> bool:
    """Return whether a row belongs to a model that was tried on every fold."""
    return row["status"] in ("done", TIED)


def sorted_trials(study: Study) -> list[Trial]:
    """Return complete trials, best first, then the others by their loss on the folds so far.

    An incomplete trial that is in the predictor, because no model is complete, comes first.
    """
    complete = {trial.id for trial in study.ranked}
    trials = study.trials.values()
    incomplete = [trial for trial in trials if trial.id not in complete]
    incomplete.sort(key=lambda trial: (_current_loss(trial), trial.id))
    members = [trial for trial in incomplete if study.weights.get(trial.id)]
    others = [trial for trial in incomplete if trial not in members]
    return [*members, *study.ranked, *others]


def _ensemble_row(study: Study, evaluation: Evaluation) -> Row:
    metric = metric_of(study.known_task)
    members = [study.trials[name] for name in study.weights]
    low, high = _natural(metric, evaluation.low, evaluation.high)
    seconds = sum(trial.seconds for trial in members)
    size = sum(megabytes(trial) for trial in members)
    if study.cost is not None:
        size = study.cost.megabytes
    return {
        "id": "ensemble",
        "family": f"{len(members)} models",
        "recipe": "",
        "stage": "ensemble",
        "metric": metric.name,
        "score": metric.score(evaluation.loss),
        "ci_low": low,
        "ci_high": high,
        "test": study.test.get("score"),
        "seconds": round(seconds, 2),
        "size_mb": round(size, 2),
        "row_ms": _ensemble_milliseconds(study, members),
        "weight": 1.0,
        "status": "done",
    }


def _trial_row(study: Study, trial: Trial) -> Row:
    metric = metric_of(study.known_task)
    loss = _current_loss(trial)
    score = None
    if not math.isinf(loss):
        score = metric.score(loss)
    low, high = _interval(study, trial, metric)
    test_scores = study.test.get("members", {})
    weight = study.weights.get(trial.id, 0.0)
    candidate = trial.candidate
    return {
        "id": trial.id,
        "family": candidate.family,
        "recipe": candidate.recipe.name,
        "stage": candidate.origin,
        "metric": metric.name,
        "score": score,
        "ci_low": low,
        "ci_high": high,
        "test": test_scores.get(trial.id),
        "seconds": round(trial.seconds, 2),
        "size_mb": round(_served_megabytes(study, trial), 2),
        "row_ms": _row_milliseconds(study, trial),
        "weight": round(weight, 4),
        "status": _status(study, trial),
    }


def _ensemble_milliseconds(study: Study, members: Sequence[Trial]) -> float | None:
    """Return what predicting a row takes, measured or estimated."""
    cost = study.cost
    if cost is None:
        known = []
        for member in members:
            known.append(is_known(member.family, study.extensions))
        if not all(known):
            return None
        cost = estimate_ensemble_cost(study)
    return round(cost.milliseconds, 2)


def _row_milliseconds(study: Study, trial: Trial) -> float | None:
    """Return what predicting a row takes; None for a family that is not known here."""
    if not is_known(trial.family, study.extensions):
        return None
    done = [outcome for outcome in trial.full_outcomes.values() if outcome.is_done]
    if not all(outcome.row_ms for outcome in done):
        return None  # of a run that was made before rows were counted
    cost = estimate_trial_cost(study, trial)
    return round(cost.milliseconds, 2)


def _status(study: Study, trial: Trial) -> str:
    evaluation = study.evaluation
    if evaluation is not None and trial.id in evaluation.tied:
        return TIED
    status = trial.decided or _progress(study, trial)
    if trial.reason:
        status += f": {trial.reason}"
    return status


def _progress(study: Study, trial: Trial) -> str:
    """Return how far an undecided trial came."""
    rows = _first_model_rows(trial)
    if rows is not None:
        return f"first model, of {rows} rows"
    return f"unfinished, {len(trial.losses)} of {len(study.plan.splits)} folds"


def _current_loss(trial: Trial) -> float:
    """Return the mean loss over the folds so far; infinity without any.

    The run's first model, which was trained on some rows, has its loss on the rows that judged it.
    """
    if (
        trial.candidate.is_first_model
        and trial.low_fidelity is not None
        and trial.low_fidelity.loss is not None
    ):
        return trial.low_fidelity.loss
    return trial.loss


def _first_model_rows(trial: Trial) -> int | None:
    """Return how many rows the run's first model was trained on.

    None for any other trial, and until the first model has ended.
    """
    if not trial.candidate.is_first_model or trial.low_fidelity is None:
        return None
    jobs = trial.jobs.values()
    return max(job.rows or 0 for job in jobs)


def _served_megabytes(study: Study, trial: Trial) -> float:
    """Return the size of a trial's models, or of a predictor of it where the run has a price."""
    has_price = study.cost is not None
    is_family_known = is_known(trial.family, study.extensions)
    if has_price and is_family_known and study.is_complete(trial):
        cost = estimate_trial_cost(study, trial)
        return cost.megabytes
    return megabytes(trial)


def megabytes(trial: Trial) -> float:
    """Return the size of a trial's model files."""
    outcomes = trial.outcomes.values()
    size = sum(outcome.size for outcome in outcomes)
    return size / BYTES_PER_MEGABYTE


def _interval(study: Study, trial: Trial, metric: Metric) -> tuple[float | None, float | None]:
    """Return a 95% interval of the score on new rows, for complete trials of several folds."""
    losses = list(trial.losses.values())
    count = len(losses)
    if count < 2 or not study.is_complete(trial):
        return None, None
    rows = study.size.rows
    half_width = student_t_quantile(count - 1) * statistics.stdev(losses)
    half_width /= math.sqrt(count)
    half_width *= widening_factor(rows, default_n_new_rows(rows))
    low = max(metric.min_loss, trial.loss - half_width)
    high = min(metric.max_loss, trial.loss + half_width)
    return _natural(metric, low, high)


def _natural(metric: Metric, low: float, high: float) -> tuple[float, float]:
    """Return bounds of a loss as bounds of the score, the lower one first."""
    scores = (metric.score(low), metric.score(high))
    return min(scores), max(scores)


def missed_price_text(study: Study) -> str:
    """Return that the predictor costs more than was asked for; empty if it doesn't."""
    for finding in study.findings:
        if finding.code == MISSED_PRICE:
            return finding.action
    return ""


def no_model_text(study: Study) -> str:
    """Return why only the constant model predicts; empty if another one was evaluated on any fold.

    Such a model may have lost to the constant. A run that asked for the constant alone is not
    blamed for having nothing else.
    """
    trials = list(study.trials.values())
    others = [trial for trial in trials if not trial.candidate.is_baseline]
    if any(trial.splits for trial in others):
        return ""
    failures = [trial.failure for trial in (*others, *trials)]
    failure = next(filter(None, failures), None)
    if failure is not None:
        reason = failure.reason
    elif study.finished == "interrupted":
        reason = "the run was interrupted before a model was trained"
    else:
        reason = "its time was over before a model was trained. Give it more: --budget 60s"
    consequence = "so the predictor gives the same prediction for every row"
    return f"no model could be trained and judged, {consequence}: {reason}"
