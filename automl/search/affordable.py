"""Candidates that keep to a price: the best models with fewer rounds or trees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from automl.candidate import Candidate
from automl.model_costs import REFIT_ROUNDS_FACTOR
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
_SECONDS_MARGIN = 1.1
_ESTIMATE_MARGIN = 0.93  # since models of fewer rounds are a little larger than in proportion
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
    seconds: float = math.inf,
) -> list[Candidate]:
    """Return the best models with so few rounds or trees that one refit keeps to a price.

    Where it does, but leaves no room for another model, its variant uses up half of the price.

    Parameters
    ----------
    study : Study
    price : Price
    seconds : float
        Of one worker, in which all folds of all variants must be trained. If there is no such
        variant, the best model gets one with even fewer rounds.
    """
    variants = _missing_variants(study, price)
    chosen = []
    left = seconds
    for variant in variants:
        needed = _seconds(study, variant)
        if needed <= left:
            chosen.append(variant.candidate)
            left -= needed
    if chosen or not variants:
        return chosen
    quicker = _quicker(study, variants[0], seconds)
    return [quicker] if quicker else []


@dataclass(frozen=True)
class _Variant:
    """A smaller candidate than a trial's, of which a refit is a share of the size."""

    trial: Trial
    share: float
    candidate: Candidate


def _missing_variants(
    study: Study,
    price: Price,
) -> list[_Variant]:
    """Return those of the first variants that are not complete yet."""
    missing = []
    for variant in _variants(study, price)[:_MAX_CANDIDATES]:
        known = study.trials.get(variant.candidate.id)
        if known is None or not study.is_complete(known):
            missing.append(variant)
    return missing


def _variants(
    study: Study,
    price: Price,
) -> list[_Variant]:
    """Return all variants, those of the best models first; the same with refits and without."""
    tuned = [trial for trial in study.ranked_models if trial.candidate.origin != VARIANT_ORIGIN]
    found: dict[str, _Variant] = {}
    for trial in tuned[:_MAX_STUDIED]:
        growth = _ESTIMATE_MARGIN * growth_within(study, trial, price)
        if growth >= _MIN_GROWTH_BESIDE_OTHERS:
            continue
        share = growth if growth < 1 else growth / 2
        smaller = _smaller(trial, share)
        if smaller is not None:
            found[smaller.id] = _Variant(trial, share, smaller)
    return list(found.values())


def _seconds(
    study: Study,
    variant: _Variant,
) -> float:
    """Return the seconds of one worker that the folds of a variant take."""
    seconds = [outcome.seconds for outcome in variant.trial.fold_outcomes]
    mean = sum(seconds) / max(1, len(seconds))
    return _SECONDS_MARGIN * len(study.plan.splits) * mean * _share_of_rounds(variant)


def _share_of_rounds(variant: _Variant) -> float:
    """Return a variant's rounds as a share of those of the trial that it is made from."""
    candidate = variant.candidate
    if candidate.rounds is not None:
        return candidate.rounds / mean_rounds(variant.trial)
    of_trial = float(variant.trial.candidate.params["learning_rate"])
    return of_trial / float(candidate.params["learning_rate"])


def _quicker(
    study: Study,
    variant: _Variant,
    seconds: float,
) -> Candidate | None:
    """Return an even smaller variant, of which all folds are trained in time; None if none is."""
    needed = _seconds(study, variant)
    if seconds <= 0 or needed <= 0:
        return None
    share = variant.share * seconds / needed
    return _smaller(variant.trial, share)


def _smaller(
    trial: Trial,
    share: float,
) -> Candidate | None:
    """Return a variant of a trial's model that is a share of its size; None if there is none."""
    if not is_forest(trial.family):
        candidate = replace(trial.candidate, origin=VARIANT_ORIGIN)
        return fitted_to(candidate, trial, share)
    n_trees = math.floor(share * REFIT_ROUNDS_FACTOR * mean_rounds(trial))
    if n_trees < _MIN_TREES:
        return None
    params = {**trial.candidate.params, "n_estimators": n_trees}
    return replace(trial.candidate, params=params, origin=VARIANT_ORIGIN, rounds=n_trees)
