"""What one model of a trial costs: a fold model, and a refit that there is or that may come."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from automl.candidate import Outcome
from automl.models import holds_rows, is_boosted, is_forest
from automl.models.forest import kept_trees
from automl.study import Study
from automl.trial import Trial

REFIT_ROUNDS_FACTOR = 1.1  # rounds of a refit over those that early stopping found on fewer rows
_LEAST_TRAINING_SHARE = 0.5  # of the rows, in any fold


@dataclass(frozen=True)
class ModelCost:
    """What one model costs whoever predicts with it.

    Parameters
    ----------
    milliseconds : float
        For one row.
    n_bytes : float
        Of its part of the file.
    """

    milliseconds: float
    n_bytes: float


def fold_model_cost(trial: Trial) -> ModelCost:
    """Return the mean of a trial's fold models; of its refits if there are no others."""
    return _mean(trial.fold_outcomes or trial.refit_outcomes)


def refit_cost(study: Study, trial: Trial) -> ModelCost:
    """Return the mean of a trial's refits, or what one will cost by the fold models."""
    refits = trial.refit_outcomes
    if refits:
        return _mean(refits)
    model = fold_model_cost(trial)
    rounds = _rounds_growth(study, trial)
    rows = _rows_growth(study, trial)
    milliseconds = rounds * model.milliseconds
    if holds_rows(trial.family, study.extensions):
        milliseconds *= rows  # each of which is read for a prediction
    return ModelCost(milliseconds, rounds * rows * model.n_bytes)


def _mean(models: Sequence[Outcome]) -> ModelCost:
    if not models:
        return ModelCost(0.0, 0.0)
    milliseconds = statistics.mean(model.row_ms for model in models)
    n_bytes = statistics.mean(model.size for model in models)
    return ModelCost(milliseconds, n_bytes)


def _rounds_growth(study: Study, trial: Trial) -> float:
    """Return how many times as many rounds or trees a refit has as a fold model."""
    factor = 1.0 if trial.candidate.rounds else REFIT_ROUNDS_FACTOR
    if is_boosted(trial.family):
        return factor
    if not is_forest(trial.family):
        return 1.0
    counts = trial.fold_rounds
    if not counts:
        return 1.0
    n_trees = round(statistics.mean(counts))
    kept = kept_trees(n_trees, study.plan.models)
    return factor * n_trees / kept


def _rows_growth(study: Study, trial: Trial) -> float:
    """Return how many times as large a model is that is fitted on all rows."""
    family = trial.family
    if is_forest(family) or holds_rows(family, study.extensions):
        training_share = 1.0 - study.plan.held_share
        return 1.0 / max(_LEAST_TRAINING_SHARE, training_share)
    return 1.0
