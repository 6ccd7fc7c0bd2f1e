"""Score the finished predictor on a test table, and warn where it contradicts the run's score.

No choice reads these rows. The time for it is kept back from the search; where there is too
little, part of the rows are scored, or none.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automl.budget import Budget, measure_crowding
from automl.errors import InputError
from automl.events import FindingRecorded, PredictorScored, finding_event
from automl.finding import Finding
from automl.folds import sample_rows
from automl.metrics import metric_of
from automl.models import is_boosted, is_forest
from automl.prediction_costs import estimate_ensemble_cost, estimate_trial_cost
from automl.predictor import Predictor
from automl.predictor.scoring import Scores, score_table
from automl.study import Event, Study
from automl.table import FileFormat, ReadLimits, Table

TEST_READING_TIME_SHARE = 0.1  # of the time that is left may go into the first reading
LAST_READING_TIME_SHARE = 0.4  # of what is left at the end, where part of a text file will do
RESERVED_TIME_SHARE = 0.2  # of the budget is kept back at most
LIKELY_MEMBERS = 8  # of the best trials are in the predictor
EVALUATOR_LOADING_SECONDS = 0.5  # of trees' compiled evaluator, the only thing that is imported
SECONDS_PER_ROW = 2e-4  # to clean, encode and predict with an ensemble
TRIAL_SCORING_SECONDS = 0.2  # of a few rows
CALLS = 2  # predicting a few rows takes as long as single ones, where models read their context
TRIAL_SCORING_ROWS = 300  # by which the time for all rows is estimated
SAFETY_FACTOR = 1.5

CAUSES = (
    "rows that repeat or belong together (persons, places, series) are held out one by one; "
    "the test rows come later and things have changed (drift), or are of another population; "
    "a column holds what isn't known yet when rows are predicted"
)
TIME_CAUSES = "things have changed since (drift), or the test rows are of another population"
CAUSES_OF_BETTER = (
    "the test rows may stand in the training table, too, or be easier ones, of another population"
)
REMEDIES = "--group COL, --time COL, --ignore COL or --set clean.keep_duplicates_together=true"


@dataclass(frozen=True)
class ScoredTable:
    """A test table that the user named.

    Parameters
    ----------
    path : str
    read : callable
        Read it within limits, split into cells as the training table was.
    """

    path: str
    read: Callable[[ReadLimits, FileFormat | None], Table]


@dataclass(frozen=True)
class TableScoring:
    """Time that scoring a test table takes, known from reading it once.

    Parameters
    ----------
    table : ScoredTable
    rows : int
    seconds : float
        Time that reading it took.
    max_seconds : float
        That are kept back for it.
    is_text : bool
        Whether it is a text file, of which a part can be read where time is short.
    """

    table: ScoredTable
    rows: int
    seconds: float
    max_seconds: float = math.inf
    is_text: bool = True

    @property
    def source(self) -> str:
        """The file's name."""
        return Path(self.table.path).name

    def reserve(self, study: Study, budget: Budget) -> float:
        """Return the seconds to keep back for it; none without a clock."""
        if not budget.is_timed:
            return 0.0
        likely = study.ranked[:LIKELY_MEMBERS]
        families = {trial.family for trial in likely}
        calls = sum(estimate_trial_cost(study, trial).seconds for trial in likely)
        crowded = measure_crowding()
        first = CALLS * calls * crowded
        if first + self.min_seconds(families, self.max_seconds) > self.max_seconds:
            return 0.0
        for_all = SECONDS_PER_ROW * self.rows * crowded
        return min(self.max_seconds, first + self.min_seconds(families, math.inf) + for_all)

    def min_seconds(self, families: Iterable[str], left: float) -> float:
        """Return the least time that it takes with models of these families.

        Parameters
        ----------
        families : iterable of str
            Of models that are not yet ready to predict.
        left : float
            Seconds that are left.
        """
        has_trees = any(is_boosted(name) or is_forest(name) for name in families)
        loading = EVALUATOR_LOADING_SECONDS if has_trees else 0.0
        crowded = measure_crowding()
        caution = SAFETY_FACTOR if crowded > 1 else 1.0  # loading can't be stopped halfway
        return self.reading_seconds(left) + (loading + TRIAL_SCORING_SECONDS) * crowded * caution

    def reading_seconds(self, left: float) -> float:
        """Return the seconds that reading may take, of those that are left."""
        seconds = SAFETY_FACTOR * self.seconds
        return min(seconds, LAST_READING_TIME_SHARE * left) if self.is_text else seconds


def read_test_table(
    table: ScoredTable,
    target: str,
    form: FileFormat | None,
    budget: Budget,
) -> TableScoring:
    """Read a test table once, so that what is wrong with it shows before the search.

    Raises
    ------
    InputError
        It can't be read, or lacks the target.
    """
    started = budget.clock()
    max_seconds = RESERVED_TIME_SHARE * budget.remaining()
    seconds = TEST_READING_TIME_SHARE * budget.remaining() if budget.is_timed else None
    rows = table.read(ReadLimits(seconds), form)
    rows[target]  # raises if it is missing
    if not Path(table.path).is_file():  # a pipe can't be read twice
        table = replace(table, read=lambda limits, form: rows)
    took = budget.clock() - started
    return TableScoring(table, rows.n_rows, took, max_seconds, rows.is_textual)


def score_test_table(
    test: TableScoring,
    predictor: Predictor,
    study: Study,
    budget: Budget,
) -> Iterator[Event]:
    """Score a predictor, and yield the events that report it.

    Before each step the time that is left must be enough for it.
    """
    families = {member.family_name for member in predictor.members}
    first = CALLS * estimate_ensemble_cost(study).seconds * measure_crowding()
    if not budget.affords(first + test.min_seconds(families, budget.remaining())):
        yield _unscored(test)
        return
    predictor.warm_up()  # which takes long on a busy machine
    if not budget.affords(first + test.min_seconds((), budget.remaining())):
        yield _unscored(test)
        return
    seconds = test.reading_seconds(budget.remaining()) if budget.is_timed else None
    try:
        table = test.table.read(ReadLimits(seconds), predictor.cleaner.form)
        found = _scores_in_time(predictor, table, study.seed, budget)
    except InputError as error:
        yield finding_event("test_unscored", f"the test table can't be scored: {error}")
        return
    event = PredictorScored(
        scores_as_json(predictor, found, test.source, max(test.rows, table.n_rows))
    )
    yield event
    if finding := contradiction(event.test, study):
        yield FindingRecorded(finding)


def _scores_in_time(
    predictor: Predictor,
    table: Table,
    seed: int,
    budget: Budget,
) -> Scores:
    """Return scores on all rows, or on as many random ones as there is time for."""
    if not budget.is_timed or table.n_rows <= TRIAL_SCORING_ROWS:
        return score_table(predictor, table)
    left = budget.remaining()
    few = score_table(predictor, table.take(sample_rows(table.n_rows, TRIAL_SCORING_ROWS, seed)))
    took = max(1e-3, left - budget.remaining())
    affordable = int(TRIAL_SCORING_ROWS * budget.remaining() / (SAFETY_FACTOR * took))
    if affordable <= TRIAL_SCORING_ROWS:
        return few
    return score_table(predictor, table.take(sample_rows(table.n_rows, affordable, seed)))


def scores_as_json(
    predictor: Predictor,
    found: Scores,
    source: str,
    rows: int,
) -> dict[str, Any]:
    """Return scores as the log keeps them; `rows` are those of the whole table."""
    (_, score), *of_members = found.by_model
    by_member = [score for _, score in of_members] or [score]
    ids = [member.id for member in predictor.members]
    return {
        "source": source,
        "metric": found.metric,
        "rows": found.rows,
        "of": rows,
        "score": score,
        "members": dict(zip(ids, by_member, strict=True)),
        "expected": found.expected and list(found.expected),
    }


def contradiction(test: Mapping[str, Any], study: Study) -> Finding | None:
    """Return a warning if a test score lies outside the interval that the run expected."""
    if not test["expected"] or not math.isfinite(test["score"]):
        return None
    _, low, high = test["expected"]
    score, metric = test["score"], metric_of(study.known_task)
    if low <= score <= high:
        return None
    is_better = score > high if metric.greater_is_better else score < low
    what = f"{test['metric']} {score:.6g} on {test['rows']} rows of {test['source']}"
    expected = f"the {low:.6g} to {high:.6g} that the run expected of this number of new rows"
    if is_better:
        text = f"{what} is better than {expected}: {CAUSES_OF_BETTER}"
        return _finding(text, test["rows"])
    causes = TIME_CAUSES if study.plan.kind in ("time", "panel") else CAUSES
    overrides = [finding.override for finding in study.score_warnings if finding.override]
    text = (
        f"{what} is worse than {expected}. "
        f"Possible causes, if not chance (one case in twenty): {causes}"
    )
    return _finding(text, test["rows"], ", or ".join(overrides) or REMEDIES)


def _finding(
    action: str,
    rows: int,
    override: str = "",
) -> Finding:
    return Finding("test_score", (), "warning", rows, action=action, override=override)


def _unscored(test: TableScoring) -> FindingRecorded:
    path = shlex.quote(test.table.path)
    reason = f"no time was left to score {test.source}; `automl leaderboard RUN {path}` does it"
    return finding_event("test_unscored", reason)
