"""Warnings that the score is not true: suspects, probed by quick models and reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from automl.arrays import Floats
from automl.budget import Budget
from automl.cleaning.duplicates import Copies
from automl.dataset import Dataset
from automl.executor.probes import ProbeFolds
from automl.finding import Finding
from automl.lab.lab import Lab
from automl.metrics import metric_of
from automl.stages._score_checks import MIN_SKILL, HeldOutPair, ScoreCheck, evaluate
from automl.stages._score_findings import measured
from automl.stages._suspects import HoldoutOptions, Suspect, find_suspects

RUN_TIME_SHARE = 0.05  # of a run's time
STATISTICS_TIME_SHARE = 0.5  # of that, at most; models get the rest
MAX_WORKER_SECONDS = 30.0  # that the first worker may take to start
MAX_SECOND_WORKER_SECONDS = 1.0
MIN_PROBE_SECONDS = 0.6  # with less, statistics alone decide
MIN_FAINT_DRIFT_SECONDS = 2.0  # with less, a drift that no statistic shows is not probed
MAX_PROBED_COLUMNS = 2_000

FINEST_LOSS_SHARE = 0.8  # of the largest loss: the finest entities with so much are reported
MIN_DRIFT_ERROR_RATIO = 1.3  # of squared errors
MIN_DRIFT_SKILL_LOSS = 0.3  # where there is little skill
MIN_DRIFT_STANDARD_ERRORS = 2.5
MIN_FAINT_DRIFT_STANDARD_ERRORS = 3.0  # where neither level nor relations move
MIN_MOVED_STANDARD_ERRORS = 2.0  # where the level moves by the share below
MIN_MOVED_SHARE = 0.05  # of the target's variance lies between tenths of the time
MIN_UNEXPLAINED_SHARE = 0.3  # of the variance models cannot explain: such a level shift matters


def find_score_warnings(
    data: Dataset, copies: Copies, asked: HoldoutOptions, lab: Lab, budget: Budget
) -> list[Finding]:
    """Find out whether the score is true, within a small part of the budget.

    Parameters
    ----------
    data : Dataset
        As it was stored by the lab.
    copies : Copies
    asked : Given
    lab : Lab
    budget : Budget
        The rest of the run's time.
    """
    share = budget.within(RUN_TIME_SHARE * budget.remaining())
    statistics = share.within(STATISTICS_TIME_SHARE * share.remaining())
    suspects = find_suspects(data, copies, asked, statistics)
    if not suspects:
        return []
    predictions = _probe(suspects, data, lab, budget, share.remaining())
    results = []
    for index, suspect in enumerate(suspects):
        evaluation = _best_evaluation(index, suspect, predictions, data)
        result = _Result(suspect, evaluation)
        if result.is_confirmed:
            results.append(result)
    return [
        measured(result.suspect.finding, result.evaluation, data.task)
        for result in _reported(results)
    ]


def _probe(
    suspects: Sequence[Suspect], data: Dataset, lab: Lab, budget: Budget, seconds: float
) -> Mapping[str, Floats]:
    """Return held-out predictions of quick models for each suspect, as far as the time goes."""
    n_columns = len(data.columns.names())
    if seconds < MIN_PROBE_SECONDS or n_columns > MAX_PROBED_COLUMNS:
        return {}
    # The stages that follow need workers, too, so it may take longer than a probe has.
    lab.wait_for_workers(min(MAX_WORKER_SECONDS, budget.remaining() / 4))
    # A probe's two halves are compared: one alone is worth nothing.
    lab.wait_for_workers(MAX_SECOND_WORKER_SECONDS, at_least=2)
    splits: dict[str, ProbeFolds] = {}
    for index, suspect in enumerate(suspects):
        if suspect.kind != "faint_drift" or seconds >= MIN_FAINT_DRIFT_SECONDS:
            splits |= _probe_folds(index, suspect)
    return lab.probe(splits, budget.within(seconds))


def _probe_folds(index: int, suspect: Suspect) -> dict[str, ProbeFolds]:
    """Return the folds that are probed of a suspect, by the names of their files."""
    folds = {f"{index}-usual": suspect.default, f"{index}-honest": suspect.corrected}
    if suspect.is_drift:
        for name, split in list(folds.items()):
            folds[f"{name}-linear"] = replace(split, model="linear")
    return folds


def _best_evaluation(
    index: int, suspect: Suspect, predictions: Mapping[str, Floats], data: Dataset
) -> ScoreCheck | None:
    """Return the evaluation by the model that a run would choose.

    That is the better one where rows are held out by default. Trees cannot follow a trend beyond
    its end and linear models can, so both judge a drift.
    """
    evaluations = []
    for model in ("", "-linear"):
        default = predictions.get(f"{index}-usual{model}")
        corrected = predictions.get(f"{index}-honest{model}")
        if default is None or corrected is None:
            continue
        rows = suspect.default.rows
        is_paired = suspect.default.folds.kind == "kfold"
        pair = HeldOutPair(default, corrected, rows, suspect.groups, is_paired)
        evaluation = evaluate(pair, data, is_drift=suspect.is_drift)
        if evaluation is not None:
            evaluations.append(evaluation)
    sign = 1 if metric_of(data.task).greater_is_better else -1
    return max(evaluations, key=lambda each: sign * each.default_score, default=None)


@dataclass(frozen=True)
class _Result:
    """A suspect and the evaluation of its probe; None if it was not probed."""

    suspect: Suspect
    evaluation: ScoreCheck | None

    @property
    def skill_loss(self) -> float:
        """The part of the skill that is lost; 0 if that is unknown."""
        if self.evaluation is None:
            return 0.0
        return self.evaluation.skill_loss

    @property
    def is_confirmed(self) -> bool:
        """Whether the suspect is reported."""
        suspect = self.suspect
        if suspect.kind in ("leak", "copied_rows"):
            return True
        if self.evaluation is None:
            return suspect.is_sure
        if suspect.kind == "entity":
            return _is_entity_confirmed(suspect, self.evaluation)
        return _is_drift_confirmed(suspect, self.evaluation)


def _is_entity_confirmed(suspect: Suspect, evaluation: ScoreCheck) -> bool:
    if evaluation.skill <= MIN_SKILL:
        return False
    if evaluation.skill_loss < suspect.thresholds.skill_loss:
        return False
    return evaluation.standard_errors >= suspect.thresholds.standard_errors


def _is_drift_confirmed(suspect: Suspect, evaluation: ScoreCheck) -> bool:
    if suspect.is_sure:  # the level moves so far that no past shows how far it will
        return True
    unexplained = 1 - evaluation.skill
    if suspect.level_share >= MIN_UNEXPLAINED_SHARE * unexplained:
        return True
    is_worse = evaluation.error_ratio >= MIN_DRIFT_ERROR_RATIO
    if suspect.kind == "faint_drift":
        min_errors = MIN_FAINT_DRIFT_STANDARD_ERRORS
        return is_worse and evaluation.standard_errors >= min_errors
    min_errors = MIN_DRIFT_STANDARD_ERRORS
    if suspect.level_share >= MIN_MOVED_SHARE:
        min_errors = MIN_MOVED_STANDARD_ERRORS
    has_lost = evaluation.skill_loss >= MIN_DRIFT_SKILL_LOSS
    return (is_worse or has_lost) and evaluation.standard_errors >= min_errors


def _reported(results: Sequence[_Result]) -> list[_Result]:
    """Return the confirmed results in the order of the report: of entities, one kind alone."""
    owners = [result for result in results if result.suspect.kind == "entity"]
    others = [result for result in results if result.suspect.kind != "entity"]
    if not owners:
        return others
    largest = max(result.skill_loss for result in owners)
    enough = FINEST_LOSS_SHARE * largest
    finest = [result for result in owners if result.skill_loss >= enough]
    chosen = max(finest, key=_fineness)
    n_leaks = sum(result.suspect.kind == "leak" for result in others)
    others.insert(n_leaks, chosen)
    return others


def _fineness(result: _Result) -> tuple[int, int]:
    """Return a sort key of entities: many of them, by few columns."""
    finding = result.suspect.finding
    return finding.count, -len(finding.columns)
