"""Score the finished predictor on rows that nothing was chosen by, and say where they contradict the run.

The time for it is kept back from the search. Where there is too little of it, some of the rows are scored, or none.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automl.budget import Budget, crowding
from automl.cleaning import Finding
from automl.errors import InputError
from automl.folds import some
from automl.metrics import metric_of
from automl.predictor import Predictor
from automl.predictor.scoring import Scores, scores
from automl.table import Form, Limits, Table
from automl.trial import Event, Study

READING_SHARE = 0.1  # of the time that is left may go into the first reading
READING_AGAIN_SHARE = (
    0.4  # of what is left at the end may go into reading a text file, of which a part may do
)
RESERVED_SHARE = 0.2  # of the budget is kept back at most
LIKELY_MEMBERS = 8  # of the best trials are in the predictor
LOADING_SECONDS = 1.2  # of scikit-learn and SciPy, which LightGBM and XGBoost load, too
LOADING = ("lightgbm", "xgboost", "extra_trees", "random_forest")  # families that want them
CATBOOST_SECONDS = 0.4
ROW_SECONDS = 2e-4  # to clean, encode and predict a row with an ensemble
PROBE_SECONDS = 0.2  # what scoring a few rows takes
PROBE_ROWS = 300  # by which the time for all rows is estimated
SAFETY = 1.5

CAUSES = (
    "rows that repeat or belong together (persons, places, series) are held out one by one; "
    "the test rows come later and things have changed (drift), or are of another population; "
    "a column holds what isn't known yet when rows are predicted"
)
TIME_CAUSES = "things have changed since (drift), or the test rows are of another population"
OPTIMISM = (
    "the test rows may stand in the training table, too, or be easier ones, of another population"
)
ANSWERS = "--group COL, --time COL, --ignore COL or --set clean.keep_duplicates_together=true"


@dataclass(frozen=True)
class ScoredTable:
    """A test table: where it lies, and what reads it within limits, as the table at fit was cut into cells."""

    path: str
    read: Callable[[Limits, Form | None], Table]


@dataclass(frozen=True)
class TableScoring:
    """A test table that was read once.

    Parameters
    ----------
    asked : ScoredTable
    rows : int
    seconds : float
        What reading it took.
    most : float
        Seconds that are kept back for it at most.
    is_text : bool
        Whether it is a text file, of which a part can be read where time is short.
    """

    asked: ScoredTable
    rows: int
    seconds: float
    most: float = math.inf
    is_text: bool = True

    @property
    def source(self) -> str:
        """The file's name."""
        return Path(self.asked.path).name

    def reserve(self, study: Study, budget: Budget) -> float:
        """Seconds to keep back for it; none without a clock."""
        if not budget.timed:
            return 0.0
        families = {trial.candidate.family for trial in study.ranked[:LIKELY_MEMBERS]}
        if self.least(families, self.most) > self.most:
            return 0.0
        return min(self.most, self.least(families, math.inf) + ROW_SECONDS * self.rows * crowding())

    def least(self, families: Iterable[str], left: float) -> float:
        """Seconds that it takes at least with models of these families, if so many are left."""
        wanted = set(families)
        loading = LOADING_SECONDS if wanted.intersection(LOADING) else 0.0
        loading += CATBOOST_SECONDS if "catboost" in wanted else 0.0
        crowded = crowding()
        caution = SAFETY if crowded > 1 else 1.0  # loading can't be stopped halfway
        return self.reading(left) + (loading + PROBE_SECONDS) * crowded * caution

    def reading(self, left: float) -> float:
        """Seconds that reading may take, if so many are left."""
        return (
            min(SAFETY * self.seconds, READING_AGAIN_SHARE * left)
            if self.is_text
            else SAFETY * self.seconds
        )


def prepare(asked: ScoredTable, target: str, form: Form | None, budget: Budget) -> TableScoring:
    """Read a test table once, so that what is wrong with it shows before the search.

    Raises
    ------
    InputError
        It can't be read, or lacks the target.
    """
    began, most = budget.clock(), RESERVED_SHARE * budget.remaining()
    table = asked.read(Limits(READING_SHARE * budget.remaining() if budget.timed else None), form)
    table[target]
    if not Path(asked.path).is_file():  # what comes through a pipe can't be read again
        asked = replace(asked, read=lambda limits, form: table)
    return TableScoring(asked, table.n_rows, budget.clock() - began, most, table.textual)


def examine(
    exam: TableScoring, predictor: Predictor, study: Study, budget: Budget
) -> Iterator[Event]:
    """Score a predictor, and give the events that tell it. Before each step it is asked whether the time is enough for it."""
    if not budget.affords(
        exam.least({member.family for member in predictor.members}, budget.remaining())
    ):
        yield _unscored(exam)
        return
    for member in predictor.members:
        member.models  # noqa: B018 - restored now, since this loads libraries, which takes long on a busy machine
    if not budget.affords(exam.least((), budget.remaining())):
        yield _unscored(exam)
        return
    try:
        table = exam.asked.read(
            Limits(exam.reading(budget.remaining()) if budget.timed else None),
            predictor.cleaner.form,
        )
        told = _scored(predictor, table, study.seed, budget)
    except InputError as error:
        yield _warned(f"the test table can't be scored: {error}")
        return
    test = scored(predictor, told, exam.source, max(exam.rows, table.n_rows))
    yield {"kind": "test", "test": test}
    if found := contradiction(test, study):
        yield {"kind": "finding", "finding": found.to_json()}


def _scored(predictor: Predictor, table: Table, seed: int, budget: Budget) -> Scores:
    """Scores on all rows, or on as many of them, drawn at random, as there is time for."""
    if not budget.timed or table.n_rows <= PROBE_ROWS:
        return scores(predictor, table)
    began = budget.remaining()
    few = scores(predictor, table.take(some(table.n_rows, PROBE_ROWS, seed)))
    took = max(1e-3, began - budget.remaining())
    affordable = int(PROBE_ROWS * budget.remaining() / (SAFETY * took))
    if affordable <= PROBE_ROWS:
        return few
    return scores(predictor, table.take(some(table.n_rows, affordable, seed)))


def scored(predictor: Predictor, told: Scores, source: str, rows: int) -> dict[str, Any]:
    """Scores as the log keeps them; `rows` are those of the whole table."""
    (_, whole), *alone = told.found
    by_member = [score for _, score in alone] or [whole]
    members = {member.id: score for member, score in zip(predictor.members, by_member, strict=True)}
    plain: dict[str, Any] = {"source": source, "metric": told.metric, "rows": told.rows, "of": rows}
    return plain | {
        "score": whole,
        "members": members,
        "expected": told.expected and list(told.expected),
    }


def contradiction(test: Mapping[str, Any], study: Study) -> Finding | None:
    """The warning that a test score lies outside the interval that was told; None if it doesn't."""
    if not test["expected"] or not math.isfinite(test["score"]):
        return None
    _, low, high = test["expected"]
    score, metric = test["score"], metric_of(study.the_task)
    if low <= score <= high:
        return None
    is_better = score > high if metric.greater_is_better else score < low
    what = f"{test['metric']} {score:.6g} on {test['rows']} rows of {test['source']}"
    than = f"the {low:.6g} to {high:.6g} that the run told for so many new rows"
    if is_better:
        return _finding(f"{what} is better than {than}: {OPTIMISM}", test["rows"])
    causes = TIME_CAUSES if study.plan.kind in ("time", "panel") else CAUSES
    named = [finding["override"] for finding in study.score_warnings if finding["override"]]
    return _finding(
        f"{what} is worse than {than}. What may be behind it, if not chance (one case in twenty): {causes}",
        test["rows"],
        ", or ".join(named) or ANSWERS,
    )


def _finding(action: str, rows: int, override: str = "") -> Finding:
    return Finding("test_score", (), "warning", rows, action=action, override=override)


def _unscored(exam: TableScoring) -> Event:
    return _warned(
        f"no time was left to score {exam.source}; `automl leaderboard RUN {shlex.quote(exam.asked.path)}` does it"
    )


def _warned(text: str) -> Event:
    return {
        "kind": "finding",
        "finding": Finding("test_unscored", (), "warning", 1, action=text).to_json(),
    }
