"""Candidates that keep to a price: the best models with fewer rounds or trees."""

from __future__ import annotations

import math
from dataclasses import replace

from automl.candidate import Candidate
from automl.models import is_forest
from automl.prediction_costs import growth_within
from automl.price import Price
from automl.search.rounds import fitted_to, mean_rounds
from automl.study import Study
from automl.trial import Trial

VARIANT_ORIGIN = "ensemble"  # the stage that proposes them
_MAX_STUDIED = 6  # of the best models, that are made smaller
_MAX_CANDIDATES = 4
_MIN_TREES = 10
# A model that could be no larger than this many times leaves no room for others.
_MIN_GROWTH_BESIDE_OTHERS = 2.0


def is_best_affordable(
    study: Study,
    price: Price,
) -> bool:
    """Return whether one refit of the best model, if there is one, keeps to a price."""
    if not study.ranked_models:
        return True
    best = study.ranked_models[0]
    return growth_within(study, best, price) >= 1


def affordable_variants(
    study: Study,
    price: Price,
) -> list[Candidate]:
    """Return the best models with so few rounds or trees that one refit keeps to a price.

    Where it does, but leaves no room for another model, its variant uses up half of the price.

    Parameters
    ----------
    study : Study
    price : Price
    """
    tuned = [trial for trial in study.ranked_models if trial.candidate.origin != VARIANT_ORIGIN]
    found: dict[str, Candidate] = {}
    for trial in tuned[:_MAX_STUDIED]:
        growth = growth_within(study, trial, price)
        if growth >= _MIN_GROWTH_BESIDE_OTHERS:
            continue
        share = growth if growth < 1 else growth / 2
        smaller = _smaller(trial, share)
        if smaller is None:
            continue
        known = study.trials.get(smaller.id)
        if known is None or not study.is_complete(known):
            found[smaller.id] = replace(smaller, origin=VARIANT_ORIGIN)
    variants = list(found.values())
    return variants[:_MAX_CANDIDATES]


def _smaller(
    trial: Trial,
    share: float,
) -> Candidate | None:
    """Return a variant of a trial's model that is a share of its size; None if there is none."""
    if not is_forest(trial.family):
        return fitted_to(trial.candidate, trial, share)
    n_trees = math.floor(share * mean_rounds(trial))
    if n_trees < _MIN_TREES:
        return None
    params = {**trial.candidate.params, "n_estimators": n_trees}
    return replace(trial.candidate, params=params, rounds=n_trees)
